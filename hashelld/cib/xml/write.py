"""Writing a `Cib` as Pacemaker's CIB XML, with the ids that crmsh would make up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Properties
from hashelld.cib.references import META_SUFFIX, PARAMS_SUFFIX, UTILIZATION_SUFFIX, operation_id, sections_of
from hashelld.cib.xml.tree import Element
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, Group, Operation, Primitive, Resource, Template
from hashelld.model.score import INFINITY, parse_score


_SCHEMA: Final = {"crm_feature_set": "3.16.1", "validate-with": "pacemaker-3.9"}
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class XmlImpossible(Exception):
    """A value contains a character that XML cannot hold."""


def write_xml(cib: Cib) -> str:
    """A whole `<cib>` with an empty status section. Raises `XmlImpossible`."""
    attributes = {**_SCHEMA, "epoch": "1", "num_updates": "0", "admin_epoch": "0"}
    root = Element("cib", attributes, 0, [configuration(cib), Element("status", {}, 0)])
    return "".join(_lines(root, 0))


def configuration(cib: Cib) -> Element:
    """The `<configuration>` element."""
    writer = _Writer(cib)
    sections = [
        Element("crm_config", {}, 0, [writer.properties(p) for p in _properties(cib, PROPERTY)]),
        Element("nodes", {}, 0, [writer.node(n) for n in cib.nodes]),
        Element("resources", {}, 0, [writer.resource(r) for r in cib.resources if cib.parent_of(r.id) is None]),
        Element("constraints", {}, 0, [_constraint(c) for c in cib.constraints]),
    ]
    for kind in (RSC_DEFAULTS, OP_DEFAULTS):
        sets = [writer.properties(p) for p in _properties(cib, kind)]
        if sets:
            sections.append(Element(kind, {}, 0, sets))
    return Element("configuration", {}, 0, sections)


def _properties(cib: Cib, kind: str) -> Iterator[Properties]:
    return (o for o in cib.objects if isinstance(o, Properties) and o.kind == kind)


class _Writer:
    """Makes up ids that are nowhere used yet."""

    __slots__ = ("_cib", "_ids")

    def __init__(self, cib: Cib) -> None:
        self._cib = cib
        self._ids: set[str] = {o.id for o in cib.objects} | {n.number for n in cib.nodes if n.number is not None}
        for found in cib.objects:
            for section in sections_of(found):
                self._ids.update(s.id for s in section.sets if s.id is not None)
                self._ids.update(p.id for s in section.sets for p in s.pairs if p.id is not None)
            if isinstance(found, Primitive | Template):
                self._ids.update(o.id for o in found.operations if o.id is not None)

    def node(self, node: Node) -> Element:
        attributes = {"id": node.number or node.id, "uname": node.id}
        if node.kind is not None:
            attributes["type"] = node.kind
        _describe(attributes, node.description)
        children = [*self._sets(node.id, PARAMS_SUFFIX, node.attributes)]
        children.extend(self._sets(node.id, UTILIZATION_SUFFIX, node.utilization))
        return Element("node", attributes, 0, children)

    def resource(self, found: Resource) -> Element:
        attributes = {"id": str(found.id)}
        if isinstance(found, Primitive | Template):
            _identify(attributes, found)
        _describe(attributes, found.description)
        children = [*self._sets(found.id, PARAMS_SUFFIX, found.params)]
        children.extend(self._sets(found.id, META_SUFFIX, found.meta))
        if isinstance(found, Primitive | Template):
            children.extend(self._sets(found.id, UTILIZATION_SUFFIX, found.utilization))
            children.extend(self._operations(found))
        else:
            children.extend(self._children(found.members if isinstance(found, Group) else (found.child,)))
        return Element(type(found).__name__.lower(), attributes, 0, children)

    def properties(self, found: Properties) -> Element:
        tag = "cluster_property_set" if found.kind == PROPERTY else "meta_attributes"
        return self._set(tag, found.id, found.set)

    def _children(self, members: tuple[str, ...]) -> Iterator[Element]:
        for member in members:
            found = self._cib.find(member)
            if isinstance(found, Primitive | Group):
                yield self.resource(found)

    def _sets(self, owner: str, suffix: str, sets: tuple[AttributeSet, ...]) -> Iterator[Element]:
        for found in sets:
            if found.id_ref is not None:
                yield Element(suffix, {"id-ref": found.id_ref}, 0)
            else:
                yield self._set(suffix, found.id or self._new(f"{owner}-{suffix}"), found)

    def _set(self, tag: str, set_id: str, found: AttributeSet) -> Element:
        attributes = {"id": set_id}
        if found.score is not None:
            attributes["score"] = _score(found.score)
        children: list[Element] = []
        for pair in found.pairs:
            if pair.id_ref is not None:
                named = {"name": pair.name} if pair.name else {}
                children.append(Element("nvpair", {"id-ref": pair.id_ref, **named}, 0))
                continue
            nvpair = {"id": pair.id or self._new(f"{set_id}-{pair.name}"), "name": pair.name}
            if pair.value is not None:
                nvpair["value"] = pair.value
            children.append(Element("nvpair", nvpair, 0))
        return Element(tag, attributes, 0, children)

    def _operations(self, found: Primitive | Template) -> Iterator[Element]:
        if not found.operations and found.operations_id is None:
            return
        attributes = {"id": found.operations_id} if found.operations_id is not None else {}
        yield Element("operations", attributes, 0, [self._operation(found.id, o) for o in found.operations])

    def _operation(self, owner: str, operation: Operation) -> Element:
        made = operation_id(owner, operation.name, operation.option("interval"))
        op_id = operation.id or self._new(made)
        options = {o.name: o.value or "" for o in operation.options}
        children = [*self._sets(op_id, PARAMS_SUFFIX, operation.params)]
        children.extend(self._sets(op_id, META_SUFFIX, operation.meta))
        return Element("op", {"name": operation.name, **options, "id": op_id}, 0, children)

    def _new(self, wanted: str) -> str:
        base = re.sub(r"[^\w.-]", ".", wanted)
        made, count = base, 0
        while made in self._ids:
            made = f"{base}-{count}"
            count += 1
        self._ids.add(made)
        return made


def _identify(attributes: dict[str, str], found: Primitive | Template) -> None:
    if isinstance(found, Primitive) and found.template is not None:
        attributes["template"] = found.template
        return
    agent = found.agent or Agent("", "", "")
    attributes["class"] = agent.standard
    if agent.provider:
        attributes["provider"] = agent.provider
    attributes["type"] = agent.type


def _describe(attributes: dict[str, str], description: str | None) -> None:
    if description is not None:
        attributes["description"] = description


def _constraint(found: Location | Colocation | Order) -> Element:
    match found:
        case Location():
            given = {"id": found.id, "rsc": found.resource, "role": found.role}
            given |= {**dict(found.options), "score": _score(found.score), "node": found.node}
            return _with_given("rsc_location", given)
        case Colocation():
            given = {"id": found.id, "score": _score(found.score), "rsc": found.resource, "rsc-role": found.role}
            given |= {"with-rsc": found.with_resource, "with-rsc-role": found.with_role, **dict(found.options)}
            return _with_given("rsc_colocation", given)
        case Order():
            symmetrical = None if found.symmetrical is None else str(found.symmetrical).lower()
            given = {"id": found.id, "kind": found.kind, "first": found.first, "first-action": found.first_action}
            given |= {"then": found.then, "then-action": found.then_action, "symmetrical": symmetrical}
            return _with_given("rsc_order", given)


def _with_given(tag: str, attributes: dict[str, str | None]) -> Element:
    return Element(tag, {name: value for name, value in attributes.items() if value is not None}, 0)


def _score(text: str) -> str:
    score = parse_score(text)
    if score is None or abs(score) < INFINITY:
        return text
    return "INFINITY" if score > 0 else "-INFINITY"


def _lines(element: Element, depth: int) -> Iterator[str]:
    pad = "  " * depth
    attributes = "".join(f' {name}="{_escaped(value)}"' for name, value in element.attributes.items())
    if not element.children:
        yield f"{pad}<{element.tag}{attributes}/>\n"
        return
    yield f"{pad}<{element.tag}{attributes}>\n"
    for child in element.children:
        yield from _lines(child, depth + 1)
    yield f"{pad}</{element.tag}>\n"


def _escaped(value: str) -> str:
    illegal = _ILLEGAL.search(value)
    if illegal is not None:
        raise XmlImpossible(f"the character U+{ord(illegal.group()):04X} cannot be written in XML")
    return value.translate(_ESCAPES)
