"""Roles of promotable clones: scores, locations and colocations of the role, limits, and who stays promoted."""

from __future__ import annotations

import pytest

from tests.policy.situations import homes, placed, scores


DUMMY = "ocf:heartbeat:Dummy"
BOTH = "active p on n1 n2"


def described(*lines: str, meta: str = "", nodes: str = "n1,n2", head: str = "") -> str:
    return "\n".join(
        [
            f"cluster nodes={nodes} {head}",
            f"  primitive p {DUMMY}",
            f"  clone k p meta promotable=true {meta}",
            *lines,
        ]
    )


def promoted(text: str) -> list[str]:
    """The nodes of promoted instances."""
    return sorted(home[:-1] for home in homes(placed(text)).values() if home.endswith("*"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((BOTH,), []),
        ((BOTH, "attribute n2 master-p=1"), ["n2"]),
        ((BOTH, "attribute n2 master-p=0"), ["n2"]),
        ((BOTH, "attribute n1 master-p=-5", "attribute n2 master-p=-1"), []),
        ((BOTH, "attribute n1 master-p=5", "attribute n2 master-p=inf"), ["n2"]),
        ((BOTH, "attribute n1 master-other=5"), []),
        ((BOTH, "  node n2 attributes master-p=3"), ["n2"]),
        ((BOTH, "  node n2 attributes master-p=3", "attribute n2 master-p=-3"), []),
        (("attribute n2 master-p=5",), ["n2"]),
    ],
)
def test_promotion_scores(lines: tuple[str, ...], expected: list[str]) -> None:
    assert promoted(described(*lines)) == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("l k role=Promoted 1: n2", ["n2"]),
        ("l k role=Promoted 0: n2", []),
        ("l k role=Master 5: n2", ["n2"]),
        ("l p role=Promoted 5: n2", ["n2"]),
        ("l k 5: n2", []),
        ("l k rule role=Promoted 5: #uname eq n2", ["n2"]),
    ],
)
def test_a_location_of_the_role_adds_to_the_score(location: str, expected: list[str]) -> None:
    assert promoted(described(f"  location {location}", BOTH)) == expected


def test_locations_of_the_role_and_scores_are_weighed_together() -> None:
    state = (BOTH, "attribute n1 master-p=10", "attribute n2 master-p=5")
    assert promoted(described("  location l k role=Promoted 4: n2", *state)) == ["n1"]
    assert promoted(described("  location l k role=Promoted 6: n2", *state)) == ["n2"]
    assert promoted(described("  location l k role=Promoted -inf: n1", *state)) == ["n2"]


def test_locations_of_the_clone_count_once_something_can_be_promoted() -> None:
    state = (BOTH, "attribute n1 master-p=10", "attribute n2 master-p=5")
    assert promoted(described("  location l k 6: n2", *state)) == ["n2"]


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ("", ["n1"]),
        ("promoted-max=2", ["n1", "n2"]),
        ("promoted-max=5", ["n1", "n2", "n3"]),
        ("promoted-max=0", []),
        ("master-max=2", ["n1", "n2"]),
        ("target-role=Unpromoted", []),
        ("target-role=Slave", []),
        ("target-role=Promoted", ["n1"]),
        ("target-role=Stopped", []),
    ],
)
def test_limits(meta: str, expected: list[str]) -> None:
    state = ["active p on n1 n2 n3", *(f"attribute n{at} master-p={10 - at}" for at in (1, 2, 3))]
    assert promoted(described(*state, meta=meta, nodes="n1,n2,n3")) == expected


@pytest.mark.parametrize(("most", "expected"), [("1", ["n1"]), ("2", ["n1", "n1"])])
def test_promoted_instances_on_one_node(most: str, expected: list[str]) -> None:
    meta = f"globally-unique=true clone-max=2 clone-node-max=2 promoted-max=2 promoted-node-max={most}"
    state = ("active p:0 on n1", "active p:1 on n1", "attribute n1 master-p:0=5 master-p:1=5")
    assert promoted(described(*state, meta=meta, nodes="n1")) == expected


def test_who_is_promoted_stays_so_where_others_are_as_good() -> None:
    state = ("attribute n1 master-p=5", "attribute n2 master-p=5")
    assert promoted(described("active p on n1", "promoted p on n2", *state)) == ["n2"]
    assert promoted(described("active p on n1 n2", *state)) == ["n1"]


