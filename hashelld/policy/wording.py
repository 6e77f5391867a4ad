"""Actions in a few words, for people: `start vip on node2`, `monitor web on node1 every 10s`, `fence node3 (off)`."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import Action, ActionKind
from hashelld.model.device import FENCING_DEVICE
from hashelld.model.duration import format_duration


_LIVE: Final = {"migrate_to": "migrate", "migrate_from": "take over"}
_FENCING: Final = {"on": "unfence {}", "off": "fence {} (off)", "reboot": "fence {} (reboot)"}


def verb_of(action: Action) -> str:
    """What is done, in one or two words; a first look is a `probe`."""
    match action.kind:
        case ActionKind.FENCE:
            if FENCING_DEVICE in action.meta:
                return "cut off"
            return "unfence" if action.operation == "on" else "fence"
        case ActionKind.SHUTDOWN:
            return "let go"
        case ActionKind.CANCEL:
            return "cancel"
        case ActionKind.CLEAR_FAILURES:
            return "clear failures"
        case ActionKind.FORGET:
            return "forget"
        case _ if action.operation == "monitor" and not action.interval_ms:
            return "probe"
        case _:
            return _LIVE.get(action.operation, action.operation)


def phrase(action: Action) -> str:
    """The whole action in one line."""
    at = f" on {action.node}" if action.node else ""
    every = f" every {format_duration(action.interval_ms)}" if action.interval_ms else ""
    match action.kind:
        case ActionKind.FENCE if FENCING_DEVICE in action.meta:
            return f"cut {action.node} off with {action.meta[FENCING_DEVICE]}"
        case ActionKind.FENCE:
            return _FENCING.get(action.operation, "fence {}").format(action.node)
        case ActionKind.SHUTDOWN:
            return f"let {action.node} go"
        case ActionKind.CANCEL:
            return f"cancel {action.operation} of {action.resource}{at}{every}"
        case ActionKind.CLEAR_FAILURES:
            return f"clear failures of {action.resource}{at}"
        case ActionKind.PSEUDO if action.resource is None:
            return f"{action.operation}{at}"
        case ActionKind.PSEUDO:
            return f"{action.operation} of {action.resource}{at}"
        case ActionKind.RESOURCE if action.operation == "notify":
            return f"notify {action.resource}{at}{_notified(action)}"
        case _:
            return f"{verb_of(action)} {action.resource}{at}{every}"


def _notified(action: Action) -> str:
    """` before start`, when the meta attributes say so."""
    kind, operation = action.meta.get("notify_type"), action.meta.get("notify_operation")
    if not kind or not operation:
        return ""
    return f" {'before' if kind == 'pre' else 'after'} {operation}"
