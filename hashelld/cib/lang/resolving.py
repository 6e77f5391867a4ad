"""What statements leave to be found in the configuration: sets meant by their owner's name, levels for every node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from hashelld.cib.document import Object, Properties, candidate_keys
from hashelld.cib.references import references_in, sections_of
from hashelld.cib.renaming import with_sets
from hashelld.model.administration import Topology
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Primitive, Template


def resolved(found: Object, objects: Mapping[str, Object]) -> Iterator[Object]:
    """The objects that change when references by the name of an object become references to its part.

    `$id-ref=web` in `meta` means the first `meta` of web; in `operations` its operations, which get an id by that.
    """
    if not any(True for _ in references_in(found)):
        return

    def change(suffix: str, one: AttributeSet) -> AttributeSet:
        meant = None if one.id_ref is None else _first_set(one.id_ref, suffix, objects)
        return one if meant is None else msgspec.structs.replace(one, id_ref=meant)

    changed = with_sets(found, change)
    if isinstance(changed, Primitive | Template) and changed.operations_ref is not None:
        owner = objects.get(changed.operations_ref) or objects.get(changed.operations_ref.removesuffix("-operations"))
        if isinstance(owner, Primitive | Template) and owner.id != changed.id:
            operations_id = owner.operations_id or f"{owner.id}-operations"
            changed = msgspec.structs.replace(changed, operations_ref=operations_id)
            yield msgspec.structs.replace(owner, operations_id=operations_id)
    yield changed


def _first_set(name: str, suffix: str, objects: Mapping[str, Object]) -> str | None:
    """The id of the first set of a kind of an object; None when there is no such object, or it has no such set."""
    owner = next((objects[key] for key in candidate_keys(name) if key in objects), None)
    if owner is None or isinstance(owner, Properties):
        return None
    for section in sections_of(owner):
        if section.generated_id == f"{owner.id}-{suffix}" and section.sets:
            first = section.sets[0]
            return first.id_ref or first.id or section.generated_id
    return None


def expanded(topology: Topology, nodes: Iterable[Node]) -> Topology:
    """The topology with levels of their own for each node in the place of those that are for every node."""
    names = [node.id for node in nodes]
    for_all = [level for level in topology.levels if level.is_for_all]
    if not names or not for_all:
        return topology
    levels = [msgspec.structs.replace(level, target=name, id=None) for name in names for level in for_all]
    others = (level for level in topology.levels if not level.is_for_all)
    return msgspec.structs.replace(topology, levels=(*levels, *others))
