"""The claim of a two_node cluster: a node that lost its peer makes sure that it is off, then stands alone.

Only a node in sync may claim; a clean Leave of the peer's incarnation, or its empty store, stands for fencing
(DESIGN.md 3.2, Modes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from hashelld.core.effects import Effect
from hashelld.core.fencing import FencingDone
from hashelld.core.membership import Presence
from hashelld.core.options import fencing_operation, has_fencing, is_in_maintenance
from hashelld.core.pinging import Reach
from hashelld.core.standing import Standing
from hashelld.core.stonith import Stonith
from hashelld.model.ids import Incarnation, Millis, NodeId


RETRY_MS: Final = 5_000
_SILENT: Final = "claim-ping"


class Confirmed(msgspec.Struct, frozen=True):
    """The peer, in this incarnation, is off (or left)."""

    peer: NodeId
    incarnation: Incarnation
    by: str


class Claim:
    """One node's claim. `confirmed` is set when it may stand alone, and voided when the peer is heard again."""

    def __init__(self, standing: Standing, stonith: Stonith, delay_ms: Callable[[Millis, NodeId], Millis]) -> None:
        self._standing = standing
        self._stonith = stonith
        self._delay_ms = delay_ms
        self.confirmed: Confirmed | None = None
        self._is_begun = False
        self._is_fencing = False
        self._retry_ms: Millis | None = None
        self._unqualified_ms: Millis | None = None
        """When its ping nodes were last known not to answer, since the peer was lost."""

    @property
    def peer(self) -> NodeId | None:
        """The other node of a settled pair; None where there is none."""
        electorate = self._standing.electorate
        is_pair = electorate.two_node and len(electorate.votes) == 2 and self._standing.node in electorate.votes
        if not is_pair or not self._standing.log.is_settled:
            return None
        return next(name for name in electorate.votes if name != self._standing.node)

    @property
    def is_possible(self) -> bool:
        """May this node claim, should its peer be lost? It freezes meanwhile, whatever no-quorum-policy says."""
        standing = self._standing
        return self.peer is not None and standing.in_sync and standing.may_vote and not standing.is_leaving

    def is_wanted(self) -> bool:
        """Is the peer gone, so that the claim is to be made?"""
        peer = self.peer
        if peer is None or not self.is_possible:
            return False
        standing = self._standing
        return standing.membership.presence(peer) is Presence.LOST or standing.is_off(peer) or standing.is_blank(peer)

    @property
    def freezes(self) -> bool:
        """Does what runs here stay, whatever no-quorum-policy says? Not where ping nodes are lost with the peer."""
        return self.is_possible and not (self._is_in_doubt() and self._reach is Reach.NO)

    def may_fence(self) -> bool:
        """Has this node the right to call a device?"""
        return self.is_wanted() and self._reach is Reach.YES

    def _is_in_doubt(self) -> bool:
        """Does the claim rest on the peer's silence? A peer that left, or whose store is empty, contests nothing."""
        standing, peer = self._standing, self.peer
        if peer is None or self.confirmed is not None or not self.is_wanted():
            return False
        return not standing.is_off(peer) and not standing.is_blank(peer)

    @property
    def _reach(self) -> Reach:
        return self._standing.qualification(frozenset({self._standing.node}))

    def on_time(self, now: Millis) -> None:
        """Make the claim's next step."""
        peer = self.peer
        if peer is None or not self.is_wanted():
            self.rest()
            return
        standing = self._standing
        if not self._is_begun:
            self._is_begun = True
            standing.note("claim.begun", peer=peer)
        incarnation = standing.incarnation_of(peer)
        if self.confirmed is not None:
            if self.confirmed.incarnation != incarnation:
                self.confirmed = None
            return
        self._make_sure(now, peer, incarnation)

    def _make_sure(self, now: Millis, peer: NodeId, incarnation: Incarnation) -> None:
        """The peer is off, or has to be."""
        standing = self._standing
        if standing.is_off(peer):
            self._confirm(peer, incarnation, "left")
        elif standing.is_blank(peer):
            self._confirm(peer, incarnation, "empty store")
        elif not self._is_qualified(now, peer) or now < self._heard_by_ms:
            return
        elif not has_fencing(standing.log.cib):
            if now >= self._takeover_ms(peer):
                self._confirm(peer, incarnation, "takeover-delay")
        elif not is_in_maintenance(standing.log.cib):
            self._fence(now, peer, incarnation)

    def _is_qualified(self, now: Millis, peer: NodeId) -> bool:
        """Are enough ping nodes reached? A node that is cut off from them as well may be the one that is lost."""
        standing, reach = self._standing, self._reach
        if reach is Reach.NO:
            self._unqualified_ms = now
        if reach is Reach.NO and _SILENT not in standing.notices:
            standing.note("claim.unqualified", peer=peer)
            standing.notices[_SILENT] = (
                f"{peer} is lost, and ping nodes do not answer: this node does not take over, it may be the one that is"
                f" cut off; if you know that {peer} is off: node fence {peer} --confirm"
            )
        elif reach is Reach.YES:
            standing.notices.pop(_SILENT, None)
        return reach is Reach.YES

    def deadline(self, now: Millis) -> Millis | None:
        """When the claim has something to do by time alone."""
        peer = self.peer
        if peer is None or not self._is_begun or self.confirmed is not None:
            return None
        is_fencing = has_fencing(self._standing.log.cib)
        moments = (self._retry_ms, self._heard_by_ms) if is_fencing else (self._takeover_ms(peer),)
        return min((moment for moment in moments if moment is not None and moment > now), default=None)

    def on_confirmed_by_hand(self, peer: NodeId, user: str) -> bool:
        """The administrator vouches that the peer is off. False: this node claims nothing of it."""
        if peer != self.peer or not self.is_wanted():
            return False
        self._confirm(peer, self._standing.incarnation_of(peer), f"admin {user}")
        return True

    def on_fenced(self, now: Millis, done: FencingDone) -> None:
        """Fencing ended; its confirmation holds for the incarnation that was lost, alone."""
        self._is_fencing = False
        standing = self._standing
        if done.target != self.peer or not self.is_wanted():
            return
        if done.ok and done.incarnation == standing.incarnation_of(done.target):
            self._confirm(done.target, done.incarnation, done.device)
            return
        standing.note("claim.failed", peer=done.target, reason=done.reason)
        standing.notices["claim"] = f"fencing of {done.target} failed ({done.reason}); resources are frozen"
        self._retry_ms = now + RETRY_MS

    def _fence(self, now: Millis, peer: NodeId, incarnation: Incarnation) -> None:
        if self._is_fencing or (self._retry_ms is not None and now < self._retry_ms):
            return
        self._is_fencing, self._retry_ms = True, None
        cib = self._standing.log.cib
        operation, delay_ms = fencing_operation(cib), self._delay_ms(now, peer)
        outcomes = self._stonith.request(now, cib, peer, incarnation, operation, delay_ms, has_to_end=True)
        self.carry_out(now, outcomes)

    def carry_out(self, now: Millis, outcomes: list[Effect | FencingDone]) -> None:
        """Pass on what the fencing machine returned."""
        for outcome in outcomes:
            if isinstance(outcome, FencingDone):
                self.on_fenced(now, outcome)
            else:
                self._standing.emit(outcome)

    def _confirm(self, peer: NodeId, incarnation: Incarnation, by: str) -> None:
        self.confirmed = Confirmed(peer, incarnation, by)
        self._drop_notices()
        self._standing.note("claim.confirmed", peer=peer, by=by)

    def rest(self) -> None:
        """Nothing is claimed, and nothing confirmed: the peer is heard, or this node is in office."""
        if self._is_fencing and self.peer is not None:
            self._stonith.cancel(self.peer, self._standing.incarnation_of(self.peer))
        self.confirmed, self._is_begun, self._is_fencing, self._retry_ms = None, False, False, None
        self._unqualified_ms = None
        self._drop_notices()

    def _drop_notices(self) -> None:
        for key in ("claim", _SILENT):
            self._standing.notices.pop(key, None)

    @property
    def _heard_by_ms(self) -> Millis:
        """A network that comes back may carry a ping node's answer before the peer's beat: the peer has had its time.

        While this node was cut off the peer may have taken over.
        """
        return 0 if self._unqualified_ms is None else self._unqualified_ms + self._standing.settings.deadtime_ms

    def _takeover_ms(self, peer: NodeId) -> Millis:
        """Out of contact with the peer, and in contact with the ping nodes, for the whole delay."""
        began_ms = max(self._standing.membership.since_ms(peer), self._unqualified_ms or 0)
        return max(began_ms + self._standing.settings.takeover_ms, self._heard_by_ms)
