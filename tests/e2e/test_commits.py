"""The DC is killed while four clients commit, again and again: nothing that was acknowledged is ever missing.

HASHELL_KILL_ROUNDS says how often (default 10); HASHELL_KILL_SEED chooses other moments.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from hashell.client.zmq import ZmqClient
from hashell.errors import Unreachable
from hashelld.cib.document import Object, Properties
from hashelld.cib.edit import Put
from hashelld.model.ids import Version
from hashelld.wire.client import (
    Answer,
    AskCommit,
    CibIs,
    Committed,
    GetCib,
    GetHistory,
    GetStatus,
    HistoryEntry,
    HistoryIs,
    Refused,
    Request,
    StatusIs,
)
from tests.e2e.harness import LoopbackCluster
from tests.e2e.waiting import let_pass, wait_until
from tests.e2e.writers import Attempt, Ledger, Outcome, Writer


pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("HASHELL_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("HASHELL_KILL_SEED", "1"))
WRITERS = tuple(f"writer{number}" for number in range(4))
BEFORE_KILL_MAX = 40
"""Acknowledgements of a round before its kill, at most: it falls amid commits, each time elsewhere."""
AFTER_KILL = 8
ALONE_SHARE = 0.3
ALONE_S = 0.3
"""Less than deadtime: the DC is in office until it is killed, and what it acknowledged meanwhile would be lost."""
LIMIT_S = 60.0
HISTORY_MAX = 1_000
STEP_S = 0.1
T = TypeVar("T", bound=Answer)
Mark = tuple[str, int]
"""A writer, and the number that a commit of it set its object to."""


@contextmanager
def running(folder: Path) -> Iterator[LoopbackCluster]:
    """Three daemons that follow one DC; killed when the test fails."""
    with LoopbackCluster(folder) as cluster:
        cluster.start()
        cluster["node1"].shell("configure", "property", "stonith-enabled=false").ok()
        yield cluster


class Reader:
    """A connection to one node, which may be starting."""

    def __init__(self, cluster: LoopbackCluster, name: str) -> None:
        self.name = name
        self._client = ZmqClient(str(cluster[name].socket))

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, request: Request, *kinds: type[T]) -> T:
        """Its answer, which is one of these; asked again while nobody answers."""
        answer = wait_until(lambda: self._try(request), LIMIT_S, f"{self.name} answers", STEP_S)
        assert isinstance(answer, kinds), f"{self.name} answers {answer}"
        return answer

    def _try(self, request: Request) -> Answer | None:
        try:
            return self._client.ask(request)
        except Unreachable:
            self._client.close()
            return None

    def entries(self) -> tuple[HistoryEntry, ...]:
        """The newest acknowledged entries of its log."""
        return self.ask(GetHistory(HISTORY_MAX), HistoryIs).entries

    def counters(self) -> dict[str, int]:
        """The writers' objects as they are."""
        return dict(marks(self.ask(GetCib(), CibIs).cib.objects))

    def version(self, commit: str) -> Version | None:
        """What the commit got; None when it is not known there."""
        answer = self.ask(AskCommit(commit), Committed, Refused)
        return answer.version if isinstance(answer, Committed) else None


class Record:
    """All that was ever seen of the log and of the writers: what was seen once stays as it is."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Version, tuple[str, ...]]] = {}
        self._serials: dict[Mark, int] = {}
        self.attempts: dict[Mark, Attempt] = {}

    def see(self, node: str, entries: tuple[HistoryEntry, ...]) -> None:
        """No entry becomes another one, and no commit is there twice."""
        versions = [entry.version for entry in entries]
        assert versions == sorted(versions), f"the log of {node} is out of order"
        for entry in entries:
            serial = entry.version.serial
            now = (entry.version, (entry.kind, entry.text, *map(repr, entry.edits)))
            before = self._entries.setdefault(serial, now)
            assert before == now, f"entry {serial} was {before}, on {node} it is {now}"
            for mark in marks_of(entry):
                assert self._serials.setdefault(mark, serial) == serial, f"{mark} was committed twice"

    def version(self, mark: Mark) -> Version | None:
        serial = self._serials.get(mark)
        return None if serial is None else self._entries[serial][0]

    def counters(self) -> dict[str, int]:
        """What the last commit of each writer that is in the log set its object to."""
        newest = sorted((serial, mark) for mark, serial in self._serials.items())
        return {name: number for _, (name, number) in newest}

    def check(self) -> None:
        """Everything acknowledged is in the log with its version, and nothing that was refused."""
        for mark, attempt in self.attempts.items():
            found = self.version(mark)
            if attempt.outcome is Outcome.ACKNOWLEDGED:
                assert found == attempt.version, f"{attempt} is {found} in the log"
            if attempt.outcome is Outcome.REFUSED:
                assert found is None, f"{attempt} is {found} in the log"
        assert self._serials.keys() <= self.attempts.keys()


def marks(objects: Iterable[Object]) -> list[Mark]:
    """Those of the writers among objects, and what they are set to."""
    own = [found for found in objects if isinstance(found, Properties) and found.id in WRITERS]
    return [(found.id, int(found.set.pairs[0].value or 0)) for found in own]


def marks_of(entry: HistoryEntry) -> list[Mark]:
    """What an entry of the log sets the writers' objects to."""
    return marks(edit.object for edit in entry.edits if isinstance(edit, Put))


