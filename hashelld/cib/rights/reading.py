"""What of a configuration an account may read."""

from __future__ import annotations

from msgspec.structs import replace

from hashelld.cib.document import Cib, Object, Properties, key_of
from hashelld.cib.rights.marks import RESOURCES, Marks, document_of, places_of
from hashelld.cib.rights.rules import Rights
from hashelld.cib.xml.rules import RULE
from hashelld.cib.xml.sets import META, OPERATIONS, PARAMS, UTILIZATION
from hashelld.cib.xml.tree import Element, XmlImpossible
from hashelld.model.administration import Topology
from hashelld.model.ids import ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import (
    AttributeSet,
    Bundle,
    Clone,
    Group,
    Operation,
    Primitive,
    Resource,
    Template,
)


_Sets = tuple[AttributeSet, ...]


def visible(cib: Cib, rights: Rights) -> Cib:
    """The configuration without what may not be read.

    Nodes, resources, sets of properties and fencing levels are seen in part where only a part is readable; all else
    is seen whole or not at all. A clone is seen together with what it copies only. What cannot be judged is not seen.
    """
    if rights.reads_all:
        return cib
    if rights.is_none:
        return Cib()
    try:
        root = document_of(cib)
    except XmlImpossible:
        return Cib()
    reader = Reader(cib, Marks(root, rights))
    return Cib(tuple(seen for found in cib.objects if (seen := reader.seen(found)) is not None))


class Reader:
    """One account's view of one configuration."""

    __slots__ = ("_cib", "_known", "_marks", "_places")

    def __init__(self, cib: Cib, marks: Marks) -> None:
        self._cib = cib
        self._marks = marks
        self._places = places_of(cib, marks.root)
        self._known: dict[str, bool] = {}

    def seen(self, found: Object) -> Object | None:
        """What is readable of an object; None when nothing is."""
        element = self._element(found)
        if element is None:
            return None
        match found:
            case Primitive() | Group() | Clone() | Bundle() | Template():
                return self._resource(found, element)
            case Node():
                return self._node(found, element)
            case Properties():
                return self._properties(found, element)
            case Topology():
                return self._topology(found, element)
            case _:
                return found if self._marks.is_whole(element) else None

    def _element(self, found: Object) -> Element | None:
        return self._places.get(key_of(found))

    def _resource(self, found: Resource, element: Element) -> Resource | None:
        members = self._members(found)
        has_all = len(members) == len(_contained(found))
        if has_all and self._marks.is_whole(element):
            return found
        if isinstance(found, Clone) and not has_all:
            return None
        is_own = self._marks.is_readable(element)
        if not is_own and isinstance(found, Template | Bundle):
            return None
        if isinstance(found, Bundle):
            return self._bundle(found, element)
        rest = replace(
            found,
            comments=(),
            layout=(),
            unknown=None,
            description=found.description if is_own else None,
            params=self._sets(found.params, element, PARAMS),
            meta=self._sets(found.meta, element, META),
        )
        if isinstance(rest, Group):
            rest = replace(rest, members=members)
        if isinstance(rest, Primitive | Template):
            rest = self._with_operations(rest, element)
        if isinstance(rest, Primitive) and not is_own:
            rest = replace(rest, agent=None, template=None, operations_id=None, operations_ref=None)
        return rest if is_own or members or _has_sets(rest) else None

    def _with_operations(self, found: Primitive | Template, element: Element) -> Primitive | Template:
        operations: tuple[Operation, ...] = ()
        section = element.child(OPERATIONS)
        if section is not None:
            pairs = zip(found.operations, section.all("op"), strict=False)
            operations = tuple(one for one, op in pairs if self._marks.is_whole(op))
        return replace(found, utilization=self._sets(found.utilization, element, UTILIZATION), operations=operations)

    def _bundle(self, found: Bundle, element: Element) -> Bundle | None:
        """Containers, network and storage are seen together."""
        has_child = bool(self._members(found))
        parts = [child for child in element.children if child.tag not in (PARAMS, META, *RESOURCES)]
        if not all(self._marks.is_whole(part) for part in parts):
            return None
        return replace(
            found,
            comments=(),
            layout=(),
            unknown=None,
            child=found.child if has_child else None,
            params=self._sets(found.params, element, PARAMS),
            meta=self._sets(found.meta, element, META),
        )

    def _members(self, found: Resource) -> tuple[ResourceId, ...]:
        """What a resource contains, as far as anything of it is readable."""
        return tuple(name for name in _contained(found) if self._is_seen(name))

    def _is_seen(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = False  # What contains itself is not seen.
            inner = self._cib.find(name)
            self._known[name] = inner is not None and self.seen(inner) is not None
        return self._known[name]

    def _node(self, found: Node, element: Element) -> Node | None:
        if self._marks.is_whole(element):
            return found
        is_own = self._marks.is_readable(element)
        attributes = self._sets(found.attributes, element, PARAMS)
        utilization = self._sets(found.utilization, element, UTILIZATION)
        if not (is_own or attributes or utilization):
            return None
        bare = Node(id=found.id, number=found.number)
        if is_own:
            bare = replace(found, comments=(), layout=(), unknown=None)
        return replace(bare, attributes=attributes, utilization=utilization)

    def _properties(self, found: Properties, element: Element) -> Properties | None:
        if self._marks.is_whole(element):
            return found
        seen = self._set(found.set, element)
        return None if seen is None else replace(found, comments=(), unknown=None, set=seen)

    def _topology(self, found: Topology, element: Element) -> Topology | None:
        if self._marks.is_whole(element):
            return found
        pairs = zip(found.levels, element.children, strict=False)
        levels = tuple(level for level, child in pairs if self._marks.is_whole(child))
        return Topology(levels=levels) if levels else None

    def _sets(self, sets: _Sets, owner: Element, tag: str) -> _Sets:
        pairs = zip(sets, owner.all(tag), strict=False)
        return tuple(seen for one, element in pairs if (seen := self._set(one, element)) is not None)

    def _set(self, found: AttributeSet, element: Element) -> AttributeSet | None:
        """A set whose rules are hidden is hidden: its values would seem to count always."""
        if self._marks.is_whole(element):
            return found
        is_own = self._marks.is_readable(element)
        if found.id_ref is not None or not all(self._marks.is_whole(rule) for rule in element.all(RULE)):
            return None
        written = zip(found.pairs, element.all("nvpair"), strict=False)
        pairs = tuple(pair for pair, child in written if self._marks.is_readable(child))
        if not is_own and not pairs:
            return None
        return replace(found, pairs=pairs, score=found.score if is_own else None)


def _contained(found: Resource) -> tuple[ResourceId, ...]:
    match found:
        case Group():
            return found.members
        case Clone():
            return (found.child,)
        case Bundle():
            return () if found.child is None else (found.child,)
        case _:
            return ()


def _has_sets(found: Primitive | Template | Group | Clone) -> bool:
    if found.params or found.meta:
        return True
    return isinstance(found, Primitive | Template) and bool(found.utilization or found.operations)
