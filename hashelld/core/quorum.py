"""Votes: who makes a quorum, and by which rule. Pure arithmetic over electorates (DESIGN.md 3.2, Electorate and Modes).

The rule of all modes is votequorum(5)'s: strictly more than half of the expected votes. The modes differ in what the
votes are expected of (`last_man_standing`), in who weighs half a vote more (`auto_tie_breaker`), and in what else has
to hold (`two_node`, `wait_for_all`). Two quorums of one electorate always have a voter in common; of two electorates
that follow each other both are needed until the newer one is known acknowledged.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final

import msgspec

from hashelld.model.duration import format_duration
from hashelld.model.ids import NodeId
from hashelld.wire.client import QuorumStatus
from hashelld.wire.log import DISK, Electorate


NOBODY: Final[frozenset[NodeId]] = frozenset()


class Rule(Enum):
    """What a verdict was decided by."""

    MAJORITY = "majority"
    TIE_BREAKER = "auto_tie_breaker"
    ARBITER = "arbiter"
    """The nodes tie, and the electorate's arbiter has a vote."""
    TWO_NODE = "two_node"
    WAIT_FOR_ALL = "wait_for_all"
    JOINT = "joint"
    """A newer electorate is not known acknowledged yet, and the one before has no quorum here."""


class Decision(Enum):
    """What a partition may do."""

    QUORUM = "quorum"
    CLAIM = "claim"
    """`two_node`: nothing, until the peer is confirmed off; then it stands alone (core.claim)."""
    NONE = "none"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A partition's votes against those that are needed."""

    votes: int
    expected: int
    """All votes of the electorate."""
    quorum: int
    """The votes that this partition needs; one with the tie-breaker needs one less where a tie is possible."""
    rule: Rule
    decision: Decision
    reason: str
    """A sentence such as "without quorum: 2 <= 4/2"."""


def arbiter_of(electorate: Electorate) -> NodeId | None:
    """Who votes beside the nodes: the arbiter, as long as their votes are even (an odd number cannot tie)."""
    if electorate.arbiter is None:
        return None
    votes = sum(electorate.votes.values())
    return NodeId(electorate.arbiter) if votes and not votes % 2 else None


def expected_of(electorate: Electorate) -> int:
    """All votes, the arbiter's included."""
    return sum(electorate.votes.values()) + (arbiter_of(electorate) is not None)


def votes_of(electorate: Electorate, names: AbstractSet[NodeId]) -> int:
    """Votes of these nodes, and of the arbiter where it is named; one outside the electorate counts for nothing."""
    nodes = sum(votes for name, votes in electorate.votes.items() if name in names)
    return nodes + (arbiter_of(electorate) in names)


def needed(electorate: Electorate, names: AbstractSet[NodeId]) -> int:
    """The votes with which these nodes are a quorum.

    Strictly more than half, (expected + 2) / 2 in whole numbers (votequorum(5)). The tie-breaker's node weighs half a
    vote more (votequorum(5), auto_tie_breaker; DESIGN.md 3.2): exactly half of the votes suffices with it. It is one
    node that votes, named in the electorate, so that two halves never both have it; an odd number of votes cannot tie.
    """
    breaker = electorate.tie_breaker
    has_breaker = breaker is not None and breaker in names and electorate.votes.get(breaker, 0) > 0
    return (expected_of(electorate) - has_breaker) // 2 + 1


def is_quorum(electorate: Electorate, names: AbstractSet[NodeId]) -> bool:
    """Do these nodes hold strictly more than half of the votes, or half of them with the tie-breaker?

    `two_node` needs no rule of its own: of two votes, strictly more than half is both (SAFETY.md 1).
    """
    return votes_of(electorate, names) >= needed(electorate, names)


def is_joint_quorum(newest: Electorate, previous: Electorate, names: AbstractSet[NodeId], *, is_settled: bool) -> bool:
    """A quorum of the newest electorate and, until that is known acknowledged, of the one before as well.

    The electorate of one that a claim ordered in a `two_node` cluster is an exception: the confirmation that the
    peer is off stands for its vote (DESIGN.md 3.2, Modes).
    """
    if not is_quorum(newest, names):
        return False
    is_claimed = previous.two_node and len(newest.votes) == 1
    return is_settled or is_claimed or is_quorum(previous, names)


def holds_most(electorate: Electorate, names: AbstractSet[NodeId]) -> bool:
    """Do these nodes hold more than half of the nodes' own votes, an arbiter's apart?"""
    own = {name: count for name, count in electorate.votes.items() if name != electorate.network_arbiter}
    return 2 * sum(count for name, count in own.items() if name in names) > sum(own.values())


def waits_for_all(electorate: Electorate) -> bool:
    """Must a node see all others after its start before it stands (votequorum(5), wait_for_all)?

    For three or more. A node of a `two_node` pair needs both by its votes alone; one whose disk says that it votes
    alone claimed before, nobody can be newer, and it goes on alone (SAFETY.md 25).
    """
    return electorate.wait_for_all and not electorate.two_node


def is_shrinking(electorate: Electorate) -> bool:
    """Is `last_man_standing` on? A `two_node` pair claims instead: its electorate of one needs a confirmation."""
    return electorate.last_man_standing_ms is not None and not electorate.two_node


