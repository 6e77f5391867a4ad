"""What can be chosen on the status screen: which line of it is about which node or resource. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from hashell.outcomes import StatusReport


class Sort(Enum):
    """What a line is about."""

    NODE = "node"
    RESOURCE = "resource"


class Item(msgspec.Struct, frozen=True):
    """A thing that can be chosen, and its (first) line on the screen."""

    sort: Sort
    name: str
    line: int

    def is_same(self, other: Item | None) -> bool:
        """Is it the same thing, wherever it is?"""
        return other is not None and (other.sort, other.name) == (self.sort, self.name)


def items(lines: Sequence[str], report: StatusReport) -> tuple[Item, ...]:
    """The items on an unpainted screen, from top to bottom; each once.

    A line is about what its second word names (the first is its mark, or says that it is a group), an unmarked one
    about nothing. Below the heading of the resources no node is meant.
    """
    nodes = {str(node.node) for node in report.nodes}
    resources = {i.resource for i in report.instances} | {i.group for i in report.instances if i.group}
    found: dict[tuple[Sort, str], Item] = {}
    is_below_nodes = "bynode" in report.words
    for at, line in enumerate(lines):
        words = line.split()
        if words[:1] in (["Nodes"], ["Resources"]) and len(words) == 1:
            is_below_nodes = words == ["Nodes"]
            continue
        name = _named(words, nodes if is_below_nodes else set(), resources)
        if name is not None:
            found.setdefault(name, Item(*name, at))
    return tuple(found.values())


def _named(words: Sequence[str], nodes: set[str], resources: set[str]) -> tuple[Sort, str] | None:
    """What a line's first words name: `● node1 online`, `● web Started`, `group apps`, `clone of group x y`."""
    if len(words) < 2:
        return None
    if words[1] in nodes and len(words[0]) == 1:
        return Sort.NODE, words[1]
    if words[1] in resources and len(words[0]) == 1:
        return Sort.RESOURCE, words[1]
    if words[0] in ("group", "clone", "promotable", "bundle") and words[-1] in resources:
        return Sort.RESOURCE, words[-1]
    return None


def next_item(choices: Sequence[Item], chosen: Item | None, step: int) -> Item | None:
    """The item so many places further (or the one nearest to where the chosen one was); None when there is none."""
    if not choices:
        return None
    places = [at for at, one in enumerate(choices) if one.is_same(chosen)]
    if not places:
        return choices[0] if chosen is None else min(choices, key=lambda one: abs(one.line - chosen.line))
    return choices[min(max(places[0] + step, 0), len(choices) - 1)]
