"""Fencing and shutdown: which nodes, and what waits for them or is settled by them."""

from __future__ import annotations

from hashelld.model.action import ActionKind
from hashelld.policy.expand import NodeState, Situation
from hashelld.policy.observe import Observed
from hashelld.policy.settings import NoQuorum
from hashelld.policy.steps import PSEUDO, RUNNABLE, Edge, Graph, Step


def can_fence(situation: Situation, node: NodeState) -> bool:
    """May and can the node be fenced now?"""
    if not situation.settings.has_fencing or not situation.has_device:
        return False
    return situation.view.has_quorum or situation.settings.no_quorum is NoQuorum.IGNORE or node.is_online


def add_fencing(situation: Situation, observed: Observed, graph: Graph) -> None:
    """Fence unclean nodes and let leaving ones go; the DC's own turn comes last."""
    is_any_managed = any(item.is_managed for item in situation.primitives())
    fencings: list[Step] = []
    shutdowns: list[Step] = []
    dc_step: Step | None = None
    for node in situation.nodes:
        if node.is_unclean and is_any_managed and can_fence(situation, node):
            step = _fence(situation, observed, node, graph)
            group = fencings
        elif node.is_leaving and not node.is_unclean:
            step = _shut_down(situation, observed, node, graph)
            group = shutdowns
        else:
            continue
        if node.id == situation.view.dc:
            dc_step = step
            continue
        if step.kind is ActionKind.FENCE and fencings and not situation.settings.is_fencing_concurrent:
            graph.link(fencings[-1], step, Edge.SEQUENCE)
        group.append(step)
    if dc_step is not None:
        before = fencings + (shutdowns if dc_step.kind is ActionKind.SHUTDOWN else [])
        graph.link_all(before, [dc_step], Edge.SEQUENCE)


def _fence(situation: Situation, observed: Observed, node: NodeState, graph: Graph) -> Step:
    fence = graph.add(ActionKind.FENCE, None, node.index, situation.settings.fence_operation, RUNNABLE)
    fence.reason = node.fence_reason
    for item in situation.primitives():
        for stop in graph.find(item, "stop"):
            if stop.node == node.index:
                stop.kind = ActionKind.PSEUDO
                stop.flags |= PSEUDO | RUNNABLE
                stop.reason = f"{node.id} is fenced"
                if item.requires_fencing:
                    graph.link(fence, stop, Edge.SEQUENCE)
        for start in graph.find(item, "start"):
            unknown = node.index not in observed.of(item.index).known
            if item.requires_fencing or (item.requires_quorum and unknown):
                graph.link(fence, start, Edge.SEQUENCE)
    return fence


def _shut_down(situation: Situation, observed: Observed, node: NodeState, graph: Graph) -> Step:
    shutdown = graph.add(ActionKind.SHUTDOWN, None, node.index, "do_shutdown", RUNNABLE)
    shutdown.reason = f"{node.id} is leaving"
    for item in situation.primitives():
        if node.index in observed.of(item.index).busy:
            shutdown.block()
        for stop in graph.find(item, "stop"):
            if stop.node != node.index or item.is_maintenance or node.is_maintenance:
                continue
            if item.is_managed:
                stop.require(shutdown)
                graph.link(stop, shutdown, Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)
        for probe in graph.find(item, "monitor"):
            if probe.node == node.index and not probe.interval_ms:
                graph.link(probe, shutdown, Edge.SEQUENCE)
    return shutdown
