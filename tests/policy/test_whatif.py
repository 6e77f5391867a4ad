"""What if: views in which something else has happened."""

from __future__ import annotations

import pytest

from hashelld.model.score import INFINITY
from hashelld.policy import whatif
from hashelld.policy.plan import plan
from hashelld.policy.whatif import Ended, parse_ended
from tests.build import NOW_MS, cluster


WEB = "  primitive web ocf:heartbeat:Dummy op monitor interval=10s"


def view_of(*lines: str):
    return cluster("\n".join(["cluster nodes=n1,n2", WEB, *lines]))


def labels(view) -> set[str]:
    return {action.label for action in plan(view).actions}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web_monitor_10000@n1=7", Ended("web", "monitor", 10_000, "n1", 7)),
        ("my_web_start_0@n1.example.org=1", Ended("my_web", "start", 0, "n1.example.org", 1)),
        ("db:0_promote_0@n1=9", Ended("db:0", "promote", 0, "n1", 9)),
        ("vm_migrate_to_0@n1=1", Ended("vm", "migrate_to", 0, "n1", 1)),
        ("stop_it_stop_0@n1=1", Ended("stop_it", "stop", 0, "n1", 1)),
    ],
)
def test_results_as_people_write_them(text, found):
    assert parse_ended(text) == found
    assert found.label == text.partition("=")[0]


@pytest.mark.parametrize(
    "text",
    ["", "web", "web_start_0@n1", "web_start@n1=1", "web_dance_0@n1=1", "web_start_0@n1=-1", "web_start_0@n1=256",
     "web_start_0@=1", "_start_0@n1=1", "web_start_0@n1=x"],
)  # fmt: skip
def test_what_is_no_result(text):
    assert parse_ended(text) is None


def test_a_node_comes_online_and_runs_nothing():
    view = whatif.node_up(view_of("active web on n1", "node n2 offline"), "n2")
    assert view.node("n2").online
    assert "web_monitor_0@n2" in labels(view)


def test_a_node_that_is_online_stays_as_it_is():
    view = view_of("active web on n1")
    assert whatif.node_up(view, "n1") == view


def test_a_node_that_nobody_knew_comes_online():
    assert whatif.node_up(view_of(), "n3").node("n3").online


def test_a_node_leaves_with_what_it_ran():
    view = whatif.node_down(view_of("active web on n1"), "n1")
    assert "web_start_0@n2" in labels(view)
    assert view.node("n1").status.operations == ()


def test_a_node_is_lost_with_what_it_runs():
    view = whatif.node_failed(view_of("active web on n1"), "n1")
    assert view.node("n1").unclean
    assert view.node("n1").status.operations


def test_a_monitor_finds_it_stopped():
    view = whatif.ended(view_of("active web on n1"), Ended("web", "monitor", 10_000, "n1", 7))
    assert {"web_stop_0@n1", "web_start_0@n1"} <= labels(view)
    (count,) = view.node("n1").status.failures
    assert (count.count, count.last_ms) == (1, NOW_MS)


def test_a_first_look_finds_it_active():
    view = whatif.ended(view_of("active web on n1"), Ended("web", "monitor", 0, "n2", 0))
    assert "web_stop_0@n2" in labels(view)


@pytest.mark.parametrize(("value", "count"), [("true", INFINITY), ("false", 1)])
def test_starts_fail_for_good_unless_configured_otherwise(value, count):
    view = view_of(f"  property start-failure-is-fatal={value}", "active web on n1")
    (found,) = whatif.ended(view, Ended("web", "start", 0, "n1", 1)).node("n1").status.failures
    assert found.count == count


def test_quorum_tickets_and_time():
    view = whatif.quorum(view_of(), is_there=False)
    view = whatif.ticket(view, "T", is_granted=True)
    view = whatif.ticket(view, "T", is_standby=True)
    view = whatif.moment(view, 5)
    assert not view.has_quorum
    assert (view.tickets["T"].is_granted, view.tickets["T"].is_standby, view.now_ms) == (True, True, 5)
    assert not whatif.ticket(view, "T", is_granted=False).tickets["T"].is_granted
