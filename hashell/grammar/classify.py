"""The role of every word of a line, for highlighting: pure, and quick enough for every key press."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashell.grammar.bind import resolve
from hashell.grammar.mistake import BadLine
from hashell.grammar.statements import KEYWORDS
from hashell.grammar.words import Word, split
from hashelld.model.score import parse_score


class WordRole(Enum):
    """What a word is in its line."""

    LEVEL = "level"
    COMMAND = "command"
    KEYWORD = "keyword"
    OPTION = "option"
    NAME = "name"
    VALUE = "value"
    SCORE = "score"
    AGENT = "agent"
    ID = "id"
    COMMENT = "comment"
    ERROR = "error"


class Span(msgspec.Struct, frozen=True):
    """A part of the line with its role."""

    start: int
    end: int
    role: WordRole


_CLASSES: Final = ("ocf:", "systemd:", "stonith:", "lsb:", "service:", "heartbeat:")


def classify(line: str, level: str) -> list[Span]:
    """The spans of a line typed at a level, from left to right; blanks belong to none."""
    words = split(line)
    if not words:
        start = len(line) - len(line.lstrip())
        return [Span(start, len(line), WordRole.COMMENT)] if line.strip() else []
    try:
        target = resolve(line, words, level)
    except BadLine as bad:
        at = bad.mistakes[0].start
        spans = [Span(w.start, w.end, WordRole.LEVEL) for w in words if w.end <= at]
        # A word that is still being typed is not yet wrong.
        is_typing = words[-1].start == at and words[-1].end == len(line)
        role = WordRole.COMMAND if is_typing else WordRole.ERROR
        spans.extend(Span(w.start, w.end, role) for w in words if w.start == at)
        return spans
    if target.command is None:
        return [Span(words[0].start, words[0].end, WordRole.LEVEL)]
    head = [Span(w.start, w.end, WordRole.LEVEL) for w in words[: target.used - 1]]
    head.append(Span(words[target.used - 1].start, words[target.used - 1].end, WordRole.COMMAND))
    tail = [span for word in words[target.used :] for span in _spans(line, word)]
    return [*head, *tail]


def _spans(line: str, word: Word) -> list[Span]:
    if not word.is_closed:
        return [Span(word.start, word.end, WordRole.ERROR)]
    written = line[word.start : word.end]
    if written.startswith("-") and parse_score(written.rstrip(":")) is None:
        return [Span(word.start, word.end, WordRole.OPTION)]
    equals = written.find("=")
    if equals > 0:
        middle = word.start + equals
        return [Span(word.start, middle, WordRole.NAME), Span(middle + 1, word.end, WordRole.VALUE)]
    return [Span(word.start, word.end, _role(word.text))]


def _role(text: str) -> WordRole:
    if text in KEYWORDS:
        return WordRole.KEYWORD
    if text.startswith(_CLASSES):
        return WordRole.AGENT
    if parse_score(text.rstrip(":")) is not None:
        return WordRole.SCORE
    return WordRole.ID
