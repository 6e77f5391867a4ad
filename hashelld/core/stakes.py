"""Which of two nodes that lost each other should shoot first: `priority-fencing-delay`, without a DC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.action import Action, ActionKind
from hashelld.model.duration import parse_duration
from hashelld.model.history import NodeStatus
from hashelld.model.ids import Millis, NodeId
from hashelld.policy.plan import Planner


if TYPE_CHECKING:
    from hashelld.core.node import Node


PROPERTY = "priority-fencing-delay"


def delay_of(action: Action) -> Millis:
    """How long a planned fencing waits, because more is at stake on its target than elsewhere."""
    return 1000 * int(action.meta.get(PROPERTY, "0"))


def claim_delay_ms(node: Node, now: Millis, peer: NodeId) -> Millis:
    """How long this node of a pair waits before it fences the other: so long if that one had more to lose.

    The policy engine says so, of what both were last known to run.
    """
    standing = node.standing
    cib = standing.log.cib
    if not parse_duration(cib.property_value(PROPERTY) or ""):
        return 0
    known = {view.node: view.status for view in node.picture}
    own = NodeView(node=standing.node, online=True, status=node.lrm.status())
    lost = NodeView(node=peer, unclean=True, status=known.get(peer) or NodeStatus(node=peer))
    wall_ms = now + standing.wall_offset_ms
    view = ClusterView(cib=cib, nodes=(own, lost), has_quorum=True, may_start=True, now_ms=wall_ms, dc=standing.node)
    actions = Planner().plan(view).actions
    return max((delay_of(a) for a in actions if a.kind is ActionKind.FENCE and a.node == peer), default=0)
