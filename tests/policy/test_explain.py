"""Explanations: the summary is the shortest true reason, the scores say where it comes from."""

from __future__ import annotations

import pytest

from hashelld.model.ids import ResourceId
from hashelld.model.score import INFINITY
from hashelld.policy.explain import Explanation, explain
from tests.build import cluster


WEB = "  primitive web ocf:heartbeat:apache op monitor interval=10s"


def why(resource: str, *lines: str, first: str = "cluster nodes=n1,n2") -> Explanation:
    return explain(cluster("\n".join([first, WEB, *lines])), ResourceId(resource))


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        (["active web on n1"], "runs on n1: no other node is better"),
        (["active web on n1", "node n2 offline"], "runs on n1: no other node is usable"),
        (["  location l web 100: n1", "active web on n1"], "runs on n1: prefers n1 (100 > 0)"),
        (["  location l web 100: n2", "active web on n1"], "moves to n2: prefers n2 (100 > 0)"),
        (["  location l web 100: n2"], "starts on n2: prefers n2 (100 > 0)"),
        (["active web on n1", "node n1 standby"], "moves to n2: n1 in standby"),
        (["active web on n1", "node n1 leaving"], "moves to n2: n1 is leaving"),
        (["active web on n1", "failed web monitor on n1 rc=7"], "restarts on n1: monitor failed on n1: not running"),
        (["node n1 standby", "node n2 offline"], "stopped: n1 in standby; n2 is offline"),
        (["  property stop-all-resources=true", "active web on n1"], "stops on n1: stop-all-resources is set"),
        (["  property maintenance-mode=true", "active web on n1"], "stays on n1: maintenance-mode is set"),
        (["pending web start on n2"], "start is under way on n2"),
        (["active old on n1"], "runs on n1: no other node is better"),
    ],
)
def test_summary(lines: list[str], summary: str):
    if lines == ["active old on n1"]:
        assert why("old", *lines).summary == "stops on n1: not configured any more"
    else:
        assert why("web", *lines).summary == summary


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["active web on n1"], {"n1": "", "n2": "no other node is better"}),
        (["  location l web 100: n2"], {"n1": "prefers n2 (100 > 0)", "n2": ""}),
        (["  location l web -inf: n2", "active web on n1"], {"n1": "", "n2": "location l forbids n2"}),
        (["active web on n1", "node n2 standby"], {"n1": "", "n2": "n2 in standby"}),
        (
            ["active web on n1", "failures web monitor on n2 count=3", "  rsc_defaults migration-threshold=3"],
            {"n1": "", "n2": "3 failures on n2, threshold 3"},
        ),
        (["  property stop-all-resources=true"], {"n1": "", "n2": ""}),
    ],
)
def test_why_it_is_not_on_a_node(lines: list[str], told: dict[str, str]):
    assert {score.node: score.why_not for score in why("web", *lines).scores} == told


@pytest.mark.parametrize(
    ("first", "lines", "summary"),
    [
        ("cluster nodes=n1,n2 quorum=no", [], "stopped: cannot start on n1: no quorum"),
        ("cluster nodes=n1,n2 quorum=no", ["active web on n1"], "stops: cannot start on n1: no quorum"),
        (
            "cluster nodes=n1,n2 may-start=no",
            [],
            "stopped: starts are on hold until every node has joined or is known to be off",
        ),
        (
            "cluster nodes=n1",
            ["  property stonith-enabled=true"],
            "stopped: no fencing device is configured and stonith-enabled is true",
        ),
        ("cluster nodes=n1", ["failed web stop on n1 rc=1"], "blocked: stop failed on n1: error"),
    ],
)
def test_summary_of_what_cannot_be(first: str, lines: list[str], summary: str):
    assert why("web", *lines, first=first).summary == summary


def test_scores_add_up_and_are_sorted():
    found = why(
        "web",
        "  location l1 web 100: n2",
        "  rsc_defaults resource-stickiness=60",
        "active web on n1",
        "failures web monitor on n1 count=1",
    )
    assert [(score.node, score.total) for score in found.scores] == [("n2", 100), ("n1", 60)]
    assert [(c.source, c.score) for c in found.scores[0].contributions] == [("location l1", 100)]
    assert [(c.source, c.score) for c in found.scores[1].contributions] == [("stickiness", 60)]
    assert (found.running_on, found.planned_on) == (("n1",), ("n2",))


