"""Walks a transition: what may begin, what is in flight, and when it is over.

Rule: an action begins when all that it waits for is done, and after a failure or an abort nothing begins but the
notifications of what was done already: nobody else would send them.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import Final

from hashelld.model.action import Action, ActionKind
from hashelld.model.ids import NodeId
from hashelld.policy.graph import Transition


_UNLIMITED: Final = frozenset({ActionKind.FENCE, ActionKind.SHUTDOWN, ActionKind.PSEUDO})
"""They load no node: they need not wait for room."""
ENDING: Final = frozenset({"stop", "demote", "migrate_to"})
"""Operations after which something runs less."""


class Execution:
    """One transition under way. Lower indexes begin first."""

    __slots__ = (
        "_blockers",
        "_done",
        "_free",
        "_in_flight",
        "_in_flight_max",
        "_is_aborted",
        "_limited",
        "_load",
        "_load_of",
        "_on_node_max",
        "_transition",
        "_unlock",
    )

    def __init__(self, transition: Transition, in_flight_max: int, on_node_max: int = 0) -> None:
        """At most so many resource actions are in flight at once, in all and on each node (0: any number)."""
        assert in_flight_max > 0
        actions = transition.actions
        self._transition = transition
        self._in_flight_max = in_flight_max
        self._on_node_max = on_node_max or in_flight_max
        self._load_of: Counter[NodeId | None] = Counter()
        self._blockers = [len(set(action.after)) for action in actions]
        self._unlock: list[list[int]] = [[] for _ in actions]
        for index, action in enumerate(actions):
            for before in set(action.after):
                assert 0 <= before < len(actions), f"{action.label} waits for action {before}, which does not exist"
                self._unlock[before].append(index)
        self._free: list[int] = []
        self._limited: list[int] = []
        self._in_flight: set[int] = set()
        self._load = 0
        self._done = 0
        self._is_aborted = False
        roots = [index for index, blockers in enumerate(self._blockers) if blockers == 0]
        assert self._reachable(roots) == len(actions), "a transition's actions wait for each other"
        for index in roots:
            self._queue(index)

    def ready(self, unsettled: frozenset[NodeId] = frozenset()) -> list[tuple[int, Action]]:
        """What is to be dispatched now; it is in flight until `on_done`. Pseudo actions complete here.

        Nothing ends on the nodes of `unsettled`, nor on one where a first look of this transition is under way: what
        is found there may have to end first.
        """
        begun: list[int] = []
        while self._free:
            index = heapq.heappop(self._free)
            if self._transition.actions[index].kind is ActionKind.PSEUDO:
                self._complete(index)
            else:
                begun.append(index)
        waiting: list[int] = []
        actions = self._transition.actions
        unsettled |= under_first_look(actions[index] for index in (*self._in_flight, *self._limited))
        while self._limited and self._load < self._in_flight_max:
            index = heapq.heappop(self._limited)
            node = actions[index].node
            is_early = node in unsettled and actions[index].operation in ENDING
            if is_early or self._load_of[node] >= self._on_node_max:
                waiting.append(index)
                continue
            begun.append(index)
            self._load += 1
            self._load_of[node] += 1
        if waiting:
            self._limited = sorted((*waiting, *self._limited))
        self._in_flight.update(begun)
        return [(index, self._transition.actions[index]) for index in sorted(begun)]

    def on_done(self, index: int, ok: bool) -> None:  # noqa: FBT001 -- the result is the second half of the event
        """An action's result; a failure ends the dispatching. A result that comes again is ignored."""
        if index not in self._in_flight:
            return
        self._in_flight.discard(index)
        action = self._transition.actions[index]
        if action.kind not in _UNLIMITED:
            self._load -= 1
            self._load_of[action.node] -= 1
        if ok:
            self._complete(index)
        else:
            self.abort()

    def abort(self) -> None:
        """Dispatch nothing more but notifications of what is done; what is in flight is waited for."""
        self._is_aborted = True
        self._free = [index for index in self._free if self._is_owed(index)]
        self._limited = [index for index in self._limited if self._is_owed(index)]
        heapq.heapify(self._free)
        heapq.heapify(self._limited)

    @property
    def has_effects(self) -> bool:
        """Does it do more than notify?"""
        return any(
            action.kind is not ActionKind.PSEUDO and action.operation != "notify" for action in self._transition.actions
        )

    @property
    def has_notifications(self) -> bool:
        """Does it, or did it, notify anybody?"""
        return any(action.operation == "notify" for action in self._transition.actions)

    def _is_owed(self, index: int) -> bool:
        """Is it done even after an abort: an event, or the notification of something that happened?"""
        action = self._transition.actions[index]
        if action.operation == "notify":
            return action.meta.get("notify_type") == "post"
        return action.kind is ActionKind.PSEUDO

    @property
    def in_flight(self) -> frozenset[int]:
        """Indexes of the actions that were dispatched and have no result."""
        return frozenset(self._in_flight)

    @property
    def remaining(self) -> int:
        """How many actions are not done, those in flight among them."""
        return len(self._transition.actions) - self._done

    @property
    def is_aborted(self) -> bool:
        """Was it aborted, or did an action fail?"""
        return self._is_aborted

    @property
    def is_finished(self) -> bool:
        """Is nothing in flight, and nothing left that could begin?"""
        if self._in_flight:
            return False
        return self.remaining == 0 or (self._is_aborted and not (self._free or self._limited))

    def _queue(self, index: int) -> None:
        if self._is_aborted and not self._is_owed(index):
            return
        is_limited = self._transition.actions[index].kind not in _UNLIMITED
        heapq.heappush(self._limited if is_limited else self._free, index)

    def _complete(self, index: int) -> None:
        self._done += 1
        for waiting in self._unlock[index]:
            self._blockers[waiting] -= 1
            if self._blockers[waiting] == 0:
                self._queue(waiting)

    def _reachable(self, roots: list[int]) -> int:
        """How many actions can be reached by completing those before them."""
        blockers, reached = self._blockers.copy(), roots.copy()
        for index in reached:
            for waiting in self._unlock[index]:
                blockers[waiting] -= 1
                if blockers[waiting] == 0:
                    reached.append(waiting)
        return len(reached)


def under_first_look(orders: Iterable[Action]) -> frozenset[NodeId]:
    """On which nodes do some of these look for the first time whether something runs?"""
    looks = (a for a in orders if a.kind is ActionKind.RESOURCE and a.operation == "monitor" and not a.interval_ms)
    return frozenset(action.node for action in looks if action.node is not None)
