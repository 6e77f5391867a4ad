"""Replication of the log: a DC orders entries, a quorum stores them, then they are acknowledged (DESIGN.md 3.3)."""

from __future__ import annotations

import msgspec

from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.cib.edit import apply
from hashelld.core.effects import Persist
from hashelld.core.standing import Standing
from hashelld.model.ids import NO_VERSION, Epoch, Millis, NodeId, Version
from hashelld.wire.log import Barrier, Change, Checkpoint, Commit, ElectorateChange, Entry, Founding
from hashelld.wire.peer import Append, Appended, Install


class _Progress:
    """How far one node's log is known to equal the DC's."""

    __slots__ = ("incarnation_token", "matched", "needs_all", "needs_install", "sent_ms")

    def __init__(self) -> None:
        self.matched: int | None = None
        self.incarnation_token = ""
        self.needs_all = False
        self.needs_install = False
        self.sent_ms: Millis = -1_000_000


class Leading:
    """The DC's side: orders entries of its own epoch, and counts who has them on disk."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.epoch: Epoch = standing.epoch
        self._progress: dict[NodeId, _Progress] = {}
        self._first_serial = standing.log.version.serial + 1
        """Serial of the barrier: only entries from here on are counted by copies."""

    @property
    def has_barrier(self) -> bool:
        """Is an entry of this epoch acknowledged?"""
        return self._standing.log.acknowledged.serial >= self._first_serial

    def order(self, change: Change, wall_ms: int) -> Version:
        """Append an entry of this epoch. It is sent and stored; `acknowledge` tells when it counts."""
        standing = self._standing
        tail = standing.log.tail
        cib = change.cib if isinstance(change, Founding) else (tail.cib if tail is not None else Cib())
        if isinstance(change, Commit):
            cib = apply(cib, change.edits)
        version = Version(self.epoch, standing.log.version.serial + 1)
        entry = Entry(
            version=version,
            change=change,
            previous=tail.entry if tail is not None else "",
            document=digest(cib),
            at_ms=wall_ms,
        )
        standing.append(entry)
        return version

    def begin(self, wall_ms: int, *, founding: Founding | None, alone: ElectorateChange | None) -> None:
        """The first entry of the office: the founding, the claim's electorate of one, or a barrier."""
        self.order(founding or alone or Barrier(), wall_ms)

    def matched(self, node: NodeId) -> int | None:
        """Serial up to which a node's disk is known to equal this log; None: not known."""
        found = self._progress.get(node)
        return found.matched if found is not None else None

    def holders(self, serial: int) -> frozenset[NodeId]:
        """Voters that have everything up to this serial on disk."""
        standing = self._standing
        names = {
            node
            for node, progress in self._progress.items()
            if progress.matched is not None
            and progress.matched >= serial
            and standing.membership.incarnation(node).token == progress.incarnation_token
            and not standing.is_forgetful(node)
        }
        if standing.stored_serial >= serial and standing.may_vote:
            names.add(standing.node)
        return standing.disk.vouches(self.epoch, serial) | names

    def ask_disk(self) -> None:
        """Have the quorum disk vouch for what is stored here, where the nodes in contact are no quorum without it.

        Not before: if this node then died, nobody who lacks the entry could ever be DC, though nobody was told of it.
        """
        standing = self._standing
        serial = standing.stored_serial
        if serial < self._first_serial or serial <= standing.log.acknowledged.serial or not standing.may_vote:
            return
        nodes = standing.reliable
        if not standing.has_quorum(nodes) and standing.has_quorum(standing.disk.name | nodes):
            standing.disk.vouch(standing.log.point(serial)[0])

    def acknowledge(self) -> tuple[Entry, ...]:
        """Raise the acknowledged version as far as a quorum has stored it; the entries newly acknowledged."""
        standing = self._standing
        newest = standing.log.version.serial
        low, high = max(standing.log.acknowledged.serial + 1, self._first_serial), newest
        best = 0
        while low <= high:
            middle = (low + high) // 2
            if standing.has_quorum(self.holders(middle)):
                best, low = middle, middle + 1
            else:
                high = middle - 1
        if not best:
            return ()
        entries = standing.log.acknowledge(standing.log.point(best)[0])
        if entries:
            standing.persist(Persist(token=0, acknowledged=standing.log.acknowledged))
        return entries

    def send(self, now: Millis, peer: NodeId) -> None:
        """Send a peer what it lacks, or an empty message that keeps it informed."""
        standing = self._standing
        progress = self._fresh(peer)
        progress.sent_ms = now
        log = standing.log
        if progress.needs_install and log.base is not None:
            standing.send(peer, Install(log.base, log.acknowledged))
            return
        serial = log.version.serial if progress.matched is None else progress.matched
        if progress.needs_all:
            serial = log.base_serial
        serial = max(serial, log.base_serial)
        version, entry_digest = log.point(serial)
        standing.send(peer, Append(version, entry_digest, log.entries_after(serial), log.acknowledged))

    def is_due(self, now: Millis, peer: NodeId) -> bool:
        """Has nothing been sent to the peer for a deadtime?"""
        return now >= self.due_ms(peer)

    def due_ms(self, peer: NodeId) -> Millis:
        """When the peer has to be told again."""
        return self._fresh(peer).sent_ms + self._standing.settings.deadtime_ms

    def on_appended(self, now: Millis, peer: NodeId, answer: Appended) -> None:
        """A peer stored something, or its log is another."""
        standing = self._standing
        progress = self._fresh(peer)
        log = standing.log
        serial = answer.stored.serial
        if answer.matches:
            is_here = log.base_serial <= serial <= log.version.serial and log.point(serial)[0] == answer.stored
            if not is_here:
                return
            standing.has_log(peer)
            progress.matched = max(progress.matched or 0, serial)
            progress.needs_all = progress.needs_install = False
            if progress.matched < log.version.serial:
                self.send(now, peer)
            return
        progress.matched = None
        is_before_base = serial < log.base_serial or answer.refused.serial <= log.base_serial
        if log.base is not None and is_before_base:
            # Not for a refusal that was on its way when everything was sent: a checkpoint lowers what is stored.
            progress.needs_install = True
        progress.needs_all = True
        self.send(now, peer)

    def _fresh(self, peer: NodeId) -> _Progress:
        """The peer's progress; forgotten when it is a new incarnation."""
        token = self._standing.membership.incarnation(peer).token
        progress = self._progress.get(peer)
        if progress is None or progress.incarnation_token != token:
            progress = self._progress[peer] = _Progress()
            progress.incarnation_token = token
        return progress


