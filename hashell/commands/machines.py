"""The commands of the level `cluster` that act on machines, here and by ssh: daemons, programs, files.

They work without a running daemon: who the nodes are, hashelld.toml says, too.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from difflib import unified_diff
from typing import Annotated, Final

import msgspec

from hashell.commands import founding
from hashell.commands.changes import resource_names_of
from hashell.errors import HashellError, Refused, TimedOut, Usage
from hashell.grammar.kinds import DurationMs, Kind, Path, flag
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Listing, Outcome, Said, Table
from hashell.session import Session


LEVEL: Final = "cluster"
UNIT: Final = "hashelld.service"
UNIT_FILE: Final = f"/etc/systemd/system/{UNIT}"
SSH: Final = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5")
COMMAND_S: Final = 600.0
STARTUP_MS: Final = 60_000
LOOK_MS: Final = 200


def _machines(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return [Candidate(name, "node") for name in scope.node_names() if name not in before]


# A node whose daemon is down must still be named: no name is refused.
Machine = Annotated[str, Kind(name="node", help="a node's name, as ssh knows it", offer=_machines)]
Command = Annotated[str, Kind(name="command", help="a command line for the nodes' shells, in quotes")]
AllMachines = Annotated[bool, flag("on every node of the cluster")]
Checksum = Annotated[bool, flag("compare checksums, not lines")]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine said to a command."""

    node: str
    code: int | None
    out: str
    err: str


@command(LEVEL, "start", examples=("cluster start", "cluster start node2", "cluster start --all"))
def cluster_start(session: Session, *nodes: Machine, all_: AllMachines = False) -> Outcome:
    """Start the daemon on nodes (by default here), by systemd; where the service is missing, it is made."""
    return _unit(session, "start", nodes, is_all=all_)


@command(LEVEL, "stop", stops=True, examples=("cluster stop", "cluster stop node2", "cluster stop --all"))
def cluster_stop(session: Session, *nodes: Machine, all_: AllMachines = False) -> Outcome:
    """Stop the daemon on nodes (by default here): what runs there is moved away or stopped first."""
    _confirm_loss(session, nodes, is_all=all_)
    return _unit(session, "stop", nodes, is_all=all_)


@command(LEVEL, "restart", stops=True, examples=("cluster restart", "cluster restart node1 node2"))
def cluster_restart(session: Session, *nodes: Machine, all_: AllMachines = False) -> Outcome:
    """Stop the daemon on nodes (by default here), and start it again: what runs there is moved or stopped first."""
    _confirm_loss(session, nodes, is_all=all_)
    return _unit(session, "restart", nodes, is_all=all_)


@command(LEVEL, "enable", examples=("cluster enable", "cluster enable --all"))
def cluster_enable(session: Session, *nodes: Machine, all_: AllMachines = False) -> Outcome:
    """Have the daemon started whenever nodes (by default this one) start; a missing service is made."""
    return _unit(session, "enable", nodes, is_all=all_)


@command(LEVEL, "disable", examples=("cluster disable node2",))
def cluster_disable(session: Session, *nodes: Machine, all_: AllMachines = False) -> Outcome:
    """Do not have the daemon started when nodes (by default this one) start."""
    return _unit(session, "disable", nodes, is_all=all_)


@command(LEVEL, "run", examples=("cluster run 'uname -r'", "cluster run 'df -h /srv' node1 node2"))
def cluster_run(session: Session, line: Command, *nodes: Machine) -> Outcome:
    """Run the same command on nodes (by default all), by ssh; refused (exit 1) when it fails on one of them."""
    answers = [_on(session, node, line) for node in nodes or _all(session)]
    rows = tuple((one.node, _code(one), text) for one in answers for text in _lines(one))
    return _failed(answers, Table(columns=("node", "exit", "output"), rows=rows))


@command(LEVEL, "copy", examples=("cluster copy /etc/hashell/hashelld.toml node2", "cluster copy /etc/hosts"))
def cluster_copy(session: Session, path: Path, *nodes: Machine) -> Outcome:
    """Copy a file of this machine to the same place on other nodes (by default all), by scp."""
    if not os.path.exists(path):  # noqa: PTH110 - pathlib would cost start-up time
        raise Refused(f"{path}: no such file")
    full = os.path.abspath(path)  # noqa: PTH100 - as above
    answers = []
    for node in nodes or [name for name in _all(session) if name != _own(session)]:
        ended = session.programs.run(("scp", *SSH[1:], "-p", full, f"{login(node)}:{full}"), timeout_s=COMMAND_S)
        answers.append(Answered(node=node, code=ended.code, out="copied", err=ended.err))
    if not answers:
        raise Refused("There is no other node to copy to.")
    rows = tuple((one.node, _code(one), text) for one in answers for text in _lines(one))
    return _failed(answers, Table(columns=("node", "exit", "output"), rows=rows))


