"""From the working graph to the transition: what is taken, in which sequence, and what cannot be done."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from hashelld.model.action import Action, ActionKind
from hashelld.model.history import Role
from hashelld.model.ids import NodeId
from hashelld.policy.expand import NOWHERE, Situation
from hashelld.policy.graph import Blocked, Placed, Transition
from hashelld.policy.observe import Observed
from hashelld.policy.place import Placement
from hashelld.policy.reasons import ON_HOLD, Reasons
from hashelld.policy.steps import BUSY, PSEUDO, SHOWN, Edge, Graph, Step, same_node


_KEPT_UNMANAGED = frozenset({ActionKind.CANCEL, ActionKind.FENCE, ActionKind.SHUTDOWN})


def emit(situation: Situation, observed: Observed, placement: Placement, graph: Graph, reasons: Reasons) -> Transition:
    """The transition: required and runnable steps with their order, and the reasons for what is missing."""
    kept = {step.index: step for step in graph.steps if _is_kept(step)}
    held: list[Step] = []
    if not situation.view.may_start:
        held = _hold_starts(kept)
    before = _predecessors(kept)
    _contract_events(kept, before)
    sequence = _sorted(kept, before)
    place_of = {index: at for at, index in enumerate(sequence)}
    writer = _Writer(situation, reasons)
    actions = tuple(
        writer.action(kept[index], tuple(sorted(place_of[first] for first in before[index]))) for index in sequence
    )
    blocked = _blocked(situation, observed, placement, graph, reasons)
    blocked += [_blocked_step(situation, step, ON_HOLD) for step in held]
    return Transition(actions, _placed(situation, placement), tuple(blocked), observed.wake_ms)


def _is_kept(step: Step) -> bool:
    if not step.is_runnable or not (step.is_required or step.flags & SHOWN):
        return False
    item = step.item
    if item is None or item.is_managed or item.children:
        return True
    return step.kind in _KEPT_UNMANAGED or step.interval_ms > 0 or step.task == "monitor"


def _hold_starts(kept: dict[int, Step]) -> list[Step]:
    """Take out the starts and all that would come after them."""
    held = [step for step in kept.values() if step.task == "start" and step.kind is ActionKind.RESOURCE]
    pending = list(held)
    for step in held:
        del kept[step.index]
    while pending:
        for then, edge in pending.pop().after:
            if then.index in kept and not edge & (Edge.NEWS_ONLY | Edge.REQUIRED_SAME_NODE):
                del kept[then.index]
                pending.append(then)
    return held


def _counts(first: Step, then: Step, edge: int) -> bool:
    if edge & Edge.NEWS_ONLY:
        return False
    if edge & Edge.REQUIRED_SAME_NODE and not first.is_required:
        return False
    return not edge & (Edge.SAME_NODE | Edge.REQUIRED_SAME_NODE) or same_node(first, then)


def _predecessors(kept: dict[int, Step]) -> dict[int, set[int]]:
    """For each step what it waits for, without circles: an edge that closes one is left out."""
    before: dict[int, set[int]] = {}
    for index, then in kept.items():
        before[index] = {f.index for f, edge in then.before if f.index in kept and _counts(f, then, edge)}
    done: set[int] = set()
    for index in kept:
        if index not in done:
            _cut_circles(index, before, done)
    return before


def _cut_circles(start: int, before: dict[int, set[int]], done: set[int]) -> None:
    on_path = {start}
    stack = [(start, iter(sorted(before[start])))]
    while stack:
        index, firsts = stack[-1]
        for first in firsts:
            if first in on_path:
                before[index].discard(first)
            elif first not in done:
                on_path.add(first)
                stack.append((first, iter(sorted(before[first]))))
                break
        else:
            stack.pop()
            on_path.discard(index)
            done.add(index)


def _contract_events(kept: dict[int, Step], before: dict[int, set[int]]) -> None:
    """Leave out group events that save no edges."""
    events = [index for index, step in kept.items() if step.flags & PSEUDO and step.item and step.item.children]
    after: dict[int, set[int]] = {index: set() for index in events}
    for index, firsts in before.items():
        for first in firsts:
            if first in after:
                after[first].add(index)
    for index in events:
        firsts, thens = before[index], after[index]
        if len(firsts) * len(thens) > len(firsts) + len(thens):
            continue
        for then in thens:
            before[then].discard(index)
            before[then] |= firsts
        for first in firsts:
            if first in after:
                after[first].discard(index)
                after[first] |= thens
        del before[index], kept[index], after[index]


def _sorted(kept: dict[int, Step], before: dict[int, set[int]]) -> list[int]:
    """Topological, and otherwise in the order in which the steps were made."""
    waiting = {index: len(firsts) for index, firsts in before.items()}
    after: dict[int, list[int]] = {}
    for index, firsts in before.items():
        for first in firsts:
            after.setdefault(first, []).append(index)
    ready = [index for index, count in waiting.items() if not count]
    heapify(ready)
    sequence = []
    while ready:
        index = heappop(ready)
        sequence.append(index)
        for then in after.get(index, ()):
            waiting[then] -= 1
            if not waiting[then]:
                heappush(ready, then)
    assert len(sequence) == len(kept), "circles were cut before"
    return sequence


class _Writer:
    def __init__(self, situation: Situation, reasons: Reasons) -> None:
        self._situation = situation
        self._reasons = reasons
        self._meta: dict[tuple[int, str, int, int], dict[str, str]] = {}

    def action(self, step: Step, after: tuple[int, ...]) -> Action:
        """The step as the DC and the lrm want it."""
        node = None if step.node is None else self._situation.nodes[step.node].id
        if step.item is None:
            return Action(kind=step.kind, node=node, operation=step.task, reason=self._reasons.of(step), after=after)
        item, op = step.item, step.op
        is_plain = step.kind is not ActionKind.RESOURCE or op is None
        if op is None or is_plain:
            return Action(
                kind=step.kind,
                node=node,
                resource=item.id,
                operation=step.task,
                interval_ms=step.interval_ms,
                agent=item.agent,
                reason=self._reasons.of(step),
                after=after,
            )
        return Action(
            kind=step.kind,
            node=node,
            resource=item.id,
            operation=step.task,
            interval_ms=step.interval_ms,
            timeout_ms=op.timeout_ms,
            start_delay_ms=op.start_delay_ms,
            agent=item.agent,
            parameters={**item.params, **op.params} if op.params else item.params,
            meta=self._meta_of(step, node),
            digest=op.digest if step.interval_ms else item.digest,
            expected_rc=step.expected_rc,
            on_fail=op.on_fail or "restart",
            reason=self._reasons.of(step),
            after=after,
        )

    def _meta_of(self, step: Step, node: NodeId | None) -> dict[str, str]:
        assert step.item is not None
        assert step.op is not None
        key = (step.item.index, step.task, step.interval_ms, NOWHERE if step.node is None else step.node)
        if key not in self._meta:
            meta = {"name": step.task, "interval": str(step.interval_ms), "timeout": str(step.op.timeout_ms)}
            if node is not None:
                meta["on_node"] = node
            self._meta[key] = meta
        return self._meta[key]


def _placed(situation: Situation, placement: Placement) -> tuple[Placed, ...]:
    return tuple(
        Placed(item.id, situation.nodes[home].id, Role.STARTED)
        for item in situation.primitives()
        if (home := placement.home[item.index]) is not None and item.index not in placement.frozen
    )


def _blocked(
    situation: Situation, observed: Observed, placement: Placement, graph: Graph, reasons: Reasons
) -> list[Blocked]:
    blocked: list[Blocked] = []
    for item in situation.primitives():
        reason = placement.reasons.get(item.index)
        seen = observed.of(item.index)
        if seen.blocked:
            blocked.append(Blocked(item.id, None, seen.blocked))
        elif item.index in placement.unplaceable:
            blocked.append(Blocked(item.id, None, reasons.why_nowhere(item)))
        elif reason and not item.is_managed:
            blocked.append(Blocked(item.id, None, reason))
        elif item.index in placement.frozen and not seen.active:
            blocked.append(Blocked(item.id, None, "no quorum"))
        elif item.is_managed and not reason:
            blocked += [
                _blocked_step(situation, step, reasons.why_blocked(step))
                for task in ("stop", "start")
                for step in graph.find(item, task)
                if step.is_required and not step.is_runnable and not step.flags & BUSY
            ]
    return blocked


def _blocked_step(situation: Situation, step: Step, reason: str) -> Blocked:
    assert step.item is not None
    node = None if step.node is None else situation.nodes[step.node].id
    return Blocked(step.item.id, node, f"cannot {step.task}: {reason}")
