"""A node's own record while operations are done in memory: kept as the node's daemon would keep it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

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
from hashelld.model.score import INFINITY, Score, add


_RELOADS: Final = frozenset({"reload", "reload-agent"})
_UNRECORDED: Final = frozenset({"notify", "meta-data", "validate-all"})
_ARRIVALS: Final = frozenset({"start", "migrate_from"})
_FOUND: Final = frozenset({OCF_OK, OCF_RUNNING_PROMOTED, OCF_FAILED_PROMOTED})
_ABSENT: Final = frozenset({OCF_NOT_RUNNING, OCF_ERR_INSTALLED})

_Operation = tuple[str, int]
_History = dict[_Operation, list[ActionResult]]


class Notebook:
    """One node's status while it changes.

    Actions call anonymous instances by the resource's id. Histories of old clusters still number them; what is done
    then continues the numbered history of the instance that is active there.
    """

    __slots__ = (
        "_agents",
        "_attributes",
        "_before",
        "_call",
        "_counts",
        "_histories",
        "_is_own",
        "_locks",
        "_now_ms",
        "_numbered",
    )

    def __init__(self, status: NodeStatus, now_ms: int, *, is_own: bool = True) -> None:
        self._before = status
        self._now_ms = now_ms
        self._is_own = is_own
        """It is one of our daemons, which do one operation of a resource after the other; Pacemaker's may overtake."""
        self._histories: dict[ResourceId, _History] = {}
        for result in status.operations:
            history = self._histories.setdefault(result.resource, {})
            history.setdefault((result.operation, result.interval_ms), []).append(result)
        self._numbered = _by_base(self._histories)
        self._counts = list(status.failures)
        self._attributes = status.attributes
        self._agents: dict[ResourceId, Agent] = dict(status.agents)
        self._locks = dict(status.locks)
        self._call = max((result.call for result in status.operations), default=0)

    def status(self) -> NodeStatus:
        """The node's status now."""
        results = (
            result for history in self._histories.values() for recorded in history.values() for result in recorded
        )
        return msgspec.structs.replace(
            self._before,
            operations=tuple(results),
            failures=tuple(self._counts),
            attributes=self._attributes,
            agents=self._agents,
            locks=self._locks,
        )

    def run(self, action: Action, rc: int | None = None) -> bool:
        """An operation ends, as expected or with this return code; did it succeed?"""
        if action.operation in _UNRECORDED:
            return rc is None or rc == OCF_OK
        if action.operation in _RELOADS and not rc:
            self._reload(action)
            return True
        return self.record(_result(action, rc, self._now_ms), is_start_fatal=_is_start_fatal(action), by=action.agent)

    def _known_as(self, resource: ResourceId) -> ResourceId:
        """What the resource's history is called on this node."""
        if resource in self._histories or not self._numbered:
            return resource
        names = [name for name in self._numbered.get(resource, ()) if name in self._histories]
        return next((name for name in names if _is_active(self._histories[name])), names[-1] if names else resource)

    def record(self, result: ActionResult, *, is_start_fatal: bool = True, by: Agent | None = None) -> bool:
        """Take a result down as the newest of its operation, and count it where it is a failure; was it none?"""
        counted = result
        resource = self._known_as(result.resource)
        if resource != result.resource:
            result = msgspec.structs.replace(result, resource=resource)
        self._call += 1
        history = self._histories.setdefault(resource, {})
        if self._is_own and not result.interval_ms:
            _settle(history)
        if result.operation == "stop":
            for operation in [known for known in history if known[1]]:
                del history[operation]
        if by is not None:
            self._agents[resource] = by
        if result.operation in _ARRIVALS:
            self._locks.pop(resource, None)
        is_expected = not result.is_failed
        operation = (result.operation, result.interval_ms)
        history.pop(operation, None)
        history[operation] = [msgspec.structs.replace(_as_found(result), call=self._call)]
        if not is_expected:
            self._count(counted, is_start_fatal=is_start_fatal)
        return is_expected

    def _reload(self, action: Action) -> None:
        """What it was started with is something else now; that it was started, and what came since, stays."""
        history = self._history_of(action)
        for operation, results in history.items():
            if not operation[1]:
                history[operation] = [
                    msgspec.structs.replace(
                        result, digest=action.digest, restart_digest="", restart_params="", secure_digest=""
                    )
                    for result in results
                ]

    def _history_of(self, action: Action) -> _History:
        assert action.resource is not None, action.label
        return self._histories.get(self._known_as(action.resource), {})

    def _count(self, result: ActionResult, *, is_start_fatal: bool) -> None:
        """First looks are not counted; stops, and by default starts, count for ever."""
        if result.operation == "monitor" and not result.interval_ms:
            return
        is_fatal = result.operation == "stop" or (result.operation == "start" and is_start_fatal)
        operation = (result.resource, result.operation, result.interval_ms)
        count: Score = INFINITY if is_fatal else 1
        for at, known in enumerate(self._counts):
            if (known.resource, known.operation, known.interval_ms) == operation:
                self._counts[at] = msgspec.structs.replace(known, count=add(known.count, count), last_ms=self._now_ms)
                return
        self._counts.append(
            FailureCount(
                resource=result.resource,
                operation=result.operation,
                interval_ms=result.interval_ms,
                count=count,
                last_ms=self._now_ms,
            )
        )

    def cancel(self, action: Action) -> None:
        """A recurring operation is not done any more."""
        self._history_of(action).pop((action.operation, action.interval_ms), None)

    def clear_failures(self, action: Action) -> None:
        """Forget how often a resource failed, and the recurring operations that were found failed."""
        self._uncount(action)
        history = self._history_of(action)
        for operation in [known for known in history if known[1]]:
            history[operation] = [result for result in history[operation] if not result.is_failed]

    def _uncount(self, action: Action) -> None:
        """Numbered instances that the action does not tell apart have one count."""
        numbered = _by_base(count.resource for count in self._counts)
        names = {action.resource, *numbered.get(str(action.resource), ())}
        self._counts = [count for count in self._counts if count.resource not in names]

    def forget(self, action: Action) -> None:
        """Forget all of a resource."""
        assert action.resource is not None, action.label
        self._uncount(action)
        name = self._known_as(action.resource)
        for kept in (self._histories, self._agents, self._locks):
            kept.pop(name, None)

    def lock(self, resource: ResourceId) -> None:
        """Reserve a resource for this node from now on."""
        self._locks.setdefault(resource, self._now_ms)

    def set_attribute(self, name: str, value: str) -> None:
        """Set a transient attribute of the node."""
        self._attributes = {**self._attributes, name: value}


