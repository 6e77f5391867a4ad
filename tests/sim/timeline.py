"""Virtual time: a heap of what happens when, and the trace of what happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Final
from zlib import crc32

from hashelld.core.effects import Persist
from hashelld.core.events import MessageHeard
from hashelld.model.ids import Incarnation, Millis, Version
from hashelld.wire.peer import Append, Appended, Envelope, Order


TRACE_KEPT_MAX: Final = 4000
DETAIL_MAX: Final = 240
Happening = Callable[[], None]


class Timeline:
    """The only clock and the only source of chance of a simulated world."""

    def __init__(self, seed: int, *, verbose: bool = False) -> None:
        self.now: Millis = 0
        self.random = Random(seed)
        self.steps = 0
        self.trace_hash = 0
        self.trace: deque[tuple[Millis, str, str, object]] = deque(maxlen=TRACE_KEPT_MAX)
        self.verbose = verbose
        self._heap: list[tuple[Millis, int, Happening]] = []
        self._counter = 0

    def at(self, moment: Millis, happening: Happening) -> None:
        """Let it happen at this moment (not before now)."""
        self._counter += 1
        heappush(self._heap, (max(moment, self.now), self._counter, happening))

    def after(self, delay_ms: Millis, happening: Happening) -> None:
        """Let it happen after a delay."""
        self.at(self.now + delay_ms, happening)

    def run_until(self, moment: Millis) -> None:
        """Everything that happens up to and including this moment."""
        heap = self._heap
        while heap and heap[0][0] <= moment:
            self.now, _, happening = heappop(heap)
            self.steps += 1
            happening()
        self.now = moment

    def chance(self, probability: float) -> bool:
        """Draws only when there is something to decide."""
        return probability > 0 and self.random.random() < probability

    def between(self, least: int, most: int) -> int:
        """A number in the closed range."""
        return least + int(self.random.random() * (most - least + 1))

    def record(self, who: str, what: str, detail: object = "") -> None:
        """Add to the trace; `detail` is formatted only when somebody reads it."""
        self.trace_hash = crc32(f"{self.now}{who}{what}".encode(), self.trace_hash)
        self.trace.append((self.now, who, what, detail))
        if self.verbose:
            print(format_line(self.trace[-1]))

    def tail(self, lines: int) -> str:
        """The newest lines of the trace."""
        return "\n".join(format_line(line) for line in list(self.trace)[-lines:])


def format_line(line: tuple[Millis, str, str, object]) -> str:
    """One line of the trace for people."""
    moment, who, what, detail = line
    return f"{moment / 1000:9.3f} {who:>4} {what} {_short(detail)}".rstrip()


def _short(detail: object) -> str:
    if isinstance(detail, MessageHeard):
        detail = detail.envelope
    if isinstance(detail, Envelope):
        ends = f"{detail.sender}->{detail.receiver} {detail.epoch} #{detail.sequence} b{detail.beat}"
        return f"{ends} {_short(detail.body)}"
    if isinstance(detail, Persist):
        entries = [(str(entry.version), type(entry.change).__name__) for entry in detail.entries]
        return (
            f"#{detail.token} {detail.promised}.{detail.voted} entries {entries} after {detail.truncate_after}"
            f" acknowledged {detail.acknowledged} checkpoint {detail.checkpoint and detail.checkpoint.version}"
        )
    if isinstance(detail, Append):
        entries = [(str(entry.version), type(entry.change).__name__) for entry in detail.entries]
        return f"behind {detail.previous} {entries} acknowledged {detail.acknowledged}"
    if isinstance(detail, Order):
        return f"{detail.call} {detail.action.label}"
    if isinstance(detail, Appended):
        return f"{detail.stored} matches={detail.matches}"
    if isinstance(detail, Incarnation | Version):
        return str(detail)
    text = str(detail)
    return text if len(text) < DETAIL_MAX else text[:DETAIL_MAX] + "…"
