"""The replicated log of one node: what is stored, what of it is acknowledged, and the documents at both points.

Everything that changes a node's log is here. A `Checkpoint` is the fold of all entries up to its version; the log
keeps three of them: at its base, at the acknowledged entry (applied), and at its tail.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.cib.edit import apply
from hashelld.model.ids import NO_VERSION, NodeId, Version
from hashelld.wire.log import (
    Barrier,
    Checkpoint,
    Commit,
    Confirmation,
    Departure,
    Electorate,
    ElectorateChange,
    Entry,
    Founding,
    Operation,
    Path,
    PathChange,
    PathState,
    Return,
)


KEPT_ENTRIES: Final = 200
"""Acknowledged entries kept behind the base, for history and for nodes that return."""
COMPACT_AT: Final = 2 * KEPT_ENTRIES
COMMIT_IDS_MAX: Final = 1000
LEFT: Final = "left"
"""`off_by` of a node that left cleanly."""

assert KEPT_ENTRIES < COMPACT_AT


def advance(state: Checkpoint | None, entry: Entry) -> Checkpoint:
    """The state after one more entry."""
    change = entry.change
    at = entry.version
    if isinstance(change, Founding):
        return Checkpoint(
            version=at,
            entry=digest(entry),
            cluster=change.cluster,
            cib=change.cib,
            electorate=change.electorate,
            previous_electorate=change.electorate,
            electorate_version=at,
            members=change.electorate.votes,
        )
    assert state is not None, "a log begins with its founding"
    after = msgspec.structs.replace(state, version=at, entry=digest(entry))
    match change:
        case Barrier() | Operation():
            return after
        case Commit(id=commit_id, edits=edits):
            commits = dict(list(state.commits.items())[1 - COMMIT_IDS_MAX :])
            commits[commit_id] = at
            cib = apply(state.cib, edits)
            members = _kept(members_of(state), state.electorate, cib)
            return msgspec.structs.replace(after, cib=cib, commits=commits, members=members)
        case ElectorateChange():
            return _reformed(after, change)
        case Departure(node=node, incarnation=incarnation):
            off, off_by = {**state.off, node: incarnation}, {**state.off_by, node: LEFT}
            return msgspec.structs.replace(after, off=off, off_by=off_by)
        case Return(node=node):
            return _returned(after, node)
        case Confirmation(node=node, incarnation=incarnation, by=by):
            off, off_by = {**state.off, node: incarnation}, {**state.off_by, node: by}
            return msgspec.structs.replace(after, off=off, off_by=off_by)
        case PathChange():
            return _with_path(after, change)


def _with_path(state: Checkpoint, change: PathChange) -> Checkpoint:
    """A node that gets its access back is not off any more, whatever a device that took it had confirmed."""
    known = dict(state.paths.get(change.node, {}))
    for device in change.devices:
        if change.state is None:
            known.pop(device, None)
        else:
            known[device] = Path(change.incarnation, change.state)
    paths = {node: ways for node, ways in {**state.paths, change.node: known}.items() if ways}
    after = msgspec.structs.replace(state, paths=paths)
    is_back = change.state is PathState.RESTORING and state.off_by.get(change.node, LEFT) != LEFT
    return _returned(after, change.node) if is_back else after


def _returned(state: Checkpoint, back: NodeId) -> Checkpoint:
    """The state without what was said of a node being off."""
    off = {node: incarnation for node, incarnation in state.off.items() if node != back}
    off_by = {node: by for node, by in state.off_by.items() if node != back}
    return msgspec.structs.replace(state, off=off, off_by=off_by)


def _reformed(state: Checkpoint, change: ElectorateChange) -> Checkpoint:
    """The state with another electorate. One that was forced is not joint with the one before."""
    electorate = change.electorate
    return msgspec.structs.replace(
        state,
        electorate=electorate,
        previous_electorate=electorate if change.is_forced else state.electorate,
        electorate_version=state.version,
        members=_kept({**members_of(state), **electorate.votes}, electorate, state.cib),
        forced=(*state.forced, state.version) if change.is_forced else state.forced,
    )


def members_of(state: Checkpoint) -> dict[NodeId, int]:
    """Who was ever added and not deleted since, with the votes that each had last."""
    return state.members or state.electorate.votes


def _kept(members: dict[NodeId, int], electorate: Electorate, cib: Cib) -> dict[NodeId, int]:
    """Without those that neither vote nor are configured any more."""
    if all(name in electorate.votes for name in members):
        return members
    configured = {node.id for node in cib.nodes}
    return {name: votes for name, votes in members.items() if name in electorate.votes or name in configured}


class Log:
    """Entries behind a base. Entries are found by serial: serials have no gaps."""

    def __init__(self, base: Checkpoint | None, entries: tuple[Entry, ...], acknowledged: Version | None) -> None:
        self.base = base
        self.entries: list[Entry] = []
        self._states: list[Checkpoint] = []
        self.acknowledged = base.version if base is not None else NO_VERSION
        self.applied = base
        """The state after everything acknowledged: what may be shown, planned and applied."""
        for entry in entries:
            self.append(entry)
        if acknowledged is not None:
            self.acknowledge(acknowledged)

    @property
    def is_empty(self) -> bool:
        """Is nothing stored at all?"""
        return self.base is None and not self.entries

    @property
    def tail(self) -> Checkpoint | None:
        """The state after everything stored; None when the store is empty."""
        return self._states[-1] if self._states else self.base

    @property
    def version(self) -> Version:
        """The newest version stored."""
        return self.tail.version if self.tail is not None else NO_VERSION

    @property
    def cib(self) -> Cib:
        """The applied document."""
        return self.applied.cib if self.applied is not None else Cib()

    @property
    def is_settled(self) -> bool:
        """Is the newest electorate known to be acknowledged?"""
        return self.tail is not None and self.tail.electorate_version <= self.acknowledged

    @property
    def base_serial(self) -> int:
        """Serial of the base; 0 when there is none."""
        return self.base.version.serial if self.base is not None else 0

    def has(self, version: Version, entry_digest: str) -> bool:
        """Does the log contain this version, with this digest?"""
        return self.digest_at(version) == entry_digest

    def digest_at(self, version: Version) -> str | None:
        """Digest of the entry of this version; empty for the beginning of time, None when it is not here."""
        if version == NO_VERSION:
            return "" if self.base is None else None
        state = self._state_at(version)
        return state.entry if state is not None else None

    def entry_at(self, serial: int) -> Entry | None:
        """The entry of this serial, when it is behind the base."""
        at = serial - self.base_serial - 1
        return self.entries[at] if 0 <= at < len(self.entries) else None

    def cib_at(self, serial: int) -> Cib | None:
        """The document after the entry of this serial; None when it is not here."""
        if self.base is not None and serial == self.base_serial:
            return self.base.cib
        at = serial - self.base_serial - 1
        return self._states[at].cib if 0 <= at < len(self._states) else None

    def entries_after(self, serial: int) -> tuple[Entry, ...]:
        """All entries behind this serial (which must not lie before the base)."""
        assert serial >= self.base_serial
        return tuple(self.entries[serial - self.base_serial :])

    def point(self, serial: int) -> tuple[Version, str]:
        """Version and entry digest at a serial that is the base or behind it."""
        if serial == self.base_serial:
            return (self.base.version, self.base.entry) if self.base is not None else (NO_VERSION, "")
        state = self._states[serial - self.base_serial - 1]
        return state.version, state.entry

    def append(self, entry: Entry) -> None:
        """Store one more entry; it must follow the tail."""
        tail = self.tail
        assert entry.version > self.version, "versions rise"
        assert entry.version.serial == self.version.serial + 1, "serials have no gaps"
        assert entry.previous == (tail.entry if tail is not None else ""), "the chain of digests holds"
        self._states.append(advance(tail, entry))
        self.entries.append(entry)

    def truncate_after(self, serial: int) -> tuple[Entry, ...]:
        """Drop what lies behind a serial; returned, to be set aside. Acknowledged entries may be among it."""
        keep = serial - self.base_serial
        assert keep >= 0
        dropped = tuple(self.entries[keep:])
        del self.entries[keep:]
        del self._states[keep:]
        self._apply(min(self.acknowledged, self.version))
        return dropped

    def install(self, checkpoint: Checkpoint) -> None:
        """Replace everything."""
        self.base = checkpoint
        self.entries.clear()
        self._states.clear()
        self._apply(checkpoint.version)

    def acknowledge(self, version: Version) -> tuple[Entry, ...]:
        """Entries up to this version (or to the tail) are acknowledged; the ones newly so are returned."""
        before = self.acknowledged
        self._apply(max(before, min(version, self.version)))
        return tuple(e for e in self.entries if before < e.version <= self.acknowledged)

    def compact(self) -> Checkpoint | None:
        """A new base when the acknowledged part has grown long; it is to be persisted. None: nothing to do."""
        acknowledged = self.acknowledged.serial - self.base_serial
        if acknowledged < COMPACT_AT:
            return None
        cut = acknowledged - KEPT_ENTRIES
        self.base = self._states[cut - 1]
        del self.entries[:cut]
        del self._states[:cut]
        return self.base

    def _apply(self, version: Version) -> None:
        self.acknowledged = version
        self.applied = self._state_at(version)

    def _state_at(self, version: Version) -> Checkpoint | None:
        if self.base is not None and version == self.base.version:
            return self.base
        at = version.serial - self.base_serial - 1
        if not 0 <= at < len(self._states):
            return None
        state = self._states[at]
        return state if state.version == version else None
