"""Fencing and shutdown: which nodes, what waits for them, and what is settled by them.

A fenced node runs nothing any more: stops and demotes there are done by the fencing. What requires fencing is started
only after every fencing, for any of the nodes may still have it, or what it depends on.
"""

from __future__ import annotations

import re
from typing import Final

from hashelld.model.action import LEFT_RUNNING, ActionKind
from hashelld.policy.acting.cutting import Cuts
from hashelld.policy.acting.making import busy_nodes
from hashelld.policy.acting.remote import Link, link_of
from hashelld.policy.acting.steps import OPTIONAL, PSEUDO, RUNNABLE, Edge, Graph, Step
from hashelld.policy.state.failing import can_fence
from hashelld.policy.state.items import Item, Kind, Needs, Node, Stage
from hashelld.policy.state.situation import Situation


_IMPLIES: Final = Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS | Edge.FIRST_IMPLIES_THEN
_FENCED: Final = "fenced"
_CUT_OFF: Final = "cut off"
_UP: Final = ("start", "promote")
_DIGITS: Final = re.compile(r"([0-9]+)")
_LEAVING: Final = frozenset({"stop", "migrate_to", "migrate_from"})


def add_fencing(situation: Situation, graph: Graph) -> None:
    """Fence unclean nodes and let leaving ones go; the DC's own turn comes last."""
    condemn_unreachable(situation, graph)
    _Fencer(situation, graph).run()


def condemn_unreachable(situation: Situation, graph: Graph) -> None:
    """Remote nodes that can neither be reached nor asked have to be fenced, guests of failed containers as well."""
    links = {n.index: link_of(situation, n) for n in situation.nodes if n.is_remote and n.connection is not None}
    for step in graph.steps if links else ():
        if step.item is None or step.node not in links or step.flags & PSEUDO:
            continue
        node = situation.nodes[step.node]
        guest = node.guest
        if guest is not None:
            if guest.is_failed:  # It may be back within this transition, and is given resources.
                node.needs_reset = True
                node.fence_reason = node.fence_reason or f"{guest.id} failed"
        elif links[step.node] is Link.FAILED:
            if step.task in _LEAVING:
                node.condemn(f"{node.id} may be running {step.item.called} and cannot be reached")
            elif step.is_probe:
                node.condemn(f"{node.id} cannot be reached")


