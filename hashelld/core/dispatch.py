"""Messages of peers, brought to the machine that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hashelld.cib.view import NodeView
from hashelld.core.events import MessageHeard
from hashelld.core.member import NOT_JOINED
from hashelld.core.peers import Inbox
from hashelld.model.ids import Epoch, Millis, NodeId
from hashelld.wire.client import SetAttribute
from hashelld.wire.peer import (
    Append,
    Appended,
    EndYourself,
    Forward,
    Forwarded,
    Handover,
    Install,
    Join,
    JoinRequest,
    LeaveGranted,
    LeaveRequest,
    Order,
    OrderResult,
    Picture,
    PreVote,
    PreVoteAnswer,
    Pulse,
    Refusal,
    ResultHeard,
    Status,
    Vote,
    VoteAnswer,
)


if TYPE_CHECKING:
    from hashelld.core.dc import Dc
    from hashelld.core.node import Node


_OF_DC: Final = (Append, Install, JoinRequest, Order, ResultHeard, Picture, LeaveGranted, Handover, EndYourself)
"""Only the node of an epoch says these in it."""


class Dispatch:
    """One node's incoming messages."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._inbox = Inbox(node.standing)

    @property
    def refused(self) -> int:
        """Messages that were stale, repeated, or for another incarnation."""
        return self._inbox.refused

    def on_message(self, now: Millis, event: MessageHeard) -> None:  # noqa: C901 - one case a message
        """Check a message, then act on it."""
        envelope = event.envelope
        reason = self._inbox.refusal(now, event)
        if reason is not None:
            self._node.standing.note("peer.refused", peer=envelope.sender, reason=reason)
            return
        peer, body = envelope.sender, envelope.body
        match body:
            case PreVote():
                self._node.election.on_prevote(now, peer, body, is_dc=self._node.dc is not None)
            case PreVoteAnswer():
                self._node.election.on_prevote_answer(now, peer, body)
            case Vote():
                self._node.election.on_vote(now, peer, body, is_dc=self._node.dc is not None)
            case VoteAnswer():
                self._node.election.on_vote_answer(peer, body)
            case Pulse():
                self._answer_pulse(peer)
            case Refusal():
                self._node.on_higher_epoch(envelope.epoch)
                if body.reason == NOT_JOINED and self._node.dc is not None:
                    self._node.dc.office.on_not_joined(peer)
            case Forward(request=SetAttribute()):
                self._node.requests.on_forwarded_here(now, peer, body.ticket, body.author, body.request)
            case _:
                if self._node.dc is not None:
                    self._on_message_to_dc(now, self._node.dc, event)
                self._on_message_to_member(now, event)

    def _answer_pulse(self, peer: NodeId) -> None:
        """The DC's disk is slow: this node's may answer meanwhile."""
        if self._node.dc is None and peer == self._node.heard_dc:
            self._node.standing.send(peer, Pulse())

    def _on_message_to_dc(self, now: Millis, dc: Dc, event: MessageHeard) -> None:
        peer, body = event.envelope.sender, event.envelope.body
        if event.envelope.epoch > dc.office.leading.epoch:
            self._node.on_higher_epoch(event.envelope.epoch)
            return
        if isinstance(body, Join | Status) and body.status.node != peer:
            return  # Everybody reports for itself.
        match body:
            case Appended():
                dc.office.leading.on_appended(now, peer, body)
            case Join():
                if event.envelope.epoch == dc.office.leading.epoch:
                    dc.on_join(peer, body)
            case Status(status=status):
                dc.on_status(peer, status)
            case OrderResult(call=call, result=result):
                self._node.standing.send(peer, ResultHeard(call))
                dc.controller.on_result(peer, call, result)
            case LeaveRequest():
                dc.on_leave_request(now, peer)
            case Forward(ticket=ticket, author=author, request=request):
                self._node.requests.on_forwarded_here(now, peer, ticket, author, request)
            case _:
                pass

    def _on_message_to_member(self, now: Millis, event: MessageHeard) -> None:  # noqa: C901, PLR0912 - a case a message
        peer, epoch, body = event.envelope.sender, event.envelope.epoch, event.envelope.body
        if isinstance(body, _OF_DC) and epoch.node != peer:
            return
        match body:
            case Append():
                self._yield_to(epoch)
                self._node.on_acknowledged(self._node.following.on_append(peer, epoch, body))
            case Install():
                self._yield_to(epoch)
                self._node.on_acknowledged(self._node.following.on_install(peer, epoch, body))
            case JoinRequest(void=void):
                self._yield_to(epoch)
                self._node.election.seen_all = True
                self._node.member.on_join_request(now, peer, epoch, void)
            case Order(call=call, action=action):
                self._node.member.on_order(now, peer, epoch, call, action)
            case ResultHeard(call=call):
                self._node.member.on_result_heard(call)
            case Picture():
                self._on_picture(peer, body)
            case LeaveGranted(is_running=is_running):
                if self._node.standing.is_leaving and (is_running or not self._node.retreat.is_needed()):
                    self._node.member.leave(is_running=is_running)
            case EndYourself(reason=reason):
                self._node.lifeline.end(reason)
            case Handover():
                self._node.election.stand_by_handover(now)
            case Forwarded(ticket=ticket, answer=answer):
                self._node.clients.on_forwarded(peer, ticket, answer)
            case _:
                pass

    def _yield_to(self, epoch: Epoch) -> None:
        """Another DC's epoch is at least as high as the one promised: this node's own office is over."""
        if self._node.dc is not None and epoch > self._node.dc.office.leading.epoch:
            self._node.end_office(f"epoch {epoch} is higher")

    def _on_picture(self, peer: NodeId, body: Picture) -> None:
        if peer != self._node.member.dc:
            return
        try:
            self._node.picture = msgspec.msgpack.decode(body.nodes, type=tuple[NodeView, ...])
        except (msgspec.MsgspecError, ValueError):
            self._node.standing.note("peer.refused", peer=peer, reason="no picture")
            return
        self._node.summary = body.plan
        own = next((view for view in self._node.picture if view.node == self._node.standing.node), None)
        if own is not None:
            self._node.member.on_picture(own.status.serial)
