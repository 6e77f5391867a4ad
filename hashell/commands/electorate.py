"""The commands of the level `cluster` about who belongs to it and who votes: quorum, add, remove."""

from __future__ import annotations

import time
from importlib import import_module
from pathlib import Path as FilePath
from typing import Annotated, Final

from hashell.commands import founding
from hashell.commands.changes import carry_out
from hashell.commands.votes import quorum_data, quorum_text
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import Flag, Kind, NodeRef, Path, choice
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Outcome, Said
from hashell.session import Session
from hashelld.model.address import is_address
from hashelld.model.duration import parse_duration
from hashelld.model.ids import NodeId, is_id
from hashelld.wire.client import ChangeQuorum, Done, ForceStart, QuorumStatus
from hashelld.wire.log import HIGHEST, LOWEST


CHANGE_MS: Final = 20_000
FORCE_MS: Final = 60_000
SETTLE_S: Final = 10.0
LOOK_MS: Final = 200

_ON_OFF: Final = (Candidate("on"), Candidate("off"))
_OPTIONS: Final[dict[str, tuple[Candidate, ...]]] = {
    "two_node": _ON_OFF,
    "wait_for_all": _ON_OFF,
    "auto_tie_breaker": (Candidate("off"), Candidate(LOWEST), Candidate(HIGHEST)),
    "last_man_standing": _ON_OFF,
    "last_man_standing_window": (Candidate("10s"), Candidate("30s")),
}
"""The keys of [quorum] that a running cluster can change, and what each may be."""
_HELP: Final = {
    "two_node": "quorum is both; the survivor goes on alone once its peer is off",
    "wait_for_all": "a node that starts takes no office before it has seen all others",
    "auto_tie_breaker": "of two halves the one with this node goes on",
    "last_man_standing": "who is lost and confirmed off votes no more until it returns",
    "last_man_standing_window": "how long after a loss that happens",
}


