"""What refers to what: the attribute sets of an object, ids that may be referred to, and who names an object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum

import msgspec

from hashelld.cib.document import DEFAULT_SETS, Cib, Object, Properties, key_of
from hashelld.model.administration import AclRole, AclTarget, Alert, Topology
from hashelld.model.constraint import Colocation, Constraint, Location, Order, TicketConstraint
from hashelld.model.ids import ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Bundle, Clone, Group, Operation, Primitive, Tag, Template
from hashelld.model.rule import Rule


PARAMS_SUFFIX, META_SUFFIX, UTILIZATION_SUFFIX = "instance_attributes", "meta_attributes", "utilization"


class Part(Enum):
    """What parts of objects may be referred to by their ids."""

    SET = "set of attributes"
    PAIR = "attribute"
    RULE = "rule"
    OPERATION = "operation"
    OPERATIONS = "operations"
    RESOURCE_SET = "resource set"


Named = tuple[Part, str]
"""A part of an object, and its id."""


class Sections(msgspec.Struct, frozen=True):
    """The sets of one kind of an object, and the id that the first of them has unless another was chosen."""

    generated_id: str
    sets: tuple[AttributeSet, ...]


def sections_of(found: Object) -> Iterator[Sections]:
    """Every kind of attribute set of an object, those of its operations and recipients included."""
    match found:
        case Node():
            yield Sections(f"{found.id}-{PARAMS_SUFFIX}", found.attributes)
            yield Sections(f"{found.id}-{UTILIZATION_SUFFIX}", found.utilization)
        case Primitive() | Template() | Group() | Clone() | Bundle():
            yield Sections(f"{found.id}-{PARAMS_SUFFIX}", found.params)
            yield Sections(f"{found.id}-{META_SUFFIX}", found.meta)
            if isinstance(found, Primitive | Template):
                yield Sections(f"{found.id}-{UTILIZATION_SUFFIX}", found.utilization)
                for operation in found.operations:
                    op_id = _operation_id(found.id, operation)
                    yield Sections(f"{op_id}-{PARAMS_SUFFIX}", operation.params)
                    yield Sections(f"{op_id}-{META_SUFFIX}", operation.meta)
        case Properties():
            yield Sections(found.id, (found.set,))
        case Alert():
            yield Sections(f"{found.id}-{PARAMS_SUFFIX}", found.params)
            yield Sections(f"{found.id}-{META_SUFFIX}", found.meta)
            for at, recipient in enumerate(found.recipients):
                recipient_id = recipient.id or generated_id(f"{found.id}-recipient", at)
                yield Sections(f"{recipient_id}-{PARAMS_SUFFIX}", recipient.params)
                yield Sections(f"{recipient_id}-{META_SUFFIX}", recipient.meta)
        case _:
            return


def operation_id(resource: str, name: str, interval: str | None) -> str:
    """The id that an operation has in XML unless another was chosen."""
    return f"{resource}-{name}-{interval or '0'}"


def generated_id(base: str, at: int) -> str:
    """The id that the first (0), second… part of a kind has in XML unless another was chosen."""
    return base if at == 0 else f"{base}-{at - 1}"


def _operation_id(owner: str, operation: Operation) -> str:
    return operation.id or operation_id(owner, operation.name, operation.option("interval"))


def parts_of(found: Object) -> Iterator[Named]:
    """The parts of an object that others may refer to, by their chosen or else generated ids.

    For equal objects of other ids the parts come in the same order.
    """
    for section in sections_of(found):
        unnamed = 0
        for attribute_set in section.sets:
            if attribute_set.id_ref is not None:
                continue
            set_id = attribute_set.id or generated_id(section.generated_id, unnamed)
            unnamed += attribute_set.id is None
            yield (Part.SET, set_id)
            yield from ((Part.PAIR, p.id or f"{set_id}-{p.name}") for p in attribute_set.pairs if p.id_ref is None)
            yield from _rules(attribute_set.rules, set_id)
    if isinstance(found, Primitive | Template):
        yield (Part.OPERATIONS, found.operations_id or f"{found.id}-operations")
        yield from ((Part.OPERATION, _operation_id(found.id, o)) for o in found.operations if o.id_ref is None)
    if isinstance(found, Location | Colocation | Order | TicketConstraint):
        yield from ((Part.RESOURCE_SET, s.id or f"{found.id}-{at}") for at, s in enumerate(found.sets))
        yield from _rules(found.lifetime, f"{found.id}-lifetime")
    if isinstance(found, Location):
        yield from _rules(found.rules, found.id)


def _rules(rules: Iterable[Rule], owner: str) -> Iterator[Named]:
    for at, rule in enumerate(rule for rule in rules if rule.id_ref is None):
        yield (Part.RULE, rule.id or generated_id(f"{owner}-rule", at))


def references_in(found: Object) -> Iterator[Named]:
    """The parts of other objects that an object refers to. A set may be meant by the id of the object that owns it."""
    rules: list[Rule] = []
    for section in sections_of(found):
        for attribute_set in section.sets:
            if attribute_set.id_ref is not None:
                yield (Part.SET, attribute_set.id_ref)
            yield from ((Part.PAIR, p.id_ref) for p in attribute_set.pairs if p.id_ref is not None)
            rules.extend(attribute_set.rules)
    if isinstance(found, Primitive | Template):
        yield from ((Part.OPERATION, o.id_ref) for o in found.operations if o.id_ref is not None)
        if found.operations_ref is not None:
            yield (Part.OPERATIONS, found.operations_ref)
    if isinstance(found, Location | Colocation | Order | TicketConstraint):
        yield from ((Part.RESOURCE_SET, s.id_ref) for s in found.sets if s.id_ref is not None)
        rules.extend(found.lifetime)
    if isinstance(found, Location):
        rules.extend(found.rules)
    yield from _rule_references(rules)


def _rule_references(rules: Iterable[object]) -> Iterator[Named]:
    for rule in rules:
        if isinstance(rule, Rule):
            if rule.id_ref is not None:
                yield (Part.RULE, rule.id_ref)
            yield from _rule_references(rule.conditions)


def known_parts(cib: Cib) -> dict[Part, frozenset[str]]:
    """Everything that may be referred to: ids of parts, and for sets also the ids of the objects that own one."""
    known: dict[Part, set[str]] = {part: set() for part in Part}
    known[Part.SET].update(DEFAULT_SETS.values())
    for found in cib.objects:
        for part, name in parts_of(found):
            known[part].add(name)
            if part is Part.SET:
                known[part].add(found.id)
    return {part: frozenset(names) for part, names in known.items()}


def referred_ids(cib: Cib) -> frozenset[str]:
    """The ids of all parts that something refers to."""
    return frozenset(name for found in cib.objects for _, name in references_in(found))


def referrers(cib: Cib, name: str) -> tuple[Object, ...]:
    """The objects that name this one (an id or key): containers, constraints, users of a template or of its parts."""
    meant = [o for o in cib.objects if o.id == name or key_of(o) == name]
    keys = {key_of(o) for o in meant} or {name}
    ids = {part_id for o in meant for _, part_id in parts_of(o)} | {o.id for o in meant if key_of(o) == o.id}
    if not any(key_of(o) == o.id for o in meant):
        # Tags and access rights name nodes, too, and do not say so.
        keys |= {o.id for o in meant if cib.find(o.id) is o}
    return tuple(
        o
        for o in cib.objects
        if key_of(o) not in keys and (names_in(o) & keys or any(part_id in ids for _, part_id in references_in(o)))
    )


def children_of(found: Object | None) -> tuple[ResourceId, ...]:
    """The resources inside a container."""
    if isinstance(found, Group):
        return found.members
    child = found.child if isinstance(found, Clone | Bundle) else None
    return () if child is None else (child,)


def names_in(found: Object) -> frozenset[str]:
    """The keys of the other objects that an object names."""
    return frozenset(name for name in _names_in(found) if name is not None)


def _names_in(found: Object) -> Iterable[str | None]:
    match found:
        case Group() | Clone() | Bundle():
            return children_of(found)
        case Tag():
            return found.members
        case Primitive():
            return (found.template,)
        case Location() | Colocation() | Order() | TicketConstraint():
            return (*_ends_of(found), *(member for one in found.sets for member in one.members))
        case Topology():
            devices = (device for level in found.levels for device in level.devices)
            return (*devices, *(_node_key(level.target) for level in found.levels))
        case AclRole():
            return (permission.reference for permission in found.permissions)
        case AclTarget():
            return found.roles
        case _:
            return ()


def _ends_of(found: Constraint) -> tuple[str | None, ...]:
    match found:
        case Location():
            return (found.resource, _node_key(found.node))
        case Colocation():
            return (found.resource, found.with_resource)
        case Order():
            return (found.first, found.then)
        case TicketConstraint():
            return (found.resource,)


def _node_key(name: str | None) -> str | None:
    return None if name is None else f"node:{name}"
