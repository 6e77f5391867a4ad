"""From the end of an agent to the result that is recorded and answered."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.agents.classes import interpret
from hashelld.agents.kinds import Exists
from hashelld.core.events import AgentEnded
from hashelld.model.action import Action
from hashelld.model.duration import format_duration
from hashelld.model.history import (
    OCF_ERR_GENERIC,
    OCF_ERR_INSTALLED,
    OCF_FAILED_PROMOTED,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    ActionResult,
    OpStatus,
)
from hashelld.model.ids import NodeId


MERELY_TOLD: Final = frozenset({"notify", "meta-data", "validate-all"})
"""Operations that say nothing of the resource, and whose failure is nobody's."""
UNRECORDED: Final = MERELY_TOLD | {"on"}
"""No history has these: an `on` says nothing of the device either, but whoever ordered it is told how it ended."""
RELOADS: Final = frozenset({"reload", "reload-agent"})

_ALIVE: Final = frozenset({OCF_OK, OCF_RUNNING_PROMOTED, OCF_FAILED_PROMOTED})


class Began(msgspec.Struct, frozen=True):
    """The beginning of one run: what, its place among all runs, and when (wall clock)."""

    action: Action
    call: int
    wall_ms: int


def result_of(began: Began, ended_wall_ms: int, status: OpStatus, rc: int, reason: str = "") -> ActionResult:
    """How a run ended."""
    action = began.action
    result = msgspec.structs.replace(
        local_result(action, began.wall_ms),
        call=began.call,
        status=status,
        rc=rc,
        expected_rc=action.expected_rc,
        reason=reason,
        ended_ms=ended_wall_ms,
        digest=action.digest,
    )
    return _as_found(action, result)


def result_of_agent(began: Began, ended_wall_ms: int, event: AgentEnded, exists: Exists) -> ActionResult:
    """How a run ended whose agent was executed, or was to be."""
    action = began.action
    if event.error:
        result = result_of(began, ended_wall_ms, OpStatus.ERROR, OCF_ERR_INSTALLED, event.error)
    elif event.rc is None:
        reason = f"timed out after {format_duration(action.timeout_ms)}"
        result = result_of(began, ended_wall_ms, OpStatus.TIMED_OUT, OCF_ERR_GENERIC, reason)
    else:
        rc, reason = interpret(action, event.rc, event.stdout, event.stderr, exists)
        result = result_of(began, ended_wall_ms, OpStatus.COMPLETE, rc, reason)
    return msgspec.structs.replace(result, duration_ms=event.duration_ms)


def local_result(action: Action, wall_ms: int) -> ActionResult:
    """The answer to an action that needs no agent."""
    assert action.resource is not None, action.label
    source, target = action.meta.get("migrate_source"), action.meta.get("migrate_target")
    return ActionResult(
        resource=action.resource,
        operation=action.operation,
        interval_ms=action.interval_ms,
        started_ms=wall_ms,
        ended_ms=wall_ms,
        migrate_source=None if source is None else NodeId(source),
        migrate_target=None if target is None else NodeId(target),
    )


def _as_found(action: Action, result: ActionResult) -> ActionResult:
    """A first look that finds something running has not failed, whatever was expected: that is what it expected."""
    is_look = action.operation == "monitor" and action.interval_ms == 0
    if is_look and result.status is OpStatus.COMPLETE and result.rc in _ALIVE:
        return msgspec.structs.replace(result, expected_rc=result.rc)
    return result


def as_heard(result: ActionResult) -> ActionResult:
    """The answer to a notification: that it was told. What the agent made of it is in the log."""
    return msgspec.structs.replace(result, status=OpStatus.COMPLETE, expected_rc=result.rc)


def fields_of(result: ActionResult) -> dict[str, object]:
    """What the log tells of a result."""
    fields: dict[str, object] = {"rc": result.rc, "duration_ms": result.duration_ms}
    return fields | ({"reason": result.reason} if result.reason else {})
