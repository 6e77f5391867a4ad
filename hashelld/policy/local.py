"""What a node without quorum does on its own: stops and demotions, in the order that constraints and groups demand."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import DEFAULT_SETS, PROPERTY, Cib, Properties
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.action import Action, ActionKind
from hashelld.model.history import ActionResult, NodeStatus, Role
from hashelld.model.ids import NodeId
from hashelld.model.resource import AttributeSet, NvPair
from hashelld.policy.graph import Transition
from hashelld.policy.plan import plan
from hashelld.policy.state.report import active


_ALONE: Final = (("stonith-enabled", "false"), ("stop-orphan-resources", "true"))
_DOWN: Final = frozenset({"stop", "demote"})


def stop_everything(cib: Cib, status: NodeStatus, node: NodeId) -> Transition:
    """Demotions and stops of all that is active on the node and managed.

    Judged by the node's own report alone; an operation under way counts as active, a failed stop is tried again.
    """
    return _down(cib, status, node, ("stop-all-resources", "true"), has_quorum=True)


def demote_everything(cib: Cib, status: NodeStatus, node: NodeId) -> Transition:
    """no-quorum-policy=demote: demotions of what is promoted, and stops of all that has no roles.

    Instances of promotable clones go on unpromoted, unless what they need stops; so does what is configured with
    requires=nothing (Pacemaker's no_quorum_demote).
    """
    return _down(cib, status, node, ("no-quorum-policy", "demote"), has_quorum=False)


def _down(cib: Cib, status: NodeStatus, node: NodeId, wanted: tuple[str, str], *, has_quorum: bool) -> Transition:
    running = tuple(
        ActionResult(resource=resource, operation="promote" if role is Role.PROMOTED else "start", call=call)
        for call, (resource, role) in enumerate(active(status).items(), start=1)
    )
    alone = NodeView(node=node, online=True, status=NodeStatus(node=node, operations=running))
    pairs = tuple(NvPair(name, value) for name, value in (wanted, *_ALONE))
    # The set that precedes all others; of two of that name the later one counts.
    properties = Properties(id=DEFAULT_SETS[PROPERTY], kind=PROPERTY, set=AttributeSet(pairs))
    view = ClusterView(cib=Cib((*cib.objects, properties)), nodes=(alone,), has_quorum=has_quorum, dc=node)
    return _only_down(plan(view))


def _only_down(transition: Transition) -> Transition:
    kept: dict[int, int] = {}
    through: dict[int, tuple[int, ...]] = {}
    actions: list[Action] = []
    for index, action in enumerate(transition.actions):
        after = sorted({kept[b] for first in action.after for b in ([first] if first in kept else through[first])})
        if action.kind is ActionKind.RESOURCE and action.operation in _DOWN:
            kept[index] = len(actions)
            actions.append(msgspec.structs.replace(action, after=tuple(after), reason="no quorum"))
        else:
            through[index] = tuple(i for i, at in kept.items() if at in after)
    return Transition(tuple(actions))
