"""What waits for probes beside the start of what is looked for.

A probe may find a resource active where it should not be; then everything is planned anew. Until that is known, nothing
is stopped only because of a start that may not come.
"""

from __future__ import annotations

from typing import Final

from hashelld.policy.acting.interleave import partner_on
from hashelld.policy.acting.orderer import TASK_OF
from hashelld.policy.acting.steps import MIGRATABLE, PSEUDO, RUNNABLE, Edge, Graph, Step
from hashelld.policy.placing.partners import home_of
from hashelld.policy.state.items import Item, Kind
from hashelld.policy.state.situation import Situation


_UNDONE: Final = {"start": "stop", "promote": "demote"}
_CONDITIONAL: Final = (
    Edge.SAME_NODE
    | Edge.REQUIRED_SAME_NODE
    | Edge.SAME_NODE_OR_TARGET
    | Edge.UNLESS_MIGRATING
    | Edge.THEN_CANCELS_FIRST
)
"""Bits of an edge that does not always count."""
_DONE_AGAIN: Final = {"stop": "start", "demote": "promote"}


def hold_instances(situation: Situation, graph: Graph) -> None:
    """While the state on some node is unknown, no instance that is not active yet starts; the active ones go on."""
    for item in situation.primitives():
        top = item.top
        if top.kind is not Kind.CLONE:
            continue
        blocked = [probe for probe in graph.probes(item) if not probe.flags & RUNNABLE]
        if not blocked or not top.is_active():
            continue  # Of a clone that is not active, all waits already.
        for event in graph.find(top, "start"):
            for start, _edge in tuple(event.after):
                if start.task == "start" and start.item is not None and not start.item.is_active():
                    graph.link_all(blocked, [start], Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)


def add_restart_waits(situation: Situation, graph: Graph, kept: dict[int, Step]) -> None:
    """Stops that are only for a restart wait for the probes of what the restart is for. `kept`: what will be done."""
    stops = [step for step in kept.values() if step.task in _DONE_AGAIN and not step.flags & PSEUDO]
    concerned = _leading_to(graph, stops)
    if not concerned:
        return
    behind = _Behind(graph, kept, concerned)
    for item in _followers_first(situation, graph):
        top = item.top
        start_of = top if top.kind is Kind.CLONE else item
        starts = [step for step in graph.find(start_of, "start") if step.index in concerned]
        probes = graph.probes(item) if starts else []
        if probes:
            graph.link_all(probes, behind.first_stops(item, starts), Edge.SEQUENCE)


def _followers_first(situation: Situation, graph: Graph) -> list[Item]:
    """All primitives; of those that start one after the other, the last comes first."""
    found: dict[int, Item] = {}
    entered: set[int] = set()
    for item in situation.primitives():
        stack = [item]
        while stack:
            top = stack[-1]
            ahead = [] if top.index in entered else _started_after(graph, top)
            entered.add(top.index)
            ahead = [then for then in ahead if then.index not in entered]
            if ahead:
                stack += ahead
            else:
                found.setdefault(top.index, stack.pop())
    return list(found.values())


def _started_after(graph: Graph, item: Item) -> list[Item]:
    """Primitives that start only after this one."""
    return [
        then.item
        for start in graph.find(item, "start")
        for then, edge in start.after
        if edge & Edge.FIRST_IMPLIES_THEN and then.task == "start" and then.item is not None and not then.item.children
    ]


def _leading_to(graph: Graph, stops: list[Step]) -> set[int]:
    """The steps that might make some resource start again that is to be stopped now; rather too many of them."""
    behind: dict[int, list[Step]] = {}
    for index, thens in graph.behind.items():
        for then, edge in thens:
            if edge & Edge.FIRST_IMPLIES_THEN:
                behind.setdefault(then.index, []).append(graph.steps[index])
    pending: list[Step] = []
    for stop in stops:
        if stop.item is not None and stop.item.kind is Kind.PRIMITIVE:
            pending += graph.find(stop.item, _DONE_AGAIN[stop.task])
    found = {step.index for step in pending}
    while pending:
        step = pending.pop()
        parent = None if step.item is None else step.item.parent
        firsts = [first for first, edge in step.before if edge & Edge.FIRST_IMPLIES_THEN or first.item is parent]
        for first in firsts + behind.get(step.index, []):
            if first.item is not None and first.index not in found:
                found.add(first.index)
                pending.append(first)
    return found


