"""Power fails while the store writes: of what was not synced any sectors are on the disk, in any order, or none.

The store's files are kept as they are after each write that was reported done. A crash amid the next write leaves all
of these, and of every sector that the next write changed either the old or the new bytes; the file may have its old
length, its new one, or one between.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hashelld.core.effects import Persist
from hashelld.core.events import Event, Persisted
from hashelld.io.store import FILE_NAME, Store
from hashelld.model.ids import NodeId
from hashelld.wire.log import Entry
from tests.io.build import CLOCK, until
from tests.io.test_store import again, log


WRITES = 24
CRASHES = 6
"""Of every write, each with other sectors."""
SECTOR_BYTES = 512
ENDINGS = ("", "-wal")
Image = tuple[bytes, ...]


def image(directory: Path) -> Image:
    """The store's files as they are."""
    paths = [directory / f"{FILE_NAME}{ending}" for ending in ENDINGS]
    return tuple(path.read_bytes() if path.exists() else b"" for path in paths)


def write_all(directory: Path, entries: tuple[Entry, ...]) -> list[Image]:
    """The files before the first of these entries, and after each, with a promise and a vote of its serial."""
    store = Store(str(directory), CLOCK)
    store.load()
    images = [image(directory)]
    reports: list[Event] = []
    store.start(reports.append)
    for number, entry in enumerate(entries, 1):
        job = Persist(token=number, entries=(entry,), promised=number, voted=NodeId(f"n{number}"))
        store.write(job)
        until(lambda number=number: len(reports) == number)
        images.append(image(directory))
    assert reports == [Persisted(number) for number in range(1, len(entries) + 1)]
    store.close()
    return images


def torn(synced: bytes, written: bytes, chance: random.Random) -> bytes:
    """A file when the power failed amid a write."""
    long = chance.choice((len(synced), len(written), chance.randint(len(synced), max(len(synced), len(written)))))
    found = bytearray(synced[:long].ljust(long, b"\0"))
    share = chance.choice((0.1, 0.5, 0.9, 1.0))
    for at in range(0, min(long, len(written)), SECTOR_BYTES):
        if chance.random() < share:
            end = min(at + SECTOR_BYTES, long)
            found[at:end] = written[at:end]
    return bytes(found)


@pytest.mark.parametrize("seed", range(3))
def test_what_was_told_is_there_and_nothing_by_halves(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    entries = log(WRITES)
    images = write_all(tmp_path / "live", entries)
    outcomes = set()
    for done in range(WRITES):
        synced, written = images[done], images[done + 1]
        if synced[0] != written[0]:
            continue  # A checkpoint of the write-ahead log: several syncs in a row, each of them waited for.
        for crash in range(CRASHES):
            place = tmp_path / f"crash-{done}-{crash}"
            place.mkdir(mode=0o700)
            for ending, before, after in zip(ENDINGS, synced, written, strict=True):
                path = place / f"{FILE_NAME}{ending}"
                path.write_bytes(before if not ending else torn(before, after, chance))
                path.chmod(0o600)
            stored = again(place)
            found = len(stored.entries)
            assert not stored.was_set_aside
            assert found in (done, done + 1), f"{done} writes were reported done"
            assert stored.entries == entries[:found]
            vote = NodeId(f"n{found}") if found else None
            assert (stored.promised, stored.voted) == (found, vote), "one write is one write"
            outcomes.add(found - done)
    assert outcomes == {0, 1}
