"""Orderings as edges: within a resource, within a group, between constrained resources, and after probes."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.constraint import Order
from hashelld.model.score import INFINITY
from hashelld.policy.colocation import Colocations
from hashelld.policy.expand import Item, Kind, Situation
from hashelld.policy.observe import Observed
from hashelld.policy.steps import OPTIONAL, PSEUDO, RUNNABLE, Edge, Graph, Step


INVERSE: Final = {"start": "stop", "stop": "start", "promote": "demote", "demote": "promote"}
_DONE: Final = {"start": "running", "stop": "stopped"}
_EVENTS: Final = ("start", "running", "stop", "stopped")
_UP: Final = frozenset({"start", "promote"})
_NEWS: Final = Edge.FIRST_IMPLIES_THEN | Edge.THEN_IMPLIES_FIRST | Edge.UNRUNNABLE_BLOCKS | Edge.ASYMMETRIC
_CHAIN_UP: Final = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS


def add_orderings(situation: Situation, observed: Observed, colocations: Colocations, graph: Graph) -> None:
    """All edges that do not depend on fencing."""
    orderer = _Orderer(situation, observed, graph)
    for item in situation.items:
        if item.kind is Kind.PRIMITIVE:
            graph.link_all(graph.find(item, "stop"), graph.find(item, "start"),
                           Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.RESTART)  # fmt: skip
        else:
            orderer.add_group(item)
    for constraint in situation.view.cib.objects:
        if isinstance(constraint, Order):
            orderer.add_constraint(constraint)
    orderer.add_avoidance(colocations)
    orderer.add_probe_orderings()


class _Orderer:
    def __init__(self, situation: Situation, observed: Observed, graph: Graph) -> None:
        self._situation = situation
        self._observed = observed
        self._graph = graph
        self._stops_before: list[tuple[Item, list[Step], int]] = []
        """(item, steps that wait for its stop, flags): they wait for its probes as well."""

    def _is_active(self, item: Item) -> bool:
        return any(self._observed.of(bearer.index).active for bearer in self._situation.bearers(item))

    def _firsts(self, item: Item, task: str) -> list[Step]:
        """The steps of a task. A start that nobody planned is put in as one that cannot happen."""
        found = self._graph.find(item, task)
        if not found and not item.children and task != "stop":
            return [self._graph.add(ActionKind.RESOURCE, item, None, task, OPTIONAL)]
        return found

    def add_group(self, group: Item) -> None:
        """Group events, and the chain of the members."""
        graph = self._graph
        events = {
            task: graph.add(ActionKind.PSEUDO, group, None, task, OPTIONAL | RUNNABLE | PSEUDO) for task in _EVENTS
        }
        graph.link(events["stop"], events["stopped"], Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)
        graph.link(events["stopped"], events["start"], Edge.SEQUENCE)
        graph.link(events["start"], events["running"], Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)
        members = [self._situation.items[child] for child in group.children]
        previous: Item | None = None
        last_active: Item | None = None
        for member in members:
            self._add_member(group, events, member)
            if group.is_ordered and previous is not None:
                self._add_chain(previous, member, last_active)
            if self._is_active(member):
                last_active = member
            previous = member

    def _add_member(self, group: Item, events: dict[str, Step], member: Item) -> None:
        graph = self._graph
        starts = self._firsts(member, "start")
        stops = graph.find(member, "stop")
        graph.link_all([events["start"]], starts, Edge.SEQUENCE | Edge.SHOWS_FIRST)
        graph.link_all(starts, [events["running"]], _CHAIN_UP)
        graph.link_all([events["stop"]], stops, Edge.SEQUENCE | Edge.SHOWS_FIRST)
        down = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS
        graph.link_all(stops, [events["stopped"]], down)
        self._stops_before.append((member, [events["stopped"]], Edge.SEQUENCE))
        if not group.is_ordered:
            graph.link_all([events["start"]], starts, _CHAIN_UP)

    def _add_chain(self, previous: Item, member: Item, last_active: Item | None) -> None:
        graph = self._graph
        stops, stops_before = graph.find(member, "stop"), graph.find(previous, "stop")
        graph.link_all(self._firsts(previous, "start"), graph.find(member, "start"), _CHAIN_UP)
        graph.link_all(stops, stops_before, Edge.SEQUENCE | Edge.RESTART)
        self._stops_before.append((member, stops_before, Edge.SEQUENCE))
        if stops and not self._is_active(previous):
            graph.link_all(
                stops,
                graph.find(previous, "start"),
                Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST | Edge.UNRUNNABLE_BLOCKS,
            )
            if last_active is not None:
                graph.link_all(stops, graph.find(last_active, "stop"), Edge.SEQUENCE)

    def add_constraint(self, constraint: Order) -> None:
        """One ordering constraint and, when it is symmetrical, its inverse."""
        first = self._situation.by_id.get(constraint.first)
        then = self._situation.by_id.get(constraint.then)
        if first is None or then is None or _are_unlike(first, then):
            return
        first_task = (constraint.first_action or "start").lower()
        then_task = (constraint.then_action or first_task).lower()
        kind = (constraint.kind or "Mandatory").lower()
        is_mandatory = kind not in {"optional", "serialize", "0"}
        symmetrical = constraint.symmetrical
        is_symmetric = kind != "serialize" and (True if symmetrical is None else symmetrical)
        self._add_pair(first, first_task, then, then_task, _forward(first_task, is_mandatory, is_symmetric))
        if is_symmetric and first_task in INVERSE and then_task in INVERSE:
            edge = Edge.SEQUENCE | (Edge.THEN_IMPLIES_FIRST if is_mandatory else 0)
            self._add_pair(then, INVERSE[then_task], first, INVERSE[first_task], edge)

    def _add_pair(self, first: Item, first_task: str, then: Item, then_task: str, edge: int) -> None:
        graph = self._graph
        task = _DONE.get(first_task, first_task) if first.children else first_task
        firsts, thens = self._firsts(first, task), graph.find(then, then_task)
        graph.link_all(firsts, thens, edge)
        news = (edge & _NEWS) | Edge.NEWS_ONLY
        if then.children and edge & _NEWS:
            for member in self._situation.bearers(then):
                graph.link_all(firsts, graph.find(member, then_task), news)
        if first.children and edge & Edge.THEN_IMPLIES_FIRST:
            for member in self._situation.bearers(first):
                graph.link_all(graph.find(member, first_task), thens, Edge.THEN_IMPLIES_FIRST | Edge.NEWS_ONLY)
        if first_task == "stop":
            self._stops_before.append((first, thens, edge & (Edge.SEQUENCE | Edge.REQUIRED_SAME_NODE)))

    def add_avoidance(self, colocations: Colocations) -> None:
        """What must not be together: the leaving one stops before the other comes to its node."""
        for tie in colocations.ties:
            if tie.score > -INFINITY:
                continue
            dependent, primary = self._situation.items[tie.dependent], self._situation.items[tie.primary]
            for leaving, coming in ((dependent, primary), (primary, dependent)):
                self._add_pair(leaving, "stop", coming, "start", Edge.REQUIRED_SAME_NODE)

    def add_probe_orderings(self) -> None:
        """A probe may find something active: what waits for its stop waits for the probe."""
        for item, waiting, edge in self._stops_before:
            self._graph.link_all(probes_of(self._graph, item), waiting, edge)


def add_restart_waits(graph: Graph) -> None:
    """Where a probe may find active what others depend on, they would restart: their required stops wait for it."""
    for step in graph.steps:
        if step.task != "stop" or step.flags & (OPTIONAL | PSEUDO) or step.item is None:
            continue
        reached: set[int] = set()
        pending = list(graph.find(step.item, "start"))
        while pending:
            for first, edge in pending.pop().before:
                if first.index in reached or not edge & (Edge.FIRST_IMPLIES_THEN | Edge.SHOWS_FIRST):
                    continue
                reached.add(first.index)
                pending.append(first)
                if first.task == "start" and first.item is not None and first.item is not step.item:
                    graph.link_all(probes_of(graph, first.item), [step], Edge.SEQUENCE)


def probes_of(graph: Graph, item: Item) -> list[Step]:
    """The planned probes of a primitive."""
    return [step for step in graph.find(item, "monitor") if not step.interval_ms]


def _are_unlike(first: Item, then: Item) -> bool:
    """Is one of them a fencing device and the other not? A group with a device in it counts as either."""
    return first.is_device is not then.is_device and not (first.children or then.children)


def _forward(first_task: str, is_mandatory: bool, is_symmetric: bool) -> int:  # noqa: FBT001 - two facts of one row
    if not is_mandatory:
        return Edge.SEQUENCE
    if not is_symmetric:
        return Edge.SEQUENCE | Edge.ASYMMETRIC
    edge = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN
    return edge | (Edge.UNRUNNABLE_BLOCKS if first_task in _UP else 0)
