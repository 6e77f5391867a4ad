"""Steps as the DC orders them and a node's lrm carries them out."""

from __future__ import annotations

from hashelld.model.action import Action, ActionKind
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.acting.changes import own_digest, own_operation_digest
from hashelld.policy.acting.reasons import Reasons
from hashelld.policy.acting.remote import host_for
from hashelld.policy.acting.steps import PSEUDO, Step
from hashelld.policy.digests import all_digest
from hashelld.policy.settings import DEFAULT_TIMEOUT_MS
from hashelld.policy.state.items import Item, Kind
from hashelld.policy.state.ops import Op
from hashelld.policy.state.parameters import covered_now, parameters
from hashelld.policy.state.situation import Situation


class Writer:
    """Writes actions; what is the same for many is made once."""

    __slots__ = ("_digests", "_meta", "_reasons", "_situation", "_standard")

    def __init__(self, situation: Situation, reasons: Reasons) -> None:
        self._situation = situation
        self._reasons = reasons
        self._meta: dict[int, dict[str, str]] = {}
        self._digests: dict[tuple[int, str, int | None], str] = {}
        self._standard: dict[str, Op] = {}

    def action(self, step: Step, after: tuple[int, ...]) -> Action:
        """The step, waiting for the actions at these places."""
        situation, item = self._situation, step.item
        node = None if step.node is None else situation.nodes[step.node].id
        kind = ActionKind.PSEUDO if step.flags & PSEUDO else step.kind
        reason = self._reasons.of(step)
        if item is None:
            return Action(kind=kind, node=node, operation=step.task, meta=step.meta, reason=reason, after=after)
        host = host_for(situation, step)
        if kind is not ActionKind.RESOURCE:
            return Action(
                kind=kind,
                node=node,
                host=None if host is None else situation.nodes[host].id,
                resource=ResourceId(item.history_id if item.kind is Kind.PRIMITIVE else item.id),
                operation=step.task,
                interval_ms=step.interval_ms,
                agent=item.agent,
                meta=step.meta,
                reason=reason,
                after=after,
            )
        op = step.op or self._standard_op(step.task)
        given = parameters(situation, item, step.node)
        return Action(
            kind=kind,
            node=node,
            host=None if host is None else situation.nodes[host].id,
            resource=ResourceId(item.history_id),
            operation=step.task,
            interval_ms=step.interval_ms,
            timeout_ms=op.timeout_ms,
            start_delay_ms=op.start_delay_ms,
            agent=item.agent,
            parameters={**given, **op.params} if op.params else given,
            meta=self._meta_of(step, item, op, node),
            digest=self._digest(step, item, op),
            expected_rc=step.expected_rc,
            on_fail=op.on_fail or "restart",
            reason=reason,
            after=after,
        )

    def _standard_op(self, task: str) -> Op:
        found = self._standard.get(task)
        if found is None:
            found = self._standard[task] = Op(task, 0, timeout_ms=DEFAULT_TIMEOUT_MS)
        return found

    def _digest(self, step: Step, item: Item, op: Op) -> str:
        """What the history is to say of the parameters; in a Pacemaker's history as Pacemaker would."""
        situation, node = self._situation, step.node
        assert node is not None
        is_own = not situation.view.feature_set
        if is_own and step.interval_ms:
            return own_operation_digest(situation, item, op, node)
        task = "" if is_own else f"{step.task} {step.interval_ms}"
        key = item.index, task, node if item.has_node_params else None
        found = self._digests.get(key)
        if found is None:
            found = own_digest(situation, item, node) if is_own else all_digest(covered_now(situation, item, op, node))
            self._digests[key] = found
        return found

    def _meta_of(self, step: Step, item: Item, op: Op, node: NodeId | None) -> dict[str, str]:
        meta = {"name": step.task, "interval": str(step.interval_ms), "timeout": str(op.timeout_ms)}
        if node is not None:
            meta["on_node"] = node
        if step.task == "start" and not self._situation.settings.start_failure_is_fatal:
            meta["start-failure-is-fatal"] = "false"
        if op.role:
            meta["role"] = op.role.capitalize()
        if op.on_fail:
            meta["on_fail"] = op.on_fail
        if op.start_delay_ms:
            meta["start_delay"] = str(op.start_delay_ms)
        if step.expected_rc:
            meta["op_target_rc"] = str(step.expected_rc)
        if item.parent is not None:
            meta.update(self._around(item))
        if step.meta:
            meta.update(step.meta)
        return meta

    def _around(self, item: Item) -> dict[str, str]:
        """What an instance is told of its clone."""
        found = self._meta.get(item.index)
        if found is None:
            found = self._meta[item.index] = _clone_meta(item)
        return found


def _clone_meta(item: Item) -> dict[str, str]:
    clone = item.clone
    if clone is None:
        return {}
    number = item.id.rpartition(":")[2]
    meta = {
        "clone": number if number.isdigit() else "0",
        "clone_max": str(clone.instance_max),
        "clone_node_max": str(clone.instance_node_max),
        "globally_unique": str(clone.is_unique).lower(),
        "interleave": str(clone.is_interleaved).lower(),
        "notify": str(clone.notifies).lower(),
    }
    if clone.is_promotable:
        meta["promoted_max"] = meta["master_max"] = str(clone.promoted_max)
        meta["promoted_node_max"] = meta["master_node_max"] = str(clone.promoted_node_max)
    return meta
