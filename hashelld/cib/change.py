"""Changes that people make with one command, computed into edits; what cannot be done raises `EditRefused`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from hashelld.cib.document import Cib, Object, Properties
from hashelld.cib.edit import Delete, Edit, EditRefused, Put
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.path import get_path, set_path, unset_path
from hashelld.cib.references import names_in, referrers
from hashelld.cib.setting import (
    Edits,
    missing,
    node_of,
    put,
    resource_of,
    set_meta,
    set_node_attribute,
    set_param,
    set_property,
    unset_meta,
    unset_node_attribute,
    unset_param,
    unset_property,
)
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.ids import ConstraintId, NodeId, ResourceId, is_id
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Clone, Group, Primitive, Template
from hashelld.model.score import parse_score


__all__ = [
    "Edits",
    "add_location",
    "delete",
    "get_path",
    "group_add",
    "group_remove",
    "rename",
    "set_meta",
    "set_node_attribute",
    "set_param",
    "set_path",
    "set_property",
    "unset_meta",
    "unset_node_attribute",
    "unset_param",
    "unset_path",
    "unset_property",
]


def add_location(
    cib: Cib,
    constraint: str,
    resource: str,
    node: str,
    score: str,
    *,
    role: str | None = None,
    options: tuple[tuple[str, str], ...] = (),
) -> Edits:
    """A location constraint of this id; one of the same id is replaced."""
    resource_of(cib, resource)
    node_of(cib, node)
    if parse_score(score) is None:
        raise EditRefused(f"'{score}' is no score: a whole number, inf or -inf")
    old = cib.find(constraint)
    if old is not None and not isinstance(old, Location):
        raise EditRefused(f"the id '{constraint}' is already in use")
    if not is_id(constraint):
        raise EditRefused(f"'{constraint}' is no legal id")
    made = Location(
        id=ConstraintId(constraint),
        resource=ResourceId(resource),
        node=NodeId(node),
        score=score,
        role=role,
        options=options,
    )
    return (Put(made),)


def delete(cib: Cib, ids: Iterable[str], *, cascade: bool = False) -> Edits:
    """Delete objects. Whatever else names them is listed and refuses it; with `cascade` it is changed or goes too.

    The members of a group and the child of a clone stay. With `cascade`, constraints are deleted, a group loses the
    members, and a container that would become empty is deleted.
    """
    doomed = dict.fromkeys(ids)
    for object_id in doomed:
        if cib.find(object_id) is None:
            raise EditRefused(missing(cib, object_id, "object"))
    if not cascade:
        _refuse_references(cib, doomed)
    objects = list(cib.objects)
    changed: dict[str, Object] = {}
    while (
        victim := next((o for o in objects if o.id not in doomed and names_in(o) & doomed.keys()), None)
    ) is not None:
        at = objects.index(victim)
        shrunk = _without(victim, doomed)
        if shrunk is None:
            doomed[victim.id] = None
        else:
            changed[victim.id] = objects[at] = shrunk
    kept: list[Edit] = [Put(o) for i, o in changed.items() if i not in doomed]
    # Containers and constraints go before what they name, so that every step is a sound configuration.
    order = {o.id: at for at, o in enumerate(cib.objects)}
    return (*kept, *(Delete(i) for i in sorted(doomed, key=lambda i: -order[i])))


def _refuse_references(cib: Cib, doomed: dict[str, None]) -> None:
    listed = [
        f"{object_id} is used by " + ", ".join(f"'{o.id}'" for o in users)
        for object_id in doomed
        if (users := [o for o in referrers(cib, object_id) if o.id not in doomed])
    ]
    if listed:
        raise EditRefused("; ".join(listed) + ": delete these too, or use --cascade")


def _without(found: Object, doomed: dict[str, None]) -> Object | None:
    """What is left of an object when others are deleted; None when nothing sensible is."""
    match found:
        case Group() if members := tuple(m for m in found.members if m not in doomed):
            return msgspec.structs.replace(found, members=members)
        case Primitive() | Template() if names_in(found) & doomed.keys():
            uses = ", ".join(sorted(names_in(found) & doomed.keys()))
            raise EditRefused(f"'{found.id}' takes its settings from {uses}: change or delete it first")
        case _:
            return None


def rename(cib: Cib, old: str, new: str) -> Edits:
    """Give an object another id, in its place, and change it wherever it is named."""
    found = cib.find(old)
    if found is None:
        raise EditRefused(missing(cib, old, "object"))
    if isinstance(found, Node):
        raise EditRefused(f"'{old}' is a node: its name is the machine's, and is not changed here")
    if not is_id(new):
        raise EditRefused(f"'{new}' is no legal id: a letter or _, then letters, digits, _ . -")
    if cib.find(new) is not None:
        raise EditRefused(f"the id '{new}' is already in use")
    users = tuple(Put(_renamed(o, old, new)) for o in referrers(cib, old))
    return (Put(_with_id(found, new), old), *users, Delete(old))


def _with_id(found: Object, new: str) -> Object:
    match found:
        case Location() | Colocation() | Order():
            return msgspec.structs.replace(found, id=ConstraintId(new))
        case Properties():
            return msgspec.structs.replace(found, id=new)
        case Node():
            return found
        case _:
            return msgspec.structs.replace(found, id=ResourceId(new))


def _renamed(found: Object, old: str, new: str) -> Object:
    def name(text: ResourceId) -> ResourceId:
        return ResourceId(new) if text == old else text

    match found:
        case Group():
            changed: Object = msgspec.structs.replace(found, members=tuple(name(m) for m in found.members))
        case Clone():
            changed = msgspec.structs.replace(found, child=name(found.child))
        case Primitive() if found.template is not None:
            changed = msgspec.structs.replace(found, template=name(found.template))
        case Location():
            changed = msgspec.structs.replace(found, resource=name(found.resource))
        case Colocation():
            changed = msgspec.structs.replace(
                found, resource=name(found.resource), with_resource=name(found.with_resource)
            )
        case Order():
            changed = msgspec.structs.replace(found, first=name(found.first), then=name(found.then))
        case _:
            changed = found
    return _map_sets(changed, lambda s: msgspec.structs.replace(s, id_ref=new) if s.id_ref == old else s)


def _map_sets(found: Object, change: Callable[[AttributeSet], AttributeSet]) -> Object:
    def each(sets: tuple[AttributeSet, ...]) -> tuple[AttributeSet, ...]:
        return tuple(change(s) for s in sets)

    match found:
        case Primitive() | Template():
            operations = tuple(
                msgspec.structs.replace(o, params=each(o.params), meta=each(o.meta)) for o in found.operations
            )
            return msgspec.structs.replace(
                found,
                params=each(found.params),
                meta=each(found.meta),
                utilization=each(found.utilization),
                operations=operations,
            )
        case Group() | Clone():
            return msgspec.structs.replace(found, params=each(found.params), meta=each(found.meta))
        case Node():
            return msgspec.structs.replace(
                found, attributes=each(found.attributes), utilization=each(found.utilization)
            )
        case _:
            return found


def group_add(
    cib: Cib, group: str, members: Iterable[str], *, before: str | None = None, after: str | None = None
) -> Edits:
    """Put primitives into a group, at its end or next to one of its members."""
    found = _group(cib, group)
    added: list[ResourceId] = []
    for member in members:
        child = resource_of(cib, member)
        if not isinstance(child, Primitive):
            raise EditRefused(f"'{member}' is a {type(child).__name__.lower()}; a group holds primitives")
        owner = cib.parent_of(member)
        if owner is not None or member in added:
            raise EditRefused(f"'{member}' is already in '{owner.id if owner is not None else group}'")
        added.append(child.id)
    at = len(found.members)
    beside = before if before is not None else after
    if beside is not None:
        if beside not in found.members:
            raise EditRefused(f"'{beside}' is not in the group '{group}'")
        at = found.members.index(ResourceId(beside)) + (0 if before is not None else 1)
    return put(found, msgspec.structs.replace(found, members=(*found.members[:at], *added, *found.members[at:])))


def group_remove(cib: Cib, group: str, members: Iterable[str]) -> Edits:
    """Take primitives out of a group; they stay configured."""
    found = _group(cib, group)
    gone = frozenset(members)
    for member in sorted(gone):
        if member not in found.members:
            hint = suggest(member, found.members)
            raise EditRefused(f"'{member}' is not in the group '{group}'" + (f": {hint}" if hint else ""))
    kept = tuple(m for m in found.members if m not in gone)
    if not kept:
        raise EditRefused(f"the group '{group}' would be empty: delete the group instead")
    return put(found, msgspec.structs.replace(found, members=kept))


def _group(cib: Cib, name: str) -> Group:
    found = resource_of(cib, name)
    if not isinstance(found, Group):
        raise EditRefused(f"'{name}' is a {type(found).__name__.lower()}, not a group")
    return found
