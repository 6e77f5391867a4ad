"""One contract for the real quorum disk and for the simulator's: a round writes one's own copy, then reads all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hashelld.core.effects import DiskRound
from hashelld.core.events import DiskFailed, DiskRead, Event
from hashelld.io.qdisk import QuorumDisk
from hashelld.model.ids import Epoch, NodeId, Version
from hashelld.wire.sector import BLOCK_BYTES, DiskHeader, Sector, copy_of, image, image_bytes, offset_of
from tests.sim.qdisk import UUID
from tests.sim.qdisk import QuorumDisk as SimulatedDisk
from tests.sim.timeline import Timeline


NAMES = (NodeId("n1"), NodeId("n2"), NodeId("n3"))
HEADER = DiskHeader(uuid=UUID, cluster="sim", places=3, interval_ms=500, tko=8, created_ms=0)
LIMIT_S = 20.0


class Simulated:
    """Rounds on the simulator's disk, each run to its end."""

    def __init__(self) -> None:
        self._timeline = Timeline(1)
        self._disk = SimulatedDisk(self._timeline, NAMES, "sim")

    @property
    def data(self) -> bytes:
        return bytes(self._disk.data)

    def replace(self, at: int, block: bytes) -> None:
        self._disk.data[at : at + len(block)] = block

    def do(self, by: int, asked: DiskRound) -> DiskRead | DiskFailed:
        found: list[DiskRead | DiskFailed] = []
        self._disk.begin(NAMES[by], asked, found.append)
        self._timeline.run_until(self._timeline.now + 1_000)
        return found[0]


class Real:
    """Rounds on a file, by the daemon's own code, each node with a handle of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "qdisk"
        self.path.write_bytes(image(HEADER))
        self._disks = [QuorumDisk(str(self.path)) for _ in NAMES]

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    def replace(self, at: int, block: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(at)
            file.write(block)

    def do(self, by: int, asked: DiskRound) -> DiskRead | DiskFailed:
        return self._disks[by].do(asked)


Disk = Simulated | Real


@pytest.fixture(params=["simulated", "real", "real in memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "simulated":
        yield Simulated()
    elif request.param == "real":
        yield Real(tmp_path)
    else:  # tmpfs, which (before Linux 6.6) knows no O_DIRECT.
        folder = Path("/dev/shm") / f"hashell-{os.getpid()}"
        folder.mkdir()
        try:
            yield Real(folder)
        finally:
            (folder / "qdisk").unlink(missing_ok=True)
            folder.rmdir()


def said(by: int, counter: int, serial: int = 0) -> Sector:
    epoch = Epoch(counter, NAMES[by])
    return Sector(node=NAMES[by], counter=counter, promised=epoch, vouched=Version(epoch, serial))


def write(by: int, sector: Sector | None, uuid: str = UUID) -> DiskRound:
    return DiskRound(token=7, uuid=uuid, place=by, sector=sector)


def read(disk: Disk, by: int = 0) -> tuple[Sector | None, ...]:
    found = disk.do(by, DiskRound(token=8))
    assert isinstance(found, DiskRead)
    assert (found.token, found.header) == (8, HEADER)
    return found.sectors


def test_a_new_disk_has_places_for_everybody(disk: Disk) -> None:
    before = disk.data
    assert read(disk) == (Sector(),) * 3
    assert disk.data == before, "a round without a sector writes nothing"


def test_what_is_written_is_read_in_the_same_round(disk: Disk) -> None:
    for counter in range(1, 5):
        found = disk.do(1, write(1, said(1, counter, counter)))
        assert isinstance(found, DiskRead)
        assert found.sectors == (Sector(), said(1, counter, counter), Sector())
    assert read(disk, 2) == (Sector(), said(1, 4, 4), Sector())


def test_copies_are_written_by_turns(disk: Disk) -> None:
    for counter in (1, 2, 3):
        before = disk.data
        disk.do(0, write(0, said(0, counter)))
        after = disk.data
        changed = [
            at for at in range(0, len(after), BLOCK_BYTES) if before[at:][:BLOCK_BYTES] != after[at:][:BLOCK_BYTES]
        ]
        assert changed == [offset_of(0, copy_of(counter))]


def test_each_sees_what_the_others_wrote(disk: Disk) -> None:
    for by in range(3):
        disk.do(by, write(by, said(by, 10 + by)))
    assert read(disk, 1) == tuple(said(by, 10 + by) for by in range(3))


def test_nothing_is_written_to_another_disk(disk: Disk) -> None:
    before = disk.data
    found = disk.do(0, write(0, said(0, 1), uuid="mine"))
    assert isinstance(found, DiskFailed)
    assert "another disk" in found.reason
    assert disk.data == before


def test_an_unreadable_sector_is_none(disk: Disk) -> None:
    disk.do(1, write(1, said(1, 3)))
    disk.do(1, write(1, said(1, 4)))
    disk.replace(offset_of(1, copy_of(4)) + 40, b"\xff")
    assert read(disk)[1] == said(1, 3)
    disk.replace(offset_of(1, copy_of(3)) + 40, b"\xff")
    assert read(disk)[1] is None


def test_a_header_that_is_gone_fails_the_round(disk: Disk) -> None:
    disk.replace(0, bytes(BLOCK_BYTES))
    assert isinstance(disk.do(0, DiskRound(token=1)), DiskFailed)
    assert isinstance(disk.do(0, write(0, said(0, 1))), DiskFailed)


# -- the real one alone


def make_missing(path: Path) -> None:
    path.unlink()


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (make_missing, "No such file"),
        (make_folder, "Is a directory"),
        (make_fifo, "neither a file nor a block device"),
        (lambda path: path.write_bytes(b""), "too short"),
        (lambda path: path.write_bytes(b"#!/bin/sh\n" * 1000), "no quorum disk"),
        (lambda path: path.write_bytes(bytes(BLOCK_BYTES)), "nothing but zeros"),
    ],
)
def test_what_is_no_disk_is_told_and_tried_again(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    real = Real(tmp_path)
    spoil(real.path)
    found = real.do(0, DiskRound(token=3))
    assert isinstance(found, DiskFailed)
    assert words in found.reason
    if real.path.is_dir():
        real.path.rmdir()
    real.path.unlink(missing_ok=True)
    real.path.write_bytes(image(HEADER))
    assert read(real) == (Sector(),) * 3


def test_a_disk_that_shrinks_has_unreadable_places(tmp_path: Path) -> None:
    real = Real(tmp_path)
    assert read(real) == (Sector(),) * 3
    os.truncate(real.path, image_bytes(2))
    assert read(real) == (Sector(), Sector(), None)


def test_the_thread_does_rounds_in_order(tmp_path: Path) -> None:
    Real(tmp_path)
    found: list[Event] = []
    is_done = threading.Event()

    def report(event: Event) -> None:
        found.append(event)
        if len(found) == 5:
            is_done.set()

    disk = QuorumDisk(str(tmp_path / "qdisk"))
    disk.start(report)
    for counter in range(1, 6):
        disk.begin(DiskRound(token=counter, uuid=UUID, place=0, sector=said(0, counter)))
    assert is_done.wait(LIMIT_S)
    disk.close()
    assert [event.token for event in found if isinstance(event, DiskRead)] == [1, 2, 3, 4, 5]
    assert all(isinstance(e, DiskRead) and e.sectors[0] == said(0, e.token) for e in found)
