"""Steps of resources: roles one at a time, restarts, removals, what may start at all."""

from __future__ import annotations

from hashelld.model.history import ActionResult, OpStatus
from hashelld.model.ids import ResourceId
from hashelld.policy.acting.steps import BUSY, MIGRATABLE, Edge
from hashelld.policy.state.findings import Failure, Tally
from hashelld.policy.state.items import Stage
from tests.policy.situations import acted, active, describe, described, edge, required, situation, stays, wanted


ONE = """
cluster nodes=n1,n2
  primitive web ocf:test:web
"""
CLONE = """
cluster nodes=n1,n2
  primitive db ocf:test:db op monitor interval=10s role=Promoted op monitor interval=11s role=Unpromoted
  clone dbs db meta promotable=true
"""


def test_what_stays_has_an_optional_restart() -> None:
    found = situation(ONE)
    stays(found.by_id["web"], 0)
    graph = acted(found)
    assert described(graph) == ["(stop web@0)", "(start web@0)"]
    assert edge(graph, "stop web@0", "start web@0") & Edge.INTERMEDIATE_STOP


def test_a_start() -> None:
    found = situation(ONE)
    wanted(found.by_id["web"], 1)
    assert described(acted(found)) == ["start web@1"]


def test_a_move_is_a_stop_and_a_start() -> None:
    found = situation(ONE)
    active(found.by_id["web"], 0)
    wanted(found.by_id["web"], 1)
    assert described(acted(found)) == ["stop web@0", "start web@1"]


def test_nothing_starts_without_quorum() -> None:
    found = situation(ONE.replace("nodes=n1,n2", "nodes=n1,n2 quorum=no"))
    wanted(found.by_id["web"], 1)
    assert described(acted(found)) == ["(!start web@1)"]


def test_without_quorum_the_restart_of_what_runs_depends_on_the_policy() -> None:
    text = ONE.replace("nodes=n1,n2", "nodes=n1,n2 quorum=no")
    for policy, mark in (("stop", "!"), ("freeze", ""), ("ignore", ""), ("demote", "!")):
        found = situation(f"{text}  property no-quorum-policy={policy}\n")
        stays(found.by_id["web"], 0)
        assert described(acted(found)) == ["(stop web@0)", f"({mark}start web@0)"], policy


def test_without_quorum_demote_takes_the_promoted_role() -> None:
    text = CLONE.replace("nodes=n1,n2", "nodes=n1,n2 quorum=no")
    found = situation(f"{text}  property no-quorum-policy=demote\n")
    item = found.by_id["db:0"]
    stays(item, 0, Stage.PROMOTED)
    assert "demote db:0@0" in required(acted(found))
    assert item.next is Stage.UNPROMOTED


def test_what_is_active_twice_is_stopped_everywhere() -> None:
    found = situation(ONE)
    active(found.by_id["web"], 0, 1)
    wanted(found.by_id["web"], 0)
    assert required(acted(found)) == ["stop web@0", "stop web@1", "start web@0"]


def test_stop_unexpected_spares_the_expected_copy() -> None:
    found = situation(ONE.replace("ocf:test:web", "ocf:test:web meta multiple-active=stop_unexpected"))
    active(found.by_id["web"], 0, 1)
    wanted(found.by_id["web"], 0)
    assert required(acted(found)) == ["stop web@1", "~start web@0"]


def test_a_promoted_instance_that_moves_goes_all_the_way_down_and_up() -> None:
    found = situation(CLONE)
    item = found.by_id["db:0"]
    active(item, 0, stage=Stage.PROMOTED)
    wanted(item, 1, Stage.PROMOTED)
    assert required(acted(found))[:4] == ["demote db:0@0", "stop db:0@0", "start db:0@1", "promote db:0@1"]


def test_a_demotion_in_place() -> None:
    found = situation(CLONE)
    item = found.by_id["db:0"]
    active(item, 0, stage=Stage.PROMOTED)
    wanted(item, 0, Stage.UNPROMOTED)
    graph = acted(found)
    assert required(graph) == ["demote db:0@0", "monitor/11000 db:0@0"]
    assert edge(graph, "demote db:0@0", "stop db:0@0") & Edge.PROMOTED_THEN_IMPLIES_FIRST
    assert edge(graph, "demote db:0@0", "monitor/11000 db:0@0") & Edge.UNRUNNABLE_BLOCKS


def test_on_fail_demote_recovers_without_a_stop() -> None:
    found = situation(CLONE)
    item = found.by_id["db:0"]
    stays(item, 0, Stage.PROMOTED)
    item.is_failed = True
    item.forced_demotes[0] = "monitor failed"
    steps = described(acted(found))
    assert steps[:4] == ["demote db:0@0", "(stop db:0@0)", "(start db:0@0)", "promote db:0@0"]


