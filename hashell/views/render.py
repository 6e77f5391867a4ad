"""Outcomes to a stream: text on a terminal, plain text elsewhere, JSON when asked for."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TextIO

from hashell.outcomes import Listing, Outcome, Planned, Said, Simulation, StatusReport, Table, Why
from hashell.views.layout import clean
from hashell.views.listing import render_listing
from hashell.views.plan import render_plan
from hashell.views.record import to_json
from hashell.views.simulation import render_simulation
from hashell.views.status import render_status
from hashell.views.tables import render_said, render_table
from hashell.views.theme import Theme
from hashell.views.why import render_why


WIDTH_DEFAULT = 80
ALIKE_MAX = 3
"""Warnings of one kind that are shown in full."""
WIDTH_PIPE = 10_000
"""What is piped is not wrapped: a row stays a line."""


def render(outcome: Outcome, theme: Theme) -> list[str]:
    """The outcome's lines."""
    match outcome:
        case Said():
            return render_said(outcome, theme)
        case Table():
            return render_table(outcome, theme)
        case Listing():
            return render_listing(outcome, theme)
        case StatusReport():
            return render_status(outcome, theme)
        case Planned():
            return render_plan(outcome, theme)
        case Why():
            return render_why(outcome, theme)
        case Simulation():
            return render_simulation(outcome, theme)


def show(outcome: Outcome, stream: TextIO, *, as_json: bool = False, is_tty: bool = False) -> None:
    """Write an outcome, and its warnings to standard error; a text that is empty writes nothing."""
    if isinstance(outcome, Said):
        sys.stderr.writelines(f"{line}\n" for line in _warned(outcome.warnings))
    stream.write(written(outcome, theme_of(stream, is_tty=is_tty), as_json=as_json))
    stream.flush()


def _warned(warnings: tuple[str, ...]) -> Iterator[str]:
    """The warnings; of many of one kind the first ones, and how many more there are."""
    counts, told = Counter(map(_kind, warnings)), Counter[str]()
    for warning in warnings:
        kind = _kind(warning)
        if told[kind] < ALIKE_MAX or not kind:
            yield f"warning: {clean(warning)}"
        elif told[kind] == ALIKE_MAX:
            yield f"warning: {counts[kind] - ALIKE_MAX} more like these [{kind}]; --json tells all"
        told[kind] += 1


def _kind(warning: str) -> str:
    """The code in brackets that findings have."""
    return warning.partition("[")[2].partition("]")[0] if "[" in warning else ""


def written(outcome: Outcome, theme: Theme, *, as_json: bool = False) -> str:
    """What `show` writes to its stream."""
    lines = [to_json(outcome).decode()] if as_json else render(outcome, theme)
    return "\n".join(lines) + "\n" if lines else ""


def theme_of(stream: TextIO, *, is_tty: bool, environment: Mapping[str, str] = os.environ) -> Theme:
    """How this stream may be written to: NO_COLOR, a dumb terminal and a pipe get no colours."""
    has_unicode = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") in ("utf8", "utf16", "utf32")
    is_dumb = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
    width = _terminal_width(stream) if is_tty else WIDTH_PIPE
    palette = environment.get("HASHELL_THEME", "").lower()
    return Theme(has_colour=is_tty and not is_dumb, has_unicode=has_unicode, width=width, palette=palette)


def _terminal_width(stream: TextIO) -> int:
    """Of the stream's own terminal, or (a screen that is drawn in memory first) of standard output's."""
    for find in (stream.fileno, sys.__stdout__.fileno if sys.__stdout__ is not None else stream.fileno):
        try:
            return os.get_terminal_size(find()).columns or WIDTH_DEFAULT
        except (OSError, ValueError):
            continue
    return WIDTH_DEFAULT
