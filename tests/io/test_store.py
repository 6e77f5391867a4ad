"""The contract of the store, on a real disk: in order, atomic, and never wrong data after damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.core.effects import Persist, Remembered, Stored
from hashelld.core.events import Event, Persisted, StoreFailed
from hashelld.io.clock import Clock
from hashelld.io.store import FILE_NAME, Store, StoreUnusable
from hashelld.model.ids import Epoch, Incarnation, NodeId, Version
from hashelld.wire.log import Barrier, Checkpoint, Electorate, Entry, Founding
from tests.io.build import CLOCK, until


A = NodeId("a")
ELECTORATE = Electorate(votes={A: 1})


class LaterClock(Clock):
    """The wall clock, ten seconds later."""

    def wall_ms(self) -> int:
        return super().wall_ms() + 10_000


def version(serial: int, number: int = 1) -> Version:
    return Version(Epoch(number, A), serial)


def log(count: int, number: int = 1, previous: Entry | None = None) -> tuple[Entry, ...]:
    entries = []
    for _ in range(count):
        serial = 1 if previous is None else previous.version.serial + 1
        change = Founding("c", ELECTORATE, Cib()) if previous is None else Barrier()
        before = "" if previous is None else digest(previous)
        previous = Entry(version=version(serial, number), change=change, previous=before, document="d", at_ms=serial)
        entries.append(previous)
    return tuple(entries)


def checkpoint(at: Entry) -> Checkpoint:
    return Checkpoint(
        version=at.version,
        entry=digest(at),
        cluster="c",
        cib=Cib(),
        electorate=ELECTORATE,
        previous_electorate=ELECTORATE,
        electorate_version=version(1),
    )


def after(directory: Path, *jobs: Persist) -> Stored:
    """What the next incarnation finds after these writes."""
    store = Store(str(directory), CLOCK)
    store.load()
    reports: list[Event] = []
    store.start(reports.append)
    for job in jobs:
        store.write(job)
    until(lambda: len(reports) == len(jobs))
    assert reports == [Persisted(job.token) for job in jobs]
    assert store.silent_ms(CLOCK.now()) == 0
    store.close()
    return again(directory)


def again(directory: Path, clock: Clock = CLOCK) -> Stored:
    store = Store(str(directory), clock)
    stored = store.load()
    store.close()
    return stored


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_a_new_store_is_empty_and_private(place: Path) -> None:
    stored = again(place)
    assert msgspec.structs.replace(stored, incarnation=Incarnation(0, "")) == Stored(incarnation=Incarnation(0, ""))
    assert place.stat().st_mode & 0o777 == 0o700
    assert {found.stat().st_mode & 0o777 for found in place.iterdir()} == {0o600}


def test_each_start_is_a_new_incarnation(place: Path) -> None:
    one, two, three = again(place).incarnation, again(place).incarnation, again(place).incarnation
    assert one.counter < two.counter < three.counter
    assert len({one.token, two.token, three.token}) == 3


def test_a_lost_store_counts_on(place: Path) -> None:
    before = after(place).incarnation
    (place / FILE_NAME).unlink()
    assert again(place, LaterClock()).incarnation.counter > before.counter


def test_everything_comes_back(place: Path) -> None:
    entries = log(3)
    remember = {NodeId("b"): Remembered(Incarnation(4, "x"), version(2))}
    stored = after(
        place,
        Persist(token=1, promised=4, voted=A, may_vote=False),
        Persist(token=2, entries=entries[:1]),
        Persist(token=3, entries=entries[1:], acknowledged=version(2), remember=remember),
    )
    assert (stored.promised, stored.voted, stored.may_vote) == (4, A, False)
    assert stored.entries == entries
    assert stored.acknowledged == version(2)
    assert stored.remembered == remember
    assert stored.checkpoint is None
    assert not stored.was_set_aside


def test_a_promise_without_a_vote_forgets_the_older_vote(place: Path) -> None:
    stored = after(place, Persist(token=1, promised=4, voted=A), Persist(token=2, promised=5))
    assert (stored.promised, stored.voted) == (5, None)


def test_a_checkpoint_replaces_the_log_up_to_it(place: Path) -> None:
    entries = log(4)
    stored = after(place, Persist(token=1, entries=entries), Persist(token=2, checkpoint=checkpoint(entries[1])))
    assert stored.checkpoint == checkpoint(entries[1])
    assert stored.entries == entries[2:]


def test_a_cut_tail_is_kept_aside(place: Path) -> None:
    entries = log(3)
    newer = log(2, 2, entries[0])
    stored = after(place, Persist(token=1, entries=entries), Persist(token=2, truncate_after=version(1), entries=newer))
    assert stored.entries == (entries[0], *newer)
    database = sqlite3.connect(place / FILE_NAME)
    rows = database.execute("select reason, body from aside order by at").fetchall()
    database.close()
    assert [(reason, msgspec.msgpack.decode(body, type=Entry)) for reason, body in rows] == [
        ("tail", entries[1]),
        ("tail", entries[2]),
    ]


def test_another_lineage_replaces_the_whole_log(place: Path) -> None:
    entries, other = log(3), log(5, 7)
    stored = after(
        place,
        Persist(token=1, entries=entries),
        Persist(token=2, checkpoint=checkpoint(entries[0])),
        Persist(token=3, checkpoint=checkpoint(other[3]), replaces_log=True, entries=other[4:]),
    )
    assert stored.checkpoint == checkpoint(other[3])
    assert stored.entries == other[4:]
    database = sqlite3.connect(place / FILE_NAME)
    reasons = [row[0] for row in database.execute("select reason from aside order by at")]
    database.close()
    assert reasons == ["lineage: checkpoint", "lineage", "lineage"]


def test_what_the_disk_refuses_is_a_failure_and_nothing_of_it_is_kept(place: Path) -> None:
    store = Store(str(place), CLOCK)
    store.load()
    reports: list[Event] = []
    store.start(reports.append)
    entries = log(2)
    store.write(Persist(token=1, entries=entries[:1]))
    store.write(Persist(token=2, promised=9, entries=entries[:1]))
    store.write(Persist(token=3, promised=10))
    until(lambda: len(reports) == 2)
    assert reports[0] == Persisted(1)
    assert isinstance(reports[1], StoreFailed)
    store.close()
    stored = again(place)
    assert (stored.promised, stored.entries) == (0, entries[:1])


def test_two_daemons_do_not_share_a_directory(place: Path) -> None:
    store = Store(str(place), CLOCK)
    store.load()
    with pytest.raises(StoreUnusable, match="another hashelld"):
        Store(str(place), CLOCK)
    store.close()


@pytest.mark.parametrize("damage", ["header", "sum", "hole", "chain", "kind"])
def test_a_corrupt_store_is_set_aside_and_stays_known_as_such(place: Path, damage: str) -> None:
    before = after(place, Persist(token=1, promised=4, entries=log(5)))
    path = place / FILE_NAME
    if damage == "header":
        path.write_bytes(b"no database" * 100)
    else:
        database = sqlite3.connect(path)
        database.execute(
            {
                "sum": "update entries set body = body || x'00' where serial = 5",
                "hole": "delete from entries where serial = 3",
                "chain": "delete from entries where serial = 1",
                "kind": "update facts set body = 7 where name = 'promised'",
            }[damage]
        )
        database.commit()
        database.close()
    stored = again(place, LaterClock())
    assert stored.was_set_aside
    assert (stored.promised, stored.entries, stored.checkpoint) == (0, (), None)
    assert stored.incarnation.counter >= before.incarnation.counter
    assert any(".corrupt-" in found.name for found in place.iterdir())
    assert again(place).was_set_aside
    assert not after(place, Persist(token=1, entries=log(1))).was_set_aside


def test_a_directory_that_others_may_write_is_refused(place: Path) -> None:
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    with pytest.raises(StoreUnusable, match="others may write"):
        Store(str(place), CLOCK)
    (place.parent / "file").touch()
    with pytest.raises(StoreUnusable):
        Store(str(place.parent / "file"), CLOCK)
