"""Walks a transition: what may begin, what is in flight, and when it is over.

Rule: an action begins when all that it waits for is done, and after a failure or an abort nothing begins.
"""

from __future__ import annotations

import heapq
from typing import Final

from hashelld.model.action import Action, ActionKind
from hashelld.policy.graph import Transition


_UNLIMITED: Final = frozenset({ActionKind.FENCE, ActionKind.SHUTDOWN, ActionKind.PSEUDO})
"""They load no node: they need not wait for room."""


class Execution:
    """One transition under way. Lower indexes begin first."""

    __slots__ = (
        "_blockers",
        "_done",
        "_in_flight",
        "_in_flight_max",
        "_is_aborted",
        "_ready",
        "_transition",
        "_unlock",
    )

    def __init__(self, transition: Transition, in_flight_max: int) -> None:
        assert in_flight_max > 0
        actions = transition.actions
        self._transition = transition
        self._in_flight_max = in_flight_max
        self._blockers = [len(set(action.after)) for action in actions]
        self._unlock: list[list[int]] = [[] for _ in actions]
        for index, action in enumerate(actions):
            for before in set(action.after):
                assert 0 <= before < len(actions), f"{action.label} waits for action {before}, which does not exist"
                self._unlock[before].append(index)
        self._ready = [index for index, blockers in enumerate(self._blockers) if blockers == 0]
        self._in_flight: set[int] = set()
        self._done = 0
        self._is_aborted = False
        assert self._is_acyclic(), "a transition's actions wait for each other"

    def ready(self) -> list[tuple[int, Action]]:
        """What is to be dispatched now; it is in flight until `on_done`. Pseudo actions complete here."""
        dispatched: list[tuple[int, Action]] = []
        held_back: list[int] = []
        while self._ready and not self._is_aborted:
            index = heapq.heappop(self._ready)
            action = self._transition.actions[index]
            if action.kind is ActionKind.PSEUDO:
                self._complete(index)
            elif action.kind in _UNLIMITED or self._load() < self._in_flight_max:
                self._in_flight.add(index)
                dispatched.append((index, action))
            else:
                held_back.append(index)
        for index in held_back:
            heapq.heappush(self._ready, index)
        return dispatched

    def on_done(self, index: int, ok: bool) -> None:  # noqa: FBT001 -- the result is the second half of the event
        """An action's result; a failure ends the dispatching. A result that comes again is ignored."""
        if index not in self._in_flight:
            return
        self._in_flight.discard(index)
        if ok:
            self._complete(index)
        else:
            self._is_aborted = True

    def abort(self) -> None:
        """Dispatch nothing more; what is in flight is waited for."""
        self._is_aborted = True

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
        return not self._in_flight and (self._is_aborted or self.remaining == 0)

    def _load(self) -> int:
        actions = self._transition.actions
        return sum(1 for index in self._in_flight if actions[index].kind not in _UNLIMITED)

    def _complete(self, index: int) -> None:
        self._done += 1
        for waiting in self._unlock[index]:
            self._blockers[waiting] -= 1
            if self._blockers[waiting] == 0:
                heapq.heappush(self._ready, waiting)

    def _is_acyclic(self) -> bool:
        """Can every action be reached by completing those before it?"""
        blockers, reached = self._blockers.copy(), list(self._ready)
        for index in reached:
            for waiting in self._unlock[index]:
                blockers[waiting] -= 1
                if blockers[waiting] == 0:
                    reached.append(waiting)
        return len(reached) == len(blockers)
