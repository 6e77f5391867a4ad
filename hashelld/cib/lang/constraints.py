"""Reading location, colocation, order and ticket constraints."""

from __future__ import annotations

import re
from typing import Final, NoReturn

import msgspec

from hashelld.cib.lang.cursor import Cursor
from hashelld.cib.lang.rules import plain_score, read_rule_score, read_rules
from hashelld.cib.lang.sets import REQUIRE_ALL, Member, SetReader
from hashelld.cib.lang.tokens import Word
from hashelld.model.constraint import Colocation, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.ids import ConstraintId, NodeId, ResourceId, is_id
from hashelld.model.options import parse_boolean
from hashelld.model.score import parse_score


KINDS: Final = ("Mandatory", "Optional", "Serialize")
LOCATION_OPTIONS: Final = ("resource-discovery",)
DISCOVERY: Final = ("always", "never", "exclusive")
COLOCATION_OPTIONS: Final = ("node-attribute", "influence")
LOSS_POLICIES: Final = ("stop", "demote", "fence", "freeze")
_PATTERN: Final = re.compile(r"/(.*)/\Z", re.DOTALL)

_Options = tuple[tuple[str, str], ...]


class _Option(msgspec.Struct, frozen=True):
    """`name=value` behind the members of a constraint."""

    name: str
    value: str
    word: Word


def read_location(cursor: Cursor) -> Location:
    """`location ID RESOURCE [role=ROLE] [resource-discovery=WHEN] (SCORE: NODE | rule …)`.

    In the place of the resource: a pattern `/REGEX/`, or a set `{ RESOURCE… }`.
    """
    name = cursor.take_id("constraint id")
    resource, pattern, sets = _read_located(cursor)
    role, options = _read_location_options(cursor)
    rules = read_rules(cursor)
    score, node = None, None
    if not rules:
        score = _take_score(cursor, "location ID RESOURCE SCORE: NODE, or rule …")
        node = cursor.take("node")
        if role is None and cursor.next is not None:
            word = cursor.take("role")
            role = cursor.role(word, word.text)
    cursor.finish()
    return Location(
        id=ConstraintId(name.text),
        resource=resource,
        pattern=pattern,
        sets=sets,
        node=NodeId(node.text) if node is not None else None,
        score=score,
        rules=rules,
        role=role,
        options=options,
    )


def _read_located(cursor: Cursor) -> tuple[ResourceId | None, str | None, tuple[ResourceSet, ...]]:
    word = cursor.next
    if word is not None and not word.is_quoted and word.text.startswith("{"):
        reader = SetReader(cursor)
        opening = word
        reader.read("}")
        reader.check_sets()
        if not cursor.take_keyword(("}",)):
            cursor.refuse(opening, "unclosed-bracket", "the brace { is never closed")
        if not reader.sets:
            cursor.report(opening, "empty-set", "there is nothing in the braces { }")
        return None, None, tuple(reader.sets)
    word = cursor.take("resource")
    found = _PATTERN.match(word.text)
    if found is not None:
        if not found[1]:
            cursor.report(word, "bad-pattern", "the pattern // is empty", "write /web.*/")
        return None, found[1], ()
    if word.text.startswith("/"):
        cursor.report(word, "bad-pattern", "a pattern ends with /", "write /web.*/")
    elif not is_id(word.text):
        cursor.report(word, "bad-id", f"'{word.text}' is no resource id", "a set is written { a b }")
    return ResourceId(word.text), None, ()


def _read_location_options(cursor: Cursor) -> tuple[str | None, _Options]:
    role: str | None = None
    options: list[tuple[str, str]] = []
    while cursor.next is not None and "=" in cursor.next.text and not cursor.next.text.endswith(":"):
        word = cursor.take("option")
        option, _, value = word.text.removeprefix("$").partition("=")
        if option == "role":
            role = cursor.role(word, value)
        elif option not in LOCATION_OPTIONS:
            cursor.report_unknown(word, option, "location option", ("role", *LOCATION_OPTIONS))
        elif value not in DISCOVERY:
            cursor.report_unknown(word, value, "resource-discovery", DISCOVERY)
        else:
            options.append((option, value))
    return role, tuple(options)


def read_colocation(cursor: Cursor) -> Colocation:
    """`colocation ID SCORE: RESOURCE[:ROLE] WITH[:ROLE] [node-attribute=NAME]`, or sets instead of the two."""
    name = cursor.take_id("constraint id")
    word = cursor.next
    score, attribute = read_rule_score(cursor)
    if word is None or (score is None and attribute is None):
        _refuse_missing_score(cursor, "colocation ID SCORE: RESOURCE WITH-RESOURCE")
    reader, two = _read_ends(cursor, "resource", "resource to be with")
    given = _read_options(cursor, COLOCATION_OPTIONS, "colocation option")
    options = tuple((one.name, one.value) for one in given)
    if attribute is not None:
        options = (("score-attribute", attribute), *options)
    if two is None:
        return Colocation(id=ConstraintId(name.text), score=score, sets=tuple(reader.sets), options=options)
    first, second = two
    return Colocation(
        id=ConstraintId(name.text),
        score=score,
        resource=first.name,
        with_resource=second.name,
        role=_unless_number(first),
        with_role=_unless_number(second),
        options=(*_instance(first, "rsc-instance"), *_instance(second, "with-rsc-instance"), *options),
    )


