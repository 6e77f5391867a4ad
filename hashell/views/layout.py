"""Laying out text in columns: display width, wrapping, tables; and cleaning what agents and peers wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import combining, east_asian_width

import msgspec

from hashell.views.theme import Style, Theme


_SEQUENCES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?", re.DOTALL)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
COLUMN_MIN: Final = 12
"""Columns are squeezed to this, and to half of it where a table does not fit otherwise."""


class Cell(msgspec.Struct, frozen=True):
    """A piece of text, what it means, and how many columns it is indented."""

    text: str
    style: Style = Style.PLAIN
    indent: int = 0


def clean(text: str) -> str:
    """The text without escape sequences, control characters and direction overrides; line breaks and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


def one_line(text: str) -> str:
    """The cleaned text with every run of white space made one blank."""
    return " ".join(clean(text).split())


def width_of(text: str) -> int:
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, columns: int) -> str:
    """The text with blanks up to a display width."""
    return text + " " * (columns - width_of(text))


def wrap(text: str, columns: int) -> list[str]:
    """The words of a text in lines of at most `columns`; a longer word is cut. At least one line."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        rest = word
        while width_of(rest) > columns > 0:
            if line:
                lines.append(line)
                line = ""
            lines.append(rest[:columns])
            rest = rest[columns:]
        joined = f"{line} {rest}" if line else rest
        if width_of(joined) > columns and line:
            lines.append(line)
            line = rest
        else:
            line = joined
    return [*lines, line] if line or not lines else lines


def paragraph(theme: Theme, text: str, *, indent: str = "", first: str | None = None) -> list[str]:
    """A wrapped text; its first line begins with `first`, the others with `indent`."""
    start = indent if first is None else first
    lines = wrap(text, max(theme.width - max(width_of(indent), width_of(start)), COLUMN_MIN))
    return [(indent if at else start) + line for at, line in enumerate(lines)]


def columns(theme: Theme, rows: Iterable[Sequence[Cell]], *, indent: str = "  ", gap: int = 2) -> list[str]:
    """Rows as aligned columns, within the theme's width where that is possible: long cells are wrapped."""
    return [line for block in blocks(theme, rows, indent=indent, gap=gap) for line in block]


def blocks(theme: Theme, rows: Iterable[Sequence[Cell]], *, indent: str = "  ", gap: int = 2) -> list[list[str]]:
    """As `columns`, each row's lines by themselves: something may be put between them."""
    cleaned = [[Cell(one_line(cell.text), cell.style, cell.indent) for cell in row] for row in rows]
    count = max((len(row) for row in cleaned), default=0)
    widths = [
        max((row[at].indent + width_of(row[at].text) for row in cleaned if at < len(row)), default=0)
        for at in range(count)
    ]
    gaps = [1 if width == 1 and not at else gap for at, width in enumerate(widths)]  # A mark stands close to its row.
    _squeeze(widths, theme.width - width_of(indent) - sum(gaps[:-1]))
    return [_row(theme, row, widths, gaps, indent) for row in cleaned]


def _squeeze(widths: list[int], room: int) -> None:
    """Takes from the widest column until the sum fits: down to a width that words fit into, then further."""
    for floor in (COLUMN_MIN, COLUMN_MIN // 2):
        while (excess := sum(widths) - room) > 0:
            ranked = sorted(range(len(widths)), key=widths.__getitem__, reverse=True)
            widest = ranked[0]
            if widths[widest] <= floor:
                break
            next_width = widths[ranked[1]] if len(ranked) > 1 else floor
            step = max(min(excess, widths[widest] - next_width), 1)
            widths[widest] = max(widths[widest] - step, floor)


def _row(theme: Theme, row: Sequence[Cell], widths: Sequence[int], gaps: Sequence[int], indent: str) -> list[str]:
    wrapped = [wrap(cell.text, max(widths[at] - cell.indent, 1)) for at, cell in enumerate(row)]
    lines = []
    for line_at in range(max((len(w) for w in wrapped), default=0)):
        parts: list[str] = []
        pending = ""
        for at, cell in enumerate(row):
            text = wrapped[at][line_at] if line_at < len(wrapped[at]) else ""
            if text:
                parts.append(pending + " " * cell.indent + theme.paint(text, cell.style))
                pending = " " * (widths[at] - cell.indent - width_of(text) + gaps[at])
            else:
                pending += " " * (widths[at] + gaps[at])
        lines.append(indent + "".join(parts))
    return lines
