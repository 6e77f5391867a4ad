"""The command `simulate`: what the cluster, or a recorded one, would do now, or if something had happened."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from hashell.grammar.kinds import BadWord, Kind, choice, node_candidates
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Outcome
from hashell.session import Session
from hashelld.model.constraint import TicketConstraint
from hashelld.model.resource import Primitive
from hashelld.policy.dates import parse_date
from hashelld.policy.whatif import Ended, parse_ended


def _moment_ms(text: str) -> int:
    """A date, or (what logs and the XML of Pacemaker have) seconds since 1970."""
    found = int(text) * 1000 if text.isascii() and text.isdigit() and len(text) > 8 else parse_date(text)
    if found is None:
        raise BadWord(
            "no time: write 2026-07-01 12:00, 2026-182T12:00, an offset such as +02:00, or seconds since 1970"
        )
    return found


def _ended(text: str) -> Ended:
    found = parse_ended(text)
    if found is None:
        raise BadWord("expected RESOURCE_OPERATION_INTERVAL@NODE=RC, such as vip_monitor_10000@node1=7")
    return found


def _endings(scope: Scope, _before: tuple[str, ...]) -> list[Candidate]:
    """A failure of each monitor on each node, and of each start: what is asked for most."""
    found = []
    for resource in scope.cib().resources:
        if not isinstance(resource, Primitive):
            continue
        monitors = [f"monitor_{op.interval_ms}" for op in resource.operations if op.name == "monitor"]
        for node in scope.node_names():
            found += [Candidate(f"{resource.id}_{one}@{node}=7", "it is found not running") for one in monitors]
            found += [Candidate(f"{resource.id}_{one}_0@{node}=1", f"its {one} fails") for one in ("start", "stop")]
    return found


def _tickets(scope: Scope, _before: tuple[str, ...]) -> list[Candidate]:
    found = (one for one in scope.cib().constraints if isinstance(one, TicketConstraint))
    return [Candidate(ticket, "ticket") for ticket in dict.fromkeys(one.ticket for one in found)]


def _node_kind(help_: str) -> Kind:
    return Kind(name="node", help=help_, offer=node_candidates, is_repeatable=True)


def _end_kind(help_: str) -> Kind:
    return Kind(name="rsc_op_interval@node=rc", help=help_, parse=_ended, offer=_endings, is_repeatable=True)


def _ticket_kind(help_: str) -> Kind:
    return Kind(name="ticket", help=help_, offer=_tickets, is_repeatable=True)


def _yes_no(help_: str) -> Kind:
    words = choice("yes", "no", help=help_)
    return Kind(name=words.name, help=help_, parse=lambda text: words.parse(text) == "yes", offer=words.offer)


CibFile = Annotated[str, Kind(name="path", help="CIB XML with its status section; - is standard input", is_path=True)]
Up = Annotated[tuple[str, ...], _node_kind("the node comes online, and runs nothing yet")]
Down = Annotated[tuple[str, ...], _node_kind("the node leaves, and what ran there is stopped")]
Failed = Annotated[tuple[str, ...], _node_kind("the node is lost with what runs there")]
Injected = Annotated[tuple[Ended, ...], _end_kind("the operation has ended so before the cluster looks")]
ToFail = Annotated[tuple[Ended, ...], _end_kind("where the plan has this action, it ends so")]
YesNo = Annotated[bool, _yes_no("whether the partition has quorum")]
Granted = Annotated[tuple[str, ...], _ticket_kind("the ticket is granted")]
Revoked = Annotated[tuple[str, ...], _ticket_kind("the ticket is taken away")]
Standby = Annotated[tuple[str, ...], _ticket_kind("the ticket allows nothing new")]
Active = Annotated[tuple[str, ...], _ticket_kind("the ticket's standby ends")]
Moment = Annotated[int, Kind(name="date", help="the time it is taken to be", parse=_moment_ms)]
Picture = Annotated[
    str, Kind(name="file", help="write the plan's graph to FILE.dot, .svg or .txt; - prints it as text", is_path=True)
]


@command(
    "simulate",
    examples=(
        "simulate --node-fail node1",
        "simulate --op-inject vip_monitor_10000@node1=7",
        "simulate --op-fail web_start_0@node2=1",
        "simulate --graph plan.svg",
        "simulate --json cib.xml",
        "simulate --date '2026-07-01 12:00' cib.xml",
    ),
)
def simulate(
    session: Session,
    *file: CibFile,
    node_up: Up = (),
    node_down: Down = (),
    node_fail: Failed = (),
    op_inject: Injected = (),
    op_fail: ToFail = (),
    quorum: YesNo | None = None,
    ticket_grant: Granted = (),
    ticket_revoke: Revoked = (),
    ticket_standby: Standby = (),
    ticket_activate: Active = (),
    date: Moment | None = None,
    graph: Picture | None = None,
) -> Outcome:
    """Show what the cluster would do now, or if something had happened; nothing is changed.

    Without files it is this cluster, else recorded CIBs with their status sections. Each is planned once, and the plan
    is carried out in memory. With --json there is an object on a line for each file:
    the placement afterwards, the actions, and which action waits for which.
    """
    simulating = import_module("hashell.commands.simulating")
    assumptions = simulating.Assumptions(
        up=node_up,
        down=node_down,
        failed=node_fail,
        injected=op_inject,
        to_fail=op_fail,
        has_quorum=quorum,
        granted=ticket_grant,
        revoked=ticket_revoke,
        standby=ticket_standby,
        active=ticket_activate,
        now_ms=date,
    )
    outcome: Outcome = simulating.run(session, file, assumptions, graph)
    return outcome
