"""The cluster as one node tells it to its shells."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final

import msgspec

from hashelld import __version__
from hashelld.cib.document import Cib
from hashelld.cib.view import NodeView
from hashelld.core.controller import Phase, Summary
from hashelld.core.disk_vote import NOTICE as DISK_NOTICE
from hashelld.core.electorates import awaited, disagreements
from hashelld.core.lifeline import remarks
from hashelld.core.membership import Presence
from hashelld.core.options import self_fence_ms, unsafe_reasons
from hashelld.core.quorum import NOBODY, Verdict, judge, quorum_status
from hashelld.core.self_fencing import counts_on_watchdogs
from hashelld.model.ids import NO_INCARNATION, NO_VERSION, Millis, NodeId, ResourceId
from hashelld.model.resource import Primitive, value_of
from hashelld.wire.client import Dropped, Fenced, LinkStatus, QuorumStatus, StatusIs, WatchdogStatus


if TYPE_CHECKING:
    from hashelld.core.node import Node


_ADDRESS_AGENTS: Final = frozenset({"IPaddr", "IPaddr2"})
_NO_SUMMARY: Final = Summary("", NO_VERSION, (), 0, (), ())


def addresses_of(cib: Cib, active: AbstractSet[ResourceId]) -> tuple[tuple[str, str], ...]:
    """Addresses (and interfaces) that active resources hold here."""
    found = []
    for resource in cib.resources:
        if not isinstance(resource, Primitive) or resource.id not in active or resource.agent is None:
            continue
        address = value_of(resource.params, "ip")
        if resource.agent.type in _ADDRESS_AGENTS and address:
            found.append((address, value_of(resource.params, "nic") or ""))
    return tuple(found)


def phase_of(node: Node) -> str:
    """What the node is doing, in one word."""
    if node.standing.is_leaving:
        return Phase.LEAVING.value
    if node.dc is not None:
        return node.dc.controller.phase.value
    if node.heard_dc is not None:
        summary = summary_of(node)
        is_current = summary.version >= node.standing.log.acknowledged
        return summary.phase if summary.phase and is_current else Phase.FOLLOWING.value
    if node.claim.is_wanted():
        return Phase.CLAIMING.value
    return Phase.STARTING.value if node.standing.log.is_empty else Phase.ELECTING.value


def summary_of(node: Node) -> Summary:
    """What the DC last said that it is doing."""
    return _NO_SUMMARY if node.heard_dc is None else last_summary(node.summary)


def last_summary(told: bytes) -> Summary:
    """What a DC, maybe a former one, told of its work."""
    return msgspec.msgpack.decode(told, type=Summary) if told else _NO_SUMMARY


def status_of(node: Node, now: Millis) -> StatusIs:
    """The answer to `GetStatus`."""
    standing = node.standing
    summary = summary_of(node)
    electorate = standing.electorate
    has_quorum = node.heard_dc is not None
    cib, settings = standing.log.cib, standing.settings
    unsafe = unsafe_reasons(cib, two_node=electorate.two_node, settings=settings)
    asked_in_vain = remarks(cib, settings, is_pair=electorate.two_node)
    quorum = quorum_status(electorate, _verdict(node), has_quorum=has_quorum, unsafe=unsafe)
    return StatusIs(
        cluster=standing.settings.cluster_name,
        node=standing.node,
        dc=node.heard_dc,
        epoch=standing.epoch,
        phase=phase_of(node),
        version=standing.log.acknowledged,
        quorum=msgspec.structs.replace(
            quorum,
            pings=standing.pinging.answering(now),
            disk=standing.notices.get(DISK_NOTICE, ""),
            changing=not (standing.log.is_empty or standing.log.is_settled),
        ),
        links=tuple(_link(node, now, peer) for peer in standing.membership.peers),
        nodes=node.picture if has_quorum else tuple(_without_dc(node, view) for view in node.picture),
        in_flight=summary.in_flight,
        pending=summary.pending,
        blocked=summary.blocked,
        fencing=summary.fencing or node.stonith.in_progress(),
        fenced=summary.fenced or node.stonith.fenced(standing.wall_offset_ms),
        notices=(
            *standing.notices.values(),
            *standing.pinging.notices(now),
            *asked_in_vain,
            *_cut_off(node.picture),
            *_vain(node.picture, summary.fenced),
            *_told_of_nodes(node),
        ),
        watchdog=_watchdog(node),
        drops=drops_of(node),
        wall_ms=now + standing.wall_offset_ms,
        daemon_version=__version__,
    )


def _watchdog(node: Node) -> WatchdogStatus:
    standing, watchdog = node.standing, node.standing.settings.watchdog
    if watchdog is None:
        return WatchdogStatus()
    cib = standing.log.cib
    is_counted_on = counts_on_watchdogs(cib, standing.settings, standing.electorate)
    return WatchdogStatus(
        mode=watchdog.mode,
        timeout_ms=watchdog.timeout_ms,
        stop_budget_ms=watchdog.stop_budget_ms,
        is_armed=node.lifeline.is_armed,
        ended=node.lifeline.ended,
        fenced_after_ms=self_fence_ms(cib, standing.settings) if is_counted_on else None,
    )


def _quorum(node: Node, *, has_quorum: bool, unsafe: tuple[str, ...]) -> QuorumStatus:
    standing = node.standing
    told = quorum_status(standing.electorate, _verdict(node), has_quorum=has_quorum, unsafe=unsafe)
    return msgspec.structs.replace(told, disk=standing.notices.get(DISK_NOTICE, ""))


def drops_of(node: Node) -> tuple[Dropped, ...]:
    """What this node did not take, at its edge and within."""
    own = (Dropped("stale_messages", node.dispatch.refused), Dropped("refused_requests", node.clients.refused))
    return tuple(one for one in (*node.drops, *own) if one.count)


def _verdict(node: Node) -> Verdict:
    """What the nodes in contact may do together, as far as this node knows."""
    standing, membership = node.standing, node.standing.membership
    tail = standing.log.tail
    previous = tail.previous_electorate if tail is not None and not standing.log.is_settled else None
    is_waiting = node.heard_dc is None and not node.election.seen_all
    present = frozenset({standing.node, *membership.heard, *_disk_here(node)})
    return judge(standing.electorate, present, previous=previous, unseen=standing.unseen if is_waiting else NOBODY)


def _told_of_nodes(node: Node) -> Iterator[str]:
    """Who is still to be added, and what this node's file says that does not count."""
    applied = node.standing.log.applied
    if applied is not None:
        yield from awaited(applied)
        yield from disagreements(node.standing.settings.founding, applied)


