"""Capacity: which nodes have room for an item and what must be with it (POLICY.md 22)."""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING

from hashelld.model.score import INFINITY, Score
from hashelld.policy.placing.colocation import Colocations, applies_in_advance
from hashelld.policy.state.items import Item, Kind, Node
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.table import Table


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer

Needed = dict[str, int]


def consume(node: Node, item: Item) -> None:
    """The item takes its share of the node."""
    for name, amount in item.utilization.items():
        if name in node.utilization:
            node.utilization[name] -= amount


def release(node: Node, item: Item) -> None:
    """The item gives its share of the node back."""
    for name, amount in item.utilization.items():
        node.utilization[name] = node.utilization.get(name, 0) + amount


def compare_capacity(left: Node, right: Node) -> int:
    """Negative when the left node has more of more kinds of capacity free."""
    result = 0
    for name in left.utilization.keys() | right.utilization.keys():
        difference = left.utilization.get(name, 0) - right.utilization.get(name, 0)
        result += -1 if difference > 0 else 1 if difference < 0 else 0
    return result


def ban_where_too_small(placer: Placer, item: Item) -> int | None:
    """Ban an item from nodes without room for it and what must be with it.

    When no node has room for all of them, only room for the item itself is asked for, and the node with most room free
    is given back.
    """
    company = _company(placer, item)
    needed: Needed = {}
    counted: set[int] = set()
    for other in company:
        _add_need(other, needed, counted)
    nodes = placer.situation.nodes
    able = [at for at in item.table.allowed(len(nodes)) if nodes[at].is_usable and item.table.score(at) >= 0]
    if any(_has_room(nodes[at], needed) for at in able):
        _ban_small(placer, item, able, needed)
        return None
    most_free: int | None = None
    for at in able:
        if most_free is None or compare_capacity(nodes[at], nodes[most_free]) < 0:
            most_free = at
    _ban_small(placer, item, able, item.utilization)
    return most_free


def _ban_small(placer: Placer, item: Item, able: list[int], needed: Needed) -> None:
    for at in able:
        node = placer.situation.nodes[at]
        if not _has_room(node, needed):
            item.table.set(at, -INFINITY)
            placer.situation.note(item, f"{node.id} has too little capacity left", at, -INFINITY)


def _has_room(node: Node, needed: Needed) -> bool:
    return all(node.utilization.get(name, 0) >= amount for name, amount in needed.items())


def _add_need(item: Item, needed: Needed, counted: set[int]) -> None:
    """What an unplaced item needs: of a clone one instance, of a group all members that stay together."""
    if item.is_assigned or item.index in counted:
        return
    counted.add(item.index)
    if item.kind is Kind.PRIMITIVE:
        for name, amount in item.utilization.items():
            needed[name] = needed.get(name, 0) + amount
    elif item.kind is Kind.GROUP:
        is_cloned = item.parent is not None and item.parent.kind is Kind.CLONE
        for member in item.children if item.is_collocated or is_cloned else item.children[:1]:
            _add_need(member, needed, counted)
    elif item.kind is Kind.CLONE:
        if not any(part.index in counted for part in item.primitives()):
            for child in item.children[:1]:
                _add_need(child, needed, counted)
    else:
        for container in item.containers()[:1]:
            _add_need(container, needed, counted)


def _company(placer: Placer, item: Item) -> list[Item]:
    """The item, and all that has to be where it is."""
    found: dict[int, Item] = {}
    _gather(item, item, found)
    found.setdefault(item.index, item)
    return list(found.values())


def _gather(item: Item, origin: Item, found: dict[int, Item]) -> None:
    if item.index in found:
        return
    if item.kind is Kind.GROUP and (item.is_collocated or (item.parent is not None and item.parent.kind is Kind.CLONE)):
        found[item.index] = item
        for member in item.children:
            _gather(member, origin, found)
        _follow(item, origin, found)
        return
    found[item.index] = item
    _follow(item, origin, found)
    parent = item.parent
    if parent is None:
        return
    is_end = parent.kind is Kind.GROUP and item in {parent.children[0], parent.children[-1]}
    if is_end or parent.kind is Kind.CLONE:
        _follow(parent, origin, found)


def _follow(item: Item, origin: Item, found: dict[int, Item]) -> None:
    for tie in item.ties_with:
        if tie.primary is not origin and tie.score >= INFINITY and applies_in_advance(tie, item, tie.primary):
            _gather(tie.primary, origin, found)
    for tie in item.ties_of:
        if tie.dependent is origin or (item.kind is Kind.CLONE and tie.dependent.kind is not Kind.CLONE):
            continue
        if tie.score >= INFINITY and applies_in_advance(tie, tie.dependent, item):
            _gather(tie.dependent, origin, found)


def sort_by_scores(situation: Situation, colocations: Colocations) -> list[Item]:
    """The outermost items in the order in which they are placed: by priority, and where capacity counts by scores."""
    if situation.settings.placement == "default":
        return sorted(situation.top, key=lambda item: -item.priority)
    return sorted(situation.top, key=cmp_to_key(_ByScores(situation, colocations).compare))


class _ByScores:
    def __init__(self, situation: Situation, colocations: Colocations) -> None:
        self._situation = situation
        self._colocations = colocations
        self._tables: dict[int, Table] = {}
        nodes = situation.nodes
        is_balanced = situation.settings.placement == "balanced"
        order = sorted(nodes, key=lambda node: (not node.is_usable, node.id))
        if is_balanced:
            order.sort(key=cmp_to_key(compare_capacity))
        self._nodes = [node.index for node in order]

    def compare(self, left: Item, right: Item) -> int:
        if left.priority != right.priority:
            return right.priority - left.priority
        of_left, of_right = self._table(left), self._table(right)
        at_left, at_right = left.active_nodes(), right.active_nodes()
        if at_left and at_right:
            score_left, score_right = of_left.score(at_left[0]), of_right.score(at_right[0])
            if score_left != score_right:
                return 1 if score_left < score_right else -1
        elif at_left or at_right:
            present = of_left.score(at_left[0]) if at_left else -INFINITY
            other = of_right.score(at_right[0]) if at_right else -INFINITY
            if present != other:
                return 1 if present < other else -1
        for node in self._nodes:
            score_left, score_right = _score(of_left, node), _score(of_right, node)
            if score_left != score_right:
                return 1 if score_left < score_right else -1
        return 0

    def _table(self, item: Item) -> Table:
        found = self._tables.get(item.index)
        if found is None:
            bearer = item
            while bearer.kind is Kind.GROUP:
                bearer = bearer.children[-1]
            found = bearer.table.copy()
            bearer.is_merging = True
            for tie in self._colocations.this_with(bearer) if self._colocations.any_usable(found) else ():
                factor = tie.score / INFINITY
                found = self._colocations.hear(found, tie.primary, tie, factor, is_optional=True, is_upward=True)
            bearer.is_merging = False
            self._tables[item.index] = found
        return found


def _score(table: Table, node: int) -> Score:
    return table.score(node) if table.allows(node) else -INFINITY
