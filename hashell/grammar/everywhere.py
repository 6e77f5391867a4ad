"""Commands that every level has: moving between levels, help, leaving."""

from __future__ import annotations

from typing import Annotated

from hashell.errors import Usage
from hashell.grammar.bind import names_at
from hashell.grammar.helptext import command_help, level_help
from hashell.grammar.kinds import Kind
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import EVERYWHERE, LEVELS, command, commands_of, exact_command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Listing, Outcome, Said
from hashell.session import Session


def _levels(_scope: Scope, _before: tuple[str, ...]) -> list[Candidate]:
    inner = [Candidate(name, known.help) for name, known in LEVELS.items() if name not in ("", EVERYWHERE)]
    return [Candidate("..", "the level above"), *inner]


def _topics(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    if before:
        level = before[0] if before[0] in LEVELS else None
        return [] if level is None else [Candidate(c.name, c.summary) for c in commands_of(level).values()]
    return [
        Candidate(name, target.command.summary if target.command else LEVELS[target.level].help)
        for name, target in sorted(names_at(scope.level).items())
    ]


LevelPath = Annotated[str, Kind(name="level", help="a level, .. or ../LEVEL", offer=_levels)]
Topic = Annotated[str, Kind(name="topic", help="a level, a command, or both", offer=_topics)]


@command(EVERYWHERE, "up", aliases=("end", "back", ".."), examples=("up",))
def up(session: Session) -> Outcome:
    """Leave this level; at the top, stay."""
    session.enter("")
    return Said(text="")


@command(EVERYWHERE, "cd", examples=("cd resource", "cd ../node", "cd"))
def cd(session: Session, level: LevelPath = "..") -> Outcome:
    """Go to another level; without a level, one up."""
    words = [part for part in level.split("/") if part not in ("", ".")]
    place = "" if level.startswith("/") else session.level
    for part in words:
        if part == "..":
            place = ""
        elif place or part not in LEVELS or part == EVERYWHERE:
            hint = did_you_mean(part, LEVELS)
            raise Usage(f"there is no level '{part}'{' below ' + place if place else ''}{'; ' + hint if hint else ''}")
        else:
            place = part
    session.enter(place)
    return Said(text="")


@command(EVERYWHERE, "ls", examples=("ls",))
def ls(session: Session) -> Outcome:
    """List the levels and commands that may be typed here."""
    found = commands_of(session.level)
    inner = [] if session.level else [f"{name}/" for name in LEVELS if name not in ("", EVERYWHERE)]
    names = sorted(name for name, one in found.items() if one.level != EVERYWHERE)
    common = sorted(name for name, one in found.items() if one.level == EVERYWHERE)
    text = _columns([*inner, *names, *common])
    return Said(text=text, data={"levels": [name.rstrip("/") for name in inner], "commands": [*names, *common]})


@command(EVERYWHERE, "quit", aliases=("bye", "exit"), examples=("quit",))
def leave(session: Session) -> Outcome:
    """Leave the shell."""
    session.enter("")
    session.is_finished = True
    return Said(text="")


@command(EVERYWHERE, "help", aliases=("?",), examples=("help", "help resource move"))
def show_help(session: Session, topic: Topic = "", word: Topic = "") -> Outcome:
    """Explain a command or a level; without a topic, list what may be typed here."""
    if not topic:
        return Listing(text=level_help(session.level), language="text")
    if topic in LEVELS and topic != EVERYWHERE and not word:
        return Listing(text=level_help(topic), language="text")
    wanted, where = (word, topic) if word else (topic, session.level)
    exact = exact_command(where, wanted)
    if exact is not None:
        return Listing(text=command_help(exact), language="text")
    names = names_at(where, is_below=bool(word)) if where in LEVELS else {}
    target = names.get(wanted)
    if target is None:
        hint = did_you_mean(wanted, names)
        raise Usage(f"no help for '{' '.join((topic, word)).strip()}'{f' ({hint})' if hint else ''}; try: help {where}")
    text = level_help(target.level) if target.command is None else command_help(target.command)
    return Listing(text=text, language="text")


def _columns(names: list[str], width: int = 80) -> str:
    cell = max(map(len, names), default=0) + 2
    count = max(1, width // cell)
    rows = -(-len(names) // count)
    lines = ("".join(f"{name:<{cell}}" for name in names[row::rows]).rstrip() for row in range(rows))
    return "\n".join(lines)
