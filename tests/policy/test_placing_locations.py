"""Scores before any colocation: locations, rules, patterns, sets, discovery, bans, health, stickiness, locks."""

from __future__ import annotations

import pytest

from hashelld.model.ids import NodeId
from hashelld.model.score import INFINITY
from tests.policy.situations import homes, placed, scored, scores


DUMMY = "ocf:heartbeat:Dummy"
ONE = f"cluster nodes=n1,n2\n  primitive a {DUMMY}"
FOUR = "\n".join([*(f"  primitive {name} {DUMMY}" for name in "abcd"), "  group g b c", "  clone k d"])


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("l a 100: n2", {"n1": 0, "n2": 100}),
        ("l a inf: n2", {"n1": 0, "n2": INFINITY}),
        ("l a -inf: n2", {"n1": 0, "n2": -INFINITY}),
        ("l a 2000000: n2", {"n1": 0, "n2": INFINITY}),
        ("l a rule 5: #uname eq n1 or #uname eq n2", {"n1": 5, "n2": 5}),
        ("l a rule 5: #uname eq n1 rule 7: #uname eq n2", {"n1": 5, "n2": 7}),
        ("l a rule -inf: not_defined rack", {"n1": 0, "n2": -INFINITY}),
        ("l a rule load: defined load", {"n1": 30, "n2": 0}),
        ("l a rule load: #uname eq n2", {"n1": 0, "n2": -INFINITY}),
        ("l a role=Promoted 100: n2", {"n1": 0, "n2": 0}),
        ("l a role=Started 100: n2", {"n1": 0, "n2": 100}),
        ("l a role=Stopped 100: n2", {"n1": 0, "n2": 0}),
        ("l other 100: n2", {"n1": 0, "n2": 0}),
        ("l a 100: n9", {"n1": 0, "n2": 0}),
    ],
)
def test_one_location(location: str, expected: dict[str, int]) -> None:
    found = scored(f"{ONE}\n  primitive other {DUMMY}\n  location {location}\nattribute n1 rack=x load=30")
    assert scores(found, "a") == expected


def test_locations_add_up_and_minus_infinity_wins() -> None:
    text = f"{ONE}\n  location l1 a 100: n1\n  location l2 a 20: n1\n  location l3 a inf: n2\n  location l4 a -inf: n2"
    assert scores(scored(text), "a") == {"n1": 120, "n2": -INFINITY}


def test_in_an_asymmetric_cluster_a_location_opens_a_node() -> None:
    found = scored(f"{ONE}\n  property symmetric-cluster=false\n  location l a 0: n2")
    assert scores(found, "a") == {"n2": 0}


@pytest.mark.parametrize(
    ("subject", "preferred"),
    [
        ("a", ["a"]),
        ("g", ["b"]),
        ("c", ["c"]),
        ("k", ["d:0", "d:1"]),
        ("d", ["d:0", "d:1"]),
        ("{ a c }", ["a", "c"]),
        ("/^[ab]$/", ["a"]),
        ("/g|k/", ["b", "d:0", "d:1"]),
        ("/[/", []),
        ("t", ["a", "c"]),
        ("m", ["e"]),
    ],
)
def test_whom_a_location_concerns(subject: str, preferred: list[str]) -> None:
    found = scored(f"""
cluster nodes=n1,n2
{FOUR}
  rsc_template m {DUMMY}
  primitive e @m
  tag t a c
  location l {subject} 100: n2
""")
    assert [item.id for item in found.primitives() if item.table.score(1) == 100] == preferred


def test_all_members_know_the_nodes_of_a_group_and_only_the_first_the_scores() -> None:
    found = scored(f"cluster nodes=n1,n2\n{FOUR}\n  property symmetric-cluster=false\n  location l g 100: n2")
    assert [scores(found, name) for name in ("g", "b", "c")] == [{"n2": 100}, {"n2": 100}, {"n2": 0}]


def test_members_that_need_not_be_together_all_get_the_score() -> None:
    found = scored(f"cluster nodes=n1,n2\n{FOUR} \n  group h a meta collocated=false\n  location l h 100: n2")
    assert scores(found, "a") == {"n1": 0, "n2": 100}


def test_parts_of_a_pattern_are_used_in_rules() -> None:
    found = scored(f"""
cluster nodes=n1,n2
  primitive db-x {DUMMY}
  primitive db-y {DUMMY}
  location l /^db-(.)$/ rule 10: %1 eq yes rule score-%1: defined score-%1
attribute n1 x=yes score-y=5
attribute n2 y=yes
""")
    assert scores(found, "db-x") == {"n1": 10, "n2": 0}
    assert scores(found, "db-y") == {"n1": 5, "n2": 10}


def test_a_rule_may_compare_with_parameters_of_the_resource() -> None:
    rule = "location l a rule 10: rack eq param{where}"
    found = scored(f"cluster nodes=n1,n2\n  primitive a {DUMMY} params where=x\n  {rule}\nattribute n2 rack=x")
    assert scores(found, "a") == {"n1": 0, "n2": 10}


@pytest.mark.parametrize(("now", "score"), [("2026-11-23T10:00:00", 10), ("2026-11-24T10:00:00", 0)])
def test_dates_are_judged_by_the_moment_of_the_view(now: str, score: int) -> None:
    text = f"cluster nodes=n1 now={now}\n  primitive a {DUMMY}\n  location l a rule 10: date spec weekdays=1"
    assert scores(scored(text), "a") == {"n1": score}


