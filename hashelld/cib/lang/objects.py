"""Reading nodes, resources and sets of properties."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import DEFAULT_SETS, Properties
from hashelld.cib.lang.attributes import (
    ATTRIBUTES,
    CONTAINER_SECTIONS,
    META,
    NODE_SECTIONS,
    OPERATIONS,
    PARAMS,
    PRIMITIVE_SECTIONS,
    UTILIZATION,
    read_operation,
    read_set,
)
from hashelld.cib.lang.cursor import SCORE_TOKEN, Cursor
from hashelld.cib.lang.tokens import Word
from hashelld.cib.lang.tree import Monitor
from hashelld.model.duration import parse_duration
from hashelld.model.ids import NodeId, ResourceId, is_id
from hashelld.model.node import Node
from hashelld.model.options import ROLES, STANDARDS, canonical_role
from hashelld.model.resource import Agent, AttributeSet, Clone, Group, Operation, Primitive, Template, with_value
from hashelld.model.score import parse_score


NODE_KINDS: Final = ("member", "remote", "normal", "ping")


class _Body:
    """The sections of an object, gathered while its words are read."""

    __slots__ = ("operations", "operations_id", "sets")

    def __init__(self) -> None:
        self.sets: dict[str, list[AttributeSet]] = {PARAMS: [], META: [], UTILIZATION: [], ATTRIBUTES: []}
        self.operations: list[Operation] = []
        self.operations_id: str | None = None

    def of(self, section: str) -> tuple[AttributeSet, ...]:
        return tuple(self.sets[section])


def read_node(cursor: Cursor) -> Node:
    """`node [NUMBER:] NAME[:KIND] [description=…] [attributes …] [utilization …]`."""
    number = cursor.take_option("$id")
    word = cursor.take("node name")
    if number is None and word.text.endswith(":") and len(word.text) > 1:
        number = word.text[:-1]
        word = cursor.take("node name")
    name, colon, kind = word.text.removeprefix("id=").partition(":")
    if not name or any(c.isspace() or not c.isprintable() for c in name):
        cursor.refuse(word, "bad-id", f"'{word.text}' is no node name")
    if colon and kind not in NODE_KINDS:
        cursor.refuse_unknown(word, kind, "node kind", NODE_KINDS)
    description = cursor.take_option("description")
    body = _read_body(cursor, NODE_SECTIONS, ATTRIBUTES)
    return Node(
        id=NodeId(name),
        number=number,
        kind=kind or None,
        description=description,
        attributes=body.of(ATTRIBUTES),
        utilization=body.of(UTILIZATION),
    )


def read_primitive(cursor: Cursor) -> Primitive:
    """`primitive ID (AGENT|@TEMPLATE) [description=…] [params …] [meta …] [utilization …] [op …]`."""
    name = cursor.take_id("resource id")
    word = cursor.take("agent")
    agent, template = None, None
    if word.text.startswith("@") and is_id(word.text[1:]):
        template = ResourceId(word.text[1:])
    else:
        agent = read_agent(cursor, word)
    description = cursor.take_option("description")
    body = _read_body(cursor, PRIMITIVE_SECTIONS, PARAMS)
    return Primitive(
        id=ResourceId(name.text),
        agent=agent,
        template=template,
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
        utilization=body.of(UTILIZATION),
        operations=tuple(body.operations),
        operations_id=body.operations_id,
    )


def read_template(cursor: Cursor) -> Template:
    """`rsc_template ID AGENT …`, otherwise like a primitive."""
    name = cursor.take_id("template id")
    agent = read_agent(cursor, cursor.take("agent"))
    description = cursor.take_option("description")
    body = _read_body(cursor, PRIMITIVE_SECTIONS, PARAMS)
    return Template(
        id=ResourceId(name.text),
        agent=agent,
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
        utilization=body.of(UTILIZATION),
        operations=tuple(body.operations),
        operations_id=body.operations_id,
    )


def read_agent(cursor: Cursor, word: Word) -> Agent:
    """`ocf:heartbeat:IPaddr2`, `systemd:nginx`, or a bare type, whose standard and provider stay empty."""
    standard, colon, rest = word.text.partition(":")
    if not colon:
        if "=" in standard or not standard:
            cursor.refuse(word, "incomplete", f"the agent is missing before '{word.text}'", "primitive ID AGENT …")
        return Agent("", "", standard)
    if standard not in STANDARDS:
        cursor.refuse_unknown(word, standard, "agent class", STANDARDS)
    provider, type_ = "", rest
    if standard == "ocf":
        provider, inner, type_ = rest.partition(":")
        if not inner:
            provider, type_ = "", rest
    if not type_ or (standard == "ocf" and ":" in type_) or any(c.isspace() for c in type_):
        cursor.refuse(word, "bad-agent", f"'{word.text}' is no agent", "write ocf:PROVIDER:TYPE or CLASS:TYPE")
    return Agent(standard, provider, type_)


def read_group(cursor: Cursor) -> Group:
    """`group ID MEMBER… [description=…] [params …] [meta …]`."""
    name = cursor.take_id("group id")
    members = [ResourceId(cursor.take_id("member").text)]
    while _is_plain(cursor, CONTAINER_SECTIONS):
        word = cursor.take_id("member")
        if word.text in members:
            cursor.refuse(word, "duplicate-member", f"'{word.text}' is listed twice")
        members.append(ResourceId(word.text))
    description = cursor.take_option("description")
    body = _read_body(cursor, CONTAINER_SECTIONS, PARAMS)
    return Group(
        id=ResourceId(name.text),
        members=tuple(members),
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
    )


def read_clone(cursor: Cursor) -> Clone:
    """`clone ID CHILD [description=…] [params …] [meta …]`."""
    name = cursor.take_id("clone id")
    child = cursor.take_id("resource to clone")
    if _is_plain(cursor, CONTAINER_SECTIONS):
        word = cursor.take("keyword")
        cursor.refuse(word, "unexpected-word", f"'{word.text}' is one too many: a clone has one child", "clone a group")
    description = cursor.take_option("description")
    body = _read_body(cursor, CONTAINER_SECTIONS, PARAMS)
    return Clone(
        id=ResourceId(name.text),
        child=ResourceId(child.text),
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
    )


def read_promotable(cursor: Cursor) -> Clone:
    """`ms ID CHILD …` (also `master`, `promotable`): a clone whose meta attribute promotable is true."""
    clone = read_clone(cursor)
    return msgspec.structs.replace(clone, meta=with_value(clone.meta, "promotable", "true"))


def read_properties(cursor: Cursor, kind: str) -> Properties:
    """`property [SET:] name=value…`, and the same for rsc_defaults and op_defaults."""
    word = cursor.next
    set_id = cursor.take_option("$id")
    if word is not None and word.text.startswith("$id-ref="):
        cursor.refuse(word, "not-supported", "references to other sets are not supported here yet")
    if set_id is None and word is not None and SCORE_TOKEN.match(word.text):
        named = word.text[:-1]
        if is_id(named) or parse_score(named) is None:
            set_id = cursor.take("set id").text[:-1]
    if set_id is not None and not is_id(set_id):
        cursor.refuse(word or cursor.last, "bad-id", f"'{set_id}' is no set id")
    return Properties(id=set_id or DEFAULT_SETS[kind], kind=kind, set=read_set(cursor, frozenset()))


def read_monitor(cursor: Cursor) -> Monitor:
    """`monitor RESOURCE[:ROLE] INTERVAL[:TIMEOUT]`."""
    target = cursor.take("resource")
    name, colon, role_text = target.text.partition(":")
    if not is_id(name):
        cursor.refuse(target, "bad-id", f"'{name}' is no resource id")
    role = canonical_role(role_text)
    if colon and role is None:
        cursor.refuse_unknown(target, role_text, "role", ROLES)
    times = cursor.take("interval")
    interval, colon, timeout = times.text.partition(":")
    for span in (interval, timeout) if colon else (interval,):
        if parse_duration(span) is None:
            cursor.refuse(times, "bad-duration", f"'{span}' is no time", "write 10s or 10s:20s (interval:timeout)")
    cursor.finish()
    return Monitor(id=ResourceId(name), role=role, interval=interval, timeout=timeout or None)


def _is_plain(cursor: Cursor, keywords: frozenset[str]) -> bool:
    word = cursor.next
    return (
        word is not None
        and cursor.peek_keyword(keywords) is None
        and "=" not in word.text
        and SCORE_TOKEN.match(word.text) is None
        and not word.text.startswith("@")
        and not cursor.peek_keyword(("rule",))
    )


def _read_body(cursor: Cursor, keywords: frozenset[str], first: str) -> _Body:
    body = _Body()
    if cursor.next is not None and cursor.peek_keyword(keywords) is None:
        body.sets[first].append(read_set(cursor, keywords))
    while cursor.next is not None:
        section = cursor.take_keyword(keywords)
        if section is None:
            cursor.finish()
        elif section == "op":
            body.operations.append(read_operation(cursor, keywords))
        elif section == OPERATIONS:
            _read_operations_id(cursor, body)
        else:
            body.sets[section].append(read_set(cursor, keywords))
    return body


def _read_operations_id(cursor: Cursor, body: _Body) -> None:
    if cursor.next is not None and cursor.next.text.startswith("$id-ref="):
        cursor.refuse(cursor.next, "not-supported", "shared operations are not supported yet")
    body.operations_id = cursor.take_option("$id")
    if body.operations_id is None:
        cursor.refuse(cursor.last, "incomplete", "$id=NAME is missing after 'operations'")
