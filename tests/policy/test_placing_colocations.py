"""Colocations: who is tied to whom, what the dependent follows, what the primary hears."""

from __future__ import annotations

import pytest

from hashelld.model.score import INFINITY
from hashelld.policy.placing.colocating import GROUP_TIE
from hashelld.policy.state.situation import Situation
from tests.policy.situations import homes, placed, scored, scores


DUMMY = "ocf:heartbeat:Dummy"


def described(text: str, nodes: str = "n1,n2", names: str = "abc") -> str:
    primitives = "\n".join(f"  primitive {name} {DUMMY}" for name in names)
    return f"cluster nodes={nodes}\n{primitives}\n{text}"


def ties(found: Situation) -> list[str]:
    """`a with b 100`, by dependents."""
    return [
        f"{tie.dependent.id} with {tie.primary.id} {'inf' if tie.score >= INFINITY else tie.score}"
        for item in found.items
        for tie in item.ties_with
        if tie.id != GROUP_TIE
    ]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("colocation x inf: a b", ["a with b inf"]),
        ("colocation x 0: a b", []),
        ("colocation x 10: a a", []),
        ("colocation x 10: a other", []),
        ("colocation x 10: a b c", ["b with a 10", "c with b 10"]),
        ("colocation x -10: a b c", ["b with a -10", "c with a -10", "c with b -10"]),
        ("colocation x 10: ( a b c )", []),
        ("colocation x 10: ( a b ) c", ["a with c 10", "b with c 10"]),
        ("colocation x 10: a ( b c )", ["a with b 10", "a with c 10"]),
        ("colocation x 10: [ a b sequential=true ] c", ["a with c 10", "b with a 10"]),
        ("colocation x 10: a ( b c sequential=true )", ["a with c 10", "c with b 10"]),
        ("tag t a b\n  colocation x 10: t c", ["a with c 10", "b with c 10"]),
        ("tag t a b\n  colocation x 10: c t", ["c with a 10", "c with b 10"]),
        ("tag t a b\n  tag u c\n  colocation x 10: t u", []),
    ],
)
def test_who_is_tied_to_whom(constraint: str, expected: list[str]) -> None:
    assert ties(scored(described(f"  {constraint}"))) == expected


def test_members_of_a_group_are_tied_one_to_the_other() -> None:
    found = scored(described("  group g a b c"))
    assert [(tie.dependent.id, tie.primary.id, tie.id) for item in found.items for tie in item.ties_with] == [
        ("b", "a", GROUP_TIE),
        ("c", "b", GROUP_TIE),
    ]
    assert ties(scored(described("  group g a b c meta collocated=false"))) == []


def test_what_a_tie_says_besides() -> None:
    found = scored(
        described("  clone k a meta promotable=true\n  colocation x 10: b:Started k:Master node-attribute=rack")
    )
    (tie,) = found.by_id["b"].ties_with
    assert (tie.attribute, tie.dependent_stage.name, tie.primary_stage.name) == ("rack", "UNKNOWN", "PROMOTED")


@pytest.mark.parametrize(
    ("meta", "option", "expected"),
    [
        ("", "", True),
        ("critical=false", "", False),
        ("critical=false", "influence=true", True),
        ("", "influence=false", False),
    ],
)
def test_influence_comes_from_the_constraint_then_from_the_dependent(meta: str, option: str, expected: bool) -> None:
    text = f"  primitive d {DUMMY} meta priority=1 {meta}\n  colocation x inf: d a {option}"
    (tie,) = scored(described(text)).by_id["d"].ties_with
    assert tie.has_influence is expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("inf", {"n1": -INFINITY, "n2": 3}),
        ("10", {"n1": 2, "n2": 13}),
        ("-10", {"n1": 2, "n2": -7}),
        ("-inf", {"n1": 2, "n2": -INFINITY}),
    ],
)
def test_the_dependent_after_its_primary_has_a_node(score: str, expected: dict[str, int]) -> None:
    found = placed(
        described(f"  location l b inf: n2\n  location l1 a 2: n1\n  location l2 a 3: n2\n  colocation x {score}: a b")
    )
    assert found.by_id["b"].home == 1
    assert scores(found, "a") == expected


