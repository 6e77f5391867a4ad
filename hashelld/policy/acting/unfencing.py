"""Unfencing: a fence device may have to give a node access to its storage before anything is looked for there."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.policy.acting.making import Maker
from hashelld.policy.acting.steps import OPTIONAL, RUNNABLE, Edge, Step
from hashelld.policy.digests import all_digest, covered, secure_digest
from hashelld.policy.state.failing import can_fence
from hashelld.policy.state.items import Item, Needs, Node
from hashelld.policy.state.parameters import parameters


_MARK: Final = "#node-unfenced"
"""The node attribute that tells when a node was unfenced last."""
_DIGESTS: Final = "#digests-all"
_SECURE_DIGESTS: Final = "#digests-secure"
"""Those that tell with which parameters: device, agent and digest, each followed by a comma."""


class Unfencing:
    """The `on` steps of nodes, made when something first refers to them."""

    __slots__ = ("_devices", "_graph", "_maker", "_steps", "is_used")

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._graph = maker.graph
        self._steps: dict[int, Step] = {}
        situation = maker.situation
        devices = situation.primitives() if situation.view.can_unfence else ()
        self._devices = [item for item in devices if item.is_device and _provides(item)]
        self.is_used = bool(self._devices)
        """Does any device provide unfencing?"""

    def precede(self, item: Item, node: int | None, step: Step, edge: int) -> None:
        """Unfencing comes before a probe or start of what needs it, and of devices; once it has to be done."""
        if node is None or not self.is_used or not (item.is_device or item.needs is Needs.UNFENCING):
            return
        at = self._maker.nodes[node]
        self._graph.link(self._step(at), step, edge)
        if at.attributes.get(_MARK, "0") == "0":
            self.require(at, f"{item.id} needs it")

    def follow_stop(self, item: Item, node: int, stop: Step) -> None:
        """Where a node is unfenced again, what needs it stops before, and starts after."""
        if self.is_used and item.needs is Needs.UNFENCING:
            unfence = self._step(self._maker.nodes[node])
            self._graph.link(stop, unfence, Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST)

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
            edge = Edge.SEQUENCE | Edge.SAME_NODE | Edge.FIRST_IMPLIES_THEN_SAME_NODE
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
            changed = next((device for device in self._devices if self._differs(device, node)), None)
            if changed is not None and can_fence(self._maker.situation, node):
                found.flags &= ~OPTIONAL
                found.reason = f"the parameters of {changed.id} changed"
        return found

    def _differs(self, device: Item, node: Node) -> bool:
        """Was the node unfenced with other parameters of the device? Not when only secrets are others."""
        summary = node.attributes.get(_DIGESTS)
        if summary is None or device.agent is None:
            return False
        given = parameters(self._maker.situation, device, node.index)
        found = covered(given, {}, interval_ms=0, timeout_ms=0)
        name = f"{device.id}:{device.agent.type}:"
        if f"{name}{all_digest(found)}," in summary:
            return False
        without_secrets = f"{name}{secure_digest(found, given, is_fencing=True)},"
        return without_secrets not in node.attributes.get(_SECURE_DIGESTS, "")


def _provides(device: Item) -> bool:
    return device.needs is Needs.UNFENCING or device.meta.get("provides", "").strip().lower() == "unfencing"
