"""What `cluster health` finds in a status and a configuration, and what it advises. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hashell.commands.configured import is_fencing_on
from hashelld.cib.document import Cib
from hashelld.model.duration import format_duration
from hashelld.model.resource import Primitive
from hashelld.wire.client import DROPS, QuorumStatus, StatusIs


_PROCESSES_ONLY = "supervisor"
PROBLEM, DOUBT, NOTE = LEVELS = ("problem", "doubt", "note")
CLOCKS_APART_MS = 1_000
"""What beats need to arrive is far less."""
_ROUTINE = frozenset({"stale_messages", "unread_answers"})
"""Of what is dropped, what every change of the DC and every shell that is ended brings."""


class Finding(msgspec.Struct, frozen=True):
    """One thing, how bad it is, and what to do.

    A problem: something does not work now; a doubt: it will hurt later; a note: it is only told.
    """

    level: str
    text: str
    advice: str


def examine(
    status: StatusIs,
    cib: Cib,
    *,
    unresolved: tuple[str, ...] = (),
    secrets: tuple[tuple[str, str, str], ...] = (),
) -> tuple[Finding, ...]:
    """Everything that is found, problems first.

    `unresolved` are node names without an address on this machine; `secrets` are those that cannot be used on it:
    resource, parameter, and why.
    """
    found = (
        *_quorum(status),
        *_votes(status.quorum),
        *_contact(status),
        *_fencing(status, cib),
        *_watchdog(status),
        *_names(unresolved),
        *_clocks(status),
        *_secrets(secrets),
        *_reports(status),
        *_drops(status),
    )
    return tuple(sorted(found, key=lambda one: LEVELS.index(one.level)))


def _quorum(status: StatusIs) -> Iterator[Finding]:
    quorum = status.quorum
    if not quorum.has_quorum:
        why = quorum.verdict if quorum.decision not in ("", "quorum") else quorum.reason
        yield Finding(PROBLEM, f"no quorum: {why}", "bring nodes back, or see: help node fence")
    if status.dc is None:
        yield Finding(PROBLEM, "there is no DC: nothing is planned or committed", "see: cluster quorum")
    if quorum.total == 1 and not status.links:
        yield Finding(DOUBT, "the cluster is one node: nothing takes over", "see: cluster add --help")
    for text in quorum.unsafe:
        yield Finding(PROBLEM, f"UNSAFE: {text}", "configure fencing, or accept that data may be lost")


def _votes(quorum: QuorumStatus) -> Iterator[Finding]:
    """What the electorate itself will do when nodes are lost."""
    has_breaker = any(mode.startswith("auto_tie_breaker") for mode in quorum.modes)
    if _can_tie(quorum) and not quorum.two_node and not has_breaker:
        yield Finding(
            DOUBT,
            f"{quorum.total} votes: two halves of the cluster could tie, and both would stop",
            "add a node or an arbiter, or: cluster quorum set auto_tie_breaker lowest",
        )
    for node, votes in quorum.voters.items():
        if 2 * votes > quorum.total and len(quorum.voters) > 1:
            yield Finding(
                DOUBT,
                f"{node} has {votes} of {quorum.total} votes: without it there is no quorum, whoever else is there",
                "give the nodes votes of which none is more than half",
            )
    if quorum.rule == "joint":
        yield Finding(PROBLEM, f"the electorate is being changed: {quorum.verdict}", "bring back who voted before")


def _can_tie(quorum: QuorumStatus) -> bool:
    """Could some of the voters have exactly half of the votes?"""
    sums = {0}
    for votes in quorum.voters.values():
        sums |= {votes + other for other in sums}
    is_even = quorum.total > 0 and quorum.total % 2 == 0
    return is_even and (quorum.total // 2 in sums or not quorum.voters)


def _names(unresolved: tuple[str, ...]) -> Iterator[Finding]:
    if unresolved:
        yield Finding(
            DOUBT,
            f"no address is known on this machine for the names of {', '.join(unresolved)}",
            "hashelld does not need them, agents and people may: add them to /etc/hosts",
        )


def _clocks(status: StatusIs) -> Iterator[Finding]:
    for link in status.links:
        if abs(link.clock_ahead_ms) >= CLOCKS_APART_MS:
            side = "ahead of" if link.clock_ahead_ms > 0 else "behind"
            yield Finding(
                DOUBT,
                f"the clock of {link.node} is {format_duration(abs(link.clock_ahead_ms))} {side} that of {status.node}",
                "have chrony or ntpd set both: logs cannot be compared, and dates and failure-timeouts are judged by "
                "the clock of whichever node is DC",
            )


def _secrets(secrets: tuple[tuple[str, str, str], ...]) -> Iterator[Finding]:
    for resource, parameter, why in secrets:
        text = f"the secret of {resource}'s {parameter} cannot be used on this machine: {why}"
        yield Finding(PROBLEM, text, "put it there on every node, one line, mode 0600: its agent fails without it")


def _contact(status: StatusIs) -> Iterator[Finding]:
    known = {view.node for view in status.nodes if view.online}
    for link in status.links:
        if link.presence == "alive":
            continue
        silence = f" for {link.silence_ms / 1000:.1f} s" if link.silence_ms is not None else ""
        advice = "is its daemon running, and does UDP and TCP on the cluster's port reach it?"
        if link.presence == "left":
            yield Finding(DOUBT, f"{link.node} left the cluster", "start its hashelld when it should be back")
        elif link.presence == "never":
            yield Finding(PROBLEM, f"{link.node} was never heard from {status.node}", advice)
        else:
            yield Finding(PROBLEM, f"{link.node} is {link.presence}: nothing heard{silence}", advice)
    for link in status.links:
        is_member = link.node != status.quorum.arbiter
        if link.presence == "alive" and status.nodes and is_member and link.node not in known:
            yield Finding(
                PROBLEM, f"{link.node} is heard, and has not joined", f"see the log of hashelld on {link.node}"
            )


def _fencing(status: StatusIs, cib: Cib) -> Iterator[Finding]:
    is_on = is_fencing_on(cib)
    has_device = any(
        isinstance(r, Primitive) and r.agent is not None and r.agent.standard == "stonith" for r in cib.resources
    )
    if not is_on and not status.quorum.unsafe:
        yield Finding(
            DOUBT,
            "fencing is switched off: a node that is cut off may still run what is started elsewhere",
            "configure a device: ra list stonith; then property stonith-enabled=true",
        )
    elif is_on and not has_device and cib.resources and not _counts_on_watchdogs(status):
        yield Finding(
            PROBLEM,
            "fencing is on and there is no device: what a lost node ran is not taken over",
            "configure a device (ra list stonith), or property stonith-enabled=false",
        )
    for text in status.fencing:
        yield Finding(PROBLEM, text, "see: node fence --help")


def _counts_on_watchdogs(status: StatusIs) -> bool:
    return status.watchdog is not None and status.watchdog.fenced_after_ms is not None


def _watchdog(status: StatusIs) -> Iterator[Finding]:
    """What ends the node that answers; what it cannot do, the notices tell."""
    found = status.watchdog
    if found is None or not found.timeout_ms:
        return
    if found.ended:
        yield Finding(
            PROBLEM, f"{status.node} is being ended by its watchdog: {found.ended}", "see the log of hashelld"
        )
    elif found.mode == _PROCESSES_ONLY and _counts_on_watchdogs(status):
        yield Finding(
            DOUBT,
            "lost nodes count as fenced by their watchdogs, and mode=supervisor ends processes alone: no addresses, "
            "mounts or units of systemd",
            'use a device of the kernel: [watchdog] mode = "device"',
        )


def _drops(status: StatusIs) -> Iterator[Finding]:
    """What the daemon that answers would not take since its start."""
    for one in status.drops:
        what = DROPS.get(one.kind, "of a kind that this shell does not know")
        advice = "who sends it? keep others away from the cluster's port; io.dropped in the log of hashelld tells more"
        level = NOTE if one.kind in _ROUTINE else DOUBT
        yield Finding(level, f"{one.count} {one.kind} dropped by {status.node}: {what}", advice)


def _reports(status: StatusIs) -> Iterator[Finding]:
    for text in status.notices:
        yield Finding(DOUBT, text, "see the log of hashelld")
    for text in status.blocked:
        yield Finding(PROBLEM, text, "see: resource why")
    for view in status.nodes:
        for count in view.status.failures:
            yield Finding(
                DOUBT,
                f"{count.resource}: {count.operation} failed {count.count} times on {view.node}",
                f"see why, then: resource cleanup {count.resource}",
            )
