"""Capacity: who fits where, who comes first, and which node is chosen among those with room."""

from __future__ import annotations

import pytest

from hashelld.model.score import INFINITY
from tests.policy.situations import homes, placed, scores


DUMMY = "ocf:heartbeat:Dummy"


def described(capacity: dict[str, str], needs: dict[str, str], strategy: str, rest: str = "") -> str:
    """Nodes with capacities, resources with needs (and options after them)."""
    lines = [f"cluster nodes={','.join(capacity)}"]
    lines += [f"  node {name} utilization {text}" for name, text in capacity.items()]
    lines += [f"  primitive {name} {DUMMY} utilization {text}" for name, text in needs.items()]
    return "\n".join([*lines, f"  property placement-strategy={strategy}", rest])


TWO = {"n1": "cpu=4", "n2": "cpu=8"}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("default", {"a": "n1", "b": "n2", "c": "n1"}),
        ("utilization", {"a": "n1", "b": "n2", "c": "n2"}),
        ("balanced", {"a": "n2", "b": "n2", "c": "n1"}),
        ("minimal", {"a": "n1", "b": "n2", "c": "n2"}),
    ],
)
def test_strategies(strategy: str, expected: dict[str, str]) -> None:
    assert homes(placed(described(TWO, dict.fromkeys("abc", "cpu=3"), strategy))) == expected


def test_a_node_is_banned_that_has_too_little_of_anything() -> None:
    capacity = {"n1": "cpu=8 ram=10", "n2": "cpu=2 ram=30", "n3": "ram=90"}
    found = placed(described(capacity, {"a": "cpu=2 ram=20"}, "utilization"))
    assert scores(found, "a") == {"n1": -INFINITY, "n2": 0, "n3": -INFINITY}


def test_what_is_placed_takes_its_share_and_what_is_stopped_does_not() -> None:
    needs = {"a": "cpu=3", "b": "cpu=3 meta target-role=Stopped", "c": "cpu=1"}
    found = placed(described({"n1": "cpu=4"}, needs, "utilization"))
    assert homes(found) == {"a": "n1", "c": "n1"}
    assert found.nodes[0].utilization == {"cpu": 0}


def test_what_has_no_room_runs_nowhere() -> None:
    assert homes(placed(described({"n1": "cpu=4"}, {"a": "cpu=3", "b": "cpu=3"}, "utilization"))) == {"a": "n1"}


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("cpu=3 meta priority=1", ""),
        ("cpu=3 meta resource-stickiness=1", "active b on n1"),
        ("cpu=3", "  location l b 5: n1"),
    ],
)
def test_who_comes_first(first: str, rest: str) -> None:
    found = placed(described({"n1": "cpu=4"}, {"a": "cpu=3", "b": first}, "utilization", rest))
    assert homes(found) == {"b": "n1"}


@pytest.mark.parametrize(
    "together",
    [
        "  group g a b",
        "  colocation x inf: b a",
        "  colocation x inf: a b",
        "  primitive m ocf:heartbeat:Dummy\n  colocation x inf: b m\n  colocation y inf: m a",
    ],
)
def test_what_must_be_together_needs_room_for_all(together: str) -> None:
    found = placed(described({"n1": "cpu=4", "n2": "cpu=6"}, {"a": "cpu=3", "b": "cpu=3"}, "utilization", together))
    assert {homes(found)[name] for name in "ab"} == {"n2"}


def test_where_there_is_no_room_for_all_the_roomiest_node_is_taken() -> None:
    capacity = {"n1": "cpu=3", "n2": "cpu=5"}
    found = placed(described(capacity, {"a": "cpu=3", "b": "cpu=3"}, "utilization", "  colocation x inf: b a"))
    assert homes(found) == {"a": "n2"}


def test_an_optional_companion_needs_no_room() -> None:
    capacity = {"n1": "cpu=4", "n2": "cpu=6"}
    rest = "  colocation x 100: b a\n  location l a 5: n1"
    found = placed(described(capacity, {"a": "cpu=3", "b": "cpu=3"}, "utilization", rest))
    assert homes(found) == {"a": "n1", "b": "n2"}


def test_of_a_clone_one_instance_counts() -> None:
    rest = "  clone k a\n  colocation x inf: b k"
    found = placed(described({"n1": "cpu=4", "n2": "cpu=6"}, {"a": "cpu=3", "b": "cpu=3"}, "utilization", rest))
    assert homes(found)["b"] == "n2"


def test_what_is_no_whole_number_counts_as_none() -> None:
    assert homes(placed(described({"n1": "cpu=x"}, {"a": "cpu=1"}, "utilization"))) == {}
    assert homes(placed(described({"n1": "cpu=1"}, {"a": "cpu=x"}, "utilization"))) == {"a": "n1"}
