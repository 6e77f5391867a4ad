"""Fencing: which devices, in which order, how often, and when it must not be done."""

from __future__ import annotations

import pytest

from hashelld.core.fencing import FencingDone
from hashelld.model.ids import NodeId
from hashelld.model.resource import Agent
from tests.core.fencing_rig import FIRST, NODE, SECOND, TARGET, Rig, cib, device


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_device_that_succeeds_confirms(rig):
    rig.request(cib(device("d1", ip="10.0.0.1")))
    (call,) = rig.called
    assert call.argv == ("/usr/sbin/fence_x",)
    assert call.stdin == "action=off\nip=10.0.0.1\nnodename=node3\nplug=node3\n"
    assert call.timeout_ms == 60_000
    assert rig.machine.is_called(TARGET)
    assert rig.machine.in_progress() == ("node3 off: d1",)
    rig.succeed()
    assert rig.done == [FencingDone(target=TARGET, incarnation=FIRST, operation="off", ok=True, device="d1")]
    assert not rig.machine.is_called(TARGET)
    assert rig.machine.in_progress() == ()


def test_without_a_device_it_fails_at_once(rig):
    rig.request(cib(device("d1", pcmk_host_list="node2")))
    assert rig.called == []
    (done,) = rig.done
    assert not done.ok
    assert "no fencing device can fence node3" in done.reason


def test_a_device_is_tried_again_then_the_next_one(rig):
    rig.request(cib(device("d1"), device("d2", pcmk_off_retries="1")))
    rig.end(1, stderr="Failed: no route\n")
    rig.end(None)
    assert [run.run for run in rig.called] == [1, 2, 3]
    assert rig.machine.in_progress() == ("node3 off: d2",)
    rig.end(1, stderr="Failed: bad password\n")
    (done,) = rig.done
    assert (done.ok, done.device, done.reason) == (False, "d2", "d2: Failed: bad password")


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ({"rc": None}, "d1: timed out after 1min"),
        ({"rc": None, "error": "No such file"}, "d1: No such file"),
        ({"rc": 2}, "d1: said 2"),
        ({"rc": 1, "stdout": "text"}, "d1: text"),
        ({"rc": 1, "stderr": "2026-11-23 11:54:43,888 ERROR: Connection timed out\n\n"}, "d1: Connection timed out"),
    ],
)
def test_reasons(rig, ended, reason):
    rig.request(cib(device("d1", pcmk_off_retries="1")))
    rig.end(**ended)
    assert rig.done[0].reason == reason


def test_an_agent_that_must_not_be_executed_is_passed_over(rig):
    rig.request(cib(device("d1", agent=Agent("stonith", "", "null")), device("d2")))
    assert [run.label for run in rig.called] == ["stonith-node3-off"]
    rig.succeed()
    assert rig.done[0].device == "d2"


def test_only_refused_agents_fail_at_once(rig):
    rig.request(cib(device("d1", agent=Agent("stonith", "", "null"))))
    assert not rig.done[0].ok
    assert "no fencing agent" in rig.done[0].reason
    assert not rig.machine.is_called(TARGET)


def test_equal_requests_are_one(rig):
    devices = cib(device("d1"))
    rig.request(devices)
    rig.request(devices)
    rig.succeed()
    assert len(rig.acts) == len(rig.done) == 1


def test_another_request_for_the_node_waits_for_the_first(rig):
    devices = cib(device("d1", id="d1"))
    rig.request(devices)
    rig.request(devices, incarnation=SECOND, operation="reboot")
    rig.request(devices, incarnation=SECOND, operation="reboot")
    assert rig.acts == ["off d1"]
    rig.succeed()
    assert rig.acts == ["off d1", "reboot d1"]
    rig.succeed()
    assert [(d.incarnation, d.operation, d.ok) for d in rig.done] == [(FIRST, "off", True), (SECOND, "reboot", True)]


def test_of_those_that_wait_only_the_newest_does(rig):
    devices = cib(device("d1"))
    for operation in ("off", "reboot", "on"):
        rig.request(devices, operation=operation)
    assert [(d.operation, d.ok) for d in rig.done] == [("reboot", False)]
    rig.succeed()
    rig.succeed()
    assert [d.operation for d in rig.done] == ["reboot", "off", "on"]


def test_nodes_are_fenced_side_by_side_where_their_devices_are_others(rig):
    devices = cib(device("d1", pcmk_host_list="node3"), device("d2", pcmk_host_list="node2"))
    rig.request(devices)
    rig.request(devices, target=NodeId("node2"))
    assert len(rig.called) == 2