@pytest.mark.parametrize("state", ["node n2 standby", "node n2 leaving", "failures p monitor on n2 count=inf"])
def test_nothing_is_promoted_where_nothing_may_run(state: str) -> None:
    text = described("active p on n1", "promoted p on n2", "attribute n1 master-p=1", "attribute n2 master-p=9", state)
    assert promoted(text) == ["n1"]


def test_what_is_unmanaged_keeps_its_role() -> None:
    state = ("active p on n1", "promoted p on n2", "attribute n1 master-p=9")
    assert promoted(described(*state, meta="is-managed=false")) == ["n2"]


def test_freeze_blocks_new_promotions_only() -> None:
    frozen = "  property no-quorum-policy=freeze"
    state = ("attribute n1 master-p=9", "attribute n2 master-p=5")
    assert promoted(described(frozen, BOTH, *state, head="quorum=no")) == []
    assert promoted(described(frozen, "active p on n1", "promoted p on n2", *state, head="quorum=no")) == ["n2"]


def test_a_promotion_score_draws_an_instance_to_its_node() -> None:
    text = described("attribute n2 master-p=7", meta="clone-max=1", nodes="n1,n2,n3")
    assert homes(placed(text)) == {"p:0": "n2*"}
    assert scores(placed(text), "p:0")["n2"] == 7


def test_a_score_does_not_count_where_the_state_is_unknown_unless_it_is_everywhere() -> None:
    lines = ("unknown p on n3", "attribute n1 master-p=5", "attribute n3 master-p=9")
    text = described("active p on n1", *lines, meta="clone-max=2", nodes="n1,n2,n3")
    assert promoted(text) == ["n1"]
    assert promoted(described(*lines, "unknown p on n1 n2", nodes="n1,n2,n3")) == ["n3"]


def test_the_members_of_a_cloned_group_are_summed_up() -> None:
    text = f"""
cluster nodes=n1,n2
  primitive a {DUMMY}
  primitive b {DUMMY}
  group g a b
  clone k g meta promotable=true
group g on n1 n2
attribute n1 master-a=10
attribute n2 master-a=6 master-b=6
"""
    assert promoted(text) == ["n2", "n2"]


VIP = f"  primitive vip {DUMMY}"
TIED = "  colocation x {}: vip k:Promoted"


@pytest.mark.parametrize(
    ("score", "expected", "home"), [("inf", ["n2"], "n2"), ("1000", ["n1"], "n1"), ("-inf", ["n1"], "n2")]
)
def test_dependents_of_the_role_are_heard(score: str, expected: list[str], home: str) -> None:
    state = (BOTH, "attribute n1 master-p=10", "attribute n2 master-p=5")
    text = described(VIP, TIED.format(score), "  location l vip 100: n2", *state)
    assert promoted(text) == expected
    assert homes(placed(text))["vip"] == home


@pytest.mark.parametrize(
    ("constraint", "home"),
    [
        ("colocation x inf: vip k:Promoted", "n2"),
        ("colocation x inf: vip k:Unpromoted", "n1"),
        ("colocation x -inf: vip k:Promoted", "n1"),
        ("colocation x 10: vip k:Promoted", "n2"),
    ],
)
def test_dependents_follow_the_role(constraint: str, home: str) -> None:
    found = placed(described(VIP, f"  {constraint}", BOTH, "attribute n2 master-p=5"))
    assert homes(found)["vip"] == home


def test_dependents_of_a_role_that_nobody_has_run_nowhere() -> None:
    assert "vip" not in homes(placed(described(VIP, TIED.format("inf"), BOTH)))


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("colocation x inf: k:Promoted vip", ["n2"]),
        ("colocation x 3: k:Promoted vip", ["n1"]),
        ("colocation x 6: k:Promoted vip", ["n2"]),
        ("colocation x -inf: k:Promoted vip", ["n1"]),
    ],
)
def test_the_role_follows_a_primary(constraint: str, expected: list[str]) -> None:
    state = (BOTH, "active vip on n2", "attribute n1 master-p=10", "attribute n2 master-p=5")
    assert promoted(described(VIP, "  location l vip inf: n2", f"  {constraint}", *state)) == expected


def test_two_promoted_roles_go_together() -> None:
    text = described(
        f"  primitive q {DUMMY}",
        "  clone m q meta promotable=true",
        "  colocation x inf: m:Promoted k:Promoted",
        "active p on n1 n2",
        "active q on n1 n2",
        "attribute n1 master-q=50 master-p=1",
        "attribute n2 master-q=1 master-p=5",
    )
    found = {name: home for name, home in homes(placed(text)).items() if home.endswith("*")}
    assert len(found) == 2
    assert len(set(found.values())) == 1
