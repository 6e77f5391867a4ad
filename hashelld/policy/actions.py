"""From where things are to where they should be: starts, stops, probes, monitors, and the tidying of histories."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.history import OCF_NOT_RUNNING
from hashelld.model.score import INFINITY
from hashelld.policy.expand import Item, NodeState, Op, Situation
from hashelld.policy.location import Tables
from hashelld.policy.observe import Observed, Seen
from hashelld.policy.place import Placement, holds
from hashelld.policy.settings import NoQuorum
from hashelld.policy.steps import BUSY, OPTIONAL, RUNNABLE, Edge, Graph, Step


_CHANGING: Final = frozenset({"start", "stop", "promote", "demote", "migrate_to", "migrate_from", "reload"})


def add_actions(situation: Situation, observed: Observed, tables: Tables, placement: Placement, graph: Graph) -> None:
    """All steps of all primitives, in document order."""
    planner = _Planner(situation, observed, tables, placement, graph)
    for item in situation.primitives():
        planner.add_probes(item)
        planner.add_changes(item)
        planner.add_recurring(item)
        planner.add_tidying(item)


class _Planner:
    def __init__(
        self, situation: Situation, observed: Observed, tables: Tables, placement: Placement, graph: Graph
    ) -> None:
        self._situation = situation
        self._observed = observed
        self._tables = tables
        self._placement = placement
        self._graph = graph

    def add_probes(self, item: Item) -> None:
        """A first look wherever the state is unknown, before any start."""
        seen = self._observed.of(item.index)
        if item.is_removed:
            return
        exempt = self._tables.undiscovered.get(item.index)
        for node in self._situation.nodes:
            at = node.index
            if at in seen.known or at in seen.busy or not (node.is_online or node.is_pending) or node.is_unclean:
                continue
            if exempt is None or not exempt(at):
                flags = RUNNABLE if node.is_online else 0
                probe = self._graph.add(ActionKind.RESOURCE, item, at, "monitor", flags)
                probe.op = item.op("monitor")
                probe.expected_rc = OCF_NOT_RUNNING

    def add_changes(self, item: Item) -> None:
        """Stops and starts: required ones, and the optional pair of what stays, which a neighbour may require."""
        seen = self._observed.of(item.index)
        home = self._placement.home[item.index]
        needs_stop = self._needs_stop(item, seen, home)
        will_run = home is not None and item.index not in self._placement.frozen
        for at in seen.active:
            self._add_stop(item, seen, at, is_required=needs_stop or not will_run)
        if seen.busy and not seen.active:
            self._add_busy(item, seen)
        elif will_run and home is not None and not (seen.blocked and seen.active):
            self._add_start(item, seen, home, is_required=needs_stop or not seen.active)

    def _needs_stop(self, item: Item, seen: Seen, home: int | None) -> bool:
        if not seen.active or holds(self._situation, seen):
            return False
        if home is None or home not in seen.active or len(seen.active) > 1:
            return True
        if seen.is_failed and any(at in seen.active for at in seen.failed):
            return True
        return bool(seen.changed & seen.active.keys())

    def _add_stop(self, item: Item, seen: Seen, at: int, *, is_required: bool) -> None:
        node = self._situation.nodes[at]
        flags = RUNNABLE if self._reaches(node) and item.is_managed else 0
        if not is_required or not item.is_managed:
            flags |= OPTIONAL
        stop = self._graph.add(ActionKind.RESOURCE, item, at, "stop", flags)
        stop.op = item.op("stop")
        if seen.busy:
            _make_busy(stop)

    def _reaches(self, node: NodeState) -> bool:
        return node.is_online

    def _add_start(self, item: Item, seen: Seen, at: int, *, is_required: bool) -> None:
        node = self._situation.nodes[at]
        flags = 0 if is_required and item.is_managed else OPTIONAL
        if node.is_online and self._has_right(item, seen):
            flags |= RUNNABLE
        start = self._graph.add(ActionKind.RESOURCE, item, at, "start", flags)
        start.op = item.op("start")
        if seen.busy:
            _make_busy(start)
        for probe in self._graph.find(item, "monitor"):
            if not probe.interval_ms:
                blocks = not probe.is_runnable and not seen.active
                self._graph.link(probe, start, Edge.SEQUENCE | (Edge.UNRUNNABLE_BLOCKS if blocks else 0))

    def _add_busy(self, item: Item, seen: Seen) -> None:
        at = next(iter(seen.busy))
        _make_busy(self._graph.add(ActionKind.RESOURCE, item, at, "start", 0))

    def _has_right(self, item: Item, seen: Seen) -> bool:
        """Does quorum, or what the policy makes of its absence, allow a start?"""
        if self._situation.view.has_quorum or not (item.requires_quorum or item.requires_fencing):
            return True
        policy = self._situation.settings.no_quorum
        return policy is NoQuorum.IGNORE or (policy is NoQuorum.FREEZE and bool(seen.active))

    def add_recurring(self, item: Item) -> None:
        """Monitors that are missing or changed, and the ends of those that are not wanted any more."""
        seen = self._observed.of(item.index)
        home = self._placement.home[item.index]
        starts = self._graph.find(item, "start")
        wanted = self._wanted(item)
        if home is not None and starts and not seen.busy:
            running = seen.recurring.get(home, {}) if home in seen.active else {}
            for op in wanted:
                self._add_monitor(item, op, home, starts[0], running)
        if not item.is_removed and not seen.busy:
            for at in seen.active:
                self._add_cancels(item, at, {(op.name, op.interval_ms) for op in wanted}, seen)

    def _wanted(self, item: Item) -> list[Op]:
        if item.is_maintenance or item.is_removed:
            return []
        return [
            op for op in item.operations if op.is_enabled and op.role.lower() not in {"promoted", "master", "stopped"}
        ]

    def _add_monitor(self, item: Item, op: Op, at: int, start: Step, running: dict[tuple[str, int], str]) -> None:
        node = self._situation.nodes[at]
        if node.is_maintenance:
            return
        known = running.get((op.name, op.interval_ms))
        is_current = known is not None and (not known or known == op.digest)
        flags = (OPTIONAL if is_current else 0) | (RUNNABLE if node.is_online and not node.is_unclean else 0)
        monitor = self._graph.add(ActionKind.RESOURCE, item, at, op.name, flags)
        monitor.op = op
        monitor.interval_ms = op.interval_ms
        if known and not is_current:
            monitor.reason = "its options changed"
        self._graph.link(start, monitor, Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS)
        for stop in self._graph.find(item, "stop"):
            if not item.is_managed:
                break
            self._graph.link(stop, monitor, Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN)

    def _add_cancels(self, item: Item, at: int, wanted: set[tuple[str, int]], seen: Seen) -> None:
        node = self._situation.nodes[at]
        if not node.is_online or node.is_unclean:
            return
        for name, interval_ms in seen.recurring.get(at, {}):
            is_wanted = (name, interval_ms) in wanted and not node.is_maintenance
            if is_wanted or not (self._situation.settings.cancels_removed or not item.is_managed):
                continue
            cancel = self._graph.add(ActionKind.CANCEL, item, at, name, RUNNABLE)
            cancel.interval_ms = interval_ms
            cancel.reason = "in maintenance" if not item.is_managed else "not configured any more"

    def add_tidying(self, item: Item) -> None:
        """Expired failures are cleared, histories of removed resources deleted."""
        seen = self._observed.of(item.index)
        for node in self._situation.nodes:
            if not node.is_online or node.is_unclean or seen.busy:
                continue
            tally = seen.tallies.get(node.index)
            if item.is_removed and node.index in seen.present and item.is_managed:
                forget = self._graph.add(ActionKind.FORGET, item, node.index, "delete", RUNNABLE)
                self._graph.link_all(
                    self._graph.find(item, "stop"), [forget], Edge.SEQUENCE | Edge.SAME_NODE | Edge.UNRUNNABLE_BLOCKS
                )
            elif tally is not None and tally.is_expired:
                clear = self._graph.add(ActionKind.CLEAR_FAILURES, item, node.index, "clear_failcount", RUNNABLE)
                clear.reason = f"{_many(tally.count)} expired"
                self._graph.link_all([clear], self._graph.find(item, "start"), Edge.SEQUENCE)


def _make_busy(step: Step) -> None:
    """An operation of the resource is under way: the step cannot be taken, and what follows it has to wait."""
    step.flags = (step.flags | BUSY) & ~(RUNNABLE | OPTIONAL)


def _many(count: int) -> str:
    if count >= INFINITY:
        return "lasting failure"
    return f"{count} failure{'' if count == 1 else 's'}"


def is_change(task: str) -> bool:
    """Does the operation change what runs, as opposed to looking at it?"""
    return task in _CHANGING
