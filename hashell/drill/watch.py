"""Waiting for what a drill expects: every step is told when it happens, with the time that it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from hashell.commands.waiting import settle
from hashell.errors import TimedOut, Unreachable
from hashell.session import Session
from hashelld.wire.client import StatusIs


LOOK_S: Final = 0.05


class Teller(Protocol):
    """Who tells the user what happens (`hashell.views.narration.Narrator`)."""

    def heading(self, text: str) -> None:
        """What is done next."""

    def event(self, text: str, measured: str = "") -> None:
        """What happened."""


class Clock(Protocol):
    """Time, as a drill needs it."""

    def now(self) -> float:
        """Seconds."""

    def rest(self) -> None:
        """Wait a little, before the cluster is looked at again."""


class RealClock:
    """The machine's own."""

    __slots__ = ()

    def now(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def rest(self) -> None:
        """Let the cluster work."""
        time.sleep(LOOK_S)


class Step(msgspec.Struct, frozen=True):
    """Something that happened, and how long it took since what was done; None: no time belongs to it."""

    text: str
    took_ms: int | None = None


class NotSeen(Exception):
    """What a drill waited for did not happen; the drill ends, with this as its verdict."""


class Watch:
    """One drill's view of the cluster."""

    __slots__ = ("_begun", "_clock", "_tell", "session", "steps", "within_ms", "wrong")

    def __init__(self, session: Session, tell: Teller, clock: Clock, within_ms: int) -> None:
        self.session = session
        self.within_ms = within_ms
        self.steps: list[Step] = []
        self.wrong: list[str] = []
        """What was not as promised."""
        self._tell = tell
        self._clock = clock
        self._begun = clock.now()

    def begin(self, text: str) -> None:
        """Something is done now: times are measured from here."""
        self._tell.heading(text)
        self._begun = self._clock.now()

    def seen(self, text: str) -> None:
        """Something happened now."""
        took_ms = round((self._clock.now() - self._begun) * 1000)
        self.steps.append(Step(text, took_ms))
        self._tell.event(text, f"{took_ms} ms")

    def told(self, text: str) -> None:
        """Something to know, to which no time belongs."""
        self.steps.append(Step(text))
        self._tell.event(text)

    def miss(self, text: str) -> None:
        """Something is not as promised."""
        self.wrong.append(text)

    def status(self) -> StatusIs | None:
        """The status now; None while the daemon does not answer."""
        self.session.forget()
        try:
            return self.session.status()
        except (Unreachable, TimedOut):
            self.session.client.close()
            return None

    def wait(self, what: str, is_so: Callable[[StatusIs], bool], limit_ms: int | None = None) -> StatusIs:
        """The first status for which it is so; `NotSeen` tells what was waited for."""
        limit_s = (self.within_ms if limit_ms is None else limit_ms) / 1000
        ends = self._clock.now() + limit_s
        while True:
            status = self.status()
            if status is not None and is_so(status):
                return status
            if self._clock.now() >= ends:
                silence = "; hashelld does not answer" if status is None else ""
                raise NotSeen(f"not within {limit_s:g} s: {what}{silence}")
            self._clock.rest()

    def settle(self) -> None:
        """Nothing is under way any more, and nothing is left to do."""
        try:
            settle(self.session, timeout_ms=self.within_ms)
        except TimedOut as late:
            raise NotSeen(str(late)) from None
        except Unreachable as silence:
            self.session.client.close()
            raise NotSeen(str(silence)) from None
