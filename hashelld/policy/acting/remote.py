"""Remote and guest nodes: what is done on them needs their connection, and is carried out by its host."""

from __future__ import annotations

from enum import Enum
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.policy.acting.orderer import Orderer
from hashelld.policy.acting.steps import PSEUDO, Edge, Step
from hashelld.policy.state.items import Item, Node, Stage
from hashelld.policy.state.situation import Situation


_UP: Final = frozenset({"start", "promote"})
_MIGRATION: Final = frozenset({"migrate_to", "migrate_from"})
_AT_ORIGIN: Final = frozenset({"stop", "demote", "migrate_to", "migrate_from"})
_AFTER: Final = Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS


class Link(Enum):
    """What becomes of the connection to a remote node."""

    UNKNOWN = "unknown"  # It is not there, and will be tried.
    ALIVE = "alive"
    RESTING = "resting"  # Its host is dead, or it is being moved: it will be there again.
    FAILED = "failed"  # It cannot be had.
    STOPPED = "stopped"  # It is given up in peace.


def link_of(situation: Situation, node: Node) -> Link:
    """The state of a remote node's connection, now that it is known where it is to go."""
    connection = node.connection
    assert connection is not None
    host = None if not connection.active else situation.nodes[connection.active[0]]
    if connection.next is Stage.STOPPED or connection.home is None:
        if host is not None and host.is_unclean:
            return Link.FAILED
        if not connection.is_failed:
            return Link.STOPPED
        is_retried = connection.next is Stage.STOPPED and connection.reconnect_ms > 0
        if is_retried and node.was_fenced and not node.is_leaving:
            return Link.UNKNOWN
        return Link.FAILED
    if host is None:
        return Link.UNKNOWN
    if host.is_unclean or not host.is_online:
        return Link.RESTING
    if len(connection.active) > 1 and connection.migrating_to is not None:
        return Link.RESTING
    return Link.ALIVE


def order_remote(orderer: Orderer) -> None:
    """What happens on a remote node happens while its connection is there."""
    situation, graph = orderer.situation, orderer.graph
    links = {n.index: link_of(situation, n) for n in situation.nodes if n.is_remote and n.connection is not None}
    if not links:
        return
    for step in tuple(graph.steps):
        if step.item is None or step.node not in links or step.item.children:
            continue
        if step.flags & PSEUDO and step.task not in {"stop", "demote"}:
            continue
        connection = situation.nodes[step.node].connection
        assert connection is not None
        if step.item is connection:
            continue
        if step.task == "start":
            _wait_for_arrival(orderer, step, connection)
        if connection.container is not None:
            _order_on_guest(orderer, step, connection, connection.container)
        else:
            _order_on_remote(orderer, step, connection, links[step.node])


def _wait_for_arrival(orderer: Orderer, start: Step, connection: Item) -> None:
    """What moves to a remote node is left running where it is until the connection is there."""
    assert start.item is not None
    for stop in orderer.graph.find(start.item, "stop"):
        if stop.node != start.node:
            orderer.before_step(connection, "start", stop, Edge.SEQUENCE)


def _order_on_remote(orderer: Orderer, step: Step, connection: Item, link: Link) -> None:
    task = "stop" if step.task in _MIGRATION else step.task
    if task in _UP:
        forced = Edge.FIRST_IMPLIES_THEN if link is Link.FAILED else 0
        orderer.before_step(connection, "start", step, _AFTER | forced)
    elif task == "stop":
        if link is Link.ALIVE or (link is not Link.FAILED and connection.next is Stage.STOPPED):
            orderer.after_step(step, connection, "stop", Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST)
        elif link is not Link.FAILED:
            orderer.before_step(connection, "start", step, _AFTER)
    elif task == "demote":
        if link in {Link.RESTING, Link.UNKNOWN}:
            orderer.before_step(connection, "start", step, _AFTER)
    elif step.interval_ms and task == "monitor":
        orderer.before_step(connection, "start", step, _AFTER | Edge.FIRST_IMPLIES_THEN)
    elif link is Link.STOPPED and connection.active:
        orderer.after_step(step, connection, "stop", _AFTER)
    else:
        orderer.before_step(connection, "start", step, _AFTER)


def _order_on_guest(orderer: Orderer, step: Step, connection: Item, container: Item) -> None:
    task = "stop" if step.task in _MIGRATION else step.task
    if task in _UP:
        orderer.before_step(container, "start", step, _AFTER | Edge.FIRST_IMPLIES_THEN)
        orderer.before_step(connection, "start", step, _AFTER)
    elif task in {"stop", "demote"}:
        if not container.is_failed:
            orderer.after_step(step, connection, "stop", Edge.SEQUENCE)
    elif step.interval_ms and task == "monitor":
        if step.kind is not ActionKind.CANCEL:  # That is done while it is still there, or not at all.
            orderer.before_step(connection, "start", step, _AFTER | Edge.FIRST_IMPLIES_THEN)
    elif not step.interval_ms:
        orderer.before_step(connection, "start", step, _AFTER)


def host_for(situation: Situation, step: Step) -> int | None:
    """Which cluster node carries out a step on a remote node; None when the step is not on one."""
    node = None if step.node is None else situation.nodes[step.node]
    if node is None or not node.is_remote or node.connection is None or step.item is None:
        return None
    connection = node.connection
    now = connection.active[0] if connection.active else None
    later = connection.home
    if now is None or later is None or now == later:
        return later if now is None else now
    task = step.meta.get("notify_operation", "") if step.task == "notify" else step.task
    is_before = task in _AT_ORIGIN or step.kind is ActionKind.CANCEL
    is_underway = connection.container is None and connection.migrating_to is not None
    return now if is_before and not is_underway else later
