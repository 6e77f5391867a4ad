"""Necessity and impossibility spread along the edges until nothing changes (POLICY.md 11).

Flags of steps go one way only (with the exception of events that need some of several), so there is an end; what
changed is looked at again, nothing else. A collective's event is judged by what its parts do, not by its own flags:
it is necessary when any part's step is, and possible when all (group) or any (clone, bundle) of them are.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.score import INFINITY
from hashelld.policy.acting.orderer import TASK_OF
from hashelld.policy.acting.steps import (
    BUSY,
    MIGRATABLE,
    NEEDS_ANY,
    OPTIONAL,
    PSEUDO,
    RUNNABLE,
    SHOWN,
    Edge,
    Graph,
    Step,
)
from hashelld.policy.placing.partners import home_of
from hashelld.policy.state.items import Item, Kind, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import Tie


_PLAIN: Final = OPTIONAL | RUNNABLE
_SETTLED: Final = _PLAIN | MIGRATABLE | BUSY | NEEDS_ANY
_QUIET: Final = (
    Edge.SEQUENCE | Edge.SAME_NODE | Edge.REQUIRED_SAME_NODE | Edge.SAME_NODE_OR_TARGET | Edge.UNLESS_MIGRATING
)
NEWS: Final = ((Edge.UNLESS_MIGRATING << 1) - 1) & ~_QUIET
"""Bits of an edge that can change a step."""
_BOUND: Final = Edge.FIRST_IMPLIES_THEN | Edge.THEN_IMPLIES_FIRST | Edge.INTERMEDIATE_STOP
_TASKS: Final = ("start", "running", "stop", "stopped", "promote", "promoted", "demote", "demoted")
_NOTICES: Final = ("pre_notify_", "confirmed-pre_notify_", "post_notify_", "confirmed-post_notify_")
_DOWN: Final = frozenset({"stop", "stopped", "demote", "demoted"})


def propagate(situation: Situation, graph: Graph) -> None:
    """Change the flags of all steps to the fixed point."""
    _Propagation(situation, graph).run()


class _Whole:
    """An event of a collective and the steps of its parts that it sums up."""

    __slots__ = ("event", "has_all", "is_all_or_none", "is_done", "parts", "raw")

    def __init__(self, event: Step, parts: list[Step], *, has_all: bool) -> None:
        self.event = event
        self.parts = parts
        self.has_all = has_all
        """Does every part have such a step?"""
        assert event.item is not None
        self.is_all_or_none = event.item.kind is Kind.GROUP
        self.is_done = event.task in TASK_OF
        self.raw = _PLAIN
        """Necessity and possibility as the parts say."""


class _Propagation:
    def __init__(self, situation: Situation, graph: Graph) -> None:
        self._situation = situation
        self._graph = graph
        self._queue: deque[Step] = deque()
        self._queued = bytearray(len(graph.steps))
        self._wholes: list[_Whole | None] = [None] * len(graph.steps)
        self._above: dict[int, list[_Whole]] = {}
        """By part: the events that sum it up."""

    def run(self) -> None:
        self._sum_up()
        for step in self._graph.steps:
            if step.flags & _SETTLED != _PLAIN:
                self._push(step)
                if step.cause is None:  # What has a cause lacks a partner; that is nothing to those that are with it.
                    self._block_dependents(step)
        queue, queued = self._queue, self._queued
        while queue:
            step = queue.popleft()
            queued[step.index] = 0
            if step.flags & NEEDS_ANY:
                self._count(step)
            for then, edge in step.after:
                if edge & NEWS:
                    self._update(step, then, edge)
            for first, edge in step.before:
                if edge & NEWS:
                    self._update(first, step, edge)

    def _push(self, step: Step) -> None:
        if not self._queued[step.index]:
            self._queued[step.index] = 1
            self._queue.append(step)

    # -- Collectives ---------------------------------------------------------------------------------------------

    def _sum_up(self) -> None:
        """Collect the parts of all events, inner collectives first."""
        graph = self._graph
        for item in reversed(self._situation.items):
            if item.kind is Kind.PRIMITIVE:
                continue
            for task in _TASKS:
                for event in graph.find(item, task):
                    self._add_whole(item, event, task)
                if item.notifies and item.kind is Kind.CLONE:
                    for told in _NOTICES:
                        for event in graph.find(item, told + task):
                            self._add_whole(item, event, task)

    def _add_whole(self, item: Item, event: Step, task: str) -> None:
        """`task` is that of the event, or of what it tells about."""
        parts: list[Step] = []
        has_all = True
        for child in _summed(item, task):
            own = TASK_OF.get(task, task) if child.kind is Kind.PRIMITIVE else task
            steps = self._graph.find(child, own)
            parts += steps
            has_all = has_all and bool(steps)
        whole = _Whole(event, parts, has_all=has_all or task in _DOWN)
        self._wholes[event.index] = whole
        for part in parts:
            self._above.setdefault(part.index, []).append(whole)
        self._judge(whole)
        if whole.raw != _PLAIN:
            self._push(event)

    def _judge(self, whole: _Whole) -> None:
        """What the parts say of the event, and what follows for the event itself."""
        flags_of, event = self._flags, whole.event
        raw, cause, blocker = OPTIONAL, None, None
        any_runnable, all_runnable = False, True
        for part in whole.parts:
            flags = flags_of(part, None)
            if not flags & OPTIONAL:
                raw = 0
                cause = cause or part
            if flags & RUNNABLE:
                any_runnable = True
            else:
                all_runnable = False
                blocker = blocker or part
        if whole.is_all_or_none:
            is_possible = all_runnable or not whole.is_done
            raw |= RUNNABLE if is_possible and whole.has_all else 0
        else:
            is_possible = any_runnable
            raw |= RUNNABLE if is_possible else 0
        whole.raw = raw
        if not raw & OPTIONAL:
            event.require(cause)
        if not is_possible:
            event.block(blocker)

    def _flags(self, step: Step, node: int | None) -> int:
        """A step's flags as an ordering sees them; with a node, a clone is as necessary as what it does there."""
        whole = self._wholes[step.index]
        if whole is None:
            return step.flags
        raw = whole.raw
        if node is None or raw & OPTIONAL or whole.event.item is None or whole.event.item.kind is not Kind.CLONE:
            return raw
        return raw if self._is_required_on(whole, node) else raw | OPTIONAL

    def _has_effect(self, step: Step) -> bool:
        """Is anything required of it that can be done as well?"""
        whole = self._wholes[step.index]
        return whole is None or any(part.flags & _PLAIN == RUNNABLE and self._has_effect(part) for part in whole.parts)

    def _is_required_on(self, whole: _Whole, node: int) -> bool:
        for part in whole.parts:
            inner = self._wholes[part.index]
            if inner is not None:
                if self._is_required_on(inner, node):
                    return True
            elif part.node == node and not part.flags & OPTIONAL:
                return True
        return False

    # -- One edge ------------------------------------------------------------------------------------------------

    def _update(self, first: Step, then: Step, edge: int) -> None:
        if edge & Edge.SAME_NODE and not same_node(first, then):
            return
        if edge & Edge.THEN_CANCELS_FIRST and not then.flags & OPTIONAL and not first.flags & OPTIONAL:
            first.flags |= OPTIONAL
            self._changed(first, first.flags & ~OPTIONAL)
        raw = self._flags(first, _node_of(then))
        self._apply(first, then, raw, edge)
        if edge & Edge.THEN_IMPLIES_FIRST:
            self._unmigrate(first, then, raw)
        if edge & Edge.SHOWS_THEN and first.flags & RUNNABLE and not raw & OPTIONAL:
            then.flags |= SHOWN
        if edge & Edge.SHOWS_FIRST and not self._flags(then, _node_of(first)) & OPTIONAL and self._has_effect(then):
            first.flags |= SHOWN
        if edge & _BOUND and first.task == "stop" and not first.flags & RUNNABLE and _is_stuck(first.item):
            self._block(then, first)
        if edge & Edge.MIN_RUNNABLE and then.flags & NEEDS_ANY:
            self._push_if_counted(then)

    def _apply(self, first: Step, then: Step, raw: int, edge: int) -> None:
        """What an ordering does to `then`; for a collective to its parts as well."""
        self._apply_plain(first, then, raw, edge)
        whole = self._wholes[then.index]
        if whole is None or first.item is then.item:
            return
        for part in whole.parts:
            if part.task == then.task and (whole.is_all_or_none or self._flags(part, None) & RUNNABLE):
                self._apply(first, part, raw, edge)

    def _apply_plain(self, first: Step, then: Step, raw: int, edge: int) -> None:
        first_before, then_before = first.flags, then.flags
        if edge & Edge.ASYMMETRIC and not first.flags & RUNNABLE and _waits(then):
            then.require(first)
            then.block(first)
        if not raw & OPTIONAL:
            _require(first, then, edge)
        if edge & Edge.INTERMEDIATE_STOP:
            _restart(first, then)
        if edge & Edge.PROMOTED_THEN_IMPLIES_FIRST and not then.flags & OPTIONAL and _is_promoted(then.item):
            first.require(then)
            first.flags &= then.flags | ~MIGRATABLE
        if not raw & RUNNABLE and then.flags & RUNNABLE and _is_blocking(first, edge):
            then.block(first)
            then.flags &= ~MIGRATABLE
        if edge & (Edge.UNMIGRATABLE_BLOCKS | Edge.FIRST_ELSE_THEN):
            _migrate(first, then, edge)
        if first.flags & BUSY and not first.flags & OPTIONAL:
            then.block(first)
        if first.flags != first_before:
            self._changed(first, first_before)
        if then.flags != then_before:
            self._changed(then, then_before)

    def _unmigrate(self, first: Step, then: Step, raw: int) -> None:
        if raw & MIGRATABLE and not then.flags & (OPTIONAL | MIGRATABLE):
            before = first.flags
            first.flags &= ~MIGRATABLE
            first.cause = first.cause or then
            self._changed(first, before)

    def _block(self, step: Step, cause: Step) -> None:
        before = step.flags
        if step.block(cause):
            self._changed(step, before)

    def _changed(self, step: Step, before: int) -> None:
        if (before ^ step.flags) & ~SHOWN == 0:
            return
        self._push(step)
        self._tell_above(step)
        if before & RUNNABLE and not step.flags & RUNNABLE:
            self._block_dependents(step)

    def _tell_above(self, step: Step) -> None:
        for whole in self._above.get(step.index, ()):
            before, raw = whole.event.flags, whole.raw
            self._judge(whole)
            if whole.event.flags != before or whole.raw != raw:
                self._push(whole.event)
                self._tell_above(whole.event)

    # -- Events that need some of several ------------------------------------------------------------------------

    def _push_if_counted(self, event: Step) -> None:
        before = event.flags
        self._count(event)
        if event.flags != before:
            self._push(event)

    def _count(self, event: Step) -> None:
        found = sum(
            bool(self._flags(first, None) & RUNNABLE) for first, edge in event.before if edge & Edge.MIN_RUNNABLE
        )
        if found >= max(event.required_before, 1):
            event.flags |= RUNNABLE
        else:
            event.flags &= ~RUNNABLE

    # -- What is with something that cannot come up --------------------------------------------------------------

    def _block_dependents(self, step: Step) -> None:
        """What is mandatorily with a resource that cannot start (or be promoted) cannot reach its own role."""
        if step.flags & RUNNABLE or step.item is None or step.task not in {"start", "promote"}:
            return
        top = step.item.top
        for child in top.children:
            steps = self._graph.find(child, step.task)
            if not steps or steps[-1].flags & RUNNABLE:
                return
        for tie in _ties_of(top):
            if tie.score < INFINITY or (step.task == "promote" and tie.primary_stage is not Stage.PROMOTED):
                continue
            task = "promote" if tie.dependent_stage is Stage.PROMOTED else "start"
            self._keep_down(tie.dependent, task, step)

    def _keep_down(self, item: Item, task: str, cause: Step) -> None:
        for step in self._graph.find(item, task):
            self._block(step, cause)
        for child in item.children:
            self._keep_down(child, task, cause)


