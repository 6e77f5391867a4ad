"""The registry: a command is one decorated, typed function; parsing, completion, help and man pages are read from it.

Modules of commands are imported level by level, when a word of that level is needed: one command costs one module.
Annotations stay strings until a command's parameters are asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType
from typing import Final, ParamSpec, TypeVar, cast

import msgspec

from hashell.grammar.index import ROWS
from hashell.grammar.kinds import Integer, Kind, Word


EVERYWHERE: Final = "*"
"""The pseudo level of commands that every level has (`up`, `help`, …)."""

P = ParamSpec("P")
R = TypeVar("R")


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A level of the prompt, and the modules in which its commands are written."""

    help: str
    modules: tuple[str, ...]
    aliases: tuple[str, ...] = ()


LEVELS: Final[dict[str, Level]] = {
    "": Level(
        help="the top",
        modules=(
            "hashell.commands.root",
            "hashell.commands.status",
            "hashell.commands.watching",
            "hashell.commands.simulate",
            "hashell.commands.demo",
            "hashell.commands.report",
        ),
    ),
    "resource": Level(
        help="start, stop, move, clean up resources",
        modules=(
            "hashell.commands.resource",
            "hashell.commands.moving",
            "hashell.commands.tuning",
            "hashell.commands.stashing",
        ),
        aliases=("rsc",),
    ),
    "node": Level(
        help="standby, maintenance, fencing, attributes of nodes",
        modules=("hashell.commands.node", "hashell.commands.membership"),
    ),
    "configure": Level(
        help="edit the configuration as a draft, and commit it",
        modules=("hashell.commands.configure",),
        aliases=("cf", "cfg"),
    ),
    "cluster": Level(
        help="the cluster itself: founding, daemons, quorum, the same on every node",
        modules=(
            "hashell.commands.cluster",
            "hashell.commands.electorate",
            "hashell.commands.machines",
            "hashell.commands.crash_test",
            "hashell.commands.qdisk",
        ),
    ),
    "cib": Level(help="shadows: configurations to try, beside the cluster's", modules=("hashell.commands.cib",)),
    "maintenance": Level(help="leave the cluster or a resource as it is", modules=("hashell.commands.maintenance",)),
    "history": Level(help="who did what, and what came of it", modules=("hashell.commands.history",)),
    "ra": Level(help="resource agents and their parameters", modules=("hashell.commands.ra",)),
    "script": Level(help="recipes with parameters, for what many clusters need", modules=("hashell.commands.script",)),
    "options": Level(help="preferences of this user", modules=("hashell.commands.options",)),
    EVERYWHERE: Level(help="in every level", modules=("hashell.grammar.everywhere",)),
}


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a command. `name` is how users write it: an option has no dashes here."""

    name: str
    variable: str
    kind: Kind
    is_optional: bool = False
    is_repeated: bool = False
    is_option: bool = False

    @property
    def usage(self) -> str:
        """`RESOURCE`, `[NODE]`, `[RESOURCE …]`, `[--limit NUMBER]`, `[--node NODE …]`."""
        if self.is_option:
            more = " …" if self.kind.is_repeatable else ""
            return f"[--{self.name}]" if self.kind.is_flag else f"[--{self.name} {self.kind.name.upper()}{more}]"
        if self.is_repeated:
            return f"[{self.name.upper()} …]"
        return f"[{self.name.upper()}]" if self.is_optional else self.name.upper()


class Command:
    """One command: where it is, what it is called, and the function that carries it out."""

    __slots__ = ("_parameters", "aliases", "examples", "function", "is_exact", "level", "name")

    def __init__(
        self,
        level: str,
        name: str,
        function: FunctionType,
        *,
        aliases: tuple[str, ...],
        examples: tuple[str, ...],
        is_exact: bool,
    ) -> None:
        self.level = level
        self.name = name
        self.function = function
        self.aliases = aliases
        self.examples = examples
        self.is_exact = is_exact
        self._parameters: tuple[Parameter, ...] | None = None

    @property
    def path(self) -> str:
        """The words that run it from the top."""
        return f"{self.level} {self.name}" if self.level not in ("", EVERYWHERE) else self.name

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @property
    def details(self) -> str:
        """The rest of its docstring, without indentation."""
        lines = (self.function.__doc__ or "").strip().splitlines()[1:]
        return "\n".join(line.strip() for line in lines).strip()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Read from the function's signature at first use."""
        if self._parameters is None:
            self._parameters = tuple(_parameters(self.function))
        return self._parameters

    @property
    def positionals(self) -> tuple[Parameter, ...]:
        """The parameters given by place."""
        return tuple(one for one in self.parameters if not one.is_option)

    @property
    def options(self) -> tuple[Parameter, ...]:
        """The parameters given by `--name`."""
        return tuple(one for one in self.parameters if one.is_option)

    @property
    def takes_rest(self) -> bool:
        """Is the rest of the line its argument, as typed?"""
        return any(one.kind.is_rest for one in self.parameters)

    @property
    def usage(self) -> str:
        """One line: the words and the parameters."""
        return " ".join((self.path, *(one.usage for one in self.parameters)))


