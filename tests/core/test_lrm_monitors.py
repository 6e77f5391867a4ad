"""Recurring monitors of the local resource manager, and what a new epoch leaves of its orders."""

from __future__ import annotations

import pytest

from hashelld.model.action import ActionKind
from hashelld.model.history import OpStatus
from tests.core.lrm_rig import Rig, act, watch


@pytest.fixture
def rig() -> Rig:
    return Rig()


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
