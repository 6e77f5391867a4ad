"""A store in the simulation: writes take time, survive a crash only when done, and may be lied about."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import copy
from enum import Enum

from hashelld.core.effects import Persist, Remembered, Stored
from hashelld.model.ids import NO_VERSION, Incarnation, Millis, NodeId, Version
from hashelld.wire.log import Checkpoint, Electorate, ElectorateChange, Entry, Founding
from tests.sim.faults import Faults
from tests.sim.timeline import Timeline
from tests.sim.violation import Violation


class Trouble(Enum):
    """What a store answers to a write instead of doing it."""

    NONE = "well"
    SYNC_FAILS = "EIO on fsync"
    """Once: what was written may be there or not."""
    UNWRITABLE = "full or read-only"
    """Nothing is written; a daemon that starts cannot write its incarnation, and ends."""


class Content:
    """What is on the platters."""

    def __init__(self) -> None:
        self.counter = 0
        self.promised = 0
        self.voted: NodeId | None = None
        self.checkpoint: Checkpoint | None = None
        self.entries: tuple[Entry, ...] = ()
        self.acknowledged: Version | None = None
        self.remembered: dict[NodeId, Remembered] = {}
        self.may_vote = True
        self.was_set_aside = False

    @property
    def version(self) -> Version:
        """The newest stored entry's."""
        if self.entries:
            return self.entries[-1].version
        return self.checkpoint.version if self.checkpoint is not None else NO_VERSION

    @property
    def electorate(self) -> Electorate | None:
        """The newest electorate in the log."""
        for entry in reversed(self.entries):
            if isinstance(entry.change, ElectorateChange | Founding):
                return entry.change.electorate
        return self.checkpoint.electorate if self.checkpoint is not None else None

    @property
    def settled_electorate(self) -> Electorate | None:
        """The newest electorate that is known acknowledged."""
        known = self.acknowledged or NO_VERSION
        for entry in reversed(self.entries):
            if isinstance(entry.change, ElectorateChange | Founding) and entry.version <= known:
                return entry.change.electorate
        return self.checkpoint.electorate if self.checkpoint is not None else None

    def apply(self, write: Persist) -> None:
        """One atomic write."""
        if write.promised is not None:
            if write.promised < self.promised:
                raise Violation(1, f"the promise went back from {self.promised} to {write.promised}")
            self.promised = write.promised
            self.voted = write.voted
        if write.truncate_after is not None:
            self.entries = tuple(e for e in self.entries if e.version.serial <= write.truncate_after.serial)
        if write.checkpoint is not None:
            at = write.checkpoint.version.serial
            kept = () if write.replaces_log else tuple(e for e in self.entries if e.version.serial > at)
            self.checkpoint, self.entries, self.was_set_aside = write.checkpoint, kept, False
        if write.entries:
            self._append(write.entries)
        if write.acknowledged is not None:
            self.acknowledged = write.acknowledged
        if write.may_vote is not None:
            self.may_vote = write.may_vote
        if write.remember is not None:
            self.remembered = {**self.remembered, **write.remember}

    def _append(self, entries: tuple[Entry, ...]) -> None:
        serial = self.version.serial
        for entry in entries:
            serial += 1
            if entry.version.serial != serial:
                raise Violation(0, f"the log has a gap: {entry.version} behind {self.version}")
        self.entries = (*self.entries, *entries)
        self.was_set_aside = False


_Item = tuple[Persist, Callable[[int], None], Callable[[str], None]]
"""A write, and whom to tell of its end."""


