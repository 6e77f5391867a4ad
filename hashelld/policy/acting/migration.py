"""Live migration: which moves need no stop, and the steps of a move that does not."""

from __future__ import annotations

from typing import Final

from hashelld.policy.acting.making import Maker, busy_nodes
from hashelld.policy.acting.steps import MIGRATABLE, PSEUDO, Edge
from hashelld.policy.state.items import Item


_THEN: Final = Edge.SEQUENCE | Edge.UNMIGRATABLE_BLOCKS


def can_migrate(maker: Maker, item: Item, source: int) -> bool:
    """May the item move live from where it is to its new home? Whether it will also depends on what it depends on."""
    if not (item.allows_migration and item.is_managed) or item.is_failed or item.is_start_pending:
        return False
    if item.home is None or busy_nodes(maker.situation, item):
        return False
    return not (maker.nodes[source].is_unclean or maker.nodes[item.home].is_unclean)


def add_migration(maker: Maker, item: Item, source: int) -> None:
    """migrate_to on the source, migrate_from on the target, then the stop on the source; the start is an event.

    A migration that was begun goes on with migrate_from. All of it is optional until the stop and start are required.
    """
    home = item.home
    assert home is not None
    graph = maker.graph
    start = maker.step(item, "start", home, is_required=False)
    stop = maker.step(item, "stop", source, is_required=False)
    begun = item.migrating_to is not None
    meta = {"migrate_source": maker.nodes[source].id, "migrate_target": maker.nodes[home].id}
    received = maker.step(item, "migrate_from", home, is_required=False)
    received.flags |= MIGRATABLE
    received.meta.update(meta)
    start.flags |= MIGRATABLE | PSEUDO
    stop.flags |= MIGRATABLE
    first = received
    if not begun:
        first = maker.step(item, "migrate_to", source, is_required=False)
        first.flags |= MIGRATABLE
        first.meta.update(meta)
        graph.link(first, received, _THEN)
    graph.link_all(graph.probes(item), [first], Edge.SEQUENCE)
    graph.link_all([received], graph.find(item, "stop"), _THEN)
    graph.link_all([received], graph.find(item, "start"), _THEN | Edge.FIRST_ELSE_THEN)
