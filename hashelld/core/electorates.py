"""What electorates may follow each other, and what a node's own file says of them. Pure (DESIGN.md 3.2, Electorate)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.core.log import members_of
from hashelld.core.quorum import is_joint_quorum, is_shrinking, votes_of
from hashelld.model.duration import format_duration
from hashelld.model.ids import NodeId
from hashelld.wire.client import ChangeQuorum
from hashelld.wire.log import HIGHEST, LOWEST, Checkpoint, Electorate


VOTES_MAX: Final = 100
WINDOW_MS: Final = 10_000
"""last_man_standing_window where none was given."""


class NotPossible(Exception):
    """Such an electorate may not be, or not now; the text says why, and what to do."""


def with_joined(electorate: Electorate, node: NodeId, votes: int) -> Electorate:
    """The electorate with one more voter. `two_node` is for two: with the third it ends, in the same step."""
    after = electorate.with_votes({**electorate.votes, node: votes})
    is_pair = len(after.votes) <= 2 and all(count == 1 for count in after.votes.values())
    return after if is_pair else msgspec.structs.replace(after, two_node=False)


def changed(
    electorate: Electorate,
    wish: ChangeQuorum,
    present: AbstractSet[NodeId],
    uncounted: AbstractSet[NodeId] = frozenset(),
) -> Electorate:
    """The electorate that somebody asks for; `NotPossible` where its parts exclude each other.

    Those `present` have to be a quorum of it, and of the one before: else what is asked for would stop the cluster.
    The `uncounted` are heard, and have not said yet that they may vote, as in the moment after they were added.
    """
    for name in wish.votes:
        if name not in electorate.votes:
            known = ", ".join(sorted(electorate.votes))
            raise NotPossible(f"{name} does not vote now (voters are {known}): a node is added by: configure node NAME")
    if electorate.network_arbiter in wish.votes:
        raise NotPossible(f"{electorate.network_arbiter} is the arbiter: it has one vote while the others' are even")
    if wish.last_man_standing_window_ms is not None and not (wish.last_man_standing or is_shrinking(electorate)):
        raise NotPossible("last_man_standing is off: switch it on first")
    after = msgspec.structs.replace(
        electorate,
        two_node=electorate.two_node if wish.two_node is None else wish.two_node,
        wait_for_all=_wait_for_all(electorate, wish),
        tie_order=electorate.tie_order if wish.tie_order is None else wish.tie_order,
        tie_breaker=electorate.tie_breaker if wish.tie_order is None else None,
        last_man_standing_ms=_window_ms(electorate, wish),
    ).with_votes({**electorate.votes, **wish.votes})
    for reason in _contradictions(after, wish):
        raise NotPossible(reason)
    if not is_joint_quorum(after, electorate, present, is_settled=False):
        total = sum(after.votes.values())
        told = f"those who are here would have no quorum: {votes_of(after, present)} of {total} votes"
        joining = f" without {' '.join(sorted(uncounted))}, not known yet to have stored its vote: try again"
        raise NotPossible(told + joining * bool(uncounted))
    return after


def _wait_for_all(electorate: Electorate, wish: ChangeQuorum) -> bool:
    if wish.two_node and not electorate.two_node:
        return False  # It is always on there, without a word of its own.
    return electorate.wait_for_all if wish.wait_for_all is None else wish.wait_for_all


def _window_ms(electorate: Electorate, wish: ChangeQuorum) -> int | None:
    if wish.last_man_standing is False:
        return None
    if wish.last_man_standing_window_ms is not None:
        return wish.last_man_standing_window_ms
    return electorate.last_man_standing_ms or (WINDOW_MS if wish.last_man_standing else None)


def _contradictions(after: Electorate, wish: ChangeQuorum) -> Iterator[str]:
    """As votequorum(5) and DESIGN.md 3.2 have it for the file that founds a cluster."""
    if any(not 0 <= votes <= VOTES_MAX for votes in after.votes.values()):
        yield f"a node has 0 to {VOTES_MAX} votes"
    if not sum(after.votes.values()):
        yield "no node would have a vote"
    words = [word for word in after.tie_order if word not in (LOWEST, HIGHEST)]
    voters = sorted(name for name, votes in after.votes.items() if votes)
    for word in words if wish.tie_order is not None else ():
        if word not in voters:
            yield f"'{word}' is no node with a vote: auto_tie_breaker is lowest, highest or of {', '.join(voters)}"
    if len(set(after.tie_order)) != len(after.tie_order) or (len(after.tie_order) > 1 and len(words) == 0):
        yield "auto_tie_breaker is lowest, or highest, or names of nodes, each once"
    if after.two_node:
        yield from _of_a_pair(after, wish)
    has_arbiter = after.arbiter is not None or after.network_arbiter is not None
    if has_arbiter and after.tie_order:
        yield "auto_tie_breaker and an arbiter exclude each other"


def _of_a_pair(after: Electorate, wish: ChangeQuorum) -> Iterator[str]:
    is_alone = len(after.votes) == 1 and not wish.two_node  # One of a pair, whose peer is off.
    if (len(after.votes) != 2 and not is_alone) or any(votes != 1 for votes in after.votes.values()):
        told = ", ".join(f"{name} {votes}" for name, votes in sorted(after.votes.items()))
        yield f"two_node is for two nodes with a vote each, here are {told}"
    if after.tie_order:
        yield "auto_tie_breaker and two_node exclude each other: switch the other off first"
    if after.last_man_standing_ms is not None:
        yield "last_man_standing and two_node exclude each other: switch the other off first"
    if wish.wait_for_all is False:
        yield "wait_for_all cannot be switched off with two_node: a node that starts could fence its peer for nothing"
    if after.arbiter is not None or after.network_arbiter is not None:
        yield "an arbiter and two_node exclude each other"


def told_change(before: Electorate, after: Electorate) -> str:
    """What is different, in the words of hashelld.toml."""
    found = [
        f"{name} has {votes} vote{'s' * (votes != 1)}"
        for name, votes in after.votes.items()
        if before.votes.get(name) != votes
    ]
    found += [f"{name} votes no more" for name in before.votes if name not in after.votes]
    found += [f"{name} {_said(new)}" for name, old, new in _modes(before, after) if old != new]
    return ", ".join(found)


def _modes(one: Electorate, other: Electorate) -> tuple[tuple[str, object, object], ...]:
    return (
        ("two_node", one.two_node, other.two_node),
        ("wait_for_all", one.wait_for_all, other.wait_for_all),
        ("auto_tie_breaker", one.tie_order, other.tie_order),
        ("last_man_standing", one.last_man_standing_ms, other.last_man_standing_ms),
    )


def _said(value: object) -> str:
    match value:
        case True:
            return "on"
        case False | None | ():
            return "off"
        case int():
            return f"on, after {format_duration(value)}"
        case tuple():
            return " ".join(map(str, value))
        case _:
            return str(value)


def disagreements(file: Electorate, state: Checkpoint) -> Iterator[str]:
    """Where hashelld.toml of this node says something else than the log, which counts.

    Who is lost for a while votes no more and will vote again: that is no disagreement of a file.
    """
    configured = _names(state.cib)
    members = members_of(state)
    for node in sorted(members.keys() | configured):
        if node not in file.votes:
            yield f"hashelld.toml here does not name {node}, a node of the cluster: it cannot be heard from here"
    for name, votes in sorted(file.votes.items()):
        if name not in members and name not in configured:
            yield f"hashelld.toml here names {name}, which is no node of the cluster (added by: configure node {name})"
        elif members.get(name, votes) != votes and name != state.electorate.network_arbiter:
            yield f"hashelld.toml here gives {name} {votes} votes, in the cluster it has {members[name]}"
    for mode, said, counts in _modes(file, state.electorate):
        if said != counts:
            yield f"hashelld.toml here says {mode} {_said(said)}, in the cluster it is {_said(counts)}"


def awaited(state: Checkpoint) -> Iterator[str]:
    """Configured nodes that were not added yet."""
    members = members_of(state)
    for name in sorted(_names(state.cib)):
        if name not in members:
            yield f"{name} is configured, and is added once its daemon is heard and has stored the log"


def _names(cib: Cib) -> frozenset[NodeId]:
    return frozenset(node.id for node in cib.nodes if node.kind in (None, "member"))
