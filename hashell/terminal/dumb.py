"""Reading lines where the cursor cannot be moved (TERM=dumb): the terminal's own line editing, and words for menus.

A line that has a TAB or ends in `?` is not run: what may stand there is listed, and the line can be copied.
"""

from __future__ import annotations

from importlib import import_module
from typing import TextIO

from prompt_toolkit.history import History

from hashell.grammar.complete import complete
from hashell.grammar.scope import Scope
from hashell.grammar.words import is_continued
from hashell.terminal.keys import CONTINUED, asks
from hashell.views.theme import Theme


class DumbReader:
    """Lines from a stream, with prompts and lists on another."""

    __slots__ = ("_history", "_input", "_output", "_scope", "_theme")

    def __init__(self, scope: Scope, history: History, theme: Theme, streams: tuple[TextIO, TextIO]) -> None:
        self._scope = scope
        self._history = history
        self._theme = theme
        self._input, self._output = streams

    def read(self, prompt: str) -> list[str]:
        """The lines of one statement; raises `EOFError` at the end."""
        lines: list[str] = []
        while not lines or is_continued(lines[-1]):
            lines.append(self._line(CONTINUED if lines else prompt))
        if any(lines):
            self._history.append_string("\n".join(lines))
        return lines

    def _line(self, prompt: str) -> str:
        while True:
            self._output.write(prompt)
            self._output.flush()
            line = self._input.readline()
            if not line:
                self._output.write("\n")
                raise EOFError
            line = line.rstrip("\r\n")
            if "\t" in line:
                self._list(line.partition("\t")[0])
            elif line.endswith("?") and asks(line[:-1]):
                explain = import_module("hashell.terminal.explain").explain
                self._say(explain(line[:-1], self._scope, self._theme))
            else:
                return line

    def _list(self, line: str) -> None:
        found = complete(line, len(line), self._scope)
        self._say([f"  {one.text}  {one.description}".rstrip() for one in found] or ["  (nothing)"])

    def _say(self, lines: list[str]) -> None:
        self._output.write("\n".join(lines) + "\n")
