"""Judges a change of the configuration: everything that it creates, changes or removes must be writable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from hashelld.cib.document import Cib, Object, key_of
from hashelld.cib.edit import Delete, Edit, EditRefused, apply
from hashelld.cib.rights.grafting import NotPermitted, grafted
from hashelld.cib.rights.marks import RESOURCES, Marks, document_of, places_of
from hashelld.cib.rights.reading import visible
from hashelld.cib.rights.rules import Rights
from hashelld.cib.xml.sets import META, OPERATIONS, PARAMS, UTILIZATION
from hashelld.cib.xml.tree import Element, XmlImpossible


__all__ = ["NotPermitted", "permitted"]

_NAMED_MAX: Final = 5
"""So many of the things that may not be changed are named."""
_FRAMES: Final = frozenset({PARAMS, META, UTILIZATION, OPERATIONS, "cluster_property_set"})
"""Elements that may go with the last thing in them."""
_ENCLOSING: Final = _FRAMES | {"group", "clone", "master"}
"""Elements that may come with what is made in them (an id is all that they say): Pacemaker calls them scaffolding."""
_UNORDERED: Final = ("cib", "configuration")
_Chain = tuple[Element, ...]


def permitted(before: Cib, edits: tuple[Edit, ...], rights: Rights) -> tuple[Edit, ...]:
    """The edits as they are to be applied, or `NotPermitted`.

    What the account sees of an object in part, it changes in part: hidden values stay. Edits that do not fit the
    configuration raise `EditRefused`, as they do when they are applied.
    """
    if rights.is_unlimited:
        return edits
    shown = {key_of(found): found for found in visible(before, rights).objects}
    meant = tuple(_meant(before, shown, edit) for edit in edits)
    after = apply(before, meant)
    if rights.is_none:
        raise NotPermitted("you have no rights in this configuration")
    try:
        judge = _Judge(Marks(document_of(before), rights), Marks(document_of(after), rights))
    except XmlImpossible as impossible:
        raise NotPermitted(f"the change cannot be judged: {impossible}") from None
    judge.compare()
    judge.compare_form(before, after)
    if judge.faults:
        named = [f"you may not {fault}" for fault in judge.faults[:_NAMED_MAX]]
        more = len(judge.faults) - len(named)
        raise NotPermitted(*named, *([f"nor {more} other things"] if more else []))
    return meant


def _meant(before: Cib, shown: dict[str, Object], edit: Edit) -> Edit:
    if isinstance(edit, Delete):
        found = before.find(edit.id)
        if found is not None and key_of(found) not in shown:
            raise EditRefused(f"no object '{edit.id}' to delete")
        return edit
    key = key_of(edit.object)
    whole = next((found for found in before.objects if key_of(found) == key), None)
    if whole is None:
        return edit
    if key not in shown:
        raise NotPermitted(f"the id '{edit.object.id}' is used by something that you may not see")
    return replace(edit, object=grafted(whole, shown[key], edit.object))


class _Judge:
    """Compares two documents element by element."""

    __slots__ = ("_after", "_before", "faults")

    def __init__(self, before: Marks, after: Marks) -> None:
        self._before = before
        self._after = after
        self.faults: list[str] = []

    def compare(self) -> None:
        """Collect what differs and may not."""
        self._compare((self._before.root,), (self._after.root,))

    def compare_form(self, before: Cib, after: Cib) -> None:
        """What differs in an object and not in its element (its layout): the element must be writable."""
        old, new = places_of(before, self._before.root), places_of(after, self._after.root)
        known = {key_of(found): found for found in before.objects}
        for found in after.objects:
            key = key_of(found)
            if key in known and known[key] != found and key in old and key in new and old[key] == new[key]:
                self._need((new[key],), "change", self._after)

    def _compare(self, old: _Chain, new: _Chain) -> None:
        if old[-1] == new[-1]:
            return
        if old[-1].attributes != new[-1].attributes or _comments(old[-1]) != _comments(new[-1]):
            self._need_both(old, new, "change")
        known, wanted = _children(old[-1]), _children(new[-1])
        for key in known:
            if key not in wanted:
                self._removed((*old, known[key]))
        for key in wanted:
            if key in known:
                self._compare((*old, known[key]), (*new, wanted[key]))
            else:
                self._created((*new, wanted[key]))
        if old[-1].tag in _UNORDERED:
            return
        if [key for key in known if key in wanted] != [key for key in wanted if key in known]:
            self._need_both(old, new, "change the order in")

    def _created(self, chain: _Chain) -> None:
        if not _is_frame(chain[-1], _ENCLOSING):
            self._need(chain, "create", self._after)
        for child in chain[-1].children:
            self._created((*chain, child))

    def _removed(self, chain: _Chain) -> None:
        if not _is_frame(chain[-1], _FRAMES):
            self._need(chain, "remove", self._before)
        for child in chain[-1].children:
            self._removed((*chain, child))

    def _need_both(self, old: _Chain, new: _Chain, verb: str) -> None:
        if not (self._before.is_writable(old[-1]) and self._after.is_writable(new[-1])):
            self._fault(old, verb, self._before)

    def _need(self, chain: _Chain, verb: str, marks: Marks) -> None:
        if not marks.is_writable(chain[-1]):
            self._fault(chain, verb, marks)

    def _fault(self, chain: _Chain, verb: str, marks: Marks) -> None:
        is_known = verb == "create" or marks.is_readable(chain[-1])
        text = f"{verb} {_path(chain)}" if is_known else f"{verb} what is hidden from you"
        if text not in self.faults:
            self.faults.append(text)


def _children(element: Element) -> dict[tuple[str, str, int], Element]:
    """The children by tag, id, and (of several without one) their turn."""
    found: dict[tuple[str, str, int], Element] = {}
    for child in element.children:
        name = child.attributes.get("id") or child.attributes.get("id-ref") or ""
        turn = 0
        while (key := (child.tag, name, turn)) in found:
            turn += 1
        found[key] = child
    return found


def _comments(element: Element) -> list[str]:
    return [text for _, text in element.comments]


def _is_frame(element: Element, tags: frozenset[str]) -> bool:
    return not element.attributes or (element.tag in tags and not element.attributes.keys() - {"id"})


def _path(chain: _Chain) -> str:
    """Where an element is, as the right that is missing could say it: from its resource, or the first with an id."""
    named = [at for at, one in enumerate(chain) if "id" in one.attributes]
    resources = [at for at, one in enumerate(chain) if one.tag in RESOURCES]
    first = resources[-1] if resources else named[0] if named else len(chain) - 1
    return "//" + "/".join(_steps(chain[first:]))


def _steps(chain: _Chain) -> Iterator[str]:
    for element in chain:
        shown = "uname" if element.tag == "node" else "name" if element.tag in ("nvpair", "op") else "id"
        value = None if element.tag in _FRAMES else element.attributes.get(shown)
        yield element.tag if value is None else f"{element.tag}[@{shown}='{value}']"
