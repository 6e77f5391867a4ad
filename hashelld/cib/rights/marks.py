"""A configuration as elements, with what an account may do with each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties, key_of
from hashelld.cib.rights.rules import Access, Rights, narrowed, own_right
from hashelld.cib.xml.tree import Element
from hashelld.cib.xml.write import configuration
from hashelld.model.administration import AclRole, AclTarget, Alert, Topology, Unmodelled
from hashelld.model.constraint import Colocation, Location, Order, TicketConstraint
from hashelld.model.node import Node
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Tag, Template


RESOURCES: Final = frozenset({"primitive", "group", "clone", "master", "bundle", "template"})
TOPOLOGY: Final = "fencing-topology"
_PROPERTIES: Final = {PROPERTY: "crm_config", RSC_DEFAULTS: RSC_DEFAULTS, OP_DEFAULTS: OP_DEFAULTS}


def document_of(cib: Cib) -> Element:
    """The configuration as it would be written, in a `<cib>` whose status is empty. Raises `XmlImpossible`."""
    return Element("cib", {}, children=[configuration(cib), Element("status", {})])


class Marks:
    """What one account may do with every element of a document, which must not be changed afterwards."""

    __slots__ = ("_access", "_rights", "root")

    def __init__(self, root: Element, rights: Rights) -> None:
        self.root = root
        self._rights = rights
        self._access: dict[int, Access] = {}
        self._mark([root], Access.WRITE if rights.is_unlimited else Access.NONE)

    def _mark(self, chain: list[Element], outer: Access) -> None:
        element = chain[-1]
        access = narrowed(outer, own_right(self._rights, chain))
        self._access[id(element)] = access
        for child in element.children:
            chain.append(child)
            self._mark(chain, access)
            chain.pop()

    def is_readable(self, element: Element) -> bool:
        """May the element itself, with its attributes, be read?"""
        return self._access[id(element)] >= Access.READ

    def is_writable(self, element: Element) -> bool:
        """May the element be changed?"""
        return self._access[id(element)] >= Access.WRITE

    def is_whole(self, element: Element) -> bool:
        """May it be read with all within it, but for the resources that a resource contains?"""
        is_resource = element.tag in RESOURCES
        return self.is_readable(element) and all(
            self.is_whole(child) for child in element.children if not (is_resource and child.tag in RESOURCES)
        )


def places_of(cib: Cib, root: Element) -> dict[str, Element]:
    """The element of each object, by the object's key."""
    sections = {section.tag: section for section in root.children[0].children}
    resources = sections.get("resources")
    nested = {} if resources is None else {child.attributes["id"]: child for child in _resources_in(resources)}
    turns: dict[str, Iterator[Element]] = {}
    found: dict[str, Element] = {}
    for one in cib.objects:
        key = key_of(one)
        tag = _section_of(one)
        section = sections.get(tag)
        if tag == "resources":
            element = nested.get(one.id)
        elif section is None or tag == TOPOLOGY or (isinstance(one, Unmodelled) and tag == one.id):
            element = section
        else:
            element = next(turns.setdefault(tag, iter(section.children)), None)
        if element is not None and key not in found:
            found[key] = element
    return found


def _resources_in(element: Element) -> Iterator[Element]:
    for child in element.children:
        if child.tag in RESOURCES and "id" in child.attributes:
            yield child
            yield from _resources_in(child)


def _section_of(found: Object) -> str:
    match found:
        case Properties():
            return _PROPERTIES.get(found.kind, found.kind)
        case Node():
            return "nodes"
        case Primitive() | Group() | Clone() | Bundle() | Template():
            return "resources"
        case Location() | Colocation() | Order() | TicketConstraint():
            return "constraints"
        case Tag():
            return "tags"
        case Topology():
            return TOPOLOGY
        case Alert():
            return "alerts"
        case AclRole() | AclTarget():
            return "acls"
        case Unmodelled():
            return found.section
