"""Fencing on the resource level: a lost node is cut off from what has a fabric device of its own, and may go on else.

What names a device as its `fencing-device` waits for that device alone. Only when every resource of the cluster has
one, each of which can cut the node off, need the node not be fenced: nobody knows for sure what a lost node runs.
"""

from __future__ import annotations

from hashelld.model.action import ActionKind
from hashelld.model.device import FENCING_DEVICE
from hashelld.policy.acting.steps import RUNNABLE, Graph, Step
from hashelld.policy.state.items import Item, Node
from hashelld.policy.state.situation import Situation


class Cuts:
    """How one unclean node is cut off: the steps by device, None where that was done already."""

    __slots__ = ("steps",)

    def __init__(self, situation: Situation, graph: Graph, node: Node) -> None:
        self.steps: dict[str, Step | None] = {}
        view = node.view
        if view is None or not view.unclean or view.fence_requested:
            return
        named = {item.fencing_device for item in situation.primitives() if item.is_managed}
        self.steps.update(dict.fromkeys(device for device in view.cut if device in named))
        for device in view.can_cut:
            if device in named and device not in self.steps:
                step = graph.add(ActionKind.FENCE, None, node.index, "off", RUNNABLE)
                step.meta = {FENCING_DEVICE: device}
                step.reason = node.fence_reason or node.trouble
                self.steps[device] = step

    def protects(self, item: Item) -> bool:
        """Is it enough for this item that the node is cut off?"""
        return item.fencing_device in self.steps

    def suffices(self, situation: Situation) -> bool:
        """Need the node not be fenced, because everything that it may run is protected?"""
        return bool(self.steps) and all(
            self.protects(item) for item in situation.primitives() if item.is_managed and not item.is_device
        )
