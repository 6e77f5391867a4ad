"""Devices that are asked: whom they can fence, and whether what they said is true."""

from __future__ import annotations

import pytest

from hashelld.model.ids import NodeId
from hashelld.model.resource import Agent
from tests.core.fencing_rig import SECOND, TARGET, Rig, cib, device


@pytest.fixture
def rig() -> Rig:
    return Rig()


DYNAMIC = {"pcmk_host_check": "dynamic-list"}


# Is it off?


def test_a_device_that_says_done_is_asked_whether_its_target_is_off(rig):
    rig.request(cib(device("d1", pcmk_host_map="node3:3")))
    rig.end(0)
    assert rig.done == []
    assert rig.told[1] == "action=status\nnodename=node3\nplug=3\n"
    assert rig.called[1].timeout_ms == 5_000
    rig.end(2)
    assert [d.ok for d in rig.done] == [True]


def test_a_target_that_is_still_on_is_fenced_again(rig):
    rig.request(cib(device("d1")))
    for _ in range(2):
        rig.end(0)
        rig.end(0)
    assert rig.actions == ["off", "status", "off", "status"]
    assert [(d.ok, d.reason) for d in rig.done] == [(False, "d1: said that it is done, but node3 is still on")]


@pytest.mark.parametrize("rc", [1, None, 3])
def test_a_device_that_does_not_tell_is_believed(rig, rc):
    rig.request(cib(device("d1")))
    rig.end(0)
    rig.end(rc)
    assert [d.ok for d in rig.done] == [True]


@pytest.mark.parametrize(
    ("agent", "parameters", "operation"),
    [
        ("fence_kdump", {}, "off"),
        ("fence_legacy", {}, "off"),
        ("external/ipmi", {}, "off"),
        ("fence_x", {"pcmk_status_action": "none"}, "off"),
        ("fence_x", {}, "reboot"),
        ("fence_x", {}, "on"),
    ],
)
def test_who_is_not_asked(rig, agent, parameters, operation):
    rig.request(cib(device("d1", agent=Agent("stonith", "", agent), **parameters)), operation=operation)
    rig.end(0)
    assert [d.ok for d in rig.done] == [True]


def test_a_restart_that_is_an_off_is_asked_for(rig):
    rig.request(cib(device("d1", pcmk_reboot_action="off")), operation="reboot")
    rig.end(0)
    assert rig.actions == ["off", "status"]


def test_a_look_is_never_ended_for_the_target(rig):
    rig.request(cib(device("d1")))
    rig.end(0)
    rig.cancel(heard=SECOND)
    rig.at(1)
    assert rig.killed == []
    rig.end(2)
    assert [d.ok for d in rig.done] == [True]


def test_an_agent_that_cannot_restart_switches_off(rig):
    rig.request(cib(device("d1", pcmk_reboot_retries="1")), operation="reboot")
    rig.end(1, stderr="Failed: Unrecognised action 'reboot'\n")
    assert rig.actions == ["reboot", "off"]
    rig.succeed()
    assert [(d.ok, d.operation) for d in rig.done] == [(True, "reboot")]


# Whom can it fence?


def test_a_device_is_asked_for_its_list(rig):
    rig.request(cib(device("d1", ip="10.0.0.1", pcmk_list_timeout="4s", **DYNAMIC)))
    assert rig.told == ["action=list\nip=10.0.0.1\n"]
    assert rig.called[0].timeout_ms == 4_000
    assert not rig.machine.is_called(TARGET)
    rig.end(0, stdout="node2,\nNode3,uuid-3\n")
    assert rig.actions == ["list", "off"]


@pytest.mark.parametrize(
    "listed",
    ["3,\n4,\n", "0-0-3,3,ON\n", "2 3 4\n", "3"],
)
def test_names_that_devices_list(rig, listed):
    rig.request(cib(device("d1", pcmk_host_map="node3:3", **DYNAMIC)))
    rig.end(0, stdout=listed)
    assert rig.actions == ["list", "off"]


def test_a_device_that_does_not_know_the_target_is_passed_over(rig):
    rig.request(cib(device("d1", **DYNAMIC), device("d2")))
    rig.end(0, stdout="node2,\n")
    assert rig.actions == ["list", "off"]
    assert rig.machine.in_progress() == ("node3 off: d2",)


def test_when_nobody_knows_the_target_it_fails(rig):
    rig.request(cib(device("d1", **DYNAMIC)))
    rig.end(0, stdout="node2,\n")
    assert [(d.ok, d.reason) for d in rig.done] == [(False, "d1: does not know node3")]


@pytest.mark.parametrize(
    ("ended", "calls", "reason"),
    [
        ({"rc": 0, "stdout": "N/A"}, 2, "d1: does not tell whom it can fence: has no list"),
        ({"rc": 0, "stdout": "NOTICE: List option is not working on this device yet"}, 2, "has no list"),
        ({"rc": 1, "stderr": "Failed: no route"}, 2, "d1: does not tell whom it can fence: Failed: no route"),
        ({"rc": None}, 2, "timed out after 1min"),
    ],
)
def test_a_device_that_does_not_tell_its_list_is_not_used(rig, ended, calls, reason):
    rig.request(cib(device("d1", **DYNAMIC)))
    for _ in range(calls):
        rig.end(**ended)
    assert rig.actions == ["list"] * calls
    assert reason in rig.done[0].reason


def test_a_list_is_kept_for_a_while(rig):
    devices = cib(device("d1", **DYNAMIC))
    rig.request(devices)
    rig.end(0, stdout="node2\nnode3\n")
    rig.succeed()
    rig.now = 59_000
    rig.request(devices, target=NodeId("node2"))
    rig.succeed()
    assert rig.actions == ["list", "off", "status", "off", "status"]
    rig.now = 60_000
    rig.request(devices)
    assert rig.actions[-1] == "list"
    rig.end(1)
    assert rig.actions[-1] == "off", "an old list is better than none"


def test_a_device_that_was_configured_anew_is_asked_anew(rig):
    rig.request(cib(device("d1", **DYNAMIC)))
    rig.end(0, stdout="node3\n")
    rig.succeed()
    rig.request(cib(device("d1", ip="10.0.0.2", **DYNAMIC)))
    assert rig.actions[-1] == "list"


@pytest.mark.parametrize(("rc", "is_used"), [(0, True), (2, True), (1, False), (None, False)])
def test_a_device_that_tells_the_state_of_a_target_can_fence_it(rig, rc, is_used):
    rig.request(cib(device("d1", pcmk_host_check="status", pcmk_status_retries="1")))
    rig.end(rc)
    assert rig.actions == (["status", "off"] if is_used else ["status"])
    assert [d.ok for d in rig.done] == ([] if is_used else [False])


def test_a_target_that_is_back_while_a_device_is_asked_is_not_fenced(rig):
    rig.request(cib(device("d1", **DYNAMIC)))
    rig.cancel()
    assert [d.reason for d in rig.done] == ["the node is back"]
    assert not rig.machine.owns(rig.called[0].run)


def test_the_right_is_asked_for_after_the_list(rig):
    rig.request(cib(device("d1", **DYNAMIC)))
    rig.end(0, stdout="node3\n", allowed=False)
    assert rig.actions == ["list"]
    assert [d.reason for d in rig.done] == ["lost quorum"]
