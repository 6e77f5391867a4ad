"""What is wrong with a configuration, where, and what to do: collected by the checks, shown at the edge."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum

import msgspec

from hashelld.cib.lang.source import Source


class Severity(Enum):
    """An error refuses the change; an objection does unless it is forced; a warning is told."""

    ERROR = "error"
    OBJECTION = "objection"
    WARNING = "warning"


class Diagnostic(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding. `code` is stable. `line` and `column` count from 1, 0 when there is no text to point into.

    `object` is the id of the object that it is about, and `word` what to point at in that object's statement.
    """

    severity: Severity
    code: str
    message: str
    line: int = 0
    column: int = 0
    length: int = 1
    hint: str = ""
    object: str = ""
    word: str = ""

    @property
    def is_error(self) -> bool:
        """Does it refuse the change, forced or not?"""
        return self.severity is Severity.ERROR

    @property
    def is_objection(self) -> bool:
        """Does it refuse the change unless that is forced?"""
        return self.severity is Severity.OBJECTION

    @property
    def is_warning(self) -> bool:
        """Is it only told?"""
        return self.severity is Severity.WARNING


def errors(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those that refuse the change, forced or not."""
    return [found for found in diagnostics if found.is_error]


def suggest(word: str, candidates: Iterable[str]) -> str:
    """A hint (`did you mean 'web'?`) when a candidate resembles the word, otherwise an empty text."""
    known = {candidate.casefold(): candidate for candidate in candidates}
    close = get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
    return f"did you mean '{known[close[0]]}'?" if close else ""


def render(diagnostic: Diagnostic, source_text: str = "") -> str:
    """Plain text of a finding: the message, and the line that it points into with a mark below the word."""
    head = f"{diagnostic.severity.value}[{diagnostic.code}] {diagnostic.message}"
    if not diagnostic.line or not source_text:
        return f"{head}\n  {diagnostic.hint}" if diagnostic.hint else head
    shown = _printable(Source(source_text).line(diagnostic.line))
    number = str(diagnostic.line)
    before, marked = shown[: diagnostic.column - 1], shown[diagnostic.column - 1 :][: diagnostic.length]
    mark = " " * _width(before) + "^" * max(1, _width(marked))
    hint = f" {diagnostic.hint}" if diagnostic.hint else ""
    return f"{head}\n  {number} │ {shown}\n  {' ' * len(number)} │ {mark}{hint}"


def _printable(line: str) -> str:
    return "".join(" " if c == "\t" else c if c.isprintable() else "·" for c in line)


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)
