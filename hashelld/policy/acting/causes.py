"""From a step to what made it necessary or impossible, and how that is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hashelld.model.action import ActionKind
from hashelld.policy.acting.steps import NEEDS_ANY, Edge, Graph, Step
from hashelld.policy.state.items import Item, Kind
from hashelld.policy.state.situation import Situation


def causes_of(step: Step) -> Iterator[Step]:
    """The steps of others that it is for, the nearest first; those of its own resource and of what is around it not."""
    return _others(step, lambda at: at.cause)


def blockers_of(step: Step) -> Iterator[Step]:
    """The steps of others that it would have to wait for, and that cannot be taken; the nearest first."""
    return _others(step, lambda at: at.blocker)


def _others(step: Step, behind: Callable[[Step], Step | None]) -> Iterator[Step]:
    seen = {step.index}
    at = behind(step)
    while at is not None and at.index not in seen:
        seen.add(at.index)
        if at.item is None or not _is_around(at.item, step.item):
            yield at
        at = behind(at)


def _is_around(whole: Item, item: Item | None) -> bool:
    while item is not None and item is not whole:
        item = item.parent
    return item is whole


def cause_text(situation: Situation, graph: Graph, step: Step) -> str:
    """What happens that makes another step necessary: `vip restarts`, `db is demoted`, `n1 is leaving`."""
    item = step.item
    if item is not None:
        where = _where(situation, item)
        told = f"{item.called} {movement(situation, graph, item, step.task)}"
        return f"{told} on {where}" if where and f" to {where}" not in told else told
    if step.kind is ActionKind.SHUTDOWN:
        return step.reason
    if step.node is None:
        return shortage(step)
    node = situation.node_id(step.node)
    return f"{node} has to be unfenced first" if step.task == "on" else f"{node} is fenced"


def shortage(step: Step) -> str:
    """What is wrong where some of several are needed and too few can be had; empty for other steps."""
    if not step.flags & NEEDS_ANY:
        return ""
    firsts = [first.item for first, edge in step.before if edge & Edge.MIN_RUNNABLE and first.item is not None]
    count = step.required_before
    around = {item.parent for item in firsts}
    clone = around.pop() if len(around) == 1 else None
    if clone is not None and clone.kind is Kind.CLONE:
        return f"{'no instance' if count <= 1 else f'fewer than {count} instances'} of {clone.called} can start"
    names = ", ".join(dict.fromkeys(item.called for item in firsts))
    return f"{'none' if count <= 1 else f'fewer than {count}'} of {names} can start"


def movement(situation: Situation, graph: Graph, item: Item, task: str = "") -> str:
    """What happens to a resource, as far as others are concerned: it `restarts`, `stops`, `moves to n2`…"""
    if task in {"demote", "demoted"}:
        return "is demoted"
    if task in {"promote", "promoted"}:
        return "is promoted"
    starts = [step for part in item.primitives() for step in graph.find(part, "start") if _is_done(step)]
    if not starts:
        return "stops"
    if not any(step.is_required for part in item.primitives() for step in graph.find(part, "stop")):
        return "starts"
    homes = {step.node for step in starts if step.node is not None}
    if len(homes) == 1 and homes.isdisjoint(item.active_nodes()):
        return f"moves to {situation.node_id(homes.pop())}"
    return "restarts"


def _is_done(step: Step) -> bool:
    return step.is_required and step.is_runnable


def _where(situation: Situation, item: Item) -> str:
    """The node of an instance that has no name of its own."""
    if not item.is_anonymous:
        return ""
    nodes = item.active_nodes() or [part.home for part in item.primitives() if part.home is not None]
    return situation.node_id(nodes[0]) if nodes else ""
