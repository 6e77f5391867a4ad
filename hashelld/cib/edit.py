"""Edits: the typed changes of which a commit is made. `apply` is pure; a refused edit raises `EditRefused`."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib, Object


class Put(msgspec.Struct, frozen=True, tag="put"):
    """Create the object, or replace the one with the same id in its place."""

    object: Object
    before: str | None = None
    """A new object is put in front of this one; at the end by default."""


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """Remove the object with this id."""

    id: str


Edit = Put | Delete
"""Higher-level changes (set one value, rename, add to a group) are computed by the shell into these two."""


class EditRefused(Exception):
    """The edit does not fit the document; the text tells why."""


def apply(cib: Cib, edits: tuple[Edit, ...]) -> Cib:
    """The document after the edits, in order."""
    objects = list(cib.objects)
    place = {o.id: at for at, o in enumerate(objects)}
    for edit in edits:
        match edit:
            case Put(object=found):
                if found.id in place:
                    objects[place[found.id]] = found
                    continue
                if edit.before is not None and edit.before in place:
                    objects.insert(place[edit.before], found)
                else:
                    objects.append(found)
                place = {o.id: at for at, o in enumerate(objects)}
            case Delete(id=object_id):
                if object_id not in place:
                    raise EditRefused(f"no object '{object_id}' to delete")
                del objects[place[object_id]]
                place = {o.id: at for at, o in enumerate(objects)}
    return Cib(tuple(objects))


def touched(edits: tuple[Edit, ...]) -> frozenset[str]:
    """The ids of the objects that the edits create, change or delete."""
    return frozenset(edit.object.id if isinstance(edit, Put) else edit.id for edit in edits)
