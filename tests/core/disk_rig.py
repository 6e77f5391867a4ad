"""Node a of a pair before a quorum disk of two places: it writes and reads when a test lets it."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib
from hashelld.core.disk_vote import NOTICE, DiskVote
from hashelld.core.effects import DiskRound, Effect, Stored
from hashelld.core.events import DiskRead
from hashelld.core.settings import DiskSettings, Settings
from hashelld.core.standing import Standing
from hashelld.model.ids import Epoch, Incarnation, Millis, NodeId, Version
from hashelld.wire.log import DISK, Checkpoint, Electorate
from hashelld.wire.sector import DiskHeader, Sector


A, B = NodeId("a"), NodeId("b")
INTERVAL_MS = 1_000
TKO = 8
LAPSE_MS = (TKO - 2) * INTERVAL_MS
VOTER = frozenset({NodeId(DISK + "u1")})
HEADER = DiskHeader(uuid="u1", cluster="c", places=2, interval_ms=INTERVAL_MS, tko=TKO, created_ms=0)
STORED = Version(Epoch(3, B), 20)
"""What node a has in its store."""
NEWER = Version(Epoch(3, B), 21)
PAIR = Electorate(votes={A: 1, B: 1}, arbiter=DISK + "u1")


def checkpoint(electorate: Electorate) -> Checkpoint:
    return Checkpoint(
        version=STORED,
        entry="e",
        cluster="founded",
        cib=Cib(),
        electorate=electorate,
        previous_electorate=electorate,
        electorate_version=STORED,
    )


class Rig:
    """Node a, its disk's two places, and time."""

    def __init__(self, *, electorate: Electorate = PAIR, is_empty: bool = False, promised: int = 3) -> None:
        self.now: Millis = 10_000
        founding = msgspec.structs.replace(PAIR, arbiter=None)
        disk = DiskSettings(place=0, interval_ms=INTERVAL_MS, tko=TKO, path="/dev/q")
        settings = Settings(node=A, cluster_name="c", file_digest="f", founding=founding, disk=disk)
        base = None if is_empty else checkpoint(electorate)
        stored = Stored(incarnation=Incarnation(5, "now"), promised=0 if is_empty else promised, checkpoint=base)
        self.standing = Standing(self.now, settings, stored, lambda low, _: low)
        self.header = HEADER
        self.sectors: list[Sector | None] = [Sector(), Sector(node=B, counter=40)]
        self.written: list[Sector] = []

    @property
    def disk(self) -> DiskVote:
        return self.standing.disk

    @property
    def notice(self) -> str:
        return self.standing.notices.get(NOTICE, "")

    def effects(self) -> list[Effect]:
        """What follows now."""
        self.disk.on_time(self.now)
        self.disk.go_on(self.now)
        return self.standing.take()

    def begun(self) -> DiskRound | None:
        """The round that is begun now, if one is."""
        found = [effect for effect in self.effects() if isinstance(effect, DiskRound)]
        return found[0] if found else None

    def land(self, asked: DiskRound) -> None:
        """Its write is on the disk."""
        if asked.sector is not None:
            self.sectors[asked.place] = asked.sector
            self.written.append(asked.sector)

    def answer(self, asked: DiskRound) -> None:
        """It is read."""
        self.disk.on_read(self.now, DiskRead(asked.token, self.header, tuple(self.sectors)))
        self.disk.on_time(self.now)

    def round(self) -> DiskRound:
        """One that is due, whole."""
        asked = self.begun()
        assert asked is not None
        self.land(asked)
        self.answer(asked)
        return asked

    def later(self, rounds: int = 1, *, b_moves: bool = True) -> None:
        """Regular rounds."""
        for _ in range(rounds):
            self.now += INTERVAL_MS
            if b_moves:
                self.said_by_b()
            self.round()

    def said_by_b(self, **more: object) -> None:
        """B writes its sector."""
        before = self.sectors[1]
        assert before is not None
        self.sectors[1] = msgspec.structs.replace(before, counter=before.counter + 1, **more)

    def stand(self, number: int) -> None:
        """Node a votes for itself; its disk has it."""
        self.standing.promise(number, A)
        self.standing.is_promise_stored = True
        self.disk.bid(number)


def started(**more: object) -> Rig:
    """A node that knows what its place holds, and wrote there."""
    rig = Rig(**more)  # type: ignore[arg-type]
    rig.round()
    rig.later()
    return rig


def in_office(number: int = 4) -> Rig:
    """A DC that holds the disk's vote."""
    rig = started()
    rig.stand(number)
    rig.round()
    rig.disk.on_office(Epoch(number, A))
    rig.round()
    assert rig.disk.held == VOTER
    return rig
