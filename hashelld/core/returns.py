"""Nodes that were off and are back: the log says so before anything is ordered there.

Who hears a later life of a node knows that what was confirmed of an earlier one counts no more (DESIGN.md 3.2, Orders).
But all who heard it may end, by one cut of the power, and the next DC would find the confirmation in its log, take the
node for off without having heard it, and start elsewhere what may still run there. So the return is an entry as well.
"""

from __future__ import annotations

from collections.abc import Callable

from hashelld.core.replication import Leading
from hashelld.core.standing import Standing
from hashelld.model.ids import Incarnation, NodeId
from hashelld.wire.log import Change, Return


class Returns:
    """What a DC orders of them."""

    def __init__(self, standing: Standing, leading: Leading, is_joined: Callable[[NodeId], bool]) -> None:
        self._standing = standing
        self._leading = leading
        self._is_joined = is_joined
        self._ordered: dict[NodeId, Incarnation] = {}

    def is_due(self, node: NodeId) -> bool:
        """Is it here, this node itself or one that joined, and does the log still call it off?"""
        standing, applied = self._standing, self._standing.log.applied
        if applied is None or node not in applied.off:
            return False
        return node == standing.node or (self._is_joined(node) and not standing.is_off(node))

    def note(self, wall_ms: int) -> None:
        """Order the entries, once for each incarnation."""
        applied = self._standing.log.applied
        if applied is None or not applied.off or not self._leading.has_barrier:
            return
        for node in applied.off:
            incarnation = self._standing.incarnation_of(node)
            if self.is_due(node) and self._ordered.get(node) != incarnation:
                self._ordered[node] = incarnation
                self._leading.order(Return(node, incarnation), wall_ms)

    def on_acknowledged(self, change: Change) -> None:
        """Of a node without fencing, cut off again for a while, the same life may be called off once more."""
        if isinstance(change, Return):
            self._ordered.pop(change.node, None)
