"""Why a resource is on several nodes at once: what became of a migration, or that it was started twice."""

from __future__ import annotations

from hashelld.model.history import ActionResult
from hashelld.model.ids import NodeId
from hashelld.policy.state.items import Item
from hashelld.policy.state.situation import Situation


def copies_text(situation: Situation, item: Item, at: int) -> str:
    """What the copy on a node is there for, as far as histories tell."""
    node = situation.node_id(at)
    places = {situation.node_id(other) for other in (*item.active, *item.dangling)}
    halves = [half for half in _migrations(item, places) if node in {half.migrate_source, half.migrate_target}]
    if not halves:
        return f"active on {', '.join(situation.node_id(other) for other in item.active)}"
    source, target = halves[-1].migrate_source, halves[-1].migrate_target
    if at in item.dangling:
        return f"left behind by its migration to {target}"
    if any(half.is_failed for half in halves):
        return f"its migration to {target} failed" if node == source else f"its migration from {source} failed"
    return f"its migration to {target} was given up"


def _migrations(item: Item, places: set[NodeId]) -> list[ActionResult]:
    """The halves of migrations between these nodes, each node's oldest first."""
    return [
        result
        for results in item.results.values()
        for result in results
        if result.operation in {"migrate_to", "migrate_from"}
        and result.migrate_source in places
        and result.migrate_target in places
    ]
