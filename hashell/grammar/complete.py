"""Completion: what may stand at the cursor. It never raises, and offers nothing rather than junk."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Final

from hashell.errors import HashellError
from hashell.grammar.bind import COMMON, Target, names_at, resolve
from hashell.grammar.registry import EVERYWHERE, LEVELS, Command, Parameter
from hashell.grammar.scope import Scope
from hashell.grammar.words import Word, quote, split
from hashell.outcomes import Candidate


CANDIDATES_MAX: Final = 500
"""More than anybody reads; a menu of thousands of agents is no help."""


def complete(line: str, cursor: int, scope: Scope) -> list[Candidate]:
    """Candidates for the word that ends at the cursor; each replaces the line from `word_start` on.

    A candidate that ends in `=` or `:` is gone on with; after any other, a blank is due.
    """
    before, partial = _divide(line[:cursor])
    if line.lstrip().startswith("#"):
        return []
    try:
        found = _candidates(line[:cursor], before, partial, scope)
    except HashellError:
        return []  # A line that is wrong before the cursor, or no cluster to ask: there is nothing to offer.
    return [_quoted(one) for one in matching(found, partial)][:CANDIDATES_MAX]


def word_start(line: str, cursor: int) -> int:
    """Where the word begins that ends at the cursor."""
    words = split(line[:cursor])
    return words[-1].start if words and words[-1].end == cursor else cursor


def expects_path(line: str, cursor: int, scope: Scope) -> bool:
    """Is a file's name expected at the cursor?"""
    before, _partial = _divide(line[:cursor])
    try:
        target = resolve(line, before, scope.level) if before else None
    except HashellError:
        return False
    if target is None or target.command is None:
        return False
    parameter, _given = _expected(target.command, before[target.used :])
    return parameter is not None and parameter.kind.is_path


def matching(candidates: Iterable[Candidate], partial: str) -> list[Candidate]:
    """Those that begin with the partial word; if none does, those that contain it (an agent by its type alone).

    If there are none either, those with its letters in this order.
    """
    offered = list({one.text: one for one in candidates}.values())
    begun = [one for one in offered if one.text.startswith(partial)]
    if begun or not partial:
        return begun
    folded = partial.lower()
    containing = [one for one in offered if folded in one.text.lower()]
    return containing or [one for one in offered if _has_letters(one.text.lower(), folded)]


def _has_letters(text: str, letters: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)


def _divide(text: str) -> tuple[list[Word], str]:
    words = split(text)
    if words and (words[-1].end == len(text) and not (words[-1].is_closed and text[-1:].isspace())):
        return words[:-1], words[-1].text
    return words, ""


def _quoted(candidate: Candidate) -> Candidate:
    text = quote(candidate.text)
    return candidate if text == candidate.text else Candidate(text, candidate.description)


def _candidates(text: str, before: list[Word], partial: str, scope: Scope) -> list[Candidate]:
    if not before:
        return _names(names_at(scope.level), partial, scope.level)
    target = resolve(text, before, scope.level)
    if target.command is None:
        return _names(names_at(target.level, is_below=True), partial, target.level)
    command, given = target.command, before[target.used :]
    if command.takes_rest and command.level == "configure":
        statements = import_module("hashell.grammar.statements")
        if command.name in statements.STATEMENTS:
            texts = tuple(word.text for word in given)
            found: list[Candidate] = statements.complete_statement(command.name, scope, texts, partial)
            return found
    if partial.startswith("-"):
        return _options(command, given)
    parameter, texts = _expected(command, given)
    return [] if parameter is None else parameter.kind.candidates(scope, texts)


def _names(names: dict[str, Target], partial: str, level: str) -> list[Candidate]:
    """Commands of the level first, then those of every level, then levels and what only the top has.

    Other names of a command are offered only when nothing else fits.
    """
    ranked: list[tuple[int, Candidate]] = []
    others: list[Candidate] = []
    for name, target in names.items():
        if target.command is None:
            candidate, rank = Candidate(name, f"level: {LEVELS[target.level].help}"), 2 if level else 0
            is_first = name == target.level
        else:
            candidate = Candidate(name, target.command.summary)
            rank = 3 if target.command.level == EVERYWHERE else 1 if target.level == level else 4
            is_first = name == target.command.name
        if is_first:
            ranked.append((rank, candidate))
        else:
            others.append(candidate)
    first = [one for _rank, one in sorted(ranked, key=lambda pair: (pair[0], pair[1].text))]
    return first if any(one.text.startswith(partial) for one in first) else [*first, *others]


def _options(command: Command, given: list[Word]) -> list[Candidate]:
    said = {word.text.partition("=")[0] for word in given}
    again = {f"--{one.name}" for one in command.options if one.kind.is_repeatable}
    own = [Candidate(f"--{one.name}", one.kind.help) for one in command.options]
    common = [Candidate(name, help_) for name, help_ in COMMON.items()]
    return [one for one in matching([*common, *own], "") if one.text not in said - again]


def _expected(command: Command, given: list[Word]) -> tuple[Parameter | None, tuple[str, ...]]:
    """The parameter that the next word belongs to, and the words given to places so far."""
    places = list(command.positionals)
    options = {f"--{one.name}": one for one in command.options}
    texts: list[str] = []
    pending: Parameter | None = None
    for word in given:
        if pending is not None:
            pending = None
            continue
        name, equals, _value = word.text.partition("=")
        if name in COMMON or name in options:
            option = options.get(name)
            pending = option if option is not None and not option.kind.is_flag and not equals else None
            continue
        if places:
            texts.append(word.text)
            if not places[0].is_repeated:
                del places[0]
    return pending or (places[0] if places else None), tuple(texts)
