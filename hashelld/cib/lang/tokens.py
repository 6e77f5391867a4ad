"""The scanner: text into logical lines of words that know where they stand.

Words are split as a POSIX shell does, without any expansion. A line that ends in a backslash goes on in the next
one; both are stripped and joined without a separator. `$'…'` is an addition for values with control characters. The
XML of an `xml` statement is one word as it stands. Comment lines belong to the statement that follows them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hashelld.cib.lang.diagnostic import Diagnostic, Severity
from hashelld.cib.lang.source import Source


class Word(msgspec.Struct, frozen=True):
    """One word after quotes are removed, and the place of what was written."""

    text: str
    line: int
    column: int
    length: int
    is_quoted: bool = False
    """It began with a quote: then it is never a keyword."""

    def finding(self, code: str, message: str, hint: str = "") -> Diagnostic:
        """An error at this word."""
        return Diagnostic(Severity.ERROR, code, message, self.line, self.column, self.length, hint)


class LogicalLine(msgspec.Struct, frozen=True):
    """The words of one statement, and the comment lines in front of it."""

    words: tuple[Word, ...]
    comments: tuple[str, ...] = ()


_BLANK: Final = " \t\r\n\f\v"
_PLAIN: Final = re.compile(r"[^ \t\r\n\f\v'\"\\$]+")
_DOUBLE: Final = re.compile(r"[^\"\\]+")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"', "0": "\0", "a": "\a", "e": "\x1b"}
_CODES: Final = {"x": 2, "u": 4, "U": 8}
_HEX: Final = re.compile(r"[0-9a-fA-F]+\Z")
_XML: Final = re.compile(r"\s*xml\s+(?=<)", re.IGNORECASE)


def scan(text: str) -> tuple[list[LogicalLine], list[Diagnostic]]:
    """The statements' words; empty lines are left out. A line that cannot be split is an error."""
    source = Source(text)
    lines: list[LogicalLine] = []
    found: list[Diagnostic] = []
    comments: list[str] = []
    for joined, offsets in _logical_lines(text):
        if joined.startswith("#"):
            comments.append(joined.rstrip())
            continue
        try:
            words = _Scanner(joined, offsets, source).words()
        except _Unbalanced as unbalanced:
            line, column = source.place(offsets[unbalanced.at])
            found.append(
                Diagnostic(Severity.ERROR, unbalanced.code, unbalanced.message, line, column, 1, unbalanced.hint)
            )
            words = []
        if words:
            lines.append(LogicalLine(tuple(words), tuple(comments)))
        comments.clear()
    return lines, found


def is_unfinished(text: str) -> bool:
    """Does the last line ask for another one (it ends in a backslash)?"""
    return text.rstrip("\n").rpartition("\n")[2].strip().endswith("\\")


def _logical_lines(text: str) -> list[tuple[str, list[int]]]:
    """Joined lines, each with the offset in the text of every character."""
    result: list[tuple[str, list[int]]] = []
    pieces: list[str] = []
    offsets: list[int] = []
    start = 0
    for physical in text.split("\n"):
        body = physical.strip()
        at = start + (len(physical) - len(physical.lstrip()))
        start += len(physical) + 1
        kept = body.rstrip("\\")
        pieces.append(kept)
        offsets.extend(range(at, at + len(kept)))
        if len(kept) == len(body):
            result.append(("".join(pieces), offsets))
            pieces, offsets = [], []
    if pieces:
        result.append(("".join(pieces), offsets))
    return [(joined, places) for joined, places in result if joined.strip()]


def _is_character(code: int) -> bool:
    return code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF


class _Unbalanced(Exception):
    def __init__(self, at: int, code: str, message: str, hint: str) -> None:
        self.at, self.code, self.message, self.hint = at, code, message, hint
        super().__init__(message)


class _Scanner:
    """Splits one logical line."""

    __slots__ = ("_at", "_offsets", "_source", "_text")

    def __init__(self, text: str, offsets: list[int], source: Source) -> None:
        self._text, self._offsets, self._source = text, offsets, source
        self._at = 0

    def words(self) -> list[Word]:
        words: list[Word] = []
        xml = _XML.match(self._text)
        while self._skip_blanks():
            start = self._at
            text = self._rest() if xml is not None and words else self._word()
            line, column = self._source.place(self._offsets[start])
            length = self._offsets[self._at - 1] - self._offsets[start] + 1
            words.append(Word(text, line, column, length, self._text[start] in "'\"" or self._is_ansi(start)))
        return words

    def _rest(self) -> str:
        """Everything that is left, as it stands."""
        rest = self._text[self._at :]
        self._at = len(self._text)
        return rest.rstrip()

    def _skip_blanks(self) -> bool:
        while self._at < len(self._text) and self._text[self._at] in _BLANK:
            self._at += 1
        return self._at < len(self._text)

    def _is_ansi(self, at: int) -> bool:
        return self._text.startswith("$'", at)

    def _word(self) -> str:
        pieces: list[str] = []
        text = self._text
        while self._at < len(text) and text[self._at] not in _BLANK:
            char = text[self._at]
            if char == "'":
                pieces.append(self._single())
            elif char == '"':
                pieces.append(self._double())
            elif char == "\\":
                pieces.append(text[self._at + 1 : self._at + 2])
                self._at += 2
            elif self._is_ansi(self._at):
                pieces.append(self._ansi())
            else:
                plain = _PLAIN.match(text, self._at)
                end = plain.end() if plain else self._at + 1  # A `$` that begins no `$'…'`.
                pieces.append(text[self._at : end])
                self._at = end
        return "".join(pieces)

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise self._unclosed("'")
        piece = self._text[self._at + 1 : end]
        self._at = end + 1
        return piece

    def _double(self) -> str:
        text, at, pieces = self._text, self._at + 1, []
        while at < len(text) and text[at] != '"':
            if text[at] == "\\":
                follows = text[at + 1 : at + 2]
                pieces.append(follows if follows in ('"', "\\") else "\\" + follows)
                at += 2
                continue
            run = _DOUBLE.match(text, at)
            assert run is not None
            pieces.append(run.group())
            at = run.end()
        if at >= len(text):
            raise self._unclosed('"')
        self._at = at + 1
        return "".join(pieces)

    def _ansi(self) -> str:
        text, at, pieces = self._text, self._at + 2, []
        while at < len(text) and text[at] != "'":
            if text[at] != "\\":
                pieces.append(text[at])
                at += 1
                continue
            letter = text[at + 1 : at + 2]
            if letter in _CODES:
                digits = text[at + 2 : at + 2 + _CODES[letter]]
                if len(digits) != _CODES[letter] or not _HEX.match(digits) or not _is_character(int(digits, 16)):
                    raise _Unbalanced(at, "bad-escape", f"bad escape '\\{letter}{digits}'", "")
                pieces.append(chr(int(digits, 16)))
                at += 2 + _CODES[letter]
                continue
            pieces.append(_ESCAPES.get(letter, "\\" + letter))
            at += 2
        if at >= len(text):
            raise self._unclosed("'")
        self._at = at + 1
        return "".join(pieces)

    def _unclosed(self, quote: str) -> _Unbalanced:
        hint = "put the value in double quotes" if quote == "'" else 'a quote inside a value is written \\"'
        return _Unbalanced(self._at, "unclosed-quote", f"the quote {quote} is never closed", hint)
