"""Sequence, and what necessity and impossibility pass on, between the steps of different items."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.constraint import Order
from hashelld.model.score import INFINITY
from hashelld.policy.acting.collectives import add_events, order_container, order_inside
from hashelld.policy.acting.interleave import pair_instances
from hashelld.policy.acting.order_constraints import add_order
from hashelld.policy.acting.orderer import Orderer
from hashelld.policy.acting.probe_waits import hold_instances
from hashelld.policy.acting.remote import order_remote
from hashelld.policy.acting.steps import PSEUDO, RUNNABLE, Edge, Graph, Step
from hashelld.policy.state.items import Kind, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import Tie


_LEAVES: Final = {Stage.PROMOTED: ("demote",), Stage.UNPROMOTED: ("stop", "promote")}
_COMES: Final = {Stage.PROMOTED: ("promote",), Stage.UNPROMOTED: ("start", "demote")}


def add_orderings(situation: Situation, graph: Graph) -> None:
    """All edges between items. Every step of resources must be there, and fencing be planned."""
    orderer = Orderer(situation, graph)
    for item in reversed(situation.items):
        if item.kind is not Kind.PRIMITIVE:
            add_events(graph, item)
    _add_constraints(orderer)
    for item in situation.items:
        if item.kind is not Kind.PRIMITIVE:
            order_inside(orderer, item)
        elif item.container is not None:
            order_container(orderer, item)
    _add_load(orderer)
    order_remote(orderer)
    pair_instances(situation, graph, orderer.interleaved)
    hold_instances(situation, graph)


def _add_constraints(orderer: Orderer) -> None:
    situation = orderer.situation
    facts = situation.facts()
    for constraint in situation.cib.objects:
        if isinstance(constraint, Order):
            lifetime = constraint.lifetime
            if not lifetime or any(situation.attributes.holds(rule, facts) for rule in lifetime):
                add_order(orderer, constraint)
    for item in situation.items:
        for tie in item.ties_with:
            if tie.score <= -INFINITY:
                _add_avoidance(orderer, tie)


def _add_avoidance(orderer: Orderer, tie: Tie) -> None:
    """What must not be together: the leaving one goes before the other comes to its node."""
    dependent, primary = (tie.dependent, tie.dependent_stage), (tie.primary, tie.primary_stage)
    for (leaving, left_stage), (coming, reached_stage) in ((dependent, primary), (primary, dependent)):
        for first_task in _LEAVES.get(left_stage, ("stop",)):
            for then_task in _COMES.get(reached_stage, ("start",)):
                orderer.between(leaving, first_task, coming, then_task, Edge.REQUIRED_SAME_NODE)


def _add_load(orderer: Orderer) -> None:
    """Where capacity counts, what leaves a node makes room before something comes."""
    situation, graph = orderer.situation, orderer.graph
    if situation.settings.placement == "default":
        return
    rooms: dict[int, Step] = {}

    def room(node: int) -> Step:
        if node not in rooms:
            name = f"load_stopped_{situation.node_id(node)}"
            rooms[node] = graph.add(ActionKind.PSEUDO, None, node, name, RUNNABLE | PSEUDO)
        return rooms[node]

    for item in situation.primitives():
        if not item.utilization or not item.is_managed:
            continue
        for node in item.active:
            orderer.before_step(item, "stop", room(node), Edge.SAME_NODE_OR_TARGET)
        for task in ("start", "migrate_to"):
            for step in graph.find(item, task):
                if item.home is not None:
                    graph.link(room(item.home), step, Edge.SAME_NODE_OR_TARGET)
