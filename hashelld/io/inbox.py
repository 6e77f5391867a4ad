"""The loop's one queue: threads and signal handlers put events in and wake the loop."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator

from hashelld.core.events import Event
from hashelld.limits import INBOX_MAX


class Inbox:
    """A bounded queue whose file descriptor is readable while something is in it."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """For the poller."""
        return self._wake

    def put(self, event: Event) -> None:
        """From any thread, and from a signal handler: never waits, takes no lock."""
        assert len(self._events) < INBOX_MAX, "the loop does not keep up with its own threads"
        self._events.append(event)
        os.eventfd_write(self._wake, 1)

    def wake(self) -> None:
        """Have the loop turn, with nothing in the queue."""
        os.eventfd_write(self._wake, 1)

    def drain(self) -> Iterator[Event]:
        """What is there now, oldest first."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return
        for _ in range(len(self._events)):
            yield self._events.popleft()

    def close(self) -> None:
        """Nothing may be put in any more."""
        os.close(self._wake)
