"""Messages between nodes. Every message travels in an `Envelope`; the receiver's checks are in core.peers."""

from __future__ import annotations

import msgspec

from hashelld.model.action import Action
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import NO_VERSION, Epoch, Incarnation, NodeId, Number, Version
from hashelld.wire.client import Answer, Request
from hashelld.wire.log import Author, Checkpoint, Entry


class BeatContent(msgspec.Struct, frozen=True, array_like=True):
    """What a node's loop wants its beats to say; the beat thread adds sequence, echo and loop progress."""

    cluster: str
    """The founding id; empty while the store is empty."""
    file: str
    """Digest of the founding part of hashelld.toml and of the timings."""
    promised: Epoch
    stored: Version
    """The version on disk, what others remember of this node."""
    hears: tuple[NodeId, ...]
    is_quorate_dc: bool
    is_voter: bool
    is_leaving: bool = False
    ends_itself: bool = False
    """Without quorum this node stops everything in time, or its watchdog ends it (core.lifeline)."""
    timings: str = ""
    """Digest of the timings alone."""


class Beat(msgspec.Struct, frozen=True, array_like=True):
    """One datagram's meaning. `echo` is the newest sequence number heard from the receiver, `missed` how many of its
    newest beats up to that one were not.
    """

    sender: NodeId
    incarnation: Incarnation
    sequence: Number
    echo_incarnation: Incarnation
    echo: Number
    content: BeatContent
    wall_ms: int
    """The sender's wall clock: nothing is decided by it, but people compare logs."""
    missed: int = 0


class PreVote(msgspec.Struct, frozen=True, array_like=True, tag="prevote"):
    """Would you vote for me? Nothing is written."""

    number: Number
    version: Version
    is_handover: bool = False


class PreVoteAnswer(msgspec.Struct, frozen=True, array_like=True, tag="prevoted"):
    """`promised` is the answerer's highest promised number."""

    number: Number
    granted: bool
    promised: Number


class Vote(msgspec.Struct, frozen=True, array_like=True, tag="vote"):
    """A candidate stands with this number."""

    number: Number
    version: Version
    is_handover: bool = False


class VoteAnswer(msgspec.Struct, frozen=True, array_like=True, tag="voted"):
    """Granted only when the vote is on disk."""

    number: Number
    granted: bool
    promised: Number


class Append(msgspec.Struct, frozen=True, array_like=True, tag="append"):
    """Entries behind `previous` (its version and digest); empty ones keep the receiver informed."""

    previous: Version
    previous_digest: str
    entries: tuple[Entry, ...]
    acknowledged: Version
    """The newest entry known acknowledged."""


class Install(msgspec.Struct, frozen=True, array_like=True, tag="install"):
    """A whole checkpoint, for a node whose log does not reach far enough or diverged before it."""

    checkpoint: Checkpoint
    acknowledged: Version


class Appended(msgspec.Struct, frozen=True, array_like=True, tag="appended"):
    """`stored` is on disk and equal to the DC's log up to there; `matches` False asks for older entries."""

    stored: Version
    matches: bool
    refused: Version = NO_VERSION
    """Where `matches` is False: the version behind which the DC's entries were, and which is not in this log."""


class JoinRequest(msgspec.Struct, frozen=True, array_like=True, tag="join?"):
    """The DC asks for a promise of its epoch and a report. Its orders up to this one are to be begun no more."""

    void: Number = 0


class Join(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """The epoch is promised on disk, orders not yet begun are dropped. What is active; what is in flight is pending."""

    status: NodeStatus
    void: Number = 0
    """What the request said: of the orders up to this one none is begun any more."""
    begun: tuple[Number, ...] = ()
    """The orders of this epoch that were begun: these will be answered."""


class Order(msgspec.Struct, frozen=True, array_like=True, tag="order"):
    """Carry this action out, once. `call` is the DC's number of it in this epoch."""

    call: int
    action: Action


class OrderResult(msgspec.Struct, frozen=True, array_like=True, tag="result"):
    """The order's end; repeated until the DC acknowledges it."""

    call: int
    result: ActionResult


class ResultHeard(msgspec.Struct, frozen=True, array_like=True, tag="result-heard"):
    """The DC has it."""

    call: int


class Status(msgspec.Struct, frozen=True, array_like=True, tag="status"):
    """A node's own status, to the DC."""

    status: NodeStatus


class Picture(msgspec.Struct, frozen=True, array_like=True, tag="picture"):
    """The DC's merged status of all nodes, streamed to all so that each can answer its shells."""

    nodes: bytes
    """Encoded `tuple[NodeView, ...]`."""
    plan: bytes
    """Encoded summary of what the DC is doing."""


class LeaveRequest(msgspec.Struct, frozen=True, array_like=True, tag="leave"):
    """Please move my resources away; answered by `LeaveGranted` when nothing of mine is active."""


class LeaveGranted(msgspec.Struct, frozen=True, array_like=True, tag="left"):
    """The departure is an acknowledged entry of the log; or the node may end in maintenance, and things run on."""

    is_running: bool = False
    """There is no departure: for the others the node is lost, and what it runs is nobody else's."""


class Handover(msgspec.Struct, frozen=True, array_like=True, tag="handover"):
    """The DC gives its office to the receiver: stand at once."""


class EndYourself(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The DC fences the receiver, for which there is no device: its own watchdog is to end it."""

    reason: str


class Forward(msgspec.Struct, frozen=True, array_like=True, tag="forward"):
    """A shell's request that only the DC can answer."""

    ticket: int
    author: Author
    request: Request


class Forwarded(msgspec.Struct, frozen=True, array_like=True, tag="forwarded"):
    """The DC's answer to a forwarded request."""

    ticket: int
    answer: Answer


class Pulse(msgspec.Struct, frozen=True, array_like=True, tag="pulse"):
    """The message plane works. It promises nothing, so it is never held back behind a slow disk."""


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="refusal"):
    """The message was of an older epoch, or for another incarnation; the envelope tells the newer epoch."""

    reason: str


Body = (
    PreVote
    | PreVoteAnswer
    | Vote
    | VoteAnswer
    | Append
    | Install
    | Appended
    | JoinRequest
    | Join
    | Order
    | OrderResult
    | ResultHeard
    | Status
    | Picture
    | LeaveRequest
    | LeaveGranted
    | Handover
    | EndYourself
    | Forward
    | Forwarded
    | Pulse
    | Refusal
)


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A message with everything by which a receiver judges whether it may act on it."""

    cluster: str
    sender: NodeId
    sender_incarnation: Incarnation
    receiver: NodeId
    receiver_incarnation: Incarnation
    epoch: Epoch
    """The sender's promised epoch."""
    sequence: Number
    beat: Number
    """Newest beat of the receiver that the sender had heard: the receiver judges the age by its own clock."""
    body: Body
