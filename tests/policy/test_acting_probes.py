"""First looks and recurring monitors."""

from __future__ import annotations

from hashelld.model.history import ActionResult
from hashelld.model.ids import ResourceId
from hashelld.policy.acting.steps import OPTIONAL, RUNNABLE, Edge, Graph
from hashelld.policy.state.items import Item, Stage
from hashelld.policy.state.situation import Situation
from tests.policy.situations import acted, active, described, edge, required, situation, stays, wanted


ONE = """
cluster nodes=n1,n2
  primitive web ocf:test:web op monitor interval=10s timeout=7s
"""
GROUPS = """
cluster nodes=n1,n2
  primitive a ocf:test:a
  primitive b ocf:test:b
  group g a b
  clone gs g
"""
ROLES = """
cluster nodes=n1,n2
  primitive web ocf:test:web op monitor interval=10s op monitor interval=20s role=Stopped
"""


def probes(graph: Graph) -> list[str]:
    return [text for text in described(graph) if text.lstrip("!").startswith("monitor ")]


def watched(item: Item, node: int, interval_ms: int) -> None:
    result = ActionResult(resource=ResourceId(item.id), operation="monitor", interval_ms=interval_ms)
    item.recurring.setdefault(node, {})["monitor", interval_ms] = result


def test_probes_precede_the_start_and_expect_nothing() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    item.known = {0}
    wanted(item, 0)
    graph = acted(found)
    assert probes(graph) == ["monitor web@1"]
    probe = graph.probes(item)[0]
    assert probe.expected_rc == 7
    assert probe.op is not None
    assert probe.op.timeout_ms == 7_000
    assert edge(graph, "monitor web@1", "start web@0") == Edge.SEQUENCE


def test_a_pending_node_holds_back_what_is_not_active() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    item.known = {0}
    found.nodes[1].is_pending, found.nodes[1].is_online = True, False
    wanted(item, 0)
    graph = acted(found)
    assert probes(graph) == ["!monitor web@1"]
    assert edge(graph, "monitor web@1", "start web@0") & Edge.UNRUNNABLE_BLOCKS


def test_unclean_and_offline_nodes_are_not_asked() -> None:
    found = situation(ONE.replace("n1,n2", "n1,n2,n3"))
    found.by_id["web"].known.clear()
    found.nodes[0].is_unclean = True
    found.nodes[1].is_online = False
    assert probes(acted(found)) == ["monitor web@2"]


def test_discovery_may_be_limited() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    item.known.clear()
    item.discovery = {1: "never"}
    assert probes(acted(found)) == ["monitor web@0"]
    item.discovery, item.is_exclusive = {1: "exclusive"}, True
    assert probes(acted(found)) == ["monitor web@1"]


def test_of_an_anonymous_clone_one_instance_is_looked_for_on_each_node() -> None:
    found = situation(GROUPS)
    for item in found.primitives():
        item.known.clear()
    found.by_id["a:1"].known = {0}
    for name in ("a:0", "b:0"):
        wanted(found.by_id[name], 1)
    graph = acted(found)
    assert sorted(probes(graph)) == ["monitor a:0@1", "monitor b:0@1", "monitor b:1@0"]
    assert edge(graph, "monitor a:0@1", "start gs") == Edge.SEQUENCE


def test_monitors_follow_the_start() -> None:
    found = situation(ONE)
    wanted(found.by_id["web"], 0)
    graph = acted(found)
    assert required(graph) == ["start web@0", "monitor/10000 web@0"]
    assert edge(graph, "start web@0", "monitor/10000 web@0") & Edge.FIRST_IMPLIES_THEN


def test_a_monitor_under_way_is_optional() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    stays(item, 0)
    watched(item, 0, 10_000)
    graph = acted(without_histories(found))
    (monitor,) = [step for step in graph.find(item, "monitor") if step.interval_ms]
    assert monitor.flags & OPTIONAL


def without_histories(found: Situation) -> Situation:
    """Nothing is compared with the configuration."""
    for item in found.primitives():
        item.present = {}
    return found


def test_monitors_of_stopped_resources_are_where_it_is_not() -> None:
    found = situation(ROLES)
    item = found.by_id["web"]
    active(item, 0)
    wanted(item, 1)
    watched(item, 1, 20_000)
    graph = acted(found)
    assert required(graph) == [
        "stop web@0",
        "start web@1",
        "monitor/10000 web@1",
        "monitor/20000 web@0",
        "cancel monitor/20000 web@1",
    ]
    assert edge(graph, "stop web@0", "monitor/20000 web@0") & Edge.FIRST_IMPLIES_THEN
    assert edge(graph, "cancel monitor/20000 web@1", "start web@1") & Edge.UNRUNNABLE_BLOCKS


def test_a_promotion_cancels_the_monitor_of_the_other_role() -> None:
    found = situation(
        """
cluster nodes=n1,n2
  primitive db ocf:test:db op monitor interval=10s role=Promoted op monitor interval=11s
  clone dbs db meta promotable=true
"""
    )
    item = found.by_id["db:0"]
    active(item, 0, stage=Stage.UNPROMOTED)
    wanted(item, 0, Stage.PROMOTED)
    watched(item, 0, 11_000)
    graph = acted(without_histories(found))
    assert required(graph) == ["promote db:0@0", "monitor/10000 db:0@0", "cancel monitor/11000 db:0@0"]
    assert edge(graph, "cancel monitor/11000 db:0@0", "promote db:0@0") & Edge.UNRUNNABLE_BLOCKS
    monitors = [step for step in graph.find(item, "monitor") if step.interval_ms == 10_000]
    assert monitors[0].expected_rc == 8


def test_maintenance_begins_no_monitors() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    stays(item, 0)
    item.is_maintenance = True
    item.is_managed = False
    assert not required(acted(found))


def test_what_no_longer_is_configured_is_cancelled() -> None:
    found = situation(ONE)
    item = found.by_id["web"]
    stays(item, 0)
    watched(item, 0, 10_000)
    watched(item, 0, 30_000)
    graph = acted(found)
    assert "cancel monitor/30000 web@0" in required(graph)
    assert edge(graph, "stop web@0", "cancel monitor/30000 web@0") == Edge.SEQUENCE
    cancel = next(step for step in graph.steps if step.interval_ms == 30_000)
    assert cancel.flags & RUNNABLE
    assert cancel.reason == "not configured any more"
