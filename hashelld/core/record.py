"""What a node remembers of its operations: newest results, what runs, failure counts, transient attributes."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from hashelld.core.results import RELOADS
from hashelld.model.action import Action
from hashelld.model.history import (
    OCF_ERR_INSTALLED,
    OCF_FAILED_PROMOTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    ActionResult,
    FailureCount,
    NodeStatus,
    OpStatus,
)
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent
from hashelld.model.score import INFINITY, add


Operation: TypeAlias = tuple[ResourceId, str, int]
"""Resource, operation and interval in milliseconds: of each the newest result is kept."""

_STARTING: Final = frozenset({"start", "migrate_from"})
_COUNTED: Final = frozenset({"start", "stop", "promote", "demote"})
_PROMOTED: Final = frozenset({OCF_RUNNING_PROMOTED, OCF_FAILED_PROMOTED})
_ABSENT: Final = frozenset({OCF_NOT_RUNNING, OCF_ERR_INSTALLED})


class Record:
    """The node's own status. Every change raises the serial."""

    __slots__ = ("_agents", "_attributes", "_failures", "_node", "_operations", "_status", "promoted",
                 "running", "serial")  # fmt: skip

    def __init__(self, node: NodeId) -> None:
        self._node = node
        self._operations: dict[Operation, ActionResult] = {}
        self._failures: dict[Operation, FailureCount] = {}
        self._attributes: dict[str, str] = {}
        self._agents: dict[ResourceId, Agent] = {}
        self._status: NodeStatus | None = None
        self.serial = 0
        self.running: dict[ResourceId, Action] = {}
        """What runs, or may run, with the start (or first look) that says so."""
        self.promoted: set[ResourceId] = set()
        """What of it is promoted, or may be."""

    def status(self) -> NodeStatus:
        """What is reported; results in the order in which they came."""
        if self._status is None:
            self._status = NodeStatus(
                node=self._node,
                serial=self.serial,
                operations=tuple(self._operations.values()),
                failures=tuple(self._failures.values()),
                attributes=dict(self._attributes),
                agents=dict(self._agents),
            )
        return self._status

    def newest(self, operation: Operation) -> ActionResult | None:
        """The newest result of an operation."""
        return self._operations.get(operation)

    def take(self, action: Action, result: ActionResult, wall_ms: int) -> None:
        """Remember how an operation ended."""
        if action.agent is not None:
            self._agents[result.resource] = action.agent
        self._see(action, result)
        if action.operation in RELOADS and not result.is_failed:
            self._reload(action, result)
            return
        self.put(result)
        if result.is_failed:
            self._count(action, result, wall_ms)

    def _see(self, action: Action, result: ActionResult) -> None:
        """Keep `running` and `promoted` true: a start or promotion that failed, or a look that told nothing, may be."""
        resource = result.resource
        if action.operation == "stop" and not result.is_failed:
            self._is_gone(resource)
        elif result.status is OpStatus.ERROR:
            return  # No agent was executed.
        elif action.operation in _STARTING:
            self.running[resource] = action
        elif action.operation == "promote":
            self.promoted.add(resource)
        elif action.operation == "demote" and not result.is_failed:
            self.promoted.discard(resource)
        elif action.operation == "monitor":
            self._look(action, result)

    def _look(self, action: Action, result: ActionResult) -> None:
        resource = result.resource
        if result.rc in _ABSENT:
            self._is_gone(resource)
            return
        self.running.setdefault(resource, action)
        if result.rc in _PROMOTED:
            self.promoted.add(resource)
        elif result.rc == OCF_OK:
            self.promoted.discard(resource)

    def _is_gone(self, resource: ResourceId) -> None:
        self.running.pop(resource, None)
        self.promoted.discard(resource)

    def _reload(self, action: Action, result: ActionResult) -> None:
        """It runs with other parameters now: what was done since its start counts as done with these."""
        if result.resource in self.running:
            self.running[result.resource] = action
        for operation, known in self._operations.items():
            if operation[0] == result.resource and not operation[2]:
                self._operations[operation] = msgspec.structs.replace(known, digest=result.digest)
        for operation in [op for op in self._operations if op[0] == result.resource and op[1] in RELOADS]:
            del self._operations[operation]
        self._changed()

    def _count(self, action: Action, result: ActionResult, wall_ms: int) -> None:
        """Count a failure as Pacemaker does: first looks not at all, stops and (by default) starts for ever."""
        if action.interval_ms == 0 and action.operation not in _COUNTED:
            return
        is_fatal = action.operation == "stop" or (
            action.operation == "start" and action.meta.get("start-failure-is-fatal", "true") == "true"
        )
        operation = (result.resource, result.operation, result.interval_ms)
        self._add_failure(operation, wall_ms, INFINITY if is_fatal else 1)

    def set_failures(self, operation: Operation, count: int, wall_ms: int) -> None:
        """Let an operation have failed so often, the last time now; 0: never."""
        resource, name, interval_ms = operation
        before = self._failures.pop(operation, None)
        if count:
            self._failures[operation] = FailureCount(
                resource=resource, operation=name, interval_ms=interval_ms, count=count, last_ms=wall_ms
            )
        if before is not None or count:
            self._changed()

    def _add_failure(self, operation: Operation, wall_ms: int, weight: int) -> None:
        before = self._failures.get(operation)
        self.set_failures(operation, add(0 if before is None else before.count, weight), wall_ms)

    def put(self, result: ActionResult) -> None:
        """Remember a result in place of the operation's last one."""
        operation = (result.resource, result.operation, result.interval_ms)
        self._operations.pop(operation, None)
        self._operations[operation] = result
        self._changed()

    def drop(self, operation: Operation) -> None:
        """Forget the result of one operation."""
        if self._operations.pop(operation, None) is not None:
            self._changed()

    def clear_failures(self, resource: ResourceId) -> None:
        """Forget how often a resource failed, and the recurring monitors that were found failed."""
        counted = [op for op in self._failures if op[0] == resource]
        failed = [op for op, result in self._operations.items() if op[0] == resource and op[2] and result.is_failed]
        for operation in counted:
            del self._failures[operation]
        for operation in failed:
            del self._operations[operation]
        if counted or failed:
            self._changed()

    def forget(self, resource: ResourceId) -> None:
        """Forget the results and failures of a resource."""
        results = [op for op in self._operations if op[0] == resource]
        counted = [op for op in self._failures if op[0] == resource]
        for operation in results:
            del self._operations[operation]
        for operation in counted:
            del self._failures[operation]
        is_nameless = resource not in self.running and self._agents.pop(resource, None) is not None
        if results or counted or is_nameless:
            self._changed()

    def remove(self, resource: ResourceId) -> None:
        """Forget a resource that is no longer configured, and that it ran."""
        self._is_gone(resource)
        self.forget(resource)

    def resources(self) -> frozenset[ResourceId]:
        """Every resource of which something is remembered."""
        return frozenset(op[0] for op in (*self._operations, *self._failures))

    def has_failed(self, resource: ResourceId) -> bool:
        """Is there a failure, counted or shown, of this resource?"""
        return any(op[0] == resource for op in self._failures) or any(
            op[0] == resource and result.is_failed for op, result in self._operations.items()
        )

    def attribute(self, name: str) -> str | None:
        """The value of a transient attribute; None when it is not set."""
        return self._attributes.get(name)

    def set_attribute(self, name: str, value: str | None) -> None:
        """Set a transient attribute of the node, or (None) remove it."""
        if self._attributes.get(name) == value:
            return
        if value is None:
            del self._attributes[name]
        else:
            self._attributes[name] = value
        self._changed()

    def _changed(self) -> None:
        self.serial += 1
        self._status = None
