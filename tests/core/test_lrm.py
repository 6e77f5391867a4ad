"""The local resource manager: orders, queues, recurring monitors, results and failures."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from hashelld.core.effects import KillAgent, RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.lrm import Lrm, LrmOutput, OrderDone, OrderKey, StatusChanged
from hashelld.core.settings import Settings
from hashelld.model.action import Action, ActionKind
from hashelld.model.history import ActionResult, FailureCount, OpStatus
from hashelld.model.ids import Epoch, NodeId, ResourceId
from hashelld.model.resource import Agent
from hashelld.model.score import INFINITY
from hashelld.wire.log import Electorate


NODE = NodeId("node1")
EPOCH = Epoch(1, NODE)
WALL_MS = 1_700_000_000_000
VIP, WEB = ResourceId("vip"), ResourceId("web")
DUMMY = Agent("ocf", "heartbeat", "Dummy")
FENCE = Agent("stonith", "", "fence_x")


def act(operation: str = "start", resource: ResourceId = VIP, **more: object) -> Action:
    plain = Action(kind=ActionKind.RESOURCE, node=NODE, resource=resource, operation=operation, agent=DUMMY)
    return msgspec.structs.replace(plain, **more)


def probe(resource: ResourceId = VIP, **more: object) -> Action:
    return act("monitor", resource, **({"expected_rc": 7} | more))


def watch(resource: ResourceId = VIP, interval_ms: int = 10_000, **more: object) -> Action:
    return act("monitor", resource, interval_ms=interval_ms, **more)


class Rig:
    """An lrm with a clock, and agents that end when the test says so."""

    def __init__(self) -> None:
        settings = Settings(
            node=NODE, cluster_name="c", file_digest="", founding=Electorate(votes={NODE: 1}), own_ocf_root="/own"
        )
        numbers = count(1)
        self.lrm = Lrm(NODE, settings, lambda: next(numbers))
        self.now = 0
        self.done: dict[int, ActionResult] = {}
        self.flying: dict[int, RunAgent] = {}
        self.killed: list[int] = []
        self.changes = 0
        self._calls = count(1)

    def take(self, outputs: list[LrmOutput]) -> list[str]:
        """Note what came out; the labels of the agents begun."""
        begun = []
        for output in outputs:
            match output:
                case OrderDone(key=key, result=result):
                    self.done[key.call] = result
                case RunAgent(run=run, label=label):
                    self.flying[run] = output
                    begun.append(label)
                case KillAgent(run=run):
                    self.killed.append(run)
                case StatusChanged():
                    self.changes += 1
        return begun

    def order(self, action: Action, call: int | None = None, epoch: Epoch = EPOCH) -> list[str]:
        key = OrderKey(epoch, next(self._calls) if call is None else call)
        return self.take(self.lrm.on_order(self.now, WALL_MS + self.now, key, action))

    def end(self, label: str, rc: int | None = 0, **more: str) -> list[str]:
        run = next(number for number, agent in self.flying.items() if agent.label.startswith(label))
        del self.flying[run]
        event = AgentEnded(run=run, rc=rc, duration_ms=5, **more)
        assert self.lrm.owns(run)
        begun = self.take(self.lrm.on_agent_ended(self.now, WALL_MS + self.now, event))
        assert not self.lrm.owns(run)
        return begun

    def at(self, now: int) -> list[str]:
        self.now = now
        return self.take(self.lrm.on_deadline(now, WALL_MS + now))

    def started(self, resource: ResourceId = VIP) -> None:
        self.order(act("start", resource))
        self.end(f"{resource}_start_0")

    def shown(self) -> dict[str, tuple[OpStatus, int]]:
        return {f"{r.resource}_{r.operation}_{r.interval_ms}": (r.status, r.rc) for r in self.lrm.status().operations}


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
    assert rig.lrm.answered(EPOCH) == (1,)


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


def test_notifications_are_answered_and_not_recorded(rig):
    rig.order(act("notify"))
    rig.end("vip_notify", rc=1)
    assert rig.done[1].rc == 1
    assert rig.shown() == {}


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


# Recurring monitors.


def test_the_first_run_is_immediate_and_answers_later_ones_keep_the_interval(rig):
    rig.started()
    assert rig.order(watch()) == ["vip_monitor_10000@node1"]
    rig.now = 30
    rig.end("vip_monitor")
    assert rig.done[2].rc == 0
    assert rig.lrm.deadline() == 10_000
    assert rig.at(9_999) == []
    assert rig.at(10_000) == ["vip_monitor_10000@node1"]
    before = rig.changes
    rig.end("vip_monitor")
    assert rig.changes == before, "an equal result is no news"
    assert rig.lrm.deadline() == 20_000


def test_a_run_longer_than_the_interval_delays_the_next(rig):
    rig.order(watch(interval_ms=100))
    rig.now = 250
    rig.end("vip_monitor")
    assert rig.lrm.deadline() == 250


def test_a_failure_is_news_and_watching_goes_on(rig):
    rig.order(watch())
    rig.end("vip_monitor")
    rig.at(10_000)
    rig.end("vip_monitor", rc=1, stderr="ocf-exit-reason:gone")
    assert rig.shown() == {"vip_monitor_10000": (OpStatus.COMPLETE, 1)}
    assert rig.lrm.status().operations[0].reason == "gone"
    assert rig.lrm.status().failures[0].count == 1
    rig.at(20_000)
    rig.end("vip_monitor", rc=0)
    assert rig.shown() == {"vip_monitor_10000": (OpStatus.COMPLETE, 0)}
    assert len(rig.done) == 1


def test_a_monitor_waits_for_its_turn_behind_other_agents(rig):
    rig.order(watch())
    rig.end("vip_monitor")
    rig.order(act("promote"))
    assert rig.at(10_000) == []
    assert rig.end("vip_promote") == ["vip_monitor_10000@node1"]


def test_a_monitor_begins_after_its_delay(rig):
    assert rig.order(watch(start_delay_ms=500)) == []
    assert rig.lrm.deadline() == 500
    assert rig.at(500) == ["vip_monitor_10000@node1"]
    rig.end("vip_monitor")
    assert rig.done[1].rc == 0


def test_a_start_begins_after_its_delay_and_a_stop_behind_it(rig):
    assert rig.order(act("start", start_delay_ms=500)) == []
    assert rig.order(act("stop")) == []
    assert rig.at(rig.lrm.deadline()) == ["vip_start_0@node1"]
    assert rig.end("vip_start") == ["vip_stop_0@node1"]


def test_cancelling_ends_a_monitor_and_its_record(rig):
    rig.order(watch())
    rig.end("vip_monitor")
    rig.order(watch(kind=ActionKind.CANCEL))
    assert not rig.done[2].is_failed
    assert rig.shown() == {}
    assert rig.lrm.deadline() is None


def test_cancelling_a_monitor_that_is_not_there_is_done(rig):
    rig.order(watch(kind=ActionKind.CANCEL))
    assert not rig.done[1].is_failed


def test_a_cancelled_run_is_killed_and_yields_no_result(rig):
    rig.order(watch())
    rig.end("vip_monitor")
    rig.at(10_000)
    (run,) = rig.flying
    rig.order(watch(kind=ActionKind.CANCEL))
    assert rig.killed == [run]
    rig.end("vip_monitor", rc=None)
    assert rig.shown() == {}
    assert rig.lrm.status().failures == ()
    assert rig.lrm.deadline() is None


def test_a_first_run_that_is_cancelled_is_answered_as_cancelled(rig):
    rig.order(watch())
    rig.order(watch(kind=ActionKind.CANCEL))
    rig.end("vip_monitor", rc=None)
    assert rig.done[1].status is OpStatus.CANCELLED
    assert not rig.done[1].is_failed


def test_a_delayed_monitor_that_is_cancelled_is_answered_as_cancelled(rig):
    rig.order(watch(start_delay_ms=500))
    rig.order(watch(kind=ActionKind.CANCEL))
    assert rig.done[1].status is OpStatus.CANCELLED
    assert rig.at(500) == []


def test_an_order_for_the_same_monitor_takes_the_place_of_the_one_before(rig):
    rig.order(watch())
    rig.end("vip_monitor")
    rig.now = 1_000
    assert rig.order(watch(parameters={"ip": "new"})) == ["vip_monitor_10000@node1"]
    rig.end("vip_monitor")
    assert rig.lrm.deadline() == 11_000
    rig.at(11_000)
    assert [a.environment["OCF_RESKEY_ip"] for a in rig.flying.values()] == ["new"]


@pytest.mark.parametrize("operation", ["stop", "demote"])
def test_a_stop_ends_the_monitor_in_flight_and_all_others_first(rig, operation):
    rig.started()
    rig.order(watch())
    rig.end("vip_monitor")
    rig.order(watch(interval_ms=60_000))
    (run,) = rig.flying
    assert rig.order(act(operation)) == []
    assert rig.killed == [run]
    assert rig.end("vip_monitor", rc=None) == [f"vip_{operation}_0@node1"]
    assert rig.done[3].status is OpStatus.CANCELLED
    rig.end(f"vip_{operation}")
    assert rig.lrm.deadline() is None
    assert set(rig.shown()) == {"vip_start_0", f"vip_{operation}_0"}


def test_a_monitor_in_the_queue_gives_way_to_a_stop(rig):
    rig.order(act("start"))
    rig.order(watch())
    rig.order(act("stop"))
    assert rig.done[2].status is OpStatus.CANCELLED
    assert rig.end("vip_start") == ["vip_stop_0@node1"]
    assert rig.end("vip_stop") == []


def test_a_failed_monitor_stays_to_be_seen_after_the_stop(rig):
    rig.started()
    rig.order(watch())
    rig.end("vip_monitor", rc=1)
    rig.order(act("stop"))
    rig.end("vip_stop")
    assert rig.shown()["vip_monitor_10000"] == (OpStatus.COMPLETE, 1)


# A new epoch.


def test_orders_not_begun_are_dropped_and_what_runs_goes_on(rig):
    rig.order(act("start"))
    rig.order(act("promote"))
    rig.lrm.drop_queued()
    assert rig.end("vip_start") == []
    assert list(rig.done) == [1]


def test_a_dropped_order_may_be_ordered_again(rig):
    rig.order(act("start"))
    rig.order(act("promote"), call=9)
    rig.lrm.drop_queued()
    rig.order(act("promote"), call=9)
    assert rig.end("vip_start") == ["vip_promote_0@node1"]


def test_recurring_monitors_survive_a_new_epoch(rig):
    rig.order(watch())
    rig.end("vip_monitor")
    rig.lrm.drop_queued()
    assert rig.at(10_000) == ["vip_monitor_10000@node1"]


def test_a_stop_that_was_dropped_leaves_the_monitors(rig):
    rig.started()
    rig.order(watch())
    rig.end("vip_monitor")
    rig.at(10_000)
    rig.order(act("stop"))
    rig.lrm.drop_queued()
    assert rig.end("vip_monitor", rc=None) == []
    assert rig.at(20_000) == ["vip_monitor_10000@node1"]


@pytest.mark.parametrize("delay_ms", [0, 500])
def test_a_monitor_that_never_ran_is_dropped_with_its_order(rig, delay_ms):
    rig.order(act("start"))
    rig.order(watch(start_delay_ms=delay_ms))
    rig.lrm.drop_queued()
    assert rig.end("vip_start") == []
    assert rig.at(60_000) == []
    assert rig.lrm.deadline() is None


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
    rig.take(rig.lrm.set_attribute("pingd", "100"))
    assert rig.lrm.status().attributes == {"pingd": "100"}
    assert rig.lrm.set_attribute("pingd", "100") == []
    rig.take(rig.lrm.set_attribute("pingd", None))
    assert rig.lrm.set_attribute("absent", None) == []
    assert rig.lrm.status().attributes == {}
    assert rig.lrm.status().serial == rig.changes == 2
