"""What `?` says: which command the line is, what is to come at the cursor, and all about the parameter there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hashell.errors import HashellError
from hashell.grammar.bind import resolve
from hashell.grammar.complete import complete, word_start
from hashell.grammar.helptext import level_help
from hashell.grammar.scope import Scope
from hashell.grammar.statements import STATEMENTS
from hashell.grammar.words import Word, split
from hashell.outcomes import Candidate
from hashell.views.layout import Cell, clean, columns, paragraph
from hashell.views.theme import Style, Theme
from hashelld.model.metadata import Parameter


SHOWN_MAX: Final = 30


def explain(line: str, scope: Scope, theme: Theme) -> list[str]:
    """Lines about the end of a line."""
    words = split(line)
    if not words:
        return level_help(scope.level).split("\n")
    lines = [*_command(line, words, scope, theme), *_parameter(line, words, scope, theme)]
    offered = complete(line, len(line), scope)
    if offered:
        lines += columns(theme, [_row(one) for one in offered[:SHOWN_MAX]])
    if len(offered) > SHOWN_MAX:
        lines.append(f"  … and {len(offered) - SHOWN_MAX} more: press TAB")
    return lines or ["Nothing is known about that."]


def _row(candidate: Candidate) -> list[Cell]:
    return [Cell(candidate.text, Style.NAME), Cell(candidate.description)]


def _command(line: str, words: list[Word], scope: Scope, theme: Theme) -> Iterator[str]:
    try:
        target = resolve(line, words, scope.level)
    except HashellError:
        return
    if target.command is None:
        return
    is_statement = target.command.level == "configure" and target.command.name in STATEMENTS
    yield from paragraph(theme, target.command.summary if is_statement else f"usage: {target.command.usage}")
    if not is_statement:
        yield from paragraph(theme, target.command.summary, indent="  ")


def _parameter(line: str, words: list[Word], scope: Scope, theme: Theme) -> Iterator[str]:
    """An agent's parameter in full, behind its `name=`."""
    name, equals, _value = line[word_start(line, len(line)) :].partition("=")
    if not equals:
        return
    for word in words[:-1]:
        metadata = scope.agents.metadata(word.text) if word.text[:1].isalpha() else None
        found = None if metadata is None else metadata.parameter(name)
        if found is not None:
            yield theme.paint(f"{name} ({_facts(found)})", Style.HEADING)
            for text in (found.shortdesc, found.longdesc):
                yield from paragraph(theme, clean(text), indent="  ") if text else ()
            return


def _facts(parameter: Parameter) -> str:
    facts = [parameter.type, *(["required"] if parameter.required else []), *(["unique"] if parameter.unique else [])]
    return ", ".join([*facts, *([f"default {parameter.default}"] if parameter.default else [])])
