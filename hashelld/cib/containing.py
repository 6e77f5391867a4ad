"""What becomes of constraints when the resources that they name come into a container, or lose it.

A constraint on a member of a group, or on what is cloned, is as good as never what is meant: it follows the resource
into its container, and back when the container goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from hashelld.cib.document import Cib, Object
from hashelld.cib.edit import Delete, Edit, Put
from hashelld.cib.references import children_of, names_in
from hashelld.cib.renaming import with_names
from hashelld.model.constraint import Colocation, Constraint, Location, Order, ResourceSet, TicketConstraint
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Bundle, Clone, Group


replace = msgspec.structs.replace


def following(cib: Cib, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """What edits that put resources into containers mean for the constraints that name these, beside the edits.

    Constraints that the edits themselves make stay as they are.
    """
    made = {edit.object.id for edit in edits if isinstance(edit, Put)}
    before = {child for found in cib.objects for child in children_of(found)}
    into: dict[str, str] = {}
    for edit in edits:
        if isinstance(edit, Put) and isinstance(edit.object, Group | Clone | Bundle):
            into |= {child: edit.object.id for child in children_of(edit.object) if child not in before}
    changed: list[Edit] = []
    for found in cib.constraints if into else ():
        if found.id not in made and names_in(found) & into.keys():
            left = redirected(found, into)
            changed.append(Delete(found.id) if left is None else Put(left))
    return tuple(changed)


def heirs(doomed: Mapping[str, Object]) -> dict[str, str]:
    """For containers that are deleted: the (first) resource inside that stays, which takes their place."""
    found: dict[str, str] = {}
    for name, container in doomed.items():
        heir = _heir(container, doomed)
        if heir is not None:
            found[name] = heir
    return found


def _heir(container: Object, doomed: Mapping[str, Object]) -> str | None:
    for child in children_of(container):
        heir = _heir(doomed[child], doomed) if child in doomed else child
        if heir is not None:
            return heir
    return None


def redirected(found: Constraint, names: Mapping[str, str]) -> Constraint | None:
    """The constraint with other names for what it relates; None when it then relates something to itself alone."""
    changed: Object = found
    for old, new in names.items():
        changed = with_names(changed, old, new)
    match changed:
        case Colocation():
            return (
                None if changed.resource is not None and changed.resource == changed.with_resource else _once(changed)
            )
        case Order():
            return None if changed.first is not None and changed.first == changed.then else _once(changed)
        case Location() | TicketConstraint():
            return _once(changed)
        case _:
            return found


def _once(found: Constraint) -> Constraint | None:
    """Every member of its sets once; None when there are too few left to relate."""
    seen: set[str] = set()
    sets: list[ResourceSet] = []
    for one in found.sets:
        members = tuple(_new(one.members, seen))
        if members or one.id_ref is not None:
            sets.append(replace(one, members=members))
    is_relation = isinstance(found, Colocation | Order) and all(one.id_ref is None for one in sets)
    if found.sets and is_relation and len(seen) < 2:
        return None
    return replace(found, sets=tuple(sets))


def _new(members: Iterable[ResourceId], seen: set[str]) -> Iterable[ResourceId]:
    for member in members:
        if member not in seen:
            seen.add(member)
            yield member
