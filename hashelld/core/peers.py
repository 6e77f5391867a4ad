"""The checks that every message of a peer has to pass before anything looks at it (DESIGN.md 3.2, Messages)."""

from __future__ import annotations

from typing import Final

from hashelld.core.events import MessageHeard
from hashelld.core.standing import Standing
from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.wire.peer import Envelope, PreVote, PreVoteAnswer, Pulse, Refusal, Vote, VoteAnswer


MESSAGE_DEADLINE_FACTOR: Final = 2
"""A message built on a beat that was sent longer ago than so many deadtimes is stale."""


NUMBER_AHEAD_MAX: Final = 1 << 32
"""No cluster holds so many elections: who names a number that far ahead is not believed, or numbers would run out."""


class Inbox:
    """Judges messages; remembers of each peer the incarnation and the sequence heard last."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._newest: dict[NodeId, tuple[Incarnation, int]] = {}
        self.refused = 0

    def refusal(self, now: Millis, event: MessageHeard) -> str | None:
        """Why the message must not be acted on; None when it may. An older epoch is answered with one's own."""
        reason = self._reason(now, event)
        envelope = event.envelope
        if reason is None and isinstance(envelope.body, Pulse):
            self._standing.membership.on_message(now, envelope.sender)
            return None
        if reason is None:
            self._newest[envelope.sender] = (envelope.sender_incarnation, envelope.sequence)
            self._standing.membership.on_message(now, envelope.sender)
            return None
        self.refused += 1
        if reason == "older epoch":
            self._newest[envelope.sender] = (envelope.sender_incarnation, envelope.sequence)
            self._standing.membership.on_message(now, envelope.sender)
            self._standing.send(envelope.sender, Refusal(reason))
        return reason

    def _reason(self, now: Millis, event: MessageHeard) -> str | None:
        standing, envelope = self._standing, event.envelope
        own = standing.cluster
        if envelope.receiver != standing.node or envelope.sender == standing.node:
            return "not for this node"
        if own and envelope.cluster and envelope.cluster != own:
            standing.notices[f"cluster-{envelope.sender}"] = f"{envelope.sender} belongs to another cluster"
            return "another cluster"
        if envelope.receiver_incarnation != standing.incarnation:
            return "another incarnation of this node"
        if envelope.sender_incarnation != standing.membership.incarnation(envelope.sender):
            return "another incarnation of the sender"
        incarnation, sequence = self._newest.get(envelope.sender, (envelope.sender_incarnation, 0))
        is_pulse = isinstance(envelope.body, Pulse)
        if incarnation == envelope.sender_incarnation and envelope.sequence <= sequence and not is_pulse:
            return "out of sequence"
        deadline_ms = MESSAGE_DEADLINE_FACTOR * standing.settings.deadtime_ms
        if event.beat_sent_ms is None or now - event.beat_sent_ms > deadline_ms:
            return "stale"
        if number_of(envelope) > standing.highest + NUMBER_AHEAD_MAX:
            return "implausible epoch"
        standing.highest = max(standing.highest, envelope.epoch.number)
        is_ballot = isinstance(envelope.body, PreVote | PreVoteAnswer | Vote | VoteAnswer | Refusal)
        if envelope.epoch < standing.epoch and not (is_ballot or is_pulse):
            return "older epoch"
        return None


def number_of(envelope: Envelope) -> int:
    """The highest number that a message names."""
    match envelope.body:
        case PreVote(number=number) | Vote(number=number):
            return max(envelope.epoch.number, number)
        case PreVoteAnswer(number=number, promised=promised) | VoteAnswer(number=number, promised=promised):
            return max(envelope.epoch.number, number, promised)
        case _:
            return envelope.epoch.number
