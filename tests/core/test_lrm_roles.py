"""The local resource manager and instances with roles: promote, demote, notify, migrate, reload."""

from __future__ import annotations

import pytest

from hashelld.model.history import OpStatus
from hashelld.model.resource import Agent
from tests.core.lrm_rig import DUMMY, VIP, WEB, Rig, act, probe, watch


@pytest.fixture
def rig() -> Rig:
    return Rig()


def promoted(rig: Rig) -> None:
    rig.started()
    rig.order(act("promote"))
    rig.end("vip_promote")


# Roles.


def test_what_was_promoted_is_promoted_until_it_is_demoted_or_stopped(rig):
    rig.started()
    assert rig.lrm.promoted() == frozenset()
    rig.order(act("promote"))
    assert rig.lrm.promoted() == {VIP}, "it may be, from the beginning"
    rig.end("vip_promote")
    assert (rig.lrm.promoted(), rig.lrm.active()) == ({VIP}, {VIP})
    rig.order(act("demote"))
    rig.end("vip_demote", rc=1)
    assert rig.lrm.promoted() == {VIP}
    rig.order(act("demote"))
    rig.end("vip_demote")
    assert (rig.lrm.promoted(), rig.lrm.active()) == (frozenset(), {VIP})
    rig.order(act("promote"))
    rig.end("vip_promote", rc=1)
    assert rig.lrm.promoted() == {VIP}, "a failed promotion leaves it open"
    rig.order(act("stop"))
    rig.end("vip_stop")
    assert (rig.lrm.promoted(), rig.lrm.active()) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("rc", "is_promoted", "is_active"), [(0, False, True), (7, False, False), (8, True, True), (9, True, True)]
)
def test_a_first_look_tells_the_role(rig, rc, is_promoted, is_active):
    rig.order(probe())
    rig.end("vip_monitor", rc=rc)
    assert (VIP in rig.lrm.promoted(), VIP in rig.lrm.active()) == (is_promoted, is_active)
    assert not rig.done[1].is_failed


@pytest.mark.parametrize(("rc", "is_promoted"), [(0, False), (1, True), (7, False), (8, True), (9, True), (None, True)])
def test_a_monitor_tells_when_the_role_is_another(rig, rc, is_promoted):
    promoted(rig)
    rig.order(watch(expected_rc=8))
    rig.end("vip_monitor", rc=rc)
    assert (VIP in rig.lrm.promoted()) is is_promoted
    assert rig.done[3].is_failed is (rc != 8)


def test_what_is_promoted_is_stopped_with_what_it_was_started_with(rig):
    rig.order(act("start", parameters={"a": "old"}))
    rig.end("vip_start")
    rig.order(act("promote", parameters={"a": "new"}))
    rig.end("vip_promote")
    for operation in ("demote", "stop"):
        rig.order(act(operation, parameters={"a": "new"}, agent=Agent("ocf", "x", "Other"), meta={"notify": "true"}))
        (agent,) = rig.flying.values()
        assert agent.environment["OCF_RESKEY_a"] == "old"
        assert agent.environment["OCF_RESKEY_CRM_meta_notify"] == "true"
        assert agent.argv[0].endswith("heartbeat/Dummy")
        rig.end(f"vip_{operation}")


def test_monitors_of_both_roles_run_side_by_side_until_they_are_cancelled(rig):
    rig.started()
    rig.order(watch(interval_ms=11_000))
    rig.end("vip_monitor_11000")
    rig.order(act("promote"))
    rig.end("vip_promote")
    rig.order(watch(interval_ms=10_000, expected_rc=8))
    rig.end("vip_monitor_10000", rc=8)
    assert list(rig.shown()) == ["vip_start_0", "vip_monitor_11000", "vip_promote_0", "vip_monitor_10000"]
    assert rig.at(11_000) == ["vip_monitor_10000@node1"]
    assert rig.end("vip_monitor_10000", rc=8) == ["vip_monitor_11000@node1"]


def test_a_demotion_ends_all_monitors(rig):
    promoted(rig)
    rig.order(watch(interval_ms=10_000, expected_rc=8))
    rig.order(act("demote"))
    assert len(rig.killed) == 1
    rig.end("vip_monitor", rc=None)
    assert rig.done[3].status is OpStatus.CANCELLED
    rig.end("vip_demote")
    assert rig.lrm.deadline() is None


# Notifications.


def notify(**more: object):
    meta = {"notify_type": "pre", "notify_operation": "promote", "notify_promote_uname": "node1"}
    return act("notify", meta=meta, **more)


