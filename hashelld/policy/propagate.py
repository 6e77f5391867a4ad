"""Necessity and impossibility spread along the edges until nothing changes (POLICY.md 11)."""

from __future__ import annotations

from collections import deque

from hashelld.model.score import INFINITY
from hashelld.policy.colocation import Colocations
from hashelld.policy.expand import NOWHERE, Item, Situation
from hashelld.policy.observe import Observed
from hashelld.policy.steps import BUSY, OPTIONAL, PSEUDO, RUNNABLE, SHOWN, Edge, Graph, Step, carries_news, same_node


_PLAIN = OPTIONAL | RUNNABLE
_UP = "start"


def propagate(situation: Situation, observed: Observed, colocations: Colocations, graph: Graph) -> None:
    """Change the flags of all steps to the fixed point; flags only ever go one way, so it exists."""
    _Propagation(situation, observed, colocations, graph).run()


class _Propagation:
    def __init__(self, situation: Situation, observed: Observed, colocations: Colocations, graph: Graph) -> None:
        self._situation = situation
        self._observed = observed
        self._colocations = colocations
        self._graph = graph
        self._queue: deque[Step] = deque()
        self._queued: set[int] = set()

    def run(self) -> None:
        for step in self._graph.steps:
            if step.flags & _PLAIN != _PLAIN or step.flags & BUSY:
                self._push(step)
                self._block_dependents(step)
        while self._queue:
            step = self._queue.popleft()
            self._queued.discard(step.index)
            for then, edge in step.after:
                if carries_news(edge):
                    self._update(step, then, edge)
            for first, edge in step.before:
                if carries_news(edge):
                    self._update(first, step, edge)

    def _push(self, step: Step) -> None:
        if step.index not in self._queued:
            self._queued.add(step.index)
            self._queue.append(step)

    def _update(self, first: Step, then: Step, edge: int) -> None:
        if edge & Edge.SAME_NODE and not same_node(first, then):
            return
        before_first, before_then = first.flags, then.flags
        self._pass_necessity(first, then, edge)
        self._pass_impossibility(first, then, edge)
        if edge & Edge.RESTART:
            _restart(first, then)
        if edge & Edge.SHOWS_FIRST and then.is_required:
            first.flags |= SHOWN
        if first.flags != before_first:
            self._changed(first, before_first)
        if then.flags != before_then:
            self._changed(then, before_then)

    def _pass_necessity(self, first: Step, then: Step, edge: int) -> None:
        if edge & Edge.FIRST_IMPLIES_THEN and first.is_required:
            then.require(first)
        if edge & Edge.THEN_IMPLIES_FIRST and then.is_required:
            first.require(then)

    def _pass_impossibility(self, first: Step, then: Step, edge: int) -> None:
        if first.flags & BUSY and first.is_required:
            then.block(first)
        if first.is_runnable:
            return
        if edge & Edge.UNRUNNABLE_BLOCKS:
            then.block(first)
        if edge & Edge.ASYMMETRIC and self._waits(then):
            then.require(first)
            then.block(first)
        implies = Edge.FIRST_IMPLIES_THEN | Edge.THEN_IMPLIES_FIRST | Edge.RESTART
        if edge & implies and first.task == "stop" and first.item is not None and self._is_blocked(first.item):
            then.block(first)

    def _is_blocked(self, item: Item) -> bool:
        return not item.is_managed and not item.children and bool(self._observed.of(item.index).blocked)

    def _waits(self, then: Step) -> bool:
        """Does an asymmetric ordering matter to the step, given what its resource is now?"""
        if then.item is None or then.item.children:
            return True
        active = self._observed.of(then.item.index).active
        if then.task == "stop":
            return bool(active)
        return then.is_required or not (then.task == _UP and len(active) == 1 and then.node in active)

    def _changed(self, step: Step, before: int) -> None:
        self._push(step)
        if before & RUNNABLE and not step.is_runnable:
            self._block_dependents(step)

    def _block_dependents(self, step: Step) -> None:
        """What is mandatorily with a resource that cannot start, cannot start either."""
        if step.is_runnable or step.task != _UP or step.item is None or step.flags & PSEUDO:
            return
        item = step.item
        if item.parent != NOWHERE:
            item = self._situation.items[item.parent]
            if any(not self._is_stuck(self._situation.items[child]) for child in item.children):
                return
        for tie in self._colocations.with_primary(item.index):
            if tie.score >= INFINITY and tie.is_role_met and tie.is_explicit:
                self._block_starts(self._situation.items[tie.dependent], step)

    def _is_stuck(self, item: Item) -> bool:
        starts = self._graph.find(item, _UP)
        return bool(starts) and not starts[0].is_runnable

    def _block_starts(self, dependent: Item, cause: Step) -> None:
        for bearer in self._situation.bearers(dependent):
            for start in self._graph.find(bearer, _UP):
                before = start.flags
                if start.block(cause):
                    self._changed(start, before)


def _restart(first: Step, then: Step) -> None:
    is_own_start_stuck = (
        not then.is_runnable and first.item is then.item and then.item is not None and then.item.is_managed
    )
    if not then.is_required and not is_own_start_stuck:
        return
    if first.is_runnable or then.is_required:
        first.require(then)
    if first.is_required and not first.is_runnable:
        then.block(first)