def _summed(item: Item, task: str) -> list[Item]:
    """The parts that an event of a collective sums up: of a bundle the containers, or for roles what is inside."""
    if item.kind is not Kind.BUNDLE:
        return item.children
    if item.bundled is not None and TASK_OF.get(task, task) in {"promote", "demote"}:
        return item.bundled.children
    return item.containers()


def same_node(first: Step, then: Step) -> bool:
    """Do both happen on one node? A step without a node is everywhere; the start of a group is where the group is."""
    one, other = _node_of(first), _node_of(then)
    return one is None or other is None or one == other


def _node_of(step: Step) -> int | None:
    if step.node is None and step.task == "start" and step.item is not None and step.item.kind is Kind.GROUP:
        return home_of(step.item)
    return step.node


def _is_stuck(item: Item | None) -> bool:
    return item is not None and not item.is_managed and item.is_blocked


def _is_promoted(item: Item | None) -> bool:
    return item is not None and item.stage is Stage.PROMOTED


def _waits(then: Step) -> bool:
    """Does an asymmetric ordering matter to the step, given what its resource is now?"""
    item = then.item
    if item is None:
        return False
    if not then.flags & OPTIONAL:
        return True
    stage = item.highest_stage()
    if then.task == "stop":
        return stage > Stage.STOPPED
    if then.task == "start" and stage >= Stage.STARTED:
        return item.active_nodes() != [then.node]
    return True


