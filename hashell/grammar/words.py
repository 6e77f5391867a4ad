"""A line and its words: splitting keeps every word's place, joining quotes without loss."""

from __future__ import annotations

import msgspec


class Word(msgspec.Struct, frozen=True):
    """One word: its text without quotes, and its place in the line (`end` is past its last character)."""

    text: str
    start: int
    end: int
    is_closed: bool = True
    """False when a quote was opened and not closed."""


def split(line: str) -> list[Word]:
    """The words of a line: blanks separate, '…' is literal, "…" knows `\\"` and `\\\\`, elsewhere `\\x` is `x`."""
    words: list[Word] = []
    at = 0
    while True:
        while at < len(line) and line[at].isspace():
            at += 1
        if at >= len(line) or (not words and line[at] == "#"):
            return words
        word = _word(line, at)
        words.append(word)
        at = word.end


def _word(line: str, start: int) -> Word:
    text: list[str] = []
    at = start
    while at < len(line) and not line[at].isspace():
        if line[at] in "'\"":
            piece, at, is_closed = _quoted(line, at)
            text.append(piece)
            if not is_closed:
                return Word("".join(text), start, at, is_closed=False)
            continue
        if line[at] == "\\" and at + 1 < len(line):
            at += 1
        text.append(line[at])
        at += 1
    return Word("".join(text), start, at)


def _quoted(line: str, start: int) -> tuple[str, int, bool]:
    """The text between a quote and its end, where the line goes on, and whether the quote was closed."""
    quote = line[start]
    text: list[str] = []
    at = start + 1
    while at < len(line):
        if line[at] == quote:
            return "".join(text), at + 1, True
        if quote == '"' and line[at] == "\\" and line[at + 1 : at + 2] in ('"', "\\"):
            at += 1
        text.append(line[at])
        at += 1
    return "".join(text), at, False


def quote(text: str) -> str:
    """The word as it must be typed; bare where nothing in it is special."""
    is_special = not text or text[0] == "#" or any(sign in "'\"\\" or sign.isspace() for sign in text)
    return "'" + text.replace("'", "'\"'\"'") + "'" if is_special else text


def join(words: list[str]) -> str:
    """A line that splits into these very words."""
    return " ".join(quote(word) for word in words)


def is_continued(line: str) -> bool:
    """Does the statement go on in the next line?"""
    return line.rstrip().endswith("\\") and not line.lstrip().startswith("#")


def glue(lines: list[str]) -> str:
    """One statement of physical lines: stripped, trailing backslashes removed, nothing put between."""
    return "".join(line.strip().rstrip("\\") if is_continued(line) else line.strip() for line in lines)
