"""The port through which the shell talks to a cluster: a live daemon, or a CIB file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from hashelld.wire.client import Answer, Changed, Request


class Client(Protocol):
    """One back end. `ask` raises `errors.Unreachable` (exit 3) or `errors.TimedOut` (exit 4)."""

    @property
    def name(self) -> str:
        """What the prompt shows: `live`, or the file's name."""

    def ask(self, request: Request, timeout_ms: int = 10_000) -> Answer:
        """Send a request and wait for its answer."""

    def events(self, timeout_ms: int) -> Iterator[Changed | None]:
        """Subscribe; yields what changed, None whenever `timeout_ms` passed without an event."""

    def close(self) -> None:
        """Give sockets back."""