def without(electorate: Electorate, gone: AbstractSet[NodeId], present: AbstractSet[NodeId]) -> Electorate | None:
    """last_man_standing: the electorate without the voters that are gone; None where nothing is to be changed.

    votequorum(5) lowers the expected votes to those of a partition that stayed quorate for the window. A lowered
    number would let two partitions count the same votes apart (SAFETY.md 5), so here it is names, by an entry of the
    log: it is proposed only where those present are a quorum of both electorates, and acknowledged only by both. From
    two votes to one that takes the tie-breaker, the arbiter, or the leaving node's own acknowledgement. The arbiter
    itself stays, since its vote follows from the others', and is never all that is left, since it runs nothing.
    """
    if not is_shrinking(electorate):
        return None
    arbiter = electorate.network_arbiter
    kept = {name for name, count in electorate.votes.items() if name not in gone or not count or name == arbiter}
    votes = {name: count for name, count in electorate.votes.items() if name in kept}
    if votes == electorate.votes or not any(count for name, count in votes.items() if name != arbiter):
        return None
    after = electorate.with_votes(votes)
    return after if is_joint_quorum(after, electorate, present, is_settled=False) else None


def judge(
    electorate: Electorate,
    names: AbstractSet[NodeId],
    *,
    previous: Electorate | None = None,
    unseen: AbstractSet[NodeId] = NOBODY,
) -> Verdict:
    """What a partition of these nodes may do, and why.

    `previous` is the electorate before, as long as the newest is not known acknowledged. `unseen` are the nodes that
    `wait_for_all` still waits for: who did not see them may not stand, however many votes there are.
    """
    verdict = _of_one(electorate, names)
    if verdict.decision is Decision.QUORUM and previous is not None:
        is_enough = is_joint_quorum(electorate, previous, names, is_settled=False)
        if not is_enough:
            before = _of_one(previous, names)
            reason = f"{before.reason} of those who voted before ({' '.join(sorted(previous.votes))})"
            verdict = msgspec.structs.replace(before, rule=Rule.JOINT, decision=Decision.NONE, reason=reason)
    if verdict.decision is Decision.QUORUM and unseen and waits_for_all(electorate):
        reason = f"without quorum: wait_for_all, not seen since the start: {' '.join(sorted(unseen))}"
        verdict = msgspec.structs.replace(verdict, rule=Rule.WAIT_FOR_ALL, decision=Decision.NONE, reason=reason)
    return verdict


def _of_one(electorate: Electorate, names: AbstractSet[NodeId]) -> Verdict:
    votes, expected = votes_of(electorate, names), expected_of(electorate)
    arbiter = arbiter_of(electorate)
    is_tie = 2 * votes == expected > 0
    rule, decision = Rule.MAJORITY, Decision.NONE
    if is_quorum(electorate, names):
        decision = Decision.QUORUM
        reason = f"with quorum: {votes} > {expected}/2"
        if is_tie:
            rule, reason = Rule.TIE_BREAKER, f"with quorum: {votes} = {expected}/2, {electorate.tie_breaker} is here"
        elif arbiter in names and 2 * (votes - 1) < expected:
            rule, reason = Rule.ARBITER, f"{reason}, {_called(arbiter)} votes here"
    else:
        reason = f"without quorum: {votes} <= {expected}/2"
        if is_tie and electorate.tie_breaker in electorate.votes:
            rule, reason = Rule.TIE_BREAKER, f"{reason}, {electorate.tie_breaker} is not here"
        elif arbiter is not None and arbiter not in names and 2 * (votes + 1) > expected:
            rule, reason = Rule.ARBITER, f"{reason}, {_called(arbiter)} does not vote here"
        elif electorate.two_node and len(electorate.votes) == 2:
            rule = Rule.TWO_NODE
            decision = Decision.CLAIM if is_tie else Decision.NONE
            reason = f"{reason}, two_node goes on alone when its peer is confirmed off"
    return Verdict(
        votes=votes,
        expected=expected,
        quorum=needed(electorate, names),
        rule=rule,
        decision=decision,
        reason=reason,
    )


def _called(arbiter: NodeId | None) -> str:
    return "the quorum disk" if arbiter is not None and arbiter.startswith(DISK) else f"the arbiter {arbiter}"


def modes(electorate: Electorate) -> tuple[str, ...]:
    """The modes that are on, in words."""
    found = []
    if electorate.two_node:
        found.append("two_node")
    if waits_for_all(electorate):
        found.append("wait_for_all")
    if electorate.tie_breaker is not None or electorate.tie_order:
        order = f" ({' '.join(electorate.tie_order)})" if electorate.tie_order else ""
        found.append(f"auto_tie_breaker {electorate.tie_breaker or 'nobody'}{order}")
    if is_shrinking(electorate):
        found.append(f"last_man_standing {format_duration(electorate.last_man_standing_ms or 0)}")
    if electorate.network_arbiter is not None:
        found.append(f"arbiter {electorate.network_arbiter}")
    if electorate.arbiter is not None:
        idle = "" if arbiter_of(electorate) is not None else " (no vote while the nodes' votes are odd)"
        found.append(f"{electorate.arbiter.replace(DISK, 'quorum disk ')}{idle}")
    return tuple(found)


def quorum_status(
    electorate: Electorate, verdict: Verdict, *, has_quorum: bool, unsafe: tuple[str, ...]
) -> QuorumStatus:
    """The verdict in the words that status shows; `has_quorum` says whether a DC with a quorum is heard."""
    both = ", two_node needs both" if electorate.two_node and verdict.expected == 2 else ""
    return QuorumStatus(
        has_quorum=has_quorum,
        votes=verdict.votes,
        total=verdict.expected,
        reason=f"{verdict.votes} of {verdict.expected} votes{both}",
        two_node=electorate.two_node,
        unsafe=unsafe,
        needed=verdict.quorum,
        rule=verdict.rule.value,
        decision=verdict.decision.value,
        verdict=verdict.reason,
        voters=electorate.votes,
        modes=modes(electorate),
        arbiter=electorate.network_arbiter,
    )
