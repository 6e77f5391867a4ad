"""The ports of the shell: to a cluster (a live daemon, or a CIB file), and to where drafts are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from hashelld.cib.document import Cib
from hashelld.model.ids import Version
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


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that was put aside: what it was made from, and what it had become."""

    base: Version
    original: Cib
    cib: Cib
    at_ms: int
    """When it was changed last, wall clock."""


class Shelf(Protocol):
    """Where the draft of one cluster is kept while it is not committed. None of it raises."""

    def keep(self, base: Version, original: Cib, cib: Cib) -> None:
        """Put the draft there, in the place of the one before."""

    def kept(self) -> Kept | None:
        """The draft that is there."""

    def drop(self) -> None:
        """Take it away."""
