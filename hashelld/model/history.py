"""What operations did: results of actions on nodes, and failure counts."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import msgspec

from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent


_FAIL_COUNT: Final = re.compile(r"fail-count-(.+)#([A-Za-z_-]+)_(\d{1,12})\Z", re.DOTALL)


class Role(Enum):
    """What an instance is, or should become."""

    STOPPED = "Stopped"
    STARTED = "Started"
    UNPROMOTED = "Unpromoted"
    PROMOTED = "Promoted"


class OpStatus(Enum):
    """How the execution itself ended; what the agent said is the return code."""

    PENDING = "pending"
    COMPLETE = "complete"
    TIMED_OUT = "timed-out"
    ERROR = "error"  # The agent could not be executed at all.
    CANCELLED = "cancelled"
    NOT_SUPPORTED = "not-supported"
    HARD = "hard"  # Like ERROR, and it will not go better on this node.
    FATAL = "fatal"  # Like ERROR, and it will not go better anywhere.
    NOT_INSTALLED = "not-installed"
    NOT_CONNECTED = "not-connected"
    INVALID = "invalid"


# Return codes of OCF 1.1 resource agents; other classes are mapped to them (HEARTBEAT.md 8).
OCF_OK = 0
OCF_ERR_GENERIC = 1
OCF_ERR_ARGS = 2
OCF_ERR_UNIMPLEMENTED = 3
OCF_ERR_PERM = 4
OCF_ERR_INSTALLED = 5
OCF_ERR_CONFIGURED = 6
OCF_NOT_RUNNING = 7
OCF_RUNNING_PROMOTED = 8
OCF_FAILED_PROMOTED = 9


class ActionResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The newest result of one operation of one resource on the reporting node.

    `call` orders results of one node and incarnation; times are wall-clock milliseconds, for people and for
    failure-timeout. `digest` is the digest of the parameters used (a later difference means restart).
    """

    resource: ResourceId
    operation: str
    interval_ms: int = 0
    call: int = 0
    status: OpStatus = OpStatus.COMPLETE
    rc: int = 0
    expected_rc: int = 0
    reason: str = ""
    """What the agent gave as its reason, or the end of its output."""
    started_ms: int = 0
    ended_ms: int = 0
    duration_ms: int = 0
    digest: str = ""
    restart_digest: str = ""
    """Of the parameters whose change needs a restart; with it, a change of any other is only told to the agent."""
    restart_params: str = ""
    """Names of parameters between blanks: those in `restart_digest`, or (Pacemaker) those that are not."""
    secure_digest: str = ""
    secure_params: str = ""
    migrate_source: NodeId | None = None
    migrate_target: NodeId | None = None
    version: str = ""
    """crm_feature_set of the transition that the operation was part of."""

    @property
    def is_failed(self) -> bool:
        """Did the operation end otherwise than it was expected to?"""
        return (
            self.status is not OpStatus.PENDING
            and self.status is not OpStatus.CANCELLED
            and (self.status is not OpStatus.COMPLETE or self.rc != self.expected_rc)
        )


class FailureCount(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How often an operation of a resource failed on the reporting node; `count` may be INFINITY."""

    resource: ResourceId
    operation: str
    interval_ms: int = 0
    count: int = 1
    last_ms: int = 0
    """Wall-clock milliseconds of the last failure."""


def fail_count_name(resource: str, operation: str, interval_ms: int) -> str:
    """The transient attribute that Pacemaker keeps this count in."""
    return f"fail-count-{resource}#{operation}_{interval_ms}"


def read_fail_count_name(name: str) -> tuple[ResourceId, str, int] | None:
    """Resource, operation and interval of a count by the attribute's name; None for any other attribute."""
    found = _FAIL_COUNT.match(name)
    return None if found is None else (ResourceId(found[1]), found[2], int(found[3]))


class NodeStatus(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a node reports of itself, kept by node and incarnation, and streamed to all by the DC."""

    node: NodeId
    serial: int = 0
    """Grows with every change within the incarnation."""
    operations: tuple[ActionResult, ...] = ()
    failures: tuple[FailureCount, ...] = ()
    attributes: dict[str, str] = {}
    """Transient node attributes."""
    agents: dict[ResourceId, Agent] = {}
    """With which agent each resource of the history was run; also resources without any result."""
    locks: dict[ResourceId, int] = {}
    """Resources reserved for this node since it left (wall-clock milliseconds): shutdown-lock."""
    containers: dict[ResourceId, ResourceId] = {}
    """In which container a resource of the history was run."""
    utilization: dict[str, str] = {}
    """Transient capacities of the node, instead of configured ones of the same names."""
