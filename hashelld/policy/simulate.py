"""Carries a transition out in memory: the cluster as it will be when every action has succeeded."""

from __future__ import annotations

import msgspec

from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.action import Action, ActionKind
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import NodeId
from hashelld.policy.graph import Transition


def carry_out(view: ClusterView, transition: Transition) -> ClusterView:
    """The view after all actions of the transition; probes find nothing, fenced nodes stay off."""
    nodes = {node.node: _Worked(node, view.now_ms) for node in view.nodes}
    for action in transition.actions:
        if action.node is not None and action.node in nodes:
            nodes[action.node].do(action)
    return msgspec.structs.replace(view, nodes=tuple(nodes[node.node].view() for node in view.nodes))


class _Worked:
    """One node while actions are done on it."""

    def __init__(self, view: NodeView, now_ms: int) -> None:
        self._view = view
        self._now_ms = now_ms
        self._results = {(r.resource, r.operation, r.interval_ms): r for r in view.status.operations}
        self._failures = list(view.status.failures)
        self._call = max((r.call for r in view.status.operations), default=0)

    def do(self, action: Action) -> None:
        """One action succeeds."""
        resource = action.resource
        match action.kind:
            case ActionKind.RESOURCE:
                self._run(action)
            case ActionKind.CANCEL:
                assert resource is not None
                self._results.pop((resource, action.operation, action.interval_ms), None)
            case ActionKind.FENCE | ActionKind.SHUTDOWN:
                self._view = _off(self._view)
                self._results, self._failures = {}, []
            case ActionKind.CLEAR_FAILURES:
                self._failures = [f for f in self._failures if f.resource != resource]
                self._results = {
                    key: r
                    for key, r in self._results.items()
                    if r.resource != resource or not (r.interval_ms and r.is_failed)
                }
            case ActionKind.FORGET:
                self._failures = [f for f in self._failures if f.resource != resource]
                self._results = {key: r for key, r in self._results.items() if r.resource != resource}
            case ActionKind.PSEUDO:
                pass

    def _run(self, action: Action) -> None:
        assert action.resource is not None
        self._call += 1
        if action.operation == "stop":
            self._results = {
                key: r for key, r in self._results.items() if not (r.resource == action.resource and r.interval_ms)
            }
        self._results[action.resource, action.operation, action.interval_ms] = ActionResult(
            resource=action.resource,
            operation=action.operation,
            interval_ms=action.interval_ms,
            call=self._call,
            rc=action.expected_rc,
            expected_rc=action.expected_rc,
            started_ms=self._now_ms,
            ended_ms=self._now_ms,
            digest=action.digest,
        )

    def view(self) -> NodeView:
        """The node afterwards."""
        status = msgspec.structs.replace(
            self._view.status, operations=tuple(self._results.values()), failures=tuple(self._failures)
        )
        return msgspec.structs.replace(self._view, status=status)


def _off(view: NodeView) -> NodeView:
    node: NodeId = view.node
    return NodeView(node=node, status=NodeStatus(node=node, serial=view.status.serial))
