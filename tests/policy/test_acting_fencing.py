"""Fencing, shutdown and unfencing."""

from __future__ import annotations

from hashelld.model.action import ActionKind
from hashelld.policy.acting.actions import add_actions
from hashelld.policy.acting.fencing import add_fencing
from hashelld.policy.acting.steps import Edge, Graph
from hashelld.policy.state.items import Item, Needs
from hashelld.policy.state.situation import Situation
from tests.policy.situations import active, described, edge, required, situation, wanted


FENCED = """
cluster nodes=n1,n2,n3 fencing=yes
  primitive web ocf:test:web
  primitive db ocf:test:db
"""
UNFENCED = """
cluster nodes=n1,n2
  property stonith-enabled=true
  primitive fencer stonith:fence_dummy meta provides=unfencing
  primitive web ocf:test:web meta requires=unfencing
"""


def planned(found: Situation) -> Graph:
    graph = Graph()
    add_actions(found, graph)
    add_fencing(found, graph)
    return graph


def lost(found: Situation, node: int) -> None:
    found.nodes[node].is_online = False
    found.nodes[node].condemn("it is lost")


def moves(item: Item, source: int, target: int) -> None:
    active(item, source)
    wanted(item, target)


def test_starts_wait_for_every_fencing_and_stops_there_are_done_by_it() -> None:
    found = situation(FENCED)
    moves(found.by_id["web"], 0, 1)
    wanted(found.by_id["db"], 2)
    lost(found, 0)
    graph = planned(found)
    assert required(graph) == ["~stop web@0", "start web@1", "start db@2", "reboot@0"]
    assert edge(graph, "reboot@0", "start web@1") == Edge.SEQUENCE
    assert edge(graph, "reboot@0", "start db@2") == Edge.SEQUENCE
    assert edge(graph, "reboot@0", "stop web@0") == Edge.SEQUENCE
    assert graph.fencings[0].kind is ActionKind.FENCE
    assert graph.fencings[0].reason == "it is lost"


def test_what_requires_quorum_waits_only_where_its_state_is_unknown() -> None:
    found = situation(FENCED)
    web, db = found.by_id["web"], found.by_id["db"]
    web.needs = db.needs = Needs.QUORUM
    db.known.discard(0)
    wanted(web, 1)
    wanted(db, 2)
    lost(found, 0)
    graph = planned(found)
    assert not edge(graph, "reboot@0", "start web@1")
    assert edge(graph, "reboot@0", "start db@2") & Edge.UNRUNNABLE_BLOCKS


def test_the_dc_is_fenced_last_and_one_after_another_when_told_so() -> None:
    for concurrent, expected in (("true", 0), ("false", Edge.SEQUENCE)):
        found = situation(f"{FENCED}  property concurrent-fencing={concurrent}\n")
        for node in range(3):
            lost(found, node)
        graph = planned(found)
        assert edge(graph, "reboot@1", "reboot@2") == expected
        assert edge(graph, "reboot@2", "reboot@0") == Edge.SEQUENCE


def test_nothing_is_fenced_without_quorum_or_a_device() -> None:
    text = FENCED.replace("fencing=yes", "fencing=yes quorum=no")
    for description in (text, FENCED.replace(" fencing=yes", "\n  property stonith-enabled=true")):
        found = situation(description)
        lost(found, 0)
        assert not planned(found).fencings


def test_without_quorum_what_is_still_here_may_be_fenced() -> None:
    found = situation(FENCED.replace("fencing=yes", "fencing=yes quorum=no"))
    found.nodes[1].condemn("it has to go")
    assert list(planned(found).fencings) == [1]


def test_nothing_is_fenced_while_nothing_is_managed() -> None:
    found = situation(FENCED)
    for item in found.items:
        item.is_managed = False
    lost(found, 0)
    assert not planned(found).fencings


def test_what_is_lost_last_is_fenced_last() -> None:
    found = situation(f"{FENCED}  property priority-fencing-delay=30s\n".replace("n1,n2,n3", "n1,n2"))
    found.by_id["web"].priority = 5
    active(found.by_id["web"], 1)
    lost(found, 1)
    assert planned(found).fencings[1].meta == {"priority-fencing-delay": "30"}


def test_a_leaving_node_stops_everything_first() -> None:
    found = situation(FENCED)
    active(found.by_id["web"], 1)
    active(found.by_id["db"], 1)
    found.by_id["db"].is_maintenance = True
    found.by_id["db"].is_managed = False
    found.nodes[1].is_leaving = True
    graph = planned(found)
    assert required(graph) == ["stop web@1", "do_shutdown@1"]
    assert edge(graph, "stop web@1", "do_shutdown@1") == Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS
    assert not edge(graph, "stop db@1", "do_shutdown@1")


def test_what_is_blocked_keeps_the_node_from_leaving() -> None:
    found = situation(FENCED)
    item = found.by_id["web"]
    active(item, 1)
    wanted(item, 1)
    item.is_blocked, item.is_managed = True, False
    found.nodes[1].is_leaving = True
    graph = planned(found)
    assert required(graph) == ["!stop web@1", "do_shutdown@1"]
    assert edge(graph, "stop web@1", "do_shutdown@1") & Edge.UNRUNNABLE_BLOCKS


def test_the_dc_leaves_last() -> None:
    found = situation(FENCED)
    for node in found.nodes:
        node.is_leaving = True
    graph = planned(found)
    assert edge(graph, "do_shutdown@1", "do_shutdown@0") == Edge.SEQUENCE
    assert edge(graph, "do_shutdown@2", "do_shutdown@0") == Edge.SEQUENCE


def test_unfencing_precedes_starts_once_it_has_to_be_done() -> None:
    found = situation(UNFENCED)
    wanted(found.by_id["web"], 1)
    graph = planned(found)
    assert "on@1" in required(graph)
    assert edge(graph, "on@1", "start web@1") & Edge.FIRST_IMPLIES_THEN


def test_a_node_that_was_unfenced_is_left_alone() -> None:
    found = situation(UNFENCED)
    wanted(found.by_id["web"], 1)
    found.nodes[1].attributes["#node-unfenced"] = "1395255112"
    graph = planned(found)
    assert "(on@1)" in described(graph)


def test_unfencing_is_repeated_when_the_device_has_other_parameters() -> None:
    found = situation(UNFENCED)
    wanted(found.by_id["web"], 1)
    found.nodes[1].attributes.update({"#node-unfenced": "1395255112", "#digests-all": "fencer:fence_dummy:0123,"})
    graph = planned(found)
    assert "on@1" in required(graph)
    (step,) = [step for step in graph.steps if step.task == "on"]
    assert step.reason == "the parameters of fencer changed"
