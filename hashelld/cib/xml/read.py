"""Reading a Pacemaker CIB: its configuration section becomes a `Cib`.

Ids that are what the writer would make up are forgotten, unless something refers to them; the others are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.xml.administration import read_acl, read_alert, read_tag, read_topology
from hashelld.cib.xml.constraints import read_constraint
from hashelld.cib.xml.naming import ID, ID_REF, Reading
from hashelld.cib.xml.resources import read_node, read_resource
from hashelld.cib.xml.rules import RULE
from hashelld.cib.xml.sets import META, read_set
from hashelld.cib.xml.tree import Element, XmlRefused, read_tree, text_of
from hashelld.model.administration import AclTarget, Unmodelled
from hashelld.model.node import Node


__all__ = ["XmlRefused", "read_configuration", "read_xml"]

_SET_NAMES: Final = frozenset({ID, ID_REF, "score"})
_SET_TAGS: Final = ("nvpair", RULE, "attributes")
TOPOLOGY: Final = "fencing-topology"


def read_xml(text: str) -> Cib:
    """The configuration in a `<cib>` or `<configuration>`; raises `XmlRefused` with the line of what is wrong."""
    return read_configuration(read_tree(text), is_strict=True)


def read_configuration(root: Element, *, is_strict: bool) -> Cib:
    """The configuration in a tree. What the model cannot hold is refused when strict, else left out."""
    configuration = _configuration(root)
    sections = _Sections(Reading(configuration, is_strict=is_strict))
    for section in configuration.children:
        sections.read(section)
    return Cib(tuple(sections.objects))


def _configuration(root: Element) -> Element:
    if root.tag == "configuration":
        return root
    if root.tag != "cib":
        root.refuse(f"<{root.tag}> is no cluster configuration: <cib> or <configuration> is expected")
    found = root.child("configuration")
    if found is None:
        root.refuse("<cib> has no <configuration>")
    return found


def _pass_on_comments(section: Element) -> None:
    """Comments in front of an object become comments in it, where crmsh writes them."""
    fronts: dict[int, list[tuple[int, str]]] = {}
    for place, text in section.comments:
        fronts.setdefault(place, []).append((0, text))
    for place, front in fronts.items():
        if place < len(section.children):
            section.children[place].comments = [*front, *section.children[place].comments]


def _commented(found: Object, element: Element) -> Object:
    """The object with its comments, as lines that begin with `#`."""
    if not element.comments or isinstance(found, Unmodelled):
        return found
    lines = [line.strip() for _, text in element.comments for line in text.splitlines()]
    marked = tuple([line if line.startswith("#") else f"# {line}" for line in lines if line])
    return msgspec.structs.replace(found, comments=marked)


class _Sections:
    """Collects the objects of a configuration."""

    __slots__ = ("_lines", "_nameless", "_readers", "_reading", "_sections", "objects")

    def __init__(self, reading: Reading) -> None:
        self.objects: list[Object] = []
        self._reading = reading
        self._sections: set[str] = set()
        self._nameless = 0
        # Names of nodes, of users, and ids of everything else are different things.
        self._lines: dict[type, dict[str, int]] = {Node: {}, AclTarget: {}, object: {}}
        self._readers: Final[dict[str, Callable[[Element], bool]]] = {
            "crm_config": partial(self._properties, "cluster_property_set", PROPERTY),
            "nodes": self._node,
            "resources": partial(read_resource, reading, add=self.add),
            "constraints": self._constraint,
            "rsc_defaults": partial(self._properties, META, RSC_DEFAULTS),
            "op_defaults": partial(self._properties, META, OP_DEFAULTS),
            "tags": self._tag,
            "alerts": self._alert,
            "acls": self._acl,
        }

    def read(self, section: Element) -> None:
        """One child of `<configuration>`."""
        if section.tag in self._sections:
            section.refuse(f"<configuration> has a second <{section.tag}>")
        self._sections.add(section.tag)
        reader = self._readers.get(section.tag)
        if reader is None:
            self._other_section(section)
            return
        self._reading.complete(section, frozenset(), [child.tag for child in section.children])
        _pass_on_comments(section)
        for child in section.children:
            if not reader(child):
                if child.tag == section.tag:
                    child.refuse(f"<{child.tag}> in <{section.tag}> is not supported")
                name = child.get(ID) or f"{section.tag}-{child.tag}-{self._nameless}"
                self._nameless += 1
                self.add(Unmodelled(id=name, section=section.tag, xml=text_of(child).rstrip("\n")), child)

    def _other_section(self, section: Element) -> None:
        if section.tag == TOPOLOGY:
            topology = read_topology(self._reading, section)
            if topology is not None:
                self.add(topology, section)
        elif section.children or section.attributes:
            self.add(Unmodelled(id=section.tag, section=section.tag, xml=text_of(section).rstrip("\n")), section)

    def add(self, found: Object, element: Element) -> None:
        """One more object; its id must be new."""
        lines = self._lines[type(found) if isinstance(found, Node | AclTarget) else object]
        if found.id in lines:
            element.refuse(f"the id '{found.id}' is already used on line {lines[found.id]}")
        lines[found.id] = element.line
        self.objects.append(_commented(found, element))

    def _properties(self, tag: str, kind: str, element: Element) -> bool:
        if element.tag != tag:
            return False
        ref = element.get(ID_REF)
        set_id = element.identity() if ref is None else f"{ref}-{kind}"
        read = read_set(self._reading, element, set_id)
        unknown = self._reading.unknown(element, _SET_NAMES, _SET_TAGS)
        found = Properties(id=set_id, kind=kind, set=msgspec.structs.replace(read, id=None), unknown=unknown)
        self.add(found, element)
        return True

    def _node(self, element: Element) -> bool:
        if element.tag != "node":
            return False
        self.add(read_node(self._reading, element), element)
        return True

    def _constraint(self, element: Element) -> bool:
        found = read_constraint(self._reading, element)
        if found is None:
            return False
        self.add(found, element)
        return True

    def _tag(self, element: Element) -> bool:
        if element.tag != "tag":
            return False
        self.add(read_tag(self._reading, element), element)
        return True

    def _alert(self, element: Element) -> bool:
        if element.tag != "alert":
            return False
        self.add(read_alert(self._reading, element), element)
        return True

    def _acl(self, element: Element) -> bool:
        found = read_acl(self._reading, element)
        if found is None:
            return False
        self.add(found, element)
        return True