@pytest.mark.parametrize(("score", "home"), [("inf", None), ("10", "n1"), ("-10", "n1"), ("-inf", "n1")])
def test_the_dependent_of_something_that_runs_nowhere(score: str, home: str | None) -> None:
    text = described(
        f"  location l1 b -inf: n1\n  location l2 b -inf: n2\n  location l3 a 20: n1\n  colocation x {score}: a b"
    )
    assert homes(placed(text)).get("a") == home


def test_what_is_optional_is_given_up_when_it_would_leave_no_node() -> None:
    text = "  location l b inf: n1\n  location l2 a -inf: n2\n  colocation x {}: a b"
    assert homes(placed(described(text.format("-10")))) == {"a": "n1", "b": "n1", "c": "n2"}
    assert homes(placed(described(text.format("-inf")))) == {"b": "n1", "c": "n2"}


@pytest.mark.parametrize(
    ("score", "wish", "heard"),
    [
        ("inf", 100, 100),
        ("500000", 100, 50),
        ("500000", 3, 2),
        ("500000", -3, -2),
        ("10", 5, 1),
        ("-500000", 100, -50),
        ("-inf", 100, -100),
    ],
)
def test_a_primary_hears_its_dependents_wish_in_proportion(score: str, wish: int, heard: int) -> None:
    """Half is rounded away from zero, and nothing is lost by rounding."""
    found = placed(described(f"  location l a {wish}: n2\n  colocation x {score}: a b"))
    assert scores(found, "b") == {"n1": 0, "n2": heard}


@pytest.mark.parametrize(("nodes", "heard"), [("n1,n2", 50), ("n1,n2,n3", 0)])
def test_what_the_one_avoids_attracts_the_other_only_to_make_room(nodes: str, heard: int) -> None:
    """Room is made for a dependent that has no other node."""
    found = placed(described("  location l a -100: n2\n  colocation x -500000: a b", nodes))
    assert scores(found, "b")["n2"] == heard


def test_wishes_pass_along_a_chain_and_weaken() -> None:
    text = "  location l a 100: n2\n  colocation x1 500000: a b\n  colocation x2 500000: b c"
    assert scores(placed(described(text)), "c") == {"n1": 0, "n2": 25}


def test_a_circle_is_heard_once() -> None:
    text = "  location l a 100: n2\n  colocation x1 500000: a b\n  colocation x2 500000: b a"
    found = placed(described(text))
    assert scores(found, "b")["n2"] == 50


def test_without_influence_an_active_primary_hears_nothing() -> None:
    text = "  location l a 100: n2\n  colocation x inf: a b influence={}\n{}"
    active = "active b on n1"
    assert scores(placed(described(text.format("false", active))), "b") == {"n1": 0, "n2": 0}
    assert scores(placed(described(text.format("true", active))), "b") == {"n1": 0, "n2": 100}
    assert scores(placed(described(text.format("false", ""))), "b") == {"n1": 0, "n2": 100}


def test_a_primary_makes_room_for_what_can_run_on_one_node_only() -> None:
    text = "  location l a -inf: n2\n  colocation x -inf: a b\n  location l2 b 5: n1"
    assert homes(placed(described(text))) == {"a": "n1", "b": "n2", "c": "n1"}


def test_a_wish_that_leaves_no_node_is_not_heard() -> None:
    text = "  location l a -inf: n1\n  location l2 b -inf: n2\n  colocation x inf: a b"
    assert homes(placed(described(text))) == {"b": "n1", "c": "n2"}


