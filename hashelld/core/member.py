"""A member's duties towards its DC: join its epoch, carry out its orders once, report, leave by handshake."""

from __future__ import annotations

from enum import Enum

from hashelld.core.effects import Effect, Exit
from hashelld.core.lrm import Lrm, OrderDone, OrderKey, StatusChanged
from hashelld.core.replication import Following
from hashelld.core.retreat import Retreat
from hashelld.core.standing import Standing
from hashelld.model.action import Action, ActionKind
from hashelld.model.history import ActionResult
from hashelld.model.ids import NO_EPOCH, Epoch, Millis, NodeId, ResourceId
from hashelld.wire.peer import Join, LeaveRequest, OrderResult, Refusal, Status


NOT_JOINED = "not joined"
"""Reason of a refusal by which a member has its DC ask it to join again."""
CLEANUP = "cleanup"
"""Operation of a CLEAR_FAILURES action by which the administrator has failures and history forgotten."""

_ALL = ResourceId("")


class Goodbye(Enum):
    """How far a graceful end is."""

    NO = "no"
    ASKED = "asked"  # SIGTERM: resources are to be moved away.
    GRANTED = "granted"  # Nothing runs here any more, and the cluster knows it.


class Member:
    """One node's part as a member; the DC's own node goes through it with its own orders as well."""

    def __init__(self, standing: Standing, lrm: Lrm, retreat: Retreat, following: Following) -> None:
        self._standing = standing
        self._lrm = lrm
        self._retreat = retreat
        self._following = following
        self.joined: Epoch = NO_EPOCH
        """The epoch that this node joined; its DC is the epoch's node."""
        self._wants_join: NodeId | None = None
        self._void = 0
        """Orders of the joined epoch up to this one are not begun any more."""
        self._results: dict[int, tuple[OrderResult, Millis]] = {}
        self._status_sent_ms: Millis = 0
        self._shown_serial = 0
        self._left_ms: Millis = 0
        self._asked_ms: Millis = 0
        self.goodbye = Goodbye.NO

    @property
    def dc(self) -> NodeId | None:
        """The DC whose epoch this node joined; None when that is not the promised epoch any more."""
        return self.joined.node if self.joined != NO_EPOCH and self.joined == self._standing.epoch else None

    def deadline(self) -> Millis | None:
        """When something has to be said again."""
        if self.dc in (None, self._standing.node):
            return None  # There is nobody to say it to.
        step_ms = self._standing.settings.deadtime_ms
        moments = [sent_ms + step_ms for _, sent_ms in self._results.values()]
        if self._shown_serial < self._lrm.status().serial:
            moments.append(self._status_sent_ms + step_ms)
        if self.goodbye is Goodbye.ASKED:
            moments.append(self._left_ms + step_ms)
        return min(moments, default=None)

    # -- joining

    def on_join_request(self, now: Millis, peer: NodeId, epoch: Epoch, void: int) -> None:
        """Promise the epoch, drop what has not begun, and report; a node that lost history stops everything first."""
        standing = self._standing
        if epoch < standing.epoch:
            return
        standing.accept(epoch)
        self._void = void
        self._lrm.drop_queued()
        self._retreat.on_dropped()
        self._results.clear()
        if self._following.history_lost and self._retreat.is_needed():
            self._wants_join = peer
            self._retreat.begin(now)
            return
        self._following.history_lost = False
        self._wants_join = None
        self._retreat.end()
        self.joined = epoch
        self._report(now, peer)

    def _ask_to_join(self, now: Millis) -> None:
        """This node dropped its join (it stood still for a while), and its DC does not know: say so."""
        standing = self._standing
        dc = standing.epoch.node
        is_waiting = self.joined == standing.epoch or self._wants_join is not None or dc in ("", standing.node)
        if is_waiting or now - self._asked_ms < standing.settings.deadtime_ms:
            return
        self._asked_ms = now
        standing.send(dc, Refusal(NOT_JOINED))

    def _report(self, now: Millis, peer: NodeId) -> None:
        self._standing.send(peer, self._join())
        self._status_sent_ms = now
        self._shown_serial = 0

    def _join(self) -> Join:
        lrm = self._lrm
        return Join(lrm.status(), self._void, lrm.begun(self._standing.epoch))

    def on_own_office(self, epoch: Epoch) -> None:
        """This node is DC: it joins itself."""
        self._lrm.drop_queued()
        self._results.clear()
        self.joined = epoch
        self._retreat.end()

    # -- orders

    def on_order(self, now: Millis, peer: NodeId, epoch: Epoch, call: int, action: Action) -> None:
        """Carry out an order of the joined epoch; any other is not looked at."""
        if epoch != self.joined or peer != self.dc or action.node != self._standing.node:
            return
        answered = self._results.get(call)
        if answered is not None:
            self._standing.send(peer, answered[0])
            return
        if call <= self._void and call not in self._lrm.begun(epoch):
            return
        wall_ms = now + self._standing.wall_offset_ms
        if is_cleanup(action):
            self.on_outcomes(now, self.clean_up(action, OrderKey(epoch, call)))
            return
        self.on_outcomes(now, self._lrm.on_order(now, wall_ms, OrderKey(epoch, call), action))

    def clean_up(self, action: Action, key: OrderKey) -> list[Effect | OrderDone | StatusChanged]:
        """Forget failures and history of a resource (or of all), so that it is looked at anew."""
        outcomes: list[Effect | OrderDone | StatusChanged] = [*self._lrm.cleanup(action.resource)]
        resource = action.resource if action.resource is not None else _ALL
        outcomes.append(OrderDone(key, ActionResult(resource=resource, operation=CLEANUP)))
        return outcomes

    def on_outcomes(self, now: Millis, outcomes: list[Effect | OrderDone | StatusChanged]) -> None:
        """What the lrm answered: status first, so that the DC knows it when the result comes."""
        dc = self.dc
        if any(isinstance(outcome, StatusChanged) for outcome in outcomes) and dc is not None:
            self._standing.send(dc, Status(self._lrm.status()))
            self._status_sent_ms = now
        for outcome in outcomes:
            if isinstance(outcome, OrderDone):
                self._answer(now, outcome)
            elif not isinstance(outcome, StatusChanged):
                self._standing.emit(outcome)

    def _answer(self, now: Millis, outcome: OrderDone) -> None:
        self._retreat.on_done(now, outcome)
        if outcome.key.epoch != self.joined or self.dc is None:
            return
        result = OrderResult(outcome.key.call, outcome.result)
        self._results[outcome.key.call] = (result, now)
        self._standing.send(self.dc, result)

    def on_result_heard(self, call: int) -> None:
        """The DC has the result."""
        self._results.pop(call, None)

    def on_picture(self, serial: int) -> None:
        """The DC's picture shows this node's status of that serial."""
        self._shown_serial = serial

    # -- time

    def on_time(self, now: Millis) -> None:
        """Say again what may have been lost; go on with a join or a leave that waits."""
        step_ms = self._standing.settings.deadtime_ms
        dc = self.dc
        self._ask_to_join(now)
        if self._wants_join is not None and not self._retreat.is_needed():
            self.on_join_request(now, self._wants_join, self._standing.epoch, self._void)
        if dc is None or dc == self._standing.node:
            return
        for call, (result, sent_ms) in self._results.items():
            if now - sent_ms >= step_ms:
                self._results[call] = (result, now)
                self._standing.send(dc, result)
        if self._shown_serial < self._lrm.status().serial and now - self._status_sent_ms >= step_ms:
            self._status_sent_ms = now
            self._standing.send(dc, Status(self._lrm.status()))
        if self.goodbye is Goodbye.ASKED and now - self._left_ms >= step_ms:
            self._left_ms = now
            self._standing.send(dc, LeaveRequest())

    def leave(self, *, is_running: bool = False) -> None:
        """The cluster knows that nothing runs here, or that something goes on running in maintenance: end."""
        if self.goodbye is not Goodbye.GRANTED:
            self.goodbye = Goodbye.GRANTED
            self._standing.note("node.left")
            reason = "ended in maintenance; resources go on running" if is_running else "left the cluster cleanly"
            self._standing.emit(Exit(0, reason))


def is_cleanup(action: Action) -> bool:
    """Is this the administrator's cleanup?"""
    return action.kind is ActionKind.CLEAR_FAILURES and action.operation == CLEANUP