def test_a_device_fences_one_node_after_the_other(rig):
    devices = cib(device("d1"))
    for target in (TARGET, NodeId("node2"), NodeId("node4")):
        rig.request(devices, target=target)
    assert rig.targets == ["node3"]
    rig.succeed()
    assert rig.targets == ["node3", "node2"]
    rig.end(1)
    assert rig.targets == ["node3", "node2", "node4"], "who failed is tried again when the others had their turn"
    rig.succeed()
    assert rig.targets == ["node3", "node2", "node4", "node2"]
    rig.succeed()
    assert [(d.target, d.ok) for d in rig.done] == [("node3", True), ("node4", True), ("node2", True)]


@pytest.mark.parametrize(("limit", "expected"), [("2", 2), ("-1", 3), ("1", 1), ("many", 1), ("0", 1)])
def test_a_device_may_be_able_to_do_more_at_once(rig, limit, expected):
    devices = cib(device("d1", pcmk_action_limit=limit))
    for target in (TARGET, NodeId("node2"), NodeId("node4")):
        rig.request(devices, target=target)
    assert len(rig.called) == expected


def test_who_waits_for_a_device_ends_when_the_right_is_gone(rig):
    devices = cib(device("d1"))
    rig.request(devices)
    rig.request(devices, target=NodeId("node2"))
    rig.at(1, allowed=False)
    assert [(d.target, d.reason) for d in rig.done] == [("node2", "lost quorum")]
    rig.end(0)
    assert len(rig.acts) == 1


def test_who_waits_for_a_device_can_be_taken_back(rig):
    devices = cib(device("d1"))
    rig.request(devices, target=NodeId("node2"))
    rig.request(devices)
    rig.cancel()
    assert [(d.target, d.reason) for d in rig.done] == [("node3", "the node is back")]
    rig.succeed()
    assert rig.targets == ["node2"]


# Delays, and the right to fence.


def test_a_delay_is_waited_for_and_drawn_up_to_its_bound(rig):
    rig.request(cib(device("d1", pcmk_delay_base="2s", pcmk_delay_max="5s")))
    assert rig.called == []
    assert not rig.machine.is_called(TARGET)
    assert rig.machine.deadline() == 5_000
    rig.at(4_999)
    assert rig.called == []
    rig.at(5_000)
    assert len(rig.called) == 1
    assert rig.machine.deadline() is None


def test_a_bound_below_the_base_is_no_bound(rig):
    rig.request(cib(device("d1", pcmk_delay_base="2s", pcmk_delay_max="1s")))
    assert rig.machine.deadline() == 2_000


def test_delays_may_differ_by_node(rig):
    rig.request(cib(device("d1", pcmk_delay_base="node1:0s;node3:7s")))
    assert rig.machine.deadline() == 7_000
    rig.request(cib(device("d1", pcmk_delay_base="node1:9s")), target=NodeId("node2"))
    assert len(rig.called) == 1


def test_retries_and_switching_on_have_no_delay(rig):
    devices = cib(device("d1", pcmk_delay_base="2s"))
    rig.request(devices, operation="on")
    assert len(rig.called) == 1
    rig.succeed()
    rig.request(devices)
    rig.at(2_000)
    rig.end(1)
    assert len(rig.called) == 3


def test_quorum_is_asked_for_at_the_end_of_a_delay(rig):
    rig.request(cib(device("d1", pcmk_delay_base="2s")))
    rig.at(2_000, allowed=False)
    assert rig.called == []
    assert [(d.ok, d.reason) for d in rig.done] == [(False, "lost quorum")]


def test_quorum_is_asked_for_before_a_retry(rig):
    rig.request(cib(device("d1"), device("d2")))
    rig.end(1, allowed=False)
    assert len(rig.called) == 1
    assert rig.done[0].reason == "lost quorum"


def test_what_speaks_against_one_target_spares_that_one_alone(rig):
    devices = cib(device("d1", pcmk_delay_base="2s"))
    rig.request(devices)
    rig.request(devices, target=NodeId("node2"))
    rig.at_objecting(2_000, NodeId("node2"), "other nodes hear it")
    assert [(d.target, d.reason) for d in rig.done] == [("node2", "other nodes hear it")]
    assert len(rig.called) == 1


@pytest.mark.parametrize("delay", ["0", "2s"])
def test_quorum_is_asked_for_before_the_next_device(rig, delay):
    rig.request(cib(device("d1", pcmk_off_retries="1"), device("d2", pcmk_delay_base=delay)))
    rig.end(1, allowed=False)
    assert len(rig.called) == 1
    assert rig.done[0].reason == "lost quorum"


def test_a_success_counts_whatever_became_of_quorum(rig):
    rig.request(cib(device("d1")))
    rig.end(0, allowed=False)
    rig.end(2, allowed=False)
    assert rig.done[0].ok


