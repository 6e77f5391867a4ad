"""The quorum disk's vote: bid for, held in office, vouched by (DESIGN.md 3.2, Arbiters; SAFETY.md 3, 4, 33, 38).

The disk is a voter with a memory but no log. A round writes this node's own sector and then reads all others; whatever
counts, counts by what was read after it was written, so that of two nodes at least one sees the other. A candidate
gets the vote for a number that no other sector promises or exceeds, if no sector vouches for a version newer than its
own. A DC's entry is vouched for if no other sector promises a higher number. Everything here is one node's part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hashelld.core.effects import DiskRound, Persist
from hashelld.core.events import DiskFailed, DiskRead
from hashelld.core.quorum import arbiter_of
from hashelld.model.duration import format_duration
from hashelld.model.ids import NO_VERSION, Epoch, Millis, NodeId, Version
from hashelld.wire.log import DISK
from hashelld.wire.sector import COPIES, DiskHeader, Sector


if TYPE_CHECKING:
    from hashelld.core.standing import Standing

NOTICE: Final = "quorum-disk"
STILL_ROUNDS: Final = 3
"""A DC whose counter stood still for so many intervals is taken for gone, where its vote is asked for."""
STALE_ROUNDS: Final = 2
"""What was read longer ago than so many intervals tells nothing of who is alive."""
NO_VOTE: Final[frozenset[NodeId]] = frozenset()


class _Seen(msgspec.Struct):
    """What moved last in another's sector."""

    mark: tuple[int, str]
    moved_ms: Millis


