"""Carry a line out: find the command, apply the common options, call it, and commit what a single statement changed."""

from __future__ import annotations

from typing import cast

import msgspec

from hashell.grammar.bind import Call, Target, call_of
from hashell.grammar.helptext import command_help
from hashell.grammar.registry import EVERYWHERE
from hashell.outcomes import Listing, Outcome, Said, Simulation
from hashell.session import Options, Session


CONFIGURE = "configure"


class Ran(msgspec.Struct, frozen=True):
    """What a line came to: something to show, or nothing; and whether JSON was asked for."""

    outcome: Outcome | None = None
    as_json: bool = False

    @property
    def exit_code(self) -> int:
        """1 when what was asked for could be answered in part only, or the answer is a bad one."""
        if isinstance(self.outcome, Said):
            return int(self.outcome.is_bad)
        return int(isinstance(self.outcome, Simulation) and any(one.error for one in self.outcome.files))


def run_line(session: Session, line: str) -> Ran:
    """Do what a line says. Raises the errors of `hashell.errors`."""
    session.begin(line.strip())
    wanted = call_of(line, session)
    if wanted is None:
        return Ran()
    if isinstance(wanted, Target):
        session.enter(wanted.level)
        return Ran(_left_behind(session) if wanted.level == CONFIGURE and session.is_interactive else None)
    if "--help" in wanted.common:
        return Ran(Listing(text=command_help(wanted.command), language="text"))
    before = session.options
    session.options = _with(before, wanted.common)
    try:
        return Ran(_carry_out(session, wanted), session.options.json)
    finally:
        session.options = before


def _left_behind(session: Session) -> Said | None:
    """The draft that an earlier shell of this user left behind, told where one could go on with it."""
    text = session.left_behind()
    return Said(text=text) if text else None


def _carry_out(session: Session, call: Call) -> Outcome | None:
    level, command = session.level, call.command
    is_visit = command.level == CONFIGURE and level != CONFIGURE
    if command.level == EVERYWHERE and call.level:
        return _from(session, call)
    try:
        outcome = cast("Outcome | None", command.function(session, *call.arguments, **call.options))
        if not is_visit or not session.is_dirty:
            return outcome
        settled = session.commit_draft()
    finally:
        if is_visit:
            session.discard()
    said = outcome if isinstance(outcome, Said) else Said(text="")
    warnings = (*said.warnings, settled.warning) if settled.warning else said.warnings
    return Said(text=said.text, data={**said.data, "version": str(settled.version)}, warnings=warnings)


def _from(session: Session, call: Call) -> Outcome | None:
    """Run a command of every level as it would be run at the level named before it (`configure help commit`)."""
    before, session.level = session.level, call.level
    try:
        return cast("Outcome | None", call.command.function(session, *call.arguments, **call.options))
    finally:
        if session.level == call.level:
            session.level = before


def _with(options: Options, common: frozenset[str]) -> Options:
    """The session's options, with those given with the command."""
    names = {name.removeprefix("--") for name in common}
    return msgspec.structs.replace(options, **dict.fromkeys(names & set(options.__struct_fields__), True))
