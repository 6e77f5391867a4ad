"""Notifications of clones: events around what happens, operations between them, what agents are told."""

from __future__ import annotations

from hashelld.policy.acting.actions import add_actions
from hashelld.policy.acting.fencing import add_fencing
from hashelld.policy.acting.notify import add_notifications, complete_notifications
from hashelld.policy.acting.orderings import add_orderings
from hashelld.policy.acting.propagate import propagate
from hashelld.policy.acting.steps import OPTIONAL, Graph, Step
from hashelld.policy.state.items import Stage
from hashelld.policy.state.situation import Situation
from tests.policy.situations import active, edge, situation, stays, wanted


TEXT = """
cluster nodes=n1,n2 fencing=yes
  primitive db ocf:test:db op monitor interval=10s role=Unpromoted
  clone dbs db meta promotable=true notify=true
"""


def planned(found: Situation) -> Graph:
    graph = Graph()
    add_actions(found, graph)
    add_fencing(found, graph)
    add_orderings(found, graph)
    add_notifications(found, graph)
    propagate(found, graph)
    complete_notifications(found, graph)
    return graph


def told(graph: Graph) -> list[str]:
    return sorted(
        f"{step.item.id} {step.meta['notify_type']} {step.meta['notify_operation']}@{step.node}"
        for step in graph.steps
        if step.task == "notify" and step.item is not None and not step.flags & OPTIONAL
    )


def event(graph: Graph, name: str) -> Step:
    return next(step for step in graph.steps if step.task == name)


def test_before_a_promotion_and_after_it_all_are_told() -> None:
    found = situation(TEXT)
    first, second = found.by_id["db:0"], found.by_id["db:1"]
    active(first, 0, stage=Stage.UNPROMOTED)
    wanted(first, 0, Stage.PROMOTED)
    stays(second, 1, Stage.UNPROMOTED)
    graph = planned(found)
    assert told(graph) == ["db:0 post promote@0", "db:0 pre promote@0", "db:1 post promote@1", "db:1 pre promote@1"]
    promote = graph.find(first, "promote")[0]
    assert promote.meta["notify_promote_resource"] == "db:0"
    assert promote.meta["notify_promote_uname"] == "n1"
    assert promote.meta["notify_active_resource"] == "db:0 db:1"
    assert promote.meta["notify_slave_uname"] == promote.meta["notify_unpromoted_uname"] == "n1 n2"
    assert promote.meta["notify_start_resource"] == " "
    assert promote.meta["notify_available_uname"] == "n1 n2"
    assert edge(graph, "confirmed-pre_notify_promote dbs", "promote dbs")
    assert edge(graph, "promoted dbs", "post_notify_promoted dbs")


def test_what_starts_is_told_only_afterwards() -> None:
    found = situation(TEXT)
    stays(found.by_id["db:0"], 0, Stage.UNPROMOTED)
    wanted(found.by_id["db:1"], 1, Stage.UNPROMOTED)
    graph = planned(found)
    assert told(graph) == ["db:0 post start@0", "db:0 pre start@0", "db:1 post start@1"]
    monitors = [step for step in graph.find(found.by_id["db:1"], "monitor") if step.interval_ms]
    assert (event(graph, "confirmed-post_notify_running"), 1) in monitors[0].before


def test_what_stops_is_told_only_before() -> None:
    found = situation(TEXT)
    stays(found.by_id["db:0"], 0, Stage.UNPROMOTED)
    active(found.by_id["db:1"], 1, stage=Stage.UNPROMOTED)
    assert told(planned(found)) == ["db:0 post stop@0", "db:0 pre stop@0", "db:1 pre stop@1"]


def test_after_a_fencing_those_that_stay_are_told() -> None:
    found = situation(TEXT)
    stays(found.by_id["db:0"], 0, Stage.UNPROMOTED)
    active(found.by_id["db:1"], 1, stage=Stage.UNPROMOTED)
    found.nodes[1].is_online = False
    found.nodes[1].condemn("it is lost")
    graph = planned(found)
    assert told(graph) == ["db:0 post stop@0", "db:0 pre stop@0"]
    assert edge(graph, "reboot@1", "post_notify_stonith db:1")


def test_nobody_is_told_of_nothing() -> None:
    found = situation(TEXT)
    stays(found.by_id["db:0"], 0, Stage.UNPROMOTED)
    stays(found.by_id["db:1"], 1, Stage.UNPROMOTED)
    assert not told(planned(found))
