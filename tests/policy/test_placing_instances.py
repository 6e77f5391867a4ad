"""Clones: which instances run, in which order they are placed, and that none moves without need."""

from __future__ import annotations

import pytest

from hashelld.policy.placing.assign import Placer
from hashelld.policy.placing.colocation import Colocations
from hashelld.policy.placing.instance_order import instance_order, number_of
from tests.policy.situations import homes, placed, scored


DUMMY = "ocf:heartbeat:Dummy"


def described(meta: str, *rest: str, nodes: str = "n1,n2,n3") -> str:
    return "\n".join([f"cluster nodes={nodes}", f"  primitive a {DUMMY}", f"  clone k a meta {meta}", *rest])


def ordered(text: str) -> list[str]:
    """The instances of the clone, in the order in which they are placed."""
    found = scored(text)
    clone = found.by_id["k"]
    return [item.id for item in sorted(clone.children, key=instance_order(Placer(found, Colocations(found))))]


def where(text: str) -> list[str]:
    """The nodes that instances of the clone go to."""
    return sorted(home for name, home in homes(placed(text)).items() if name.startswith("a:"))


def test_active_instances_come_first() -> None:
    assert ordered(described("clone-max=3", "active a on n3")) == ["a:0", "a:1", "a:2"]
    unique = described("globally-unique=true clone-max=3", "active a:2 on n1")
    assert ordered(unique) == ["a:2", "a:0", "a:1"]


@pytest.mark.parametrize(
    "state",
    [
        "active a:0 on n1\nactive a:1 on n2\nnode n1 standby",
        "active a:0 on n1 n3\nactive a:1 on n2",
        "active a:0 on n1\nactive a:1 on n2\nfailed a:0 monitor on n1",
        "active a:0 on n1\nactive a:1 on n2\n  location l k -inf: n1",
        "active a:0 on n1\nactive a:1 on n2\nfailures a:0 monitor on n1 count=inf",
    ],
)
def test_the_instance_whose_place_is_safe_comes_first(state: str) -> None:
    assert ordered(described("globally-unique=true clone-max=2", state))[0] == "a:1"


def test_colocations_of_the_clone_rank_the_nodes_of_its_instances() -> None:
    text = described(
        "globally-unique=true clone-max=2",
        f"  primitive b {DUMMY}",
        "  location l b 100: n2",
        "  colocation x 500000: b k",
        "active a:0 on n1",
        "active a:1 on n2",
    )
    assert ordered(text) == ["a:1", "a:0"]


def test_numbers_are_at_the_end_of_names() -> None:
    found = scored(described("clone-max=11"))
    assert [number_of(item) for item in found.by_id["k"].children] == list(range(11))


def test_one_instance_a_node_up_to_the_maximum() -> None:
    assert where(described("interleave=true")) == ["n1", "n2", "n3"]
    assert where(described("clone-max=2")) == ["n1", "n2"]
    assert where(described("clone-max=5")) == ["n1", "n2", "n3"]
    assert where(described("clone-max=0", "active a on n1")) == []


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ("clone-max=4", ["n1", "n2"]),
        ("clone-max=4 clone-node-max=2", ["n1", "n1", "n2", "n2"]),
        ("clone-max=5 clone-node-max=2", ["n1", "n1", "n2", "n2"]),
        ("clone-max=3 clone-node-max=3", ["n1", "n1", "n2"]),
    ],
)
def test_unique_instances_share_nodes_as_far_as_they_may(meta: str, expected: list[str]) -> None:
    assert where(described(f"globally-unique=true {meta}", nodes="n1,n2")) == expected


def test_instances_stay_where_they_are() -> None:
    assert where(described("clone-max=2", "active a on n2 n3")) == ["n2", "n3"]
    assert where(described("clone-max=2", "  location l k 1: n1", "active a on n2 n3")) == ["n2", "n3"]


def test_a_stronger_wish_moves_one_of_them() -> None:
    assert where(described("clone-max=2", "  location l k 100: n1", "active a on n2 n3")) == ["n1", "n2"]


def test_without_stickiness_instances_move_to_balance() -> None:
    crowded = "globally-unique=true clone-max=2 clone-node-max=2"
    state = "active a:0 on n1\nactive a:1 on n1"
    assert where(described(crowded, state, nodes="n1,n2")) == ["n1", "n1"]
    assert where(described(f"{crowded} resource-stickiness=0", state, nodes="n1,n2")) == ["n1", "n2"]


def test_more_unique_instances_than_the_average_keep_their_node_only_if_it_is_best() -> None:
    crowded = "globally-unique=true clone-max=2 clone-node-max=2"
    state = "active a:0 on n1\nactive a:1 on n1"
    assert where(described(crowded, "  location l k 100: n1", state, nodes="n1,n2")) == ["n1", "n1"]


def test_surplus_instances_get_no_node() -> None:
    assert where(described("clone-max=1", "active a on n1 n2 n3")) == ["n1"]


def test_unmanaged_instances_keep_theirs_whatever_the_maximum() -> None:
    text = described("clone-max=1 is-managed=false", "active a on n2 n3")
    assert where(text) == ["n2", "n3"]


def test_a_node_that_bans_the_clone_gets_none() -> None:
    assert where(described("clone-max=3", "  location l k -inf: n2")) == ["n1", "n3"]
    assert where(described("clone-max=3", "  location l k 5: n2", "  property symmetric-cluster=false")) == ["n2"]


def test_groups_as_instances_are_placed_whole() -> None:
    found = placed(f"""
cluster nodes=n1,n2
  primitive a {DUMMY}
  primitive b {DUMMY}
  group g a b
  clone k g
active b on n2
failures b monitor on n1 count=inf
""")
    assert homes(found) == {"a:0": "n2", "b:0": "n2"}


def test_a_cloned_group_counts_stickiness_of_all_its_members() -> None:
    text = f"""
cluster nodes=n1,n2,n3
  primitive a {DUMMY}
  primitive b {DUMMY}
  group g a b
  clone k g meta clone-max=1
  location l k {{}}: n3
group g on n1
"""
    assert homes(placed(text.format(2))) == {"a:0": "n1", "b:0": "n1"}
    assert homes(placed(text.format(3))) == {"a:0": "n3", "b:0": "n3"}