class _Behind:
    """The stops and demotes of what would have to restart if an item were started: those that come first.

    What waits for those waits with them. Nothing is looked at twice behind a start of which that is known already.
    """

    __slots__ = ("_concerned", "_graph", "_home", "_item", "_kept", "_known")

    def __init__(self, graph: Graph, kept: dict[int, Step], concerned: set[int]) -> None:
        self._graph = graph
        self._kept = kept
        self._concerned = concerned
        self._known: dict[tuple[int, int | None], list[Step]] = {}
        """By the start of a primitive that is in nothing else, and the node it is for; with its own stops."""

    def first_stops(self, item: Item, starts: list[Step]) -> list[Step]:
        """In the order in which they are reached; what fencing implies is left out."""
        self._item = item
        self._home = home_of(item)
        pending = list(starts)
        seen = {step.index for step in pending}
        stops: dict[int, Step] = {}
        passed: set[int] = set()
        while pending:
            step = pending.pop()
            undone = self._undone(step)
            known = self._known.get((step.index, self._home))
            if known is not None:
                stops.update((stop.index, stop) for stop in known)
                passed.update(stop.index for stop in undone)
                continue
            stops.update((stop.index, stop) for stop in undone)
            for then in self._followers(step):
                if then.index not in seen and then.index in self._concerned:
                    seen.add(then.index)
                    pending.append(then)
        passed.difference_update(stops)
        for index, stop in tuple(stops.items()):
            if self._waits(stop, stops, passed):
                del stops[index]
                passed.add(index)
        found = list(stops.values())
        if item.parent is None:
            own = [stop for stop in self._stops(item, "stop") if not self._waits(stop, stops, passed)]
            self._known.update(((start.index, self._home), own + found) for start in starts)
        return found

    def _undone(self, step: Step) -> list[Step]:
        item, task = step.item, _UNDONE.get(step.task)
        if item is None or task is None or item.kind is not Kind.PRIMITIVE or item is self._item:
            return []
        return self._stops(item, task)

    def _stops(self, item: Item, task: str) -> list[Step]:
        return [step for step in self._graph.find(item, task) if step.index in self._kept and not step.flags & PSEUDO]

    def _waits(self, stop: Step, stops: dict[int, Step], passed: set[int]) -> bool:
        """Does it wait for one of the stops, or for one that is known to wait for some of them?"""
        return any(
            (first.index in stops or first.index in passed) and not (edge & _CONDITIONAL or first.flags & MIGRATABLE)
            for first, edge in stop.before
        )

    def _followers(self, step: Step) -> list[Step]:
        item = step.item
        if item is None or item.kind is Kind.PRIMITIVE:
            return [then for then, edge in step.after if edge & Edge.FIRST_IMPLIES_THEN]
        if step.task in TASK_OF:
            return []
        thens = [then for then, edge in self._graph.behind.get(step.index, ()) if edge & Edge.FIRST_IMPLIES_THEN]
        for then, edge in step.after:
            if edge & Edge.FIRST_IMPLIES_THEN or self._is_open(item, then):
                thens.append(then)
        return thens

    def _is_open(self, whole: Item, then: Step) -> bool:
        """Is it a part of another collective that goes with it?"""
        part = then.item
        if part is None or part.parent is not whole or self._item.parent is whole or part.kind > Kind.GROUP:
            return False
        if whole.kind is Kind.GROUP or not whole.is_interleaved:
            return True
        return self._home is not None and partner_on(whole, self._home, is_now=False) is part
