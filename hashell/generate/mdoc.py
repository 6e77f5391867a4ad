"""The pieces of a manual page in mdoc: headings, lists, escaped text."""

from __future__ import annotations

from collections.abc import Iterable


DATE = "November 23, 2026"
"""Of the newest change that is worth a date on the pages."""


def page(title: str, section: str, name: str, description: str, body: Iterable[str]) -> str:
    """A whole page."""
    head = (f".Dd {DATE}", f".Dt {title.upper()} {section}", ".Os", ".Sh NAME", f".Nm {name}", f".Nd {description}")
    return "\n".join((*head, *body)) + "\n"


def text(words: str) -> str:
    """Running text: backslashes, a dot or quote at the beginning of a line, and dashes are made harmless."""
    lines = (line.strip() for line in words.strip().splitlines())
    return "\n".join(_line(line) if line else ".Pp" for line in lines)


def _line(line: str) -> str:
    escaped = line.replace("\\", "\\e").replace("--", "\\-\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def word(argument: str) -> str:
    """One argument of a macro, whatever is in it."""
    escaped = argument.replace("\\", "\\e").replace('"', "\\(dq").replace("-", "\\-")
    return f'"{escaped}"'


def section(name: str, *lines: str) -> list[str]:
    """A section with its lines."""
    return [f".Sh {name}", *lines]


def items(rows: Iterable[tuple[str, str]]) -> list[str]:
    """A list of terms with their texts."""
    listed = [line for term, words in rows for line in (f".It Cm {word(term)}", text(words) if words else "")]
    return [".Bl -tag -width Ds", *(line for line in listed if line), ".El"] if listed else []


def example(lines: Iterable[str]) -> list[str]:
    """Lines as they are typed."""
    return [".Bd -literal -offset indent", *(_line(line) for line in lines), ".Ed"]
