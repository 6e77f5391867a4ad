"""Verdicts on votes: the modes, their sentences, and that two partitions never both have a quorum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashelld.core.quorum import (
    Decision,
    Rule,
    is_joint_quorum,
    is_quorum,
    is_shrinking,
    judge,
    modes,
    needed,
    quorum_status,
    waits_for_all,
    without,
)
from hashelld.model.ids import NodeId
from hashelld.wire.log import HIGHEST, LOWEST, Electorate


def named(names: str) -> frozenset[NodeId]:
    return frozenset(map(NodeId, names))


def electorate(names: str, *order: str, window_ms: int | None = None, **votes: int) -> Electorate:
    """Voters of one letter, with a vote each unless another number is given."""
    counts = {NodeId(name): votes.get(name, 1) for name in names}
    return Electorate(votes={}, tie_order=order, last_man_standing_ms=window_ms).with_votes(counts)


PAIR = Electorate(votes={NodeId("a"): 1, NodeId("b"): 1}, two_node=True)


@pytest.mark.parametrize(
    ("voters", "present", "rule", "decision", "reason"),
    [
        (electorate("abc"), "ab", Rule.MAJORITY, Decision.QUORUM, "with quorum: 2 > 3/2"),
        (electorate("abc"), "a", Rule.MAJORITY, Decision.NONE, "without quorum: 1 <= 3/2"),
        (electorate("abcd"), "ab", Rule.MAJORITY, Decision.NONE, "without quorum: 2 <= 4/2"),
        (electorate("abcd"), "abxyz", Rule.MAJORITY, Decision.NONE, "without quorum: 2 <= 4/2"),
        (electorate("abcd", LOWEST), "abc", Rule.MAJORITY, Decision.QUORUM, "with quorum: 3 > 4/2"),
        (electorate("abcd", LOWEST), "ab", Rule.TIE_BREAKER, Decision.QUORUM, "with quorum: 2 = 4/2, a is here"),
        (
            electorate("abcd", HIGHEST),
            "ab",
            Rule.TIE_BREAKER,
            Decision.NONE,
            "without quorum: 2 <= 4/2, d is not here",
        ),
        (electorate("abc", LOWEST), "a", Rule.MAJORITY, Decision.NONE, "without quorum: 1 <= 3/2"),
        (electorate("abc", a=3), "a", Rule.MAJORITY, Decision.QUORUM, "with quorum: 3 > 5/2"),
        (electorate("abc", a=0), "ab", Rule.MAJORITY, Decision.NONE, "without quorum: 1 <= 2/2"),
        (PAIR, "ab", Rule.MAJORITY, Decision.QUORUM, "with quorum: 2 > 2/2"),
        (
            PAIR,
            "b",
            Rule.TWO_NODE,
            Decision.CLAIM,
            "without quorum: 1 <= 2/2, two_node goes on alone when its peer is confirmed off",
        ),
        (electorate(""), "a", Rule.MAJORITY, Decision.NONE, "without quorum: 0 <= 0/2"),
    ],
)
def test_verdict(voters: Electorate, present: str, rule: Rule, decision: Decision, reason: str) -> None:
    verdict = judge(voters, named(present))
    assert (verdict.rule, verdict.decision, verdict.reason) == (rule, decision, reason)
    assert (verdict.decision is Decision.QUORUM) is is_quorum(voters, named(present))
    assert (verdict.votes >= verdict.quorum) is is_quorum(voters, named(present))


def test_a_change_under_way_needs_both_electorates() -> None:
    verdict = judge(electorate("ab"), named("ab"), previous=electorate("abcd"))
    assert (verdict.rule, verdict.decision) == (Rule.JOINT, Decision.NONE)
    assert verdict.reason == "without quorum: 2 <= 4/2 of those who voted before (a b c d)"
    assert (verdict.votes, verdict.expected, verdict.quorum) == (2, 4, 3)
    assert judge(electorate("ab"), named("abc"), previous=electorate("abcd")).decision is Decision.QUORUM
    assert judge(electorate("ab"), named("acd"), previous=electorate("abcd")).rule is Rule.MAJORITY


def test_a_claim_stands_for_the_vote_of_its_peer() -> None:
    alone = Electorate(votes={NodeId("a"): 1}, two_node=True)
    assert judge(alone, named("a"), previous=PAIR).decision is Decision.QUORUM
    assert is_joint_quorum(alone, PAIR, named("a"), is_settled=False)
    assert not is_joint_quorum(alone, electorate("ab"), named("a"), is_settled=False)


def test_wait_for_all_names_whom_it_waits_for() -> None:
    waiting = Electorate(votes=electorate("abcd").votes, wait_for_all=True)
    verdict = judge(waiting, named("abc"), unseen=named("d"))
    assert (verdict.rule, verdict.decision) == (Rule.WAIT_FOR_ALL, Decision.NONE)
    assert verdict.reason == "without quorum: wait_for_all, not seen since the start: d"
    assert judge(waiting, named("abc")).decision is Decision.QUORUM
    assert judge(electorate("abcd"), named("abc"), unseen=named("d")).decision is Decision.QUORUM
    assert waits_for_all(waiting)
    assert not waits_for_all(Electorate(votes=PAIR.votes, two_node=True, wait_for_all=True))


def test_the_tie_breaker_is_chosen_from_those_who_vote() -> None:
    assert electorate("abcd", LOWEST).tie_breaker == "a"
    assert electorate("abcd", LOWEST, a=0).tie_breaker == "b"
    assert electorate("abcd", "c", "b").tie_breaker == "c"
    assert electorate("abd", "c", "b").tie_breaker == "b"
    assert electorate("ad", "c", "b").tie_breaker is None
    moved = electorate("abcd", LOWEST).with_votes({NodeId("b"): 1, NodeId("c"): 1})
    assert (moved.tie_breaker, moved.tie_order) == ("b", (LOWEST,))
    fixed = Electorate(votes={NodeId("a"): 1, NodeId("b"): 1}, tie_breaker=NodeId("a"))
    assert fixed.with_votes({NodeId("b"): 1}).tie_breaker == "a"


def test_a_tie_breaker_that_does_not_vote_weighs_nothing() -> None:
    outside = Electorate(votes={NodeId("b"): 1, NodeId("c"): 1}, tie_breaker=NodeId("a"))
    assert not is_quorum(outside, named("ab"))
    silent = Electorate(votes={NodeId("a"): 0, NodeId("b"): 1, NodeId("c"): 1}, tie_breaker=NodeId("a"))
    assert not is_quorum(silent, named("ab"))


@pytest.mark.parametrize(("order", "ends"), [((), "ab"), ((LOWEST,), "a"), ((HIGHEST,), "ab")])
def test_four_nodes_lost_one_after_another(order: tuple[str, ...], ends: str) -> None:
    """Who is lost is removed where the rest is a quorum; from two to one only the tie-breaker goes on."""
    current = electorate("abcd", *order, window_ms=10_000)
    present = named("abcd")
    for lost in "dcb":
        present -= {NodeId(lost)}
        after = without(current, named(lost), present)
        if after is None:
            break
        assert is_quorum(current, present)
        assert after.last_man_standing_ms == 10_000
        current = after
    assert set(current.votes) == set(ends)


def test_half_that_is_lost_at_once_removes_nobody() -> None:
    four = electorate("abcd", window_ms=10_000)
    assert without(four, named("cd"), named("ab")) is None
    assert without(electorate("abcde", window_ms=1), named("de"), named("abc")) == electorate("abc", window_ms=1)


def test_who_leaves_acknowledges_the_electorate_without_it() -> None:
    two = electorate("ab", window_ms=10_000)
    assert without(two, named("b"), named("ab")) == electorate("a", window_ms=10_000)
    assert without(two, named("b"), named("a")) is None


def test_nobody_is_removed_without_last_man_standing() -> None:
    assert without(electorate("abc"), named("c"), named("ab")) is None
    pair = Electorate(votes=PAIR.votes, two_node=True, last_man_standing_ms=10_000)
    assert not is_shrinking(pair)
    assert without(pair, named("b"), named("ab")) is None
    with_observer = electorate("abc", window_ms=1, c=0)
    assert without(with_observer, named("c"), named("abc")) is None


def test_status_tells_the_arithmetic() -> None:
    voters = electorate("abcd", LOWEST, window_ms=10_000)
    status = quorum_status(voters, judge(voters, named("bc")), has_quorum=False, unsafe=())
    assert (status.votes, status.total, status.needed, status.reason) == (2, 4, 3, "2 of 4 votes")
    assert (status.rule, status.decision) == ("auto_tie_breaker", "none")
    assert status.voters == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert status.modes == ("auto_tie_breaker a (lowest)", "last_man_standing 10s")
    pair = quorum_status(PAIR, judge(PAIR, named("a")), has_quorum=False, unsafe=())
    assert (pair.reason, pair.decision, pair.modes) == ("1 of 2 votes, two_node needs both", "claim", ("two_node",))
    assert modes(Electorate(votes=voters.votes, wait_for_all=True)) == ("wait_for_all",)


@st.composite
def cut_electorates(draw: st.DrawFn) -> tuple[Electorate, frozenset[NodeId], frozenset[NodeId]]:
    """An electorate, and two sides of a cut; some voters are down."""
    names = "abcdefg"[: draw(st.integers(1, 7))]
    votes = {NodeId(name): draw(st.integers(0, 4)) for name in names}
    order = draw(st.sampled_from([(), (LOWEST,), (HIGHEST,), ("c", "a"), ("z",)]))
    side = {name: draw(st.sampled_from("12-")) for name in names + "xyz"}
    found = Electorate(votes={}, tie_order=order, last_man_standing_ms=1).with_votes(votes)
    one, other = (frozenset(NodeId(n) for n, at in side.items() if at == which) for which in "12")
    return found, one, other


@given(cut_electorates())
def test_two_sides_never_both_have_a_quorum(
    cut: tuple[Electorate, frozenset[NodeId], frozenset[NodeId]],
) -> None:
    voters, one, other = cut
    assert not (is_quorum(voters, one) and is_quorum(voters, other))
    assert needed(voters, one) > 0


@given(cut_electorates())
def test_a_smaller_electorate_is_ordered_by_a_quorum_of_the_larger(
    cut: tuple[Electorate, frozenset[NodeId], frozenset[NodeId]],
) -> None:
    """And as long as it is not acknowledged, no side without a quorum of the larger one counts by the smaller."""
    voters, one, other = cut
    after = without(voters, other, one)
    if after is None:
        return
    assert is_quorum(voters, one)
    assert is_quorum(after, one)
    assert not is_joint_quorum(after, voters, other, is_settled=False)
    assert sum(after.votes.values()) > 0
