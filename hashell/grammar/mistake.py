"""Mistakes in a typed line: where, what, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hashell.errors import Usage


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake; the columns count characters from 0."""

    text: str
    start: int
    end: int
    hint: str = ""


class BadLine(Usage):
    """A line that cannot be carried out, with all its mistakes."""

    def __init__(self, line: str, mistakes: Iterable[Mistake]) -> None:
        self.line = line
        self.mistakes = tuple(mistakes)
        super().__init__(render(line, self.mistakes))


def render(line: str, mistakes: Iterable[Mistake]) -> str:
    """Sentences, each with the line and a caret under the place."""
    return "\n".join(_one(line, mistake) for mistake in mistakes)


def _one(line: str, mistake: Mistake) -> str:
    carets = "^" * max(1, mistake.end - mistake.start)
    hint = f" {mistake.hint}" if mistake.hint else ""
    # Tabs stay tabs, so that the caret is below its word on every terminal.
    indent = "".join(sign if sign == "\t" else " " for sign in line[: mistake.start])
    return f"{mistake.text}\n  {line}\n  {indent}{carets}{hint}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant: at most a third of its letters differ."""
    best: tuple[int, str] | None = None
    for one in known:
        distance = _distance(word.lower(), one.lower())
        if distance <= max(1, max(len(word), len(one)) // 3) and (best is None or distance < best[0]):
            best = (distance, one)
    return None if best is None else best[1]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint, or nothing."""
    found = nearest(word, known)
    return f"did you mean '{found}'?" if found else ""


def _distance(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that make one of the other."""
    if abs(len(left) - len(right)) > 4:
        return 99
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
