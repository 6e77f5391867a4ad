"""Which devices can fence a node, how they are asked, and what they are told."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.cib.document import Cib
from hashelld.core.devices import Check, Device, levels_for, plug_of, steps_of
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent, AttributeSet, NvPair, Primitive, Template
from tests.core.fencing_rig import FENCE_X, TARGET, attributes, cib, device


def names(document: Cib, target: NodeId = TARGET) -> list[str]:
    return [d.id for level in levels_for(document, target) for d in level]


def only(document: Cib) -> Device:
    ((found,),) = levels_for(document, TARGET)
    return found


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, "node3"),
        ({"pcmk_host_list": "node2 node3"}, "node3"),
        ({"pcmk_host_list": "node2,node3"}, "node3"),
        ({"pcmk_host_list": "node2;NODE3"}, "node3"),
        ({"pcmk_host_list": "node2"}, None),
        ({"pcmk_host_list": ""}, "node3"),
        ({"pcmk_host_map": "node2:2;node3:3,4"}, "3,4"),
        ({"pcmk_host_map": "node2:2 Node3:3"}, "3"),
        ({"pcmk_host_map": "node3=vm"}, "vm"),
        ({"pcmk_host_map": r"node2:2;node3:my\ vm\;1"}, "my vm;1"),
        ({"pcmk_host_map": "node2:2"}, None),
        ({"pcmk_host_map": "node2:2", "pcmk_host_list": "node3"}, "node3"),
        ({"pcmk_host_map": "node3:3", "pcmk_host_list": "node2"}, "3"),
        ({"pcmk_host_map": "nonsense"}, "node3"),
        ({"pcmk_host_list": "node2", "pcmk_host_check": "none"}, "node3"),
        ({"pcmk_host_check": "static-list"}, "node3"),
        ({"hostlist": "node2"}, "node3"),
    ],
)
def test_whom_a_device_can_fence(parameters, expected):
    assert plug_of(FENCE_X, parameters, TARGET) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"hostname": "node3"}, "node3"),
        ({"hostname": "node2"}, None),
        ({"hostlist": "node1 node3"}, "node3"),
        ({"hostlist": "node1,node2"}, None),
        ({}, "node3"),
    ],
)
def test_whom_a_plugin_can_fence(parameters, expected):
    assert plug_of(Agent("stonith", "", "external/ipmi"), parameters, TARGET) == expected


def test_devices_go_by_priority_then_by_their_order():
    document = cib(
        device("a"), device("b", meta={"priority": "5"}), device("c", priority="7"), device("d", meta={"priority": "5"})
    )
    assert names(document) == ["c", "b", "d", "a"]


def test_what_is_no_device():
    dummy = device("dummy", agent=Agent("ocf", "heartbeat", "Dummy"))
    stopped = device("stopped", meta={"target-role": "Stopped"})
    lost = Primitive(id=ResourceId("lost"), template=ResourceId("absent"))
    assert names(cib(dummy, stopped, lost)) == []


def test_a_template_gives_agent_and_parameters():
    template = Template(
        id=ResourceId("t"),
        agent=FENCE_X,
        params=attributes({"ip": "1", "user": "u"}),
        meta=attributes({"priority": "3"}),
    )
    primitive = Primitive(id=ResourceId("d"), template=ResourceId("t"), params=attributes({"ip": "2"}))
    found = only(cib(template, primitive))
    assert (found.agent, found.parameters) == (FENCE_X, {"ip": "2", "user": "u"})


def test_of_several_sets_the_higher_score_wins_and_rules_are_left_out():
    plain = device("d")
    ruled = msgspec.structs.replace(attributes({"ip": "rule"}, "99")[0], rules=(msgspec.Raw(b"{}"),))
    sets = (*attributes({"ip": "low", "x": "1"}, "1"), *attributes({"ip": "high"}, "5"), ruled)
    assert only(cib(msgspec.structs.replace(plain, params=sets))).parameters == {"ip": "high", "x": "1"}


def test_a_set_may_be_another_resources():
    shared = AttributeSet((NvPair("ip", "1"),), id="shared")
    owner = msgspec.structs.replace(device("a", pcmk_host_list="x"), params=(shared,))
    user = msgspec.structs.replace(device("b"), params=(AttributeSet(id_ref="shared"),))
    dangling = msgspec.structs.replace(device("c"), params=(AttributeSet(id_ref="absent"),))
    levels = levels_for(cib(owner, user, dangling), TARGET)
    assert [level[0].parameters for level in levels] == [{"ip": "1"}, {"ip": "1"}, {}]


@pytest.mark.parametrize(
    ("params", "properties", "timeout_ms", "tries"),
    [
        ({}, {}, 60_000, 2),
        ({}, {"stonith_timeout": "90s"}, 90_000, 2),
        ({"pcmk_off_timeout": "7s", "pcmk_off_retries": "4"}, {"stonith_timeout": "90s"}, 7_000, 4),
        ({"pcmk_reboot_timeout": "7s", "pcmk_reboot_retries": "4"}, {}, 60_000, 2),
        ({"pcmk_off_timeout": "soon", "pcmk_off_retries": "many"}, {}, 60_000, 2),
        ({"pcmk_off_retries": "0"}, {}, 60_000, 1),
    ],
)
def test_timeouts_and_tries(params, properties, timeout_ms, tries):
    found = only(cib(device("d", **params), **properties))
    assert (found.timeout_ms("off"), found.tries("off")) == (timeout_ms, tries)


@pytest.mark.parametrize(
    ("agent", "parameters", "expected"),
    [
        ("fence_x", {}, Check.NONE),
        ("fence_x", {"pcmk_host_check": "none"}, Check.NONE),
        ("fence_x", {"pcmk_host_check": "static-list"}, Check.NONE),
        ("fence_x", {"pcmk_host_check": "Dynamic-List"}, Check.LIST),
        ("fence_x", {"pcmk_host_check": "status"}, Check.STATUS),
        ("fence_kdump", {"pcmk_host_check": "status"}, Check.NONE),
        ("external/ipmi", {"pcmk_host_check": "status"}, Check.NONE),
        ("external/vmware", {"pcmk_host_check": "dynamic-list"}, Check.LIST),
    ],
)
def test_what_a_device_is_asked_first(agent, parameters, expected):
    assert only(cib(device("d", agent=Agent("stonith", "", agent), **parameters))).check is expected


def steps(operation: str, *agents: str, **params: str) -> list[str]:
    devices = [device(f"d{n}", agent=Agent("stonith", "", agent), **params) for n, agent in enumerate(agents)]
    found = tuple(one for (one,) in levels_for(cib(*devices), TARGET))
    return [f"{s.operation} {s.device.id}{'?' * s.is_afterwards}" for s in steps_of(found, operation)]


@pytest.mark.parametrize(
    ("operation", "agents", "expected"),
    [
        ("off", ["fence_x"], ["off d0"]),
        ("reboot", ["fence_x"], ["reboot d0"]),
        ("on", ["fence_x", "fence_x"], ["on d0", "on d1"]),
        ("off", ["fence_x", "fence_x"], ["off d0", "off d1"]),
        ("reboot", ["fence_x", "fence_x"], ["off d0", "off d1", "on d0?", "on d1?"]),
        ("reboot", ["fence_scsi"], ["off d0"]),
        ("reboot", ["fence_scsi", "fence_x"], ["off d0", "off d1", "on d1?"]),
    ],
)
def test_how_a_level_carries_out_an_operation(operation, agents, expected):
    assert steps(operation, *agents) == expected


def test_an_agent_without_reboot_may_be_told_another_word_for_it():
    assert steps("reboot", "fence_scsi", pcmk_reboot_action="off") == ["reboot d0"]


def test_each_operation_has_limits_of_its_own():
    found = only(cib(device("d", pcmk_off_timeout="7s", pcmk_on_retries="5", pcmk_list_timeout="3s")))
    assert [found.timeout_ms(o) for o in ("off", "on", "list", "status")] == [7_000, 60_000, 3_000, 60_000]
    assert [found.tries(o) for o in ("off", "on")] == [2, 5]


@pytest.mark.parametrize(
    ("agent", "meta", "ends"),
    [
        ("fence_x", {}, True),
        ("fence_x", {"provides": "unfencing"}, False),
        ("fence_scsi", {}, False),
        ("fence_kdump", {}, True),
        ("external/ipmi", {}, True),
    ],
)
def test_whether_anything_runs_on_after_it(agent, meta, ends):
    document = cib(device("d", agent=Agent("stonith", "", agent), meta=meta))
    assert only(document).ends_daemon == ends
    assert len(levels_for(document, TARGET, has_to_end=True)) == ends


def test_that_a_device_is_fabric_may_be_said_by_its_template():
    template = Template(id=ResourceId("t"), agent=FENCE_X, meta=attributes({"provides": "Unfencing"}))
    document = cib(template, Primitive(id=ResourceId("d"), template=ResourceId("t")))
    assert levels_for(document, TARGET, has_to_end=True) == ()


def test_a_device_that_does_nothing_is_no_level():
    heuristics = device("ping", agent=Agent("stonith", "", "fence_heuristics_ping"))
    assert names(cib(heuristics, device("d"))) == ["d"]
    assert names(cib(heuristics)) == []
