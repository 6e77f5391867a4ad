"""The thread that talks to the cluster while a screen is shown: it follows the events and runs what keys ask for."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from hashell.errors import HashellError
from hashell.grammar.run import run_line
from hashell.outcomes import Outcome, StatusReport
from hashell.session import Session
from hashelld.wire.client import Changed


EVENT_MS: Final = 150
PAUSE_S: Final = 0.1
"""Between two looks, however many events there are; a key is served at once."""
RETRY_S: Final = 2.0


class Done(msgspec.Struct, frozen=True):
    """What a line came to: an outcome, or why there is none."""

    outcome: Outcome | None = None
    error: str = ""


Then = Callable[[Done], None]


class Worker:
    """Only its thread uses the session while it runs. Its values are replaced as a whole, never changed."""

    __slots__ = ("_changed", "_is_ended", "_jobs", "_session", "_thread", "report", "trouble", "words")

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self._jobs: queue.SimpleQueue[tuple[str, Then]] = queue.SimpleQueue()
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="hashell-mon", daemon=True)
        self.report: StatusReport | None = None
        self.trouble = ""
        self.words: tuple[str, ...] = ()
        """How the status is to be shown: bynode, full."""

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it: the session is its caller's again."""
        self._is_ended = True
        self._thread.join()

    def submit(self, line: str, then: Then) -> None:
        """Have a line run; `then` is called by the thread."""
        self._jobs.put((line, then))

    def _run(self) -> None:
        while not self._is_ended:
            try:
                self._follow()
            except HashellError as trouble:
                self.trouble = str(trouble).partition("\n")[0]
                self._changed()
                self._serve(RETRY_S)

    def _follow(self) -> None:
        self._look()
        events = self._session.client.events(EVENT_MS)
        while not self._is_ended:
            if self._serve(PAUSE_S) or self._has_changed(events):
                self._look()

    def _has_changed(self, events: Iterator[Changed | None]) -> bool:
        return next(events) is not None

    def _serve(self, wait_s: float) -> bool:
        """Run what was asked for until nothing was for so long; was there anything?"""
        deadline = time.monotonic() + wait_s
        is_served = False
        while not self._is_ended:
            try:
                line, then = self._jobs.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                return is_served
            then(self._done(line))
            is_served = True
            self._changed()
        return is_served

    def _done(self, line: str) -> Done:
        try:
            return Done(run_line(self._session, line).outcome)
        except HashellError as error:
            return Done(error=str(error))

    def _look(self) -> None:
        outcome = run_line(self._session, " ".join(("status", *self.words))).outcome
        if isinstance(outcome, StatusReport):
            self.report, self.trouble = outcome, ""
            self._changed()