def test_failures_and_their_threshold_are_named():
    found = why("web", "  rsc_defaults migration-threshold=3", "failures web monitor on n1 count=3")
    assert found.scores[-1].node == "n1"
    assert found.scores[-1].total == -INFINITY
    assert [c.source for c in found.scores[-1].contributions] == ["3 failures on n1, threshold 3"]


def test_an_unusable_node_has_no_chance():
    found = why("web", "  location l web inf: n1", "node n1 standby")
    assert found.scores[-1].total == -INFINITY
    assert [c.source for c in found.scores[-1].contributions] == ["location l", "n1 in standby"]


def test_company():
    found = why("web", "  primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9", "  colocation c inf: web vip")
    assert found.summary == "starts on n1: with vip"
    assert ("only with vip", -INFINITY) in [(c.source, c.score) for c in found.scores[-1].contributions]


def test_a_group_is_explained_by_its_first_member():
    found = why(
        "g",
        "  primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9",
        "  group g vip web",
        "  location l g 100: n2",
        "group g on n1",
    )
    assert found.summary == "moves to n2: prefers n2 (100 > 0)"
    assert (found.running_on, found.planned_on) == (("n1",), ("n2",))


def test_an_unknown_resource():
    assert why("nix").summary == "there is no resource 'nix'"
    assert why("nix").scores == ()


VIP = "  primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9"


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        (["node n1 standby", "node n2 standby"], "stopped: n1, n2 in standby"),
        (["node n1 offline", "node n2 offline"], "stopped: n1, n2 are offline"),
        (
            ["  location no web -inf: n1", "node n2 standby"],
            "stopped: location no forbids n1; n2 in standby",
        ),
        (
            ["  location a web -inf: n1", "  location b web -inf: n2"],
            "stopped: location a forbids n1; location b forbids n2",
        ),
        (["  property symmetric-cluster=false"], "stopped: no location allows it"),
        (["  location no web -5: n1", "node n2 standby"], "stopped: location no gives n1 -5; n2 in standby"),
        ([VIP, "  colocation c inf: web vip", "  location v vip -inf: n1", "node n2 standby"],
         "stopped: vip runs nowhere (location v forbids n1; n2 in standby)"),
        ([VIP.replace("params", "meta target-role=Stopped params"), "  order o vip web"],
         "stopped: cannot start on n1: waits for vip: target-role is Stopped"),
        (["  rsc_defaults migration-threshold=1", *(f"failures web monitor on {n} count=1" for n in ("n1", "n2"))],
         "stopped: 1 failure on n1, n2, threshold 1"),
        (["  rsc_ticket t T: web"], "stopped: ticket T is not granted"),
    ],
)  # fmt: skip
def test_why_nothing_can_run_it(lines: list[str], summary: str):
    assert why("web", *lines).summary == summary


def test_failures_that_do_not_count_yet_are_noted():
    found = why("web", "  rsc_defaults migration-threshold=3", "active web on n1", "failures web monitor on n1 count=2")
    assert {score.node: score.note for score in found.scores} == {"n1": "2 failures, threshold 3", "n2": ""}


def test_what_stops_a_group_in_the_middle_is_told():
    found = why("g", VIP, "  group g vip web", "active vip on n1", "failed web stop on n1 rc=1")
    own, _but, others = found.summary.partition("; but ")
    assert own == "stays on n1: cannot stop: waits for web: stop failed on n1: error"
    assert others == "web blocked: stop failed on n1: error"
    assert [part.resource for part in found.parts] == ["vip", "web"]


CLONE = ("  clone webs web",)
PROMOTABLE = ("  clone webs web meta promotable=true", "active web on n1 n2")


def test_a_clone_tells_how_many_run_and_what_keeps_the_others():
    found = why("webs", *CLONE, "node n2 standby")
    assert found.summary == "1 of 2 instances run; n2 in standby"
    assert [(part.resource, part.node) for part in found.parts if part.node] == [("web", "n1")]
    assert why("web", *CLONE).summary == "2 of 2 instances run"


def test_a_clone_that_needs_no_more_does_not_complain():
    found = why("webs", "  clone webs web meta clone-max=1")
    assert found.summary == "1 of 1 instances run"
    assert [part.node for part in found.parts] == ["n1"]