class DiskVote:
    """Feed it rounds and time. Its sets of names are the disk as a voter, or empty: they are added to those of nodes.

    `likely`: a pre-vote says yes. `held`: this node is in office and the disk has promised nobody a higher number.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._settings = standing.settings.disk
        self.uuid = ""
        """Of the disk that was read; empty: none was yet."""
        self.likely = NO_VOTE
        self.held = NO_VOTE
        self.is_deposed = False
        """In office, and the disk promised a higher number to another."""
        self._token = 0
        self._began_ms: Millis | None = None
        """When the round under way began."""
        self._due_ms: Millis = standing.started_ms
        self._written: Sector | None = None
        self._said: Sector | None = None
        """The newest that was written, or tried; None: one's own place was not read yet."""
        self._confirmed = 0
        """Counter of the newest own sector that was read back."""
        self._read_ms: Millis | None = None
        self._sectors: tuple[Sector | None, ...] = ()
        self._seen: dict[int, _Seen] = {}
        self._problem = ""
        self._office: Epoch | None = None
        self._held_ms: Millis | None = None
        self._bid: int | None = None
        self._granted: tuple[int, Millis] | None = None
        self._wanted = NO_VERSION
        self._vouched: tuple[Epoch, Version] | None = None
        self._is_urgent = False

    # -- what others ask

    @property
    def name(self) -> frozenset[NodeId]:
        """The disk as a voter; empty while none can be used."""
        return frozenset({NodeId(DISK + self.uuid)}) if self.uuid and not self._problem else NO_VOTE

    @property
    def is_answering(self) -> bool:
        """Did a round succeed lately?"""
        return self._read_ms is not None and not self._problem

    @property
    def allows_founding(self) -> bool:
        """No disk, or one that was read and remembers no cluster."""
        if self._settings is None:
            return True
        blanks = (found is not None and not found.cluster and not found.vouched.serial for found in self._sectors)
        return bool(self.name) and bool(self._sectors) and all(blanks)

    def granted(self, number: int) -> frozenset[NodeId]:
        """The disk, if it voted for this node with this number."""
        return self._named if self._granted is not None and self._granted[0] == number else NO_VOTE

    def vouches(self, epoch: Epoch, serial: int) -> frozenset[NodeId]:
        """The disk, if it vouches for an entry of this epoch's DC, this one or a later one."""
        found = self._vouched
        is_enough = found is not None and found[0] == epoch and found[1].serial >= serial
        return self._named if is_enough else NO_VOTE

    def is_held_since(self, moment: Millis) -> bool:
        """Has a round that began then or later shown that the disk is still this DC's? If not, one is asked for."""
        is_held = self._held_ms is not None and self._held_ms >= moment
        self._is_urgent = self._is_urgent or not is_held
        return is_held

    def bid(self, number: int) -> None:
        """Ask for the disk's vote; this node's own vote for the number is on its disk already."""
        is_asked = self._bid == number or (self._said is not None and number <= self._said.promised.number)
        if not is_asked:
            self._bid, self._granted, self._is_urgent = number, None, True
            self._standing.note("disk.bid", number=number)

    def vouch(self, version: Version) -> None:
        """Ask the disk to vouch for an entry of one's own epoch that is on this node's disk."""
        if version > self._wanted:
            self._wanted, self._is_urgent = version, True

    # -- what happens

    def on_office(self, epoch: Epoch | None) -> None:
        """This node took office in this epoch; or (None) has none."""
        if epoch == self._office:
            return
        has_vote = epoch is not None and self._granted is not None and self._granted[0] == epoch.number
        self._held_ms = self._granted[1] if has_vote and self._granted is not None else None
        self._office, self._bid, self._granted, self._vouched = epoch, None, None, None
        self._wanted, self.is_deposed, self._is_urgent = NO_VERSION, False, True
        self.held = self._named if has_vote else NO_VOTE

    def on_gap(self) -> None:
        """This node did not run: what it read is old."""
        self._read_ms, self._held_ms = None, None
        self.likely = self.held = NO_VOTE
        self._seen.clear()

    def on_answer(self, now: Millis, answer: DiskRead | DiskFailed) -> None:
        """A round ended."""
        if isinstance(answer, DiskRead):
            self.on_read(now, answer)
        else:
            self.on_failed(now, answer)

    def on_failed(self, now: Millis, failed: DiskFailed) -> None:
        """A round came to nothing."""
        if self._settings is None or failed.token != self._token:
            return
        self._began_ms, self._written = None, None
        self._due_ms = now + self._settings.interval_ms
        self._fault(failed.reason)

    def on_read(self, now: Millis, read: DiskRead) -> None:
        """A round is done. Everything that counts is decided here."""
        if self._settings is None or read.token != self._token or self._began_ms is None:
            return
        began_ms, written = self._began_ms, self._written
        self._began_ms, self._written = None, None
        self._due_ms = max(now, began_ms + self._settings.interval_ms)
        place = self._settings.place
        if read.header.uuid != self.uuid:
            self._begin_anew(read.header.uuid)
        problem = self._misfit(read, place)
        own = read.sectors[place] if place < len(read.sectors) else None
        if not problem and own is not None and own.node not in ("", self._standing.node):
            problem = f"place {place + 1} belongs to {own.node}; the order of [[nodes]] must not change"
            self._said = None
        if not problem and written is not None and own != written:
            problem = f"place {place + 1} does not hold what this node wrote"
        if problem:
            self._fault(problem)
            return
        self._sectors = read.sectors
        if self._said is None and not self._learn(own):
            self._fault("this node's own sector is unreadable, and it does not know what it vouched for")
            return
        if written is not None:
            self._confirmed = written.counter
        unreadable = [number for number, found in enumerate(read.sectors, 1) if found is None and number != place + 1]
        if unreadable:
            self._fault(f"the sector at place {unreadable[0]} is unreadable; without it nobody gets the disk's vote")
            return
        self._look(now, began_ms)
        self._mend(read.header)
        if written is not None:
            self._decide(began_ms, written)

    def _misfit(self, read: DiskRead, place: int) -> str:
        """Why this disk is not this cluster's; empty: it is."""
        uuid, header = read.header.uuid, read.header
        wanted = self._electorate_disks()
        if not wanted:
            return "it is no part of the electorate: hashelld.toml names it, who votes is said by the cluster's log"
        if DISK + uuid not in wanted:
            told = " or ".join(sorted(name.removeprefix(DISK) for name in wanted))
            return f"it is another disk: its uuid is {uuid}, the electorate's is {told}"
        if header.cluster and header.cluster != self._standing.settings.cluster_name:
            return f"it was created for the cluster '{header.cluster}'"
        return "" if place < len(read.sectors) else f"it has places for {header.places} nodes only"

    def _electorate_disks(self) -> frozenset[str]:
        """The quorum disks that vote; before a cluster is founded, the one that its founders see."""
        standing = self._standing
        tail = standing.log.tail
        if tail is None:
            return frozenset({DISK + self.uuid})
        names = {standing.electorate.arbiter}
        if not standing.log.is_settled:
            names.add(tail.previous_electorate.arbiter)
        return frozenset(name for name in names if name is not None and name.startswith(DISK))

    def _begin_anew(self, uuid: str) -> None:
        """The first disk that is read, or another one: what the one before said counts for nothing with it."""
        self.uuid, self._said, self._confirmed = uuid, None, 0
        self._bid = self._granted = self._vouched = self._held_ms = None
        self._wanted = NO_VERSION
        self._seen.clear()

    def _learn(self, own: Sector | None) -> bool:
        """What the disk remembers of this node, when it is first read in this incarnation; False: nobody knows."""
        standing = self._standing
        if own is None:
            if not standing.may_vote:
                return False
            # It never vouched for more than its store holds, nor promised more (a node stores first).
            promised = Epoch(standing.promised, standing.node)
            own = Sector(node=standing.node, counter=COPIES, promised=promised, vouched=standing.log.version)
        self._said, self._confirmed = own, own.counter
        standing.highest = max(standing.highest, own.promised.number)
        is_older = own.incarnation.counter > standing.incarnation.counter or (
            own.incarnation.counter == standing.incarnation.counter
            and own.incarnation.token not in ("", standing.incarnation.token)
        )
        remembered = max(own.stored, own.vouched)
        if is_older or remembered > standing.log.version or own.promised.number > standing.promised:
            standing.note("disk.forgetful", stored=str(standing.log.version), remembered=str(remembered))
            if standing.may_vote:
                standing.may_vote = False
                standing.persist(Persist(token=0, may_vote=False))
        return True

    def _look(self, now: Millis, began_ms: Millis) -> None:
        """Whose counter moves? What stood still while this node did not look counts as moving."""
        assert self._settings is not None
        is_gap = self._read_ms is None or now - self._read_ms > 2 * STALE_ROUNDS * self._settings.interval_ms
        self._read_ms = began_ms
        for place, found in self._others():
            mark = (found.counter, found.incarnation.token)
            seen = self._seen.get(place)
            if seen is None or seen.mark != mark or is_gap:
                self._seen[place] = _Seen(mark, now)
        if self._has_vote:
            self._standing.highest = max(self._standing.highest, self._promised())

    def _decide(self, began_ms: Millis, written: Sector) -> None:
        """What the round decides: written first, then read; and everything was readable."""
        standing = self._standing
        promised = self._promised()
        if self._bid is not None and written.promised == Epoch(self._bid, standing.node):
            is_granted = promised < self._bid and self._newest_vouched() <= standing.log.version
            standing.note("disk.granted" if is_granted else "disk.refused", number=self._bid)
            self._granted = (self._bid, began_ms) if is_granted else None
            self._bid = None
        if self._office is None or written.promised != self._office:
            return
        if promised > self._office.number:
            self.is_deposed, self._held_ms = self._has_vote, None
            return
        self._held_ms = began_ms
        if written.vouched.epoch == self._office:
            self._vouched = (self._office, written.vouched)

    # -- time

    def on_time(self, now: Millis) -> None:
        """What lapses by time."""
        settings = self._settings
        if settings is None:
            self._tell_missing()
            return
        if self._began_ms is not None and now - self._began_ms > STALE_ROUNDS * settings.interval_ms:
            self._fault("it does not answer")
        if self._held_ms is not None and now - self._held_ms >= settings.lapse_ms:
            self._held_ms = None
        self.held = self._named if self._held_ms is not None and self._office is not None else NO_VOTE
        self.likely = self._named if self._is_likely(now) else NO_VOTE

    def _is_likely(self, now: Millis) -> bool:
        """A pre-vote: no quorate DC is alive on the disk, and nothing is vouched for that this node lacks."""
        settings, standing, read_ms = self._settings, self._standing, self._read_ms
        if settings is None or read_ms is None or self._problem or standing.log.is_empty or not standing.may_vote:
            return False
        if self._said is None or now - read_ms > STALE_ROUNDS * settings.interval_ms:
            return False
        if self._newest_vouched() > standing.log.version:
            return False
        still_ms = STILL_ROUNDS * settings.interval_ms
        return all(
            not found.is_quorate_dc or read_ms - self._seen[place].moved_ms >= still_ms
            for place, found in self._others()
        )

    def go_on(self, now: Millis) -> None:
        """Begin a round, when one is due or something is asked."""
        settings = self._settings
        if settings is None or self._began_ms is not None:
            return
        is_asked = self._is_urgent and not self._problem and self._said is not None
        if now < self._due_ms and not is_asked:
            return
        self._token += 1
        self._began_ms, self._written, self._is_urgent = now, self._next_sector(), False
        uuid = self.uuid if self._written is not None else ""
        self._standing.emit(DiskRound(token=self._token, uuid=uuid, place=settings.place, sector=self._written))

    def _next_sector(self) -> Sector | None:
        """What is to be said; None where nothing may be written (yet)."""
        standing, said = self._standing, self._said
        if said is None or DISK + self.uuid not in self._electorate_disks() or said.node not in ("", standing.node):
            return None
        promised = said.promised
        if self._bid is not None and standing.is_promise_stored and standing.promised == self._bid:
            promised = max(promised, Epoch(self._bid, standing.node))
        if self._office is not None:
            promised = max(promised, self._office)
        # A write that was not read back leaves its copy in doubt: the next one goes to the same, the other is good.
        step = 1 if said.counter == self._confirmed else COPIES
        self._said = Sector(
            node=standing.node,
            cluster=standing.cluster,
            counter=said.counter + step,
            incarnation=standing.incarnation,
            promised=promised,
            vouched=max(said.vouched, self._wanted),
            stored=said.stored if standing.is_writing else max(said.stored, standing.log.version),
            is_quorate_dc=self._office is not None,
        )
        return self._said

    def deadline(self) -> Millis | None:
        """When something is due by time alone."""
        settings = self._settings
        if settings is None:
            return None
        moments = [self._due_ms] if self._began_ms is None else []
        if self._began_ms is not None and not self._problem:
            moments.append(self._began_ms + STALE_ROUNDS * settings.interval_ms + 1)
        if self._held_ms is not None:
            moments.append(self._held_ms + settings.lapse_ms)
        return min(moments, default=None)

    # -- small

    @property
    def _named(self) -> frozenset[NodeId]:
        """The disk as a voter, also while a round is overdue: what lapses, lapses by time."""
        return frozenset({NodeId(DISK + self.uuid)}) if self.uuid else NO_VOTE

    @property
    def _has_vote(self) -> bool:
        return arbiter_of(self._standing.electorate) in self._named

    def _others(self) -> list[tuple[int, Sector]]:
        """The sectors of other nodes that are readable."""
        assert self._settings is not None
        own = self._settings.place
        return [(at, found) for at, found in enumerate(self._sectors) if found is not None and found.node and at != own]

    def _promised(self) -> int:
        """The highest number that any other sector promises."""
        return max((found.promised.number for _, found in self._others()), default=0)

    def _newest_vouched(self) -> Version:
        """The newest version that any sector, one's own too, vouches for."""
        return max((found.vouched for found in self._sectors if found is not None), default=NO_VERSION)

    def _fault(self, problem: str) -> None:
        """Nothing that was read counts for anything new; what is held lapses by time."""
        if problem != self._problem:
            self._standing.note("disk.problem", reason=problem)
        self._problem = problem
        self._read_ms = None
        path = self._settings.path if self._settings is not None else ""
        self._standing.notices[NOTICE] = f"the quorum disk {path} has no vote here: {problem}"

    def _tell_missing(self) -> None:
        notices, arbiter = self._standing.notices, self._standing.electorate.arbiter
        if arbiter is not None and arbiter.startswith(DISK):
            told = (
                f"the electorate counts on the quorum disk {arbiter.removeprefix(DISK)}; hashelld.toml names none here"
            )
            notices[NOTICE] = told
        else:
            notices.pop(NOTICE, None)

    def _mend(self, header: DiskHeader) -> None:
        settings, notices = self._settings, self._standing.notices
        assert settings is not None
        if self._problem:
            self._standing.note("disk.answers", uuid=self.uuid)
        self._problem = ""
        if (header.interval_ms, header.tko) == (settings.interval_ms, settings.tko):
            notices.pop(NOTICE, None)
        else:
            made = f"interval {format_duration(header.interval_ms)} and tko {header.tko}"
            notices[NOTICE] = f"the quorum disk {settings.path} was made for {made}; hashelld.toml says otherwise"