def read_order(cursor: Cursor) -> Order:
    """`order ID [KIND:] FIRST[:ACTION] THEN[:ACTION] [symmetrical=BOOL]`, or sets instead of the two."""
    name = cursor.take_id("constraint id")
    kind = _take_kind(cursor)
    reader, two = _read_ends(cursor, "first resource", "second resource", is_action=True)
    symmetrical: bool | None = None
    options: list[tuple[str, str]] = []
    for one in _read_options(cursor, ("symmetrical", REQUIRE_ALL), "order option"):
        flag = parse_boolean(one.value)
        if flag is None:
            cursor.report(one.word, "bad-value", f"{one.name} expects true or false, not '{one.value}'")
        if one.name == "symmetrical":
            symmetrical = flag
        else:
            options.append((one.name, one.value))
    if two is None:
        return Order(
            id=ConstraintId(name.text),
            kind=kind,
            sets=tuple(reader.sets),
            symmetrical=symmetrical,
            options=tuple(options),
        )
    first, then = two
    return Order(
        id=ConstraintId(name.text),
        first=first.name,
        then=then.name,
        kind=kind,
        first_action=_unless_number(first),
        then_action=_unless_number(then),
        symmetrical=symmetrical,
        options=(*_instance(first, "first-instance"), *_instance(then, "then-instance"), *options),
    )


def read_ticket(cursor: Cursor) -> TicketConstraint:
    """`rsc_ticket ID TICKET: RESOURCE[:ROLE]… [loss-policy=stop|demote|fence|freeze]`."""
    name = cursor.take_id("constraint id")
    word = cursor.take("ticket")
    ticket = word.text.removesuffix(":")
    if not ticket or ticket == word.text:
        cursor.report(word, "missing-ticket", f"'{word.text}' is no ticket", "rsc_ticket ID TICKET: RESOURCE")
    reader = SetReader(cursor)
    if cursor.next is None:
        cursor.take("resource")
    reader.read()
    loss_policy: str | None = None
    for option in _read_options(cursor, ("loss-policy",), "ticket option"):
        loss_policy = next((policy for policy in LOSS_POLICIES if policy == option.value.lower()), None)
        if loss_policy is None:
            cursor.report_unknown(option.word, option.value, "loss-policy", LOSS_POLICIES)
    if reader.is_set or len(reader.plain) != 1:
        reader.check_sets()
        _demand_members(cursor, reader)
        return TicketConstraint(
            id=ConstraintId(name.text), ticket=ticket, sets=tuple(reader.sets), loss_policy=loss_policy
        )
    one = reader.plain[0]
    return TicketConstraint(
        id=ConstraintId(name.text),
        ticket=ticket,
        resource=one.name,
        role=_unless_number(one),
        loss_policy=loss_policy,
        options=_instance(one, "rsc-instance"),
    )


def _read_ends(
    cursor: Cursor, first: str, second: str, *, is_action: bool = False
) -> tuple[SetReader, tuple[Member, Member] | None]:
    """The members, and the two of them when the constraint is a simple one."""
    reader = SetReader(cursor, is_action=is_action)
    word = cursor.next
    if word is None or "=" in word.text:
        cursor.refuse(word or cursor.last, "incomplete", f"the {first} is missing {_where(word, cursor)}")
    reader.read()
    if reader.is_set or len(reader.plain) > 2:
        reader.check_sets()
        _demand_members(cursor, reader)
        return reader, None
    if len(reader.plain) < 2:
        word = cursor.next
        cursor.refuse(word or cursor.last, "incomplete", f"the {second} is missing {_where(word, cursor)}")
    return reader, (reader.plain[0], reader.plain[1])


def _where(word: Word | None, cursor: Cursor) -> str:
    return f"before '{word.text}'" if word is not None else f"after '{cursor.last.text}'"


def _demand_members(cursor: Cursor, reader: SetReader) -> None:
    if not reader.sets:
        cursor.report(cursor.last, "incomplete", f"resources are missing after '{cursor.last.text}'")


def _read_options(cursor: Cursor, known: tuple[str, ...], what: str) -> list[_Option]:
    options: list[_Option] = []
    while (word := cursor.next) is not None:
        option, equals, value = word.text.partition("=")
        if not equals:
            cursor.refuse(word, "unexpected-word", f"'{word.text}' is not expected behind the options")
        cursor.take("option")
        if option in known:
            options.append(_Option(option, value, word))
        else:
            cursor.report_unknown(word, option, what, known)
    return options


def _unless_number(member: Member) -> str | None:
    return None if member.detail is None or member.detail.isdigit() else member.detail


def _instance(member: Member, option: str) -> _Options:
    return ((option, member.detail),) if member.detail is not None and member.detail.isdigit() else ()


def _take_kind(cursor: Cursor) -> str | None:
    word = cursor.next
    text = cursor.take_score()
    if text is None or word is None:
        return None
    kind = next((k for k in KINDS if k.lower() == text.lower()), None)
    if kind is not None:
        return kind
    score = parse_score(text)
    if score is None:
        cursor.report_unknown(word, text, "order kind", KINDS)
    return "Optional" if score == 0 else "Mandatory"


def _take_score(cursor: Cursor, usage: str) -> str:
    word = cursor.next
    text = cursor.take_score()
    if word is None or text is None:
        _refuse_missing_score(cursor, usage)
    if parse_score(text) is None:
        cursor.report(word, "bad-score", f"'{text}' is no score", "a whole number, inf or -inf")
    return plain_score(text)


def _refuse_missing_score(cursor: Cursor, usage: str) -> NoReturn:
    cursor.refuse(cursor.next or cursor.last, "missing-score", "a score such as 100: or inf: is missing", usage)
