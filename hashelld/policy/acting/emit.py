"""From the working graph to the transition: what is taken, in which sequence, and what cannot be done."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.ids import ResourceId
from hashelld.policy.acting.obstacles import ON_HOLD
from hashelld.policy.acting.probe_waits import add_restart_waits
from hashelld.policy.acting.propagate import same_node
from hashelld.policy.acting.reasons import Reasons
from hashelld.policy.acting.steps import MIGRATABLE, OPTIONAL, PSEUDO, RUNNABLE, SHOWN, Edge, Graph, Step
from hashelld.policy.acting.writing import Writer
from hashelld.policy.graph import Placed, Transition
from hashelld.policy.state.situation import Situation


_HELD: Final = frozenset({"start", "promote", "migrate_to", "migrate_from"})
_BOUND: Final = Edge.REQUIRED_SAME_NODE | Edge.SAME_NODE_OR_TARGET

Before = dict[int, set[int]]
"""For each kept step those that it waits for; by index."""


def emit(situation: Situation, graph: Graph, reasons: Reasons | None = None) -> Transition:
    """The transition: required and runnable steps with their order, and the reasons for what is missing."""
    reasons = reasons or Reasons(situation, graph)
    kept = {step.index: step for step in graph.steps if _is_kept(situation, step)}
    held = [] if situation.view.may_start else _hold_starts(kept)
    if not situation.view.feature_set:
        _drop_announcements(kept)
    add_restart_waits(situation, graph, kept)
    before = _predecessors(situation, kept)
    _contract_events(kept, before)
    sequence = _sorted(kept, before)
    place_of = {index: at for at, index in enumerate(sequence)}
    writer = Writer(situation, reasons)
    actions = tuple(
        writer.action(kept[index], tuple(sorted(place_of[first] for first in before[index]))) for index in sequence
    )
    blocked = reasons.obstacles.notices()
    blocked += [reasons.obstacles.notice(step, ON_HOLD) for step in held]
    return Transition(actions, _placed(situation), tuple(blocked), situation.wake_ms)


def _is_kept(situation: Situation, step: Step) -> bool:
    flags = step.flags
    if not flags & RUNNABLE or (flags & OPTIONAL and not flags & SHOWN):
        return False
    item = step.item
    if item is not None and not item.is_managed and not (step.task == "monitor" or step.interval_ms):
        return False
    if flags & PSEUDO or step.kind in {ActionKind.FENCE, ActionKind.SHUTDOWN}:
        return True
    if step.node is None:
        return False
    if step.task == "lrm_delete":
        return True  # The DC forgets what a node that is away reported.
    node = situation.nodes[step.node]
    if node.is_guest and not node.needs_reset:
        return True
    return node.is_online and not node.is_unclean


def _hold_starts(kept: dict[int, Step]) -> list[Step]:
    """Take out what brings resources up, and all that would come after it."""
    held = [step for step in kept.values() if step.task in _HELD and step.kind is ActionKind.RESOURCE]
    pending = list(held)
    for step in held:
        del kept[step.index]
    while pending:
        for then, edge in pending.pop().after:
            if then.index in kept and not edge & _BOUND:
                del kept[then.index]
                pending.append(then)
    _drop_announcements(kept)
    return held


def _drop_announcements(kept: dict[int, Step]) -> None:
    """Nobody is told of what will not be done (Pacemaker tells, in every transition anew)."""
    notices = [step for step in kept.values() if step.task == "notify"]
    coming = {(_clone_of(step), step.task) for step in kept.values() if step.node is not None} if notices else set()
    for step in notices:
        if (_clone_of(step), step.meta.get("notify_operation")) not in coming:
            del kept[step.index]


def _clone_of(step: Step) -> int | None:
    clone = None if step.item is None else step.item.clone
    return None if clone is None else clone.index


def _predecessors(situation: Situation, kept: dict[int, Step]) -> Before:
    """For each step what it waits for, without circles: an edge that closes one is left out.

    Where resources change places with each other, waiting for room is what gives way.
    """
    before: Before = {}
    doubtful: list[tuple[int, int]] = []
    for index, then in kept.items():
        waits = before[index] = set()
        for at, edge in _merged(then, kept).items():
            if not _counts(situation, kept[at], then, edge):
                continue
            if edge == Edge.SAME_NODE_OR_TARGET and then.task == "migrate_to":
                doubtful.append((at, index))
            else:
                waits.add(at)
    done: set[int] = set()
    for index in kept:
        if index not in done:
            _cut_circles(index, before, done)
    for first_index, then_index in doubtful:
        if not _reaches(before, first_index, then_index):
            before[then_index].add(first_index)
    return before


def _merged(then: Step, kept: dict[int, Step]) -> dict[int, int]:
    """The edges to a step from those that are kept, several from one taken together."""
    edges: dict[int, int] = {}
    for first, edge in then.before:
        at = first.index
        if at in kept:
            edges[at] = edges.get(at, 0) | edge
    return edges


def _counts(situation: Situation, first: Step, then: Step, edge: int) -> bool:
    """Is the edge a matter of sequence, for these two?"""
    if edge == Edge.SEQUENCE:
        return not (first.flags & MIGRATABLE and first.task == "stop") and not _is_its_guest(situation, first, then)
    if edge & Edge.UNLESS_MIGRATING and first.flags & MIGRATABLE:
        return False
    if edge & Edge.SAME_NODE and not same_node(first, then):
        return False
    if edge == Edge.REQUIRED_SAME_NODE:
        return not first.flags & OPTIONAL and same_node(first, then)
    if edge == Edge.SAME_NODE_OR_TARGET:
        if then.task == "migrate_to" and then.item is not None:
            return then.item.home == first.node
        return not first.flags & OPTIONAL and first.node is not None and first.node == then.node
    return not _is_its_guest(situation, first, then)


def _is_its_guest(situation: Situation, first: Step, then: Step) -> bool:
    """Is `first` done on the guest that `then` is about? Nothing inside a guest can be said to precede the guest."""
    if first.item is None or first.node is None or then.item is None or not then.item.fillers:
        return False
    connection = situation.nodes[first.node].connection
    return connection is not None and connection.container is then.item


def _reaches(before: Before, start: int, wanted: int) -> bool:
    """Does `start` wait, directly or not, for `wanted`?"""
    seen = {start}
    pending = [start]
    while pending:
        for first in before[pending.pop()]:
            if first == wanted:
                return True
            if first not in seen:
                seen.add(first)
                pending.append(first)
    return start == wanted


def _cut_circles(start: int, before: Before, done: set[int]) -> None:
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


def _contract_events(kept: dict[int, Step], before: Before) -> None:
    """Leave out events that save no edges."""
    events = [i for i, step in kept.items() if step.flags & PSEUDO and (step.item is None or step.item.children)]
    after: dict[int, set[int]] = {index: set() for index in events if kept[index].kind is ActionKind.PSEUDO}
    for index, firsts in before.items():
        for first in firsts:
            if first in after:
                after[first].add(index)
    for index in tuple(after):
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


def _sorted(kept: dict[int, Step], before: Before) -> list[int]:
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


def _placed(situation: Situation) -> tuple[Placed, ...]:
    return tuple(
        Placed(ResourceId(item.history_id), situation.nodes[item.home].id, item.next.role)
        for item in situation.primitives()
        if item.home is not None and (item.active or not item.is_frozen)
    )
