"""Orderings between instances of two clones that share a node, and what happens to an instance without a partner."""

from __future__ import annotations

from hashelld.policy.acting.collectives import settle_events
from hashelld.policy.acting.orderer import DONE, TASK_OF, Interleaved
from hashelld.policy.acting.steps import OPTIONAL, RUNNABLE, Edge, Graph, Step
from hashelld.policy.placing.partners import home_of, is_blocked
from hashelld.policy.state.items import Item, Kind, Stage
from hashelld.policy.state.situation import Situation


_MANDATORY = Edge.UNRUNNABLE_BLOCKS | Edge.FIRST_IMPLIES_THEN
_ROLES = frozenset({"promote", "promoted", "demote", "demoted"})


def pair_instances(situation: Situation, graph: Graph, orderings: list[Interleaved]) -> None:
    """Edges between partners. Who needs one and has none may not come up, which may cost another its partner."""
    held: dict[int, Item] = {}
    is_changed = True
    while is_changed:
        is_changed = False
        for ordering in orderings:
            if not ordering.edge & _MANDATORY or _is_down(ordering):
                continue
            for instance in instances_of(ordering.then):
                home = home_of(instance)
                if home is not None and partner_on(ordering.first, home, is_now=False) is None:
                    _keep_down(situation, graph, instance, home, ordering.first)
                    held[ordering.then.index] = ordering.then
                    is_changed = True
    for whole in held.values():
        settle_events(graph, whole)
    for ordering in orderings:
        _pair(graph, ordering)


def instances_of(item: Item) -> list[Item]:
    """What is counted as the instances of a clone or bundle."""
    return item.containers() if item.kind is Kind.BUNDLE else item.children


def partner_on(whole: Item, node: int, *, is_now: bool) -> Item | None:
    """The instance that is (or will be) on a node and is not blocked."""
    for instance in instances_of(whole):
        if (now_on(instance) if is_now else home_of(instance)) == node and not is_blocked(instance):
            return instance
    return None


def now_on(item: Item) -> int | None:
    """The one node that all that is active of it is on."""
    nodes = item.active_nodes()
    return nodes[0] if len(nodes) == 1 else None


def _is_down(ordering: Interleaved) -> bool:
    return ordering.first_task in {"stop", "stopped", "demote", "demoted"}


def _is_of_present(ordering: Interleaved) -> bool:
    """Is it about the instances that are there now? Of a bundle that tells what it does only when all is done."""
    first = ordering.first
    if first.kind is Kind.BUNDLE and first.notifies and ordering.first_task in {"stop", "demote"}:
        return False
    return _is_down(ordering)


def _pair(graph: Graph, ordering: Interleaved) -> None:
    is_now = _is_of_present(ordering)
    for instance in instances_of(ordering.then):
        node = now_on(instance) if is_now else home_of(instance)
        partner = None if node is None else partner_on(ordering.first, node, is_now=is_now)
        if partner is None:
            continue
        first = _step(
            graph, ordering.first, partner, TASK_OF.get(ordering.first_task, ordering.first_task), is_first=True
        )
        then = _step(graph, ordering.then, instance, ordering.then_task, is_first=False)
        if first is not None and then is not None:
            graph.link(first, then, ordering.edge)


def _step(graph: Graph, whole: Item, instance: Item, task: str, *, is_first: bool) -> Step | None:
    """The instance's step; for a container sometimes that of what it contains."""
    bearer = instance
    if whole.kind is Kind.BUNDLE and (task != "stop" if is_first else task in _ROLES):
        bearer = next((r.child for r in whole.replicas if r.container is instance and r.child is not None), instance)
    name = DONE.get(task, task) if is_first and bearer.kind is not Kind.PRIMITIVE else task
    return next(iter(graph.find(bearer, name)), None)


def _keep_down(situation: Situation, graph: Graph, instance: Item, home: int, first: Item) -> None:
    cause = next(iter(graph.find(first, "start")), None)
    reason = f"{first.id} has no instance on {situation.node_id(home)}"
    for part in instance.primitives():
        part.home = None
        part.next = Stage.STOPPED
        part.why_stopped = reason
        for stop in graph.find(part, "stop"):
            if part.is_managed:
                stop.flags &= ~OPTIONAL
            stop.reason = stop.reason or reason
        for start in graph.find(part, "start"):
            start.block(cause)
            start.flags |= OPTIONAL
        for monitor in graph.find(part, "monitor"):
            if monitor.interval_ms and monitor.op is not None and monitor.op.role != "stopped":
                monitor.flags &= ~RUNNABLE
