"""What if: a view in which something else has happened. Each function gives another view, and judges no names."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hashelld.cib.view import ClusterView, NodeView, TicketState
from hashelld.model.history import OCF_NOT_RUNNING, OCF_OK, ActionResult, NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.notebook import Notebook


OPERATIONS: Final = ("start", "stop", "monitor", "promote", "demote", "migrate_to", "migrate_from", "reload-agent")
"""The operations that a result can be told of."""

_SPEC: Final = re.compile(
    rf"(?P<resource>.+)_(?P<operation>{'|'.join(OPERATIONS)})_(?P<interval>\d+)@(?P<node>[^@=]+)=(?P<rc>\d{{1,3}})\Z"
)


class Ended(msgspec.Struct, frozen=True):
    """An operation on a node, and the return code with which it ended or is to end."""

    resource: ResourceId
    operation: str
    interval_ms: int
    node: NodeId
    rc: int

    @property
    def label(self) -> str:
        """The label of the action that it is the end of: `vip_start_0@node1`."""
        return f"{self.resource}_{self.operation}_{self.interval_ms}@{self.node}"


def parse_ended(text: str) -> Ended | None:
    """`vip_monitor_10000@node1=7`: resource, operation, interval in milliseconds, node, return code; else None."""
    found = _SPEC.match(text)
    if found is None or int(found["rc"]) > 255:
        return None
    return Ended(
        ResourceId(found["resource"]),
        found["operation"],
        int(found["interval"]),
        NodeId(found["node"]),
        int(found["rc"]),
    )


def node_up(view: ClusterView, node: NodeId) -> ClusterView:
    """The node is online; nothing runs on one that was off."""
    before = view.node(node)
    if before is not None and before.online and not before.unclean:
        return view
    status = NodeStatus(node=node) if before is None else msgspec.structs.replace(before.status, operations=())
    return _with_node(view, NodeView(node=node, online=True, status=status))


def node_down(view: ClusterView, node: NodeId) -> ClusterView:
    """The node left cleanly: it runs nothing, and nothing is remembered of it."""
    return _with_node(view, NodeView(node=node, status=NodeStatus(node=node)))


def node_failed(view: ClusterView, node: NodeId) -> ClusterView:
    """The node is not heard any more, with whatever ran on it."""
    before = view.node(node) or NodeView(node=node, status=NodeStatus(node=node))
    failed = msgspec.structs.replace(before, online=False, unclean=True, pending=False, is_leaving=False)
    return _with_node(view, failed)


def ended(view: ClusterView, what: Ended) -> ClusterView:
    """The operation ended so, and nothing was done about it yet; a failure counts."""
    before = view.node(what.node) or NodeView(node=what.node, status=NodeStatus(node=what.node))
    result = ActionResult(
        resource=what.resource,
        operation=what.operation,
        interval_ms=what.interval_ms,
        rc=what.rc,
        expected_rc=_expected(before.status, what),
        started_ms=view.now_ms,
        ended_ms=view.now_ms,
    )
    book = Notebook(before.status, view.now_ms)
    book.record(result, is_start_fatal=view.cib.property_value("start-failure-is-fatal") != "false")
    return _with_node(view, msgspec.structs.replace(before, status=book.status()))


def _expected(status: NodeStatus, what: Ended) -> int:
    """What the cluster expected: of a first look nothing active, of a monitor what it found the last time."""
    if what.operation != "monitor":
        return OCF_OK
    if not what.interval_ms:
        return OCF_NOT_RUNNING
    known = (r for r in status.operations if r.resource == what.resource and r.interval_ms == what.interval_ms)
    return next((result.expected_rc for result in known if result.operation == "monitor"), OCF_OK)


def quorum(view: ClusterView, *, is_there: bool) -> ClusterView:
    """The partition has quorum, or has none."""
    return msgspec.structs.replace(view, has_quorum=is_there)


def ticket(
    view: ClusterView, name: str, *, is_granted: bool | None = None, is_standby: bool | None = None
) -> ClusterView:
    """The ticket's state; what is None stays as it is."""
    before = view.tickets.get(name, TicketState())
    state = msgspec.structs.replace(
        before,
        is_granted=before.is_granted if is_granted is None else is_granted,
        is_standby=before.is_standby if is_standby is None else is_standby,
    )
    return msgspec.structs.replace(view, tickets={**view.tickets, name: state})


def moment(view: ClusterView, now_ms: int) -> ClusterView:
    """Another time of day."""
    return msgspec.structs.replace(view, now_ms=now_ms)


def _with_node(view: ClusterView, changed: NodeView) -> ClusterView:
    nodes = tuple(changed if node.node == changed.node else node for node in view.nodes)
    is_known = view.node(changed.node) is not None
    is_reported = not view.reported or changed.node in view.reported
    return msgspec.structs.replace(
        view,
        nodes=nodes if is_known else (*nodes, changed),
        reported=view.reported if is_reported else (*view.reported, changed.node),
    )
