"""The order in which the instances of a clone, or the containers of a bundle, are placed (POLICY.md 9)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from hashelld.model.score import INFINITY, Score
from hashelld.policy.placing.colocation import has_influence
from hashelld.policy.state.items import Item
from hashelld.policy.state.table import Table


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer


class _Order:
    """The order in which instances are placed (POLICY.md 9)."""

    def __init__(self, placer: Placer) -> None:
        self._placer = placer
        self._nodes = placer.situation.nodes

    def compare(self, left: Item, right: Item) -> int:
        nodes_left, nodes_right = left.active_nodes(), right.active_nodes()
        if nodes_left and nodes_right and len(nodes_left) != len(nodes_right):
            return len(nodes_left) - len(nodes_right)
        at_left, at_right = self._allowed(left, nodes_left), self._allowed(right, nodes_right)
        is_banned_left, is_banned_right = bool(nodes_left) and at_left is None, bool(nodes_right) and at_right is None
        if is_banned_left != is_banned_right:
            return 1 if is_banned_left else -1
        if left.priority != right.priority:
            return right.priority - left.priority
        if at_left is None or at_right is None:
            if at_left is at_right:
                return 0
            return 1 if at_left is None else -1
        return self._compare_active(left, at_left, right, at_right)

    def _compare_active(self, left: Item, at_left: int, right: Item, at_right: int) -> int:
        can_left, can_right = self._nodes[at_left].is_usable, self._nodes[at_right].is_usable
        if can_left != can_right:
            return -1 if can_left else 1
        whole = left.parent
        assert whole is not None
        may_left, may_right = whole.table.allows(at_left), whole.table.allows(at_right)
        if may_left != may_right:
            return -1 if may_left else 1
        if not may_left:
            return 0
        failed_left, failed_right = _did_fail(left), _did_fail(right)
        if failed_left != failed_right:
            return 1 if failed_left else -1
        company = self._company(right, at_right) - self._company(left, at_left)
        return company or number_of(left) - number_of(right)

    def _allowed(self, item: Item, nodes: list[int]) -> int | None:
        if not nodes:
            return None
        return nodes[0] if item.table.allows(nodes[0]) and item.table.score(nodes[0]) >= 0 else None

    def _company(self, item: Item, node: int) -> Score:
        """What the clone's colocations make of the node that the instance is on."""
        whole = item.parent
        assert whole is not None
        if not whole.ties_with and not whole.ties_of:
            return 0
        colocations = self._placer.colocations
        hear = colocations.hear
        table = Table(None, {node: 0})
        for tie in colocations.this_with(whole):
            table = hear(table, tie.primary, tie, tie.score / INFINITY, is_optional=False)
        for tie in colocations.with_this(whole):
            if has_influence(tie, item):
                table = hear(table, tie.dependent, tie, tie.score / INFINITY, is_optional=False, only_positive=True)
        return table.score(node)


def _did_fail(item: Item) -> bool:
    return item.is_failed or any(_did_fail(child) for child in item.children)


def number_of(instance: Item) -> int:
    """An instance's number: the digits at the end of its id."""
    digits = instance.id.rpartition(":")[2] if ":" in instance.id else instance.id.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def instance_order(placer: Placer) -> Callable[[Item], Any]:
    """The sort key of instances that are to be placed."""
    return cmp_to_key(_Order(placer).compare)
