"""Highlighting: a pygments lexer over `grammar.classify`, and the colours of the prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import ClassVar, Final

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer as PromptLexer
from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.token import Comment, Error, Keyword, Literal, Name, Number, String, Text, _TokenType  # type: ignore[import-untyped]

from hashell.grammar.classify import Span, WordRole, classify


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
    """The line being typed, at the level that `level_now` tells."""

    def __init__(self, level_now: Callable[[], str]) -> None:
        self._level_now = level_now

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The styled pieces of each line of the input."""
        lines = document.lines
        level = self._level_now()

        def styled(number: int) -> StyleAndTextTuples:
            line = lines[number] if number < len(lines) else ""
            if number:  # A continued statement: its first word is no command.
                return [("", line)]
            pieces = _pieces(line, classify(line, level))
            return [("" if span is None else STYLES[span.role], piece) for _start, piece, span in pieces]

        return styled


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
