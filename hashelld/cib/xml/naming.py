"""Ids: which ones of a document were chosen by somebody, and which ones the writer makes up again.

The model keeps only the former. An id counts as made up when the writer, going through the document in the same
order, would arrive at the same one, and nothing refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

import msgspec

from hashelld.cib.xml.tree import Element, text_of
from hashelld.model.resource import Unknown


_UNSUITABLE: Final = re.compile(r"[^\w.-]")
_ID_IN_TEXT: Final = re.compile(r'\bid="([^"]*)"')
ID: Final = "id"
ID_REF: Final = "id-ref"


def _candidate(generated: str, at: int) -> str:
    return generated if at == 0 else f"{generated}-{at - 1}"


def ids_in(found: msgspec.Struct) -> Iterator[str]:
    """Every id that an object has or contains, what is kept as XML included."""
    for field in found.__struct_fields__:
        value = getattr(found, field)
        if isinstance(value, str):
            if field in (ID, "number"):
                yield value
            elif field == "xml":
                yield from _ID_IN_TEXT.findall(value)
        elif isinstance(value, msgspec.Struct):
            yield from ids_in(value)
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, msgspec.Struct):
                    yield from ids_in(item)
                elif field == "children":
                    yield from _ID_IN_TEXT.findall(item)


class Reading:
    """What is remembered while one document is read.

    `is_strict`: what the model has no place for is refused; otherwise it is left out (only elements that have no
    `unknown` field of their own come to that).
    """

    __slots__ = ("_done", "_kept", "_tried", "is_strict")

    def __init__(self, configuration: Element, *, is_strict: bool) -> None:
        self.is_strict = is_strict
        self._kept: set[str] = set()
        self._done: set[str] = set()
        self._tried: dict[str, int] = {}
        self._note(configuration, set())

    def _note(self, element: Element, seen: set[str]) -> None:
        """Remember ids that something refers to, or that stand at several places."""
        for child in element.children:
            attributes = child.attributes
            given = attributes.get(ID)
            if given is not None:
                if given in seen:
                    self._kept.add(given)
                seen.add(given)
            if ID_REF in attributes:
                self._kept.add(attributes[ID_REF])
            if child.children:
                self._note(child, seen)

    def use(self, object_id: str) -> None:
        """An object has this id, so that none is made up that is the same."""
        self._done.add(object_id)

    def chosen(self, given: str | None, generated: str) -> str | None:
        """The id when it has to be kept, None when the writer makes up the same."""
        if not given:
            return None
        self._done.add(given)
        if given in self._kept:
            return given
        base = _UNSUITABLE.sub(".", generated)
        if not given.startswith(base):
            return given
        at = self._tried.get(base, 0)
        while (made := _candidate(base, at)) != given and made in self._done:
            at += 1
        self._tried[base] = at
        return None if made == given else given

    def unknown(self, element: Element, names: frozenset[str], tags: Collection[str]) -> Unknown | None:
        """The attributes and children of an object beside the known ones."""
        attributes = element.attributes
        is_known = attributes.keys() <= names
        rest = tuple([text_of(child).rstrip("\n") for child in element.children if child.tag not in tags])
        if is_known and not rest:
            return None
        return Unknown(tuple([(k, v) for k, v in attributes.items() if k not in names]), rest)

    def complete(self, element: Element, names: frozenset[str], tags: Collection[str] = ()) -> None:
        """Refuse (when strict) attributes and children beside the known ones."""
        if not self.is_strict:
            return
        for name in element.attributes:
            if name not in names:
                element.refuse(f"<{element.tag}> has an attribute '{name}', which is not supported")
        for child in element.children:
            if child.tag not in tags:
                child.refuse(f"<{child.tag}> in <{element.tag}> is not supported")


class Naming:
    """Makes up ids that are used nowhere yet."""

    __slots__ = ("_tried", "_used")

    def __init__(self, used: Iterable[str]) -> None:
        self._used = set(used)
        self._tried: dict[str, int] = {}

    def name(self, chosen: str | None, generated: str) -> str:
        """The chosen id, or one that is made up; each call gives another."""
        if chosen is not None:
            return chosen
        base = _UNSUITABLE.sub(".", generated)
        at = self._tried.get(base, 0)
        while (made := _candidate(base, at)) in self._used:
            at += 1
        self._tried[base] = at
        self._used.add(made)
        return made
