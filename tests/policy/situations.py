"""Situations for tests of single phases: the configuration is text; later phases are run, or set by hand."""

from __future__ import annotations

import msgspec

from hashelld.model.action import ActionKind
from hashelld.model.score import Score
from hashelld.policy.acting.actions import add_actions
from hashelld.policy.acting.steps import OPTIONAL, PSEUDO, RUNNABLE, Graph, Step
from hashelld.policy.placing.assign import place
from hashelld.policy.placing.colocating import read_ties
from hashelld.policy.placing.colocation import Colocations
from hashelld.policy.placing.locating import apply_criteria, apply_locations
from hashelld.policy.placing.tickets import apply_tickets
from hashelld.policy.state.expand import expand
from hashelld.policy.state.items import Item, Stage
from hashelld.policy.state.observe import observe
from hashelld.policy.state.situation import Situation
from tests.build import cluster


def situation(text: str, *, is_ours: bool = False) -> Situation:
    """A description of a cluster, expanded; everything is known everywhere and stopped.

    Histories count as Pacemaker's, unless they are `is_ours`.
    """
    view = cluster(text)
    found = expand(view if is_ours else msgspec.structs.replace(view, feature_set="3.19.0"), None)
    for item in found.primitives():
        item.known.update(node.index for node in found.nodes)
        item.present.update(dict.fromkeys(item.known))
        item.next = Stage.STOPPED
    return found


def active(item: Item, *nodes: int, stage: Stage = Stage.STARTED) -> None:
    """It is active there now."""
    item.active = list(nodes)
    item.stages = dict.fromkeys(nodes, stage)
    item.stage = stage


def wanted(item: Item, node: int, stage: Stage = Stage.STARTED) -> None:
    """It is to be there."""
    item.home, item.next = node, stage


def stays(item: Item, node: int, stage: Stage = Stage.STARTED) -> None:
    """It is there and is to stay."""
    active(item, node, stage=stage)
    wanted(item, node, stage)


def scored(text: str) -> Situation:
    """A description of a cluster with its scores: locations, health, failures, stickiness; no colocations yet."""
    found = expand(cluster(text))
    observe(found)
    read_ties(found)
    apply_locations(found)
    apply_tickets(found)
    apply_criteria(found)
    return found


def placed(text: str) -> Situation:
    """A description of a cluster with a node and a role for everything."""
    found = scored(text)
    place(found, Colocations(found))
    return found


def scores(found: Situation, name: str) -> dict[str, Score]:
    """By node; nodes that are not in the table are left out."""
    table = found.by_id[name].table
    return {node.id: table.score(node.index) for node in found.nodes if table.allows(node.index)}


def homes(found: Situation) -> dict[str, str]:
    """Where everything goes, and in which role if that is Promoted; what goes nowhere is left out."""
    return {
        item.id: found.node_id(item.home) + ("*" if item.next is Stage.PROMOTED else "")
        for item in found.primitives()
        if item.home is not None
    }


def acted(found: Situation) -> Graph:
    """The steps of all resources, without what connects different ones."""
    graph = Graph()
    add_actions(found, graph)
    return graph


def described(graph: Graph) -> list[str]:
    """All steps: `start web@0`, `(stop web@0)` optional, `!start web@0` not possible, `~stop web@0` an event."""
    return [describe(step) for step in graph.steps]


def required(graph: Graph) -> list[str]:
    """Those that have to happen."""
    return [describe(step) for step in graph.steps if not step.flags & OPTIONAL]


def describe(step: Step) -> str:
    """One step in short."""
    kind = "cancel " if step.kind is ActionKind.CANCEL else ""
    name = "" if step.item is None else f" {step.item.id}"
    interval = f"/{step.interval_ms}" if step.interval_ms else ""
    at = "" if step.node is None else f"@{step.node}"
    marks = ("" if step.flags & RUNNABLE else "!") + ("~" if step.flags & PSEUDO else "")
    text = f"{marks}{kind}{step.task}{interval}{name}{at}"
    return f"({text})" if step.flags & OPTIONAL else text


def edge(graph: Graph, first: str, then: str) -> int:
    """The edges between two steps, by what `describe` says without marks; 0 when there are none."""
    found = 0
    for step in graph.steps:
        if _plain(step) == first:
            for other, bits in step.after:
                if _plain(other) == then:
                    found |= bits
    return found


def _plain(step: Step) -> str:
    return describe(step).strip("()").lstrip("!~")
