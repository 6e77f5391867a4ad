"""Instances and where they are: which instance of a clone goes with which of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.policy.state.items import Item, Kind, Stage


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer


def home_of(item: Item) -> int | None:
    """The one node that all of it goes to; None when there is none, or several."""
    if item.kind is Kind.PRIMITIVE:
        return item.home
    homes = {part.home for part in item.primitives() if part.home is not None}
    return homes.pop() if len(homes) == 1 else None


def is_blocked(item: Item) -> bool:
    """Is any part of it blocked?"""
    return item.is_blocked or any(part.is_blocked for part in item.primitives())


def partner_of(placer: Placer, dependent: Item, primary: Item, stage: Stage = Stage.UNKNOWN) -> Item | None:
    """The instance of the primary (in a role, when one is named) for an instance of another clone.

    The one on its node; while it has none, the one on the best of the nodes where it is allowed.
    """
    home = home_of(dependent)
    if home is not None:
        return _on(primary, home, stage)
    bearer = next(dependent.primitives())
    nodes = placer.situation.nodes
    order = sorted(
        bearer.table.allowed(len(nodes)),
        key=lambda node: (
            -bearer.table.score(node) if nodes[node].is_usable else 1 << 40,
            nodes[node].load,
            nodes[node].id,
        ),
    )
    for node in order:
        found = _on(primary, node, stage)
        if found is not None:
            return found
    return None


def _on(primary: Item, node: int, stage: Stage) -> Item | None:
    instances = primary.containers() if primary.kind is Kind.BUNDLE else primary.children
    for child in instances:
        if home_of(child) != node or is_blocked(child):
            continue
        if stage is Stage.UNKNOWN or child.highest_next() is stage:
            return child
    return None
