"""Changes that people make with one command, computed into edits; what cannot be done raises `EditRefused`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hashelld.cib.containing import following, heirs, redirected
from hashelld.cib.document import Cib, Object, key_of
from hashelld.cib.edit import Delete, Edit, EditRefused, Put, names_for_edits
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.path import get_path, set_path, unset_path
from hashelld.cib.references import children_of, names_in, parts_of, referrers
from hashelld.cib.removal import names_any, without
from hashelld.cib.renaming import with_id, with_names, with_references
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
from hashelld.model.administration import Topology, Unmodelled
from hashelld.model.constraint import Constraint, Location
from hashelld.model.ids import ConstraintId, NodeId, ResourceId, is_id
from hashelld.model.node import Node
from hashelld.model.resource import Group, Primitive
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

    The members of a group and the child of a clone stay. With `cascade`, constraints of a container become those of
    (the first of) what stays of it; constraints between two resources are deleted; groups, tags, resource sets,
    fencing levels and roles lose what is deleted, and go when nothing is left.
    """
    doomed: dict[str, Object] = {}
    for object_id in ids:
        found = cib.find(object_id)
        if found is None:
            raise EditRefused(missing(cib, object_id, "object"))
        doomed[key_of(found)] = found
    if not cascade:
        _refuse_references(cib, doomed)
    objects = {key_of(o): o for o in cib.objects}
    changed: dict[str, Object] = {}
    while (victim := _victim(objects, doomed)) is not None:
        key = key_of(victim)
        left = _left(victim, doomed)
        if left is None:
            doomed[key] = victim
        else:
            changed[key] = objects[key] = left
    puts: list[Edit] = [Put(o) for key, o in changed.items() if key not in doomed]
    # Containers and constraints go before what they name, so that every step is a sound configuration.
    names = names_for_edits(cib)
    order = {key: at for at, key in enumerate(objects)}
    return (*puts, *(Delete(names[key]) for key in sorted(doomed, key=lambda key: -order[key])))


def _victim(objects: Mapping[str, Object], doomed: Mapping[str, Object]) -> Object | None:
    """An object that names what is deleted; containers first, for their constraints go to what stays of them."""
    victims = [o for key, o in objects.items() if key not in doomed and names_any(o, doomed)]
    return next((o for o in victims if children_of(o)), victims[0] if victims else None)


def _left(victim: Object, doomed: Mapping[str, Object]) -> Object | None:
    """What is left of an object that names what is deleted."""
    inherited = heirs(doomed)
    if not isinstance(victim, Constraint) or not names_in(victim) & inherited.keys():
        return without(victim, doomed)
    kept = redirected(victim, inherited)
    return kept if kept is None or not names_any(kept, doomed) else without(kept, doomed)


def _refuse_references(cib: Cib, doomed: Mapping[str, Object]) -> None:
    listed = [
        f"{found.id} is used by " + ", ".join(f"'{o.id}'" for o in users)
        for key, found in doomed.items()
        if (users := [o for o in referrers(cib, key) if key_of(o) not in doomed])
    ]
    if listed:
        raise EditRefused("; ".join(listed) + ": delete these too, or use --cascade")


def rename(cib: Cib, old: str, new: str) -> Edits:
    """Give an object another id, in its place, and change it (and the ids of its parts) wherever it is named."""
    found = cib.find(old)
    if found is None:
        raise EditRefused(missing(cib, old, "object"))
    if isinstance(found, Node):
        raise EditRefused(f"'{old}' is a node: its name is the machine's, and is not changed here")
    if isinstance(found, Topology | Unmodelled):
        raise EditRefused(f"'{old}' has no name that could be changed")
    if not is_id(new):
        raise EditRefused(f"'{new}' is no legal id: a letter or _, then letters, digits, _ . -")
    renamed = with_id(found, new)
    if any(key_of(o) == key_of(renamed) for o in cib.objects):
        raise EditRefused(f"the id '{new}' is already in use")
    ids = {was: now for (_, was), (_, now) in zip(parts_of(found), parts_of(renamed), strict=True)}
    ids.setdefault(found.id, new)
    users = tuple(
        Put(with_references(with_names(o, found.id, new), lambda name: ids.get(name, name)))
        for o in referrers(cib, key_of(found))
    )
    own = with_references(renamed, lambda name: ids.get(name, name))
    key = names_for_edits(cib)[key_of(found)]
    return (Put(own, key), *users, Delete(key))


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
    members = (*found.members[:at], *added, *found.members[at:])
    edits = put(found, msgspec.structs.replace(found, members=members))
    return (*edits, *following(cib, edits))


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
