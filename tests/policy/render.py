"""A transition as the lines of a golden case."""

from __future__ import annotations

from hashelld.model.action import Action, ActionKind
from hashelld.model.duration import format_duration
from hashelld.model.history import Role
from hashelld.policy.graph import Placed, Transition


def render(transition: Transition, now_ms: int) -> str:
    """One action a line: number, what, where, what it waits for, and why."""
    lines = [_line(number, action) for number, action in enumerate(transition.actions)]
    lines += [f"blocked {b.resource}{f' on {b.node}' if b.node else ''}: {b.reason}" for b in transition.blocked]
    if transition.placement:
        lines.append("runs " + " ".join(_placed(one) for one in transition.placement))
    lines = lines or ["nothing to do"]
    if transition.wake_ms is not None:
        lines.append(f"again after {format_duration(transition.wake_ms - now_ms)}")
    return "\n".join(lines)


def _placed(placed: Placed) -> str:
    return f"{placed.resource}@{placed.node}" + (" (promoted)" if placed.role is Role.PROMOTED else "")


def _line(number: int, action: Action) -> str:
    after = f" after {','.join(str(at) for at in action.after)}" if action.after else ""
    return f"{number:2} {_what(action)}{after}" + (f"  # {action.reason}" if action.reason else "")


def _what(action: Action) -> str:
    at = f" on {action.node}" if action.node else ""
    at += f" by {action.host}" if action.host else ""
    interval = f" every {action.interval_ms // 1000}s" if action.interval_ms else ""
    match action.kind:
        case ActionKind.RESOURCE if action.operation == "notify":
            when = "before" if action.meta["notify_type"] == "pre" else "after"
            return f"tell {action.resource}{at} {when} {action.meta['notify_operation']}"
        case ActionKind.RESOURCE:
            probe = action.operation == "monitor" and not action.interval_ms
            return f"{'probe' if probe else action.operation} {action.resource}{interval}{at}"
        case ActionKind.CANCEL:
            return f"cancel {action.operation} {action.resource}{interval}{at}"
        case ActionKind.FENCE:
            return f"unfence {action.node}" if action.operation == "on" else f"fence {action.node} ({action.operation})"
        case ActionKind.SHUTDOWN:
            return f"let {action.node} leave"
        case ActionKind.CLEAR_FAILURES:
            return f"clear failures {action.resource}{at}"
        case ActionKind.FORGET:
            return f"forget {action.resource}{at}"
        case ActionKind.PSEUDO if action.resource is None:
            return f"done: {action.operation}{at}"
        case ActionKind.PSEUDO:
            return f"done: {action.operation} {action.resource}{at}"
