"""Highlighting: a pygments lexer over `grammar.classify`, and the colours of the prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from types import MappingProxyType
from typing import ClassVar, Final

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer as PromptLexer
from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.token import Comment, Error, Keyword, Literal, Name, Number, String, Text, _TokenType  # type: ignore[import-untyped]

from hashell.grammar.classify import Span, WordRole, classify
from hashell.terminal.live import as_one_line


TOKENS: Final = MappingProxyType(
    {
        WordRole.LEVEL: Name.Namespace,
        WordRole.COMMAND: Keyword,
        WordRole.KEYWORD: Keyword.Reserved,
        WordRole.OPTION: Name.Decorator,
        WordRole.NAME: Name.Attribute,
        WordRole.VALUE: String,
        WordRole.SCORE: Number,
        WordRole.AGENT: Name.Class,
        WordRole.ID: Name.Variable,
        WordRole.COMMENT: Comment,
        WordRole.ERROR: Error,
    }
)

STYLES: Final = MappingProxyType(
    {
        WordRole.LEVEL: "class:level",
        WordRole.COMMAND: "class:command",
        WordRole.KEYWORD: "class:keyword",
        WordRole.OPTION: "class:option",
        WordRole.NAME: "class:name",
        WordRole.VALUE: "class:value",
        WordRole.SCORE: "class:score",
        WordRole.AGENT: "class:agent",
        WordRole.ID: "",
        WordRole.COMMENT: "class:comment",
        WordRole.ERROR: "class:error",
    }
)


class ConfigureLexer(Lexer):  # type: ignore[misc]
    """The configure language for pygments: whatever `configure show` prints."""

    name = "hashell configure language"
    aliases: ClassVar[list[str]] = ["hashell", "crmsh"]
    filenames: ClassVar[list[str]] = ["*.crm"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Tokens with their places, as pygments wants them."""
        at = 0
        for line in text.splitlines(keepends=True):
            body = line.rstrip("\r\n")
            for start, piece, span in _pieces(body, classify(body, "configure")):
                yield at + start, Literal if span is None else TOKENS[span.role], piece
            yield at + len(body), Text, line[len(body) :]
            at += len(line)


class LineLexer(PromptLexer):
    """The line being typed at a level: one lexer for each, because prompt_toolkit keeps what a lexer said of a text."""

    def __init__(self, level: str) -> None:
        self._level = level

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The styled pieces of each line of the input."""
        text = document.text
        styles = self._styles(text)
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)

        def styled(number: int) -> StyleAndTextTuples:
            if number >= len(document.lines):
                return []
            start, end = starts[number], starts[number + 1] - 1
            return [(style, "".join(text[at] for at in places)) for style, places in _runs(styles, start, end)]

        return styled

    def _styles(self, text: str) -> list[str]:
        """The style of every character; lines that go on are one statement."""
        styles = [""] * len(text)
        for span in classify(as_one_line(text), self._level):
            styles[span.start : span.end] = [STYLES[span.role]] * (span.end - span.start)
        return styles


def _runs(styles: list[str], start: int, end: int) -> Iterator[tuple[str, Iterator[int]]]:
    """Neighbours of one style together."""
    return groupby(range(start, end), key=styles.__getitem__)


def _pieces(line: str, spans: list[Span]) -> Iterator[tuple[int, str, Span | None]]:
    """The whole line in pieces, those between the spans included."""
    at = 0
    for span in spans:
        if span.start > at:
            yield at, line[at : span.start], None
        yield span.start, line[span.start : span.end], span
        at = span.end
    if at < len(line):
        yield at, line[at:], None
