"""The local resource manager: orders, queues, results, failures, and what runs."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.core.effects import RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.lrm import OrderDone, OrderKey, StatusChanged
from hashelld.model.action import Action, ActionKind
from hashelld.model.device import DIGESTS_ALL, UNFENCED
from hashelld.model.history import ActionResult, FailureCount, OpStatus
from hashelld.model.ids import Epoch, NodeId, ResourceId
from hashelld.model.resource import Agent
from hashelld.model.score import INFINITY
from tests.core.lrm_rig import DUMMY, EPOCH, FENCE, NODE, VIP, WALL_MS, WEB, Rig, act, probe, watch


@pytest.fixture
def rig() -> Rig:
    return Rig()


# Orders and results.


def test_an_order_runs_its_agent_and_is_answered_with_its_result(rig):
    assert rig.order(act(parameters={"ip": "x"}, digest="d", timeout_ms=3_000)) == ["vip_start_0@node1"]
    (agent,) = rig.flying.values()
    assert agent.argv == ("/usr/lib/ocf/resource.d/heartbeat/Dummy", "start")
    assert agent.timeout_ms == 3_000
    assert agent.environment["OCF_RESKEY_ip"] == "x"
    assert rig.done == {}
    rig.now = 40
    rig.end("vip_start")
    assert rig.done[1] == ActionResult(
        resource=VIP,
        operation="start",
        call=1,
        started_ms=WALL_MS,
        ended_ms=WALL_MS + 40,
        duration_ms=5,
        digest="d",
    )
    assert rig.lrm.status().operations == (rig.done[1],)


@pytest.mark.parametrize("operation", ["start", "stop", "promote", "demote"])
def test_an_operation_under_way_is_shown_as_pending(rig, operation):
    rig.order(act(operation))
    assert rig.shown() == {f"vip_{operation}_0": (OpStatus.PENDING, 0)}
    assert rig.changes == 1


def test_a_changed_status_comes_before_the_answer_that_it_explains(rig):
    key = OrderKey(EPOCH, 1)
    (run,) = [o.run for o in rig.lrm.on_order(0, 0, key, act()) if isinstance(o, RunAgent)]
    kinds = [type(o) for o in rig.lrm.on_agent_ended(1, 1, AgentEnded(run=run, rc=0))]
    assert kinds.index(StatusChanged) < kinds.index(OrderDone)


def test_a_repeated_order_gets_its_first_answer_and_runs_nothing(rig):
    rig.order(act(), call=5)
    assert rig.order(act(), call=5) == []
    assert rig.done == {}
    rig.end("vip_start", rc=1)
    first = rig.done.pop(5)
    assert rig.order(act(), call=5) == []
    assert rig.done == {5: first}
    assert rig.flying == {}


def test_an_answer_is_kept_when_a_newer_epoch_orders(rig):
    rig.order(act(), call=5)
    rig.end("vip_start")
    rig.order(act("stop"), call=1, epoch=Epoch(2, NODE))
    assert rig.order(act(), call=5) == []
    assert rig.done[5].operation == "start"


def test_equal_numbers_of_different_epochs_are_different_orders(rig):
    rig.order(act(), call=1)
    rig.end("vip_start")
    assert rig.order(act("stop"), call=1, epoch=Epoch(1, NodeId("node2"))) == ["vip_stop_0@node1"]


def test_a_resource_has_one_agent_at_a_time_and_others_run_beside_it(rig):
    rig.order(act("start"))
    assert rig.order(act("promote")) == []
    assert rig.order(act("start", WEB)) == ["web_start_0@node1"]
    assert rig.end("vip_start") == ["vip_promote_0@node1"]


def test_a_timeout_is_a_failure_with_a_reason(rig):
    rig.order(act(timeout_ms=20_000))
    rig.end("vip_start", rc=None)
    result = rig.done[1]
    assert (result.status, result.rc, result.reason) == (OpStatus.TIMED_OUT, 1, "timed out after 20s")


def test_an_agent_that_cannot_be_executed_is_an_error_and_runs_nothing(rig):
    rig.order(act())
    rig.end("vip_start", rc=None, error="No such file or directory")
    assert (rig.done[1].status, rig.done[1].rc) == (OpStatus.ERROR, 5)
    assert rig.done[1].reason == "No such file or directory"
    assert rig.lrm.active() == frozenset()


@pytest.mark.parametrize("agent", [Agent("ocf", "heartbeat", "../x"), Agent("upstart", "", "x")])
def test_an_agent_that_must_not_be_executed_is_refused_at_once(rig, agent):
    assert rig.order(act(agent=agent)) == []
    assert rig.done[1].status is OpStatus.ERROR
    assert rig.done[1].reason
    assert rig.order(act("start")) == ["vip_start_0@node1"]


def test_results_are_numbered_in_the_order_of_their_beginning(rig):
    rig.order(act("start"))
    rig.order(act("start", WEB))
    rig.end("web_start")
    rig.end("vip_start")
    assert (rig.done[1].call, rig.done[2].call) == (1, 2)


@pytest.mark.parametrize("kind", [ActionKind.FENCE, ActionKind.SHUTDOWN, ActionKind.PSEUDO])
def test_actions_of_others_are_our_bug(rig, kind):
    with pytest.raises(AssertionError):
        rig.order(act(kind=kind))


def test_orders_for_another_node_are_our_bug(rig):
    with pytest.raises(AssertionError):
        rig.order(act(node=NodeId("node2")))


# Failures.


@pytest.mark.parametrize(
    ("action", "rc", "expected"),
    [
        (act("start"), 1, INFINITY),
        (act("start", meta={"start-failure-is-fatal": "false"}), 1, 1),
        (act("stop"), 1, INFINITY),
        (act("promote"), 1, 1),
        (act("demote"), 1, 1),
        (watch(), 7, 1),
        (watch(expected_rc=8), 0, 1),
    ],
)
def test_failures_are_counted(rig, action, rc, expected):
    rig.order(action)
    rig.end("vip_", rc=rc)
    assert rig.lrm.status().failures == (
        FailureCount(
            resource=VIP,
            operation=action.operation,
            interval_ms=action.interval_ms,
            count=expected,
            last_ms=WALL_MS,
        ),
    )


@pytest.mark.parametrize("rc", [0, 1, 5, 7, 8, None])
def test_first_looks_count_no_failures(rig, rc):
    rig.order(probe())
    rig.end("vip_monitor", rc=rc)
    assert rig.lrm.status().failures == ()


@pytest.mark.parametrize(("rc", "is_failed", "is_active"), [(7, False, False), (0, False, True), (8, False, True)])
def test_a_first_look_that_finds_something_has_not_failed(rig, rc, is_failed, is_active):
    rig.order(probe())
    rig.end("vip_monitor", rc=rc)
    assert rig.done[1].is_failed is is_failed
    assert rig.done[1].rc == rc
    assert (VIP in rig.lrm.active()) is is_active


def test_failures_of_one_operation_add_up_and_infinity_absorbs(rig):
    for _ in range(2):
        rig.order(act("promote"))
        rig.end("vip_promote", rc=1)
    for _ in range(2):
        rig.order(act("stop"))
        rig.end("vip_stop", rc=1)
    assert {f.operation: f.count for f in rig.lrm.status().failures} == {"promote": 2, "stop": INFINITY}


def test_failures_are_forgotten_by_order(rig):
    rig.started()
    rig.order(watch())
    rig.end("vip_monitor", rc=1)
    before = rig.lrm.status().serial
    rig.order(act("", kind=ActionKind.CLEAR_FAILURES))
    assert rig.lrm.status().failures == ()
    assert rig.shown() == {"vip_start_0": (OpStatus.COMPLETE, 0)}
    assert rig.lrm.status().serial > before
    assert not rig.done[3].is_failed


def test_a_removed_resource_is_forgotten_by_order(rig):
    rig.started()
    rig.started(WEB)
    rig.order(watch())
    rig.end("vip_monitor")
    rig.order(act("", kind=ActionKind.FORGET))
    assert rig.shown() == {"web_start_0": (OpStatus.COMPLETE, 0)}
    assert rig.lrm.active() == {WEB}
    assert rig.lrm.deadline() is None


def test_cleanup_of_a_resource_takes_its_instances_and_history_along(rig):
    for name in ("vip", "vip:0", "vip2"):
        rig.order(act("start", ResourceId(name)))
        rig.end(f"{name}_start", rc=1)
    rig.take(rig.lrm.cleanup(VIP))
    assert list(rig.shown()) == ["vip2_start_0"]
    assert [f.resource for f in rig.lrm.status().failures] == ["vip2"]


def test_cleanup_of_all_takes_what_failed(rig):
    rig.started(WEB)
    rig.order(act("start"))
    rig.end("vip_start", rc=1)
    before = rig.changes
    rig.take(rig.lrm.cleanup(None))
    assert list(rig.shown()) == ["web_start_0"]
    assert rig.changes == before + 1
    assert rig.lrm.active() == {VIP, WEB}, "what ran still runs"
    assert rig.lrm.cleanup(None) == []


# What runs.


@pytest.mark.parametrize("rc", [1, None])
def test_a_failed_start_leaves_open_whether_it_runs_and_a_stop_settles_it(rig, rc):
    rig.order(act("start", parameters={"ip": "x"}))
    assert rig.lrm.active() == {VIP}
    rig.end("vip_start", rc=rc)
    assert rig.lrm.active() == {VIP}
    (known,) = rig.lrm.active_actions()
    assert (known.agent, known.parameters) == (DUMMY, {"ip": "x"})
    rig.order(act("stop"))
    rig.end("vip_stop", rc=1)
    assert rig.lrm.active() == {VIP}
    rig.order(act("stop"))
    assert rig.lrm.active() == {VIP}
    rig.end("vip_stop")
    assert rig.lrm.active() == frozenset()


def test_a_monitor_that_finds_it_gone_says_that_it_does_not_run(rig):
    rig.started()
    rig.order(watch())
    rig.end("vip_monitor", rc=7)
    assert rig.lrm.active() == frozenset()


@pytest.mark.parametrize(("rc", "expected"), [(1, {VIP}), (None, {VIP}), (5, set()), (7, set())])
def test_a_first_look_that_tells_nothing_leaves_open_whether_it_runs(rig, rc, expected):
    rig.order(probe())
    rig.end("vip_monitor", rc=rc)
    assert rig.lrm.active() == expected


def test_agents_in_flight_are_reported_without_the_turns_of_monitors(rig):
    start = act("start", WEB)
    rig.started()
    rig.order(watch())
    rig.order(start)
    assert rig.lrm.in_flight() == (start,)
    assert rig.lrm.active() == {VIP, WEB}


# Fencing devices as resources, attributes.


def test_a_fencing_device_is_started_by_asking_it_and_stopped_by_not_using_it(rig):
    device = {"agent": FENCE}
    assert rig.order(probe(**device)) == []
    assert rig.done[1].rc == 7
    assert rig.order(act("start", **device)) == ["vip_start_0@node1"]
    assert [a.stdin for a in rig.flying.values()] == ["action=monitor\n"]
    rig.end("vip_start")
    rig.order(probe(**device))
    assert (rig.done[3].rc, rig.done[3].is_failed) == (0, False)
    assert rig.order(act("stop", **device)) == []
    assert rig.done[4].rc == 0
    assert rig.lrm.active() == frozenset()


def test_attributes_of_the_node(rig):
    rig.take(rig.lrm.set_attribute(0, "pingd", "100"))
    assert rig.lrm.status().attributes == {"pingd": "100"}
    assert rig.lrm.set_attribute(0, "pingd", "100") == []
    rig.take(rig.lrm.set_attribute(0, "pingd", None))
    assert rig.lrm.set_attribute(0, "absent", None) == []
    assert rig.lrm.status().attributes == {}
    assert rig.lrm.status().serial == rig.changes == 2


def test_a_dampened_attribute_shows_when_nothing_else_was_set_for_so_long(rig):
    rig.take(rig.lrm.set_attribute(0, "pingd", "100"))
    rig.take(rig.lrm.set_attribute(1_000, "pingd", "0", 5_000))
    rig.take(rig.lrm.set_attribute(3_000, "pingd", "0", 5_000))
    assert rig.lrm.deadline() == 6_000, "the same again is nothing new"
    rig.take(rig.lrm.set_attribute(4_000, "pingd", "50", 5_000))
    assert (rig.lrm.deadline(), rig.lrm.attributes()) == (9_000, {"pingd": "50"})
    rig.at(8_999)
    assert rig.lrm.status().attributes == {"pingd": "100"}
    rig.at(9_000)
    assert rig.lrm.status().attributes == {"pingd": "50"}
    assert rig.lrm.deadline() is None


def test_a_dampened_removal_and_a_change_that_does_not_wait(rig):
    rig.take(rig.lrm.set_attribute(0, "pingd", "100"))
    rig.take(rig.lrm.set_attribute(0, "pingd", None, 5_000))
    assert rig.lrm.attributes() == {}
    rig.take(rig.lrm.set_attribute(1_000, "pingd", "7"))
    rig.at(5_000)
    assert rig.lrm.status().attributes == rig.lrm.attributes() == {"pingd": "7"}


def test_a_node_calls_its_own_device_to_get_access(rig):
    """What comes of it is told, and is no part of any history."""
    switch = act("on", ResourceId("switch"), agent=FENCE, parameters={"ip": "1"}, meta={"plug": "7"}, timeout_ms=9_000)
    assert rig.order(switch) == ["switch_on_0@node1"]
    (called,) = rig.flying.values()
    assert called.stdin.splitlines() == ["action=on", "ip=1", "nodename=node1", "plug=7"]
    assert called.timeout_ms == 9_000
    rig.end("switch_on_0", 1, stderr="no route")
    assert (rig.done[1].is_failed, rig.done[1].reason) == (True, "no route")
    assert rig.order(switch) == ["switch_on_0@node1"]
    rig.end("switch_on_0")
    assert not rig.done[2].is_failed
    assert rig.shown() == {}


def test_a_node_notes_that_it_has_access(rig):
    told = Action(
        kind=ActionKind.FENCE, node=NODE, operation="on", resource=ResourceId(""), meta={DIGESTS_ALL: "d:x:1,"}
    )
    assert rig.order(told) == []
    assert not rig.done[1].is_failed
    assert rig.lrm.attributes() == {UNFENCED: str(WALL_MS // 1000), DIGESTS_ALL: "d:x:1,"}
    rig.order(msgspec.structs.replace(told, meta={}))
    assert rig.lrm.attributes() == {UNFENCED: str(WALL_MS // 1000)}
