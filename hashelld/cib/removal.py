"""What is left of an object when others, which it names, are deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hashelld.cib.document import Object, key_of
from hashelld.cib.edit import EditRefused
from hashelld.cib.references import Part, names_in, parts_of, references_in
from hashelld.model.administration import AclRole, AclTarget, Topology
from hashelld.model.constraint import Colocation, Constraint, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Bundle, Group, Tag
from hashelld.model.rule import Rule


replace = msgspec.structs.replace

Doomed = Mapping[str, Object]
"""What is deleted, by its key."""


def names_any(found: Object, doomed: Doomed) -> bool:
    """Does an object name one of those that are deleted, or refer to a part of one?"""
    return bool(names_in(found) & doomed.keys()) or bool(_lost_parts(found, doomed))


def _lost_parts(found: Object, doomed: Doomed) -> list[tuple[Part, str]]:
    wanted = list(references_in(found))
    if not wanted:
        return []
    gone = {name for o in doomed.values() if o.id != found.id for _, name in parts_of(o)}
    gone |= {o.id for o in doomed.values() if key_of(o) == o.id}
    return [one for one in wanted if one[1] in gone]


def without(found: Object, doomed: Doomed) -> Object | None:
    """What is left of an object; None when nothing sensible is.

    Raises `EditRefused` where an object takes its settings from what is deleted.
    """
    lost = _lost_parts(found, doomed)
    if isinstance(found, Location) and found.rules and all(part is Part.RULE for part, _ in lost):
        found = _without_rules(found, frozenset(name for _, name in lost))
        lost = []
        if not found.rules or not names_in(found) & doomed.keys():
            return found if found.rules else None
    template = getattr(found, "template", None)
    settings = {name for _, name in lost} | ({template} & doomed.keys() if template is not None else set())
    if settings:
        uses = ", ".join(sorted(settings))
        raise EditRefused(f"'{found.id}' takes its settings from {uses}: change or delete it first")
    if isinstance(found, Location | Colocation | Order | TicketConstraint):
        return _constraint_without(found, doomed)
    return _collection_without(found, doomed)


def _without_rules(found: Location, lost: frozenset[str]) -> Location:
    rules: tuple[Rule, ...] = tuple(rule for rule in found.rules if rule.id_ref not in lost)
    return replace(found, rules=rules)


def _collection_without(found: Object, doomed: Doomed) -> Object | None:
    match found:
        case Group():
            members = _kept(found.members, doomed)
            return replace(found, members=members) if members else None
        case Tag():
            tagged = tuple(m for m in found.members if m not in doomed)
            return replace(found, members=tagged) if tagged else None
        case Bundle():
            return replace(found, child=None)
        case Topology():
            return _topology_without(found, doomed)
        case AclRole():
            permissions = tuple(p for p in found.permissions if p.reference not in doomed)
            return replace(found, permissions=permissions) if permissions else None
        case AclTarget():
            roles = tuple(r for r in found.roles if r not in doomed)
            return replace(found, roles=roles) if roles else None
        case _:
            return None


def _kept(members: Iterable[ResourceId], doomed: Doomed) -> tuple[ResourceId, ...]:
    return tuple(m for m in members if m not in doomed)


def _topology_without(found: Topology, doomed: Doomed) -> Topology | None:
    levels = []
    for level in found.levels:
        devices = _kept(level.devices, doomed)
        if devices and f"node:{level.target}" not in doomed:
            levels.append(replace(level, devices=devices))
    return replace(found, levels=tuple(levels)) if levels else None


def _constraint_without(found: Constraint, doomed: Doomed) -> Constraint | None:
    """Resource sets lose members; a relation of one resource to nothing is none."""
    if not found.sets or (isinstance(found, Location) and f"node:{found.node}" in doomed):
        return None
    shrunk = (replace(one, members=_kept(one.members, doomed)) for one in found.sets)
    sets = tuple(one for one in shrunk if one.members or one.id_ref is not None)
    count = sum(len(one.members) for one in sets)
    least = 1 if isinstance(found, Location | TicketConstraint) else 2
    if count < least and all(one.id_ref is None for one in sets):
        return None
    return _simplified(replace(found, sets=sets))


def _simplified(found: Constraint) -> Constraint:
    """A constraint with sets in which two resources (for a ticket: one) are left, as one between these."""
    match found:
        case Location():
            return found
        case TicketConstraint():
            if len(found.sets) != 1 or len(found.sets[0].members) != 1:
                return found
            one = found.sets[0]
            return replace(found, sets=(), resource=one.members[0], role=one.role)
        case Colocation() | Order():
            pair = _two_in_sequence(found.sets)
            if pair is None:
                return found
            (first, first_set), (second, second_set) = pair
            if isinstance(found, Order):
                actions = {"first_action": first_set.action, "then_action": second_set.action}
                return replace(found, sets=(), first=first, then=second, **actions)
            if first_set is second_set:
                # In one set the later is placed by the earlier, between two it is the other way round.
                first, second = second, first
            roles = {"role": first_set.role, "with_role": second_set.role}
            return replace(found, sets=(), resource=first, with_resource=second, **roles)


def _two_in_sequence(
    sets: tuple[ResourceSet, ...],
) -> tuple[tuple[ResourceId, ResourceSet], tuple[ResourceId, ResourceSet]] | None:
    """Two resources one after the other, when the sets are no more than that."""
    members = [(member, one) for one in sets for member in one.members]
    is_plain = all((one.score, one.kind, one.ordering, one.id_ref) == (None,) * 4 for one in sets)
    if len(members) != 2 or not is_plain or any(one.require_all is False for one in sets):
        return None
    if len(sets) == 1 and sets[0].sequential is False:
        return None
    return members[0], members[1]
