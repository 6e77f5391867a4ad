"""The end of a daemon: everything stopped, the DC told; with a broken disk or nobody to tell, stopped all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.core.effects import Exit
from hashelld.core.member import Goodbye


if TYPE_CHECKING:
    from hashelld.core.node import Node
    from hashelld.model.ids import Millis


class Leaving:
    """One node's way out; `Leave` is a handshake that binds one incarnation (DESIGN.md 3.2, Modes)."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._since_ms: Millis | None = None

    def on_terminate(self, now: Millis) -> None:
        """SIGTERM: leave; a DC gives its office to another one first."""
        node, standing = self._node, self._node.standing
        if standing.is_leaving:
            return
        standing.note("node.leaving")
        standing.is_leaving = True
        node.member.goodbye = Goodbye.ASKED
        self._since_ms = now
        if node.dc is not None:
            node.dc.office.is_changed = True
            node.hand_over(node.dc.successor())

    def on_store_failed(self, now: Millis, reason: str) -> None:
        """Nothing is stored any more: this node holds no office, gives no vote, stops what it runs and ends."""
        node, standing = self._node, self._node.standing
        standing.note("node.store-failed", reason=reason)
        standing.is_store_broken = True
        node.end_office("the disk failed")
        standing.is_leaving, standing.may_vote = True, False
        node.retreat.begin(now)
        self._since_ms = now

    def go_on(self, now: Millis) -> None:
        """The next step, when this node is leaving."""
        node, standing = self._node, self._node.standing
        if not standing.is_leaving or node.member.goodbye is Goodbye.GRANTED:
            return
        if node.dc is not None and node.arbiter.is_here:
            node.member.leave()  # Nobody is there to take the office over, and nothing runs here.
            return
        if node.dc is not None:
            is_running = node.dc.controller.may_leave_running
            if node.dc.controller.may_exit and (is_running or not node.retreat.is_needed()):
                node.member.leave(is_running=is_running)
            return
        if standing.is_off(standing.node) and not node.retreat.is_needed():
            node.member.leave()  # The log says so; the DC's own word was lost, or came before the last stop was done.
            return
        assert self._since_ms is not None
        is_unheard = node.heard_dc is None and now - self._since_ms >= 2 * standing.settings.deadtime_ms
        is_outside = node.member.dc is None and now - self._since_ms >= 2 * standing.settings.initdead_ms
        is_blank = not standing.may_vote and standing.log.is_empty
        if standing.is_store_broken or is_unheard or is_outside or is_blank:
            if node.retreat.is_needed():
                node.retreat.begin(now)
            else:
                node.member.goodbye = Goodbye.GRANTED
                standing.emit(Exit(int(standing.is_store_broken), "stopped everything and ended without a DC"))
