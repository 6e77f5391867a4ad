"""Telling what happens while it happens: lines with the time since the beginning, written at once."""

from __future__ import annotations

import time
from typing import TextIO

from hashell.outcomes import Outcome
from hashell.views.layout import pad, paragraph
from hashell.views.render import render
from hashell.views.theme import Style, Theme


COLUMN = 9


class Narrator:
    """Writes lines to a stream. `elapsed_s` counts from the narrator's making."""

    __slots__ = ("_begun", "_stream", "_theme")

    def __init__(self, stream: TextIO, theme: Theme) -> None:
        self._stream = stream
        self._theme = theme
        self._begun = time.monotonic()

    def heading(self, text: str) -> None:
        """What is done next, after an empty line."""
        self._write("")
        for line in paragraph(self._theme, text):
            self._write(self._theme.paint(line, Style.HEADING))

    def event(self, text: str, measured: str = "") -> None:
        """Something that happened now; `measured` is how long it took."""
        stamp = f"{time.monotonic() - self._begun:6.2f} s"
        lines = paragraph(
            self._theme, f"{text}{': ' if measured else ''}{measured}", indent=" " * (COLUMN + 1), first=""
        )
        first = lines[0]
        if measured and first.endswith(measured):
            first = first.removesuffix(measured) + self._theme.paint(measured, Style.GOOD)
        self._write(f"{self._theme.paint(pad(stamp, COLUMN), Style.DIM)} {first}")
        for line in lines[1:]:
            self._write(line)

    def text(self, text: str, indent: str = "") -> None:
        """Lines as they are."""
        for line in text.split("\n"):
            self._write(indent + line)

    def outcome(self, outcome: Outcome) -> None:
        """What a command shows."""
        for line in render(outcome, self._theme):
            self._write(line)

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()
