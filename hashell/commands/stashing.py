"""The command `resource secret`: a parameter's value is moved out of the configuration into files, and back."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

from msgspec.structs import replace

from hashell.commands.agentwork import PrimitiveRef
from hashell.commands.changes import resource_of
from hashell.commands.drafting import set_at_once
from hashell.commands.machines import SSH, login
from hashell.commands.secret_references import flaws, references
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Put
from hashelld.model.resource import value_of, with_value
from hashelld.model.secret import referred


Verb = Annotated[
    str,
    choice(
        "check:are the files of its secrets right on this machine?",
        "stash:move a parameter's value into a file, here and on the other nodes",
        "unstash:put the value from the file into the configuration again",
    ),
]


@command(
    "resource",
    "secret",
    examples=(
        "resource secret fence1 check",
        "resource secret fence1 stash password",
        "resource secret fence1 unstash password",
    ),
)
def resource_secret(session: Session, primitive: PrimitiveRef, verb: Verb, name: str | None = None) -> Outcome:
    """Keep a parameter's value outside of the configuration: the parameter becomes secret:RESOURCE-NAME.

    stash writes the file on this machine, copies it to the other nodes (by scp, as `cluster copy` does), and only then
    changes the parameter. A resource whose parameter changed is restarted; what its agent is told is the same.
    """
    if verb == "check":
        return _checked(session, primitive, name)
    if name is None:
        raise Usage(f"resource secret RESOURCE {verb} NAME")
    cib = session.applied().cib
    value = value_of(resource_of(cib, primitive).params, name)
    if value is None:
        raise Refused(f"{primitive} has no parameter '{name}' of its own.")
    if verb == "stash":
        return _stash(session, cib, primitive, name, value)
    return _unstash(session, cib, primitive, name, value)


def _checked(session: Session, primitive: str, name: str | None) -> Outcome:
    found = session.cib().find(primitive)
    meant = [one for one in references([] if found is None else [found]) if name in (None, one.parameter)]
    wrong = dict(flaws(session.cib(), session.programs.secret_flaw))
    rows = tuple((one.parameter, one.name, wrong.get(one, "fine")) for one in meant)
    if any(one in wrong for one in meant):
        told = (f"{parameter} of {primitive} (secret:{secret}): {verdict}" for parameter, secret, verdict in rows)
        raise Refused("\n".join(told))
    note = "" if rows else f"{primitive} refers to no secret."
    return Table(columns=("parameter", "secret", "on this machine"), rows=rows, note=note)


def _stash(session: Session, cib: Cib, primitive: str, name: str, value: str) -> Said:
    if referred(value) is not None:
        raise Refused(f"{name} of {primitive} is {value} already.")
    secret = f"{primitive}-{name}"
    others = tuple(node for node in session.node_names() if node != session.status().node)
    where = f" and of {', '.join(others)}" if others else ""
    session.confirm(f"Write {name} of {primitive} into a file of this machine{where}?")
    path, trouble = session.programs.keep_secret(secret, value)
    troubles = [trouble] if trouble else [told for node in others if (told := _copied(session, path, node))]
    if troubles:
        raise Refused("\n".join(("The configuration was not changed:", *troubles)))
    return _changed(session, cib, primitive, name, f"secret:{secret}")


def _copied(session: Session, path: str, node: str) -> str:
    """Copy the file to another node; why that was not possible, or nothing."""
    folder = path.rpartition("/")[0]
    made = session.programs.run((*SSH, login(node), f"umask 077; mkdir -p -- {quote(folder)}"))
    copied = session.programs.run(("scp", *SSH[1:], "-p", path, f"{login(node)}:{path}")) if made.code == 0 else made
    return "" if copied.code == 0 else f"{node}: {copied.err.strip() or f'exit {copied.code}'}"


def _unstash(session: Session, cib: Cib, primitive: str, name: str, value: str) -> Said:
    secret = referred(value)
    if secret is None:
        raise Refused(f"{name} of {primitive} refers to no secret.")
    found, trouble = session.programs.secret(secret)
    if trouble:
        raise Refused(trouble)
    return _changed(session, cib, primitive, name, found)


def _changed(session: Session, cib: Cib, primitive: str, name: str, value: str) -> Said:
    found = resource_of(cib, primitive)
    put = Put(replace(found, params=with_value(found.params, name, value)))
    if referred(value) is None:
        return set_at_once(session, (put,), f"{name} of {primitive} is in the configuration again.")
    said = set_at_once(session, (put,), f"{name} of {primitive} is {value}.")
    return replace(said, warnings=(*said.warnings, "earlier versions in the history still contain it: change it soon"))
