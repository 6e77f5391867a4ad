"""Fencing levels: whose they are, and how they are walked."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.core.devices import levels_for, path_devices, protecting
from hashelld.core.topology import chosen_levels
from hashelld.model.administration import FencingLevel, Topology
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from hashelld.model.resource import Agent
from tests.core.fencing_rig import FIRST, SECOND, TARGET, Rig, attributes, cib, device, level


@pytest.fixture
def rig() -> Rig:
    return Rig()


def topology(*levels: FencingLevel) -> Topology:
    return Topology(levels=levels)


def chosen(*levels: FencingLevel, target: str = "node3", **node_attributes: str) -> list[str] | None:
    nodes = (Node(id=NodeId("node2")), Node(id=NodeId("node3"), attributes=attributes(node_attributes)))
    found = chosen_levels(cib(topology(*levels), *nodes), NodeId(target))
    return None if found is None else [",".join(devices) for devices in found]


def test_levels_go_by_their_numbers():
    assert chosen(level(9, "c", target="node3"), level(2, "b", target="node3"), level(1, "a", target="node3")) == [
        "a",
        "b",
        "c",
    ]


def test_without_levels_there_is_no_topology():
    assert chosen() is None
    assert chosen(level(1, "a", target="node2")) is None
    assert chosen_levels(cib(), TARGET) is None


@pytest.mark.parametrize(
    ("pattern", "is_fitting"),
    [("node3", True), ("node[1-3]$", True), ("de", True), ("^ode", False), ("node[45]", False), ("node(", False)],
)
def test_patterns(pattern, is_fitting):
    assert (chosen(level(1, "a", pattern=pattern)) is not None) == is_fitting


@pytest.mark.parametrize(
    ("value", "given", "is_fitting"),
    [("7", {"rack": "7"}, True), ("7", {"rack": "8"}, False), ("7", {}, False), (None, {}, False)],
)
def test_attributes(value, given, is_fitting):
    one = FencingLevel(index="1", devices=level(1, "a").devices, attribute="rack", value=value)
    assert (chosen(one, **given) is not None) == is_fitting


def test_a_name_wins_over_a_pattern_and_this_over_an_attribute_and_this_over_all():
    levels = [
        level(1, "all"),
        level(1, "attribute", attribute="rack", value="7"),
        level(1, "pattern", pattern="node"),
        level(1, "name", target="Node3"),
    ]
    found = []
    while levels:
        found.append(chosen(*levels, rack="7"))
        levels.pop()
    assert found == [["name"], ["pattern"], ["attribute"], ["all"]]


def test_of_two_patterns_the_first_counts_with_all_its_levels():
    levels = (level(1, "a", pattern="node"), level(1, "x", pattern="3"), level(2, "b", pattern="node"))
    assert chosen(*levels) == ["a", "b"]


def test_a_level_that_is_no_number_is_none():
    bad = FencingLevel(index="first", devices=level(1, "a").devices, target=TARGET)
    assert chosen(bad) == []


def names(*objects) -> list[list[str]]:
    return [[one.id for one in found] for found in levels_for(cib(*objects), TARGET)]


def test_a_level_needs_all_its_devices():
    levels = topology(
        level(1, "a", "absent"),
        level(2, "a", "stopped"),
        level(3, "a", "other"),
        level(4, "a", "b"),
        level(5),
        level(6, "b"),
    )
    devices = (
        device("a"),
        device("b"),
        device("stopped", meta={"target-role": "Stopped"}),
        device("other", pcmk_host_list="node2"),
    )
    assert names(*devices, levels) == [["a", "b"], ["b"]]


def test_without_a_topology_for_the_node_every_device_is_a_level():
    assert names(device("a"), device("b"), topology(level(1, "a", "b", target="node2"))) == [["a"], ["b"]]


def test_a_topology_that_nothing_can_carry_out_is_told(rig):
    rig.request(cib(device("a"), topology(level(1, "absent"))))
    assert "no level of the fencing topology can fence node3" in rig.done[0].reason
    assert rig.called == []


def two_supplies(*more: FencingLevel, **params: str):
    devices = [device(name, id=name, pcmk_off_retries="1", **params) for name in ("pdu1", "pdu2", "ipmi")]
    return cib(*devices, topology(level(1, "pdu1", "pdu2"), *more))


def test_all_devices_of_a_level_must_succeed(rig):
    rig.request(two_supplies())
    rig.succeed()
    assert rig.done == []
    rig.succeed()
    assert [(d.ok, d.device) for d in rig.done] == [(True, "pdu1,pdu2")]
    assert rig.acts == ["off pdu1", "off pdu2"]


def test_when_one_fails_the_next_level_begins(rig):
    rig.request(two_supplies(level(2, "ipmi")))
    rig.end(1)
    assert rig.acts == ["off pdu1", "off ipmi"]
    rig.succeed()
    assert [(d.ok, d.device) for d in rig.done] == [(True, "ipmi")]


def test_when_the_second_fails_the_next_level_begins_from_its_first(rig):
    rig.request(two_supplies(level(2, "ipmi", "pdu1")))
    rig.succeed()
    rig.end(1)
    rig.succeed()
    rig.succeed()
    assert rig.acts == ["off pdu1", "off pdu2", "off ipmi", "off pdu1"]
    assert [(d.ok, d.device) for d in rig.done] == [(True, "ipmi,pdu1")]


def test_the_last_level_that_fails_fails_it_all(rig):
    rig.request(two_supplies())
    rig.succeed()
    rig.end(1, stderr="no route")
    assert [(d.ok, d.device, d.reason) for d in rig.done] == [(False, "pdu2", "pdu2: no route")]


def test_a_restart_by_several_devices_is_off_of_all_and_then_on_of_all(rig):
    rig.request(two_supplies(), operation="reboot")
    rig.succeed()
    assert rig.done == []
    rig.succeed()
    assert [(d.ok, d.operation, d.device) for d in rig.done] == [(True, "reboot", "pdu1,pdu2")], "told when it is off"
    assert not rig.machine.is_called(TARGET)
    rig.end(0)
    rig.end(0)
    assert rig.acts == ["off pdu1", "off pdu2", "on pdu1", "on pdu2"]
    assert len(rig.done) == 1
    assert rig.machine.in_progress() == ()


def test_what_becomes_of_the_on_changes_nothing(rig):
    rig.request(two_supplies(pcmk_on_retries="1"), operation="reboot")
    rig.succeed()
    rig.succeed()
    rig.end(1, allowed=False)
    rig.end(None, allowed=False)
    assert rig.acts == ["off pdu1", "off pdu2", "on pdu1", "on pdu2"]
    assert [d.ok for d in rig.done] == [True]
    assert rig.machine.in_progress() == ()


def test_the_power_is_restored_though_the_node_is_heard(rig):
    rig.request(two_supplies(), operation="reboot")
    rig.succeed()
    rig.succeed()
    rig.cancel(heard=SECOND)
    rig.at(1)
    rig.end(0)
    rig.end(0)
    assert rig.killed == []
    assert rig.acts[2:] == ["on pdu1", "on pdu2"]


def test_a_request_during_the_on_waits_for_it(rig):
    rig.request(two_supplies(), operation="reboot")
    rig.succeed()
    rig.succeed()
    rig.request(two_supplies(), operation="reboot")
    rig.end(0)
    rig.end(0)
    assert rig.acts[4:] == ["off pdu1"]


@pytest.mark.parametrize("is_allowed", [True, False])
def test_what_was_cut_off_is_restored_when_the_walk_stops(rig, is_allowed):
    """The node lives by its other supply: the first must not stay off."""
    rig.request(two_supplies(), operation="reboot")
    if is_allowed:
        rig.cancel()
    rig.end(0)
    rig.end(2, allowed=is_allowed)
    assert [(d.ok, d.reason) for d in rig.done] == [(False, "the node is back" if is_allowed else "lost quorum")]
    rig.end(0)
    assert rig.acts == ["off pdu1", "on pdu1"]
    assert rig.machine.in_progress() == ()


def test_delays_are_the_devices_own_and_none_is_before_an_on(rig):
    rig.request(two_supplies(pcmk_delay_base="2s"), operation="reboot", extra_ms=1_000)
    due = []
    for _ in range(2):
        moment = rig.machine.deadline()
        assert moment is not None
        due.append(moment - rig.now)
        rig.at(moment)
        rig.succeed()
    assert due == [3_000, 2_000]
    assert rig.machine.deadline() is None
    assert rig.acts[2:] == ["on pdu1"]


SCSI, PING = Agent("stonith", "", "fence_scsi"), Agent("stonith", "", "fence_heuristics_ping")
MIXED = (
    device("scsi", agent=SCSI),
    device("ping", agent=PING),
    device("ipmi"),
    topology(level(1, "scsi"), level(2, "scsi", "ipmi"), level(3, "ping", "ipmi"), level(4, "ping")),
)


@pytest.mark.parametrize(
    ("has_to_end", "expected"),
    [
        (False, [["scsi"], ["scsi", "ipmi"], ["ping", "ipmi"]]),
        (True, [["scsi", "ipmi"], ["ping", "ipmi"]]),
    ],
)
def test_of_a_level_one_device_must_do_what_is_needed(has_to_end, expected):
    levels = levels_for(cib(*MIXED), TARGET, has_to_end=has_to_end)
    assert [[one.id for one in found] for found in levels] == expected


def test_devices_that_leave_the_daemon_running_are_told(rig):
    document = cib(device("scsi", agent=SCSI), topology(level(1, "scsi")))
    rig.take(rig.machine.request(0, document, TARGET, SECOND, "reboot", has_to_end=True))
    assert "leave its daemon running" in rig.done[0].reason


OWN = device("port", agent=Agent("stonith", "", "fence_ifmib"))
DATA = msgspec.structs.replace(
    device("data", agent=Agent("ocf", "heartbeat", "Dummy")), meta=attributes({"fencing-device": "port"})
)


def test_a_device_of_a_resource_fences_no_node_by_itself():
    """It would cut the node off from that resource alone; what the topology says of it is meant so."""
    document = cib(OWN, DATA, device("ipmi"))
    assert [[one.id for one in found] for found in levels_for(document, TARGET)] == [["ipmi"]]
    document = cib(OWN, DATA, topology(level(1, "port")))
    assert [[one.id for one in found] for found in levels_for(document, TARGET)] == [["port"]]
    assert levels_for(document, TARGET, has_to_end=True) == ()


def test_which_devices_have_to_give_access():
    """Those of resources, of fabric agents, and those that say so; where they can cut that node off."""
    said = device("said", meta={"provides": "unfencing"})
    other = device("other", agent=SCSI, pcmk_host_list="node1")
    named = msgspec.structs.replace(DATA, meta=attributes({"fencing-device": "pdu"}))
    document = cib(device("scsi", agent=SCSI), said, other, device("pdu"), device("ipmi"), named)
    assert [one.id for one in path_devices(document, TARGET)] == ["scsi", "said", "pdu"]
    assert protecting(document) == {"pdu"}


def test_a_cut_and_the_fencing_of_a_node_go_on_side_by_side(rig):
    document = cib(OWN, DATA, device("ipmi", id="ipmi"))
    (port,) = path_devices(document, TARGET)
    rig.take(rig.machine.request(0, document, TARGET, FIRST, "off", path=port))
    rig.request(document, operation="off")
    assert rig.machine.in_progress() == ("node3 cut off: port", "node3 off: ipmi")
    assert len(rig.called) == 2
    rig.end(0, at=0)
    rig.end(2)
    assert [(one.ok, one.path, one.device) for one in rig.done] == [(True, "port", "port")]
    rig.end(0, at=1)
    rig.end(2)
    assert [(one.ok, one.path, one.device) for one in rig.done][1:] == [(True, None, "ipmi")]
    assert [one.level for one in rig.machine.fenced(0)] == ["resource", "node"]


def test_a_target_that_is_back_is_not_cut_off_either(rig):
    (port,) = path_devices(cib(OWN, DATA, device("x", pcmk_delay_base="5s")), TARGET)
    slow = msgspec.structs.replace(port, delay_base_ms=5_000, delay_max_ms=5_000)
    rig.take(rig.machine.request(0, cib(OWN, DATA), TARGET, FIRST, "off", path=slow))
    rig.cancel()
    assert [(one.ok, one.path) for one in rig.done] == [(False, "port")]


def test_what_leaves_the_daemon_running_does_not_answer_who_wants_its_end(rig):
    """A fabric device was called for the node before the claim asked for its end: the claim waits for its own."""
    levels = topology(level(1, "scsi"), level(2, "ipmi"))
    document = cib(device("scsi", agent=SCSI, id="scsi"), device("ipmi", id="ipmi"), levels)
    rig.take(rig.machine.request(0, document, TARGET, FIRST, "off"))
    rig.take(rig.machine.request(0, document, TARGET, FIRST, "off", has_to_end=True))
    rig.succeed()
    assert [(one.ok, one.device) for one in rig.done] == [(True, "scsi")]
    rig.at(1)
    rig.succeed()
    assert [(one.ok, one.device) for one in rig.done][1:] == [(True, "ipmi")]