@command(LEVEL, "diff", examples=("cluster diff /etc/hosts", "cluster diff /etc/hashell/cluster.key --checksum"))
def cluster_diff(session: Session, path: Path, *nodes: Machine, checksum: Checksum = False) -> Outcome:
    """Compare a file of nodes (by default all) with the first one's."""
    names = nodes or _all(session)
    line = f"{'sha256sum' if checksum else 'cat'} -- {shlex.quote(path)}"
    answers = [_on(session, node, line) for node in names]
    if checksum:
        rows = tuple((one.node, one.out.partition(" ")[0] or one.err.strip()) for one in answers)
        return _failed(answers, Table(columns=("node", "sha256"), rows=rows))
    first = answers[0]
    parts: list[str] = []
    for one in answers[1:]:
        old, new = first.out.splitlines(), one.out.splitlines()
        parts += unified_diff(old, new, f"{first.node}:{path}", f"{one.node}:{path}", lineterm="")
    told = Said(text=f"{path} is the same on {', '.join(one.node for one in answers)}.", data={"differs": False})
    return _failed(answers, Listing(text="\n".join(parts) + "\n", language="diff") if parts else told)


@command(LEVEL, "wait_for_startup", aliases=("wait",), examples=("cluster wait_for_startup", "cluster wait 30s"))
def cluster_wait_for_startup(session: Session, limit: DurationMs = STARTUP_MS) -> Outcome:
    """Return when the daemon here answers and its cluster has a DC and quorum; exit 4 when that takes too long."""
    ends = time.monotonic() + limit / 1000
    trouble = ""
    while True:
        try:
            session.forget()
            status = session.status()
            if status.dc and status.quorum.has_quorum:
                return Said(text=f"{status.cluster} is up: DC is {status.dc}.", data={"dc": status.dc})
            trouble = "there is no DC" if status.quorum.has_quorum else f"no quorum: {status.quorum.reason}"
        except HashellError as silence:
            trouble = str(silence)
        if time.monotonic() >= ends:
            raise TimedOut(f"Not up within {limit / 1000:g} s: {trouble}")
        time.sleep(LOOK_MS / 1000)


def _unit(session: Session, verb: str, nodes: tuple[str, ...], *, is_all: bool) -> Outcome:
    if is_all and nodes:
        raise Usage("Either name nodes or say --all.")
    names = _all(session) if is_all else nodes or (_own(session),)
    line = f"{_made() if verb in ('start', 'enable') else ''}systemctl {verb} {UNIT}"
    answers = [_on(session, node, line) for node in names]
    done = Said(text=f"hashelld on {', '.join(names)}: {verb} is done.", data={"nodes": list(names), "verb": verb})
    return _failed(answers, done)


def _made() -> str:
    """Make the service where it is missing. In an environment of Python's own, hashelld is beside its interpreter."""
    beside = shlex.quote(sys.executable.rpartition("/")[0])
    making = f'PATH="$PATH":{beside} hashelld unit >{UNIT_FILE}.new && mv {UNIT_FILE}.new {UNIT_FILE}'
    return f"systemctl cat {UNIT} >/dev/null 2>&1 || {{ {making} && systemctl daemon-reload; }} && "


def _confirm_loss(session: Session, nodes: tuple[str, ...], *, is_all: bool) -> None:
    """Ask when what runs would have nowhere to go, or the rest would have no quorum."""
    try:
        quorum, total = session.status().quorum, len(session.node_names())
    except HashellError:
        return  # A daemon that is down, or on another machine, loses nothing here.
    leaving = total if is_all else max(1, len(nodes))
    if is_all or (quorum.total and (quorum.votes - leaving) * 2 <= quorum.total):
        running = len(resource_names_of(session.applied().cib))
        what = "all nodes" if is_all else f"{leaving} of {total} nodes"
        session.confirm(f"Stop {what}? The rest has no quorum, and {running} resources may stop.")


def _on(session: Session, node: str, line: str) -> Answered:
    """What a command line comes to on a node; here without ssh."""
    here = node == _own(session)
    words = ("sh", "-c", line) if here else (*SSH, login(node), line)
    ended = session.programs.run(words, timeout_s=COMMAND_S)
    return Answered(node=node, code=ended.code, out=ended.out, err=ended.err)


def login(node: str) -> str:
    """Who logs in where, as ssh wants it."""
    user = os.environ.get("HASHELL_SSH_USER", "")
    return f"{user}@{node}" if user else node


def _failed(answers: list[Answered], outcome: Outcome) -> Outcome:
    """The outcome, or `Refused` with what went wrong where."""
    wrong = [one for one in answers if one.code != 0]
    if not wrong:
        return outcome
    told = [f"{one.node}: {(one.err or one.out).strip() or f'exit {one.code}'}" for one in wrong]
    fine = [one.node for one in answers if one.code == 0]
    raise Refused("\n".join((*told, *((f"It was done on {', '.join(fine)}.",) if fine else ()))))


def _lines(answered: Answered) -> Iterator[str]:
    yield from (answered.out + answered.err).rstrip("\n").splitlines() or ("",)


def _code(answered: Answered) -> str:
    return "" if answered.code is None else str(answered.code)


def _all(session: Session) -> tuple[str, ...]:
    """Every node, as the daemon knows them; without one, as hashelld.toml does."""
    try:
        return session.node_names()
    except HashellError as silence:
        names = founding.names_in(toml_here())
        if not names:
            raise silence from None
        return names


def _own(session: Session) -> str:
    """What this machine is called among the nodes."""
    try:
        found = str(session.status().node)
    except HashellError:
        found = ""
    return found or founding.own_name_in(toml_here()) or os.uname().nodename


def toml_here() -> str:
    """The text of this machine's hashelld.toml; empty when there is none."""
    try:
        path = f"{founding.DEFAULT_DIR}/{founding.CONFIG_NAME}"
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""
