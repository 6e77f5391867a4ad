"""Orders without an answer, and what has to wait for the answers."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hashelld.core.execution import ENDING, under_first_look
from hashelld.model.action import Action
from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.policy.graph import Transition


class Ordered:
    """An order without an answer."""

    __slots__ = ("action", "incarnation", "index", "sent_ms", "transition")

    def __init__(self, index: int, transition: int, action: Action, incarnation: Incarnation, now: Millis) -> None:
        self.index = index
        self.transition = transition
        self.action = action
        self.incarnation = incarnation
        self.sent_ms = now

    def is_same(self, action: Action) -> bool:
        """Does it ask for the same, whatever it waits for in its transition?"""
        return (
            self.action.label == action.label
            and msgspec.structs.replace(self.action, after=action.after, reason=action.reason) == action
        )


def unsettled(orders: Iterable[Ordered], number: int, transition: Transition) -> frozenset[NodeId]:
    """The nodes on which nothing may end now, beside what the transition of this number says.

    There first looks are under way, or something that an earlier transition ended and this one knows nothing of: what
    depends on it is not in this one's order.
    """
    orders = tuple(orders)
    earlier = [order for order in orders if order.transition != number and order.action.operation in ENDING]
    unknown = [order.action for order in earlier if not any(order.is_same(action) for action in transition.actions)]
    ending = frozenset(action.node for action in unknown if action.node is not None)
    return ending | under_first_look(order.action for order in orders)
