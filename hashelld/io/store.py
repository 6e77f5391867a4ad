"""The node's disk: promise, vote and log in one sqlite file, written by a thread of its own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

import msgspec

from hashelld.cib.digest import digest
from hashelld.core.effects import Persist, Remembered, Stored
from hashelld.core.events import Event, Persisted, StoreFailed
from hashelld.io.clock import Clock
from hashelld.limits import ASIDE_ROWS_MAX, STORE_BUSY_MS, STORE_QUEUE_MAX
from hashelld.model.ids import Incarnation, Millis, NodeId, Version
from hashelld.wire.log import Checkpoint, Entry


FILE_NAME: Final = "hashelld.sqlite"
_COUNTER_START_S: Final = 1_767_225_600
"""Incarnations count at least the seconds since 2026: peers remember a node's counter, and would take the daemon that
comes back with an empty store for an old one's echo."""
_SCHEMA: Final = """
create table if not exists facts (name text primary key, body blob not null, sum blob not null) without rowid;
create table if not exists entries (serial integer primary key, body blob not null, sum blob not null);
create table if not exists aside (at integer primary key, reason text not null, wall_ms integer not null,
  body blob not null);
"""
_CORRUPT_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_Value = TypeVar("_Value")


class StoreUnusable(Exception):
    """The state directory or its file cannot be used; the text tells why. Nothing was changed."""


class _Corrupt(Exception):
    """The file holds what this daemon did not write."""