def test_the_strictest_word_of_several_locations_decides_on_discovery() -> None:
    found = scored(f"""
{ONE}
  location l1 a resource-discovery=never -inf: n1
  location l2 a resource-discovery=always 5: n1
""")
    assert found.by_id["a"].discovery == {0: "never"}


def test_exclusive_discovery_closes_all_other_nodes() -> None:
    found = scored(f"{ONE}\n  location l1 a resource-discovery=exclusive 5: n2\n  location l2 a inf: n1")
    assert scores(found, "a") == {"n1": -INFINITY, "n2": 5}
    assert found.by_id["a"].is_exclusive


def test_a_failure_too_many_bans_an_anonymous_instance_with_its_clone() -> None:
    found = scored(f"""
cluster nodes=n1,n2
  primitive a {DUMMY} meta migration-threshold=2
  clone c a
failures a monitor on n1 count=2
failures a monitor on n2 count=1
""")
    for name in ("c", "a:0", "a:1"):
        assert scores(found, name) == {"n1": -INFINITY, "n2": 0}


def test_a_failure_too_many_bans_one_unique_instance() -> None:
    found = scored(f"""
cluster nodes=n1,n2
  primitive a {DUMMY} meta migration-threshold=2
  clone c a meta globally-unique=true
failures a:1 monitor on n1 count=2
""")
    assert scores(found, "a:0") == {"n1": 0, "n2": 0}
    assert scores(found, "a:1") == {"n1": -INFINITY, "n2": 0}


@pytest.mark.parametrize(
    ("meta", "state", "expected"),
    [
        ("resource-stickiness=50", "active a on n1", {"n1": 50, "n2": 0}),
        ("resource-stickiness=50", "active a on n1 n2", {"n1": 0, "n2": 0}),
        ("resource-stickiness=50", "", {"n1": 0, "n2": 0}),
        ("resource-stickiness=-5", "active a on n1", {"n1": 0, "n2": 0}),
        ("resource-stickiness=50 is-managed=false", "active a on n1", {"n1": INFINITY, "n2": 0}),
    ],
)
def test_stickiness(meta: str, state: str, expected: dict[str, int]) -> None:
    assert scores(scored(f"cluster nodes=n1,n2\n  primitive a {DUMMY} meta {meta}\n{state}"), "a") == expected


def test_in_an_asymmetric_cluster_stickiness_opens_no_node() -> None:
    text = f"{ONE} meta resource-stickiness=5\n  property symmetric-cluster=false\n  location l a 1: n2\nactive a on n1"
    assert scores(scored(text), "a") == {"n2": 1}


@pytest.mark.parametrize(
    ("options", "value", "score"),
    [
        ("", "red", 0),
        ("node-health-strategy=migrate-on-red", "red", -INFINITY),
        ("node-health-strategy=migrate-on-red", "yellow", 0),
        ("node-health-strategy=only-green", "yellow", -INFINITY),
        ("node-health-strategy=only-green", "green", 0),
        ("node-health-strategy=custom", "-7", -7),
        ("node-health-strategy=progressive node-health-yellow=-5 node-health-base=3", "yellow", -2),
        ("node-health-strategy=progressive node-health-green=4", "green", 4),
        ("node-health-strategy=progressive", "12", 12),
    ],
)
def test_health(options: str, value: str, score: int) -> None:
    found = scored(f"{ONE}\n  property cluster-name=x {options}\nattribute n1 #health-disk={value}")
    assert scores(found, "a")["n1"] == score


def test_resources_may_put_up_with_bad_health() -> None:
    text = f"{ONE} meta allow-unhealthy-nodes=true\n  property node-health-strategy=custom\nattribute n1 #health=-9"
    assert scores(scored(text), "a")["n1"] == 0
    assert scores(scored(text.replace("-9", "9")), "a")["n1"] == 9


LOCKS = f"{ONE}\n  property shutdown-lock=true"


def test_a_lock_leaves_one_node() -> None:
    assert scores(scored(f"{LOCKS}\nnode n2 offline\nlock a on n2"), "a") == {"n1": -INFINITY, "n2": 0}
    assert scores(scored(f"{ONE}\nnode n2 offline\nlock a on n2"), "a") == {"n1": 0, "n2": 0}


def test_a_lock_ends_with_its_limit_and_where_the_resource_is_active() -> None:
    limited = f"{LOCKS} shutdown-lock-limit=10min\nnode n2 offline\nlock a on n2 ago="
    assert homes(placed(f"{limited}9min")) == {}
    assert homes(placed(f"{limited}11min")) == {"a": "n1"}
    assert homes(placed(f"{LOCKS}\nactive a on n1\nnode n2 offline\nlock a on n2")) == {"a": "n1"}


def test_devices_and_connections_stay_off_remote_nodes() -> None:
    found = scored(
        f"cluster nodes=n1 remote=far fencing=yes\n  primitive far ocf:pacemaker:remote\n  primitive a {DUMMY}"
    )
    far = found.node_by_id[NodeId("far")]
    assert [found.by_id[name].table.score(far) for name in ("fencer", "far", "a")] == [-INFINITY, -INFINITY, 0]


def test_the_nodes_of_a_bundle_are_for_its_child_alone() -> None:
    found = scored(f"""
cluster nodes=n1 remote=b-0
  primitive web {DUMMY}
  primitive a {DUMMY}
  bundle b podman image=x network ip-range-start=10.0.0.5 primitive web
""")
    inside = found.node_by_id[NodeId("b-0")]
    assert found.by_id["a"].table.score(inside) == -INFINITY
    assert found.by_id["web:0"].table.score(inside) == 0