def test_what_failed_restarts() -> None:
    found = situation(ONE)
    stays(found.by_id["web"], 0)
    found.by_id["web"].is_failed = found.by_id["web"].is_recovering = True
    found.by_id["web"].failures[0] = Failure("monitor", 10_000, 7, OpStatus.COMPLETE, "restart")
    assert required(acted(found)) == ["stop web@0", "start web@0"]


def test_what_is_unmanaged_is_never_required() -> None:
    found = situation(ONE)
    stays(found.by_id["web"], 0)
    found.by_id["web"].is_managed = False
    found.by_id["web"].is_failed = found.by_id["web"].is_recovering = True
    graph = acted(found)
    assert described(graph) == ["(!stop web@0)", "start web@0"]
    assert not edge(graph, "stop web@0", "start web@0")


def test_a_stop_on_an_offline_node_condemns_it() -> None:
    found = situation(ONE)
    active(found.by_id["web"], 0)
    found.nodes[0].is_online = False
    assert described(acted(found)) == ["!stop web@0"]
    assert found.nodes[0].is_unclean
    assert found.nodes[0].fence_reason == "n1 may be running web"


def test_what_is_removed_is_stopped_forgotten_and_its_failures_cleared() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    item.is_removed = True
    active(item, 0)
    item.tallies[1] = Tally(3, 0, is_expired=False)
    graph = acted(found)
    assert required(graph) == ["delete web@0", "delete web@1", "stop web@0", "clear_failcount web@1"]
    assert edge(graph, "stop web@0", "delete web@0") & Edge.UNRUNNABLE_BLOCKS
    assert edge(graph, "stop web@0", "delete web@1") == Edge.SEQUENCE
    assert edge(graph, "clear_failcount web@1", "stop web@0") == Edge.SEQUENCE


def test_expired_failures_are_cleared() -> None:
    found = situation(ONE)
    stays(found.by_id["web"], 0)
    found.by_id["web"].tallies[0] = Tally(1, 0, is_expired=True, why_cleared="it expired")
    assert required(acted(found)) == ["clear_failcount web@0"]


def test_a_copy_that_a_migration_left_behind_is_stopped() -> None:
    found = situation(ONE)
    stays(found.by_id["web"], 0)
    found.by_id["web"].dangling = [1]
    assert required(acted(found)) == ["stop web@1"]


def test_an_operation_under_way_on_our_own_daemon_holds_everything() -> None:
    found = situation(ONE, is_ours=True)
    item = found.by_id["web"]
    active(item, 0)
    wanted(item, 1)
    item.results[0] = [ActionResult(resource=ResourceId("web"), operation="start", status=OpStatus.PENDING)]
    graph = acted(found)
    assert required(graph) == ["!stop web@0", "!start web@1"]
    assert all(step.flags & BUSY for step in graph.steps)


def test_starts_on_hold_spare_what_runs_healthily() -> None:
    found = situation(ONE.replace("nodes=n1,n2", "nodes=n1,n2 may-start=no"), is_ours=True)
    item = found.by_id["web"]
    active(item, 0, 1)
    wanted(item, 0)
    assert not required(acted(found))


MIGRATING = ONE.replace("ocf:test:web", "ocf:test:web meta allow-migrate=true")


def test_a_live_migration() -> None:
    found = situation(MIGRATING)
    active(found.by_id["web"], 0)
    wanted(found.by_id["web"], 1)
    graph = acted(found)
    assert described(graph) == ["stop web@0", "~start web@1", "(migrate_from web@1)", "(migrate_to web@0)"]
    assert all(step.flags & MIGRATABLE for step in graph.steps)
    assert edge(graph, "migrate_to web@0", "migrate_from web@1") & Edge.UNMIGRATABLE_BLOCKS
    assert graph.find(found.by_id["web"], "migrate_to")[0].meta == {"migrate_source": "n1", "migrate_target": "n2"}


def test_a_migration_goes_on_when_its_target_is_still_wanted() -> None:
    found = situation(MIGRATING)
    item = found.by_id["web"]
    active(item, 0, 1)
    wanted(item, 1)
    item.migrating_from, item.migrating_to = 0, 1
    assert [describe(step) for step in acted(found).steps] == ["stop web@0", "~start web@1", "(migrate_from web@1)"]


def test_a_migration_elsewhere_is_given_up() -> None:
    found = situation(MIGRATING.replace("n1,n2", "n1,n2,n3"))
    item = found.by_id["web"]
    active(item, 0, 1)
    wanted(item, 2)
    item.migrating_from, item.migrating_to = 0, 1
    assert required(acted(found)) == ["stop web@0", "stop web@1", "start web@2"]


def test_what_failed_does_not_migrate() -> None:
    found = situation(MIGRATING)
    active(found.by_id["web"], 0)
    wanted(found.by_id["web"], 1)
    found.by_id["web"].is_failed = found.by_id["web"].is_recovering = True
    assert described(acted(found)) == ["stop web@0", "start web@1"]
