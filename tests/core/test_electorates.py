"""Which electorates may follow which, and what a file that disagrees is told to say."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Cib
from hashelld.core.electorates import NotPossible, awaited, changed, disagreements, told_change, with_joined
from hashelld.core.log import advance, members_of
from hashelld.model.ids import Epoch, NodeId, Version
from hashelld.model.node import Node
from hashelld.wire.client import ChangeQuorum
from hashelld.wire.log import LOWEST, Change, Checkpoint, Electorate, ElectorateChange, Entry, Founding


def votes(words: str) -> dict[NodeId, int]:
    """`a2 b` are two votes of a and one of b."""
    return {NodeId(word[0]): int(word[1:] or 1) for word in words.split()}


def electorate(words: str, *order: str, two_node: bool = False) -> Electorate:
    return Electorate(votes={}, tie_order=order, two_node=two_node).with_votes(votes(words))


ALL = frozenset(map(NodeId, "abcdef"))
PAIR = electorate("a b", two_node=True)
THREE = electorate("a b c")


def entry(serial: int, change: Change) -> Entry:
    return Entry(version=Version(Epoch(1, NodeId("a")), serial), change=change, previous="", document="", at_ms=0)


def state(founded: Electorate, *later: Change, nodes: str = "") -> Checkpoint:
    """What a log says that begins with this founding."""
    cib = Cib(tuple(Node(id=NodeId(name)) for name in nodes or "".join(founded.votes)))
    found = advance(None, entry(1, Founding(cluster="c", electorate=founded, cib=cib)))
    for serial, change in enumerate(later, start=2):
        found = advance(found, entry(serial, change))
    return found


def test_the_third_voter_ends_two_node() -> None:
    assert with_joined(electorate("a", two_node=True), NodeId("b"), 1) == PAIR
    assert with_joined(PAIR, NodeId("c"), 1) == THREE
    assert with_joined(electorate("a", two_node=True), NodeId("b"), 2) == electorate("a b2")
    assert with_joined(electorate("b c", LOWEST), NodeId("a"), 1).tie_breaker == "a"


@pytest.mark.parametrize(
    ("before", "wish", "after"),
    [
        (THREE, ChangeQuorum(votes=votes("a2")), electorate("a2 b c")),
        (electorate("a b"), ChangeQuorum(two_node=True), PAIR),
        (PAIR, ChangeQuorum(two_node=False), electorate("a b")),
        (electorate("a b2"), ChangeQuorum(two_node=True, votes=votes("b1")), PAIR),
        (electorate("a b", LOWEST), ChangeQuorum(two_node=True, tie_order=()), PAIR),
        (THREE, ChangeQuorum(tie_order=(LOWEST,)), electorate("a b c", LOWEST)),
        (electorate("a b c", LOWEST), ChangeQuorum(votes=votes("a0")), electorate("a0 b c", LOWEST)),
        (electorate("a b c", LOWEST), ChangeQuorum(tie_order=()), THREE),
    ],
)
def test_what_may_follow(before: Electorate, wish: ChangeQuorum, after: Electorate) -> None:
    assert changed(before, wish, ALL) == after


def test_modes_with_a_time() -> None:
    on = changed(THREE, ChangeQuorum(last_man_standing=True), ALL)
    assert on.last_man_standing_ms == 10_000
    longer = changed(on, ChangeQuorum(last_man_standing_window_ms=30_000), ALL)
    assert longer.last_man_standing_ms == 30_000
    assert changed(longer, ChangeQuorum(last_man_standing=True), ALL) == longer
    assert changed(longer, ChangeQuorum(last_man_standing=False), ALL) == THREE


@pytest.mark.parametrize(
    ("before", "wish", "reason"),
    [
        (THREE, ChangeQuorum(two_node=True), "here are a 1, b 1, c 1"),
        (electorate("a b2"), ChangeQuorum(two_node=True), "here are a 1, b 2"),
        (electorate("a"), ChangeQuorum(two_node=True), "two nodes with a vote each, here are a 1"),
        (PAIR, ChangeQuorum(votes=votes("a2")), "two nodes with a vote each"),
        (PAIR, ChangeQuorum(tie_order=(LOWEST,)), "exclude each other"),
        (PAIR, ChangeQuorum(last_man_standing=True), "exclude each other"),
        (PAIR, ChangeQuorum(wait_for_all=False), "cannot be switched off"),
        (THREE, ChangeQuorum(votes=votes("a0 b0 c0")), "no node would have a vote"),
        (THREE, ChangeQuorum(votes={NodeId("a"): -1}), "0 to 100"),
        (THREE, ChangeQuorum(tie_order=("x",)), "'x' is no node with a vote"),
        (electorate("a0 b c"), ChangeQuorum(tie_order=("a",)), "'a' is no node with a vote"),
        (THREE, ChangeQuorum(tie_order=("a", "a")), "each once"),
        (THREE, ChangeQuorum(last_man_standing_window_ms=1), "is off"),
    ],
)
def test_what_may_not_follow(before: Electorate, wish: ChangeQuorum, reason: str) -> None:
    with pytest.raises(NotPossible, match=reason):
        changed(before, wish, ALL)


def test_the_arbiter_has_its_vote_by_rule() -> None:
    arbitrated = Electorate(votes={}, network_arbiter=NodeId("c")).with_votes(votes("a b c"))
    with pytest.raises(NotPossible, match="c is the arbiter"):
        changed(arbitrated, ChangeQuorum(votes=votes("c2")), ALL)


def test_who_is_here_has_to_be_a_quorum_of_both() -> None:
    here = frozenset(map(NodeId, "ab"))
    assert changed(THREE, ChangeQuorum(votes=votes("a3")), here) == electorate("a3 b c")
    with pytest.raises(NotPossible, match="2 of 5 votes"):
        changed(THREE, ChangeQuorum(votes=votes("c3")), here)
    with pytest.raises(NotPossible, match="no quorum"):
        changed(THREE, ChangeQuorum(votes=votes("a9")), frozenset({NodeId("a")}))
    with pytest.raises(NotPossible, match="2 of 5 votes without c, not known yet to have stored its vote: try again"):
        changed(THREE, ChangeQuorum(votes=votes("c3")), here, frozenset({NodeId("c")}))


def test_changes_are_told_in_the_words_of_the_file() -> None:
    assert told_change(THREE, THREE) == ""
    assert told_change(electorate("a b"), electorate("a2 b", LOWEST)) == "a has 2 votes, auto_tie_breaker lowest"
    assert told_change(PAIR, electorate("a")) == "b votes no more, two_node off"


def test_who_was_added_is_a_member_until_it_is_deleted() -> None:
    gone = ElectorateChange(electorate("a b"), "c is gone")
    assert members_of(state(THREE, gone)) == votes("a b c"), "it is configured, and comes back"
    assert members_of(state(THREE, gone, nodes="ab")) == votes("a b")
    grown = ElectorateChange(electorate("a b c d2"), "d stored the log")
    assert members_of(state(THREE, grown)) == votes("a b c d2")


def test_a_forced_electorate_is_not_joint_with_the_one_before() -> None:
    forced = ElectorateChange(electorate("a"), "by force", is_forced=True)
    found = state(THREE, forced)
    assert (found.electorate, found.previous_electorate) == (electorate("a"), electorate("a"))
    assert found.forced == (found.version,)
    assert members_of(found) == votes("a b c")


def test_a_file_that_disagrees() -> None:
    lost = state(THREE, ElectorateChange(electorate("a b"), "c is gone"))
    assert list(disagreements(THREE, lost)) == [], "who is lost for a while is no disagreement"
    told = list(disagreements(electorate("a2 b d", LOWEST), state(THREE)))
    assert told == [
        "hashelld.toml here does not name c, a node of the cluster: it cannot be heard from here",
        "hashelld.toml here gives a 2 votes, in the cluster it has 1",
        "hashelld.toml here names d, which is no node of the cluster (added by: configure node d)",
        "hashelld.toml here says auto_tie_breaker lowest, in the cluster it is off",
    ]


def test_who_is_to_be_added() -> None:
    assert list(awaited(state(THREE, nodes="abcd"))) == [
        "d is configured, and is added once its daemon is heard and has stored the log"
    ]
    assert list(awaited(state(THREE))) == []