def _require(first: Step, then: Step, edge: int) -> None:
    """`first` has to happen, and may imply `then`; what migrates need not."""
    is_implied = edge & Edge.FIRST_IMPLIES_THEN and not first.flags & MIGRATABLE
    if is_implied or (edge & Edge.FIRST_IMPLIES_THEN_SAME_NODE and same_node(first, then)):
        then.require(first)


def _is_blocking(first: Step, edge: int) -> bool:
    """Does `then` need a `first` that cannot happen? Not the probe of something active: it is about to stop."""
    if edge & Edge.UNRUNNABLE_BLOCKS:
        return True
    return bool(edge & Edge.NESTED_PROBE) and not (first.item is not None and first.item.active)


def _migrate(first: Step, then: Step, edge: int) -> None:
    """`first` is part of a migration; without it `then` is a real start."""
    if edge & Edge.UNMIGRATABLE_BLOCKS:
        if then.flags & (MIGRATABLE | RUNNABLE) != MIGRATABLE | RUNNABLE:
            first.block(then)
        if not then.flags & OPTIONAL:
            first.require(then)
    if edge & Edge.FIRST_ELSE_THEN and not first.flags & RUNNABLE:
        then.flags &= ~(MIGRATABLE | PSEUDO)
        then.kind = ActionKind.RESOURCE


def _restart(first: Step, then: Step) -> None:
    """`first` is the stop in front of a start, or of another stop."""
    assert then.item is not None
    is_needed = not then.flags & OPTIONAL
    is_vain = not then.flags & RUNNABLE and then.item.is_managed and first.item is then.item
    if not is_needed and not is_vain:
        return
    if is_needed or first.flags & RUNNABLE:
        first.require(then)
    first.flags &= then.flags | ~MIGRATABLE
    if not first.flags & (OPTIONAL | RUNNABLE):
        then.block(first)


def _ties_of(item: Item) -> list[Tie]:
    if item.kind is not Kind.GROUP:
        return item.ties_of
    return item.ties_of + [tie for member in item.children for tie in member.ties_of if tie.is_explicit]
