"""The working graph: steps that may turn out necessary or impossible, and edges that carry such news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.policy.expand import Item, Op


OPTIONAL: Final = 1
RUNNABLE: Final = 2
PSEUDO: Final = 4
SHOWN: Final = 8
"""An optional pseudo event that is kept because something required waits for it."""
BUSY: Final = 16
"""The resource has an operation under way: what comes after this step has to wait for another plan."""


class Edge:
    """What an edge from a first step to a then step means; plain bits, for they are tested often."""

    SEQUENCE: Final = 1
    """Sequence alone, when both happen."""
    FIRST_IMPLIES_THEN: Final = 2
    THEN_IMPLIES_FIRST: Final = 4
    UNRUNNABLE_BLOCKS: Final = 8
    """`then` cannot run when `first` cannot."""
    RESTART: Final = 16
    """`first` is the stop in front of a start or of another stop: needed when `then` is, or cannot be done."""
    ASYMMETRIC: Final = 32
    """`then` may not start before `first` has, but goes on when `first` stops."""
    SAME_NODE: Final = 64
    REQUIRED_SAME_NODE: Final = 128
    NEWS_ONLY: Final = 256
    """Passes on necessity and impossibility, but no sequence."""
    SHOWS_FIRST: Final = 512


_SEQUENCE_ONLY: Final = Edge.SEQUENCE | Edge.SAME_NODE | Edge.REQUIRED_SAME_NODE | Edge.NEWS_ONLY


class Step:
    """One possible action."""

    __slots__ = ("after", "before", "cause", "expected_rc", "flags", "index", "interval_ms", "item", "kind", "node",
                 "op", "reason", "task")  # fmt: skip

    def __init__(
        self, index: int, kind: ActionKind, item: Item | None, node: int | None, task: str, flags: int
    ) -> None:
        self.index = index
        self.kind = kind
        self.item = item
        self.node = node
        self.task = task
        self.flags = flags
        self.interval_ms = 0
        self.op: Op | None = None
        self.expected_rc = 0
        self.reason = ""
        self.cause: Step | None = None
        """The step that made this one necessary or impossible."""
        self.before: list[tuple[Step, int]] = []
        self.after: list[tuple[Step, int]] = []

    @property
    def is_required(self) -> bool:
        """Does it have to happen?"""
        return not self.flags & OPTIONAL

    @property
    def is_runnable(self) -> bool:
        """Can it happen now?"""
        return bool(self.flags & RUNNABLE)

    def require(self, cause: Step | None = None) -> bool:
        """It has to happen; was it optional before?"""
        if not self.flags & OPTIONAL:
            return False
        self.flags &= ~OPTIONAL
        self.cause = self.cause or cause
        return True

    def block(self, cause: Step | None = None) -> bool:
        """It cannot happen; was it possible before?"""
        if not self.flags & RUNNABLE:
            return False
        self.flags &= ~RUNNABLE
        self.cause = self.cause or cause
        return True


class Graph:
    """All steps, found by item and task."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._by_task: dict[tuple[int, str], list[Step]] = {}

    def add(self, kind: ActionKind, item: Item | None, node: int | None, task: str, flags: int) -> Step:
        """A new step; the item's events of one task are found again with `find`."""
        step = Step(len(self.steps), kind, item, node, task, flags)
        self.steps.append(step)
        if item is not None:
            self._by_task.setdefault((item.index, task), []).append(step)
        return step

    def find(self, item: Item, task: str) -> list[Step]:
        """The steps of an item with this task, on any node."""
        return self._by_task.get((item.index, task), [])

    def link(self, first: Step, then: Step, edge: int) -> None:
        """An edge. A step is never linked to itself."""
        if first is then:
            return
        first.after.append((then, edge))
        then.before.append((first, edge))

    def link_all(self, firsts: Iterable[Step], thens: Iterable[Step], edge: int) -> None:
        """Edges from each to each."""
        followers = list(thens)
        for first in firsts:
            for then in followers:
                self.link(first, then, edge)


def carries_news(edge: int) -> bool:
    """Can the edge make a step necessary or impossible?"""
    return bool(edge & ~_SEQUENCE_ONLY)


def same_node(first: Step, then: Step) -> bool:
    """Do both happen on one node? A step without a node is everywhere."""
    return first.node is None or then.node is None or first.node == then.node
