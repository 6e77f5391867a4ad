"""What `cluster health` finds in a status and a configuration, and what it advises. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hashelld.cib.document import Cib
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Primitive
from hashelld.wire.client import StatusIs


PROBLEM, DOUBT = "problem", "doubt"


class Finding(msgspec.Struct, frozen=True):
    """One thing, how bad it is (problem: something does not work now; doubt: it will hurt later), and what to do."""

    level: str
    text: str
    advice: str


def examine(status: StatusIs, cib: Cib) -> tuple[Finding, ...]:
    """Everything that is found, problems first."""
    found = (*_quorum(status), *_contact(status), *_fencing(status, cib), *_reports(status))
    return tuple(sorted(found, key=lambda one: one.level != PROBLEM))


def _quorum(status: StatusIs) -> Iterator[Finding]:
    quorum = status.quorum
    if not quorum.has_quorum:
        yield Finding(PROBLEM, f"no quorum: {quorum.reason}", "bring nodes back, or see: help node fence")
    if status.dc is None:
        yield Finding(PROBLEM, "there is no DC: nothing is planned or committed", "see: cluster quorum")
    if quorum.total and quorum.total % 2 == 0 and not quorum.two_node:
        yield Finding(
            DOUBT,
            f"{quorum.total} votes: two halves of the cluster could tie, and both would stop",
            "add a node or an arbiter, or [quorum] auto_tie_breaker in hashelld.toml",
        )
    if quorum.total == 1 and not status.links:
        yield Finding(DOUBT, "the cluster is one node: nothing takes over", "add nodes to hashelld.toml")
    for text in quorum.unsafe:
        yield Finding(PROBLEM, f"UNSAFE: {text}", "configure fencing, or accept that data may be lost")


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
        if link.presence == "alive" and status.nodes and link.node not in known:
            yield Finding(
                PROBLEM, f"{link.node} is heard, and has not joined", f"see the log of hashelld on {link.node}"
            )


def _fencing(status: StatusIs, cib: Cib) -> Iterator[Finding]:
    given = cib.property_value("stonith-enabled") or cib.property_value("fencing-enabled") or "true"
    has_device = any(
        isinstance(r, Primitive) and r.agent is not None and r.agent.standard == "stonith" for r in cib.resources
    )
    if parse_boolean(given) is False and not status.quorum.unsafe:
        yield Finding(
            DOUBT,
            "fencing is switched off: a node that is cut off may still run what is started elsewhere",
            "configure a device: ra list stonith; then property stonith-enabled=true",
        )
    elif parse_boolean(given) is not False and not has_device and cib.resources:
        yield Finding(
            PROBLEM,
            "fencing is on and there is no device: what a lost node ran is not taken over",
            "configure a device (ra list stonith), or property stonith-enabled=false",
        )
    for text in status.fencing:
        yield Finding(PROBLEM, text, "see: node fence --help")


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
