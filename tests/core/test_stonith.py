"""Fencing: which devices, in which order, how often, and when it must not be done."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from hashelld.cib.document import Cib, Properties
from hashelld.core.devices import Device, levels_for, plug_of
from hashelld.core.effects import RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.settings import Settings
from hashelld.core.stonith import FencingDone, Stonith, StonithOutput
from hashelld.model.ids import Incarnation, NodeId, ResourceId
from hashelld.model.resource import Agent, AttributeSet, NvPair, Primitive, Template
from hashelld.wire.log import Electorate


NODE, TARGET = NodeId("node1"), NodeId("node3")
FIRST, SECOND = Incarnation(1, "a"), Incarnation(2, "b")
FENCE_X = Agent("stonith", "", "fence_x")


def attributes(values: dict[str, str], score: str | None = None) -> tuple[AttributeSet, ...]:
    return (AttributeSet(tuple(NvPair(n, v) for n, v in values.items()), score=score),) if values else ()


def device(name: str, agent: Agent | None = FENCE_X, meta: dict[str, str] | None = None, **params: str) -> Primitive:
    return Primitive(id=ResourceId(name), agent=agent, params=attributes(params), meta=attributes(meta or {}))


def cib(*objects: Primitive | Template, **properties: str) -> Cib:
    pairs = tuple(NvPair(name.replace("_", "-"), value) for name, value in properties.items())
    return Cib((*objects, Properties(id="p", kind="property", set=AttributeSet(pairs))))


class Rig:
    """A fencing machine whose devices end when the test says so. It draws the longest delay."""

    def __init__(self) -> None:
        settings = Settings(
            node=NODE, cluster_name="c", file_digest="", founding=Electorate(votes={NODE: 1}), state_dir="/run/x"
        )
        numbers = count(1)
        self.machine = Stonith(settings, lambda: next(numbers), lambda bound: bound)
        self.called: list[RunAgent] = []
        self.done: list[FencingDone] = []
        self.now = 0

    def take(self, outputs: list[StonithOutput]) -> None:
        self.called += [o for o in outputs if isinstance(o, RunAgent)]
        self.done += [o for o in outputs if isinstance(o, FencingDone)]

    def request(
        self, cib: Cib, target: NodeId = TARGET, incarnation: Incarnation = FIRST, operation: str = "off"
    ) -> None:
        self.take(self.machine.request(self.now, cib, target, incarnation, operation))

    def end(self, rc: int | None, *, allowed: bool = True, **more: str) -> None:
        run = self.called[-1].run
        assert self.machine.owns(run)
        event = AgentEnded(run=run, rc=rc, **more)
        self.take(self.machine.on_agent_ended(self.now, event, allowed=allowed))

    def at(self, now: int, *, allowed: bool = True) -> None:
        self.now = now
        self.take(self.machine.on_deadline(now, allowed=allowed))

    @property
    def told(self) -> list[str]:
        """What each call told its device."""
        return [run.stdin for run in self.called]


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
    rig.end(0)
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
    ],
)
def test_reasons(rig, ended, reason):
    rig.request(cib(device("d1", pcmk_off_retries="1")))
    rig.end(**ended)
    assert rig.done[0].reason == reason


def test_an_agent_that_must_not_be_executed_is_passed_over(rig):
    rig.request(cib(device("d1", agent=Agent("stonith", "", "null")), device("d2")))
    assert [run.label for run in rig.called] == ["stonith-node3-off"]
    rig.end(0)
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
    rig.end(0)
    assert len(rig.called) == len(rig.done) == 1


def test_another_request_for_the_node_waits_for_the_first(rig):
    devices = cib(device("d1"))
    rig.request(devices)
    rig.request(devices, incarnation=SECOND, operation="reboot")
    rig.request(devices, incarnation=SECOND, operation="reboot")
    assert len(rig.called) == 1
    rig.end(0)
    assert len(rig.called) == 2
    assert rig.told[1].startswith("action=reboot\n")
    rig.end(0)
    assert [(d.incarnation, d.operation, d.ok) for d in rig.done] == [(FIRST, "off", True), (SECOND, "reboot", True)]


def test_of_those_that_wait_only_the_newest_does(rig):
    devices = cib(device("d1"))
    for operation in ("off", "reboot", "on"):
        rig.request(devices, operation=operation)
    assert [(d.operation, d.ok) for d in rig.done] == [("reboot", False)]
    rig.end(0)
    rig.end(0)
    assert [d.operation for d in rig.done] == ["reboot", "off", "on"]


def test_nodes_are_fenced_side_by_side(rig):
    devices = cib(device("d1"))
    rig.request(devices)
    rig.request(devices, target=NodeId("node2"))
    assert len(rig.called) == 2


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
    rig.end(0)
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


@pytest.mark.parametrize("delay", ["0", "2s"])
def test_quorum_is_asked_for_before_the_next_device(rig, delay):
    rig.request(cib(device("d1", pcmk_off_retries="1"), device("d2", pcmk_delay_base=delay)))
    rig.end(1, allowed=False)
    assert len(rig.called) == 1
    assert rig.done[0].reason == "lost quorum"


def test_a_success_counts_whatever_became_of_quorum(rig):
    rig.request(cib(device("d1")))
    rig.end(0, allowed=False)
    assert rig.done[0].ok


# A node that is back.


def test_before_a_device_is_called_a_request_can_be_taken_back(rig):
    rig.request(cib(device("d1", pcmk_delay_base="2s")))
    rig.take(rig.machine.cancel(TARGET))
    assert [(d.ok, d.reason) for d in rig.done] == [(False, "the node is back")]
    rig.at(2_000)
    assert rig.called == []
    assert rig.machine.deadline() is None


def test_after_a_device_was_called_its_result_is_waited_for_and_no_other_is_called(rig):
    rig.request(cib(device("d1"), device("d2")))
    rig.take(rig.machine.cancel(TARGET))
    assert rig.done == []
    assert rig.machine.is_called(TARGET)
    rig.end(1)
    assert len(rig.called) == 1
    assert rig.done[0].reason == "the node is back"


def test_a_device_that_succeeds_after_all_is_told(rig):
    rig.request(cib(device("d1")))
    rig.machine.cancel(TARGET)
    rig.end(0)
    assert rig.done[0].ok
    assert rig.done[0].incarnation == FIRST


def test_a_request_that_waits_is_taken_back_too(rig):
    devices = cib(device("d1"))
    rig.request(devices)
    rig.request(devices, operation="reboot")
    rig.take(rig.machine.cancel(TARGET))
    assert [d.operation for d in rig.done] == ["reboot"]


def test_taking_back_what_nobody_asked_for_is_nothing(rig):
    assert rig.machine.cancel(TARGET) == []


# Which devices.


def names(document: Cib, target: NodeId = TARGET) -> list[str]:
    return [d.id for level in levels_for(document, target, "off") for d in level]


def only(document: Cib, operation: str = "off") -> Device:
    ((found,),) = levels_for(document, TARGET, operation)
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
    levels = levels_for(cib(owner, user, dangling), TARGET, "off")
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
    assert (found.timeout_ms, found.tries) == (timeout_ms, tries)
