"""Ordering constraints, simple ones and those of resource sets, as edges."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.constraint import Order, ResourceSet
from hashelld.policy.acting.orderer import Orderer
from hashelld.policy.acting.steps import NEEDS_ANY, OPTIONAL, PSEUDO, RUNNABLE, Edge, Step
from hashelld.policy.settings import truth
from hashelld.policy.state.items import Item, Kind
from hashelld.policy.state.ties import members_of, stands_for


INVERSE: Final = {
    "start": "stop",
    "stop": "start",
    "promote": "demote",
    "demote": "promote",
    "promoted": "demoted",
    "demoted": "promoted",
    "running": "stopped",
    "stopped": "running",
}
_UP: Final = frozenset({"start", "promote"})
_DOWN: Final = frozenset({"stop", "demote"})
_MANDATORY: Final = "mandatory"
_SERIALIZE: Final = "serialize"


def add_order(orderer: Orderer, constraint: Order) -> None:
    """The edges of one constraint; tags and templates stand for sets."""
    if constraint.sets:
        _add_sets(orderer, constraint, constraint.sets)
        return
    if constraint.first is None or constraint.then is None:
        return
    named = [stands_for(orderer.situation, name) for name in (constraint.first, constraint.then)]
    if named[0] is not None or named[1] is not None:
        _add_sets(orderer, constraint, _as_sets(constraint, named))
        return
    options = dict(constraint.options)
    first = _instance(orderer.situation.named(constraint.first), options.get("first-instance"))
    then = _instance(orderer.situation.named(constraint.then), options.get("then-instance"))
    if first is not None and then is not None:
        _add_simple(orderer, constraint, first, then)


def _instance(item: Item | None, number: str | None) -> Item | None:
    """The numbered instance of a clone, where old configurations give a number; None when there is no such."""
    if item is None or number is None:
        return item
    return next((child for child in item.children if child.id == f"{child.base_id}:{number.strip()}"), None)


def _as_sets(constraint: Order, named: list[tuple[str, ...] | None]) -> tuple[ResourceSet, ResourceSet]:
    sides = []
    for name, action, found in zip(
        (constraint.first, constraint.then), (constraint.first_action, constraint.then_action), named, strict=True
    ):
        assert name is not None
        sides.append(
            ResourceSet(members=(name,), action=action, sequential=None if found is None else False, id=str(name))
        )
    return sides[0], sides[1]


def _kind(text: str | None) -> str:
    word = (text or _MANDATORY).lower()
    return word if word in {"optional", _SERIALIZE} else _MANDATORY


def _is_symmetric(kind: str, written: bool | None) -> bool:  # noqa: FBT001 - tri-state, as written
    return kind != _SERIALIZE and written is not False


def _edge(kind: str, first_task: str, *, is_symmetric: bool, is_inverse: bool = False) -> int:
    if kind != _MANDATORY:
        return Edge.SEQUENCE
    if is_inverse:
        return Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST
    if not is_symmetric:
        return Edge.SEQUENCE | Edge.ASYMMETRIC
    edge = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN
    return edge | Edge.UNRUNNABLE_BLOCKS if first_task in _UP else edge


def _between(orderer: Orderer, first: Item, first_task: str, then: Item, then_task: str, edge: int) -> None:
    """One pair of the user's. Fencing devices are not ordered against ordinary resources."""
    if first.is_device is not then.is_device and not (first.children or then.children):
        return
    orderer.between(first, first_task, then, then_task, edge)


def _add_simple(orderer: Orderer, constraint: Order, first: Item, then: Item) -> None:
    first_task = (constraint.first_action or "start").lower()
    then_task = (constraint.then_action or first_task).lower()
    kind = _kind(constraint.kind)
    is_symmetric = _is_symmetric(kind, constraint.symmetrical)
    edge = _edge(kind, first_task, is_symmetric=is_symmetric)
    needed = _instances_needed(first, constraint)
    if needed > 0:
        event = _some_of(orderer, f"clone-one-or-more:{constraint.id}", needed)
        for instance in first.children:
            orderer.before_step(instance, first_task, event, Edge.SEQUENCE | Edge.MIN_RUNNABLE | Edge.SHOWS_THEN)
        orderer.after_step(event, then, then_task, edge | Edge.UNRUNNABLE_BLOCKS)
    else:
        _between(orderer, first, first_task, then, then_task, edge)
    if is_symmetric and first_task in INVERSE and then_task in INVERSE:
        inverse = _edge(kind, first_task, is_symmetric=True, is_inverse=True)
        _between(orderer, then, INVERSE[then_task], first, INVERSE[first_task], inverse)


