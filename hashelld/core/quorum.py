"""Votes: who makes a quorum. Pure arithmetic over electorates (DESIGN.md 3.2, Electorate; votequorum(5))."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from hashelld.model.ids import NodeId
from hashelld.wire.client import QuorumStatus
from hashelld.wire.log import Electorate


def votes_of(electorate: Electorate, names: AbstractSet[NodeId]) -> int:
    """Votes of these nodes; one outside the electorate counts for nothing."""
    return sum(votes for name, votes in electorate.votes.items() if name in names)


def is_quorum(electorate: Electorate, names: AbstractSet[NodeId]) -> bool:
    """Do these nodes hold strictly more than half of the votes?

    The tie-breaker's node weighs half a vote more (votequorum(5), auto_tie_breaker). `two_node` needs no rule of
    its own: of two votes, strictly more than half is both.
    """
    total = sum(electorate.votes.values())
    tie = int(electorate.tie_breaker is not None and electorate.tie_breaker in names)
    return 2 * votes_of(electorate, names) + tie > total


def is_joint_quorum(newest: Electorate, previous: Electorate, names: AbstractSet[NodeId], *, is_settled: bool) -> bool:
    """A quorum of the newest electorate and, until that is known acknowledged, of the one before as well.

    The electorate of one that a claim ordered in a `two_node` cluster is an exception: the confirmation that the
    peer is off stands for its vote.
    """
    if not is_quorum(newest, names):
        return False
    is_claimed = previous.two_node and len(newest.votes) == 1
    return is_settled or is_claimed or is_quorum(previous, names)


def quorum_status(
    electorate: Electorate, present: AbstractSet[NodeId], *, has_quorum: bool, unsafe: tuple[str, ...]
) -> QuorumStatus:
    """The verdict in the words that status shows."""
    total = sum(electorate.votes.values())
    votes = votes_of(electorate, present)
    return QuorumStatus(
        has_quorum=has_quorum,
        votes=votes,
        total=total,
        reason=f"{votes} of {total} votes" + (", two_node needs both" if electorate.two_node and total == 2 else ""),
        two_node=electorate.two_node,
        unsafe=unsafe,
    )
