"""The commands of the level `script`: recipes with parameters, to look at, to try and to carry out."""

from __future__ import annotations

import os
from typing import Annotated

from hashell.commands.changes import carry_out, listed
from hashell.commands.checking import Origin, check_change, refuse, resolver
from hashell.commands.preferences import settings_path
from hashell.commands.recipes import BUILT_IN, Recipe, read_recipe
from hashell.commands.transfer import read_file
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import Kind, Wait
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Listing, Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.edit import Edit, apply
from hashelld.cib.lang.lower import Mode, lower
from hashelld.cib.lang.parse import parse_text


LEVEL = "script"
SUFFIX = ".crm"
FOLDER = "/etc/hashell/scripts"
"""Recipes of this machine; those of the user are in `scripts`, beside the file of preferences."""


def _scripts(_scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return [] if before else [Candidate(name, origin) for name, (origin, _text) in _all().items()]


def _values(_scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    known = _all().get(before[0]) if before else None
    given = {word.partition("=")[0] for word in before[1:]}
    parameters = () if known is None else read_recipe(before[0], known[1]).parameters
    return [Candidate(f"{one.name}=", one.help) for one in parameters if one.name not in given]


ScriptName = Annotated[str, Kind(name="script", help="a script's name: script list", offer=_scripts)]
Value = Annotated[str, Kind(name="name=value", help="a parameter of the script with its value", offer=_values)]


@command(LEVEL, "list", examples=("script list",))
def script_list(session: Session) -> Outcome:
    """List the scripts: those that come with hashell, those of this machine, and your own."""
    rows = tuple((name, read_recipe(name, text).summary, origin) for name, (origin, text) in sorted(_all().items()))
    return Table(columns=("script", "what it makes", "from"), rows=rows)


@command(LEVEL, "show", aliases=("describe", "info"), examples=("script show virtual-ip",))
def script_show(session: Session, script: ScriptName) -> Outcome:
    """Show what a script needs to know, and the statements that it makes."""
    recipe = _find(script)
    width = max((len(one.name) for one in recipe.parameters), default=0)
    lines = [recipe.summary, "", "Parameters (* required, [] default):"]
    for one in recipe.parameters:
        default = "" if one.default is None else f" [{one.default}]"
        lines.append(f"  {one.name + ('*' if one.default is None else ''):<{width + 1}}  {one.help}{default}")
    return Listing(text="\n".join((*lines, "", recipe.text)), language="text")


@command(LEVEL, "verify", examples=("script verify virtual-ip id=vip ip=10.0.0.9",))
def script_verify(session: Session, script: ScriptName, *values: Value) -> Outcome:
    """Check what a script would add to the configuration, and print it; nothing is changed."""
    text, _edits, warnings = _made(session, script, values)
    told = "".join(f"# {line}\n" for warning in warnings for line in warning.splitlines())
    return Listing(text=told + text, language="crm")


@command(LEVEL, "run", examples=("script run virtual-ip id=vip ip=10.0.0.9",))
def script_run(session: Session, script: ScriptName, *values: Value, wait: Wait = False) -> Outcome:
    """Add what a script makes to the configuration, in one commit."""
    _text, edits, warnings = _made(session, script, values)
    names = tuple(edit.object.id for edit in edits if hasattr(edit, "object"))
    said = carry_out(session, edits, f"{listed(names)} {'is' if len(names) == 1 else 'are'} configured.", wait=wait)
    return Said(text=said.text, data={**said.data, "objects": list(names)}, warnings=(*warnings, *said.warnings))


def _made(session: Session, name: str, values: tuple[str, ...]) -> tuple[str, tuple[Edit, ...], tuple[str, ...]]:
    """The statements of a script with its values, as edits, and the warnings about them; errors are `Refused`."""
    if not all("=" in value for value in values):
        raise Usage(f"script run {name} NAME=VALUE …")
    text = _find(name).with_values(dict(value.partition("=")[::2] for value in values))
    cib = session.applied().cib
    statements, found = parse_text(text)
    edits, more = lower(statements, cib, Mode.CREATE, resolver(session))
    origin = Origin(text, tuple(statements), name)
    refuse((*found, *more), origin)
    checked = check_change(session, cib, apply(cib, edits))
    return text, edits, checked.settle(is_forced=session.options.force, origin=origin)


def _find(name: str) -> Recipe:
    known = _all()
    if name not in known:
        raise Refused(f"There is no script '{name}'. {did_you_mean(name, known) or 'script list shows them.'}")
    return read_recipe(name, known[name][1])


def _all() -> dict[str, tuple[str, str]]:
    """Every script by name, with where it comes from and its text; your own go before the others."""
    found = {name: ("hashell", text) for name, text in BUILT_IN.items()}
    for folder in (FOLDER, _own_folder()):
        try:
            names = sorted(os.listdir(folder)) if folder else []  # noqa: PTH208 - pathlib would cost start-up time
        except OSError:
            continue
        for name in names:
            if name.endswith(SUFFIX):
                found[name.removesuffix(SUFFIX)] = (folder, read_file(f"{folder}/{name}"))
    return found


def _own_folder() -> str:
    path = settings_path(os.environ)
    return "" if path is None else f"{path.rpartition('/')[0]}/scripts"