REGISTRY: Final[dict[str, dict[str, Command]]] = {}
"""Level -> name -> command, filled by importing the modules of `LEVELS`."""


def command(
    *path: str,
    aliases: tuple[str, ...] = (),
    examples: tuple[str, ...] = (),
    stops: bool = False,
    destroys: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as the command `path` (level and name; a command of the top has its name only).

    With `stops` (interrupts a service) or `destroys` (loses something) it is run by its full name or an alias, never
    by an abbreviation.
    """
    level, name = (path[0], path[1]) if len(path) == 2 else ("", path[0])
    assert level in LEVELS, f"{level} is no level"

    def register(function: Callable[P, R]) -> Callable[P, R]:
        of_level = REGISTRY.setdefault(level, {})
        assert name not in of_level, f"{level} {name} is registered twice"
        of_level[name] = Command(
            level,
            name,
            cast("FunctionType", function),
            aliases=aliases,
            examples=examples,
            is_exact=stops or destroys,
        )
        return function

    return register


def commands_of(level: str) -> dict[str, Command]:
    """The commands of a level by name, after importing its modules; those of every level come last."""
    for module in (*LEVELS[level].modules, *LEVELS[EVERYWHERE].modules):
        importlib.import_module(module)
    return {**REGISTRY.get(EVERYWHERE, {}), **REGISTRY.get(level, {})}


def exact_command(level: str, word: str) -> Command | None:
    """The command of this very name, importing only its own module."""
    for place in (level, EVERYWHERE):
        row = _rows(place).get(word)
        if row is not None:
            importlib.import_module(row[0])
            return REGISTRY[place].get(word)
    return None


def summaries(level: str) -> dict[str, str]:
    """The commands of a level (without those of every level), each with the first sentence of its help."""
    return {name: summary for name, (_module, summary) in _rows(level).items()}


@cache
def _rows(level: str) -> dict[str, tuple[str, str]]:
    """Name -> module and summary, from the index that is generated from the registry."""
    found: dict[str, tuple[str, str]] = {}
    name = ""
    for line in ROWS.splitlines():
        if not line.startswith("  "):
            place, name, module = line.split() if line else ("", "", "")
            name = name if place == (level or "-") else ""
            if name:
                found[name] = (module, "")
        elif name:
            found[name] = (found[name][0], f"{found[name][1]} {line.strip()}".lstrip())
    return found


def all_commands() -> Iterator[Command]:
    """Every command, level by level, sorted by name."""
    for level in LEVELS:
        commands_of(level)
        for name in sorted(REGISTRY.get(level, {})):
            yield REGISTRY[level][name]


def _parameters(function: FunctionType) -> Iterator[Parameter]:
    code = function.__code__
    places = code.co_varnames[1 : code.co_argcount]  # The first is the session.
    optional_from = len(places) - len(function.__defaults__ or ())
    for at, variable in enumerate(places):
        yield _parameter(function, variable, is_optional=at >= optional_from)
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if code.co_flags & 0x04:  # The function takes *arguments.
        variable = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        yield _parameter(function, variable, is_optional=True, is_repeated=True)
    for variable in named:
        yield _parameter(function, variable, is_optional=True, is_option=True)


def _parameter(
    function: FunctionType, variable: str, *, is_optional: bool, is_repeated: bool = False, is_option: bool = False
) -> Parameter:
    return Parameter(
        name=variable.strip("_").replace("_", "-"),
        variable=variable,
        kind=_kind_of(function, variable),
        is_optional=is_optional,
        is_repeated=is_repeated,
        is_option=is_option,
    )


def _kind_of(function: FunctionType, variable: str) -> Kind:
    """An annotation is the name of an alias, or of `str` or `int`, optionally `| None`."""
    written = str(function.__annotations__[variable]).removesuffix(" | None").strip()
    alias: object = {"str": Word, "int": Integer}.get(written) or function.__globals__[written]
    kind = getattr(alias, "__metadata__", (None,))[0]
    assert isinstance(kind, Kind), f"{function.__name__}: {variable} is annotated {written}, which has no kind"
    return kind
