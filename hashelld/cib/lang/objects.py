"""Reading nodes, primitives, templates, groups, clones, tags and sets of properties."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import DEFAULT_SETS, Properties
from hashelld.cib.lang.attributes import (
    ATTRIBUTES,
    CONTAINER_SECTIONS,
    META,
    NODE_SECTIONS,
    PARAMS,
    PRIMITIVE_SECTIONS,
    UTILIZATION,
    Body,
    read_set,
)
from hashelld.cib.lang.cursor import SCORE_TOKEN, Cursor
from hashelld.cib.lang.rules import RULE
from hashelld.cib.lang.tokens import Word
from hashelld.cib.lang.tree import Monitor
from hashelld.model.duration import parse_duration
from hashelld.model.ids import NodeId, ResourceId, is_id
from hashelld.model.node import Node
from hashelld.model.options import STANDARDS
from hashelld.model.resource import Agent, Clone, Group, Primitive, Tag, Template, with_value
from hashelld.model.score import parse_score


NODE_KINDS: Final = ("member", "remote", "normal", "ping")


def read_node(cursor: Cursor) -> Node:
    """`node [NUMBER:] NAME[:KIND] [description=…] [attributes …] [utilization …]`."""
    number = cursor.take_option("$id")
    word = cursor.take("node name")
    if number is None and word.text.endswith(":") and len(word.text) > 1:
        number = word.text[:-1]
        word = cursor.take("node name")
    name, colon, kind = word.text.removeprefix("id=").partition(":")
    if not name or any(c.isspace() or not c.isprintable() for c in name):
        cursor.report(word, "bad-id", f"'{word.text}' is no node name")
    if colon and kind not in NODE_KINDS:
        cursor.report_unknown(word, kind, "node kind", NODE_KINDS)
    description = cursor.take_option("description")
    score = cursor.take_option("$score")
    body = Body()
    body.read(cursor, NODE_SECTIONS, ATTRIBUTES)
    return Node(
        id=NodeId(name),
        number=number,
        kind=kind or None,
        description=description,
        score=score,
        attributes=body.of(ATTRIBUTES),
        utilization=body.of(UTILIZATION),
        layout=body.layout,
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
    body = Body()
    body.read(cursor, PRIMITIVE_SECTIONS, PARAMS)
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
        operations_ref=body.operations_ref,
        layout=body.layout,
    )


def read_template(cursor: Cursor) -> Template:
    """`rsc_template ID AGENT …`, otherwise like a primitive."""
    name = cursor.take_id("template id")
    word = cursor.take("agent")
    if word.text.startswith("@"):
        cursor.report(word, "bad-agent", f"'{word.text}' is no agent, and a template has no template", "CLASS:TYPE")
    agent = read_agent(cursor, word)
    description = cursor.take_option("description")
    body = Body()
    body.read(cursor, PRIMITIVE_SECTIONS, PARAMS)
    return Template(
        id=ResourceId(name.text),
        agent=agent,
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
        utilization=body.of(UTILIZATION),
        operations=tuple(body.operations),
        operations_id=body.operations_id,
        operations_ref=body.operations_ref,
        layout=body.layout,
    )


def read_agent(cursor: Cursor, word: Word) -> Agent:
    """`ocf:heartbeat:IPaddr2`, `systemd:nginx`, or a bare type, whose standard and provider stay empty."""
    standard, colon, rest = word.text.partition(":")
    if not colon:
        if ("=" in standard and not word.is_quoted) or not standard:
            cursor.refuse(word, "incomplete", f"the agent is missing before '{word.text}'", "primitive ID AGENT …")
        return Agent("", "", standard)
    if standard not in STANDARDS:
        cursor.report_unknown(word, standard, "agent class", STANDARDS)
    provider, type_ = "", rest
    if standard == "ocf":
        provider, inner, type_ = rest.partition(":")
        if not inner:
            provider, type_ = "", rest
        elif not provider:
            type_ = ""
    if not type_ or (standard == "ocf" and ":" in type_) or any(c.isspace() for c in type_):
        cursor.report(word, "bad-agent", f"'{word.text}' is no agent", "write ocf:PROVIDER:TYPE or CLASS:TYPE")
    return Agent(standard, provider, type_)


def read_group(cursor: Cursor) -> Group:
    """`group ID MEMBER… [description=…] [params …] [meta …]`."""
    name = cursor.take_id("group id")
    members = [ResourceId(cursor.take_id("member").text)]
    while _is_plain(cursor, CONTAINER_SECTIONS):
        word = cursor.take_id("member")
        if word.text in members:
            cursor.report(word, "duplicate-member", f"'{word.text}' is listed twice")
        members.append(ResourceId(word.text))
    description = cursor.take_option("description")
    body = Body()
    body.read(cursor, CONTAINER_SECTIONS, PARAMS)
    return Group(
        id=ResourceId(name.text),
        members=tuple(members),
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
        layout=body.layout,
    )


def read_clone(cursor: Cursor) -> Clone:
    """`clone ID CHILD [description=…] [params …] [meta …]`."""
    name = cursor.take_id("clone id")
    child = cursor.take_id("resource to clone")
    if _is_plain(cursor, CONTAINER_SECTIONS):
        word = cursor.take("keyword")
        cursor.refuse(word, "unexpected-word", f"'{word.text}' is one too many: a clone has one child", "clone a group")
    description = cursor.take_option("description")
    body = Body()
    body.read(cursor, CONTAINER_SECTIONS, PARAMS)
    return Clone(
        id=ResourceId(name.text),
        child=ResourceId(child.text),
        description=description,
        params=body.of(PARAMS),
        meta=body.of(META),
        layout=body.layout,
    )


def read_master(cursor: Cursor) -> Clone:
    """`ms ID CHILD …` (also `master`): a promotable clone in the old spelling."""
    return msgspec.structs.replace(read_clone(cursor), is_master=True)


def read_promotable(cursor: Cursor) -> Clone:
    """`promotable ID CHILD …`: a clone whose meta attribute promotable is true."""
    clone = read_clone(cursor)
    return msgspec.structs.replace(clone, meta=with_value(clone.meta, "promotable", "true"))


def read_tag(cursor: Cursor) -> Tag:
    """`tag ID[:] OBJECT…`."""
    word = cursor.take("tag id")
    name = word.text.removeprefix("id=").removesuffix(":")
    if not is_id(name):
        cursor.report(word, "bad-id", f"'{name}' is no tag id", "a letter or _, then letters, digits, _ . -")
    members: list[str] = []
    first = cursor.take("tagged object")
    for member in (first, *_rest(cursor)):
        if not member.text or "=" in member.text or any(c.isspace() for c in member.text):
            cursor.report(member, "bad-id", f"'{member.text}' is no object's id")
        if member.text in members:
            cursor.report(member, "duplicate-member", f"'{member.text}' is listed twice")
        members.append(member.text)
    return Tag(id=name, members=tuple(members))


def _rest(cursor: Cursor) -> list[Word]:
    words: list[Word] = []
    while cursor.next is not None:
        words.append(cursor.take("word"))
    return words


def read_properties(cursor: Cursor, kind: str) -> Properties:
    """`property [SET:] [rule …] name=value…`, and the same for rsc_defaults and op_defaults.

    A set that refers to another one (`$id-ref=SET`) has an id made from that one's and its kind.
    """
    word = cursor.next
    id_ref = cursor.take_option("$id-ref")
    set_id = f"{id_ref}-{kind}" if id_ref is not None else cursor.take_option("$id")
    if set_id is None and word is not None and not word.is_quoted and SCORE_TOKEN.match(word.text):
        named = word.text[:-1]
        if is_id(named) or parse_score(named) is None:
            set_id = cursor.take("set id").text[:-1]
    if set_id is not None and not is_id(set_id):
        cursor.report(word or cursor.last, "bad-id", f"'{set_id}' is no set id")
    second = cursor.next
    found = read_set(cursor, frozenset())
    if second is not None and (found.id is not None or found.id_ref is not None):
        cursor.report(second, "misplaced-id", f"the set has an id already: '{set_id}'")
    if id_ref is not None:
        if found.pairs or found.rules:
            cursor.report(cursor.last, "unexpected-word", f"nothing may follow $id-ref={id_ref} in a set")
        found = msgspec.structs.replace(found, id_ref=id_ref)
    return Properties(id=set_id or DEFAULT_SETS[kind], kind=kind, set=found)


def read_monitor(cursor: Cursor) -> Monitor:
    """`monitor RESOURCE[:ROLE] INTERVAL[:TIMEOUT]`."""
    target = cursor.take("resource")
    name, colon, role_text = target.text.partition(":")
    if not is_id(name):
        cursor.report(target, "bad-id", f"'{name}' is no resource id")
    role = cursor.role(target, role_text) if colon else None
    times = cursor.take("interval")
    interval, colon, timeout = times.text.partition(":")
    for span in (interval, timeout) if colon else (interval,):
        if parse_duration(span) is None:
            cursor.report(times, "bad-duration", f"'{span}' is no time", "write 10s or 10s:20s (interval:timeout)")
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
        and not cursor.peek_keyword((RULE,))
    )