def acknowledged(attempts: list[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.outcome is Outcome.ACKNOWLEDGED]


def check_order(attempts: list[Attempt]) -> None:
    """What was asked for after another commit was acknowledged has the higher version."""
    told = acknowledged(attempts)
    for first in told:
        assert first.version is not None
        for second in told:
            assert second.version is not None
            if first.ended_s < second.asked_s:
                assert first.version < second.version, f"{second} was asked for after {first}"


def kill(cluster: LoopbackCluster, dc: str, *, is_alone: bool) -> None:
    """Kill the DC; when alone, after the others, which come back: what it was asked for last, nobody else has heard."""
    others = [daemon for daemon in cluster.daemons.values() if is_alone and daemon.name != dc]
    for daemon in others:
        daemon.end(signal.SIGKILL)
    if is_alone:
        let_pass(ALONE_S)
    cluster[dc].end(signal.SIGKILL)
    for daemon in others:
        daemon.start()


def kill_amid_commits(cluster: LoopbackCluster, number: int, chance: random.Random) -> tuple[list[Attempt], float]:
    """One round: what the writers were told, and how long nothing was acknowledged (seconds).

    The killed daemon comes back at once, or when the two others have gone on without it.
    """
    ledger, names = Ledger(), list(cluster.daemons)
    writers = []
    for at, name in enumerate(WRITERS):
        own = names[(at + number) % len(names) :] + names[: (at + number) % len(names)]
        writers.append(Writer(name, [str(cluster[node].socket) for node in own], ledger, number))
    with Reader(cluster, names[number % len(names)]) as reader:
        try:
            for writer in writers:
                writer.start()
            ledger.await_acknowledged(chance.randint(len(WRITERS), BEFORE_KILL_MAX), LIMIT_S)
            dc = wait_until(lambda: reader.ask(GetStatus(), StatusIs).dc, LIMIT_S, "there is a DC")
            is_alone = chance.random() < ALONE_SHARE
            kill(cluster, dc, is_alone=is_alone)
            killed_s = time.monotonic()
            if not is_alone and chance.random() < 0.5:
                cluster[dc].start()
            ledger.await_acknowledged(AFTER_KILL, LIMIT_S, since_s=killed_s)
        finally:
            ledger.closed.set()
            for writer in writers:
                writer.join(LIMIT_S)
    if not cluster[dc].is_running():
        cluster[dc].start()
    attempts = ledger.attempts()
    return attempts, min(a.ended_s for a in acknowledged(attempts) if a.asked_s >= killed_s) - killed_s


def audit(cluster: LoopbackCluster, record: Record, attempts: list[Attempt]) -> None:
    """Every node has the same commits, and all those of this round that were acknowledged."""
    own = {(a.writer, a.number) for a in attempts}
    wanted = {(a.writer, a.number) for a in acknowledged(attempts)}
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(cluster, name)) for name in cluster.daemons]

        def is_whole() -> bool:
            found = []
            for reader in readers:
                entries = reader.entries()
                record.see(reader.name, entries)
                found.append(own.intersection(mark for entry in entries for mark in marks_of(entry)))
            agree = found[0] == found[1] == found[2] >= wanted
            return agree and all(has_all(reader, record, attempts) for reader in readers)

        try:
            wait_until(is_whole, LIMIT_S, "all nodes have all commits that were acknowledged, and tell so", STEP_S)
        finally:
            record.check()  # If they have not, it says what is missing.


def has_all(reader: Reader, record: Record, attempts: list[Attempt]) -> bool:
    """Are the objects of a node, and what it tells of each commit, as the log says?"""
    told = all(reader.version(a.id) == record.version((a.writer, a.number)) for a in attempts)
    return told and reader.counters() == record.counters()


def test_no_acknowledged_commit_is_lost_when_the_dc_is_killed(tmp_path):
    chance, record = random.Random(SEED), Record()
    pauses: list[float] = []
    last: list[Attempt] = []
    with running(tmp_path) as cluster:
        for number in range(1, ROUNDS + 1):
            last, pause_s = kill_amid_commits(cluster, number, chance)
            record.attempts |= {(a.writer, a.number): a for a in last}
            check_order(last)
            audit(cluster, record, last)
            pauses.append(pause_s)
        for daemon in cluster.daemons.values():
            daemon.end(signal.SIGKILL)
        cluster.start()
        audit(cluster, record, last)
    tell(record, pauses)


def tell(record: Record, pauses: list[float]) -> None:
    """The figures of a run."""
    told = dict.fromkeys(Outcome, 0)
    for attempt in record.attempts.values():
        told[attempt.outcome] += 1
    unknown = [mark for mark, a in record.attempts.items() if a.outcome is Outcome.UNKNOWN]
    made = sum(record.version(mark) is not None for mark in unknown)
    print(f"{len(pauses)} kills, seed {SEED}: " + ", ".join(f"{count} {o.value}" for o, count in told.items()))
    pause = f"commits paused {statistics.median(pauses):.2f} s, at most {max(pauses):.2f} s"
    print(f"of the unknown, {made} were made; {pause}")
