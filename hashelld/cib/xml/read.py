"""Reading a Pacemaker CIB: its configuration section becomes a `Cib`.

Ids that are what the writer would make up are forgotten, unless something refers to them; the others are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.references import operation_id
from hashelld.cib.xml.tree import Element, XmlRefused, read_tree
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.ids import ConstraintId, NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.options import parse_boolean
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Clone,
    Group,
    NvPair,
    Operation,
    Primitive,
    Template,
    with_value,
)
from hashelld.model.score import INFINITY, parse_score


__all__ = ["XmlRefused", "read_xml"]

_SETS: Final = ("instance_attributes", "meta_attributes", "utilization")


def read_xml(text: str) -> Cib:
    """The configuration in a `<cib>` or `<configuration>`; raises `XmlRefused` with the line of what is wrong."""
    configuration = _configuration(read_tree(text))
    reader = _Reader()
    reader.note_references(configuration)
    for section in configuration.children:
        reader.section(section)
    return Cib(tuple(reader.objects))


def _configuration(root: Element) -> Element:
    if root.tag == "configuration":
        return root
    if root.tag != "cib":
        root.refuse(f"<{root.tag}> is no cluster configuration: <cib> or <configuration> is expected")
    found = next((c for c in root.children if c.tag == "configuration"), None)
    if found is None:
        root.refuse("<cib> has no <configuration>")
    return found


class _Reader:
    """Collects the objects of a configuration."""

    __slots__ = ("_ids", "_referred", "objects")

    def __init__(self) -> None:
        self.objects: list[Object] = []
        self._ids: dict[str, int] = {}
        self._referred: set[str] = set()

    def note_references(self, element: Element) -> None:
        """Remember every id that something refers to."""
        if (id_ref := element.get("id-ref")) is not None:
            self._referred.add(id_ref)
        for child in element.children:
            self.note_references(child)

    def section(self, section: Element) -> None:
        """One child of `<configuration>`."""
        readers: dict[str, Callable[[Element], None]] = {
            "crm_config": partial(self._properties, "cluster_property_set", PROPERTY),
            "nodes": self._node,
            "resources": self._resource,
            "constraints": self._constraint,
            "rsc_defaults": partial(self._properties, "meta_attributes", RSC_DEFAULTS),
            "op_defaults": partial(self._properties, "meta_attributes", OP_DEFAULTS),
        }
        reader = readers.get(section.tag)
        if reader is None:
            if section.children:
                section.refuse(f"<{section.tag}> is not supported yet")
            return
        for child in section.children:
            reader(child)

    def _add(self, found: Object, element: Element) -> None:
        if found.id in self._ids:
            element.refuse(f"the id '{found.id}' is already used on line {self._ids[found.id]}")
        self._ids[found.id] = element.line
        self.objects.append(found)

    def _properties(self, tag: str, kind: str, element: Element) -> None:
        if element.tag != tag:
            element.refuse(f"<{element.tag}> is not supported here")
        set_id = element.demand("id")
        read = self._set(element, set_id)
        self._add(Properties(id=set_id, kind=kind, set=msgspec.structs.replace(read, id=None)), element)

    def _node(self, element: Element) -> None:
        if element.tag != "node":
            element.refuse(f"<{element.tag}> is not supported here")
        element.allow("id", "uname", "type", "description", "score")
        number, name = element.demand("id"), element.get("uname")
        owner = name if name is not None else number
        sets = self._sets(element, owner, ("instance_attributes", "utilization"))
        self._add(
            Node(
                id=NodeId(owner),
                number=None if number == owner else number,
                kind=None if element.get("type") == "member" else element.get("type"),
                description=element.get("description"),
                attributes=sets["instance_attributes"],
                utilization=sets["utilization"],
            ),
            element,
        )

    def _resource(self, element: Element) -> None:
        match element.tag:
            case "primitive":
                self._add(self._primitive(element), element)
            case "template":
                self._add(self._template(element), element)
            case "group":
                self._group(element)
            case "clone" | "master":
                self._clone(element)
            case _:
                element.refuse(f"<{element.tag}> is not supported yet")

    def _primitive(self, element: Element) -> Primitive:
        element.allow("id", "class", "provider", "type", "template", "description")
        name = element.demand("id")
        template = element.get("template")
        sets = self._sets(element, name, _SETS, "operations")
        operations, operations_id = self._operations(element, name)
        return Primitive(
            id=ResourceId(name),
            agent=None if template is not None else _agent(element),
            template=ResourceId(template) if template is not None else None,
            description=element.get("description"),
            params=sets["instance_attributes"],
            meta=sets["meta_attributes"],
            utilization=sets["utilization"],
            operations=operations,
            operations_id=operations_id,
        )

    def _template(self, element: Element) -> Template:
        element.allow("id", "class", "provider", "type", "description")
        name = element.demand("id")
        sets = self._sets(element, name, _SETS, "operations")
        operations, operations_id = self._operations(element, name)
        return Template(
            id=ResourceId(name),
            agent=_agent(element),
            description=element.get("description"),
            params=sets["instance_attributes"],
            meta=sets["meta_attributes"],
            utilization=sets["utilization"],
            operations=operations,
            operations_id=operations_id,
        )

    def _group(self, element: Element) -> None:
        element.allow("id", "description")
        name = element.demand("id")
        children = [c for c in element.children if c.tag == "primitive"]
        if not children:
            element.refuse(f"the group '{name}' is empty")
        for child in children:
            self._resource(child)
        sets = self._sets(element, name, _SETS[:2], "primitive")
        self._add(
            Group(
                id=ResourceId(name),
                members=tuple(ResourceId(c.demand("id")) for c in children),
                description=element.get("description"),
                params=sets["instance_attributes"],
                meta=sets["meta_attributes"],
            ),
            element,
        )

    def _clone(self, element: Element) -> None:
        element.allow("id", "description")
        name = element.demand("id")
        children = [c for c in element.children if c.tag in ("primitive", "group")]
        if len(children) != 1:
            element.refuse(f"the clone '{name}' must contain one primitive or group, not {len(children)}")
        self._resource(children[0])
        sets = self._sets(element, name, _SETS[:2], "primitive", "group")
        meta = sets["meta_attributes"]
        self._add(
            Clone(
                id=ResourceId(name),
                child=ResourceId(children[0].demand("id")),
                description=element.get("description"),
                params=sets["instance_attributes"],
                meta=with_value(meta, "promotable", "true") if element.tag == "master" else meta,
            ),
            element,
        )

    def _sets(
        self, element: Element, owner: str, kinds: tuple[str, ...], *others: str
    ) -> dict[str, tuple[AttributeSet, ...]]:
        found: dict[str, list[AttributeSet]] = {kind: [] for kind in kinds}
        for child in element.children:
            if child.tag in found:
                found[child.tag].append(self._set(child, f"{owner}-{child.tag}"))
            elif child.tag not in others:
                child.refuse(f"<{child.tag}> in <{element.tag}> is not supported yet")
        return {kind: tuple(sets) for kind, sets in found.items()}

    def _set(self, element: Element, generated: str) -> AttributeSet:
        element.allow("id", "id-ref", "score")
        id_ref = element.get("id-ref")
        if id_ref is not None:
            return AttributeSet(id_ref=id_ref)
        set_id = element.demand("id")
        pairs: list[NvPair] = []
        for child in element.children:
            if child.tag != "nvpair":
                child.refuse(f"<{child.tag}> in <{element.tag}> is not supported yet")
            child.allow("id", "id-ref", "name", "value")
            pair_ref = child.get("id-ref")
            if pair_ref is not None:
                pairs.append(NvPair(child.get("name") or "", id_ref=pair_ref))
                continue
            name = child.demand("name")
            pair_id = child.get("id") or f"{set_id}-{name}"
            pairs.append(NvPair(name, child.get("value"), self._chosen(pair_id, f"{set_id}-{name}")))
        return AttributeSet(tuple(pairs), self._chosen(set_id, generated), None, _score(element))

    def _operations(self, element: Element, owner: str) -> tuple[tuple[Operation, ...], str | None]:
        found: list[Operation] = []
        operations_id: str | None = None
        for child in element.children:
            if child.tag != "operations":
                continue
            child.allow("id")
            operations_id = child.get("id") or operations_id
            for op in child.children:
                if op.tag != "op":
                    op.refuse(f"<{op.tag}> in <operations> is not supported yet")
                found.append(self._operation(op, owner))
        return tuple(found), operations_id

    def _operation(self, element: Element, owner: str) -> Operation:
        name, interval = element.demand("name"), element.get("interval")
        op_id = element.get("id") or operation_id(owner, name, interval)
        sets = self._sets(element, op_id, _SETS[:2])
        options = tuple(NvPair(k, v) for k, v in element.attributes.items() if k not in ("id", "name"))
        chosen = self._chosen(op_id, operation_id(owner, name, interval))
        return Operation(name, options, sets["instance_attributes"], sets["meta_attributes"], chosen)

    def _chosen(self, given: str, generated: str) -> str | None:
        """An id that has to be kept, None when the writer makes up one as good."""
        if given in self._referred:
            return given
        return None if re.fullmatch(re.escape(_as_id(generated)) + r"(-\d+)?", given) else given

    def _constraint(self, element: Element) -> None:
        if element.children:
            child = element.children[0]
            child.refuse(f"<{child.tag}> in <{element.tag}> is not supported yet")
        match element.tag:
            case "rsc_location":
                self._add(_location(element), element)
            case "rsc_colocation":
                self._add(_colocation(element), element)
            case "rsc_order":
                self._add(_order(element), element)
            case _:
                element.refuse(f"<{element.tag}> is not supported yet")


def _as_id(text: str) -> str:
    return re.sub(r"[^\w.-]", ".", text)


def _agent(element: Element) -> Agent:
    return Agent(element.demand("class"), element.get("provider") or "", element.demand("type"))


def _location(element: Element) -> Location:
    element.allow("id", "rsc", "node", "score", "role", "resource-discovery")
    discovery = element.get("resource-discovery")
    return Location(
        id=ConstraintId(element.demand("id")),
        resource=ResourceId(element.demand("rsc")),
        node=NodeId(element.demand("node")),
        score=_score(element) or "0",
        role=element.get("role"),
        options=(("resource-discovery", discovery),) if discovery is not None else (),
    )


def _colocation(element: Element) -> Colocation:
    names = ("node-attribute", "influence")
    element.allow("id", "rsc", "with-rsc", "score", "rsc-role", "with-rsc-role", *names)
    return Colocation(
        id=ConstraintId(element.demand("id")),
        score=_score(element) or "0",
        resource=ResourceId(element.demand("rsc")),
        with_resource=ResourceId(element.demand("with-rsc")),
        role=element.get("rsc-role"),
        with_role=element.get("with-rsc-role"),
        options=tuple((n, v) for n in names if (v := element.get(n)) is not None),
    )


def _order(element: Element) -> Order:
    element.allow("id", "first", "then", "kind", "score", "first-action", "then-action", "symmetrical")
    kind, score = element.get("kind"), element.get("score")
    if kind is None and score is not None:
        number = parse_score(score)
        kind = "Optional" if number == 0 else "Mandatory"
    symmetrical = element.get("symmetrical")
    if symmetrical is not None and parse_boolean(symmetrical) is None:
        element.refuse(f"symmetrical is '{symmetrical}', neither true nor false")
    return Order(
        id=ConstraintId(element.demand("id")),
        first=ResourceId(element.demand("first")),
        then=ResourceId(element.demand("then")),
        kind=kind,
        first_action=element.get("first-action"),
        then_action=element.get("then-action"),
        symmetrical=parse_boolean(symmetrical) if symmetrical is not None else None,
    )


def _score(element: Element) -> str | None:
    text = element.get("score")
    if text is None:
        return None
    score = parse_score(text)
    if score is None:
        element.refuse(f"'{text}' is no score")
    return "inf" if score >= INFINITY else "-inf" if score <= -INFINITY else text
