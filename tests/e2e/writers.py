"""Clients that commit all the time, each its own object on a node of its own, and the ledger of what they were told."""

from __future__ import annotations

import threading
import time
from enum import Enum

import msgspec

from hashell.client.zmq import ZmqClient
from hashell.errors import TimedOut, Unreachable
from hashelld.cib.document import Properties
from hashelld.cib.edit import Put
from hashelld.model.ids import Version
from hashelld.model.resource import AttributeSet, NvPair
from hashelld.wire.client import Answer, CibIs, Committed, Conflict, GetCib, MakeCommit, Refused


ANSWER_LIMIT_MS = 2_000
"""A client whose node was killed asks another one after so long; its commit has an unknown outcome."""
PAUSE_S = 0.05
"""Before asking again after a refusal: what is missing (a DC) does not come sooner when it is asked for."""
NUMBERS_PER_ROUND_MAX = 4_000


class Outcome(Enum):
    """What a client knows of its commit."""

    ACKNOWLEDGED = "acknowledged"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    """Nothing was changed, and nothing will be."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One commit and what was answered; times are seconds of CLOCK_MONOTONIC."""

    id: str
    writer: str
    number: int
    asked_s: float
    ended_s: float
    outcome: Outcome
    version: Version | None = None


class Ledger:
    """What the writers of one round were told; they stop when it is closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._attempts: list[Attempt] = []
        self._failure: BaseException | None = None
        self.closed = threading.Event()

    def add(self, attempt: Attempt) -> None:
        with self._changed:
            self._attempts.append(attempt)
            self._changed.notify_all()

    def fail(self, failure: BaseException) -> None:
        """A writer ended by this: whoever waits is told."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def attempts(self) -> list[Attempt]:
        """What was noted so far; raises what ended a writer."""
        with self._changed:
            if self._failure is not None:
                raise self._failure
            return list(self._attempts)

    def await_acknowledged(self, number: int, limit_s: float, since_s: float = 0.0) -> None:
        """Wait until so many commits were acknowledged that were asked for after this moment."""
        with self._changed:
            is_enough = self._changed.wait_for(
                lambda: self._failure is not None or self._acknowledged(since_s) >= number, limit_s
            )
            told = self._acknowledged(since_s)
        self.attempts()
        assert is_enough, f"{told} of {number} commits acknowledged within {limit_s:g} s"

    def _acknowledged(self, since_s: float) -> int:
        return sum(a.outcome is Outcome.ACKNOWLEDGED and a.asked_s >= since_s for a in self._attempts)


class Writer:
    """One client, in a thread of its own: it counts its object up, a commit after the other."""

    def __init__(self, name: str, sockets: list[str], ledger: Ledger, round_number: int) -> None:
        """`sockets` in the order in which they are tried."""
        self.name = name
        self._sockets = sockets
        self._ledger = ledger
        self._round = round_number
        self._number = round_number * NUMBERS_PER_ROUND_MAX
        self._base: Version | None = None
        self._client = ZmqClient(sockets[0])
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, limit_s: float) -> None:
        """Wait for its end, which the closed ledger brings about."""
        self._thread.join(limit_s)
        assert not self._thread.is_alive(), f"{self.name} did not end within {limit_s:g} s"

    def _run(self) -> None:
        try:
            while not self._ledger.closed.is_set():
                self._write()
        except Exception as failure:  # noqa: BLE001 - told in the main thread
            self._ledger.fail(failure)
        finally:
            self._client.close()

    def _write(self) -> None:
        """One commit; without a base to build on, nothing is asked for."""
        try:
            base = self._base or self._read()
        except Unreachable:
            self._go_on()
            return
        self._number += 1
        assert self._number < (self._round + 1) * NUMBERS_PER_ROUND_MAX, "numbers of two rounds are not told apart"
        commit = f"{self.name}-{self._number}"
        asked_s = time.monotonic()
        try:
            answer = self._client.ask(counting(commit, self.name, self._number, base), ANSWER_LIMIT_MS)
        except TimedOut:
            outcome, version = Outcome.UNKNOWN, None
        except Unreachable:  # Before anything was sent.
            outcome, version = Outcome.REFUSED, None
        else:
            outcome, version = self._judge(answer)
        attempt = Attempt(
            id=commit,
            writer=self.name,
            number=self._number,
            asked_s=asked_s,
            ended_s=time.monotonic(),
            outcome=outcome,
            version=version,
        )
        self._base = version
        self._ledger.add(attempt)
        if outcome is not Outcome.ACKNOWLEDGED:
            self._go_on()

    def _read(self) -> Version:
        answer = self._client.ask(GetCib(), ANSWER_LIMIT_MS)
        assert isinstance(answer, CibIs), answer
        return answer.version

    def _judge(self, answer: Answer) -> tuple[Outcome, Version | None]:
        match answer:
            case Committed(version=version):
                return Outcome.ACKNOWLEDGED, version
            case Conflict(objects=objects):
                assert objects == (self.name,), f"{self.name} is in conflict about {objects}"
                return Outcome.REFUSED, None
            case Refused(code=code):
                assert code in ("lost", "no-quorum", "no-dc", "busy"), answer
                return Outcome.UNKNOWN if code == "lost" else Outcome.REFUSED, None
            case _:
                raise AssertionError(f"{answer} answers no commit")

    def _go_on(self) -> None:
        """With the next node."""
        self._client.close()
        self._sockets = [*self._sockets[1:], self._sockets[0]]
        self._client = ZmqClient(self._sockets[0])
        self._ledger.closed.wait(PAUSE_S)


def counting(commit: str, name: str, number: int, base: Version) -> MakeCommit:
    """The commit that sets a writer's object to a number."""
    pairs = (NvPair("resource-stickiness", str(number)),)
    edit = Put(Properties(id=name, kind="rsc_defaults", set=AttributeSet(pairs)))
    return MakeCommit(id=commit, base=base, edits=(edit,))
