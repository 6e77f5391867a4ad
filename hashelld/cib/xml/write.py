"""Writing a `Cib` as Pacemaker's CIB XML, with the ids that crmsh would make up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.xml.administration import written_acl, written_alert, written_levels, written_tag
from hashelld.cib.xml.constraints import written_constraint
from hashelld.cib.xml.naming import ID, ID_REF, Naming, ids_in
from hashelld.cib.xml.resources import written_node, written_resource
from hashelld.cib.xml.sets import META, written_set
from hashelld.cib.xml.tree import Element, XmlImpossible, XmlRefused, read_tree, text_of
from hashelld.model.administration import AclRole, AclTarget, Alert, Topology, Unmodelled
from hashelld.model.constraint import Colocation, Location, Order, TicketConstraint
from hashelld.model.node import Node
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Resource, Tag, Template, Unknown
from hashelld.model.written import Written


__all__ = ["XmlImpossible", "configuration", "write_xml"]

_SCHEMA: Final = {"crm_feature_set": "3.16.1", "validate-with": "pacemaker-3.9"}
_CONSTRAINTS: Final = "constraints"
_TOPOLOGY: Final = "fencing-topology"
_ALWAYS: Final = ("crm_config", "nodes", "resources", _CONSTRAINTS)
"""Sections that are written even when they are empty."""


def write_xml(cib: Cib) -> str:
    """A whole `<cib>` with an empty status section. Raises `XmlImpossible`."""
    attributes = {**_SCHEMA, "epoch": "1", "num_updates": "0", "admin_epoch": "0"}
    return text_of(Element("cib", attributes, children=[configuration(cib), Element("status", {})]))


def configuration(cib: Cib) -> Element:
    """The `<configuration>` element, sections in the order of their first objects. Raises `XmlImpossible`."""
    writer = _Writer(cib)
    for found in cib.objects:
        writer.add(found)
    for tag in _ALWAYS:
        writer.section(tag)
    return Element("configuration", {}, children=list(writer.sections.values()))


class _Writer:
    """Sorts the objects into sections."""

    __slots__ = ("_contained", "_naming", "_resources", "sections")

    def __init__(self, cib: Cib) -> None:
        self.sections: dict[str, Element] = {}
        self._naming = Naming(used for found in cib.objects for used in ids_in(found))
        resources = cib.resources
        self._resources: Mapping[str, Resource] = {found.id: found for found in resources}
        self._contained: set[str] = set()
        for found in resources:
            if isinstance(found, Group):
                self._contained.update(found.members)
            elif isinstance(found, Clone | Bundle) and found.child is not None:
                self._contained.add(found.child)

    def add(self, found: Object) -> None:
        """Put an object into its section."""
        match found:
            case Properties():
                self.section("crm_config" if found.kind == PROPERTY else found.kind).append(self._properties(found))
            case Node():
                self.section("nodes").append(_completed(written_node(self._naming, found), found, found.unknown))
            case Primitive() | Group() | Clone() | Bundle() | Template():
                if found.id not in self._contained:
                    self.section("resources").append(self._resource(found))
            case Location() | Colocation() | Order() | TicketConstraint():
                element = written_constraint(self._naming, found)
                self.section(_CONSTRAINTS).append(_completed(element, found, found.unknown))
            case _:
                self._administration(found)

    def _administration(self, found: Tag | Topology | Alert | AclRole | AclTarget | Unmodelled) -> None:
        match found:
            case Tag():
                self.section("tags").append(_completed(written_tag(found), found))
            case Topology():
                self.section(_TOPOLOGY).extend(written_levels(self._naming, found))
                _completed(self.sections[_TOPOLOGY], found)
            case Alert():
                self.section("alerts").append(_completed(written_alert(self._naming, found), found, found.unknown))
            case AclRole() | AclTarget():
                self.section("acls").append(_completed(written_acl(self._naming, found), found))
            case Unmodelled():
                self._unmodelled(found)

    def section(self, tag: str) -> list[Element]:
        """The children of a section, which is begun when it is new."""
        found = self.sections.setdefault(tag, Element(tag, {}))
        if not isinstance(found.children, list):
            found.children = []
        return found.children

    def _resource(self, found: Resource) -> Element:
        return written_resource(self._naming, found, self._resources, _finished)

    def _properties(self, found: Properties) -> Element:
        tag = META if found.kind in (RSC_DEFAULTS, OP_DEFAULTS) else "cluster_property_set"
        attributes = {ID: found.id} if found.set.id_ref is None else {ID_REF: found.set.id_ref}
        return _completed(written_set(self._naming, tag, attributes, found.set), found, found.unknown)

    def _unmodelled(self, found: Unmodelled) -> None:
        element = _parsed(found.xml)
        if element.tag == found.section:
            self.sections[element.tag] = element
        else:
            self.section(found.section).append(element)


def _finished(element: Element, found: Resource) -> Element:
    return _completed(element, found, found.unknown)


def _completed(element: Element, found: Written, unknown: Unknown | None = None) -> Element:
    """The element with its object's comments, and with what the model does not know."""
    element.comments = [(0, comment) for comment in found.comments]
    if unknown is not None:
        element.attributes.update(unknown.attributes)
        element.children = [*element.children, *(_parsed(child) for child in unknown.children)]
    return element


def _parsed(text: str) -> Element:
    try:
        return read_tree(text)
    except XmlRefused as refused:
        raise XmlImpossible(f"what was kept as XML is none: {refused.text}") from None
