"""Setting and removing single values: meta attributes, parameters, node attributes, properties."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import DEFAULT_SETS, PROPERTY, Cib, Object, Properties
from hashelld.cib.edit import Delete, Edit, EditRefused, Put
from hashelld.cib.lang.diagnostic import suggest
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from hashelld.model.resource import (
    AttributeSet,
    Bundle,
    Clone,
    Group,
    NvPair,
    Primitive,
    Resource,
    Template,
    with_value,
)


Edits = tuple[Edit, ...]


def set_meta(cib: Cib, resource: str, name: str, value: str) -> Edits:
    """Set a meta attribute of a resource."""
    found = resource_of(cib, resource)
    return put(found, msgspec.structs.replace(found, meta=_with(found.meta, name, value)))


def unset_meta(cib: Cib, resource: str, name: str) -> Edits:
    """Remove a meta attribute of a resource."""
    found = resource_of(cib, resource)
    _demand(found.meta, name, f"the meta attribute '{name}' of {resource}")
    return put(found, msgspec.structs.replace(found, meta=with_value(found.meta, name, None)))


def set_param(cib: Cib, resource: str, name: str, value: str) -> Edits:
    """Set a parameter of a resource."""
    found = resource_of(cib, resource)
    return put(found, msgspec.structs.replace(found, params=_with(found.params, name, value)))


def unset_param(cib: Cib, resource: str, name: str) -> Edits:
    """Remove a parameter of a resource."""
    found = resource_of(cib, resource)
    _demand(found.params, name, f"the parameter '{name}' of {resource}")
    return put(found, msgspec.structs.replace(found, params=with_value(found.params, name, None)))


def set_node_attribute(cib: Cib, node: str, name: str, value: str, *, utilization: bool = False) -> Edits:
    """Set a permanent attribute of a node (`standby`, `maintenance`, or any other), or a capacity."""
    found = node_of(cib, node)
    if utilization:
        return put(found, msgspec.structs.replace(found, utilization=_with(found.utilization, name, value)))
    return put(found, msgspec.structs.replace(found, attributes=_with(found.attributes, name, value)))


def unset_node_attribute(cib: Cib, node: str, name: str, *, utilization: bool = False) -> Edits:
    """Remove a permanent attribute of a node, or a capacity."""
    found = node_of(cib, node)
    if utilization:
        _demand(found.utilization, name, f"the capacity '{name}' of {node}")
        return put(found, msgspec.structs.replace(found, utilization=with_value(found.utilization, name, None)))
    _demand(found.attributes, name, f"the attribute '{name}' of {node}")
    return put(found, msgspec.structs.replace(found, attributes=with_value(found.attributes, name, None)))


def set_property(cib: Cib, name: str, value: str, kind: str = PROPERTY) -> Edits:
    """Set a cluster property, or a default of another kind, where it is set already or in the usual set."""
    found = _properties_with(cib, name, kind) or cib.find(DEFAULT_SETS[kind])
    if found is None:
        return (Put(Properties(id=DEFAULT_SETS[kind], kind=kind, set=AttributeSet((NvPair(name, value),)))),)
    if not isinstance(found, Properties):
        raise EditRefused(f"the id '{found.id}' of the set of properties is used by something else")
    if _is_conditional(found.set):
        raise EditRefused(f"the values of '{found.id}' count only where its rules hold: edit it, or give it another id")
    return put(found, msgspec.structs.replace(found, set=with_value((found.set,), name, value)[0]))


def unset_property(cib: Cib, name: str, kind: str = PROPERTY) -> Edits:
    """Remove a cluster property, or a default of another kind; a set that becomes empty goes too."""
    found = _properties_with(cib, name, kind)
    if found is None:
        raise EditRefused(f"the {_what(kind)} '{name}' is not set")
    pairs = tuple(p for p in found.set.pairs if p.name != name)
    if not pairs and not found.set.rules:
        return (Delete(found.id),)
    return (Put(msgspec.structs.replace(found, set=msgspec.structs.replace(found.set, pairs=pairs))),)


def put(old: Object, new: Object) -> Edits:
    """The edit that replaces an object; none when nothing changed."""
    return () if old == new else (Put(new),)


def resource_of(cib: Cib, name: str) -> Resource:
    """The resource of this name; refused when there is none."""
    found = cib.find(name)
    if isinstance(found, Primitive | Group | Clone | Bundle | Template):
        return found
    if found is not None:
        raise EditRefused(f"'{name}' is a {type(found).__name__.lower()}, not a resource")
    raise EditRefused(missing(cib, name, "resource"))


def node_of(cib: Cib, name: str) -> Node:
    """The node of this name; refused when there is none."""
    found = cib.node(NodeId(name))
    if found is None:
        hint = suggest(name, (n.id for n in cib.nodes))
        raise EditRefused(f"no node '{name}' in this configuration" + (f": {hint}" if hint else ""))
    return found


def missing(cib: Cib, name: str, what: str) -> str:
    """The sentence about a name that does not exist, with one that resembles it."""
    candidates = cib.resources if what == "resource" else cib.objects
    hint = suggest(name, (o.id for o in candidates))
    return f"no {what} '{name}' in this configuration" + (f": {hint}" if hint else "")


def _demand(sets: tuple[AttributeSet, ...], name: str, what: str) -> None:
    if not any(pair.name == name for found in sets for pair in found.pairs):
        hint = suggest(name, (pair.name for found in sets for pair in found.pairs))
        raise EditRefused(f"{what} is not set" + (f": {hint}" if hint else ""))


def _properties_with(cib: Cib, name: str, kind: str) -> Properties | None:
    """The set in which a value is; one that always counts, if there is any."""
    sets = (o for o in cib.objects if isinstance(o, Properties) and o.kind == kind)
    having = [one for one in sets if any(p.name == name for p in one.set.pairs)]
    return next((one for one in having if not _is_conditional(one.set)), having[0] if having else None)


def _is_conditional(found: AttributeSet) -> bool:
    return bool(found.rules) or found.id_ref is not None


def _with(sets: tuple[AttributeSet, ...], name: str, value: str) -> tuple[AttributeSet, ...]:
    """The sets with a value that counts wherever no rule gives another one."""
    plain = [one for one in sets if not _is_conditional(one)]
    if not plain:
        return (*sets, AttributeSet((NvPair(name, value),)))
    target = next((one for one in plain if any(p.name == name for p in one.pairs)), plain[0])
    return tuple(with_value((one,), name, value)[0] if one is target else one for one in sets)


def _what(kind: str) -> str:
    return {"property": "cluster property", "rsc_defaults": "resource default"}.get(kind, "operation default")
