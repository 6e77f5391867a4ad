"""Tables of scores: default and entries, what is not allowed, and how scores are added."""

from __future__ import annotations

import pytest

from hashelld.model.score import INFINITY
from hashelld.policy.state.table import Table


def test_nodes_without_an_entry_have_the_default() -> None:
    table = Table(5, {1: 7})
    assert [table.score(node) for node in range(3)] == [5, 7, 5]
    assert all(table.allows(node) for node in range(3))


def test_without_a_default_only_the_nodes_with_an_entry_are_allowed() -> None:
    table = Table(None, {1: 7})
    assert [table.score(node) for node in range(3)] == [-INFINITY, 7, -INFINITY]
    assert list(table.allowed(3)) == [1]


def test_a_preference_opens_a_node_and_a_contribution_does_not() -> None:
    table = Table(None)
    table.shift(0, 5)
    assert not table.allows(0)
    table.prefer(0, 5)
    table.shift(0, 2)
    assert table.score(0) == 7


@pytest.mark.parametrize(
    ("scores", "total"),
    [
        ((5, -7), -2),
        ((INFINITY, -5), INFINITY),
        ((INFINITY, -INFINITY), -INFINITY),
        ((-INFINITY, INFINITY), -INFINITY),
        ((INFINITY - 1, INFINITY - 1), INFINITY),
    ],
)
def test_scores_are_added_with_minus_infinity_first(scores: tuple[int, ...], total: int) -> None:
    table = Table(0)
    for score in scores:
        table.prefer(0, score)
    assert table.score(0) == total


def test_all_allowed_nodes_can_be_shifted_and_banned() -> None:
    table = Table(1, {2: 5})
    table.shift_all(3)
    assert [table.score(node) for node in range(3)] == [4, 4, 8]
    table.ban()
    assert [table.score(node) for node in range(3)] == [-INFINITY] * 3
    assert table.allows(0)
    closed = Table(None, {1: 5})
    closed.shift_all(3)
    assert (closed.score(1), closed.allows(0)) == (8, False)


def test_only_some_nodes_are_kept() -> None:
    table = Table(1, {2: 5})
    table.keep_only([2])
    assert list(table.allowed(3)) == [2]


def test_a_copy_is_independent() -> None:
    table = Table(0, {1: 1})
    other = table.copy()
    other.set(1, 9)
    other.shift_all(1)
    assert (table.score(0), table.score(1)) == (0, 1)
