"""From a line to a call: which command is meant, and its arguments; or all mistakes in the line."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from hashell.grammar.kinds import BadWord
from hashell.grammar.mistake import BadLine, Mistake, did_you_mean
from hashell.grammar.registry import EVERYWHERE, LEVELS, Command, Parameter, commands_of, exact_command
from hashell.grammar.scope import Scope
from hashell.grammar.words import Word, split


COMMON: Final = {
    "--json": "print data as JSON",
    "--yes": "answer questions with yes",
    "--force": "let semantic objections pass",
    "--wait": "return when the cluster has settled",
    "--help": "explain the command",
}
"""Options that every command takes, with their help."""
_SHORT: Final = {"-h": "--help", "-y": "--yes", "-w": "--wait", "-F": "--force"}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What the first words name: a command, or a level to go to; `used` words say so."""

    level: str
    command: Command | None
    used: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A command with its arguments, and the common options given with it."""

    command: Command
    level: str = ""
    """Where its words were looked for: that of a command of every level is the one named before it."""
    arguments: tuple[object, ...] = ()
    options: dict[str, object] = {}
    common: frozenset[str] = frozenset()


def resolve(line: str, words: list[Word], level: str) -> Target:
    """The command or level that a line begins with, seen from a level; raises `BadLine`."""
    target = _step(line, words[0], level)
    if target.command is not None or len(words) == 1:
        return target
    inner = _step(line, words[1], target.level, is_below=True)
    return msgspec.structs.replace(inner, used=2)


def _step(line: str, word: Word, level: str, *, is_below: bool = False) -> Target:
    """One word: exact names first, then aliases, then unique beginnings, of this level and (inside it) of the top."""
    levels = () if is_below else (level, "")
    for place in dict.fromkeys((level, *levels)):
        if not is_below and not place and word.text in LEVELS and word.text not in ("", EVERYWHERE):
            return Target(level=word.text, command=None, used=1)
        found = exact_command(place, word.text)
        if found is not None:
            return Target(level=place, command=found, used=1)
    names = _names(level, is_below=is_below)
    # First words may be in any case, as in crmsh.
    for name in (word.text, word.text.lower()):
        if name in names:
            return names[name]
    return _abbreviated(line, word, level, names)


def _names(level: str, *, is_below: bool) -> dict[str, Target]:
    """Everything that may be said at a place; what the level itself has wins over the top."""
    names: dict[str, Target] = {}
    if not is_below:
        for name, known in LEVELS.items():
            if name not in ("", EVERYWHERE):
                for one in (name, *known.aliases):
                    names[one] = Target(level=name, command=None, used=1)
    for place in dict.fromkeys((level,) if is_below else ("", level)):
        for found in commands_of(place).values():
            for one in (found.name, *found.aliases):
                names[one] = Target(level=place, command=found, used=1)
    return names


def names_at(level: str, *, is_below: bool = False) -> dict[str, Target]:
    """Every word that may begin a line at a level (or follow a level's name), and what it names."""
    return _names(level, is_below=is_below)


def _abbreviated(line: str, word: Word, level: str, names: dict[str, Target]) -> Target:
    begun = {name: target for name, target in names.items() if word.text and name.startswith(word.text)}
    own = {name: target for name, target in begun.items() if target.level == level and target.command} or begun
    meant = {id(target.command) if target.command else target.level: target for target in own.values()}
    if len(meant) == 1:
        name, target = next(iter(own.items()))
        if target.command is None or not target.command.is_exact:
            return target
        text = f"'{word.text}' is short for '{name}', which must be written in full"
        raise BadLine(line, [Mistake(text=text, start=word.start, end=word.end)])
    if meant:
        text = f"'{word.text}' is ambiguous: {', '.join(sorted(own))}"
        raise BadLine(line, [Mistake(text=text, start=word.start, end=word.end)])
    where = f" in {level}" if level else ""
    hint = did_you_mean(word.text, names) or "help lists what there is"
    raise BadLine(line, [Mistake(text=f"no command '{word.text}'{where}", start=word.start, end=word.end, hint=hint)])


def bind(line: str, words: list[Word], target: Target, scope: Scope) -> Call:
    """The call that a line means; raises `BadLine` with every mistake found."""
    command = target.command
    assert command is not None, "a level takes no arguments"
    call = _Binder(line, command, words, target.used, scope).bind()
    return msgspec.structs.replace(call, level=target.level)


class _Binder:
    """Collects arguments and mistakes of one line."""

    __slots__ = ("arguments", "at", "command", "common", "line", "mistakes", "options", "scope", "texts", "words")

    def __init__(self, line: str, command: Command, words: list[Word], used: int, scope: Scope) -> None:
        self.line = line
        self.command = command
        self.words = words
        self.at = used
        self.scope = scope
        self.arguments: list[object] = []
        self.options: dict[str, object] = {}
        self.common: set[str] = set()
        self.mistakes: list[Mistake] = []
        self.texts: list[str] = []

    def bind(self) -> Call:
        rest = list(self.command.positionals)
        while self.at < len(self.words):
            word = self.words[self.at]
            if word.text.startswith("--") or word.text in _SHORT:
                if self._option(word):
                    continue
            elif not word.is_closed and not (rest and rest[0].kind.is_rest):
                self._wrong(word, "the quote is not closed")
            if not rest:
                hint = f"usage: {self.command.usage}"
                self._wrong(word, f"{self.command.path} takes no more words", hint)
                break
            if rest[0].kind.is_rest:
                self.arguments.append(self._rest(word))
                rest.clear()
                break
            self._positional(word, rest[0])
            if not rest[0].is_repeated:
                del rest[0]
        self._missing(rest)
        if self.mistakes:
            raise BadLine(self.line, self.mistakes)
        return Call(
            command=self.command,
            arguments=tuple(self.arguments),
            options=self.options,
            common=frozenset(self.common),
        )

    def _rest(self, first: Word) -> str:
        """The rest of the line as typed, but for common options at its very end: they are the command's."""
        words = self.words[self.at :]
        while len(words) > 1 and self.line[words[-1].start :].rstrip() == words[-1].text and words[-1].text in COMMON:
            self.common.add(words.pop().text)
            self.line = self.line[: words[-1].end]
        return self.line[first.start : words[-1].end]

    def _missing(self, rest: list[Parameter]) -> None:
        needed = next((one for one in rest if not one.is_optional), None)
        if needed is not None and "--help" not in self.common:
            end = len(self.line.rstrip())
            text = f"{self.command.path} needs {needed.name}"
            hint = f"usage: {self.command.usage}"
            self.mistakes.append(Mistake(text=text, start=end + 1, end=end + 2, hint=hint))

    def _wrong(self, word: Word, text: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(text=text, start=word.start, end=word.end, hint=hint))

    def _positional(self, word: Word, parameter: Parameter) -> None:
        self.at += 1
        self.arguments.append(self._value(word, word.text, parameter))
        self.texts.append(word.text)

    def _value(self, word: Word, text: str, parameter: Parameter) -> object:
        kind = parameter.kind
        try:
            value = kind.parse(text)
        except BadWord as bad:
            self._wrong(word, f"{parameter.name}: {bad}")
            return text
        if kind.is_known_only:
            known = [one.text for one in kind.candidates(self.scope, tuple(self.texts))]
            if text not in known:
                again = " again" if text in self.texts else ""
                self._wrong(word, f"no {kind.name} '{text}'{again}", did_you_mean(text, known))
        return value

    def _option(self, word: Word) -> bool:
        """Take an option and its value; False when it is not one and belongs to the rest of the line."""
        name, equals, given = _SHORT.get(word.text, word.text).partition("=")
        parameter = next((one for one in self.command.options if f"--{one.name}" == name), None)
        if parameter is None and name in COMMON and not equals:
            self.common.add(name)
            self.at += 1
            return True
        if parameter is None:
            known = [*COMMON, *(f"--{one.name}" for one in self.command.options)]
            self._wrong(word, f"{self.command.path} has no option {name}", did_you_mean(name, known))
            self.at += 1
            return True
        self.at += 1
        if parameter.kind.is_flag:
            if equals:
                self._wrong(word, f"{name} takes no value")
            self.options[parameter.variable] = True
            return True
        if not equals and self.at >= len(self.words):
            self._wrong(word, f"{name} needs a value")
            return True
        if not equals:
            word = self.words[self.at]
            given = word.text
            self.at += 1
        value = self._value(word, given, parameter)
        if parameter.kind.is_repeatable:
            before = cast("tuple[object, ...]", self.options.get(parameter.variable, ()))
            value = (*before, value)
        self.options[parameter.variable] = value
        return True


def call_of(line: str, scope: Scope) -> Call | Target | None:
    """What a line asks for: a call, a level to go to, or nothing (an empty line, a comment)."""
    words = split(line)
    if not words:
        return None
    target = resolve(line, words, scope.level)
    return target if target.command is None else bind(line, words, target, scope)
