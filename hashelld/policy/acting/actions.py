"""From what each resource is to what it is to be, one role at a time: Stopped, Started or Unpromoted, Promoted.

What is active and stays gets an optional stop and start as well (and demote and promote): a neighbour that has to
restart may require them later. Edges between the steps of one item are made here, those between items elsewhere.
"""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.score import INFINITY
from hashelld.policy.acting.changes import NOT_CHANGED, Changes
from hashelld.policy.acting.making import Maker, busy_nodes
from hashelld.policy.acting.migration import add_migration, can_migrate
from hashelld.policy.acting.probes import Prober
from hashelld.policy.acting.recurring import Recurring
from hashelld.policy.acting.steps import BUSY, OPTIONAL, PSEUDO, RUNNABLE, SHOWN, Edge, Graph, Step
from hashelld.policy.acting.unfencing import Unfencing
from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.findings import Tally
from hashelld.policy.state.items import Item, Needs, Stage
from hashelld.policy.state.situation import Situation


_RESTARTS: Final = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.INTERMEDIATE_STOP
_TASKS: Final = ("stop", "start", "demote", "promote", "migrate_to", "migrate_from")


def add_actions(situation: Situation, graph: Graph) -> None:
    """All steps of all primitives: probes, role transitions, migrations, recurring operations, tidying."""
    maker = Maker(situation, graph)
    unfencing = Unfencing(maker)
    prober = Prober(maker, unfencing)
    planner = _Planner(maker, unfencing)
    for item in situation.top:
        prober.add(item)
    for item in situation.primitives():
        planner.add(item)
    prober.finish()
    unfencing.finish()


class _Course:
    """What one item has to go through."""

    __slots__ = ("is_moving", "migrates", "needs_promote", "needs_stop", "present")

    def __init__(self, present: int | None) -> None:
        self.present = present
        """The node that it is to leave, if it leaves one."""
        self.is_moving = self.migrates = False
        self.needs_stop = self.needs_promote = False


