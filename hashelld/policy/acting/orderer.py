"""Links the steps of two items by what their tasks mean, whatever kinds of items they are."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.policy.acting.steps import OPTIONAL, Edge, Graph, Step
from hashelld.policy.state.items import Item, Kind, Stage
from hashelld.policy.state.situation import Situation


DONE: Final = {"start": "running", "stop": "stopped", "promote": "promoted", "demote": "demoted"}
"""The event that says that all parts of a collective have done a task."""
TASK_OF: Final = {done: task for task, done in DONE.items()}
CONFIRMED: Final = "confirmed-post_notify_"
"""With the event's name behind it: everybody was told that all have done a task."""
_SPREAD: Final = (Kind.CLONE, Kind.BUNDLE)


class Interleaved:
    """An ordering between two clones or bundles that concerns instances on one node."""

    __slots__ = ("edge", "first", "first_task", "then", "then_task")

    def __init__(self, first: Item, first_task: str, then: Item, then_task: str, edge: int) -> None:
        self.first = first
        self.first_task = first_task
        """Of the collective: start, stop, promote, demote or the event of one."""
        self.then = then
        self.then_task = then_task
        self.edge = edge


class Orderer:
    """Adds edges between items; what can be said only of instances is collected in `interleaved`."""

    __slots__ = ("graph", "interleaved", "situation")

    def __init__(self, situation: Situation, graph: Graph) -> None:
        self.situation = situation
        self.graph = graph
        self.interleaved: list[Interleaved] = []

    def between(self, first: Item, first_task: str, then: Item, then_task: str, edge: int) -> None:
        """All steps of one task before all of another; an item's own parts count as its inside."""
        self._link(first, first_task, then, then_task, edge)
        if first is not then and (first.allows_migration or then.allows_migration):
            self._add_migrations(first, first_task, then, then_task)

    def before_step(self, first: Item, first_task: str, then: Step, edge: int) -> None:
        """All steps of one task before a step of another item, or of none."""
        for step in self.firsts(first, first_task, then.item):
            self.graph.link(self._completion(step, then.item), then, edge)
        if first_task == "stop" and then.item is not first:
            self._add_probes(first, [then], edge)

    def after_step(self, first: Step, then: Item, then_task: str, edge: int) -> None:
        """A step before all steps of one task."""
        thens = self.graph.find(then, then_task)
        self.graph.link_all([first], thens, edge)
        if first.task == "stop" and first.item is not None and first.item is not then:
            self._add_probes(first.item, thens, edge)

    def firsts(self, item: Item, task: str, then: Item | None) -> list[Step]:
        """The steps of a task. What nobody planned is put in as a step that cannot happen, when others wait for it."""
        found = self.graph.find(item, task)
        if found or item is then:
            return found
        if (task == "stop" and item.highest_stage() <= Stage.STOPPED) or (
            task == "demote" and item.highest_stage() is Stage.UNPROMOTED
        ):
            return found
        return [self.graph.add(ActionKind.RESOURCE, item, None, task, OPTIONAL)]

    def _link(self, first: Item, first_task: str, then: Item, then_task: str, edge: int) -> None:
        graph = self.graph
        thens = graph.find(then, then_task)
        firsts = self.firsts(first, first_task, then)
        if not thens:
            return
        if first.kind is Kind.PRIMITIVE:
            for step in firsts:
                for follower in thens:
                    graph.link(step, follower, edge)
            if first_task == "stop" and first is not then:
                self._add_probes(first, thens, edge)
            return
        is_paired = is_interleaved(first, then, then_task)
        if is_paired:
            self.interleaved.append(Interleaved(first, first_task, then, then_task, edge))
        for step in firsts:
            completion = self._completion(step, then)
            if completion is not step:
                graph.behind.setdefault(step.index, []).extend((follower, edge) for follower in thens)
            for follower in thens:
                graph.link(completion, follower, Edge.SEQUENCE if is_paired else edge)

    def _completion(self, step: Step, then: Item | None) -> Step:
        """Who waits for a collective waits until all of it has done the task and, if it tells, was told so.

        A bundle that tells (its child does) has no event for that; then the beginning counts.
        """
        item = step.item
        if item is None or item.kind is Kind.PRIMITIVE or then is None or is_inside(then, item):
            return step
        done = DONE.get(step.task, step.task if step.task in TASK_OF else None)
        if done is None:
            return step
        if item.notifies and item.kind is not Kind.GROUP:
            return self.graph.event(item, CONFIRMED + done) if item.kind is Kind.CLONE else step
        return self.graph.event(item, done)

    def _add_probes(self, first: Item, thens: list[Step], edge: int) -> None:
        """A probe may find active what would have to be stopped: what waits for the stop waits for the probe."""
        probes = self.graph.probes(first)
        if not probes:
            return
        kept = edge & (Edge.SAME_NODE | Edge.UNLESS_MIGRATING)
        kept |= edge if edge in {Edge.REQUIRED_SAME_NODE, Edge.SAME_NODE_OR_TARGET} else Edge.SEQUENCE
        for then in thens:
            if first.container is not None and first.container is then.item and then.task == "stop":
                continue  # A filler may be looked for after its container was started again.
            for probe in probes:
                if _is_needed_before(probe, then):
                    self.graph.link(probe, then, kept)

    def _add_migrations(self, first: Item, first_task: str, then: Item, then_task: str) -> None:
        """What is said of starts and stops counts for live migrations as well."""
        if is_inside(then, first) or is_inside(first, then):
            return
        sequence = Edge.SEQUENCE
        if first_task == then_task == "start":
            if first.allows_migration and then.allows_migration:
                self._link(first, "migrate_from", then, "migrate_to", sequence)
                sequence |= Edge.UNLESS_MIGRATING
            if then.allows_migration:
                self._link(first, "start", then, "migrate_to", sequence)
        elif not then.allows_migration:
            return
        elif first_task == then_task == "stop":
            if first.allows_migration:
                sequence |= Edge.UNLESS_MIGRATING
            self._before_migration(first, "stop", then, sequence)
        elif first_task == "promote" and then_task == "start":
            self._link(first, "promote", then, "migrate_to", sequence)
        elif first_task == "demote" and then_task == "stop":
            self._before_migration(first, "demote", then, sequence)

    def _before_migration(self, first: Item, first_task: str, then: Item, edge: int) -> None:
        self._link(first, first_task, then, "migrate_to", edge)
        if then.migrating_to is not None:
            self._link(first, first_task, then, "migrate_from", edge)


def is_inside(item: Item, whole: Item) -> bool:
    """Is the item the whole, or a part of it on whatever level?"""
    found: Item | None = item
    while found is not None:
        if found is whole:
            return True
        found = found.parent
    return False


def is_interleaved(first: Item, then: Item, then_task: str) -> bool:
    """Are only the instances on one node ordered? Asked of the one that comes up later, or goes down later."""
    if first is then or first.kind not in _SPREAD or then.kind not in _SPREAD:
        return False
    if is_inside(then, first) or is_inside(first, then):
        return False
    return (first if then_task in {"stop", "demote"} else then).is_interleaved


def _is_needed_before(probe: Step, then: Step) -> bool:
    if then.kind is ActionKind.FENCE and then.task == "on":
        return then.node != probe.node
    if then.kind is ActionKind.SHUTDOWN:
        return then.node == probe.node
    return True
