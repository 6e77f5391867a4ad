"""Steps made once and found again, and what makes a step possible: its node, and the right to start."""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.history import OpStatus
from hashelld.policy.acting.steps import OPTIONAL, PSEUDO, RUNNABLE, Graph, Step
from hashelld.policy.settings import NoQuorum
from hashelld.policy.state.failing import can_fence
from hashelld.policy.state.items import Item, Needs, Stage
from hashelld.policy.state.ops import Op
from hashelld.policy.state.situation import Situation


UPWARD: Final = frozenset({"start", "promote"})
"""What needs quorum and finished fencing; everything else may always be done."""
_ROLES: Final = frozenset({Stage.PROMOTED, Stage.UNPROMOTED})


class Maker:
    """Adds steps of resources to a graph, each operation of an item on a node once."""

    __slots__ = ("_cleared", "graph", "is_own", "nodes", "situation")

    def __init__(self, situation: Situation, graph: Graph) -> None:
        self.situation = situation
        self.graph = graph
        self.nodes = situation.nodes
        self._cleared: dict[tuple[str, int], Step] = {}
        self.is_own = not situation.view.feature_set
        """The histories are those of our own daemons, not Pacemaker's."""

    def step(self, item: Item, task: str, node: int | None, *, is_required: bool) -> Step:
        """The step of an item on a node, found or made. Only what is managed can be required."""
        found = self.graph.find_on(item, task, node)
        if found is None:
            found = self.graph.add(ActionKind.RESOURCE, item, node, task, OPTIONAL)
            found.op = self.op(item, task)
            if self.is_possible(item, task, node):
                found.flags |= RUNNABLE
        if not (item.is_managed or found.flags & PSEUDO):
            found.flags |= OPTIONAL
        elif is_required:
            found.flags &= ~OPTIONAL
        return found

    def clear_failures(self, item: Item, node: int, reason: str) -> Step:
        """The failures of an item on a node are forgotten; its histories of our own daemons before it starts."""
        name = item.history_id if self.is_own else item.id  # Anonymous instances share their failures.
        found = self._cleared.get((name, node))
        if found is None:
            flags = RUNNABLE if self.is_possible(item, "clear_failcount", node) else 0
            found = self.graph.add(ActionKind.CLEAR_FAILURES, item, node, "clear_failcount", flags)
            found.reason = reason
            self._cleared[name, node] = found
        return found

    def op(self, item: Item, task: str) -> Op | None:
        """The configured operation; both halves of a migration may be configured together."""
        if task == "migrate_to" or task == "migrate_from":
            return item.ops.get((task, 0)) or item.ops.get(("migrate", 0))
        return item.ops.get((task, 0))

    def is_possible(self, item: Item, task: str, node: int | None) -> bool:
        """Can the operation be carried out on the node now? A stop that cannot condemns the node."""
        if node is None:
            return False
        at = self.nodes[node]
        if not at.is_online and not (at.is_guest and not at.needs_reset):
            if task == "stop" and item.is_managed and not (at.is_unclean or at.is_pending):
                at.condemn(f"{at.id} may be running {item.called}")
            return False
        if at.is_pending:
            return False
        if task in UPWARD and item.needs > Needs.NOTHING:
            return self.has_right(item)
        return not at.is_guest or can_fence(self.situation, at)

    def has_right(self, item: Item) -> bool:
        """Does quorum, or what the policy makes of its absence, allow to start or promote the item?"""
        if self.situation.view.has_quorum:
            return True
        match self.situation.settings.no_quorum:
            case NoQuorum.STOP:
                return False
            case NoQuorum.FREEZE:
                return bool(item.active) and item.next <= item.stage
            case NoQuorum.DEMOTE:
                return item.stage in _ROLES
            case NoQuorum.SUICIDE:
                return self.situation.view.was_quorate and self.situation.settings.has_fencing
            case NoQuorum.IGNORE:
                return True


def busy_nodes(situation: Situation, item: Item) -> list[int]:
    """Where one of our own daemons carries out an operation of the item, and can take no other before that ends."""
    if situation.view.feature_set:
        return []
    return [
        at
        for at, results in item.results.items()
        if results
        and any(result.status is OpStatus.PENDING and not result.interval_ms for result in results)
        and situation.nodes[at].is_online
        and not situation.nodes[at].is_unclean
    ]
