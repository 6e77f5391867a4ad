"""Carries a transition out in memory: the cluster as it will be when every action has ended as it should.

Where results are given for some actions, those end so instead, and what waits for a failed one is not begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.action import Action, ActionKind
from hashelld.model.device import FENCING_DEVICE, UNFENCED
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Group
from hashelld.policy.graph import Transition
from hashelld.policy.notebook import Notebook


_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_OFF: Final = frozenset({"off", "reboot"})


class Execution(msgspec.Struct, frozen=True):
    """What carrying a transition out came to; actions are indexes into the transition."""

    view: ClusterView
    failed: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    """They wait for what failed, and were not begun."""


def carry_out(view: ClusterView, transition: Transition, failures: Mapping[str, int] = _NOTHING) -> ClusterView:
    """The view after the transition. Probes find what they expect; a fenced node, or one that left, stays off.

    `failures` gives return codes by the labels of actions (`vip_start_0@node1`); for a fencing any but 0 is a failure.
    """
    return execute(view, transition, failures).view


def execute(view: ClusterView, transition: Transition, failures: Mapping[str, int] = _NOTHING) -> Execution:
    """As `carry_out`, and what failed and what was not reached."""
    nodes = _Nodes(view)
    failed: list[int] = []
    skipped: list[int] = []
    lost: set[int] = set()
    for at, action in enumerate(transition.actions):
        if lost and not lost.isdisjoint(action.after):
            skipped.append(at)
            lost.add(at)
        elif not nodes.do(action, failures.get(action.label) if failures else None):
            failed.append(at)
            lost.add(at)
    return Execution(nodes.view(), tuple(failed), tuple(skipped))


def without_departures(transition: Transition) -> Transition:
    """The transition without its last step for nodes that leave: they stay, with what was not stopped there."""
    actions = tuple(
        msgspec.structs.replace(action, kind=ActionKind.PSEUDO) if action.kind is ActionKind.SHUTDOWN else action
        for action in transition.actions
    )
    return msgspec.structs.replace(transition, actions=actions)


class _Nodes:
    """The nodes while actions are done on them; those that no action touches stay as they are."""

    def __init__(self, view: ClusterView) -> None:
        self._view = view
        self._before = {node.node: node for node in view.nodes}
        self._after = dict(self._before)
        self._books: dict[NodeId, Notebook] = {}
        self._locks = parse_boolean(view.cib.property_value("shutdown-lock") or "") is True

    def do(self, action: Action, rc: int | None) -> bool:
        """Do one action, with another return code where one is given; did it succeed?"""
        node = action.node
        if node is None:
            return True
        match action.kind:
            case ActionKind.RESOURCE:
                is_done = self._book(node).run(action, rc)
                if is_done and self._locks and action.operation == "stop":
                    self._reserve(node, action)
                return is_done
            case ActionKind.CANCEL:
                self._book(node).cancel(action)
            case ActionKind.CLEAR_FAILURES:
                self._book(node).clear_failures(action)
            case ActionKind.FORGET:
                self._book(node).forget(action)
            case ActionKind.FENCE:
                device = action.meta.get(FENCING_DEVICE)
                return self._cut(node, device, rc) if device else self._fence(node, action.operation, rc)
            case ActionKind.SHUTDOWN:
                self._leave(node)
            case ActionKind.PSEUDO:
                self._happen(node, action)
        return True

    def _happen(self, node: NodeId, action: Action) -> None:
        if action.resource is None and action.operation in _OFF:
            # A guest is off because its host was fenced, or restarts it: nothing is left of what ran there.
            self._fence(node, action.operation, None)
        elif action.agent is not None and action.operation == "stop" and self._is_remote(node):
            # Its host is gone, and nobody fences the node itself.
            self._book(node).run(action)

    def _is_remote(self, node: NodeId) -> bool:
        return node in self._after and self._after[node].is_remote

    def _reserve(self, node: NodeId, action: Action) -> None:
        """shutdown-lock: what is stopped because its node leaves waits for it (clones and fencing devices do not)."""
        before = self._before.get(node)
        resource = action.resource
        if before is None or not before.is_leaving or resource is None:
            return
        is_device = action.agent is not None and action.agent.standard == "stonith"
        parent = self._view.cib.parent_of(resource)
        if not is_device and (
            parent is None or (isinstance(parent, Group) and not self._view.cib.parent_of(parent.id))
        ):
            self._books[node].lock(resource)

    def _book(self, node: NodeId) -> Notebook:
        book = self._books.get(node)
        if book is None:
            # A node without a view is one that a resource makes: it has nothing to tell until something ran there.
            status = self._after[node].status if node in self._after else NodeStatus(node=node)
            book = self._books[node] = Notebook(status, self._view.now_ms, is_own=not self._view.feature_set)
        return book

    def _fence(self, node: NodeId, operation: str, rc: int | None) -> bool:
        if rc:
            return False
        if operation in _OFF:
            self._put_off(node, NodeStatus(node=node, serial=self._serial(node)))
        else:
            self._book(node).set_attribute(UNFENCED, str(self._view.now_ms // 1000))
            self._after[node] = msgspec.structs.replace(self._after[node], closed=(), cut=())
        return True

    def _cut(self, node: NodeId, name: str, rc: int | None) -> bool:
        """The device cuts the node off, which stays what it is."""
        view, device = self._after[node], ResourceId(name)
        left = tuple(other for other in view.can_cut if other != device)
        self._after[node] = msgspec.structs.replace(
            view, cut=view.cut if rc else (*view.cut, device), can_cut=left, closed=(*view.closed, device)
        )
        return not rc

    def _leave(self, node: NodeId) -> None:
        """It leaves nothing behind but what is reserved for its return."""
        before = self._book(node).status()
        kept = tuple(result for result in before.operations if result.resource in before.locks)
        agents = {resource: agent for resource, agent in before.agents.items() if resource in before.locks}
        self._put_off(
            node,
            NodeStatus(node=node, serial=before.serial, operations=kept, agents=agents, locks=before.locks),
        )

    def _serial(self, node: NodeId) -> int:
        return self._after[node].status.serial if node in self._after else 0

    def _put_off(self, node: NodeId, status: NodeStatus) -> None:
        self._books.pop(node, None)
        is_remote = node not in self._before or self._before[node].is_remote
        self._after[node] = NodeView(node=node, is_remote=is_remote, status=status)

    def view(self) -> ClusterView:
        """The cluster afterwards."""
        for node, book in self._books.items():
            before = self._after.get(node) or NodeView(node=node, is_remote=True, status=NodeStatus(node=node))
            self._after[node] = msgspec.structs.replace(before, status=book.status())
        nodes = tuple(self._after.values())
        return msgspec.structs.replace(self._view, nodes=nodes, reported=self._reported())

    def _reported(self) -> tuple[NodeId, ...]:
        """Whatever was done on a node, it has a state now."""
        before = self._view.reported
        touched = (node for node, view in self._after.items() if view is not self._before.get(node))
        return tuple(dict.fromkeys((*before, *touched))) if before else before
