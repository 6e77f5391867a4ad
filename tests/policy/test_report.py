"""What displays, and a node by itself, read from the history."""

from __future__ import annotations

import pytest

from hashelld.model.history import ActionResult, NodeStatus, OpStatus, Role
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.state.report import active, instances
from tests.build import cluster


def result(operation: str, call: int, rc: int = 0, interval_ms: int = 0, **fields: object) -> ActionResult:
    return ActionResult(
        resource=ResourceId("a"), operation=operation, call=call, rc=rc, interval_ms=interval_ms, **fields
    )


@pytest.mark.parametrize(
    ("operations", "role"),
    [
        ([], None),
        ([result("monitor", 1, 7, expected_rc=7)], None),
        ([result("monitor", 1, 5, expected_rc=7)], None),
        ([result("monitor", 1, 0, expected_rc=7)], Role.STARTED),
        ([result("monitor", 1, 8, expected_rc=7)], Role.PROMOTED),
        ([result("monitor", 1, 1, expected_rc=7)], Role.STARTED),
        ([result("start", 1)], Role.STARTED),
        ([result("start", 1, 1)], Role.STARTED),
        ([result("start", 1), result("monitor", 2, 7, 10_000)], Role.STARTED),
        ([result("start", 1), result("stop", 2)], None),
        ([result("stop", 2), result("start", 1)], None),
        ([result("start", 1), result("stop", 2, 1)], Role.STARTED),
        ([result("start", 1), result("stop", 2, status=OpStatus.TIMED_OUT)], Role.STARTED),
        ([result("start", 1, status=OpStatus.PENDING)], Role.STARTED),
        ([result("monitor", 1, status=OpStatus.PENDING)], None),
        ([result("start", 1), result("promote", 2)], Role.PROMOTED),
        ([result("start", 1), result("promote", 2), result("demote", 3)], Role.UNPROMOTED),
        ([result("start", 1), result("promote", 2), result("demote", 3), result("stop", 4)], None),
        ([result("start", 1), result("stop", 2, status=OpStatus.CANCELLED)], Role.STARTED),
        ([result("monitor", 1, status=OpStatus.NOT_INSTALLED)], None),
    ],
)
def test_active(operations: list[ActionResult], role: Role | None):
    found = active(NodeStatus(node=NodeId("n1"), operations=tuple(operations)))
    assert found == ({} if role is None else {"a": role})


def test_instances_show_every_primitive_once_for_each_place():
    view = cluster("""
cluster nodes=n1,n2
  primitive a ocf:heartbeat:Dummy op monitor interval=10s
  primitive b ocf:heartbeat:Dummy meta is-managed=false
  primitive c ocf:heartbeat:Dummy
active a on n1 n2
failed a monitor on n2 rc=7
active old on n1
pending c start on n2
""")
    rows = [(i.resource, i.node, i.role, i.is_managed, i.is_removed, i.busy) for i in instances(view)]
    assert rows == [
        ("a", "n1", Role.STARTED, True, False, ""),
        ("a", "n2", Role.STARTED, True, False, ""),
        ("b", None, Role.STOPPED, False, False, ""),
        ("c", "n2", Role.STARTED, True, False, "start"),
        ("old", "n1", Role.STARTED, True, True, ""),
    ]
    assert instances(view)[0].failures == ("monitor failed on n2: not running",)


def test_an_offline_nodes_report_is_old():
    view = cluster("cluster nodes=n1,n2\n  primitive a ocf:heartbeat:Dummy\nactive a on n2\nnode n2 offline")
    assert [(i.node, i.role) for i in instances(view)] == [(None, Role.STOPPED)]


CLONE = "cluster nodes=n1,n2,n3\n  primitive a ocf:heartbeat:Dummy\n  clone c a meta promotable=true"


def test_displays_show_copies_under_their_configured_name():
    view = cluster(f"{CLONE}\n  primitive b ocf:heartbeat:Dummy\nactive a on n1\npromoted a on n2")
    rows = [(state.resource, state.node, state.role) for state in instances(view)]
    assert rows == [
        ("a", "n1", Role.UNPROMOTED),
        ("a", "n2", Role.PROMOTED),
        ("b", None, Role.STOPPED),
    ]
