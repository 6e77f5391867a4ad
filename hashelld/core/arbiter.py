"""The network arbiter: a node with a vote, a store and the log, which runs nothing (DESIGN.md 3.2, Arbiters).

A DC starts nothing before every other configured node joined, left, or is confirmed off, because each may run what
nobody else knows of. The arbiter may not: it is an arbiter from the founding on, no policy ever saw it as a place, and
no DC ordered anything from it. So nobody waits for it and nobody fences it. What a silent arbiter can still do is what
any node can that votes: give its vote, and that is on its disk and in its epoch. Had it been DC, its orders are of an
epoch that everybody who joined a later one refuses; the others are waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hashelld.core.effects import Exit
from hashelld.model.ids import Millis, NodeId


if TYPE_CHECKING:
    from hashelld.core.dc import Dc
    from hashelld.core.standing import Standing


PATIENCE_FACTOR: Final = 20
"""An arbiter whose heir did not take the office over keeps it for so many deadtimes before it offers it again."""


def rank(standing: Standing, node: NodeId) -> tuple[bool, NodeId]:
    """Sorts nodes so that the arbiter is the last that an office is given to."""
    return standing.is_arbiter(node), node


class Arbiter:
    """What a node does otherwise because it is the arbiter; for any other node it is always the usual."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._offered_ms: Millis | None = None

    @property
    def is_here(self) -> bool:
        """Is this node the arbiter?"""
        return self._standing.is_arbiter(self._standing.node)

    def check(self) -> None:
        """A file that makes an arbiter of a node that is none: it may run something already, and does not start."""
        standing = self._standing
        wanted, known = standing.settings.founding.network_arbiter, standing.electorate.network_arbiter
        if wanted == known:
            return
        if wanted == standing.node:
            reason = "hashelld.toml says that this node is an arbiter, the cluster was founded with it as a member"
            standing.emit(Exit(1, reason))
            return
        text = f"hashelld.toml names {wanted or 'no node'} as arbiter, the cluster was founded with {known or 'none'}"
        standing.notices["arbiter"] = f"{text}: the file is not followed"

    def plans_after_ms(self, now: Millis) -> Millis:
        """An arbiter that takes office lets others catch up with the log first: it is for an heir to act."""
        return now + self._standing.settings.deadtime_ms if self._may_offer(now) else now

    def heir(self, now: Millis, dc: Dc) -> NodeId | None:
        """To whom an arbiter in office gives it: a voter that has the whole log by now, and hears whom this node hears.

        None: it stays DC, as between two that do not hear each other.
        """
        if not self._may_offer(now) or not dc.office.leading.has_barrier:
            return None
        found = next((peer for peer in sorted(self._standing.membership.heard) if self._is_able(dc, peer)), None)
        if found is not None:
            self._offered_ms = now
        return found

    def _may_offer(self, now: Millis) -> bool:
        patience_ms = PATIENCE_FACTOR * self._standing.settings.deadtime_ms
        return self.is_here and (self._offered_ms is None or now - self._offered_ms >= patience_ms)

    def _is_able(self, dc: Dc, peer: NodeId) -> bool:
        standing = self._standing
        content = standing.membership.content(peer)
        if content is None or not content.is_voter or content.is_leaving or standing.is_forgetful(peer):
            return False
        has_log = dc.office.leading.matched(peer) == standing.log.version.serial
        is_voter = peer in standing.electorate.votes and dc.office.is_joined(peer)
        return is_voter and has_log and {standing.node, *standing.membership.heard} <= {peer, *content.hears}
