"""What objects keep of the text that they were written as, beyond what it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec


SECTIONS: Final = ("params", "attributes", "meta", "utilization", "operations", "select", "to")
"""The sections of objects in their usual order."""

_Entry = TypeVar("_Entry")


class Written(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Anything that a statement of the configure language describes."""

    comments: tuple[str, ...] = ()
    """The comment lines in front of the statement, each beginning with `#`."""


class Arranged(Written, frozen=True, omit_defaults=True, kw_only=True):
    """Something made of sections, which may be written in any order."""

    layout: tuple[str, ...] = ()
    """The sections in the order written, one entry for each set, where it is not the usual order (else empty).

    Entries are `params` (`attributes` at nodes and alerts), `meta`, `utilization`, `operations` (once for all
    operations), and at alerts `select` (once) and `to` (for each recipient). It never changes what the object means.
    """


def layout_of(sections: Iterable[str]) -> tuple[str, ...]:
    """The order of sections as it is kept: empty when it is the usual one."""
    order = list(sections)
    return () if order == sorted(order, key=SECTIONS.index) else tuple(order)


def arranged(layout: Iterable[str], entries: Mapping[str, Sequence[_Entry]]) -> Iterator[_Entry]:
    """The entries of all sections in the order of a layout, and those that it does not mention in the usual one."""
    given = dict.fromkeys(entries, 0)
    for name in layout:
        if name in entries and given[name] < len(entries[name]):
            yield entries[name][given[name]]
            given[name] += 1
    for name in SECTIONS:
        if name in entries:
            yield from entries[name][given[name] :]