def _subjects(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    if before[:1] == ("set",):
        return [Candidate(name, _HELP[name]) for name in _OPTIONS]
    return [Candidate(name, "node") for name in scope.node_names()] if before[:1] == ("votes",) else []


def _values(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    if before[:1] == ("votes",):
        nodes = [Candidate(name, "node") for name in scope.node_names() if name not in before]
        return nodes if len(before) % 2 else [Candidate("1"), Candidate("0"), Candidate("2")]
    if before[:1] != ("set",) or len(before) < 2:
        return []
    nodes = [Candidate(name, "node") for name in scope.node_names()] if before[1] == "auto_tie_breaker" else []
    return [*_OPTIONS.get(before[1], ()), *nodes]


Deed = Annotated[
    str,
    choice(
        "votes:give nodes other numbers of votes",
        "set:switch a mode",
        "force-start:go on without a quorum, and accept loss",
    ),
]
Subject = Annotated[str, Kind(name="option", help="a node, or a key of [quorum]", offer=_subjects)]
Value = Annotated[str, Kind(name="value", help="a number of votes, or what the option is to be", offer=_values)]
NodeAddress = Annotated[
    str, Kind(name="node=address", help="NAME=ADDRESS, with more addresses behind commas: one for each link")
]


@command(
    "cluster",
    "quorum",
    examples=(
        "cluster quorum",
        "cluster quorum votes node1 2",
        "cluster quorum set two_node on",
        "cluster quorum set auto_tie_breaker lowest",
        "cluster quorum set last_man_standing_window 30s",
        "cluster quorum force-start",
    ),
)
def cluster_quorum(
    session: Session, deed: Deed | None = None, option: Subject | None = None, *values: Value
) -> Outcome:
    """Show the votes, by which rule they are judged, and the verdict; or change who has how many votes, and the modes.

    The votes are those of the nodes that the answering node hears, itself included. There is quorum while a DC is
    heard that has it: also where the votes suffice, it takes a moment until one is elected.

    A change is one entry of the log; it needs a quorum of the old votes and of the new ones, and another one has to
    wait until it is acknowledged. hashelld.toml only founds a cluster: where it says something else, that is told and
    not followed. The options are those of its table [quorum]; auto_tie_breaker is off, lowest, highest, or nodes, of
    which the first that votes counts.

    force-start is for a cluster whose quorum is gone for good. You vouch that every node that is not heard is off, and
    accept that what they had stored and the nodes here had not is lost. The nodes that are heard vote alone from then
    on. Others that come back take their configuration, and say "history lost" where they had more.
    """
    match deed:
        case None:
            status = session.status()
            return Said(text=quorum_text(status), data=quorum_data(status))
        case "force-start":
            if option is not None:
                raise Usage("cluster quorum force-start has no further words")
            return _force_start(session)
        case "votes":
            return _changed(session, ChangeQuorum(votes=_votes((option or "", *values))))
        case _:
            return _changed(session, _wish(option, values))


@command("cluster", "add", examples=("cluster add node3=10.0.0.3", "cluster add node3=10.0.0.3,10.1.0.3 --dir /etc/ha"))
def cluster_add(
    session: Session, node: NodeAddress, *, dir_: Path = founding.DEFAULT_DIR, dry_run: Flag = False
) -> Outcome:
    """Name one more node in the hashelld.toml of this machine, and tell what else a running cluster needs to get it.

    Do it on every node of the cluster; the daemons read the file when they start. two_node is taken out of the file
    where three would be named: a running cluster ends it by itself when the third node votes.
    """
    name, equals, addresses = node.partition("=")
    links = tuple(addresses.split(","))
    if not equals or not is_id(name) or not all(map(is_address, links)):
        raise Usage(f"'{node}' is not NAME=ADDRESS[,ADDRESS…]; an address is an IP address")
    path = FilePath(dir_) / founding.CONFIG_NAME
    try:
        before = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    after = founding.with_member(before, founding.Member(name, links))
    if not dry_run:
        founding.replace_config(path, after)
    text = (
        f"{path} names {name}{' after this' if dry_run else ' now'}. Then:\n\n"
        f"  on every other node        hashell cluster add {node}\n"
        f"  once                       hashell maintenance on\n"
        f"  on each, one by one        systemctl restart hashelld\n"
        f"  once                       hashell maintenance off\n"
        f"  here, for the new node     hashell cluster token\n"
        f"  on {name:<24}hashell cluster join TOKEN, and start hashelld\n"
        f"  once                       hashell configure node {name}"
    )
    return Said(text=text, data={"config": str(path), "node": name, "changed": not dry_run})


@command("cluster", "remove", aliases=("delete",), destroys=True, examples=("cluster remove node3",))
def cluster_remove(session: Session, node: NodeRef, *, cascade: Flag = False) -> Outcome:
    """Take a node out of the cluster for good: out of the configuration, and its vote out of the electorate.

    It must have left (cluster stop NODE), or be off: fenced, or vouched for with node fence NODE --confirm. Nothing
    forces that. What names the node is listed and refuses it; with --cascade it is changed, or deleted too.
    """
    view = next((one for one in session.status().nodes if one.node == node), None)
    if view is not None and view.online:
        raise Refused(f"{node} is online: first cluster stop {node}.")
    session.confirm(f"Forget {node}, and everything that is configured for it?")
    change, checking = import_module("hashelld.cib.change"), import_module("hashell.commands.checking")
    cib = session.applied().cib
    edits = checking.attempt(lambda: change.delete(cib, (f"node:{node}",), cascade=cascade)) if cib.node(node) else ()
    said = carry_out(session, edits, f"{node} is not configured any more.")
    quorum = _without(session, node)
    is_out = node not in quorum.voters
    told = [
        f"{said.text} {'It votes no more.' if is_out else 'Its vote is being taken out: see cluster quorum.'}",
        "Take it out of hashelld.toml on the others, too: they read it when they start.",
    ]
    if is_out and not quorum.two_node and list(quorum.voters.values()) == [1, 1]:
        told.append("Two votes are left, and both are needed: cluster quorum set two_node on lets a survivor go on.")
    data = {**said.data, "node": node, "votes": not is_out, "voters": dict(quorum.voters)}
    return Said(text="\n".join(told), data=data, warnings=said.warnings)


def _changed(session: Session, wish: ChangeQuorum) -> Outcome:
    done = session.expect(wish, Done, CHANGE_MS)
    session.forget()
    status = session.status()
    return Said(text=f"{done.text}.\n{quorum_text(status)}", data={"done": done.text, **quorum_data(status)})


def _force_start(session: Session) -> Outcome:
    lost = session.expect(ForceStart(is_question=True), Done).text
    question = f"{lost}\nDo you vouch that they are off, and accept that what only they had stored is lost?"
    session.confirm(question)
    done = session.expect(ForceStart(), Done, FORCE_MS)
    return Said(text=done.text, data={"done": done.text})


def _votes(words: tuple[str, ...]) -> dict[NodeId, int]:
    numbers = words[1::2]
    if not words[0] or len(words) % 2 or not all(word.isdigit() for word in numbers):
        raise Usage("cluster quorum votes NODE NUMBER [NODE NUMBER …]")
    return dict(zip(map(NodeId, words[::2]), map(int, numbers), strict=True))


def _wish(option: str | None, values: tuple[str, ...]) -> ChangeQuorum:
    if option not in _OPTIONS or not values or (len(values) > 1 and option != "auto_tie_breaker"):
        raise Usage(f"cluster quorum set OPTION VALUE, where OPTION is one of {', '.join(_OPTIONS)}")
    if option == "auto_tie_breaker":
        return ChangeQuorum(tie_order=() if values == ("off",) else tuple(values))
    if option == "last_man_standing_window":
        window_ms = parse_duration(values[0])
        if window_ms is None:
            raise Usage(f"'{values[0]}' is no duration (write 500ms, 10s, 2min)")
        return ChangeQuorum(last_man_standing_window_ms=window_ms)
    is_on = _switch(option, values[0])
    if option == "two_node":
        return ChangeQuorum(two_node=is_on)
    return ChangeQuorum(wait_for_all=is_on) if option == "wait_for_all" else ChangeQuorum(last_man_standing=is_on)


def _switch(option: str, word: str) -> bool:
    if word not in ("on", "off"):
        raise Usage(f"{option} is on or off, not '{word}'")
    return word == "on"


def _without(session: Session, node: NodeId) -> QuorumStatus:
    """The votes once this node has none any more; or as they are after a while."""
    end_s = time.monotonic() + SETTLE_S
    watch = session.client.events(LOOK_MS)
    while True:
        session.forget()
        quorum = session.status().quorum
        if node not in quorum.voters or time.monotonic() >= end_s:
            return quorum
        next(watch)
