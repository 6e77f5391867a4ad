"""Everything that a node may be told. The world puts these into one queue; `Node.step` takes one at a time."""

from __future__ import annotations

import msgspec

from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.wire.client import Dropped, Request
from hashelld.wire.log import Author
from hashelld.wire.peer import BeatContent, Envelope
from hashelld.wire.sector import DiskHeader, Sector


class HeardBeat(msgspec.Struct, frozen=True):
    """One authentic beat of a peer, as the beat thread judged it."""

    sender: NodeId
    incarnation: Incarnation
    sequence: int
    echoed_ms: Millis | None
    """When this node's beat that it echoes was sent; None when it echoes none of this incarnation."""
    at_ms: Millis
    content: BeatContent
    wall_ms: int
    """The sender's wall clock when it sent this."""
    missed: int = 0
    """How many of the peer's newest beats were lost on their way here."""


class BeatsHeard(msgspec.Struct, frozen=True):
    """The beats since the last report: at most one for each peer, the newest."""

    beats: tuple[HeardBeat, ...]


class PortRefused(msgspec.Struct, frozen=True):
    """A peer's kernel answered a beat with "port unreachable": the host lives, its daemon does not."""

    peer: NodeId
    at_ms: Millis


class MessageHeard(msgspec.Struct, frozen=True):
    """A message of an authenticated peer (the connection's identity is the envelope's sender)."""

    envelope: Envelope
    beat_sent_ms: Millis | None
    """When this node sent the beat that the envelope names (`Beating.sent_ms`); None: too long ago, or never."""


class Persisted(msgspec.Struct, frozen=True):
    """The store reports that a `Persist` is on disk."""

    token: int


class StoreFailed(msgspec.Struct, frozen=True):
    """The disk refused, or was silent for `initdead`: nothing further will be stored by this incarnation."""

    reason: str


class DiskRead(msgspec.Struct, frozen=True):
    """A `DiskRound` is done: this was read after the write was on the quorum disk."""

    token: int
    header: DiskHeader
    sectors: tuple[Sector | None, ...]
    """By place; None where nothing readable is."""


class DiskFailed(msgspec.Struct, frozen=True):
    """A `DiskRound` came to nothing; its sector may be on the disk or not."""

    token: int
    reason: str


class AgentEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A process of `RunAgent` ended. `rc` is None when it was killed at its timeout or could not be executed."""

    run: int
    rc: int | None
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    """Why it could not be executed (no such file, not executable)."""
    duration_ms: Millis = 0


class PingAnswered(msgspec.Struct, frozen=True):
    """An address answered a request for an echo."""

    address: str
    sent_ms: Millis
    """When the request was sent."""


class ClientAsked(msgspec.Struct, frozen=True):
    """A shell's request. `client` names the connection; `author` is what the kernel said of it."""

    client: bytes
    ticket: int
    author: Author
    request: Request


class ClientGone(msgspec.Struct, frozen=True):
    """The connection ended; its subscriptions with it."""

    client: bytes


class ClockSet(msgspec.Struct, frozen=True):
    """Wall-clock minus CLOCK_BOOTTIME, told at the start and whenever it jumps."""

    offset_ms: int


class DropsCounted(msgspec.Struct, frozen=True):
    """What the edge did not take, by kind, since it started; told when there is more."""

    drops: tuple[Dropped, ...]


class Terminate(msgspec.Struct, frozen=True):
    """SIGTERM: stop resources, leave cleanly, exit."""


class Woken(msgspec.Struct, frozen=True):
    """`Node.deadline()` has come; nothing else happened."""


Event = (
    BeatsHeard
    | PortRefused
    | MessageHeard
    | Persisted
    | StoreFailed
    | DiskRead
    | DiskFailed
    | AgentEnded
    | PingAnswered
    | ClientAsked
    | ClientGone
    | ClockSet
    | DropsCounted
    | Terminate
    | Woken
)
