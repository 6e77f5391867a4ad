"""The formatter: objects into canonical text. What it prints is read back as the same object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from hashelld.cib.document import Cib, Object, Properties
from hashelld.cib.lang.attributes import KEYWORDS
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.node import Node
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Clone,
    Group,
    NvPair,
    Operation,
    Primitive,
    Template,
)


_BARE_VALUE: Final = re.compile(r"[\w.-]+\Z")
_BARE_WORD: Final = re.compile(r"[^\s'\"\\$#=]+\Z")
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}
_BREAK: Final = " \\\n\t"


def format_object(found: Object) -> str:
    """One statement, without a newline at the end; its sections stand on lines of their own."""
    return _BREAK.join(_parts(found))


def format_cib(cib: Cib, ids: Iterable[str] | None = None) -> str:
    """The text of a configuration, or of some of its objects, in the document's order; empty for an empty one."""
    wanted = None if ids is None else frozenset(ids)
    return "".join(f"{format_object(o)}\n" for o in cib.objects if wanted is None or o.id in wanted)


def quote_value(value: str) -> str:
    """A value as it is written: bare when it is a plain word, otherwise in quotes."""
    return value if _BARE_VALUE.match(value) else _quoted(value)


def quote_word(text: str) -> str:
    """A whole word: quoted when it would fall apart or be taken for a keyword."""
    if _BARE_WORD.match(text) and text.isprintable() and text.lower() not in KEYWORDS:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable():
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "$'" + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _code(c)) for c in text) + "'"


def _code(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _parts(found: Object) -> list[str]:
    match found:
        case Node():
            return [_node_head(found), *_sets("attributes", found.attributes), *_sets("utilization", found.utilization)]
        case Primitive() | Template():
            return [_primitive_head(found), *_body(found), *_operations(found.operations, found.operations_id)]
        case Group():
            head = " ".join(("group", found.id, *(quote_word(m) for m in found.members)))
            return [head + _description(found.description), *_body(found)]
        case Clone():
            return [f"clone {found.id} {found.child}{_description(found.description)}", *_body(found)]
        case Properties():
            score = f" {found.set.score}:" if found.set.score is not None else ""
            return [f"{found.kind} {found.id}:{score}", *(_pair(p) for p in found.set.pairs)]
        case Location() | Colocation() | Order():
            return [" ".join(_constraint(found))]
        case _:
            assert_never(found)


def _node_head(node: Node) -> str:
    number = f"{quote_word(node.number + ':')} " if node.number is not None else ""
    kind = f":{node.kind}" if node.kind is not None else ""
    return f"node {number}{quote_word(node.id + kind)}{_description(node.description)}"


def _primitive_head(found: Primitive | Template) -> str:
    keyword = "primitive" if isinstance(found, Primitive) else "rsc_template"
    template = f"@{found.template}" if isinstance(found, Primitive) and found.template is not None else ""
    agent = template or (format_agent(found.agent) if found.agent is not None else "")
    return f"{keyword} {found.id} {quote_word(agent)}{_description(found.description)}"


def format_agent(agent: Agent) -> str:
    """The agent as it is written: `ocf:heartbeat:` is left out where the bare type means the same."""
    is_default = (agent.standard, agent.provider) in (("ocf", "heartbeat"), ("", ""))
    return agent.type if is_default and not agent.type.startswith("fence_") else str(agent)


def _description(text: str | None) -> str:
    return f" description={quote_value(text)}" if text is not None else ""


def _body(found: Primitive | Template | Group | Clone) -> Iterator[str]:
    yield from _sets("params", found.params)
    yield from _sets("meta", found.meta)
    if isinstance(found, Primitive | Template):
        yield from _sets("utilization", found.utilization)


def _sets(keyword: str, sets: tuple[AttributeSet, ...]) -> Iterator[str]:
    for attribute_set in sets:
        yield " ".join((keyword, *_set_words(attribute_set)))


def _set_words(attribute_set: AttributeSet) -> Iterator[str]:
    if attribute_set.id_ref is not None:
        yield f"$id-ref={quote_value(attribute_set.id_ref)}"
        return
    if attribute_set.id is not None:
        yield f"$id={quote_value(attribute_set.id)}"
    if attribute_set.score is not None:
        yield f"{attribute_set.score}:"
    yield from map(_pair, attribute_set.pairs)


def _pair(pair: NvPair) -> str:
    if pair.id_ref is not None:
        return f"@{pair.id_ref}:{pair.name}" if pair.name else f"@{pair.id_ref}"
    head = f"${pair.id}:{pair.name}" if pair.id is not None else pair.name
    if pair.value is None:
        return head if pair.id is not None else _quoted(head) if head.endswith(":") else quote_word(head)
    bare = _BARE_WORD.match(pair.name) and pair.name.isprintable()
    return f"{head}={quote_value(pair.value)}" if bare else _quoted(f"{head}={pair.value}")


def _operations(operations: tuple[Operation, ...], operations_id: str | None) -> Iterator[str]:
    if operations_id is not None:
        yield f"operations $id={quote_value(operations_id)}"
    for operation in operations:
        words = ["op", quote_word(operation.name), *(_pair(option) for option in operation.options)]
        if operation.id is not None:
            words.append(f"id={quote_value(operation.id)}")
        yield " ".join(words)
        yield from _sets("op_params", operation.params)
        yield from _sets("op_meta", operation.meta)


def _constraint(found: Location | Colocation | Order) -> Iterator[str]:
    match found:
        case Location():
            yield from ("location", found.id, found.resource)
            if found.role is not None:
                yield f"role={found.role}"
            yield from (f"{name}={quote_value(value)}" for name, value in found.options)
            yield from (f"{found.score}:", quote_word(found.node))
        case Colocation():
            yield from ("colocation", found.id, f"{found.score}:")
            yield from (_with(found.resource, found.role), _with(found.with_resource, found.with_role))
            yield from (f"{name}={quote_value(value)}" for name, value in found.options)
        case Order():
            yield from ("order", found.id)
            if found.kind is not None:
                yield f"{found.kind}:"
            yield from (_with(found.first, found.first_action), _with(found.then, found.then_action))
            if found.symmetrical is not None:
                yield f"symmetrical={str(found.symmetrical).lower()}"


def _with(resource: str, detail: str | None) -> str:
    return f"{resource}:{detail}" if detail is not None else resource
