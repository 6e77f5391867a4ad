"""Reading fencing topologies, alerts, and who has which access role."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hashelld.cib.lang.attributes import ATTRIBUTES, META, Body, read_set
from hashelld.cib.lang.cursor import Cursor
from hashelld.cib.lang.tokens import Word
from hashelld.model.administration import AclTarget, Alert, FencingLevel, Recipient, Topology
from hashelld.model.ids import NodeId, ResourceId, is_account, is_id
from hashelld.model.written import layout_of


EVENTS: Final = ("nodes", "fencing", "resources", "attributes")
SELECT, TO = "select", "to"
_RECIPIENT_SECTIONS: Final = frozenset({ATTRIBUTES, META})
_ALERT_SECTIONS: Final = frozenset({ATTRIBUTES, META, SELECT, TO})
_INDEX: Final = re.compile(r"(\d+):(.+)\Z", re.DOTALL)


class _Target(msgspec.Struct, frozen=True):
    """Whom fencing levels are for; nobody is named: every node."""

    node: str | None = None
    pattern: str | None = None
    attribute: str | None = None
    value: str | None = None


def read_topology(cursor: Cursor) -> Topology:
    """`fencing_topology [TARGET] DEVICES… [TARGET DEVICES…]…`.

    A target is `NODE:`, `pattern:REGEX` or `attr:NAME=VALUE`; devices with commas between them are one level. Beyond
    crmsh's language, a level may be written with its number: `3:DEVICES`.
    """
    target = _Target()
    opening: Word | None = None
    levels: list[FencingLevel] = []
    counts: dict[_Target, int] = {}
    level_id: str | None = None
    while cursor.next is not None:
        level_id = cursor.take_option("$id")
        word = cursor.take("fencing device")
        aim = _read_target(cursor, word)
        if aim is None:
            index, devices = _read_devices(cursor, word, counts.get(target, 0) + 1)
            counts[target] = int(index)
            levels.append(_level(target, index, devices, level_id))
            opening = None
            continue
        if opening is not None:
            cursor.report(opening, "incomplete", f"fencing devices are missing after '{opening.text}'")
        target, opening = aim, word
    if opening is not None or not levels:
        word = opening or cursor.last
        cursor.report(word, "incomplete", f"fencing devices are missing after '{word.text}'", "NODE: DEVICE")
    return Topology(levels=tuple(levels))


def _read_target(cursor: Cursor, word: Word) -> _Target | None:
    text = word.text
    if text.startswith("attr:"):
        name, equals, value = text[5:].partition("=")
        if not name or not equals:
            cursor.report(word, "bad-target", f"'{text}' is no target", "write attr:NAME=VALUE")
        return _Target(attribute=name, value=value)
    if text.startswith("pattern:"):
        if text == "pattern:":
            cursor.report(word, "bad-target", "the pattern is empty", "write pattern:REGEX")
        return _Target(pattern=text[8:])
    return _Target(node=text[:-1]) if text.endswith(":") and len(text) > 1 else None


def _read_devices(cursor: Cursor, word: Word, index: int) -> tuple[str, tuple[ResourceId, ...]]:
    numbered = _INDEX.match(word.text)
    names = (numbered[2] if numbered else word.text).split(",")
    for name in names:
        if not is_id(name):
            hint = "DEVICE,DEVICE is one level, DEVICE DEVICE are two"
            cursor.report(word, "bad-id", f"'{name}' is no fencing device's id", hint)
    return (numbered[1] if numbered else str(index)), tuple(ResourceId(name) for name in names)


def _level(target: _Target, index: str, devices: tuple[ResourceId, ...], level_id: str | None) -> FencingLevel:
    return FencingLevel(
        index=index,
        devices=devices,
        target=NodeId(target.node) if target.node is not None else None,
        pattern=target.pattern,
        attribute=target.attribute,
        value=target.value,
        id=level_id,
    )


def read_alert(cursor: Cursor) -> Alert:
    """`alert ID PATH [description=…] [attributes …] [meta …] [select …] [to RECIPIENT…]…`."""
    name = cursor.take_id("alert id")
    path = cursor.take("path of the alert's program")
    description = cursor.take_option("description")
    body = Body()
    order: list[str] = []
    select: list[str] = []
    names: list[str] = []
    recipients: list[Recipient] = []
    while (word := cursor.next) is not None:
        section = cursor.take_keyword(_ALERT_SECTIONS)
        if section is None:
            cursor.refuse(word, "unexpected-word", f"'{word.text}' is not expected here", "to RECIPIENT, meta, select")
        if section == SELECT:
            _read_select(cursor, select, names)
        elif section == TO:
            recipients.append(_read_recipient(cursor))
        else:
            body.add(section, read_set(cursor, _ALERT_SECTIONS))
        if section not in order or section != SELECT:
            order.append(section)
    return Alert(
        id=name.text,
        path=path.text,
        description=description,
        params=body.of(ATTRIBUTES),
        meta=body.of(META),
        select=tuple(select),
        attributes=tuple(names),
        recipients=tuple(recipients),
        layout=layout_of(order),
    )


def _read_select(cursor: Cursor, select: list[str], names: list[str]) -> None:
    opening = cursor.last
    count = len(select)
    while (word := cursor.next) is not None and (event := cursor.peek_keyword(EVENTS)) is not None:
        brace = cursor.peek(1)
        if event == ATTRIBUTES and (brace is None or brace.is_quoted or brace.text != "{"):
            break  # It begins the section of that name.
        cursor.take("kind of event")
        if event in select:
            cursor.report(word, "duplicate-name", f"'{event}' is given twice")
        select.append(event)
        if event == ATTRIBUTES:
            names.extend(_read_braces(cursor))
    if len(select) == count:
        cursor.report(opening, "incomplete", "kinds of events are missing after 'select'", ", ".join(EVENTS))


def _read_braces(cursor: Cursor) -> list[str]:
    opening = cursor.take("brace")
    names: list[str] = []
    while not cursor.take_keyword(("}",)):
        if cursor.next is None:
            cursor.refuse(opening, "unclosed-bracket", "the brace { is never closed")
        names.append(cursor.take("node attribute").text)
    return names


def _read_recipient(cursor: Cursor) -> Recipient:
    opening = cursor.next
    is_braced = cursor.take_keyword(("{",)) is not None
    recipient_id = cursor.take_option("$id")
    value = cursor.take("recipient")
    ends = _ALERT_SECTIONS | {"}"}
    description = cursor.take_option("description")
    body = Body()
    while (section := cursor.take_keyword(_RECIPIENT_SECTIONS)) is not None:
        body.add(section, read_set(cursor, ends))
    if is_braced and opening is not None and not cursor.take_keyword(("}",)):
        cursor.refuse(opening, "unclosed-bracket", "the brace { is never closed")
    return Recipient(
        value=value.text,
        id=recipient_id,
        description=description,
        params=body.of(ATTRIBUTES),
        meta=body.of(META),
    )


def read_acl_target(cursor: Cursor, *, is_group: bool = False) -> AclTarget:
    """`acl_target USER [name=ACCOUNT] ROLE…`, and the same for acl_group."""
    target = cursor.take("name of a group" if is_group else "name of a user")
    account = target.text.removeprefix("id=")
    if not is_account(account):
        cursor.report(target, "bad-id", f"'{account}' is no name of an account")
    name = cursor.take_option("name")
    roles: list[str] = []
    while cursor.next is not None:
        role = cursor.take_id("role id")
        if role.text in roles:
            cursor.report(role, "duplicate-member", f"'{role.text}' is listed twice")
        roles.append(role.text)
    return AclTarget(id=account, roles=tuple(roles), is_group=is_group, name=name)
