"""The commands of the level `options`: preferences, kept in a file, below what the environment says."""

from __future__ import annotations

import os
from typing import Annotated

from hashell.commands.preferences import KNOWN, read_file, settings_path, write_file
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import Kind, OnOff, choice
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Outcome, Said, Table
from hashell.session import Session


LEVEL = "options"


def _names(_scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return [Candidate(name, one.help) for name, one in KNOWN.items() if name not in before]


def _values(_scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    known = KNOWN.get(before[0]) if before else None
    return [] if known is None else [Candidate(value) for value in known.values]


OptionName = Annotated[str, Kind(name="option", help="a preference's name", offer=_names)]
OptionValue = Annotated[str, Kind(name="value", help="what it becomes", offer=_values)]
Output = Annotated[str, choice("color:colours where the terminal has them", "plain:never any colours")]


@command(LEVEL, "show", aliases=("list",), examples=("options show", "options show editor"))
def options_show(session: Session, *names: OptionName) -> Outcome:
    """Print preferences: what they are, and where that is said."""
    kept = read_file(settings_path(os.environ))
    rows = []
    for name in names or KNOWN:
        known = KNOWN.get(name)
        if known is None:
            raise Refused(f"There is no option '{name}'. {did_you_mean(name, KNOWN)}".strip())
        value = os.environ.get(known.variable)
        origin = "default" if value is None else "file" if kept.get(name) == known.read(value) else "environment"
        rows.append((name, known.default if value is None else known.read(value), origin, known.help))
    return Table(columns=("option", "value", "from", "what"), rows=tuple(rows))


@command(LEVEL, "set", examples=("options set editing vi", "options set editor nano"))
def options_set(session: Session, name: OptionName, value: OptionValue) -> Outcome:
    """Change a preference. At the prompt it holds until the shell ends, unless `save` keeps it."""
    return _set(session, name, value)


@command(LEVEL, "save", examples=("options save",))
def options_save(session: Session) -> Outcome:
    """Keep the preferences of this shell for the next ones."""
    given = {name: os.environ.get(one.variable) for name, one in KNOWN.items()}
    values = {name: KNOWN[name].read(value) for name, value in given.items() if value is not None}
    path = _path()
    write_file(path, values)
    return Said(text=f"Wrote {path}.", data={"path": path})


@command(LEVEL, "reset", examples=("options reset", "options reset editor"))
def options_reset(session: Session, *names: OptionName) -> Outcome:
    """Forget preferences (by default all) that were kept: the defaults hold again."""
    path = _path()
    kept = read_file(path)
    for name in names or tuple(KNOWN):
        if name not in KNOWN:
            raise Refused(f"There is no option '{name}'. {did_you_mean(name, KNOWN)}".strip())
        if name in kept:
            del kept[name]
            os.environ.pop(KNOWN[name].variable, None)
    write_file(path, kept)
    return Said(text=f"Forgotten: {' '.join(names) or 'all preferences'}.")


@command(LEVEL, "editor", examples=("options editor nano",))
def options_editor(session: Session, program: str) -> Outcome:
    """Choose the editor of `configure edit`."""
    return _set(session, "editor", program)


@command(LEVEL, "pager", examples=("options pager 'less -R'",))
def options_pager(session: Session, program: str) -> Outcome:
    """Choose the program that shows what is longer than the screen; an empty name is none."""
    return _set(session, "pager", program)


@command(LEVEL, "output", examples=("options output plain",))
def options_output(session: Session, how: Output) -> Outcome:
    """Say whether colours are used."""
    return _set(session, "output", how)


@command(LEVEL, "wait", examples=("options wait on",))
def options_wait(session: Session, state: OnOff) -> Outcome:
    """Say whether every change waits until the cluster has settled, as with --wait."""
    session.options.wait = state
    return _set(session, "wait", "on" if session.options.wait else "off")


@command(LEVEL, "sort-elements", aliases=("sort_elements",), examples=("options sort-elements on",))
def options_sort_elements(session: Session, state: OnOff) -> Outcome:
    """Say whether `configure show` sorts objects by kind and id, or keeps their order."""
    return _set(session, "sort-elements", "on" if state else "off")


@command(LEVEL, "user", examples=("options user admin",))
def options_user(session: Session, name: str) -> Outcome:
    """Choose who logs in on other nodes (`cluster run`, `copy`, `diff`); an empty name is yourself."""
    return _set(session, "user", name)


def _set(session: Session, name: str, value: str) -> Said:
    known = KNOWN.get(name)
    if known is None:
        raise Refused(f"There is no option '{name}'. {did_you_mean(name, KNOWN)}".strip())
    if known.values and value not in known.values:
        raise Usage(f"{name} is {' or '.join(known.values)}, not '{value}'")
    os.environ[known.variable] = known.written(value)
    if session.level == LEVEL:
        return Said(text=f"{name} is {value}; save keeps it.", data={"name": name, "value": value, "saved": False})
    path = _path()
    write_file(path, {**read_file(path), name: value})
    return Said(text=f"{name} is {value}.", data={"name": name, "value": value, "saved": True})


def _path() -> str:
    path = settings_path(os.environ)
    if path is None:
        raise Refused("There is no place for preferences: neither XDG_CONFIG_HOME nor HOME is set.")
    return path
