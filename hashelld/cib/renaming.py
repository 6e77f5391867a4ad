"""New names: an object with other ids wherever it names others or their parts."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hashelld.cib.document import Object, Properties
from hashelld.cib.lang.rights import renamed_xpath
from hashelld.cib.references import META_SUFFIX, PARAMS_SUFFIX, UTILIZATION_SUFFIX
from hashelld.model.administration import AclRole, AclTarget, Alert, Topology
from hashelld.model.constraint import Colocation, Constraint, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.ids import ConstraintId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Bundle, Clone, Group, NvPair, Primitive, Tag, Template
from hashelld.model.rule import Condition, Rule


replace = msgspec.structs.replace

Change = Callable[[str], str]
"""An id as it is from now on."""

SetChange = Callable[[str, AttributeSet], AttributeSet]
"""(suffix of the ids of sets of its kind, set) -> the set that takes its place."""


def with_id(found: Object, new: str) -> Object:
    """The object under another id."""
    match found:
        case Location() | Colocation() | Order() | TicketConstraint():
            return replace(found, id=ConstraintId(new))
        case Primitive() | Template() | Group() | Clone() | Bundle():
            return replace(found, id=ResourceId(new))
        case Node():
            return found
        case _:
            return replace(found, id=new)


def with_names(found: Object, old: str, new: str) -> Object:
    """The object with a new name for another one (which is no node) wherever it names it."""

    def name(text: ResourceId | None) -> ResourceId | None:
        return ResourceId(new) if text == old else text

    def names(members: tuple[ResourceId, ...]) -> tuple[ResourceId, ...]:
        return tuple(ResourceId(new) if member == old else member for member in members)

    match found:
        case Group():
            return replace(found, members=names(found.members))
        case Clone():
            return replace(found, child=ResourceId(new) if found.child == old else found.child)
        case Bundle():
            return replace(found, child=name(found.child))
        case Primitive():
            return replace(found, template=name(found.template))
        case Location() | Colocation() | Order() | TicketConstraint():
            sets = tuple(replace(one, members=names(one.members)) for one in found.sets)
            return _with_renamed_ends(replace(found, sets=sets), name)
        case Topology():
            return replace(found, levels=tuple(replace(one, devices=names(one.devices)) for one in found.levels))
        case _:
            return _with_names_in_administration(found, old, new)


def _with_names_in_administration(found: Object, old: str, new: str) -> Object:
    match found:
        case Tag():
            return replace(found, members=tuple(new if member == old else member for member in found.members))
        case AclTarget():
            return replace(found, roles=tuple(new if role == old else role for role in found.roles))
        case AclRole():
            return _with_renamed_rights(found, old, new)
        case _:
            return found


def _with_renamed_rights(found: AclRole, old: str, new: str) -> AclRole:
    permissions = tuple(
        replace(
            one,
            reference=new if one.reference == old else one.reference,
            xpath=None if one.xpath is None else renamed_xpath(one.xpath, old, new),
        )
        for one in found.permissions
    )
    return replace(found, permissions=permissions)


def _with_renamed_ends(found: Constraint, name: Callable[[ResourceId | None], ResourceId | None]) -> Constraint:
    match found:
        case Location() | TicketConstraint():
            return replace(found, resource=name(found.resource))
        case Colocation():
            return replace(found, resource=name(found.resource), with_resource=name(found.with_resource))
        case Order():
            return replace(found, first=name(found.first), then=name(found.then))


def with_references(found: Object, change: Change) -> Object:
    """The object with every reference to a part of another one (a set, a rule, operations…) changed."""
    changed = with_sets(found, lambda _, one: _with_references_in_set(one, change))
    match changed:
        case Primitive() | Template():
            operations = tuple(replace(o, id_ref=_changed(o.id_ref, change)) for o in changed.operations)
            return replace(changed, operations=operations, operations_ref=_changed(changed.operations_ref, change))
        case Location() | Colocation() | Order() | TicketConstraint():
            sets: tuple[ResourceSet, ...] = tuple(
                replace(one, id_ref=_changed(one.id_ref, change)) for one in changed.sets
            )
            constraint = replace(changed, sets=sets, lifetime=_rules(changed.lifetime, change))
            if isinstance(constraint, Location):
                return replace(constraint, rules=_rules(constraint.rules, change))
            return constraint
        case _:
            return changed


def _with_references_in_set(found: AttributeSet, change: Change) -> AttributeSet:
    pairs: tuple[NvPair, ...] = tuple(replace(p, id_ref=_changed(p.id_ref, change)) for p in found.pairs)
    return replace(found, id_ref=_changed(found.id_ref, change), pairs=pairs, rules=_rules(found.rules, change))


def _rules(rules: tuple[Rule, ...], change: Change) -> tuple[Rule, ...]:
    return tuple(_rule(rule, change) for rule in rules)


def _rule(rule: Rule, change: Change) -> Rule:
    conditions: tuple[Condition, ...] = tuple(
        _rule(condition, change) if isinstance(condition, Rule) else condition for condition in rule.conditions
    )
    return replace(rule, id_ref=_changed(rule.id_ref, change), conditions=conditions)


def _changed(name: str | None, change: Change) -> str | None:
    return None if name is None else change(name)


def with_sets(found: Object, change: SetChange) -> Object:
    """The object with each of its attribute sets changed."""

    def each(suffix: str, sets: tuple[AttributeSet, ...]) -> tuple[AttributeSet, ...]:
        return tuple(change(suffix, one) for one in sets)

    match found:
        case Primitive() | Template():
            operations = tuple(
                replace(o, params=each(PARAMS_SUFFIX, o.params), meta=each(META_SUFFIX, o.meta))
                for o in found.operations
            )
            return replace(
                found,
                params=each(PARAMS_SUFFIX, found.params),
                meta=each(META_SUFFIX, found.meta),
                utilization=each(UTILIZATION_SUFFIX, found.utilization),
                operations=operations,
            )
        case Group() | Clone() | Bundle():
            return replace(found, params=each(PARAMS_SUFFIX, found.params), meta=each(META_SUFFIX, found.meta))
        case Node():
            return replace(
                found,
                attributes=each(PARAMS_SUFFIX, found.attributes),
                utilization=each(UTILIZATION_SUFFIX, found.utilization),
            )
        case Alert():
            recipients = tuple(
                replace(one, params=each(PARAMS_SUFFIX, one.params), meta=each(META_SUFFIX, one.meta))
                for one in found.recipients
            )
            params, meta = each(PARAMS_SUFFIX, found.params), each(META_SUFFIX, found.meta)
            return replace(found, params=params, meta=meta, recipients=recipients)
        case Properties():
            return replace(found, set=change(META_SUFFIX, found.set))
        case _:
            return found
