"""The pieces of a manual page in mdoc: headings, lists, escaped text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final


DATE = "November 23, 2026"
"""Of the newest change that is worth a date on the pages."""


_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) +")


def page(title: str, section: str, name: str, description: str, body: Iterable[str]) -> str:
    """A whole page."""
    head = (f".Dd {DATE}", f".Dt {title.upper()} {section}", ".Os", ".Sh NAME", f".Nm {name}", f".Nd {description}")
    return "\n".join((*head, *body)) + "\n"


def text(words: str) -> list[str]:
    """Running text: a sentence a line, as mdoc wants it; what would be taken for a command is made harmless."""
    paragraphs = (" ".join(part.split()) for part in words.strip().split("\n\n"))
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [".Pp"] if lines else []
        lines += [_line(sentence) for sentence in _SENTENCE_END.split(paragraph)]
    return lines


def _line(line: str) -> str:
    escaped = line.replace("\\", "\\e").replace("--", "\\-\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def word(argument: str) -> str:
    """One argument of a macro, whatever is in it."""
    escaped = argument.replace("\\", "\\e").replace('"', "\\(dq").replace("…", "...").replace("-", "\\-")
    return f'"{escaped}"'


def section(name: str, *lines: str) -> list[str]:
    """A section with its lines."""
    return [f".Sh {name}", *lines]


def items(rows: Iterable[tuple[str, str]]) -> list[str]:
    """A list of terms with their texts."""
    return entries((term, text(words) if words else []) for term, words in rows)


def entries(rows: Iterable[tuple[str, list[str]]]) -> list[str]:
    """A list of terms with lines of mdoc."""
    listed = [line for term, lines in rows for line in (f".It Cm {word(term)}", *lines)]
    return [".Bl -tag -width Ds", *listed, ".El"] if listed else []


def typed(line: str) -> str:
    """One line as it is typed."""
    return f".Dl {word(line)}"


def example(lines: Iterable[str]) -> list[str]:
    """Lines as they are typed."""
    return [".Bd -literal -offset indent", *(_line(line) for line in lines), ".Ed"]
