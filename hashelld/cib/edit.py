"""Edits: the typed changes of which a commit is made. `apply` is pure; a refused edit raises `EditRefused`."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib, Object, candidate_keys, key_of


class Put(msgspec.Struct, frozen=True, tag="put"):
    """Create the object, or replace the one with the same key in its place."""

    object: Object
    before: str | None = None
    """A new object is put in front of this one (an id or a key); at the end by default."""


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """Remove the object with this id or key; an id that a node shares with something else means the latter."""

    id: str


Edit = Put | Delete
"""Higher-level changes (set one value, rename, add to a group) are computed by the shell into these two."""


class EditRefused(Exception):
    """The edit does not fit the document; the text tells why."""


def apply(cib: Cib, edits: tuple[Edit, ...]) -> Cib:
    """The document after the edits, in order."""
    objects = list(cib.objects)
    keys = [key_of(o) for o in objects]
    place = {key: at for at, key in enumerate(keys)}
    for edit in edits:
        if isinstance(edit, Put):
            key = key_of(edit.object)
            at = place.get(key)
            if at is not None:
                objects[at] = edit.object
                continue
            at = None if edit.before is None else _at(place, edit.before)
            at = len(objects) if at is None else at
            objects.insert(at, edit.object)
            keys.insert(at, key)
        else:
            at = _at(place, edit.id)
            if at is None:
                raise EditRefused(f"no object '{edit.id}' to delete")
            del objects[at]
            del place[keys.pop(at)]
        for moved in range(at, len(keys)):
            place[keys[moved]] = moved
    return Cib(tuple(objects))


def _at(place: dict[str, int], name: str) -> int | None:
    return next((place[key] for key in candidate_keys(name) if key in place), None)


def names_for_edits(*cibs: Cib) -> dict[str, str]:
    """By what name edits call each object: its id, and its key where objects of these documents share the id."""
    keys: dict[str, set[str]] = {}
    for cib in cibs:
        for found in cib.objects:
            keys.setdefault(found.id, set()).add(key_of(found))
    return {key: name if len(same) == 1 else key for name, same in keys.items() for key in same}


def touched(edits: tuple[Edit, ...]) -> frozenset[str]:
    """The ids of the objects that the edits create, change or delete."""
    return frozenset(edit.object.id if isinstance(edit, Put) else edit.id.rpartition(":")[2] for edit in edits)
