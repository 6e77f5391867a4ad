"""Unfencing: a fence device may have to give a node access to its storage before anything is looked for there."""

from __future__ import annotations

from hashelld.model.action import ActionKind
from hashelld.model.device import DIGESTS_ALL, DIGESTS_SECURE, FABRIC, PROVIDES, UNFENCED, is_unfencing
from hashelld.policy.acting.making import Maker, busy_nodes
from hashelld.policy.acting.steps import OPTIONAL, RUNNABLE, Edge, Step
from hashelld.policy.digests import all_digest, covered, secure_digest
from hashelld.policy.state.failing import can_fence
from hashelld.policy.state.items import Item, Needs, Node
from hashelld.policy.state.parameters import parameters


class Unfencing:
    """The `on` steps of nodes, made when something first refers to them."""

    __slots__ = ("_changed", "_devices", "_graph", "_maker", "_steps", "is_used")

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._graph = maker.graph
        self._steps: dict[int, Step] = {}
        self._changed: set[int] = set()
        """Nodes that were unfenced with other parameters."""
        situation = maker.situation
        devices = list(situation.primitives()) if situation.view.can_unfence else []
        named = {item.fencing_device for item in devices if item.fencing_device}
        self._devices = [item for item in devices if item.is_device and (item.base_id in named or self._provides(item))]
        self.is_used = bool(self._devices)
        """Does any device provide unfencing?"""

    def _provides(self, device: Item) -> bool:
        is_fabric = self._maker.is_own and device.agent is not None and device.agent.type in FABRIC
        return is_fabric or device.needs is Needs.UNFENCING or is_unfencing(device.meta.get(PROVIDES))

    def precede(self, item: Item, node: int | None, step: Step, edge: int) -> None:
        """Unfencing comes before a probe or start of what needs it, and of devices; once it has to be done.

        Nodes of our own are looked at before: one that was cut off, and perhaps never went down, may run anything.
        """
        if node is None or not self.is_used or not (item.is_device or item.needs is Needs.UNFENCING):
            return
        at = self._maker.nodes[node]
        unfence = self._step(at)
        if _is_closed(at) or at.attributes.get(UNFENCED, "0") == "0":
            self.require(at, f"{at.id} was cut off" if _is_closed(at) else f"{item.id} needs it")
        if not self._maker.is_own:
            self._graph.link(unfence, step, edge)
        elif item.is_device:
            return  # Our devices are called from any node, whatever access it has.
        elif step.is_probe:
            self._graph.link(step, unfence, Edge.SEQUENCE | (Edge.UNRUNNABLE_BLOCKS if _is_closed(at) else 0))
        else:
            # Nothing starts without access; but what runs goes on where access is merely confirmed.
            blocks = Edge.UNRUNNABLE_BLOCKS if unfence.is_required else 0
            implied = edge if self._interrupts(at) else edge & ~Edge.FIRST_IMPLIES_THEN
            self._graph.link(unfence, step, implied | blocks)

    def _interrupts(self, node: Node) -> bool:
        """Does unfencing a node stop what needs it there? A daemon that was merely restarted leaves it alone."""
        return not self._maker.is_own or _is_closed(node) or node.index in self._changed

    def follow_stop(self, item: Item, node: int, stop: Step) -> None:
        """Where a node is unfenced again, what needs it stops before, and starts after."""
        if self.is_used and item.needs is Needs.UNFENCING:
            at = self._maker.nodes[node]
            unfence = self._step(at)
            implied = Edge.THEN_IMPLIES_FIRST if self._interrupts(at) else 0
            self._graph.link(stop, unfence, Edge.SEQUENCE | implied)

    def finish(self) -> None:
        """Who was cut off gets no access before all that needs it is known to be stopped there.

        It may be active elsewhere by now. All steps of all items are there.
        """
        for node in self._maker.nodes:
            if not (self.is_used and _is_closed(node)):
                continue
            self.require(node, f"{node.id} was cut off")
            for item in self._maker.situation.primitives():
                if not item.is_device and (item.needs is Needs.UNFENCING or len(item.active) > 1):
                    self._hold(self._step(node), item, node.index)

    def _hold(self, unfence: Step, item: Item, node: int) -> None:
        is_there = node in item.active or node in item.dangling or node in item.held_on
        stop = self._graph.find_on(item, "stop", node)
        if node in busy_nodes(self._maker.situation, item) or (is_there and stop is None):
            unfence.flags &= ~RUNNABLE
        elif is_there and stop is not None:
            self._graph.link(stop, unfence, Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST | Edge.UNRUNNABLE_BLOCKS)

    def surround(self, item: Item) -> None:
        """The edges from stops on all allowed nodes to their unfencing, and from there to starts."""
        if not self.is_used or item.is_device or item.needs is not Needs.UNFENCING or not item.is_managed:
            return
        graph = self._graph
        stops, starts = graph.find(item, "stop"), graph.find(item, "start")
        concerned = {step.node for step in (*stops, *starts)}
        for node in item.table.allowed(len(self._maker.nodes)):
            if node not in concerned:
                continue
            unfence = self._step(self._maker.nodes[node])
            graph.link_all(stops, [unfence], Edge.SEQUENCE | Edge.SAME_NODE)
            implied = Edge.FIRST_IMPLIES_THEN_SAME_NODE if self._interrupts(self._maker.nodes[node]) else 0
            edge = Edge.SEQUENCE | Edge.SAME_NODE | implied
            graph.link_all([unfence], starts, edge)

    def require(self, node: Node, reason: str) -> None:
        """The node has to be unfenced, if it can be."""
        if not node.is_online or node.is_unclean or node.is_leaving:
            return
        step = self._step(node)
        if can_fence(self._maker.situation, node):
            step.flags &= ~OPTIONAL
            step.reason = step.reason or reason

    def renew(self, device: Item, reason: str, node: int | None = None) -> None:
        """A device works otherwise now: one node, or every one that it may run on, has to be unfenced again."""
        if not self.is_used or not device.is_device:
            return
        nodes = self._maker.nodes
        for at in [node] if node is not None else device.table.allowed(len(nodes)):
            self.require(nodes[at], reason)

    def _step(self, node: Node) -> Step:
        found = self._steps.get(node.index)
        if found is None:
            found = self._graph.add(ActionKind.FENCE, None, node.index, "on", OPTIONAL | RUNNABLE)
            self._steps[node.index] = found
            if self._maker.is_own:
                found.meta = self._digests(node)
            changed = next((device for device in self._devices if self._differs(device, node)), None)
            if changed is not None:
                self._changed.add(node.index)
            if changed is not None and can_fence(self._maker.situation, node):
                found.flags &= ~OPTIONAL
                found.reason = f"the parameters of {changed.id} changed"
        return found

    def _differs(self, device: Item, node: Node) -> bool:
        """Was the node unfenced with other parameters of the device? Not when only secrets are others."""
        summary = node.attributes.get(DIGESTS_ALL)
        if summary is None or device.agent is None:
            return False
        everything, without_secrets = self._summaries(device, node)
        return everything not in summary and without_secrets not in node.attributes.get(DIGESTS_SECURE, "")

    def _digests(self, node: Node) -> dict[str, str]:
        """What the node is to remember of the parameters that it is unfenced with."""
        both = [self._summaries(device, node) for device in self._devices]
        return {DIGESTS_ALL: "".join(one for one, _ in both), DIGESTS_SECURE: "".join(other for _, other in both)}

    def _summaries(self, device: Item, node: Node) -> tuple[str, str]:
        """A device with the digest of all of its parameters, and with that of those that are no secrets."""
        agent = device.agent.type if device.agent is not None else ""
        given = parameters(self._maker.situation, device, node.index)
        found = covered(given, {}, interval_ms=0, timeout_ms=0)
        name = f"{device.id}:{agent}:"
        return f"{name}{all_digest(found)},", f"{name}{secure_digest(found, given, is_fencing=True)},"


def _is_closed(node: Node) -> bool:
    """Was the node cut off, or may it have been, and was not given access since?"""
    return node.view is not None and bool(node.view.closed)
