"""The observed state as displays and a node by itself need it: instances by node, and what a report says is active."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.view import ClusterView
from hashelld.model.history import (
    OCF_ERR_INSTALLED,
    OCF_FAILED_PROMOTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    ActionResult,
    NodeStatus,
    OpStatus,
    Role,
)
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.state.expand import expand
from hashelld.policy.state.findings import failure_text
from hashelld.policy.state.items import Item
from hashelld.policy.state.observation import call_order
from hashelld.policy.state.observe import observe
from hashelld.policy.state.situation import Situation


__all__ = ["InstanceState", "active", "failure_text", "instances", "instances_of"]

_FOUND: Final = {
    OCF_OK: Role.STARTED,
    190: Role.STARTED,
    OCF_RUNNING_PROMOTED: Role.PROMOTED,
    191: Role.PROMOTED,
    OCF_FAILED_PROMOTED: Role.PROMOTED,
}
_DONE: Final = {
    "start": Role.STARTED,
    "stop": Role.STOPPED,
    "promote": Role.PROMOTED,
    "demote": Role.UNPROMOTED,
    "migrate_from": Role.STARTED,
    "migrate_to": Role.STOPPED,
}
_SILENT: Final = frozenset({"monitor", "notify"})


class InstanceState(msgspec.Struct, frozen=True):
    """A primitive at one node, for displays; `node` is None when it is active nowhere.

    Instances of anonymous clones have the configured id, those of unique ones their number too.
    """

    resource: ResourceId
    node: NodeId | None
    role: Role
    failures: tuple[str, ...] = ()
    is_managed: bool = True
    is_removed: bool = False
    busy: str = ""
    """The operation that is under way."""


def active(status: NodeStatus) -> dict[ResourceId, Role]:
    """What is active on a node, judged by its own report alone; an operation under way counts as active."""
    found: dict[ResourceId, Role] = {}
    for result in sorted(status.operations, key=call_order):
        if result.status is OpStatus.CANCELLED:
            continue
        role = _role_after(result)
        if role is Role.STOPPED:
            found.pop(result.resource, None)
        elif role is not None:
            found[result.resource] = role
    return found


def _role_after(result: ActionResult) -> Role | None:
    """What an operation leaves the resource in; None when it tells nothing of it."""
    if result.status is OpStatus.PENDING:
        return None if result.operation in _SILENT else Role.STARTED
    if result.operation == "monitor" and result.interval_ms == 0:
        is_absent = result.status is OpStatus.NOT_INSTALLED or result.rc in {OCF_NOT_RUNNING, OCF_ERR_INSTALLED}
        is_told = result.status in {OpStatus.COMPLETE, OpStatus.NOT_INSTALLED}
        return Role.STOPPED if is_told and is_absent else _FOUND.get(result.rc, Role.STARTED)
    if result.is_failed:
        return Role.STARTED
    if result.operation == "monitor":
        return _FOUND.get(result.rc, Role.STOPPED)
    return _DONE.get(result.operation)


def instances(view: ClusterView) -> tuple[InstanceState, ...]:
    """Every primitive of the configuration or the status, once for each node that it is active on, or once stopped."""
    situation = expand(view)
    observe(situation)
    return instances_of(situation)


def instances_of(situation: Situation) -> tuple[InstanceState, ...]:
    """As `instances`, of a situation that was observed."""
    by_name: dict[str, list[Item]] = {}
    for item in situation.primitives():
        by_name.setdefault(item.base_id if item.is_anonymous else item.id, []).append(item)
    return tuple(state for name, items in by_name.items() for state in _states(situation, ResourceId(name), items))


def _states(situation: Situation, name: ResourceId, items: list[Item]) -> list[InstanceState]:
    """Of instances without a number that means anything, one stopped one is enough, and only where none is active."""
    failures = tuple(failed.text(situation.node_id(at)) for item in items for at, failed in item.failures.items())
    found: list[InstanceState] = []
    for item in items:
        for at in item.active:
            busy = item.pending if item.pending_node == at else ""
            role = item.stages[at].role
            state = InstanceState(name, situation.node_id(at), role, failures, item.is_managed, item.is_removed, busy)
            found.append(state)
    if not found:
        first = items[0]
        busy = next((item.pending for item in items if item.pending), "")
        found.append(InstanceState(name, None, Role.STOPPED, failures, first.is_managed, first.is_removed, busy))
    return found