def _instances_needed(first: Item, constraint: Order) -> int:
    """How many instances of the first are enough; 0: all that there are to be."""
    if first.kind is not Kind.CLONE:
        return 0
    if first.instance_min:
        return first.instance_min
    return 0 if truth(dict(constraint.options).get("require-all"), default=True) else 1


def _some_of(orderer: Orderer, name: str, count: int) -> Step:
    """An event that can happen when some of those before it can."""
    event = orderer.graph.add(ActionKind.PSEUDO, None, None, name, OPTIONAL | RUNNABLE | PSEUDO | NEEDS_ANY)
    event.required_before = count
    return event


def _add_sets(orderer: Orderer, constraint: Order, sets: tuple[ResourceSet, ...]) -> None:
    kind = _kind(constraint.kind)
    is_symmetric = _is_symmetric(kind, constraint.symmetrical)
    last: _Set | None = None
    for number, found in enumerate(sets):
        one = _Set(found, members_of(orderer.situation, found), f"{constraint.id}-{number}")
        one.order_inside(orderer, kind, constraint.symmetrical)
        if last is not None:
            forward = _edge(kind, last.task, is_symmetric=is_symmetric)
            _order_sets(orderer, last, one, (last.task, one.task), forward, is_inverse=False)
            if is_symmetric and last.task in INVERSE and one.task in INVERSE:
                tasks = INVERSE[one.task], INVERSE[last.task]
                inverse = _edge(kind, tasks[0], is_symmetric=True, is_inverse=True)
                _order_sets(orderer, one, last, tasks, inverse, is_inverse=True)
        last = one


class _Set:
    """One set of a constraint."""

    __slots__ = ("id", "items", "kind", "needs_all", "sequential", "task")

    def __init__(self, source: ResourceSet, items: list[Item], name: str) -> None:
        self.items = items
        self.task = (source.action or "start").lower()
        self.sequential = source.sequential
        self.needs_all = source.require_all is not False
        self.kind = source.kind
        self.id = source.id or name

    def order_inside(self, orderer: Orderer, kind: str, symmetrical: bool | None) -> None:  # noqa: FBT001 - as written
        """Its members one after the other, unless it says otherwise."""
        own = kind if self.kind is None else _kind(self.kind)
        is_symmetric = _is_symmetric(own, symmetrical)
        edge = _edge(own, self.task, is_symmetric=is_symmetric)
        items, task = self.items, self.task
        if own == _SERIALIZE:
            for at, first in enumerate(items):
                for then in items[at + 1 :]:
                    _between(orderer, first, task, then, task, edge)
            return
        if self.sequential is False:
            return
        inverse = INVERSE.get(task) if is_symmetric else None
        back = _edge(own, task, is_symmetric=True, is_inverse=True)
        for first, then in pairwise(items):
            _between(orderer, first, task, then, task, edge)
            if inverse is not None:
                _between(orderer, then, inverse, first, inverse, back)


def _order_sets(
    orderer: Orderer, before: _Set, after: _Set, tasks: tuple[str, str], edge: int, *, is_inverse: bool
) -> None:
    first_task, then_task = tasks
    if not before.needs_all and first_task not in _DOWN:
        event = _some_of(orderer, f"one-or-more:{before.id}", 1)
        for first in before.items:
            orderer.before_step(first, first_task, event, Edge.SEQUENCE | Edge.MIN_RUNNABLE | Edge.SHOWS_THEN)
        for then in after.items:
            orderer.after_step(event, then, then_task, edge | Edge.UNRUNNABLE_BLOCKS)
        return
    for first in _near(before, is_last=not is_inverse):
        for then in _near(after, is_last=is_inverse):
            _between(orderer, first, first_task, then, then_task, edge)


def _near(one: _Set, *, is_last: bool) -> list[Item]:
    """The members that are next to the neighbour set: one of a set that says that it is sequential, else all."""
    if one.sequential is not True:
        return one.items
    return one.items[-1:] if is_last else one.items[:1]
