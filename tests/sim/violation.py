"""What a checker raises when a promise of DESIGN.md 3.7 is broken."""

from __future__ import annotations


class Violation(Exception):
    """`invariant` is the number in DESIGN.md 3.7, 0 for a failed assertion or an exception in the core."""

    def __init__(self, invariant: int, text: str) -> None:
        super().__init__(f"invariant {invariant}: {text}")
        self.invariant = invariant
        self.text = text
