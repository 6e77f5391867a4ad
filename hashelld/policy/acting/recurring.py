"""Recurring monitors: which begin, which are not wanted in the planned role, and those of stopped resources."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.history import OCF_NOT_RUNNING, OCF_RUNNING_PROMOTED
from hashelld.model.resource import Primitive
from hashelld.policy.acting.making import Maker
from hashelld.policy.acting.steps import OPTIONAL, RUNNABLE, Edge, Step
from hashelld.policy.state.items import STAGES, Item, Stage
from hashelld.policy.state.ops import Op


_FOLLOWS: Final = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS
_AFTER: Final = Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS
_ONCE: Final = frozenset({"stop", "start", "promote", "demote", "reload-agent", "migrate_to", "migrate_from"})
"""What is never done again and again, whatever interval is configured."""
_NONE: Final[frozenset[tuple[int, str, int]]] = frozenset()


class Recurring:
    """Adds the recurring operations of one item after the other; its other steps must be in the graph."""

    __slots__ = ("_graph", "_maker")

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._graph = maker.graph

    def add(self, item: Item, changed: frozenset[tuple[int, str, int]] = _NONE) -> None:
        """Monitors to begin, and those to end; `changed` are (node, name, interval) whose options are others now."""
        if item.is_maintenance or (item.is_blocked and not self._maker.is_own):
            return
        ops = [op for op in item.ops.values() if op.interval_ms and op.is_enabled and op.name not in _ONCE]
        if not ops:
            return
        ambiguous = self._ambiguous(item)
        if ambiguous:
            ops = [op for op in ops if (op.name, op.interval_ms) not in ambiguous]
        home = item.home
        start = None
        is_active = item.next is not Stage.STOPPED or not item.is_managed
        if home is not None and is_active and not self._maker.nodes[home].is_maintenance:
            start = self._maker.step(item, "start", home, is_required=False)
        for op in ops:
            if op.role != "stopped":
                if start is not None and home is not None:
                    self._add_active(item, op, home, start, changed)
            elif not item.is_anonymous:
                self._add_inactive(item, op, home)

    def _ambiguous(self, item: Item) -> set[tuple[str, int]]:
        """What is configured more than once: Pacemaker neither begins nor ends it, our own daemons take the first."""
        if self._maker.is_own or not isinstance(item.source, Primitive):
            return set()
        written = self._maker.situation.attributes.operations(item.source)
        if len(written) == len(item.ops):
            return set()
        found = Counter((op.name, op.interval_ms) for op in written)
        return {key for key, count in found.items() if count > 1}

    def _add_active(self, item: Item, op: Op, home: int, start: Step, changed: frozenset[tuple[int, str, int]]) -> None:
        runs = (op.name, op.interval_ms) in item.recurring.get(home, ())
        goes_on = bool(start.flags & OPTIONAL) and runs
        is_optional = goes_on and (home, op.name, op.interval_ms) not in changed
        if not _suits(item, op):
            if is_optional or (goes_on and self._maker.is_own):  # Pacemaker lets one that has changed run on.
                self._cancel_before_change(item, op, home)
            return
        node = self._maker.nodes[home]
        monitor = self._new(item, op, home, is_required=not is_optional)
        if not start.flags & RUNNABLE or not node.is_online or node.is_unclean:
            monitor.flags &= ~RUNNABLE
        if (home, op.name, op.interval_ms) in changed:
            monitor.reason = "its options changed"
        if item.next is Stage.PROMOTED:
            monitor.expected_rc = OCF_RUNNING_PROMOTED
        if not item.is_managed:
            return
        graph = self._graph
        graph.link(start, monitor, _FOLLOWS)
        graph.link_all(graph.find(item, "reload-agent"), [monitor], _FOLLOWS)
        if item.next is Stage.PROMOTED:
            graph.link_all(graph.find(item, "promote"), [monitor], _AFTER)
        elif item.stage is Stage.PROMOTED:
            graph.link_all(graph.find(item, "demote"), [monitor], _AFTER)

    def _cancel_before_change(self, item: Item, op: Op, home: int) -> None:
        """It runs and does not suit the planned role: it ends before the role changes."""
        cancel = self.cancel(item, op.name, op.interval_ms, home, f"not while {item.next.role.value}")
        task = ""
        if item.stage is Stage.PROMOTED:
            task = "demote"
        elif item.stage > Stage.STOPPED:
            task = {Stage.PROMOTED: "promote", Stage.STOPPED: "stop"}.get(item.next, "")
        self._graph.link_all([cancel], self._graph.find(item, task), _AFTER)

    def _add_inactive(self, item: Item, op: Op, home: int | None) -> None:
        """A monitor with role=Stopped: on every node but the one where the resource will be active."""
        key = op.name, op.interval_ms
        graph = self._graph
        for node in self._maker.nodes:
            at = node.index
            if at == home:
                if key in item.recurring.get(at, ()):
                    cancel = self.cancel(item, op.name, op.interval_ms, at, f"not while {item.next.role.value}")
                    if item.next in _UP:
                        graph.link_all([cancel], graph.find(item, "start"), _AFTER)
                continue
            monitor = self._new(item, op, at, is_required=key not in item.recurring.get(at, ()))
            monitor.expected_rc = OCF_NOT_RUNNING
            if not node.is_online or node.is_unclean:
                monitor.flags &= ~RUNNABLE
            if item.is_managed:
                graph.link_all([p for p in graph.probes(item) if p.node == at], [monitor], _AFTER)
            self._follow_stop(item, monitor)

    def _follow_stop(self, item: Item, monitor: Step) -> None:
        stop = self._graph.find_on(item, "stop", monitor.node)
        if stop is None:
            return
        if stop.is_required and not item.is_managed:
            monitor.flags |= OPTIONAL
        if not stop.is_runnable:
            monitor.flags &= ~RUNNABLE
        if item.is_managed:
            self._graph.link(stop, monitor, _FOLLOWS)

    def _new(self, item: Item, op: Op, node: int, *, is_required: bool) -> Step:
        flags = RUNNABLE if self._maker.is_possible(item, op.name, node) else 0
        step = self._graph.add(ActionKind.RESOURCE, item, node, op.name, flags if is_required else flags | OPTIONAL)
        step.interval_ms = op.interval_ms
        step.op = op
        return step

    def cancel(self, item: Item, name: str, interval_ms: int, node: int, reason: str) -> Step:
        """The end of a recurring operation."""
        flags = RUNNABLE if self._maker.is_possible(item, "cancel", node) else 0
        step = self._graph.add(ActionKind.CANCEL, item, node, name, flags)
        step.interval_ms = interval_ms
        step.op = item.ops.get((name, interval_ms))
        step.reason = reason
        return step


_UP: Final = frozenset({Stage.STARTED, Stage.UNPROMOTED})


def _suits(item: Item, op: Op) -> bool:
    """Is the operation configured for the role that the item will have?"""
    if not op.role:
        return item.next is not Stage.PROMOTED
    return STAGES.get(op.role, Stage.UNKNOWN) is item.next
