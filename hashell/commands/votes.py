"""What `cluster quorum` says, as text and as data; and which node names have an address."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from time import monotonic

import msgspec

from hashelld.model.duration import format_duration
from hashelld.model.ids import NodeId
from hashelld.wire.client import QuorumStatus, StatusIs, WatchdogStatus


RESOLVE_S = 1.0
"""No further name is asked for after this time: a resolver that cannot be reached takes its time for each."""


def quorum_text(status: StatusIs) -> str:
    """Lines of a word and what it is."""
    quorum = status.quorum
    verdict = quorum.verdict or quorum.reason
    if quorum.has_quorum and quorum.decision not in ("", "quorum"):
        verdict = f"{verdict}; but the DC is heard, which has it"
    elif not quorum.has_quorum and quorum.decision == "quorum":
        verdict = f"{verdict}; but no DC is elected"
    needed = f", {quorum.needed} needed" if quorum.needed else ""
    rows = [
        ("quorum", f"yes, the DC is {status.dc}" if quorum.has_quorum else "NO"),
        ("verdict", verdict),
        ("votes", f"{quorum.votes} of {quorum.total} expected{needed}"),
        ("rule", quorum.rule),
        ("voters", ", ".join(_voter(quorum, name) for name in sorted(quorum.voters))),
        ("modes", ", ".join(quorum.modes)),
        ("ping", ", ".join(f"{name} {'answers' if is_heard else 'SILENT'}" for name, is_heard in quorum.pings.items())),
        ("disk", quorum.disk),
        ("changing", "the newest votes or modes are not known acknowledged" if quorum.changing else ""),
        *(("UNSAFE", text) for text in quorum.unsafe),
        ("watchdog", _watchdog_text(status.watchdog)),
    ]
    return "\n".join(f"{name:<9}{text}" for name, text in rows if text)


def _watchdog_text(found: WatchdogStatus | None) -> str:
    if found is None or not found.timeout_ms:
        return ""
    if found.ended:
        return f"ENDS THIS NODE: {found.ended}"
    spans = f"{format_duration(found.timeout_ms)}, {format_duration(found.stop_budget_ms)} to stop without quorum"
    after = found.fenced_after_ms
    counted = "" if after is None else f"; a lost node counts as fenced after {after / 1000:g}s"
    return f"{found.mode}, {'armed' if found.is_armed else 'not armed yet'}, {spans}{counted}"


def _voter(quorum: QuorumStatus, name: NodeId) -> str:
    return f"{name} {quorum.voters[name]}{' (arbiter)' * (name == quorum.arbiter)}"


def quorum_data(status: StatusIs) -> dict[str, object]:
    """The same for programs; `verdict` is quorum, claim or none, by the votes that the answering node counts."""
    quorum = status.quorum
    return {
        "has_quorum": quorum.has_quorum,
        "dc": status.dc,
        "votes": quorum.votes,
        "expected": quorum.total,
        "needed": quorum.needed,
        "rule": quorum.rule,
        "verdict": quorum.decision,
        "reason": quorum.verdict or quorum.reason,
        "voters": dict(quorum.voters),
        "arbiter": quorum.arbiter,
        "modes": list(quorum.modes),
        "ping": dict(quorum.pings),
        "disk": quorum.disk,
        "changing": quorum.changing,
        "unsafe": list(quorum.unsafe),
        "watchdog": None if status.watchdog is None else msgspec.structs.asdict(status.watchdog),
    }


def unresolved(names: Sequence[str]) -> tuple[str, ...]:
    """Which of these host names have no address here. A resolver that is slow to answer is asked no further."""
    found = []
    end = monotonic() + RESOLVE_S
    for name in names:
        try:
            socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found.append(name)
        if monotonic() >= end:
            break
    return tuple(found)