class Following:
    """A member's side: stores what the DC sends."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.history_lost = False
        """Acknowledged entries were set aside: resources have to be stopped before this node joins."""

    def on_append(self, peer: NodeId, epoch: Epoch, message: Append) -> tuple[Entry, ...]:
        """Store the entries; answer when they are on disk. Returns the entries newly acknowledged."""
        standing = self._standing
        log = standing.log
        is_voter = standing.is_voter
        standing.accept(epoch)
        standing.has_log(peer)
        is_start = message.previous == NO_VERSION and not message.previous_digest
        if message.previous.serial < log.base_serial:
            message = self._behind_base(message)
        elif not (log.has(message.previous, message.previous_digest) or (is_start and log.base is None)):
            standing.send(peer, Appended(log.version, matches=False, refused=message.previous))
            return ()
        write = self._store(message, is_voter=is_voter)
        last = message.entries[-1].version if message.entries else message.previous
        if last.serial < log.base_serial:
            standing.send(peer, Appended(log.version, matches=False))
            return ()
        acknowledged = log.acknowledge(min(message.acknowledged, last))
        if acknowledged:  # On disk before it is shown: the applied version does not go back at a restart either.
            write = msgspec.structs.replace(write or Persist(token=0), acknowledged=log.acknowledged)
        if write is not None:
            standing.persist(write)
        self._take_effect(acknowledged)
        self._readmit_early()
        standing.send(peer, Appended(last, matches=True))
        return acknowledged

    def on_install(self, peer: NodeId, epoch: Epoch, message: Install) -> tuple[Entry, ...]:
        """Take the DC's checkpoint in place of one's own log, which is set aside."""
        standing = self._standing
        log = standing.log
        standing.accept(epoch)
        standing.has_log(peer)
        if log.has(message.checkpoint.version, message.checkpoint.entry):
            standing.send(peer, Appended(message.checkpoint.version, matches=True))
            return ()
        was_empty = log.is_empty
        if _is_lost_by(message.checkpoint, log.acknowledged):
            self._lose_history()
        log.install(message.checkpoint)
        if was_empty:
            standing.may_vote = False
        standing.on_truncated()
        standing.persist(
            Persist(
                token=0,
                checkpoint=message.checkpoint,
                replaces_log=True,
                acknowledged=log.acknowledged,
                may_vote=standing.may_vote,
            )
        )
        standing.send(peer, Appended(message.checkpoint.version, matches=True))
        return ()

    def _behind_base(self, message: Append) -> Append:
        """The part of a message that lies behind this log's base (what lies before it is acknowledged and equal)."""
        base = self._standing.log.base
        assert base is not None
        rest = tuple(entry for entry in message.entries if entry.version.serial > base.version.serial)
        return Append(base.version, base.entry, rest, message.acknowledged)

    def _store(self, message: Append, *, is_voter: bool) -> Persist | None:
        """Take the entries that are new; returns what has to be written."""
        standing = self._standing
        log = standing.log
        fresh = [e for e in message.entries if log.digest_at(e.version) is None]
        if not fresh:
            return None
        was_empty = log.is_empty
        before = fresh[0].version.serial - 1
        truncate_after: Version | None = None
        if log.version.serial > before:
            if log.acknowledged.serial > before:
                self._lose_history()
            log.truncate_after(before)
            standing.on_truncated()
            truncate_after = log.version
        tail_digest = log.tail.entry if log.tail is not None else ""
        if fresh[0].previous != tail_digest:
            standing.note("log.fault", version=str(log.version))
            standing.notices["log-fault"] = f"equal versions with different digests at {log.version}"
            return None
        for entry in fresh:
            log.append(entry)
        if was_empty:  # A founder has lost nothing; another empty store may have.
            standing.may_vote = is_voter
        may_vote = standing.may_vote if was_empty else None
        return Persist(token=0, truncate_after=truncate_after, entries=tuple(fresh), may_vote=may_vote)

    def _lose_history(self) -> None:
        standing = self._standing
        self.history_lost = True
        standing.notices["history-lost"] = (
            f"history lost: entries up to {standing.log.acknowledged} were acknowledged here and not in the cluster; "
            "they are set aside in this node's store"
        )
        standing.note("log.history-lost", version=str(standing.log.acknowledged))

    def _take_effect(self, entries: tuple[Entry, ...]) -> None:
        standing = self._standing
        tail = standing.log.tail
        is_member = tail is not None and standing.node in tail.electorate.votes and len(tail.electorate.votes) > 1
        if standing.log.is_settled and is_member:
            standing.in_sync = True
        for entry in entries:
            self._readmit(entry)

    def _readmit_early(self) -> None:
        """Who is added may be needed to acknowledge that it is: of two nodes both are.

        The electorate without it is acknowledged: whatever it forgot can make no quorum any more, so it counts from
        here on. Who voted for it before and stored that electorate since gives no vote to a log that lacks it.
        """
        standing = self._standing
        log, tail = standing.log, standing.log.tail
        if standing.may_vote or tail is None:
            return
        is_added = standing.node in tail.electorate.votes and standing.node not in tail.previous_electorate.votes
        changes = [e.version for e in log.entries if isinstance(e.change, ElectorateChange)]
        before = changes[-2] if len(changes) > 1 else NO_VERSION  # In the base, if not in the entries.
        if is_added and before <= log.acknowledged:
            standing.may_vote = True
            standing.persist(Persist(token=0, may_vote=True))

    def _readmit(self, entry: Entry) -> None:
        """An acknowledged electorate that adds this node makes it an ordinary voter again."""
        standing = self._standing
        change = entry.change
        if not isinstance(change, ElectorateChange) or standing.may_vote:
            return
        tail = standing.log.tail
        is_added = (
            tail is not None
            and entry.version == tail.electorate_version
            and standing.node in change.electorate.votes
            and standing.node not in tail.previous_electorate.votes
        )
        if is_added:
            standing.may_vote = True
            standing.persist(Persist(token=0, may_vote=True))


def _is_lost_by(checkpoint: Checkpoint, acknowledged: Version) -> bool:
    """Does a DC's checkpoint lack what was acknowledged here: is it shorter, or did a force-start go another way?"""
    forks = (forced for forced in checkpoint.forced if forced.serial <= acknowledged.serial)
    is_shorter = acknowledged.serial > checkpoint.version.serial
    return acknowledged > NO_VERSION and (is_shorter or any(acknowledged < forced for forced in forks))
