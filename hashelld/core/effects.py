"""Everything that a node may ask for. The order in a list is the contract: what follows a `Persist` waits for it."""

from __future__ import annotations

from enum import Enum

import msgspec

from hashelld.model.ids import Incarnation, Millis, NodeId, Version
from hashelld.wire.client import Answer
from hashelld.wire.log import Checkpoint, Entry
from hashelld.wire.peer import BeatContent, Envelope
from hashelld.wire.sector import Sector


class Send(msgspec.Struct, frozen=True):
    """Send a message; it may be lost.

    The world fills in `beat` when it sends (`Beating.newest_from(receiver)`), all else is complete.
    """

    envelope: Envelope


class SetBeat(msgspec.Struct, frozen=True):
    """From now on beats say this."""

    content: BeatContent


class Remembered(msgspec.Struct, frozen=True, array_like=True):
    """What a node remembers of a peer: its newest incarnation and the newest version it stored."""

    incarnation: Incarnation
    stored: Version


class Persist(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One atomic write to the store. Fields left at None are not written.

    `truncate_after` and `entries` belong together: the log behind that version is set aside (kept for people
    in a table of its own), then the entries are appended. A checkpoint replaces the log up to its version.
    """

    token: int
    promised: int | None = None
    voted: NodeId | None = None
    truncate_after: Version | None = None
    entries: tuple[Entry, ...] = ()
    checkpoint: Checkpoint | None = None
    replaces_log: bool = False
    """With `checkpoint`: the whole log was another lineage and is set aside."""
    acknowledged: Version | None = None
    remember: dict[NodeId, Remembered] | None = None
    may_vote: bool | None = None
    """False while the node was refilled and is not yet readmitted to the electorate."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says at start (read by the world, given to `Node`)."""

    incarnation: Incarnation
    """Already raised and written for this start."""
    promised: int = 0
    voted: NodeId | None = None
    checkpoint: Checkpoint | None = None
    """None: the store is empty."""
    entries: tuple[Entry, ...] = ()
    """The log behind the checkpoint."""
    acknowledged: Version | None = None
    remembered: dict[NodeId, Remembered] = {}
    may_vote: bool = True
    was_set_aside: bool = False
    """The file was corrupt and set aside: the node is empty and must not found a cluster."""


class RunAgent(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Execute a program without a shell, in a process group of its own, and report `AgentEnded` with this `run`.

    At the timeout the group gets TERM, then KILL. `environment` is complete but for PATH, LC_ALL and the like.
    """

    run: int
    argv: tuple[str, ...]
    environment: dict[str, str] = {}
    stdin: str = ""
    timeout_ms: Millis
    label: str = ""


class KillAgent(msgspec.Struct, frozen=True):
    """End the process group of a run now; `AgentEnded` follows with rc None."""

    run: int


class Ping(msgspec.Struct, frozen=True):
    """Ask these addresses for an echo; `PingAnswered` follows for each that answers. Best effort."""

    addresses: tuple[str, ...]


class DiskRound(msgspec.Struct, frozen=True, kw_only=True):
    """Write one's own sector to the quorum disk, **then** read all of it; `DiskRead` or `DiskFailed` follows.

    Rounds are done one after the other. The order within one is what keeps the disk's vote safe (SAFETY.md 4). It
    waits for no `Persist`: it says nothing that is not on this node's disk already.
    """

    token: int
    uuid: str = ""
    """Nothing is written to a disk with another one."""
    place: int = 0
    sector: Sector | None = None
    """None: nothing is written."""


class Announce(msgspec.Struct, frozen=True):
    """Tell the network again who has these addresses (gratuitous ARP); best effort."""

    addresses: tuple[tuple[str, str], ...]
    """(address, interface or empty)."""


class CutOff(msgspec.Struct, frozen=True):
    """Until then send peers nothing, and drop what comes from them: as if every cable were pulled."""

    until_ms: Millis


class Reply(msgspec.Struct, frozen=True):
    """Answer a shell (or send it an event of its subscription)."""

    client: bytes
    ticket: int
    answer: Answer


class TellLog(msgspec.Struct, frozen=True):
    """Answer a shell with the newest lines of the log (`LogIs`); the world has them."""

    client: bytes
    ticket: int
    limit: int


class Level(Enum):
    """Severity of a note."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Note(msgspec.Struct, frozen=True):
    """Log this event. Names and their meaning are in core.notes."""

    event: str
    fields: dict[str, object] = {}
    level: Level = Level.INFO


class Arm(msgspec.Struct, frozen=True):
    """From now on this node is to be ended when the loop stands still for the watchdog's timeout.

    An `Exit` takes that back: then everything is stopped, or runs on in maintenance.
    """


class SelfFence(msgspec.Struct, frozen=True):
    """End this node with all that it runs, without waiting for anything; it cannot be taken back."""

    reason: str


class Exit(msgspec.Struct, frozen=True):
    """End the daemon; code 0 after a clean leave."""

    code: int
    reason: str


Effect = (
    Send
    | SetBeat
    | Persist
    | RunAgent
    | KillAgent
    | Ping
    | DiskRound
    | Announce
    | CutOff
    | Reply
    | TellLog
    | Note
    | Arm
    | SelfFence
    | Exit
)
