"""Actions: single steps that the policy engine plans, the DC orders and a node's lrm carries out."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.model.device import FENCING_DEVICE
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent


LEFT_RUNNING: Final = "left-running"
"""In the meta of a SHUTDOWN: the resources that nobody manages and that run on the node."""


class ActionKind(Enum):
    """What carries an action out: a node's lrm, the fencing machine, or nobody."""

    RESOURCE = "resource"  # start, stop, promote, demote, monitor (also recurring), notify, reload: lrm.
    CANCEL = "cancel"  # Ends a recurring monitor: lrm.
    FENCE = "fence"  # stonith, `operation` is off or reboot; `on` gives a node access again (unfencing).
    # With FENCING_DEVICE in its meta, `off` only cuts the node from what that device can cut it from.
    SHUTDOWN = "shutdown"  # The DC answers the node's Leave.
    CLEAR_FAILURES = "clear-failures"  # Forget expired failures of the resource on the node: lrm.
    FORGET = "forget"  # Delete a removed resource's history on the node: lrm.
    PSEUDO = "pseudo"  # Done by being reached (stops on a fenced node, group and clone events).


class Action(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One step. It may begin when every action in `after` (indexes into the transition) is done."""

    kind: ActionKind
    node: NodeId | None = None
    host: NodeId | None = None
    """The cluster node that carries it out where `node` is a remote one."""
    resource: ResourceId | None = None
    operation: str = ""
    interval_ms: int = 0
    timeout_ms: int = 20_000
    start_delay_ms: int = 0
    agent: Agent | None = None
    parameters: dict[str, str] = {}
    """Instance attributes, without OCF_RESKEY_."""
    meta: dict[str, str] = {}
    """Meta attributes, without OCF_RESKEY_CRM_meta_."""
    digest: str = ""
    expected_rc: int = 0
    """What a probe (7) or a monitor of a promoted instance (8) expects."""
    on_fail: str = "restart"
    reason: str = ""
    """Why the action is there, for people: "node1 in standby", "monitor failed on node2"."""
    after: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """`vip_start_0@node1`, `stonith-node1-off@node1`: POLICY.md's naming."""
        at = f"@{self.node}" if self.node else ""
        if self.kind is ActionKind.FENCE:
            through = f"{self.meta[FENCING_DEVICE]}-" if FENCING_DEVICE in self.meta else ""
            return f"stonith-{through}{self.node}-{self.operation}{at}"
        if self.kind is ActionKind.SHUTDOWN:
            return f"do_shutdown-{self.node}{at}"
        if self.operation == "notify":
            when, what = self.meta.get("notify_type", "pre"), self.meta.get("notify_operation", "start")
            return f"{self.resource}_{when}_notify_{what}_0{at}"
        prefix = "cancel:" if self.kind is ActionKind.CANCEL else ""
        if self.operation == "lrm_delete":
            prefix = "lrm_delete:"
        return f"{prefix}{self.resource}_{self.operation}_{self.interval_ms}{at}"
