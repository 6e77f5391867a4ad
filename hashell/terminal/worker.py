"""What talks to the cluster while a screen is shown: one thread follows the events, one runs what keys ask for.

Each has a connection of its own, so that a move which waits for the cluster does not keep the screen from following it.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import Final

import msgspec

from hashell.errors import HashellError
from hashell.grammar.run import run_line
from hashell.outcomes import Outcome, StatusReport
from hashell.session import Session


EVENT_MS: Final = 150
PAUSE_S: Final = 0.1
"""Between two looks, however many events there are."""
RETRY_S: Final = 2.0


class Done(msgspec.Struct, frozen=True):
    """What a line came to: an outcome, or why there is none."""

    outcome: Outcome | None = None
    error: str = ""


Then = Callable[[Done], None]


class Worker:
    """Only its threads use the sessions while it runs. Its values are replaced as a whole, never changed."""

    __slots__ = (
        "_changed",
        "_ended",
        "_follower",
        "_jobs",
        "_running",
        "_serving",
        "_session",
        "_woken",
        "report",
        "trouble",
        "words",
    )

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._serving = Session(session.client.another(), session.options, agents=session.agents)
        self._changed = changed
        self._jobs: queue.SimpleQueue[tuple[str, Then] | None] = queue.SimpleQueue()
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="hashell-mon", daemon=True)
        self._running = threading.Thread(target=self._serve, name="hashell-mon-keys", daemon=True)
        self.report: StatusReport | None = None
        self.trouble = ""
        self.words: tuple[str, ...] = ()
        """How the status is to be shown: bynode, full."""

    def start(self) -> None:
        """Begin to follow."""
        self._follower.start()
        self._running.start()

    def stop(self) -> None:
        """End the threads, and wait for them: the session is its caller's again. Ctrl-C leaves a line that waits."""
        self._ended.set()
        self._woken.set()
        self._jobs.put(None)
        self._follower.join()
        self._running.join(PAUSE_S)
        if not self._running.is_alive():
            return
        try:
            sys.stderr.write("Waiting for what was asked last; Ctrl-C leaves without.\n")
            self._running.join()
        except KeyboardInterrupt:
            sys.stderr.write("What was already sent to the cluster goes on.\n")

    def submit(self, line: str, then: Then) -> None:
        """Have a line run; `then` is called by a thread."""
        self._jobs.put((line, then))

    def look_again(self) -> None:
        """Have the report made anew soon, though nothing has happened."""
        self._woken.set()

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self._look()
                for event in self._session.client.events(EVENT_MS):
                    if self._ended.is_set():
                        return
                    if event is not None or self._woken.is_set():
                        self._woken.clear()
                        self._look()
                        self._woken.wait(PAUSE_S)
            except Exception as trouble:  # noqa: BLE001 - a screen that stands still must say so, whatever the reason
                self.trouble = _told(trouble).partition("\n")[0]
                self._changed()
                self._woken.wait(RETRY_S)

    def _look(self) -> None:
        outcome = run_line(self._session, " ".join(("status", *self.words))).outcome
        if isinstance(outcome, StatusReport):
            self.report, self.trouble = outcome, ""
            self._changed()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            line, then = job
            then(self._done(line))
            self._woken.set()
            self._changed()
        self._serving.client.close()

    def _done(self, line: str) -> Done:
        try:
            return Done(run_line(self._serving, line).outcome)
        except Exception as error:  # noqa: BLE001 - the next key is to be served, whatever became of this one
            return Done(error=_told(error))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, HashellError) else f"internal error: {type(error).__name__}: {error}"
