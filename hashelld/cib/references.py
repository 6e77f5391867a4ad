"""What refers to what: the attribute sets of an object, ids that may be referred to, and who names an object."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hashelld.cib.document import DEFAULT_SETS, Cib, Object, Properties
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Clone, Group, Primitive, Template


PARAMS_SUFFIX, META_SUFFIX, UTILIZATION_SUFFIX = "instance_attributes", "meta_attributes", "utilization"


class Sections(msgspec.Struct, frozen=True):
    """The sets of one kind of an object, and the id that the first of them has unless another was chosen."""

    generated_id: str
    sets: tuple[AttributeSet, ...]


class KnownIds(msgspec.Struct, frozen=True):
    """Ids that an attribute set, or a single attribute, may refer to."""

    sets: frozenset[str]
    pairs: frozenset[str]


def sections_of(found: Object) -> Iterator[Sections]:
    """Every kind of attribute set of an object, those of its operations included."""
    match found:
        case Node():
            yield Sections(f"{found.id}-{PARAMS_SUFFIX}", found.attributes)
            yield Sections(f"{found.id}-{UTILIZATION_SUFFIX}", found.utilization)
        case Primitive() | Template() | Group() | Clone():
            yield Sections(f"{found.id}-{PARAMS_SUFFIX}", found.params)
            yield Sections(f"{found.id}-{META_SUFFIX}", found.meta)
            if isinstance(found, Primitive | Template):
                yield Sections(f"{found.id}-{UTILIZATION_SUFFIX}", found.utilization)
                for operation in found.operations:
                    op_id = operation.id or operation_id(found.id, operation.name, operation.option("interval"))
                    yield Sections(f"{op_id}-{PARAMS_SUFFIX}", operation.params)
                    yield Sections(f"{op_id}-{META_SUFFIX}", operation.meta)
        case Properties():
            yield Sections(found.id, (found.set,))
        case Location() | Colocation() | Order():
            return


def operation_id(resource: str, name: str, interval: str | None) -> str:
    """The id that an operation has in XML unless another was chosen."""
    return f"{resource}-{name}-{interval or '0'}"


def known_ids(cib: Cib) -> KnownIds:
    """Every id of an attribute set (or of the object that owns one) and of an attribute."""
    sets: set[str] = set(DEFAULT_SETS.values())
    pairs: set[str] = set()
    for found in cib.objects:
        for section in sections_of(found):
            for attribute_set in section.sets:
                if attribute_set.id_ref is not None:
                    continue
                set_id = attribute_set.id or section.generated_id
                sets.update((found.id, set_id))
                pairs.update(p.id or f"{set_id}-{p.name}" for p in attribute_set.pairs if p.id_ref is None)
    return KnownIds(frozenset(sets), frozenset(pairs))


def referrers(cib: Cib, object_id: str) -> tuple[Object, ...]:
    """The objects that name this one: containers, constraints, users of a template or of its attribute sets."""
    return tuple(o for o in cib.objects if o.id != object_id and object_id in names_in(o))


def names_in(found: Object) -> frozenset[str]:
    """The ids of the other objects that an object names."""
    names: set[str] = {s.id_ref for section in sections_of(found) for s in section.sets if s.id_ref is not None}
    match found:
        case Group():
            names.update(found.members)
        case Clone():
            names.add(found.child)
        case Primitive():
            if found.template is not None:
                names.add(found.template)
        case Location():
            names.update((found.resource, found.node))
        case Colocation():
            names.update((found.resource, found.with_resource))
        case Order():
            names.update((found.first, found.then))
        case Node() | Template() | Properties():
            pass
    return frozenset(names)