class _Fencer:
    def __init__(self, situation: Situation, graph: Graph) -> None:
        self._situation = situation
        self._graph = graph
        self._managed = [item for item in situation.primitives() if item.is_managed]
        self._has_managed = bool(self._managed) or any(item.is_managed for item in situation.items)
        self._fencings: list[Step] = []
        self._shutdowns: list[Step] = []
        self._dc: Step | None = None

    def run(self) -> None:
        """Members and remote nodes first, for guests may go down with them."""
        nodes = sorted(self._situation.nodes, key=_by_name)
        for node in nodes:
            if not node.is_guest:
                self._add(node)
        for node in nodes:
            if node.is_guest and node.needs_reset and self._has_managed and can_fence(self._situation, node):
                self._fence_guest(node)
        if self._dc is not None:
            is_shutdown = self._dc.kind is ActionKind.SHUTDOWN
            before = self._fencings + (self._shutdowns if is_shutdown else [])
            self._graph.link_all(before, [self._dc], Edge.SEQUENCE)

    def _add(self, node: Node) -> None:
        if node.is_unclean and self._has_managed and can_fence(self._situation, node):
            cuts = Cuts(self._situation, self._graph, node)
            self._cut_off(node, cuts)
            if cuts.suffices(self._situation):
                return
            step = self._fence(node, cuts)
            if node.is_dc:
                self._dc = step
                return
            if self._fencings and not self._situation.settings.is_fencing_concurrent:
                self._graph.link(self._fencings[-1], step, Edge.SEQUENCE)
            self._fencings.append(step)
        elif node.is_leaving and node.is_online and not node.is_remote:
            step = self._shut_down(node)
            if node.is_dc:
                self._dc = step
            else:
                self._shutdowns.append(step)

    # Fencing

    def _cut_off(self, node: Node, cuts: Cuts) -> None:
        """What a device protects waits for that device; the devices themselves are called from anywhere."""
        for item in self._managed if cuts.steps else ():
            step = cuts.steps.get(item.fencing_device)
            if step is not None:
                self._delay_starts(item, node, step)
                self._settle_stops(item, node, step, _CUT_OFF)
            elif item.is_device:
                for stop in self._graph.find(item, "stop"):
                    if stop.node == node.index:
                        self._imply(stop, node, _CUT_OFF)

    def _fence(self, node: Node, cuts: Cuts) -> Step:
        fence = self._graph.add(ActionKind.FENCE, None, node.index, self._situation.settings.fence_operation, RUNNABLE)
        fence.reason = node.fence_reason or node.trouble
        self._delay(node, fence)
        self._order(node, fence, cuts)
        return fence

    def _fence_guest(self, node: Node) -> None:
        """Its container is stopped or started anew, which is all that has to be done: the fencing is an event."""
        graph = self._graph
        guest = node.guest
        stops = [] if guest is None else graph.find(guest, "stop")
        starts = [] if guest is None else graph.find(guest, "start")
        fence = graph.add(ActionKind.PSEUDO, None, node.index, "reboot" if starts else "off", PSEUDO | RUNNABLE)
        fence.reason = node.fence_reason
        if stops and stops[0].is_pseudo:
            host = None if stops[0].node is None else graph.fencings.get(stops[0].node)
            graph.link_all([] if host is None else [host], [fence], _IMPLIES)
        elif stops:
            graph.link(stops[0], fence, _IMPLIES)
        elif node.connection is not None:
            graph.link_all(graph.find(node.connection, "stop")[:1], [fence], Edge.SEQUENCE)
        self._order(node, fence, None)

    def _order(self, node: Node, fence: Step, cuts: Cuts | None) -> None:
        self._graph.fencings[node.index] = fence
        if node.connection is not None and node.connection.reconnect_ms:
            # What waited for the reconnect interval to be over must not be tried before.
            self._graph.link_all([fence], self._graph.find(node.connection, "clear_failcount"), Edge.SEQUENCE)
        for item in self._managed:
            if cuts is None or not cuts.protects(item):
                self._delay_starts(item, node, fence)
                self._settle_stops(item, node, fence)

    def _delay_starts(self, item: Item, node: Node, fence: Step) -> None:
        graph = self._graph
        if item.needs >= Needs.FENCING:
            for task in _UP:
                graph.link_all([fence], graph.find(item, task), Edge.SEQUENCE)
            if item.allows_migration:
                task = "migrate_from" if item.migrating_to is not None else "migrate_to"
                graph.link_all([fence], graph.find(item, task), Edge.SEQUENCE)
        elif item.needs is Needs.QUORUM and item.table.allows(node.index) and not _is_known(item, node.index):
            graph.link_all([fence], graph.find(item, "start"), Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)

    def _settle_stops(self, item: Item, node: Node, fence: Step, why: str = _FENCED) -> None:
        """Stops and demotes on the node are events from now on; they follow the fencing that they rely on."""
        at = node.index
        waits = item.needs >= Needs.FENCING or node.is_guest
        top = item.top
        is_bundled = top.kind is Kind.BUNDLE
        for stop in self._graph.find(item, "stop"):
            if stop.node != at:
                continue
            self._imply(stop, node, why)
            if waits:
                if not is_bundled:
                    self._graph.link(fence, stop, Edge.SEQUENCE)
                if top is not item:
                    self._graph.link(fence, self._graph.event(top, "stop"), Edge.SEQUENCE)
        for demote in self._graph.find(item, "demote"):
            if demote.node != at or (node.is_online and not node.is_unclean and not item.is_failed):
                continue
            self._imply(demote, node, why)
            if waits and not is_bundled:
                self._graph.link(fence, demote, Edge.SEQUENCE)

    def _imply(self, step: Step, node: Node, why: str) -> None:
        step.kind = ActionKind.PSEUDO
        step.flags |= PSEUDO | RUNNABLE
        step.reason = "" if node.is_guest else f"{node.id} is {why}"

    def _delay(self, node: Node, fence: Step) -> None:
        """priority-fencing-delay: where half of the members or more are lost, those with the most at stake last."""
        delay_ms = self._situation.settings.priority_fencing_delay_ms
        if delay_ms <= 0:
            return
        members = [other for other in self._situation.nodes if not other.is_remote]
        stakes = self._stakes()
        found = [stakes.get(member.index, 0) for member in members]
        is_minority = sum(member.is_online for member in members) <= len(members) // 2
        is_delayed = (
            not node.is_remote
            and not node.is_online
            and is_minority
            and min(found) < max(found) == stakes.get(node.index, 0)
        )
        fence.meta["priority-fencing-delay"] = str(delay_ms // 1000 if is_delayed else 0)

    def _stakes(self) -> dict[int, int]:
        """The priorities of what is active, summed up for each node; promoted counts one more."""
        found: dict[int, int] = {}
        for item in self._situation.primitives():
            if item.priority:
                for at, stage in item.stages.items():
                    found[at] = found.get(at, 0) + item.priority + (stage is Stage.PROMOTED)
        return found

    # Shutdown

    def _shut_down(self, node: Node) -> Step:
        """Everything that is managed stops on the node first, also what is blocked and cannot."""
        graph = self._graph
        shutdown = graph.add(ActionKind.SHUTDOWN, None, node.index, "do_shutdown", RUNNABLE)
        shutdown.reason = f"{node.id} is leaving"
        graph.shutdowns[node.index] = shutdown
        is_own = not self._situation.view.feature_set
        left: list[str] = []
        for item in self._situation.primitives():
            if is_own:
                if node.index in busy_nodes(self._situation, item):
                    shutdown.block()
                probes = [probe for probe in graph.probes(item) if probe.node == node.index]
                graph.link_all(probes, [shutdown], Edge.SEQUENCE)
            if item.is_maintenance or node.is_maintenance or not (item.is_managed or item.is_blocked):
                if is_own and node.index in item.active:
                    left.append(item.called)
                continue
            for stop in graph.find(item, "stop"):
                if stop.node == node.index:
                    stop.flags &= ~OPTIONAL
                    stop.cause = stop.cause or shutdown
                    graph.link(stop, shutdown, Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS)
        if left:
            shutdown.meta = {LEFT_RUNNING: " ".join(left)}
        return shutdown


def _by_name(node: Node) -> list[tuple[int, str]]:
    """Sorts nodes by name, numbers in it by value: one after the other is fenced where it is not done at once."""
    return [(int(part), "") if part.isdigit() else (0, part.lower()) for part in _DIGITS.split(node.id)]


def _is_known(item: Item, node: int) -> bool:
    """Is it known whether the item, or for an anonymous one any of its kind, is active on the node?"""
    if node in item.known:
        return True
    parent = item.parent
    if parent is None or parent.kind is not Kind.CLONE or parent.is_unique:
        return False
    return any(node in other.known for other in parent.children)
