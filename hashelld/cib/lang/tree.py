"""Statements: what one line of text means by itself, before it meets a configuration."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Object
from hashelld.cib.lang.tokens import Word
from hashelld.model.ids import ResourceId


class Monitor(msgspec.Struct, frozen=True, kw_only=True):
    """`monitor vip:Promoted 10s:20s`: one more recurring monitor for a primitive that exists."""

    id: ResourceId
    role: str | None = None
    interval: str
    timeout: str | None = None


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """`xml <…>`: what an element of the configuration contains; containers come behind what is in them."""

    objects: tuple[Object, ...]

    @property
    def id(self) -> str:
        """The id of the outermost object."""
        return self.objects[-1].id if self.objects else ""


Item = Object | Monitor | Fragment


class Statement(msgspec.Struct, frozen=True):
    """A well-formed statement. The agent of a primitive may still be the bare type (empty standard)."""

    words: tuple[Word, ...]
    item: Item

    @property
    def keyword(self) -> Word:
        """The first word."""
        return self.words[0]

    @property
    def name(self) -> Word:
        """The word that names the object; the keyword when none is written (`property`)."""
        return next((w for w in self.words[1:] if w.text.removesuffix(":") == self.item.id), self.words[0])

    @property
    def objects(self) -> tuple[Object, ...]:
        """The objects that it describes; none for a monitor."""
        item = self.item
        return item.objects if isinstance(item, Fragment) else () if isinstance(item, Monitor) else (item,)

    def word(self, text: str) -> Word:
        """Where a name or value stands in the statement; the object's name when it is nowhere."""
        later = self.words[1:]
        exact = [w for w in later if w.text == text]
        if exact:
            return exact[-1]
        parts = (w for w in later if text in _parts(w.text))
        return next(parts, self.name)


def _parts(text: str) -> tuple[str, ...]:
    name, _, value = text.partition("=")
    head, _, tail = text.partition(":")
    return name, value, head, tail, text.strip("@$:()[]{}"), *value.split(","), *text.split(",")
