"""The policy engine's input: one moment of the cluster as the DC sees it."""

from __future__ import annotations

import msgspec

from hashelld.cib.document import Cib
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NodeId, ResourceId


class NodeView(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One node's state.

    online: joined this epoch and able to take orders. unclean: lost while it may have run something, so to be
    fenced before its resources are recovered. Neither: it left cleanly, is confirmed off, or is *pending*
    (heard, not yet joined; gets no actions, and starts wait for it).
    """

    node: NodeId
    online: bool = False
    unclean: bool = False
    pending: bool = False
    is_leaving: bool = False
    """It asked to leave: its resources are moved away, and a SHUTDOWN action ends the transition for it."""
    fence_requested: bool = False
    """The administrator asked for it to be fenced."""
    fence_reason: str = ""
    """Why it is unclean, for people, where more than its silence is known."""
    is_remote: bool = False
    """No member of the cluster, but reached through a connection resource (remote, guest and bundle nodes).

    Its state is then judged by that resource, not by `online` and `unclean`.
    """
    closed: tuple[ResourceId, ...] = ()
    """The devices that cut the node off, or may have: it needs to be given access again, and is looked at before."""
    cut: tuple[ResourceId, ...] = ()
    """Those of them that confirmed it: what names one of them as its `fencing-device` does no harm there any more."""
    can_cut: tuple[ResourceId, ...] = ()
    """The devices, named so, that can be told to cut the node off; where one failed, the node is fenced instead."""
    was_fenced: bool = False
    """A remote node that was fenced since its connection was last up."""
    was_in_maintenance: bool = False
    """A remote node that was in maintenance when its connection was last up."""
    status: NodeStatus


class TicketState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Whether the cluster holds a ticket; a ticket in standby starts nothing new."""

    is_granted: bool = False
    is_standby: bool = False
    attributes: dict[str, str] = {}


class ClusterView(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything `plan` looks at; equal views give equal plans."""

    cib: Cib
    nodes: tuple[NodeView, ...] = ()
    has_quorum: bool = True
    may_start: bool = True
    """False while the DC may not yet order starts and promotions: the rest is planned."""
    now_ms: int = 0
    """Wall-clock milliseconds: failure-timeout and rules are judged by it."""
    dc: NodeId | None = None
    tickets: dict[str, TicketState] = {}
    reported: tuple[NodeId, ...] = ()
    """Nodes in the order in which their histories are to be read, where that is not the order of `nodes`."""
    feature_set: str = ""
    """crm_feature_set of the CIB that this was read from; empty for our own."""
    can_unfence: bool = False
    """Can nodes be unfenced? Where they cannot, devices with provides=unfencing only fence."""
    can_reach: bool = False
    """Are there remote and guest nodes? Where there are not, bundles are left alone, and what would connect to a remote
    node is a resource like others."""
    was_quorate: bool = True
    """Had this partition quorum before? no-quorum-policy=suicide fences only then."""

    has_watchdog: bool | None = None
    """Do lost nodes end themselves, so that fencing needs no device? None: as the property have-watchdog says."""

    def node(self, name: NodeId) -> NodeView | None:
        """The state of one node."""
        return next((n for n in self.nodes if n.node == name), None)