@pytest.mark.parametrize(
    ("lines", "summary", "first", "rest"),
    [
        (
            ["attribute n2 master-web=10"],
            "2 of 2 instances run, promoted on n2",
            ("n2", 10, "node attribute master-web"),
            ("n1", -1, "no promotion score set by the agent"),
        ),
        (
            [],
            "2 of 2 instances run, none promoted: no node has a promotion score",
            ("n1", -1, "no promotion score set by the agent"),
            ("n2", -1, "no promotion score set by the agent"),
        ),
    ],
)
def test_promotion(lines: list[str], summary: str, first: tuple[object, ...], rest: tuple[object, ...]):
    found = why("webs", *PROMOTABLE, *lines)
    assert found.summary == summary
    assert [(s.node, s.total, s.contributions[0].source) for s in found.promotion] == [first, rest]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["  rsc_ticket t T: webs:Promoted loss-policy=demote"], "ticket T is not granted"),
        (["  rsc_defaults target-role=Unpromoted"], "target-role is Unpromoted"),
    ],
)
def test_why_none_is_promoted(lines: list[str], reason: str):
    found = why("webs", *PROMOTABLE, "attribute n2 master-web=10", *lines)
    assert found.summary == f"2 of 2 instances run, none promoted: {reason}"


def test_instances_tell_their_role():
    found = why("webs", *PROMOTABLE, "attribute n2 master-web=10", "did web promote on n1")
    told = {part.node: (part.now_role, part.role, part.summary) for part in found.parts}
    assert told["n1"][:2] == ("Promoted", "Unpromoted")
    assert told["n1"][2] == "is demoted on n1: web on n2 is promoted instead"
    assert told["n2"][2].startswith("is promoted on n2: ")


def test_numbers_of_anonymous_instances_are_not_told():
    found = why("ips", VIP, *CLONE, "  clone ips vip", "  colocation c 10: ips webs", "active web on n1 n2")
    assert not any(":" in part.summary.partition(": ")[2] for part in found.parts)
    assert not any(":" in c.source for score in found.scores for c in score.contributions)


def test_what_cannot_start_is_not_said_to_run():
    found = why("webs", *CLONE, first="cluster nodes=n1,n2 quorum=no")
    assert found.summary == "stopped: cannot start on n1: no quorum"
    assert found.planned_on == ()
    assert {part.role for part in found.parts} == {"Stopped"}


def test_instances_that_are_no_different_are_told_once():
    found = why("webs", "  clone webs web meta clone-max=3", "node n2 standby")
    assert [(part.node, part.summary) for part in found.parts] == [
        ("n1", "starts on n1: is not running"),
        (None, "stopped: n2 in standby"),
    ]


BUNDLE = """\
cluster nodes=n1,n2 remote=db-0,db-1
  primitive pg ocf:heartbeat:pgsql
  primitive other ocf:heartbeat:Dummy
  bundle db podman image=db replicas=2 promoted-max=1 network ip-range-start=10.0.0.5 primitive pg
active db-podman-0 on n1
active db-ip-10.0.0.5 on n1
active db-0 on n1
active db-podman-1 on n2
active db-ip-10.0.0.6 on n2
active db-1 on n2
active pg on db-0 db-1
attribute db-1 master-pg=10
"""


def test_a_bundle_tells_the_roles_inside_it():
    found = explain(cluster(BUNDLE), ResourceId("db"))
    assert found.summary == "2 of 2 instances run, promoted on db-1"
    assert [(score.node, score.total) for score in found.promotion] == [("db-1", 10), ("db-0", -1)]


@pytest.mark.parametrize("resource", ["db", "other", "db-0"])
def test_nothing_is_said_of_nodes_that_are_out_of_the_question(resource: str):
    found = explain(cluster(BUNDLE), ResourceId(resource))
    assert {score.node for score in found.scores} == {"n1", "n2"}


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        (["  rsc_defaults is-managed=false", "active web on n1"], "stays on n1: it is not managed"),
        (["  rsc_defaults is-managed=false target-role=Stopped"], "stopped: target-role is Stopped"),
        (["active web on n1", "node n1 maintenance"], "stays on n1: n1 is in maintenance"),
        (["  location l web -inf: n2", "active web on n1"], "runs on n1: no other node may run it"),
        (
            ["  property no-quorum-policy=freeze", VIP, "  order o vip web", "active web on n1"],
            "restarts on n1: vip starts",
        ),
    ],
)
def test_summary_of_what_is_left_alone_or_drawn_along(lines: list[str], summary: str):
    assert why("web", *lines).summary == summary


def test_a_removed_resource_that_is_to_be_kept():
    found = why("old", "  property stop-orphan-resources=false", "active old on n1")
    assert found.summary == "stays on n1: not configured any more, and stop-orphan-resources is false"
