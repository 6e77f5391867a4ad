"""What `configure upgrade` makes of older spellings: the same configuration, as it is written today. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from hashelld.cib.change import set_property, unset_property
from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.edit import apply
from hashelld.model.constraint import Colocation, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.options import cluster_property, meta_attribute, parse_boolean
from hashelld.model.resource import (
    AttributeSet,
    Bundle,
    Clone,
    Group,
    NvPair,
    Operation,
    Primitive,
    Template,
    value_of,
    with_value,
)


_ROLES: Final = {"master": "Promoted", "slave": "Unpromoted"}
_MOVED: Final = {
    "default-resource-stickiness": (RSC_DEFAULTS, "resource-stickiness"),
    "default-migration-threshold": (RSC_DEFAULTS, "migration-threshold"),
    "is-managed-default": (RSC_DEFAULTS, "is-managed"),
    "default-action-timeout": (OP_DEFAULTS, "timeout"),
}
"""Cluster properties that are defaults of resources or operations now."""


def upgraded(cib: Cib) -> Cib:
    """The configuration in today's spelling; an equal value when nothing of it is old."""
    now = Cib(tuple(_object(found) for found in cib.objects))
    for name, (kind, new) in _MOVED.items():
        value = now.property_value(name)
        if value is not None:
            moved = set_property(now, new, value, kind) if now.property_value(new, kind) is None else ()
            now = apply(now, (*moved, *unset_property(now, name)))
    return now


def _object(found: Object) -> Object:
    match found:
        case Primitive() | Template():
            return replace(found, meta=_meta(found.meta), operations=tuple(map(_operation, found.operations)))
        case Group() | Bundle():
            return replace(found, meta=_meta(found.meta))
        case Clone():
            meta = _meta(found.meta)
            if found.is_master and parse_boolean(value_of(meta, "promotable") or "") is not True:
                meta = with_value(meta, "promotable", "true")
            return replace(found, meta=meta, is_master=False)
        case Location() | TicketConstraint():
            return replace(found, role=_role(found.role), sets=tuple(map(_set, found.sets)))
        case Colocation():
            sets = tuple(map(_set, found.sets))
            return replace(found, role=_role(found.role), with_role=_role(found.with_role), sets=sets)
        case Order():
            return replace(found, sets=tuple(map(_set, found.sets)))
        case Properties():
            names = _property_name if found.kind == PROPERTY else _meta_name
            return found if found.kind == OP_DEFAULTS else replace(found, set=_renamed(found.set, names))
        case _:
            return found


def _role(role: str | None) -> str | None:
    return None if role is None else _ROLES.get(role.lower(), role)


def _set(found: ResourceSet) -> ResourceSet:
    return replace(found, role=_role(found.role))


def _operation(found: Operation) -> Operation:
    options = tuple(replace(p, value=_role(p.value)) if p.name == "role" else p for p in found.options)
    return replace(found, options=options)


def _meta(sets: tuple[AttributeSet, ...]) -> tuple[AttributeSet, ...]:
    return tuple(_renamed(one, _meta_name) for one in sets)


def _renamed(found: AttributeSet, name_of: Callable[[str], str]) -> AttributeSet:
    taken = {pair.name for pair in found.pairs}

    def pair(one: NvPair) -> NvPair:
        name = name_of(one.name)
        value = _role(one.value) if name == "target-role" else one.value
        return replace(one, name=one.name if name in taken else name, value=value)

    return replace(found, pairs=tuple(map(pair, found.pairs)))


def _meta_name(name: str) -> str:
    option = meta_attribute(name)
    return name if option is None else option.name


def _property_name(name: str) -> str:
    """Only what is spelled with underscores is older; `fencing-enabled` is what others call `stonith-enabled` now."""
    option = cluster_property(name)
    return name if option is None or name.startswith("fencing-") else option.name
