"""What a node does alone: stops, in the right order, of everything that is active there."""

from __future__ import annotations

from hashelld.model.ids import NodeId
from hashelld.policy.local import demote_everything, stop_everything
from tests.build import cluster


NODE = NodeId("n1")


def stops(text: str) -> list[tuple[str, tuple[int, ...]]]:
    view = cluster(text)
    transition = stop_everything(view.cib, view.nodes[0].status, NODE)
    assert all(action.node == NODE and action.operation == "stop" for action in transition.actions)
    assert all(first < at for at, action in enumerate(transition.actions) for first in action.after)
    return [(action.resource or "", action.after) for action in transition.actions]


def test_nothing_is_active():
    assert stops("cluster nodes=n1\n  primitive a ocf:heartbeat:Dummy") == []


def test_groups_and_orders_are_kept():
    found = stops("""
cluster nodes=n1,n2
  primitive a ocf:heartbeat:Dummy
  primitive b ocf:heartbeat:Dummy
  primitive c ocf:heartbeat:Dummy
  group g a b
  order o g c
group g on n1
active c on n1
""")
    assert [name for name, _ in found] == ["c", "b", "a"]
    assert found[1][1] == (0,)
    assert 1 in found[2][1]


def test_what_failed_or_is_under_way_is_stopped_as_well():
    found = stops("""
cluster nodes=n1,n2 fencing=yes
  primitive a ocf:heartbeat:Dummy
  primitive b ocf:heartbeat:Dummy
  primitive c ocf:heartbeat:Dummy
active a on n1
failed a stop on n1 rc=1
pending b start on n1
pending c stop on n1
""")
    assert [name for name, _ in found] == ["fencer", "a", "b", "c"]


def test_removed_resources_are_stopped():
    text = (
        "cluster nodes=n1\n  primitive a ocf:heartbeat:Dummy\n  property stop-orphan-resources=false\nactive old on n1"
    )
    assert stops(text) == [("old", ())]


def test_unmanaged_resources_stay():
    assert stops("cluster nodes=n1\n  primitive a ocf:heartbeat:Dummy meta is-managed=false\nactive a on n1") == []
    text = "cluster nodes=n1\n  primitive a ocf:heartbeat:Dummy\n  property maintenance-mode=true\nactive a on n1"
    assert stops(text) == []


def test_a_probe_under_way_is_not_activity():
    assert stops("cluster nodes=n1\n  primitive a ocf:heartbeat:Dummy\nunknown a on n1\npending a monitor on n1") == []


def downs(text: str) -> list[str]:
    view = cluster(text)
    transition = demote_everything(view.cib, view.nodes[0].status, NODE)
    assert all(first < at for at, action in enumerate(transition.actions) for first in action.after)
    return [f"{action.operation} {action.resource}" for action in transition.actions]


ROLES = """
cluster nodes=n1,n2 fencing=yes
  primitive db ocf:heartbeat:Stateful
  clone dbs db meta promotable=true
  primitive web ocf:heartbeat:Dummy
  primitive disk ocf:heartbeat:Dummy
"""


def test_demote_keeps_what_has_roles_unpromoted():
    assert downs(ROLES + "promoted db on n1\nactive web on n1") == ["stop fencer", "demote db", "stop web"]
    assert downs(ROLES + "active db on n1") == ["stop fencer"]


def test_what_has_roles_stops_with_what_it_needs():
    """The disk has no roles and stops; what is ordered after it cannot stay."""
    text = ROLES.replace("active disk", "") + "  order o disk dbs\npromoted db on n1\nactive disk on n1"
    found = downs(text)
    assert found.index("demote db") < found.index("stop db") < found.index("stop disk")


def test_demote_stops_clones_without_roles():
    text = "cluster nodes=n1,n2\n  primitive a ocf:heartbeat:Dummy\n  clone as a\nactive a on n1"
    assert downs(text) == ["stop a"]
