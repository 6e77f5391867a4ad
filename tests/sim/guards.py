"""Ablation: a run with one of the core's guards taken out, which the simulator has to find.

Nothing in the product knows of this. A guard is taken out from the test side, for the span of a run: by a method of
the simulated world where the guard can be undone at a port (what a store gives back, when the outbox lets go), and
else by a replaced method of the core. Checkers that merely repeat a guard are silenced with it, so that what is found
is the damage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.core.disk_vote import DiskVote
from hashelld.core.effects import Effect, Stored
from hashelld.core.events import MessageHeard
from hashelld.core.fencing import FencingDone
from hashelld.core.lrm import OrderKey
from hashelld.core.member import Member, is_cleanup
from hashelld.core.outbox import Outbox
from hashelld.core.peers import Inbox
from hashelld.core.standing import Standing
from hashelld.core.stonith import Stonith
from hashelld.model.action import Action
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Epoch, Incarnation, Millis, NodeId, Version
from hashelld.wire.peer import Order
from hashelld.wire.sector import DiskHeader
from tests.sim.checkers import Checkers
from tests.sim.disk import Disk
from tests.sim.promises import Promises
from tests.sim.qdisk import QuorumDisk, Round


class Guard(Enum):
    """What keeps a cluster safe, and can be taken out."""

    VOTE_PERSISTENCE = "vote-persistence"
    """A daemon that starts knows neither its promise nor its vote."""
    EPOCH_CHECK = "epoch-check"
    """Orders of a deposed DC are carried out."""
    FENCE_BEFORE_TAKEOVER = "fence-before-takeover"
    """A lost node counts as off at once; no device is called."""
    QUORUM_GATE = "quorum-gate"
    """Everybody is a quorum."""
    PERSIST_BEFORE_ACK = "persist-before-ack"
    """Messages and answers do not wait for the disk."""
    MESSAGE_DEADLINE = "message-deadline"
    """A message counts however old it is."""
    DISK_MEMORY = "disk-memory"
    """The quorum disk votes for a candidate that lacks what the disk vouched for."""
    DISK_PROMISE = "disk-promise"
    """The quorum disk vouches past a higher promise."""
    DISK_WRITE_FIRST = "disk-write-first"
    """The others' sectors are read before one's own is written."""


Replacement = tuple[type, str, Callable[..., Any]]
"""A class, the name of its method, and what takes its place."""

BEGUN_WITHOUT: Final = "order.unguarded"
"""In the trace: an order that the guard would have refused."""

_load = Disk.load
_reason = Inbox._reason
_on_order = Member.on_order
_read_one = QuorumDisk._read_one


def _load_without_vote(disk: Disk, token: str) -> Stored:
    disk.content.promised, disk.content.voted = 0, None
    return _load(disk, token)


def _reason_of_any_epoch(inbox: Inbox, now: Millis, event: MessageHeard) -> str | None:
    reason = _reason(inbox, now, event)
    return None if reason == "older epoch" and isinstance(event.envelope.body, Order) else reason


def _on_order_of_any_epoch(member: Member, now: Millis, peer: NodeId, epoch: Epoch, call: int, action: Action) -> None:
    """As the method that it replaces, whoever orders."""
    standing, lrm = member._standing, member._lrm
    is_guarded = (epoch, peer) == (member.joined, member.dc) or member.joined == NO_EPOCH
    if is_guarded or action.node != standing.node or is_cleanup(action):
        _on_order(member, now, peer, epoch, call, action)
        return
    standing.note(BEGUN_WITHOUT, action=action.label, epoch=str(epoch))
    member.on_outcomes(now, lrm.on_order(now, now + standing.wall_offset_ms, OrderKey(epoch, call), action))


def _request_that_succeeds(
    stonith: Stonith,
    now: Millis,
    cib: Cib,
    target: NodeId,
    incarnation: Incarnation,
    operation: str,
    *rest: object,
    **more: object,
) -> list[Effect | FencingDone]:
    del stonith, now, cib, rest, more
    return [FencingDone(target=target, incarnation=incarnation, operation=operation, ok=True, device="nobody")]


def _always(standing: Standing, names: frozenset[NodeId]) -> bool:
    del standing, names
    return True


def _feed_at_once(outbox: Outbox, effects: list[Effect]) -> list[Effect]:
    del outbox
    return effects


def _nothing_held(outbox: Outbox, token: int) -> list[Effect]:
    del outbox, token
    return []


def _reason_of_any_age(inbox: Inbox, now: Millis, event: MessageHeard) -> str | None:
    reason = _reason(inbox, now, event)
    return _reason(inbox, now, msgspec.structs.replace(event, beat_sent_ms=now)) if reason == "stale" else reason


def _nothing_vouched(disk: DiskVote) -> Version:
    del disk
    return NO_VERSION


def _nothing_promised(disk: DiskVote) -> int:
    del disk
    return 0


def _writes_last(disk: QuorumDisk, found: Round) -> bool:
    """When all is read."""
    return not found.is_written and len(found.sectors) == len(disk.names)


def _read_as_if_written(disk: QuorumDisk, found: Round, header: DiskHeader) -> None:
    """One's own sector looks as it will."""
    _read_one(disk, found, header)
    if found.asked.sector is not None and found.asked.place in found.sectors:
        found.sectors[found.asked.place] = found.asked.sector


def _silent(*said: object) -> None:
    del said


REPLACED: Final[dict[Guard, tuple[Replacement, ...]]] = {
    Guard.VOTE_PERSISTENCE: ((Disk, "load", _load_without_vote),),
    Guard.EPOCH_CHECK: (
        (Inbox, "_reason", _reason_of_any_epoch),
        (Member, "on_order", _on_order_of_any_epoch),
    ),
    Guard.FENCE_BEFORE_TAKEOVER: (
        (Stonith, "request", _request_that_succeeds),
        (Promises, "_is_true", _silent),
    ),
    Guard.QUORUM_GATE: ((Standing, "has_quorum", _always),),
    Guard.PERSIST_BEFORE_ACK: (
        (Outbox, "feed", _feed_at_once),
        (Outbox, "on_persisted", _nothing_held),
        (Checkers, "keeps_word", _silent),
    ),
    Guard.MESSAGE_DEADLINE: ((Inbox, "_reason", _reason_of_any_age),),
    Guard.DISK_MEMORY: ((DiskVote, "_newest_vouched", _nothing_vouched),),
    Guard.DISK_PROMISE: ((DiskVote, "_promised", _nothing_promised),),
    Guard.DISK_WRITE_FIRST: (
        (QuorumDisk, "_writes_now", _writes_last),
        (QuorumDisk, "_read_one", _read_as_if_written),
    ),
}


@contextmanager
def without(guard: Guard | None) -> Iterator[None]:
    """Take a guard out of every node of this process, for a while."""
    replaced = REPLACED[guard] if guard is not None else ()
    kept = [(owner, name, owner.__dict__[name]) for owner, name, _ in replaced]
    for owner, name, method in replaced:
        setattr(owner, name, method)
    try:
        yield
    finally:
        for owner, name, method in kept:
            setattr(owner, name, method)
