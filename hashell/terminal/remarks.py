"""What is wrong with the line being typed: the same checks as those of a command that is run, but nothing is changed.

Pure but for the agents, which may be asked for what they say of themselves: not for the thread that echoes keys.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hashell.errors import HashellError
from hashell.grammar.bind import bind, resolve
from hashell.grammar.complete import complete, expects_path, word_start
from hashell.grammar.mistake import BadLine, Mistake
from hashell.grammar.scope import Scope
from hashell.grammar.words import split
from hashelld.cib.document import Cib, Properties
from hashelld.cib.edit import Edit, EditRefused, Put, apply
from hashelld.cib.lang.diagnostic import Diagnostic
from hashelld.cib.lang.lower import Mode, default_agent, locate, lower
from hashelld.cib.lang.parse import KEYWORDS, parse_text
from hashelld.cib.verify import verify
from hashelld.cib.verify_agents import verify_agents
from hashelld.model.metadata import Metadata
from hashelld.model.resource import Agent, Primitive, Template


CONFIGURE: Final = "configure"
DESCRIBED: Final = ("ocf", "stonith")
"""The classes whose agents say of themselves what they take."""
INCOMPLETE: Final = frozenset(
    {"missing-parameter", "incomplete", "missing-score", "missing-ticket", "unclosed-quote", "unclosed-bracket"}
)
"""What is told without a mark at the end of a line: nothing that was typed is wrong."""
CHECKED_OBJECTS_MAX: Final = 3_000
"""A document with more objects is checked when the statement is run, not at every key."""


class Remark(msgspec.Struct, frozen=True):
    """Something about a line. A word that is wrong is marked from `start` to `end`; what is only missing is not."""

    text: str
    start: int = 0
    end: int = 0
    hint: str = ""
    is_doubt: bool = False
    """It would pass with a warning."""

    @property
    def is_wrong(self) -> bool:
        """Is there a word to mark?"""
        return self.end > self.start

    @property
    def told(self) -> str:
        """One line for the toolbar."""
        return f"{self.text}; {self.hint}" if self.hint else self.text


def remarks(line: str, cursor: int, scope: Scope) -> tuple[Remark, ...]:
    """What is wrong with a line, then what it still lacks; nothing about a word that is still being typed."""
    words = split(line)
    if not words:
        return ()
    try:
        target = resolve(line, words, scope.level)
        if target.command is None or words[target.used - 1].end == len(line):
            return ()
        call = bind(line, words, target, scope)
    except BadLine as bad:
        return _told([_of_mistake(one, line) for one in bad.mistakes], line, cursor, scope)
    except HashellError:
        return ()  # Nobody can say.
    name = call.command.name
    if call.command.level != CONFIGURE or name not in KEYWORDS or not call.arguments:
        return ()
    head = words[target.used - 1]
    found = _statement(name + line[head.end :], scope)
    shift = head.end - len(name)
    return _told([_of_diagnostic(one, shift, line) for one in found], line, cursor, scope)


def _statement(text: str, scope: Scope) -> list[Diagnostic]:
    """What is wrong with a statement of the configure language, in itself and in the configuration that it is for."""
    statements, wrong = parse_text(text)
    cib = scope.cib()
    edits, refused = lower(
        statements, cib, Mode.CREATE, lambda type_: scope.agents.resolve(type_) or default_agent(type_)
    )
    if wrong or refused or len(cib.objects) > CHECKED_OBJECTS_MAX:
        return [*wrong, *refused]
    try:
        after = apply(cib, edits)
    except EditRefused:
        return []  # It is told when the statement is run.
    found = locate([*verify(after), *_of_agents(after, edits, scope)], statements)
    return [one for one in found if one.line]


def _of_agents(after: Cib, edits: tuple[Edit, ...], scope: Scope) -> list[Diagnostic]:
    """What the agents of the changed primitives object to."""
    changed = {edit.object.id for edit in edits if isinstance(edit, Put)}
    objects = tuple(
        one
        for one in after.objects
        if isinstance(one, Template | Properties) or (isinstance(one, Primitive) and one.id in changed)
    )
    if not any(isinstance(one, Primitive) for one in objects):
        return []

    def metadata_of(agent: Agent) -> Metadata | None:
        if agent.standard not in DESCRIBED:
            return Metadata(agent=agent.type)
        return scope.agents.metadata(agent)

    return verify_agents(Cib(objects=objects), metadata_of, [name for name, _title in scope.agents.offered()])


def _of_mistake(mistake: Mistake, line: str) -> Remark:
    if mistake.start >= len(line.rstrip()):
        return Remark(mistake.text, hint=mistake.hint)
    return Remark(mistake.text, mistake.start, mistake.end, mistake.hint)


def _of_diagnostic(found: Diagnostic, shift: int, line: str) -> Remark:
    text = found.message.removeprefix(f"{found.object}: ")  # Whose line it is, is before one's eyes.
    start = found.column - 1 + shift
    end = start + max(found.length, 1)
    is_unmarked = found.code == "missing-parameter" or (found.code in INCOMPLETE and end >= len(line.rstrip()))
    if is_unmarked or found.code == "unclosed-quote":
        return Remark(text, hint=found.hint)
    return Remark(text, start, end, found.hint, is_doubt=found.is_warning)


def _told(found: list[Remark], line: str, cursor: int, scope: Scope) -> tuple[Remark, ...]:
    """Marks first; what is missing, and the word at the cursor while it may still become right, are no mistakes yet."""
    settled = [one for one in found if not _may_go_on(one, line, cursor, scope)]
    return tuple(sorted(settled, key=lambda one: (not one.is_wrong, one.start)))


def _may_go_on(remark: Remark, line: str, cursor: int, scope: Scope) -> bool:
    """Is it about the word at the cursor, which what is typed next may mend?"""
    if not remark.is_wrong or remark.end < cursor or cursor < remark.start:
        return False
    word = line[remark.start : cursor]
    start = word_start(line, cursor)
    if expects_path(line, cursor, scope) or not word or word.lstrip("+-").isdigit():
        return True
    return bool(complete(line[:cursor], cursor, scope)) or not complete(line[:start], start, scope)
