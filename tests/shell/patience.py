"""Waiting for a DC, without time: every rest is a second, in which the next thing happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hashell.asking import Patience


class Hasty(Patience):
    """Its clock is moved by its rests alone."""

    def __init__(self, happenings: Iterable[Callable[[], object]] = ()) -> None:
        super().__init__()
        self.rests = 0
        self.told: list[str] = []
        self.happenings = iter(happenings)

    def now(self) -> float:
        return float(self.rests)

    def rest(self) -> None:
        self.rests += 1
        next(self.happenings, lambda: None)()

    def tell(self, text: str) -> None:
        self.told.append(text)
