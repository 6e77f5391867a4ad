"""What a checker raises when a promise is broken."""

from __future__ import annotations

from typing import Final


NAMES: Final = {1: "S7 S8", 2: "S2 S4 S6", 3: "S3", 4: "S1 S7", 5: "S6", 6: "L3", 7: "L1"}
"""The invariants of DESIGN.md 3.7 by RELIABILITY.md's names."""


class Violation(Exception):
    """`invariant` is the number in DESIGN.md 3.7 or a name, 0 for a failed assertion or an exception in the core."""

    def __init__(self, invariant: int | str, text: str) -> None:
        names = f" ({NAMES[invariant]})" if isinstance(invariant, int) and invariant in NAMES else ""
        super().__init__(f"invariant {invariant}{names}: {text}")
        self.invariant = invariant
        self.text = text
