"""What waits for probes beside the start of what is looked for.

A probe may find a resource active where it should not be; then everything is planned anew. Until that is known, nothing
is stopped only because of a start that may not come.
"""

from __future__ import annotations

from typing import Final

from hashelld.policy.acting.interleave import partner_on
from hashelld.policy.acting.orderer import TASK_OF
from hashelld.policy.acting.steps import PSEUDO, RUNNABLE, Edge, Graph, Step
from hashelld.policy.placing.partners import home_of
from hashelld.policy.state.items import Item, Kind
from hashelld.policy.state.situation import Situation


_UNDONE: Final = {"start": "stop", "promote": "demote"}
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
    for item in situation.primitives():
        top = item.top
        start_of = top if top.kind is Kind.CLONE else item
        starts = [step for step in graph.find(start_of, "start") if step.index in concerned]
        probes = graph.probes(item) if starts else []
        if probes:
            restarts = _Restarts(graph, item, concerned)
            graph.link_all(probes, restarts.found(starts, kept), Edge.SEQUENCE)


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


class _Restarts:
    """The stops and demotes of what would have to restart if an item were started."""

    def __init__(self, graph: Graph, item: Item, concerned: set[int]) -> None:
        self._graph = graph
        self._item = item
        self._concerned = concerned
        self._home = home_of(item)

    def found(self, starts: list[Step], kept: dict[int, Step]) -> list[Step]:
        """In the order in which they are reached; what fencing implies is left out."""
        pending = list(starts)
        seen = {step.index for step in pending}
        stops: dict[int, Step] = {}
        while pending:
            step = pending.pop()
            for stop in self._undone(step):
                if stop.index in kept and not stop.flags & PSEUDO:
                    stops[stop.index] = stop
            for then in self._followers(step):
                if then.index not in seen and then.index in self._concerned:
                    seen.add(then.index)
                    pending.append(then)
        return list(stops.values())

    def _undone(self, step: Step) -> list[Step]:
        item, task = step.item, _UNDONE.get(step.task)
        if item is None or task is None or item.kind is not Kind.PRIMITIVE or item is self._item:
            return []
        return self._graph.find(item, task)

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
