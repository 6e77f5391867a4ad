"""From where things are to where they should be: starts, stops, probes, monitors, and the tidying of histories."""

from __future__ import annotations

from hashelld.model.action import ActionKind
from hashelld.model.history import OCF_NOT_RUNNING
from hashelld.model.score import INFINITY
from hashelld.policy.expand import Item, NodeState, Situation
from hashelld.policy.location import Tables
from hashelld.policy.observe import Observed, Seen
from hashelld.policy.place import Placement, holds
from hashelld.policy.recur import Recurring
from hashelld.policy.settings import NoQuorum
from hashelld.policy.steps import BUSY, OPTIONAL, RUNNABLE, Edge, Graph, Step


def add_actions(situation: Situation, observed: Observed, tables: Tables, placement: Placement, graph: Graph) -> None:
    """All steps of all primitives, in document order."""
    planner = _Planner(situation, observed, tables, placement, graph)
    recurring = Recurring(situation, observed, placement, graph)
    for item in situation.primitives():
        planner.add_probes(item)
        planner.add_changes(item)
        recurring.add(item)
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
        if home is None or home not in seen.active or self._is_multiple(item, seen):
            return True
        if seen.is_failed and any(at in seen.active for at in seen.failed):
            return True
        return bool(seen.changed & seen.active.keys())

    def _is_multiple(self, item: Item, seen: Seen) -> bool:
        """Is it active more than once, not counting what fencing will end for a resource that need not wait for it?"""
        nodes = self._situation.nodes
        return sum(item.requires_fencing or not nodes[at].is_unclean for at in seen.active) > 1

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