def test_the_very_first_device_waits_for_the_priority_too(rig):
    rig.request(cib(device("d1", pcmk_delay_base="2s", pcmk_off_retries="1"), device("d2")), extra_ms=10_000)
    assert rig.machine.deadline() == 12_000
    rig.at(12_000)
    rig.end(1)
    assert len(rig.called) == 2, "the second device waits for nothing"


def test_a_request_without_a_device_delay_waits_for_the_priority(rig):
    rig.request(cib(device("d1")), extra_ms=10_000)
    assert (rig.called, rig.machine.deadline()) == ([], 10_000)


def test_a_delay_ends_with_the_right(rig):
    rig.request(cib(device("d1", pcmk_delay_base="9s")))
    rig.at(1, allowed=False)
    assert [d.reason for d in rig.done] == ["lost quorum"]
    assert rig.machine.deadline() is None


# A node that is back.


def test_before_a_device_is_called_a_request_can_be_taken_back(rig):
    rig.request(cib(device("d1", pcmk_delay_base="2s")))
    rig.cancel()
    assert [(d.ok, d.reason) for d in rig.done] == [(False, "the node is back")]
    rig.at(2_000)
    assert rig.called == []
    assert rig.machine.deadline() is None


def test_after_a_device_was_called_its_result_is_waited_for_and_no_other_is_called(rig):
    rig.request(cib(device("d1"), device("d2")))
    rig.cancel()
    assert rig.done == []
    assert rig.machine.is_called(TARGET)
    rig.end(1)
    assert len(rig.called) == 1
    assert rig.done[0].reason == "the node is back"


def test_when_it_is_lost_again_the_request_goes_on(rig):
    devices = cib(device("d1", id="d1"))
    rig.request(devices)
    rig.cancel()
    rig.request(devices)
    rig.end(1)
    assert rig.acts == ["off d1", "off d1"]


def test_a_device_that_succeeds_after_all_is_told(rig):
    rig.request(cib(device("d1")))
    rig.cancel()
    rig.succeed()
    assert rig.done[0].ok
    assert rig.done[0].incarnation == FIRST


def test_a_request_that_waits_is_taken_back_too(rig):
    devices = cib(device("d1"))
    rig.request(devices)
    rig.request(devices, operation="reboot")
    rig.cancel()
    assert [d.operation for d in rig.done] == ["reboot"]


def test_taking_back_what_nobody_asked_for_is_nothing(rig):
    assert rig.machine.cancel(TARGET, FIRST) == []


def test_a_device_is_ended_when_a_later_incarnation_is_heard(rig):
    """What it still does would hit the node that has just come back."""
    rig.request(cib(device("d1"), device("d2")))
    rig.cancel(heard=SECOND)
    assert rig.machine.deadline() == 0
    rig.at(1)
    rig.at(2)
    assert rig.killed == [1]
    assert rig.machine.deadline() is None
    rig.end(None)
    assert len(rig.called) == 1
    assert [(d.ok, d.incarnation, d.reason) for d in rig.done] == [(False, FIRST, "the node is back")]


def test_a_device_goes_on_while_the_incarnation_is_the_same(rig):
    rig.request(cib(device("d1")))
    rig.cancel(heard=FIRST)
    rig.at(1)
    assert rig.killed == []


def test_a_device_that_was_ended_too_late_is_told(rig):
    rig.request(cib(device("d1")))
    rig.cancel(heard=SECOND)
    rig.at(1)
    rig.end(0)
    rig.end(2)
    assert [(d.ok, d.incarnation) for d in rig.done] == [(True, FIRST)]


# What is remembered.


def test_what_ended_is_remembered(rig):
    devices = cib(device("d1", pcmk_off_retries="1"))
    rig.request(devices)
    rig.now = 250
    rig.end(1, stderr="Failed: no route")
    rig.request(devices)
    rig.now = 1_000
    rig.end(0)
    rig.end(2)
    failed, done = rig.machine.fenced(wall_offset_ms=5_000)
    assert (failed.ok, failed.reason, failed.ended_ms, failed.duration_ms) == (
        False,
        "d1: Failed: no route",
        5_250,
        250,
    )
    assert (done.ok, done.target, done.operation, done.device, done.by) == (True, TARGET, "off", "d1", NODE)
    assert (done.ended_ms, done.duration_ms, done.times) == (6_000, 750, 1)


def test_a_failure_that_repeats_itself_is_one(rig):
    for _ in range(40):
        rig.request(cib())
    (failed,) = rig.machine.fenced(0)
    assert (failed.ok, failed.times) == (False, 40)


def test_of_many_the_newest_are_remembered(rig):
    for number in range(30):
        rig.request(cib(), target=NodeId(f"node{number}"))
    assert [one.target for one in rig.machine.fenced(0)] == [f"node{number}" for number in range(14, 30)]