RACKS = """cluster nodes=n1,n2,n3
  node n1 attributes rack=x
  node n2 attributes rack=y
  node n3 attributes rack=Y"""


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("inf", {"n1": -INFINITY, "n2": 0, "n3": 0}),
        ("10", {"n1": 0, "n2": 10, "n3": 10}),
        ("-inf", {"n1": 0, "n2": -INFINITY, "n3": -INFINITY}),
    ],
)
def test_an_attribute_is_compared_without_regard_to_case(score: str, expected: dict[str, int]) -> None:
    found = placed(f"""
{RACKS}
  primitive a {DUMMY}
  primitive b {DUMMY}
  location l b inf: n2
  colocation x {score}: a b node-attribute=rack
""")
    assert scores(found, "a") == expected


def test_the_best_node_of_a_rack_speaks_for_the_rack() -> None:
    found = placed(f"""
{RACKS}
  primitive a {DUMMY}
  primitive b {DUMMY}
  location l a 7: n3
  colocation x inf: a b node-attribute=rack
""")
    assert scores(found, "b") == {"n1": 0, "n2": 7, "n3": 7}


def test_the_more_important_dependents_are_heard_first() -> None:
    found = placed(f"""
cluster nodes=n1,n2
  primitive base {DUMMY}
  primitive a {DUMMY}
  primitive b {DUMMY} meta priority=10
  location l1 a -inf: n1
  location l2 b -inf: n2
  colocation x1 inf: a base
  colocation x2 inf: b base
""")
    assert homes(found) == {"base": "n1", "b": "n1"}


GROUPED = f"""
cluster nodes=n1,n2
  primitive a {DUMMY}
  primitive b {DUMMY}
  primitive c {DUMMY}
  group g a b
"""


def test_a_group_follows_with_its_first_member() -> None:
    found = placed(f"{GROUPED}  location l c inf: n2\n  colocation k inf: g c")
    assert homes(found) == {"a": "n2", "b": "n2", "c": "n2"}
    assert scores(found, "a") == {"n1": -INFINITY, "n2": 0}


@pytest.mark.parametrize(("score", "home"), [("inf", None), ("10", "n1")])
def test_with_a_group_is_with_its_last_member_if_mandatory_else_with_its_first(score: str, home: str | None) -> None:
    text = GROUPED.replace(f"primitive b {DUMMY}", f"primitive b {DUMMY} meta target-role=Stopped")
    found = placed(f"{text}  location l a inf: n1\n  location l2 c 5: n2\n  colocation k {score}: c g")
    assert homes(found).get("c") == home


def test_a_member_that_is_named_alone_moves_the_whole_group() -> None:
    found = placed(f"{GROUPED}  location l c inf: n2\n  colocation k inf: b c")
    assert homes(found) == {"a": "n2", "b": "n2", "c": "n2"}


CLONED = f"""
cluster nodes=n1,n2,n3
  primitive a {DUMMY}
  primitive b {DUMMY}
  clone k a meta clone-max=2
  location l k -inf: n1
"""


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("inf", {"n1": -INFINITY, "n2": 0, "n3": 0}),
        ("10", {"n1": 0, "n2": 10, "n3": 10}),
        ("-inf", {"n1": 0, "n2": -INFINITY, "n3": -INFINITY}),
    ],
)
def test_with_a_clone_is_with_any_of_its_instances(score: str, expected: dict[str, int]) -> None:
    assert scores(placed(f"{CLONED}  colocation x {score}: b k"), "b") == expected


def test_a_clone_hears_only_wishes_that_leave_its_nodes_open() -> None:
    found = placed(f"{CLONED}  location l2 b -inf: n3\n  colocation x inf: b k")
    assert homes(found) == {"a:0": "n2", "a:1": "n3", "b": "n2"}


def test_interleaved_instances_follow_those_on_their_nodes() -> None:
    text = f"{CLONED}  clone m b meta {{}}\n  colocation x inf: m k"
    found = homes(placed(text.format("interleave=true")))
    assert {name: home for name, home in found.items() if name.startswith("b")} == {"b:0": "n2", "b:1": "n3"}


def test_a_blocked_instance_is_no_company() -> None:
    found = placed(f"{CLONED}  colocation x inf: b k\nactive a on n2 n3\nfailed a stop on n2")
    assert homes(found)["b"] == "n3"
