"""What a history came to, where it went wrong."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.model.history import (
    OCF_ERR_INSTALLED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    ActionResult,
    OpStatus,
)
from hashelld.model.ids import NodeId


_RC_WORDS = {
    1: "error",
    2: "invalid argument",
    3: "not supported",
    4: "no permission",
    5: "not installed",
    6: "not configured",
    7: "not running",
    8: "running promoted",
    9: "failed promoted",
}
_INSTEAD: Final = {OCF_NOT_RUNNING: "running", OCF_RUNNING_PROMOTED: "not promoted"}
"""What an operation found that succeeded, where something else was expected."""

SEVERITY = (
    "",
    "ignore",
    "demote",
    "restart",
    "reset-remote",
    "restart-container",
    "ban",
    "block",
    "stop",
    "standby",
    "fence",
)
"""What failures ask for (on-fail), from the mildest to the gravest."""


class Failure(msgspec.Struct, frozen=True):
    """A failed operation that still matters, and what its on-fail asks for (one of SEVERITY)."""

    operation: str
    interval_ms: int
    rc: int
    status: OpStatus
    on_fail: str
    reason: str = ""
    expected_rc: int = 0

    def text(self, node: NodeId) -> str:
        """`monitor failed on node1: not running`, `start timed out on node1`."""
        return failure_text(self, node)


class Tally(msgspec.Struct, frozen=True):
    """Failures of a resource on a node, over all operations."""

    count: int
    last_ms: int
    is_expired: bool
    why_cleared: str = ""
    """Why the counts are to be cleared now; empty when they are not."""


def failure_text(failed: Failure | ActionResult, node: NodeId) -> str:
    """A failure in words: `start timed out on n1`, `monitor failed on n1: not running (port 80 refused)`."""
    if failed.status is OpStatus.TIMED_OUT:
        return f"{failed.operation} timed out on {node}"
    if failed.status is OpStatus.NOT_INSTALLED:
        return f"{failed.operation} failed on {node}: {_RC_WORDS[OCF_ERR_INSTALLED]}"
    is_said = failed.status is OpStatus.COMPLETE
    words = _INSTEAD.get(failed.expected_rc) if failed.rc == OCF_OK else _RC_WORDS.get(failed.rc)
    what = words or f"rc {failed.rc}" if is_said else "could not be executed"
    detail = f" ({failed.reason.strip()})" if failed.reason.strip() else ""
    return f"{failed.operation} failed on {node}: {what}{detail}"