def _disk_here(node: Node) -> AbstractSet[NodeId]:
    """The quorum disk, where it votes with the nodes in contact: this DC holds its vote, or a candidate would get it.

    A member reads the same disk as the DC that it hears; of one that it cannot read it believes the DC's word.
    """
    disk, standing = node.standing.disk, node.standing
    if node.dc is not None or node.heard_dc is None:
        return disk.held if node.dc is not None else disk.likely
    arbiter = standing.electorate.arbiter
    is_needed = not standing.has_quorum(frozenset({standing.node, *standing.membership.heard}))
    return frozenset({NodeId(arbiter)}) if arbiter is not None and (disk.is_answering or is_needed) else NOBODY


def _cut_off(nodes: tuple[NodeView, ...]) -> Iterator[str]:
    """Which nodes do no harm any more, though they may still run, and which cannot work although they are there."""
    for view in nodes:
        devices = " ".join(view.cut if view.unclean else view.closed)
        if devices and view.unclean:
            yield f"{view.node} is lost, and fenced on the resource level only: {devices} cut it off, it may still run"
        elif devices and view.online:
            yield f"{view.node} has no access by {devices} yet: what needs it is not started there"


def _vain(nodes: tuple[NodeView, ...], fenced: tuple[Fenced, ...]) -> Iterator[str]:
    """Why nodes that have to be fenced are not, although it was tried."""
    newest = {one.target: one for one in fenced if one.operation != "on"}
    for view in nodes:
        tried = newest.get(view.node)
        if view.unclean and tried is not None and not tried.ok:
            yield f"fencing of {view.node} failed ({tried.reason}); what ran there is not taken over"


def _without_dc(node: Node, view: NodeView) -> NodeView:
    """What the last DC said of a node, as far as this node can still tell: whom it does not hear may do anything."""
    if view.node == node.standing.node or not view.online:
        return view
    is_heard = node.standing.membership.is_heard(view.node)
    return msgspec.structs.replace(view, online=False, pending=is_heard, unclean=not is_heard)


def _link(node: Node, now: Millis, peer: NodeId) -> LinkStatus:
    membership = node.standing.membership
    heard_ms = membership.heard_ms(peer)
    incarnation = membership.incarnation(peer)
    presence = membership.presence(peer).value
    if node.standing.is_off(peer) and membership.presence(peer) is not Presence.ALIVE:
        presence = "left" if _left(node, peer) else "off"
    wall_offset_ms = membership.wall_offset_ms(peer)
    return LinkStatus(
        node=peer,
        presence=presence,
        silence_ms=now - heard_ms if heard_ms is not None else None,
        incarnation=str(incarnation) if incarnation != NO_INCARNATION else "",
        clock_ahead_ms=wall_offset_ms - node.standing.wall_offset_ms if wall_offset_ms is not None else 0,
    )


def _left(node: Node, peer: NodeId) -> bool:
    applied = node.standing.log.applied
    return applied is not None and applied.off_by.get(peer) == "left"