class Store:
    """Open it, `load` once, then `start` the thread and `write`."""

    def __init__(self, directory: str, clock: Clock) -> None:
        self._path = Path(directory) / FILE_NAME
        self._clock = clock
        self._jobs: SimpleQueue[Persist | None] = SimpleQueue()
        self._waiting: dict[int, Millis] = {}
        self._facts_written: dict[str, bytes] = {}
        self._report: Callable[[Event], None] | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        make_directory(directory)
        self.set_aside = ""
        """Where the corrupt file of an earlier incarnation was put; empty when it was good."""
        try:
            self._database = self._open()
        except _Corrupt:
            self.set_aside = self._put_aside()
            self._database = self._open()

    def load(self) -> Stored:
        """What is on disk, with a new incarnation, already written. A corrupt file is set aside: the node is empty."""
        try:
            stored = self._read()
        except _Corrupt:
            self._database.close()
            self._facts_written.clear()
            self.set_aside = self._put_aside()
            self._database = self._open()
            stored = self._read()
        return msgspec.structs.replace(stored, was_set_aside=self._mark_set_aside(stored))

    def start(self, report: Callable[[Event], None]) -> None:
        """Write from now on; `report` is called from the store's thread."""
        self._report = report
        self._thread.start()

    def write(self, job: Persist) -> None:
        """Queue one atomic write; `Persisted` or `StoreFailed` is reported, in order."""
        assert len(self._waiting) < STORE_QUEUE_MAX, "the core asks for more than a disk can write"
        self._waiting[job.token] = self._clock.now()
        self._jobs.put(job)

    def silent_ms(self, now: Millis) -> Millis:
        """For how long the oldest write has been waiting; 0 when none is."""
        oldest = next(iter(self._waiting.copy().values()), None)
        return 0 if oldest is None else now - oldest

    def close(self, wait_ms: Millis = 5_000) -> None:
        """Finish what is queued, at most so long."""
        if self._thread.ident is None:
            self._database.close()
            return
        self._jobs.put(None)
        self._thread.join(wait_ms / 1000)

    def _open(self) -> sqlite3.Connection:
        mask = os.umask(0o177)
        try:
            database = sqlite3.connect(
                self._path, timeout=STORE_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
            )
            # A damaged record may be text that is no text; it is to fail at its sum.
            database.text_factory = bytes
            try:
                # Exclusive: a second daemon on the same directory is told so, and no shared memory file is needed.
                database.execute("pragma locking_mode=exclusive")
                database.execute("pragma journal_mode=wal")
                database.execute("pragma synchronous=full")
                database.execute("pragma cache_size=-512")
                database.executescript(_SCHEMA)
                verdict = database.execute("pragma quick_check(1)").fetchone()[0]
            except sqlite3.Error as failure:
                database.close()
                raise _judged(self._path, failure) from failure
        except sqlite3.OperationalError as failure:
            raise StoreUnusable(f"{self._path}: {failure}") from failure
        finally:
            os.umask(mask)
        if verdict != b"ok":
            database.close()
            raise _Corrupt(str(verdict))
        return database

    def _put_aside(self) -> str:
        suffix = f".corrupt-{self._clock.wall_ms()}"
        for ending in ("", "-wal", "-shm"):
            found = Path(f"{self._path}{ending}")
            if found.exists():
                found.rename(f"{self._path}{suffix}{ending}")
        _sync_directory(self._path.parent)
        return f"{self._path}{suffix}"

    def _mark_set_aside(self, stored: Stored) -> bool:
        """An empty store that replaced a corrupt one stays known as such until it holds a cluster again."""
        if self.set_aside:
            self._put_fact("set_aside", self.set_aside)
            return True
        is_empty = stored.checkpoint is None and not stored.entries
        return is_empty and self._fact("set_aside", str) is not None

    def _read(self) -> Stored:
        try:
            checkpoint = self._fact("checkpoint", Checkpoint)
            may_vote = self._fact("may_vote", bool)
            stored = Stored(
                incarnation=self._next_incarnation(),
                promised=self._fact("promised", int) or 0,
                voted=self._vote(),
                checkpoint=checkpoint,
                entries=self._entries(checkpoint),
                acknowledged=self._fact("acknowledged", Version),
                remembered=self._fact("remembered", dict[NodeId, Remembered]) or {},
                may_vote=may_vote is not False,
            )
            self._put_fact("incarnation", stored.incarnation)
        except sqlite3.Error as failure:
            raise _judged(self._path, failure) from failure
        return stored

    def _vote(self) -> NodeId | None:
        name = self._fact("voted", str)
        return NodeId(name) if name else None

    def _next_incarnation(self) -> Incarnation:
        before = self._fact("incarnation", Incarnation)
        counter = 1 if before is None else before.counter + 1
        return Incarnation(max(counter, self._clock.wall_ms() // 1000 - _COUNTER_START_S), self._clock.token())

    def _entries(self, checkpoint: Checkpoint | None) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        version = None if checkpoint is None else checkpoint.version
        previous = "" if checkpoint is None else checkpoint.entry
        for serial, body, found in self._database.execute("select serial, body, sum from entries order by serial"):
            entry = _decoded(f"entry {serial}", body, found, Entry)
            if entry.version.serial != serial or (version is not None and serial != version.serial + 1):
                raise _Corrupt(f"entry {serial} is {entry.version}, after {version}")
            if entry.previous != previous:
                raise _Corrupt(f"entry {entry.version} does not follow the one before it")
            version, previous = entry.version, digest(entry)
            entries.append(entry)
        return tuple(entries)

    def _fact(self, name: str, kind: type[_Value]) -> _Value | None:
        row = self._database.execute("select body, sum from facts where name = ?", (name,)).fetchone()
        return None if row is None else _decoded(name, row[0], row[1], kind)

    def _put_fact(self, name: str, value: object) -> None:
        body = msgspec.msgpack.encode(value)
        if self._facts_written.get(name) == body:
            return
        row = (name, body, _sum(name, body))
        self._database.execute("insert or replace into facts values (?, ?, ?)", row)
        self._facts_written[name] = body

    def _run(self) -> None:
        assert self._report is not None
        failure = "the writer ended"
        try:
            while (job := self._jobs.get()) is not None:
                self._write(job)
                del self._waiting[job.token]
                self._report(Persisted(job.token))
            failure = ""
        except (sqlite3.Error, OSError, OverflowError) as found:
            failure = f"{self._path}: {found}"
        finally:
            self._database.close()
            if failure:
                self._report(StoreFailed(failure))

    def _write(self, job: Persist) -> None:
        self._database.execute("begin immediate")
        if job.replaces_log:
            self._take_aside("lineage", 0)
        if job.truncate_after is not None:
            self._take_aside("tail", job.truncate_after.serial + 1)
        for entry in job.entries:
            name, body = f"entry {entry.version.serial}", msgspec.msgpack.encode(entry)
            row = (entry.version.serial, body, _sum(name, body))
            self._database.execute("insert into entries values (?, ?, ?)", row)
        if job.checkpoint is not None:
            self._put_fact("checkpoint", job.checkpoint)
            self._database.execute("delete from entries where serial <= ?", (job.checkpoint.version.serial,))
        if job.promised is not None or job.voted is not None:
            self._put_fact(
                "voted", job.voted or ""
            )  # It belongs to the number promised with it: nobody is written too.
        facts = {
            "promised": job.promised,
            "acknowledged": job.acknowledged,
            "remembered": job.remember,
            "may_vote": job.may_vote,
        }
        for name, value in facts.items():
            if value is not None:
                self._put_fact(name, value)
        self._database.execute("commit")

    def _take_aside(self, reason: str, serial: int) -> None:
        """Keep for people what is cut off the log."""
        moment = self._clock.wall_ms()
        if reason == "lineage":
            self._database.execute(
                "insert into aside (reason, wall_ms, body) select ?, ?, body from facts where name = 'checkpoint'",
                (f"{reason}: checkpoint", moment),
            )
        self._database.execute(
            "insert into aside (reason, wall_ms, body) "
            "select ?, ?, body from entries where serial >= ? order by serial",
            (reason, moment, serial),
        )
        self._database.execute("delete from entries where serial >= ?", (serial,))
        self._database.execute("delete from aside where at <= (select max(at) from aside) - ?", (ASIDE_ROWS_MAX,))


def make_directory(directory: str) -> None:
    """Make the state directory, for its owner alone; one that others may write is refused."""
    path = Path(directory)
    try:
        if not path.exists():
            path.mkdir(mode=0o700, parents=True)
        status = path.stat()
    except OSError as failure:
        raise StoreUnusable(f"{path}: {failure.strerror} (choose another with [node] state)") from failure
    if not path.is_dir():
        raise StoreUnusable(f"{path}: is no directory")
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise StoreUnusable(f"{path}: others may write in it (it must belong to the daemon's user, mode 0700)")


def _judged(path: Path, failure: sqlite3.Error) -> Exception:
    """Is the file corrupt (set aside), or only not usable now (refuse to start, touch nothing)?"""
    code = getattr(failure, "sqlite_errorcode", 0) & 0xFF
    if code in _CORRUPT_CODES:
        return _Corrupt(str(failure))
    if code == sqlite3.SQLITE_BUSY:
        return StoreUnusable(f"{path}: another hashelld uses it")
    return StoreUnusable(f"{path}: {failure}")


def _decoded(name: str, body: object, found: object, kind: type[_Value]) -> _Value:
    if not isinstance(body, bytes) or found != _sum(name, body):
        raise _Corrupt(f"{name}: not as written")
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError) as failure:
        raise _Corrupt(f"{name}: {failure}") from failure


def _sum(name: str, body: bytes) -> bytes:
    return blake2b(body, digest_size=16, key=name.encode()[:64]).digest()


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
