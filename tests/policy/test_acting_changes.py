"""Configuration changes: what is compared, and what a difference means."""

from __future__ import annotations

from hashelld.model.history import ActionResult
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Agent
from hashelld.policy.acting.changes import own_digest, own_operation_digest
from hashelld.policy.acting.steps import Edge
from hashelld.policy.digests import all_digest, covered, restart_digest
from hashelld.policy.state.findings import Tally
from hashelld.policy.state.items import Item
from hashelld.policy.state.situation import Situation
from tests.policy.situations import acted, edge, required, situation, stays


ONE = """
cluster nodes=n1,n2
  primitive web ocf:test:web params ip=10.0.0.9 port=80 op monitor interval=10s timeout=20s
"""
GIVEN = {"ip": "10.0.0.9", "port": "80"}
SAME = covered(GIVEN, {}, interval_ms=0, timeout_ms=0)
OTHER = covered({**GIVEN, "port": "81"}, {}, interval_ms=0, timeout_ms=0)
WATCHED = all_digest(covered(GIVEN, {}, interval_ms=10_000, timeout_ms=20_000))


def running(
    digest: str = "", restart: str = "", restart_params: str = "", *, is_ours: bool = False
) -> tuple[Situation, Item]:
    found = situation(ONE, is_ours=is_ours)
    item = found.by_id["web"]
    stays(item, 0)
    item.present = {0: None}
    item.results[0] = [
        ActionResult(
            resource=ResourceId("web"),
            operation="start",
            digest=digest,
            restart_digest=restart,
            restart_params=restart_params,
        )
    ]
    _watch(item, own_operation_digest(found, item, item.ops["monitor", 10_000], 0) if is_ours else WATCHED)
    return found, item


def _watch(item: Item, digest: str) -> None:
    watched = ActionResult(resource=ResourceId("web"), operation="monitor", interval_ms=10_000, digest=digest)
    item.recurring[0] = {("monitor", 10_000): watched}


def test_the_same_parameters_need_nothing() -> None:
    found, _item = running(all_digest(SAME))
    assert not required(acted(found))


def test_others_need_a_restart() -> None:
    found, _item = running(all_digest(OTHER))
    assert required(acted(found)) == ["start web@0", "monitor/10000 web@0"]


def test_no_digest_counts_as_another() -> None:
    found, _item = running()
    assert "start web@0" in required(acted(found))


def test_what_the_agent_can_take_is_told_without_a_restart() -> None:
    restart = restart_digest(SAME, " ip ")
    found, _item = running(all_digest(OTHER), restart, " ip ")
    graph = acted(found)
    assert required(graph) == ["reload-agent web@0"]
    assert edge(graph, "reload-agent web@0", "stop web@0") & Edge.THEN_CANCELS_FIRST
    assert edge(graph, "reload-agent web@0", "monitor/10000 web@0") & Edge.FIRST_IMPLIES_THEN


def test_what_it_cannot_take_needs_a_restart_all_the_same() -> None:
    restart = restart_digest(OTHER, " port ")
    found, _item = running(all_digest(OTHER), restart, " port ")
    assert "start web@0" in required(acted(found))


def test_a_monitor_with_other_options_begins_anew() -> None:
    found, item = running(all_digest(SAME))
    _watch(item, "0123")
    assert required(acted(found)) == ["monitor/10000 web@0"]


def test_a_changed_definition_forgives_failures() -> None:
    found, item = running(all_digest(OTHER))
    item.tallies[0] = Tally(2, 0, is_expired=False)
    assert "clear_failcount web@0" in required(acted(found))


def test_another_agent_stops_and_forgets_first() -> None:
    found, item = running(all_digest(SAME))
    item.last_agents = {0: Agent("ocf", "test", "other"), 1: Agent("ocf", "test", "other")}
    item.present[1] = None
    graph = acted(found)
    assert required(graph) == ["stop web@0", "delete web@0", "delete web@1"]
    assert edge(graph, "delete web@0", "start web@0") == Edge.SEQUENCE


def test_maintenance_cancels_monitors() -> None:
    found, item = running(all_digest(SAME))
    item.is_maintenance, item.is_managed = True, False
    assert required(acted(found)) == ["cancel monitor/10000 web@0"]


def test_our_own_digests_cover_agent_and_parameters() -> None:
    found, item = running(is_ours=True)
    item.results[0] = [ActionResult(resource=ResourceId("web"), operation="start", digest=own_digest(found, item, 0))]
    assert not required(acted(found))
    item.results[0] = [ActionResult(resource=ResourceId("web"), operation="start", digest="0123")]
    assert required(acted(found))[0] == "start web@0"


def test_our_own_histories_without_digests_are_left_alone() -> None:
    found, _item = running(is_ours=True)
    assert not required(acted(found))
