"""The replicated log's entries: what a quorum stores before it is acknowledged (DESIGN.md 3.2, 3.3)."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit
from hashelld.model.ids import Incarnation, NodeId, ResourceId, Version


LOWEST: Final = "lowest"
HIGHEST: Final = "highest"
DISK: Final = "disk:"
"""What the name of a quorum disk as a voter begins with; its uuid follows. No node can be called so."""


COMMAND_LENGTH_MAX: Final = 2_000
"""So much of a command line is kept."""


class Electorate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who votes, with how many votes, and the modes; one value in the log, changed only by entries."""

    votes: dict[NodeId, int]
    two_node: bool = False
    wait_for_all: bool = False
    tie_breaker: NodeId | None = None
    """auto_tie_breaker's node weighs half a vote more."""
    tie_order: tuple[str, ...] = ()
    """Whom the tie-breaker is chosen from whenever this value is made: LOWEST, HIGHEST, or names, the first first."""
    last_man_standing_ms: int | None = None
    arbiter: str | None = None
    """Who has a vote beside the nodes, while their votes are even: None, or DISK with the uuid of the quorum disk."""
    network_arbiter: NodeId | None = None
    """A node that votes and runs nothing. It has a vote where the others' are even, so that they cannot tie."""

    def with_votes(self, votes: dict[NodeId, int]) -> Electorate:
        """The same modes over other votes. The tie-breaker is one of those that vote, named here and now.

        It depends on who votes, never on who is present: all who read this value break ties alike (SAFETY.md 28).
        """
        if self.network_arbiter in votes:
            others = sum(count for name, count in votes.items() if name != self.network_arbiter)
            votes = {**votes, self.network_arbiter: 1 - others % 2}
        if not self.tie_order:
            return msgspec.structs.replace(self, votes=votes)
        voters = sorted(name for name, count in votes.items() if count > 0)
        named = {LOWEST: voters[:1], HIGHEST: voters[-1:]}
        found = (name for word in self.tie_order for name in named.get(word, [word]) if name in voters)
        tie_breaker = next((NodeId(name) for name in found), None)
        return msgspec.structs.replace(self, votes=votes, tie_breaker=tie_breaker)


class Author(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who made a commit, as the kernel's peer credentials and the shell tell."""

    user: str
    uid: int = -1
    node: NodeId | None = None
    pid: int = 0
    """For people: the number may mean another process by now."""
    command: str = ""
    """The command line, secrets masked."""
    groups: tuple[str, ...] = ()
    """The groups that the user is in, as the user's own node tells."""
    is_trusted: bool = False
    """The daemon's own user, or hacluster: access rights limit it no more than root."""

    def signature(self, command: str = "") -> Author:
        """What is kept of an author: who, and from where."""
        told = command[:COMMAND_LENGTH_MAX] or self.command
        return Author(user=self.user, uid=self.uid, node=self.node, pid=self.pid, command=told)


class Barrier(msgspec.Struct, frozen=True, tag="barrier"):
    """The first entry of a DC's office; acknowledges what older epochs left."""


class Founding(msgspec.Struct, frozen=True, tag="founding"):
    """The first entry of a cluster: its id, its first electorate and its first document."""

    cluster: str
    electorate: Electorate
    cib: Cib


class Commit(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="commit"):
    """A change of the configuration. `id` was chosen by the shell: sent again it gets its first answer."""

    id: str
    author: Author
    edits: tuple[Edit, ...]
    base: Version


class ElectorateChange(msgspec.Struct, frozen=True, omit_defaults=True, tag="electorate"):
    """From here on this electorate votes; jointly with the one before until it is known acknowledged."""

    electorate: Electorate
    reason: str
    author: Author | None = None
    """Who asked for it; None: the cluster itself changed it."""
    is_forced: bool = False
    """A force-start: the nodes of the electorate before are vouched off, this one alone acknowledges."""


class Departure(msgspec.Struct, frozen=True, tag="departure"):
    """A node left cleanly: everything stopped, bound to this incarnation."""

    node: NodeId
    incarnation: Incarnation


class Return(msgspec.Struct, frozen=True, tag="return"):
    """A node is back, in this incarnation: what was said of it being off counts no more."""

    node: NodeId
    incarnation: Incarnation


class Confirmation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="confirmation"):
    """A node is confirmed off, by a fencing device or by the administrator; holds for this incarnation alone."""

    node: NodeId
    incarnation: Incarnation
    by: str
    """The device, or `admin USER`, or `takeover-delay` (UNSAFE)."""


class PathState(Enum):
    """What is known of a node's way to what a fabric device can cut it off from."""

    UNCERTAIN = "uncertain"
    """The device was told to cut or to restore it, and it is not known what came of that."""
    CUT = "cut"
    """The device confirmed that the node is cut off."""
    RESTORING = "restoring"
    """The node is, or may be, restoring it at this moment: what a device says meanwhile proves nothing."""
    CONFIRMING = "confirming"
    """The same of a way that was not known to be cut: a node that joined only makes sure of its access."""


class Path(msgspec.Struct, frozen=True, array_like=True):
    """A node's way through one device that is not known to be open. Nothing but a restoration opens it again."""

    incarnation: Incarnation
    """The one that was heard last when this was said."""
    state: PathState


class PathChange(msgspec.Struct, frozen=True, kw_only=True, tag="path"):
    """What became of a node's way through some devices; `state` None: it is open again."""

    node: NodeId
    incarnation: Incarnation
    devices: tuple[ResourceId, ...]
    state: PathState | None


class Operation(msgspec.Struct, frozen=True, tag="operation"):
    """Somebody had the cluster do something that changes no configuration: clean up, fence, declare off."""

    author: Author
    text: str


Change = Barrier | Founding | Commit | ElectorateChange | Departure | Return | Confirmation | PathChange | Operation


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the log."""

    version: Version
    change: Change
    previous: str
    """Digest of the entry before."""
    document: str
    """Digest of the document after this entry."""
    at_ms: int
    """Wall-clock milliseconds on the DC when it was ordered: for people only."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the log up to `version` says; the log before it may be dropped."""

    version: Version
    entry: str
    """Digest of the entry at `version`."""
    cluster: str
    cib: Cib
    electorate: Electorate
    previous_electorate: Electorate
    electorate_version: Version
    off: dict[NodeId, Incarnation] = {}
    """Departures and confirmations: these incarnations are known to run nothing."""
    off_by: dict[NodeId, str] = {}
    """`left`, or what the confirmation says."""
    paths: dict[NodeId, dict[ResourceId, Path]] = {}
    """By node and device: the ways that are cut, or not known to be open."""
    commits: dict[str, Version] = {}
    """Commit ids that are still answerable."""
    members: dict[NodeId, int] = {}
    """Every node that was added and not deleted since, with the votes that it had last: others can run nothing."""
    forced: tuple[Version, ...] = ()
    """The first entries of force-starts: what others had acknowledged from their serials on is lost."""
