"""Reading location, colocation and order constraints."""

from __future__ import annotations

from typing import Final

from hashelld.cib.lang.attributes import refuse_rule
from hashelld.cib.lang.cursor import Cursor
from hashelld.cib.lang.tokens import Word
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.ids import ConstraintId, NodeId, ResourceId, is_id
from hashelld.model.options import ROLES, canonical_role, parse_boolean
from hashelld.model.score import INFINITY, parse_score


ACTIONS: Final = ("start", "stop", "promote", "demote")
KINDS: Final = ("Mandatory", "Optional", "Serialize")
LOCATION_OPTIONS: Final = ("resource-discovery",)
DISCOVERY: Final = ("always", "never", "exclusive")
COLOCATION_OPTIONS: Final = ("node-attribute", "influence")
_BRACKETS: Final = "()[]{}"


def read_location(cursor: Cursor) -> Location:
    """`location ID RESOURCE [role=ROLE] [resource-discovery=WHEN] SCORE: NODE`."""
    name = cursor.take_id("constraint id")
    resource = cursor.take("resource")
    _refuse_set(cursor, resource)
    if resource.text.startswith("/"):
        cursor.refuse(resource, "not-supported", "resource patterns are not supported yet")
    _check_id(cursor, resource, resource.text)
    role, options = _read_location_options(cursor)
    refuse_rule(cursor)
    score = _take_score(cursor, "location ID RESOURCE SCORE: NODE")
    node = cursor.take("node")
    if role is None and cursor.next is not None:
        role = _role(cursor, cursor.take("role"), None)
    cursor.finish()
    return Location(
        id=ConstraintId(name.text),
        resource=ResourceId(resource.text),
        node=NodeId(node.text),
        score=score,
        role=role,
        options=options,
    )


def _read_location_options(cursor: Cursor) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    role: str | None = None
    options: list[tuple[str, str]] = []
    while cursor.next is not None and "=" in cursor.next.text and not cursor.next.text.endswith(":"):
        word = cursor.take("option")
        option, _, value = word.text.removeprefix("$").partition("=")
        if option == "role":
            role = _role(cursor, word, value)
        elif option not in LOCATION_OPTIONS:
            cursor.refuse_unknown(word, option, "location option", ("role", *LOCATION_OPTIONS))
        elif value not in DISCOVERY:
            cursor.refuse_unknown(word, value, "resource-discovery", DISCOVERY)
        else:
            options.append((option, value))
    return role, tuple(options)


def read_colocation(cursor: Cursor) -> Colocation:
    """`colocation ID SCORE: RESOURCE[:ROLE] WITH[:ROLE] [node-attribute=NAME]`."""
    name = cursor.take_id("constraint id")
    score = _take_score(cursor, "colocation ID SCORE: RESOURCE WITH-RESOURCE")
    resource, role_word = _take_reference(cursor, "resource")
    with_resource, with_word = _take_reference(cursor, "resource to be with")
    options: list[tuple[str, str]] = []
    while (word := cursor.next) is not None:
        option, equals, value = word.text.partition("=")
        if not equals:
            _refuse_third(cursor, word)
        if option not in COLOCATION_OPTIONS:
            cursor.refuse_unknown(word, option, "colocation option", COLOCATION_OPTIONS)
        cursor.take("option")
        options.append((option, value))
    return Colocation(
        id=ConstraintId(name.text),
        score=score,
        resource=ResourceId(resource.text),
        with_resource=ResourceId(with_resource.text),
        role=_role(cursor, role_word, role_word.text) if role_word else None,
        with_role=_role(cursor, with_word, with_word.text) if with_word else None,
        options=tuple(options),
    )


def read_order(cursor: Cursor) -> Order:
    """`order ID [KIND:] FIRST[:ACTION] THEN[:ACTION] [symmetrical=BOOL]`."""
    name = cursor.take_id("constraint id")
    kind = _take_kind(cursor)
    first, first_action = _take_reference(cursor, "first resource")
    then, then_action = _take_reference(cursor, "second resource")
    symmetrical: bool | None = None
    while (word := cursor.next) is not None:
        option, equals, value = word.text.partition("=")
        if not equals:
            _refuse_third(cursor, word)
        if option in ("sequential", "require-all"):
            cursor.refuse(word, "not-supported", "resource sets are not supported yet")
        if option != "symmetrical":
            cursor.refuse_unknown(word, option, "order option", ("symmetrical",))
        symmetrical = parse_boolean(value)
        if symmetrical is None:
            cursor.refuse(word, "bad-value", f"symmetrical expects true or false, not '{value}'")
        cursor.take("option")
    return Order(
        id=ConstraintId(name.text),
        first=ResourceId(first.text),
        then=ResourceId(then.text),
        kind=kind,
        first_action=_action(cursor, first_action),
        then_action=_action(cursor, then_action),
        symmetrical=symmetrical,
    )


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
        cursor.refuse_unknown(word, text, "order kind", KINDS)
    return "Optional" if score == 0 else "Mandatory"


def _take_score(cursor: Cursor, usage: str) -> str:
    word = cursor.next
    text = cursor.take_score()
    if word is None or text is None:
        cursor.refuse(word or cursor.last, "missing-score", "a score such as 100: or inf: is missing", usage)
    score = parse_score(text)
    if score is None:
        cursor.refuse(word, "bad-score", f"'{text}' is no score", "a whole number, inf or -inf")
    if not text.lstrip("+-").isdigit():
        return "inf" if score >= INFINITY else "-inf" if score <= -INFINITY else str(score)
    return text


def _take_reference(cursor: Cursor, wanted: str) -> tuple[Word, Word | None]:
    """A resource, and the word behind its colon."""
    word = cursor.take(wanted)
    _refuse_set(cursor, word)
    name, colon, detail = word.text.partition(":")
    if colon and not name:
        cursor.refuse(word, "bad-id", f"'{word.text}' names no resource")
    if "=" in word.text:
        cursor.refuse(word, "incomplete", f"the {wanted} is missing before '{word.text}'")
    _check_id(cursor, word, name)
    place = Word(name, word.line, word.column, word.length, word.is_quoted)
    if not colon:
        return place, None
    if detail.isdigit():
        cursor.refuse(word, "not-supported", "single instances of a clone cannot be constrained")
    at = word.column + len(name) + 1
    return place, Word(detail, word.line, at, max(1, len(detail)))


def _check_id(cursor: Cursor, word: Word, name: str) -> None:
    if not is_id(name):
        cursor.refuse(word, "bad-id", f"'{name}' is no resource id")


def _role(cursor: Cursor, word: Word, text: str | None) -> str:
    role = canonical_role(word.text if text is None else text)
    if role is None:
        cursor.refuse_unknown(word, word.text if text is None else text, "role", ROLES)
    return role


def _action(cursor: Cursor, word: Word | None) -> str | None:
    if word is None:
        return None
    if word.text.lower() not in ACTIONS:
        cursor.refuse_unknown(word, word.text, "action", ACTIONS)
    return word.text.lower()


def _refuse_set(cursor: Cursor, word: Word) -> None:
    if word.text[:1] and (word.text[0] in _BRACKETS or word.text[-1] in _BRACKETS):
        cursor.refuse(
            word, "not-supported", "resource sets are not supported yet", "write one constraint for each pair"
        )


def _refuse_third(cursor: Cursor, word: Word) -> None:
    cursor.refuse(
        word,
        "not-supported",
        "resource sets (more than two resources) are not supported yet",
        "write one for each pair",
    )