class Disk:
    """One node's store; `applied` is told of every write that reached the platters."""

    def __init__(self, timeline: Timeline, faults: Faults, applied: Callable[[Persist], None]) -> None:
        self._timeline = timeline
        self._faults = faults
        self._applied = applied
        self.content = Content()
        self.is_dead = False
        """Writes are never answered."""
        self.trouble = Trouble.NONE
        self.slow_ms: Millis = 0
        """Every write takes so much longer."""
        self.is_damaged = False
        """Bytes flipped: the next daemon that opens the file sets it aside."""
        self.is_lying = False
        self._flushed = copy(self.content)
        self._busy_until: Millis = 0
        self._pending: deque[_Item] = deque()

    def stall(self, span_ms: Millis) -> None:
        """Nothing is written for a while."""
        self._busy_until = max(self._busy_until, self._timeline.now) + span_ms

    def mend(self) -> None:
        """Writes are done again, as fast as ever."""
        self.trouble, self.slow_ms = Trouble.NONE, 0

    def write(self, write: Persist, done: Callable[[int], None], failed: Callable[[str], None]) -> None:
        """Begin a write; `done` is called with its token, or `failed` with a reason, after which nothing is written."""
        timeline = self._timeline
        latency = timeline.between(1, self._faults.disk_latency_max_ms) + self.slow_ms
        self._busy_until = max(self._busy_until, timeline.now) + latency
        item = (write, done, failed)
        self._pending.append(item)
        timeline.at(self._busy_until, lambda: self._finish(item))

    @property
    def is_idle(self) -> bool:
        """Is nothing being written?"""
        return not self._pending

    def has_pending(self, token: int, done: Callable[[int], None]) -> bool:
        """Is this write still under way?"""
        return any(item[0].token == token and item[1] == done for item in self._pending)

    def process_ended(self) -> None:
        """The daemon died: of what it was writing a beginning is on disk, the rest never will be."""
        for _ in range(self._timeline.between(0, len(self._pending))):
            self._apply(self._pending.popleft()[0])
        self._pending.clear()
        self._busy_until = self._timeline.now

    def power_cut(self) -> None:
        """As `process_ended`; a lying disk also loses what it had reported done."""
        self.process_ended()
        if self.is_lying:
            self.content = self._flushed
        self._flushed = copy(self.content)

    def flush(self) -> None:
        """A lying disk really writes, for once."""
        self._flushed = copy(self.content)

    def wipe(self, *, set_aside: bool) -> None:
        """The disk was replaced, or (set aside) its file was found corrupt."""
        self.is_damaged = False
        self.content = Content()
        self.content.was_set_aside = set_aside
        self._flushed = copy(self.content)

    def snapshot(self) -> Content:
        """A copy of the platters."""
        return copy(self.content)

    def restore(self, content: Content) -> None:
        """Put an older copy back."""
        self.content = copy(content)
        self._flushed = copy(content)

    def load(self, token: str) -> Stored:
        """What a starting daemon finds, with its new incarnation already written."""
        content = self.content
        content.counter = max(content.counter + 1, self._timeline.now // 1000)  # As the store: never below the clock.
        if not self.is_lying:
            self.flush()
        return Stored(
            incarnation=Incarnation(content.counter, token),
            promised=content.promised,
            voted=content.voted,
            checkpoint=content.checkpoint,
            entries=content.entries,
            acknowledged=content.acknowledged,
            remembered=dict(content.remembered),
            may_vote=content.may_vote,
            was_set_aside=content.was_set_aside,
        )

    def _finish(self, item: _Item) -> None:
        if self.is_dead or not self._pending or self._pending[0] is not item:
            return
        if self._timeline.now < self._busy_until and len(self._pending) == 1:
            self._timeline.at(self._busy_until, lambda: self._finish(item))  # It stalled meanwhile.
            return
        self._pending.popleft()
        if self.trouble is not Trouble.NONE:
            self._fail(item)
            return
        self._apply(item[0])
        item[1](item[0].token)

    def _fail(self, item: _Item) -> None:
        """As the store's thread: it tells the failure, and ends."""
        reason = self.trouble.value
        if self.trouble is Trouble.SYNC_FAILS:
            self.trouble = Trouble.NONE
            if self._timeline.chance(0.5):
                self._apply(item[0])
        self._pending.clear()
        item[2](reason)

    def _apply(self, write: Persist) -> None:
        self.content.apply(write)
        if not self.is_lying:
            self._flushed = copy(self.content)
        self._applied(write)
