"""What a drill compares: the cluster at one moment, as the daemon of this node tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from hashell.commands.foresight import active
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView
from hashelld.model.history import ActionResult
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.options import parse_boolean
from hashelld.wire.client import Fenced, QuorumStatus, StatusIs


CLOCKS_DIFFER_MS: Final = 10_000
"""Nodes whose clocks differ by more have other problems."""
_CHANGING: Final = frozenset({"start", "stop", "promote", "demote", "migrate_to", "migrate_from"})

Place = tuple[str, str, str]
"""Resource, node, role."""
Done = tuple[str, str, str, int]
"""Node, resource, operation, when it ended."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster at one moment."""

    places: tuple[Place, ...]
    done: frozenset[Done]
    """Operations that changed what runs where: the newest of each kind, resource and node."""
    fenced: tuple[Fenced, ...]
    failures: dict[tuple[str, str], int]
    """How often resources failed, by node and resource."""
    incarnations: dict[str, str]
    """Of the other nodes."""
    wall_ms: int
    """When it was, by the clock of this node."""

    def count(self) -> Counter[tuple[str, str]]:
        """How many instances are active, by resource and role."""
        return Counter((resource, role) for resource, _node, role in self.places)

    def nodes_of(self, resource: str) -> tuple[str, ...]:
        """Where a resource is active."""
        return tuple(node for name, node, _role in self.places if name == resource)


def look(session: Session) -> Sight:
    """The cluster now."""
    session.forget()
    return sight_of(session.status(), msgspec.structs.replace(session.view(), cib=session.applied().cib))


def sight_of(status: StatusIs, view: ClusterView) -> Sight:
    """The cluster as a status and the view of the policy show it."""
    failures: Counter[tuple[str, str]] = Counter()
    for node in status.nodes:
        for one in node.status.failures:
            failures[node.node, _plain(one.resource)] += one.count
    return Sight(
        places=active(view),
        done=frozenset(
            _done(node.node, one) for node in status.nodes for one in node.status.operations if _is_done(one)
        ),
        fenced=status.fenced,
        failures=dict(failures),
        incarnations={link.node: link.incarnation for link in status.links},
        wall_ms=status.wall_ms,
    )


def _is_done(one: ActionResult) -> bool:
    return one.operation in _CHANGING and one.ended_ms > 0


def _done(node: NodeId, one: ActionResult) -> Done:
    return (node, one.resource, one.operation, one.ended_ms)


def _plain(resource: ResourceId) -> str:
    return resource.partition(":")[0]


def objections(status: StatusIs, cib: Cib) -> Iterator[str]:
    """Why nothing should be broken now: something is broken or under way already."""
    if status.dc is None or not status.quorum.has_quorum:
        yield "there is no DC with a quorum"
    for link in status.links:
        if link.presence != "alive":
            yield f"{link.node} is {link.presence}"
    for view in status.nodes:
        if view.unclean or view.pending or not view.online:
            yield f"{view.node} is {'UNCLEAN' if view.unclean else 'pending' if view.pending else 'offline'}"
        for failed in sorted({_plain(one.resource) for one in view.status.failures}):
            yield f"{failed} failed on {view.node}: see why, then resource cleanup {failed}"
    if status.in_flight or status.pending:
        yield f"the cluster is at work: {', '.join(status.in_flight) or status.phase}"
    yield from (*status.blocked, *status.fencing)
    if parse_boolean(cib.property_value("maintenance-mode") or "") is True:
        yield "the cluster is in maintenance: nothing that is broken would be put right"


def keeps_quorum(quorum: QuorumStatus, without: NodeId) -> bool:
    """Has the rest a quorum when a node is gone? Of two nodes, one goes on."""
    if quorum.two_node:
        return True
    left = sum(votes for node, votes in quorum.voters.items() if node != without)
    return 2 * left > quorum.total


def changes(before: Sight, after: Sight) -> tuple[str, ...]:
    """What was started, stopped, promoted or demoted meanwhile, in a sentence each."""
    return tuple(
        f"{operation} of {resource} on {node}" for node, resource, operation, _ended in sorted(after.done - before.done)
    )


def fencings(before: Sight, after: tuple[Fenced, ...]) -> tuple[Fenced, ...]:
    """The fencings that ended meanwhile; what another DC remembers from earlier is none of them."""
    known = {(one.target, one.ended_ms) for one in before.fenced}
    since_ms = before.wall_ms - CLOCKS_DIFFER_MS
    return tuple(one for one in after if (one.target, one.ended_ms) not in known and one.ended_ms >= since_ms)


def losses(before: Sight, after: Sight) -> tuple[str, ...]:
    """What is active less often, or more often, than before."""
    old, new = before.count(), after.count()
    return tuple(
        f"{resource} ({role}) is active {new[resource, role]} times, before it was {old[resource, role]}"
        for resource, role in sorted(old.keys() | new.keys())
        if old[resource, role] != new[resource, role]
    )


def failures(before: Sight, after: Sight) -> tuple[str, ...]:
    """What failed meanwhile."""
    return tuple(
        f"{resource} failed on {node}"
        for (node, resource), count in sorted(after.failures.items())
        if count > before.failures.get((node, resource), 0)
    )
