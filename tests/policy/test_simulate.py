"""Carrying transitions out in memory: what a node remembers afterwards, and what failures stop."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.action import Action, ActionKind
from hashelld.model.device import UNFENCED
from hashelld.model.history import ActionResult, NodeStatus, OpStatus
from hashelld.model.resource import Agent
from hashelld.model.score import INFINITY
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.simulate import carry_out, execute, without_departures
from tests.build import NOW_MS, cluster


WEB = "  primitive web ocf:heartbeat:Dummy op monitor interval=10s"
AGENT = Agent("ocf", "heartbeat", "Dummy")


def act(
    kind: ActionKind, operation: str, node: str | None = "n1", after: tuple[int, ...] = (), **more: object
) -> Action:
    fields = {"resource": "web", **more}
    return Action(kind=kind, node=node, operation=operation, after=after, **fields)


def run(operation: str, node: str = "n1", after: tuple[int, ...] = (), **more: object) -> Action:
    return act(ActionKind.RESOURCE, operation, node, after, **more)


def after(view: ClusterView, *actions: Action, **failures: int) -> ClusterView:
    return carry_out(view, Transition(actions), failures)


def history(view: ClusterView, node: str = "n1") -> list[tuple[str, int, int]]:
    found = view.node(node)
    assert found is not None
    results = sorted(found.status.operations, key=lambda result: result.call)
    return [(r.operation, r.interval_ms, r.rc) for r in results if r.resource == "web"]


@pytest.fixture
def view() -> ClusterView:
    return cluster(f"cluster nodes=n1,n2\n{WEB}\nactive web on n1")


def test_what_nothing_is_done_to_stays_equal(view):
    assert after(view) == view


def test_a_result_takes_the_place_of_the_last_and_comes_after_all_others(view):
    done = after(view, run("start", digest="abc", agent=AGENT))
    newest = max(done.node("n1").status.operations, key=lambda result: result.call)
    assert (newest.operation, newest.digest, newest.rc, newest.ended_ms) == ("start", "abc", 0, NOW_MS)
    assert [name for name, _ms, _rc in history(done)].count("start") == 1
    assert done.node("n1").status.agents["web"] == AGENT


def test_a_stop_ends_the_monitors(view):
    assert ("monitor", 10_000, 0) in history(view)
    assert ("monitor", 10_000, 0) not in history(after(view, run("stop")))


def test_probes_find_what_they_expect(view):
    done = after(view, run("monitor", "n2", expected_rc=7))
    assert history(done, "n2")[-1] == ("monitor", 0, 7)


def test_what_was_under_way_has_ended():
    view = cluster(f"cluster nodes=n1\n{WEB}\npending web start on n1")
    pending = [r for r in view.node("n1").status.operations if r.status is OpStatus.PENDING]
    assert pending
    done = after(view, run("stop"))
    assert all(r.status is not OpStatus.PENDING for r in done.node("n1").status.operations)


def test_notifications_leave_no_trace(view):
    assert history(after(view, run("notify"))) == history(view)


def test_a_reload_changes_the_digest_and_nothing_else(view):
    done = after(view, run("reload-agent", digest="new"))
    assert history(done) == history(view)
    started = next(r for r in done.node("n1").status.operations if r.operation == "start")
    assert started.digest == "new"


def test_a_migration_is_told_by_both_ends(view):
    meta = {"migrate_source": "n1", "migrate_target": "n2"}
    done = after(
        view, run("migrate_to", meta=meta), run("migrate_from", "n2", (0,), meta=meta), run("stop", after=(1,))
    )
    assert [name for name, _ms, _rc in history(done)][-2:] == ["migrate_to", "stop"]
    arrived = next(r for r in done.node("n2").status.operations if r.operation == "migrate_from")
    assert (arrived.migrate_source, arrived.migrate_target) == ("n1", "n2")


def test_cancelled_monitors_are_gone(view):
    done = after(view, act(ActionKind.CANCEL, "monitor", interval_ms=10_000))
    assert ("monitor", 10_000, 0) not in history(done)


def test_forgotten_resources_leave_nothing():
    view = cluster(f"cluster nodes=n1\n{WEB}\nactive web on n1\nfailed web monitor on n1 rc=7")
    done = after(view, act(ActionKind.FORGET, "delete"))
    assert history(done) == []
    assert done.node("n1").status.failures == ()


def test_cleared_failures_are_gone_with_what_showed_them():
    view = cluster(f"cluster nodes=n1\n{WEB}\nactive web on n1\nfailed web monitor on n1 rc=7")
    done = after(view, act(ActionKind.CLEAR_FAILURES, "clear_failcount"))
    assert ("monitor", 10_000, 7) not in history(done)
    assert done.node("n1").status.failures == ()


@pytest.mark.parametrize("operation", ["off", "reboot"])
def test_a_fenced_node_is_off_and_remembers_nothing(view, operation):
    lost = replace(view, nodes=tuple(replace(n, online=False, unclean=True) for n in view.nodes))
    done = after(lost, act(ActionKind.FENCE, operation, resource=None)).node("n1")
    assert (done.online, done.unclean, done.status.operations, done.status.attributes) == (False, False, (), {})


def test_unfencing_is_remembered(view):
    done = after(view, act(ActionKind.FENCE, "on", resource=None)).node("n1")
    assert done.online
    assert done.status.attributes[UNFENCED] == str(NOW_MS // 1000)


def test_a_guest_that_is_reset_remembers_nothing(view):
    there = after(view, run("start", "guest"))
    assert there.node("guest").is_remote
    assert history(there, "guest")
    reset = after(there, act(ActionKind.PSEUDO, "reboot", "guest", resource=None))
    assert history(reset, "guest") == []
    assert reset.node("guest").is_remote


def test_other_events_do_nothing(view):
    assert after(view, act(ActionKind.PSEUDO, "stop"), act(ActionKind.PSEUDO, "stopped", None)) == view


LEAVING = f"cluster nodes=n1,n2\n  property shutdown-lock=true\n{WEB}\n  primitive other ocf:heartbeat:Dummy\n"


def test_a_node_that_leaves_is_off():
    view = cluster(f"{LEAVING}\nactive web on n1\nnode n1 leaving")
    gone = act(ActionKind.SHUTDOWN, "do_shutdown", resource=None, after=(0,))
    done = after(view, run("stop"), gone).node("n1")
    assert (done.online, done.is_leaving) == (False, False)
    assert done.status.locks == {"web": NOW_MS}
    assert {result.resource for result in done.status.operations} == {"web"}


def test_departures_can_be_left_out():
    view = cluster(f"{LEAVING}\nactive web on n1\nnode n1 leaving")
    left = without_departures(Transition((run("stop"), act(ActionKind.SHUTDOWN, "do_shutdown", resource=None))))
    done = carry_out(view, left).node("n1")
    assert done.online
    assert len(left.actions) == 2


def test_a_lock_ends_where_the_resource_starts_again(view):
    locked = NodeView(node="n1", online=True, status=NodeStatus(node="n1", locks={"web": 5, "other": 6}))
    done = after(replace(view, nodes=(locked,)), run("start"))
    assert done.node("n1").status.locks == {"other": 6}


def test_a_failure_stops_what_waits_for_it(view):
    actions = (run("stop"), run("start", "n2", (0,)), run("monitor", "n2", (1,), interval_ms=10_000))
    done = execute(view, Transition(actions), {"web_start_0@n2": 1})
    assert (done.failed, done.skipped) == ((1,), (2,))
    assert history(done.view, "n2")[-1] == ("start", 0, 1)
    (count,) = done.view.node("n2").status.failures
    assert (count.operation, count.count, count.last_ms) == ("start", INFINITY, NOW_MS)


def test_what_failed_is_planned_for(view):
    moving = cluster(f"cluster nodes=n1,n2\n{WEB}\nactive web on n1\nnode n1 standby")
    failed = carry_out(moving, plan(moving), {"web_start_0@n2": 1})
    assert "web_stop_0@n2" in {action.label for action in plan(failed).actions}


@pytest.mark.parametrize(
    ("action", "count"),
    [
        (run("start", meta={"start-failure-is-fatal": "false"}), 1),
        (run("stop"), INFINITY),
        (run("monitor", interval_ms=10_000), 1),
        (run("promote"), 1),
    ],
)
def test_how_failures_are_counted(view, action, count):
    once = carry_out(view, Transition((action,)), {action.label: 1})
    (found,) = once.node("n1").status.failures
    assert found.count == count
    twice = carry_out(once, Transition((action,)), {action.label: 1})
    (found,) = twice.node("n1").status.failures
    assert found.count == min(2 * count, INFINITY)


def test_a_first_look_that_finds_it_running_is_no_failure(view):
    done = execute(view, Transition((run("monitor", "n2", expected_rc=7),)), {"web_monitor_0@n2": 0})
    assert done.failed == (0,)
    result = done.view.node("n2").status.operations[-1]
    assert (result.rc, result.is_failed) == (0, False)
    assert done.view.node("n2").status.failures == ()


def test_a_fencing_that_fails_leaves_the_node_as_it_is(view):
    lost = replace(view, nodes=tuple(replace(n, online=False, unclean=True) for n in view.nodes))
    fence = act(ActionKind.FENCE, "reboot", resource=None)
    done = execute(lost, Transition((fence, run("start", "n2", (0,)))), {"stonith-n1-reboot@n1": 1})
    assert (done.failed, done.skipped) == ((0,), (1,))
    assert done.view == lost


def test_results_of_the_same_kind_are_kept_until_another_comes():
    twice = tuple(
        ActionResult(resource="web", operation="monitor", interval_ms=10_000, call=call, rc=rc)
        for call, rc in ((5, 0), (4, 7))
    )
    node = NodeView(node="n1", online=True, status=NodeStatus(node="n1", operations=twice))
    view = ClusterView(cib=cluster("cluster nodes=n1").cib, nodes=(node,))
    assert sorted(history(after(view, run("start")))) == [
        ("monitor", 10_000, 0),
        ("monitor", 10_000, 7),
        ("start", 0, 0),
    ]
    assert history(after(view, run("monitor", interval_ms=10_000))) == [("monitor", 10_000, 0)]


def numbered(*results: tuple[str, str, int, int]) -> ClusterView:
    operations = tuple(
        ActionResult(resource=name, operation=operation, call=call, rc=rc, expected_rc=rc)
        for name, operation, call, rc in results
    )
    node = NodeView(node="n1", online=True, status=NodeStatus(node="n1", operations=operations))
    return ClusterView(cib=cluster("cluster nodes=n1").cib, nodes=(node,))


def test_numbered_histories_go_on_under_the_number_that_is_active():
    view = numbered(("web:0", "monitor", 1, 7), ("web:1", "start", 2, 0), ("web:2", "stop", 3, 0))
    done = after(view, run("stop")).node("n1")
    newest = max(done.status.operations, key=lambda result: result.call)
    assert (newest.resource, newest.operation) == ("web:1", "stop")


def test_without_an_active_one_any_number_goes_on():
    view = numbered(("web:0", "monitor", 1, 7), ("web:1", "stop", 2, 0))
    done = after(view, run("start"), act(ActionKind.FORGET, "delete", after=(0,)))
    assert {result.resource for result in done.node("n1").status.operations} == {"web:0"}


def test_a_name_of_its_own_goes_before_numbers():
    view = numbered(("web:0", "start", 1, 0), ("web", "monitor", 2, 7))
    assert history(after(view, run("start")))[-1] == ("start", 0, 0)


def test_nodes_that_get_a_state_are_reported_from_then_on(view):
    done = after(replace(view, reported=("n2",)), run("start", "guest"), run("monitor", "n1", expected_rc=7))
    assert done.reported == ("n2", "n1", "guest")