def test_a_notification_is_told_and_not_recorded(rig):
    promoted(rig)
    before = rig.lrm.status()
    rig.order(notify())
    (agent,) = rig.flying.values()
    assert agent.argv[-1] == "notify"
    assert agent.environment["OCF_RESKEY_CRM_meta_notify_promote_uname"] == "node1"
    rig.end("vip_pre_notify")
    assert rig.lrm.status() == before
    assert not rig.done[3].is_failed


@pytest.mark.parametrize("rc", [1, 3, 7, None])
def test_a_notification_that_fails_is_no_failure(rig, rc):
    rig.order(notify())
    rig.end("vip_pre_notify", rc=rc)
    assert not rig.done[1].is_failed
    assert (rig.shown(), rig.lrm.status().failures) == ({}, ())


def test_a_notification_without_an_agent_is_no_failure(rig):
    rig.order(notify())
    rig.end("vip_pre_notify", rc=None, error="No such file or directory")
    assert not rig.done[1].is_failed


def test_a_notification_makes_nothing_active(rig):
    rig.order(notify())
    assert (rig.lrm.active(), rig.lrm.active_actions()) == (frozenset(), ())


# Migration.


MOVE = {"migrate_source": "node2", "migrate_target": "node1"}


def test_what_was_migrated_here_runs_here(rig):
    rig.order(act("migrate_from", meta=MOVE, digest="d"))
    assert rig.shown() == {"vip_migrate_from_0": (OpStatus.PENDING, 0)}
    rig.end("vip_migrate_from")
    result = rig.done[1]
    assert (result.migrate_source, result.migrate_target, result.digest) == ("node2", "node1", "d")
    assert rig.lrm.status().operations == (result,)
    assert rig.lrm.active() == {VIP}


def test_a_migration_away_ends_monitors_and_leaves_the_stop_to_an_order(rig):
    rig.started()
    rig.order(watch())
    rig.order(act("migrate_to", meta=MOVE))
    assert len(rig.killed) == 1
    rig.end("vip_monitor", rc=None)
    rig.end("vip_migrate_to")
    assert list(rig.shown()) == ["vip_start_0", "vip_migrate_to_0"]
    assert rig.lrm.active() == {VIP}
    rig.order(act("stop"))
    rig.end("vip_stop")
    assert rig.lrm.active() == frozenset()


# Reloading.


def test_after_a_reload_it_counts_as_started_with_the_new_parameters(rig):
    rig.order(act("start", parameters={"a": "1"}, digest="old"))
    rig.end("vip_start")
    rig.order(watch(digest="monitor"))
    rig.end("vip_monitor")
    rig.order(act("reload-agent", parameters={"a": "2"}, digest="new"))
    rig.end("vip_reload-agent")
    assert {r.operation: r.digest for r in rig.lrm.status().operations} == {"start": "new", "monitor": "monitor"}
    rig.order(act("stop", parameters={"a": "3"}))
    (agent,) = rig.flying.values()
    assert agent.environment["OCF_RESKEY_a"] == "2"


def test_an_older_agent_is_told_to_reload_in_its_own_words(rig):
    rig.started()
    rig.order(act("reload-agent", digest="new"))
    assert rig.end("vip_reload-agent", rc=3) == ["vip_reload-agent_0@node1"]
    (agent,) = rig.flying.values()
    assert agent.argv[-1] == "reload"
    assert agent.environment["OCF_RESKEY_CRM_meta_name"] == "reload"
    rig.end("vip_reload-agent")
    assert (rig.done[2].operation, rig.done[2].is_failed) == ("reload-agent", False)
    assert [r.digest for r in rig.lrm.status().operations] == ["new"]


def test_an_agent_that_knows_neither_word_has_failed(rig):
    rig.started()
    rig.order(act("reload-agent"))
    rig.end("vip_reload-agent", rc=3)
    assert rig.end("vip_reload-agent", rc=3) == []
    assert rig.done[2].is_failed
    assert rig.shown()["vip_reload-agent_0"] == (OpStatus.COMPLETE, 3)
    rig.order(act("reload-agent"))
    rig.end("vip_reload-agent")
    assert "vip_reload-agent_0" not in rig.shown()


# What the status tells beside results.


def test_the_status_names_the_agent_of_each_resource(rig):
    rig.started()
    rig.order(probe(WEB, agent=Agent("systemd", "", "web")))
    rig.end("web_monitor", rc=0, stdout="ActiveState=inactive\nLoadState=loaded\n")
    assert rig.lrm.status().agents == {VIP: DUMMY, WEB: Agent("systemd", "", "web")}
    rig.take(rig.lrm.cleanup(WEB))
    rig.take(rig.lrm.cleanup(VIP))
    assert rig.lrm.status().agents == {VIP: DUMMY}, "it still runs"
