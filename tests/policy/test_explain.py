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
    assert [c.source for c in found.scores[-1].contributions] == ["3 failures, threshold 3 on n1"]


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
