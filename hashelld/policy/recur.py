"""Recurring monitors: which are missing, changed, or not wanted any more."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.history import OCF_NOT_RUNNING
from hashelld.policy.expand import Item, NodeState, Op, Situation
from hashelld.policy.observe import Observed, Seen
from hashelld.policy.place import Placement
from hashelld.policy.steps import OPTIONAL, RUNNABLE, Edge, Graph, Step


_STARTED_ROLES: Final = frozenset({"", "started", "unpromoted", "slave"})
_FOLLOWS: Final = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS


class Recurring:
    """Adds the recurring operations of one item after the other; its starts and stops must be in the graph."""

    def __init__(self, situation: Situation, observed: Observed, placement: Placement, graph: Graph) -> None:
        self._situation = situation
        self._observed = observed
        self._placement = placement
        self._graph = graph

    def add(self, item: Item) -> None:
        """Monitors to begin, and those to end."""
        seen = self._observed.of(item.index)
        if item.is_removed or seen.busy:
            return
        enabled = [] if item.is_maintenance else [op for op in item.operations if op.is_enabled]
        wanted = [op for op in enabled if op.role.lower() in _STARTED_ROLES]
        elsewhere = [op for op in enabled if op.role.lower() == "stopped"]
        home = self._placement.home[item.index]
        starts = self._graph.find(item, "start")
        if home is not None and starts:
            for op in wanted:
                self._add_monitor(item, op, home, starts[0])
        for op in elsewhere:
            self._add_where_stopped(item, op, home)
        for at in seen.active:
            self._add_cancels(item, at, {(op.name, op.interval_ms) for op in (*wanted, *elsewhere)})

    def _is_current(self, seen: Seen, op: Op, at: int) -> bool:
        known = seen.recurring.get(at, {}).get((op.name, op.interval_ms))
        return known is not None and known in {"", op.digest}

    def _new(self, item: Item, op: Op, node: NodeState) -> Step:
        seen = self._observed.of(item.index)
        flags = OPTIONAL if self._is_current(seen, op, node.index) else 0
        if node.is_online and not node.is_unclean:
            flags |= RUNNABLE
        monitor = self._graph.add(ActionKind.RESOURCE, item, node.index, op.name, flags)
        monitor.op = op
        monitor.interval_ms = op.interval_ms
        if (
            monitor.is_required
            and node.index in seen.active
            and (op.name, op.interval_ms) in seen.recurring.get(node.index, {})
        ):
            monitor.reason = "its options changed"
        return monitor

    def _add_monitor(self, item: Item, op: Op, at: int, start: Step) -> None:
        node = self._situation.nodes[at]
        if node.is_maintenance:
            return
        monitor = self._new(item, op, node)
        self._graph.link(start, monitor, _FOLLOWS)
        if item.is_managed:
            self._graph.link_all(self._graph.find(item, "stop"), [monitor], Edge.SEQUENCE)

    def _add_where_stopped(self, item: Item, op: Op, home: int | None) -> None:
        """A monitor with role=Stopped: on every node but those where the resource is or will be active."""
        seen = self._observed.of(item.index)
        for node in self._situation.nodes:
            at = node.index
            if at == home or (at in seen.active and not item.is_managed):
                if at not in seen.active and (op.name, op.interval_ms) in seen.recurring.get(at, {}):
                    cancel = self._cancel(item, at, op.name, op.interval_ms)
                    self._graph.link_all([cancel], self._graph.find(item, "start"), Edge.SEQUENCE)
                continue
            if not node.is_online or node.is_unclean or node.is_maintenance:
                continue
            monitor = self._new(item, op, node)
            monitor.expected_rc = OCF_NOT_RUNNING
            probes = [step for step in self._graph.find(item, "monitor") if not step.interval_ms]
            self._graph.link_all(
                [probe for probe in probes if probe.node == at], [monitor], Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS
            )
            stops = [stop for stop in self._graph.find(item, "stop") if stop.node == at]
            self._graph.link_all(stops, [monitor], _FOLLOWS)

    def _add_cancels(self, item: Item, at: int, configured: set[tuple[str, int]]) -> None:
        node = self._situation.nodes[at]
        if not node.is_online or node.is_unclean:
            return
        for name, interval_ms in self._observed.of(item.index).recurring.get(at, {}):
            if (name, interval_ms) in configured and not node.is_maintenance:
                continue
            if item.is_maintenance or node.is_maintenance or self._situation.settings.cancels_removed:
                self._cancel(item, at, name, interval_ms)

    def _cancel(self, item: Item, at: int, name: str, interval_ms: int) -> Step:
        cancel = self._graph.add(ActionKind.CANCEL, item, at, name, RUNNABLE)
        cancel.interval_ms = interval_ms
        op = item.recurring(name, interval_ms)
        if item.is_maintenance or self._situation.nodes[at].is_maintenance:
            cancel.reason = "in maintenance"
        elif op is None:
            cancel.reason = "not configured any more"
        else:
            cancel.reason = f"not while {op.role or 'Started'}" if op.is_enabled else "disabled"
        self._graph.link_all(self._graph.find(item, "stop"), [cancel], Edge.SEQUENCE | Edge.SAME_NODE)
        return cancel