def _by_base(names: Iterable[ResourceId]) -> dict[str, list[ResourceId]]:
    """The names that end with the number of an instance, by what is before it."""
    found: dict[str, list[ResourceId]] = {}
    for name in names:
        base, colon, number = name.rpartition(":")
        if colon and number.isdigit():
            found.setdefault(base, []).append(name)
    return found


def _is_active(history: _History) -> bool:
    """Does the newest of its results leave the resource active?"""
    results = [result for recorded in history.values() for result in recorded if result.operation not in _UNRECORDED]
    newest = max(results, key=lambda result: result.call, default=None)
    if newest is None or (newest.operation == "stop" and not newest.is_failed):
        return False
    return not (newest.operation == "monitor" and not newest.interval_ms and newest.rc in _ABSENT)


def _settle(history: _History) -> None:
    """What was under way has ended by the time that another operation of the resource is begun."""
    for operation, results in list(history.items()):
        if not operation[1] and any(result.status is OpStatus.PENDING for result in results):
            history[operation] = [result for result in results if result.status is not OpStatus.PENDING]


def _result(action: Action, rc: int | None, now_ms: int) -> ActionResult:
    assert action.resource is not None, action.label
    source, target = action.meta.get("migrate_source"), action.meta.get("migrate_target")
    return ActionResult(
        resource=action.resource,
        operation=action.operation,
        interval_ms=action.interval_ms,
        rc=action.expected_rc if rc is None else rc,
        expected_rc=action.expected_rc,
        started_ms=now_ms,
        ended_ms=now_ms,
        digest=action.digest,
        migrate_source=None if source is None else NodeId(source),
        migrate_target=None if target is None else NodeId(target),
    )


def _is_start_fatal(action: Action) -> bool:
    return action.meta.get("start-failure-is-fatal", "true") == "true"


def _as_found(result: ActionResult) -> ActionResult:
    """A first look that tells whether something runs has not failed, whatever was expected."""
    is_look = result.operation == "monitor" and not result.interval_ms
    if is_look and result.status is OpStatus.COMPLETE and result.rc in _FOUND | _ABSENT:
        return msgspec.structs.replace(result, expected_rc=result.rc)
    return result