class _Planner:
    def __init__(self, maker: Maker, unfencing: Unfencing) -> None:
        self._maker = maker
        self._situation = maker.situation
        self._graph = maker.graph
        self._nodes = maker.nodes
        self._unfencing = unfencing
        self._recurring = Recurring(maker)
        self._changes = Changes(maker, self._recurring, unfencing)

    def add(self, item: Item) -> None:
        """All steps of one item but its probes."""
        self._settle(item)
        busy = busy_nodes(self._situation, item)
        changed = NOT_CHANGED if busy else self._changes.add(item)
        self._force(item)
        if item.active or item.home is not None:
            course = self._course(item)
            if item.is_start_pending and item.home is not None:
                self._maker.step(item, "start", item.home, is_required=False).flags |= SHOWN
            self._restart(item, course)
            self._change_role(item)
        else:
            course = None
        if not busy:
            self._recurring.add(item, changed)
            if course is not None and course.migrates and course.present is not None:
                add_migration(self._maker, item, course.present)
        self._link(item)
        if busy:
            self._hold(item, busy[0])
        else:
            self._hold_promotion(item)
            self._changes.order(item)
            self._tidy(item)

    def _force(self, item: Item) -> None:
        """What failures, and migrations that went wrong, ask for whatever is planned."""
        for node in item.dangling:
            self._maker.step(item, "stop", node, is_required=True)
        for task, nodes in (("stop", item.forced_stops), ("demote", item.forced_demotes)):
            for node, reason in nodes.items():
                self._maker.step(item, task, node, is_required=True).reason = reason

    def _settle(self, item: Item) -> None:
        """The planned stage, where placing said nothing; and what no-quorum-policy=demote makes of it."""
        if item.next is Stage.UNKNOWN:
            item.next = Stage.STOPPED if item.home is None else Stage.STARTED
        if self._situation.view.has_quorum or item.needs is Needs.NOTHING:
            return
        if self._situation.settings.no_quorum is NoQuorum.DEMOTE and item.stage >= Stage.UNPROMOTED:
            item.next = min(item.next, Stage.UNPROMOTED)

    def _course(self, item: Item) -> _Course:
        """Does it move, migrate, recover? What a migration that cannot go on leaves behind is cleared."""
        present = self._situation.present_on(item)
        course = _Course(present)
        home = item.home
        if present is not None and home is not None and present != home and item.next >= Stage.STARTED:
            course.is_moving = course.needs_stop = True
            course.migrates = can_migrate(self._maker, item, present)
        source, target = item.migrating_from, item.migrating_to
        is_under_way = source is not None or target is not None
        if is_under_way:
            goes_on = course.migrates and len(item.active) == 2 and present == source and home == target
            if not goes_on:
                course.needs_stop = True
                course.migrates = False
                item.migrating_from = item.migrating_to = None
        self._judge_copies(item, course, is_under_way=is_under_way)
        if not course.is_moving:
            self._judge_health(item, course)
        if not self._situation.view.may_start and item.active and not item.is_failed:
            course.needs_stop = course.needs_stop and home is None
        return course

    def _judge_copies(self, item: Item, course: _Course, *, is_under_way: bool) -> None:
        count = len(item.active)
        if item.needs < Needs.FENCING:
            count = sum(self._nodes[at].is_online and not self._nodes[at].is_unclean for at in item.active)
        item.is_stop_unexpected = False
        if count > 1 and item.is_managed and not is_under_way:
            if item.multiple_active == "stop_unexpected":
                item.is_stop_unexpected = course.needs_stop = True
            elif item.multiple_active == "stop_start":
                course.needs_stop = True

    def _judge_health(self, item: Item, course: _Course) -> None:
        if item.is_failed:
            if item.is_recovering:
                course.needs_stop = True
            else:
                course.needs_promote = item.next is Stage.PROMOTED
        elif item.is_blocked:
            course.needs_stop = True
        elif item.stage > Stage.STARTED and item.active and item.home is not None:
            start = self._maker.step(item, "start", item.home, is_required=False)
            course.needs_stop = course.needs_stop or start.is_required

    def _restart(self, item: Item, course: _Course) -> None:
        """Down to a stop and up again, as far as it is now: required or not."""
        stage = item.stage
        if stage is Stage.STOPPED:
            return
        item.is_restarting = True
        if stage is Stage.PROMOTED:
            self._demote(item, is_required=course.needs_stop)
        self._stop(item, is_required=course.needs_stop)
        if item.next >= Stage.STARTED and not item.is_blocked and item.home is not None:
            self._start(item, item.home, is_required=course.needs_stop)
            if stage is Stage.PROMOTED and item.next is Stage.PROMOTED:
                self._promote(item, item.home, is_required=course.needs_stop or course.needs_promote)
        item.is_restarting = False

    def _change_role(self, item: Item) -> None:
        """From the stage that it has to the planned one."""
        stage, planned = item.stage, item.next
        if stage is planned:
            return
        if stage is Stage.PROMOTED:
            self._demote(item, is_required=True)
            stage = Stage.UNPROMOTED
        if planned is Stage.STOPPED or (stage is Stage.UNPROMOTED and planned is Stage.STARTED):
            self._stop(item, is_required=True)
            stage = Stage.STOPPED
        if item.home is None or planned is Stage.STOPPED:
            return
        if stage is Stage.STOPPED:
            self._start(item, item.home, is_required=True)
        if planned is Stage.PROMOTED:
            self._promote(item, item.home, is_required=True)

    def _stop(self, item: Item, *, is_required: bool) -> None:
        for node in item.active:
            if self._is_expected(item, node):
                continue
            if item.migrating_to is not None:
                if node == item.migrating_to == item.home:
                    continue
                is_required = True
            stop = self._maker.step(item, "stop", node, is_required=is_required)
            if not item.is_managed:
                stop.flags &= ~RUNNABLE
            if self._situation.settings.forgets_after_stop:
                self._changes.forget(item, node, is_required=is_required)
            self._unfencing.follow_stop(item, node, stop)

    def _start(self, item: Item, node: int, *, is_required: bool) -> None:
        start = self._maker.step(item, "start", node, is_required=False)
        self._unfencing.precede(item, node, start, Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN)
        if is_required and start.flags & RUNNABLE:
            start.flags &= ~OPTIONAL
        if self._is_expected(item, node):
            start.flags |= PSEUDO

    def _promote(self, item: Item, node: int, *, is_required: bool) -> None:
        """Only what can be started there, if it has to be, can be promoted."""
        start = self._graph.find_on(item, "start", node)
        if start is None or start.flags & RUNNABLE:
            promote = self._maker.step(item, "promote", node, is_required=is_required)
            if self._is_expected(item, node):
                promote.flags |= PSEUDO
            return
        for step in self._graph.find(item, "promote"):
            step.flags &= ~RUNNABLE

    def _demote(self, item: Item, *, is_required: bool) -> None:
        for node in item.active:
            if not self._is_expected(item, node):
                self._maker.step(item, "demote", node, is_required=is_required)

    def _is_expected(self, item: Item, node: int) -> bool:
        """Is it the copy that goes on while unexpected ones are stopped?"""
        return item.is_stop_unexpected and item.is_restarting and item.next > Stage.STOPPED and node == item.home

    def _link(self, item: Item) -> None:
        """Stop before start, demote before stop, start before promote."""
        if not item.is_managed:
            return
        graph = self._graph
        self._unfencing.surround(item)
        stops, starts = graph.find(item, "stop"), graph.find(item, "start")
        left = set(item.dangling)
        for stop in stops:
            # What a migration left behind goes without touching what arrived.
            graph.link_all([stop], starts, Edge.SEQUENCE if stop.node in left else _RESTARTS)
        self._order_reloads(item, stops)
        if item.stage is Stage.PROMOTED or item.top.is_promotable:
            down = Edge.SEQUENCE | Edge.PROMOTED_THEN_IMPLIES_FIRST
            graph.link_all(graph.find(item, "demote"), stops, down)
            graph.link_all(starts, graph.find(item, "promote"), Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)

    def _order_reloads(self, item: Item, stops: list[Step]) -> None:
        """A reload is not worth it where the resource stops, or is demoted, anyway."""
        reloads = self._graph.find(item, "reload-agent")
        if reloads:
            edge = Edge.SEQUENCE | Edge.THEN_CANCELS_FIRST
            self._graph.link_all(reloads, [*stops, *self._graph.find(item, "demote")], edge)

    def _hold(self, item: Item, node: int) -> None:
        """One of our daemons carries an operation of the item out: nothing else can be done with it, or after it."""
        steps = [step for task in _TASKS for step in self._graph.find(item, task)]
        if not steps:
            steps = [self._graph.add(ActionKind.RESOURCE, item, node, "start", 0)]
        for step in steps:
            step.flags = (step.flags | BUSY) & ~(RUNNABLE | OPTIONAL)

    def _hold_promotion(self, item: Item) -> None:
        """While it is not known what another instance is, or is about to be, none is promoted beside it."""
        clone = item.clone
        promotes = self._graph.find(item, "promote") if clone is not None and self._maker.is_own else []
        if clone is None or not any(busy_nodes(self._situation, other) for other in clone.primitives() if promotes):
            return
        for step in promotes:
            step.flags = (step.flags | BUSY) & ~RUNNABLE

    def _tidy(self, item: Item) -> None:
        """Failures that are expired, or of what is removed, are cleared; what was locked to a node too long, freed."""
        for at, tally in item.tallies.items():
            node = self._nodes[at]
            if not node.is_online or (self._maker.is_own and node.is_unclean):
                continue
            if tally.why_cleared or (self._maker.is_own and tally.is_expired and not item.is_removed):
                why = f"{_many(tally)} expired" if tally.is_expired else tally.why_cleared
                clear = self._maker.clear_failures(item, at, why)
                if self._maker.is_own:
                    self._graph.link_all([clear], self._graph.find(item, "start"), Edge.SEQUENCE)
            is_old = tally.is_expired and not self._maker.is_own
            if item.is_removed and tally.count and not is_old and self._situation.settings.stops_removed:
                clear = self._maker.clear_failures(item, at, "not configured any more")
                self._graph.link_all([clear], self._graph.find(item, "stop"), Edge.SEQUENCE)
        for at in item.expired_locks:
            forget = self._graph.add(ActionKind.FORGET, item, at, "lrm_delete", RUNNABLE)
            forget.reason = f"reserved for {self._nodes[at].id} too long"
            edge = Edge.SAME_NODE | Edge.THEN_CANCELS_FIRST
            self._graph.link_all([forget], self._graph.probes(item), edge)


def _many(tally: Tally) -> str:
    if tally.count >= INFINITY:
        return "lasting failure"
    return f"{tally.count} failure{'' if tally.count == 1 else 's'}"
