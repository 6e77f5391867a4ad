"""The working graph: steps that may turn out necessary or impossible, and edges that carry such news."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hashelld.model.action import ActionKind
from hashelld.policy.state.items import Item
from hashelld.policy.state.ops import Op


OPTIONAL: Final = 1
"""It does not have to happen."""
RUNNABLE: Final = 2
"""It can happen now."""
PSEUDO: Final = 4
"""Nothing is executed: it is done by being reached."""
SHOWN: Final = 8
"""An optional pseudo event that is kept because something required waits for it."""
MIGRATABLE: Final = 16
"""Part of a live migration: what comes before need not be up all the time."""
NEEDS_ANY: Final = 32
"""It can happen as soon as `required_before` of its first steps (edges with MIN_RUNNABLE) can."""
BUSY: Final = 128
"""An operation of its item is under way: it cannot be taken, and what comes after it has to wait for another plan."""


class Edge:
    """What an edge from a first step to a then step means; plain bits, for they are tested often."""

    SEQUENCE: Final = 1
    """Sequence alone, when both happen."""
    THEN_IMPLIES_FIRST: Final = 2
    """If `then` is required and not part of a live migration, `first` is none either."""
    FIRST_IMPLIES_THEN: Final = 4
    """If `first` is required, `then` is."""
    FIRST_IMPLIES_THEN_SAME_NODE: Final = 8
    """The same, when both are on one node."""
    NESTED_PROBE: Final = 16
    """`first` is a probe on a remote node whose connection `then` may move."""
    PROMOTED_THEN_IMPLIES_FIRST: Final = 32
    """If `then` is required and its item is or will be promoted, `first` is required; a migration becomes a restart."""
    UNMIGRATABLE_BLOCKS: Final = 64
    """`first` is part of the live migration that `then` is: required with it, and not done when it is none."""
    ASYMMETRIC: Final = 128
    """`then` may not go up before `first` has, but goes on when `first` stops."""
    UNRUNNABLE_BLOCKS: Final = 256
    """`then` cannot run when `first` cannot."""
    INTERMEDIATE_STOP: Final = 512
    """`first` is a stop between: needed when `then` is, or `then` cannot be done."""
    FIRST_ELSE_THEN: Final = 1024
    """`then` is a mere event because of `first`: if that cannot run, it has to be done really."""
    SHOWS_FIRST: Final = 2048
    """A required `then` that has an effect keeps an optional pseudo `first` in the transition."""
    SHOWS_THEN: Final = 4096
    """A required `first` keeps an optional pseudo `then` in the transition."""
    SAME_NODE_OR_TARGET: Final = 8192
    """Counts only when both are on one node, or `first` migrates to the node of `then`."""
    REQUIRED_SAME_NODE: Final = 16384
    """Counts only when `first` is required and both are on one node."""
    SAME_NODE: Final = 32768
    """Counts only when both are on one node."""
    MIN_RUNNABLE: Final = 65536
    """One of several `first` of which a `then` with NEEDS_ANY needs some."""
    THEN_CANCELS_FIRST: Final = 131072
    """A required `then` makes `first` unnecessary."""
    UNLESS_MIGRATING: Final = 262144
    """Does not count while `first` is part of a live migration."""


class Step:
    """One possible action."""

    __slots__ = ("after", "before", "blocker", "cause", "expected_rc", "flags", "index", "interval_ms", "item",
                 "kind", "meta", "node", "op", "reason", "required_before", "task")  # fmt: skip

    def __init__(
        self, index: int, kind: ActionKind, item: Item | None, node: int | None, task: str, flags: int
    ) -> None:
        self.index = index
        self.kind = kind
        self.item = item
        self.node = node
        self.task = task
        """start, stop, promote, demote, monitor, notify, migrate_to, migrate_from, reload-agent, delete,
        clear_failcount, stonith's off/reboot/on, do_shutdown; of collectives also running, stopped, promoted, demoted;
        names of other pseudo events are free."""
        self.flags = flags
        self.interval_ms = 0
        self.op: Op | None = None
        self.expected_rc = 0
        self.reason = ""
        self.cause: Step | None = None
        """The step that made this one necessary or impossible."""
        self.blocker: Step | None = None
        """The step that made this one impossible."""
        self.meta: dict[str, str] = {}
        """More meta attributes for the agent (CRM_meta_…): notifications, migration source and target."""
        self.required_before = 0
        self.before: list[tuple[Step, int]] = []
        self.after: list[tuple[Step, int]] = []

    def __repr__(self) -> str:
        words = [w for w, f in (("optional", OPTIONAL), ("runnable", RUNNABLE), ("pseudo", PSEUDO)) if self.flags & f]
        return f"<{self.item.id if self.item else ''}_{self.task}_{self.interval_ms}@{self.node} {' '.join(words)}>"

    @property
    def is_required(self) -> bool:
        """Does it have to happen?"""
        return not self.flags & OPTIONAL

    @property
    def is_runnable(self) -> bool:
        """Can it happen now?"""
        return bool(self.flags & RUNNABLE)

    @property
    def is_pseudo(self) -> bool:
        """Is it done by being reached?"""
        return bool(self.flags & PSEUDO)

    @property
    def is_probe(self) -> bool:
        """Is it a first look at a resource?"""
        return self.task == "monitor" and not self.interval_ms

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
        self.blocker = self.blocker or cause
        return True


class Graph:
    """All steps, found by item and task."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._by_task: dict[tuple[int, str], list[Step]] = {}
        self.fencings: dict[int, Step] = {}
        """By node: the step that fences it."""
        self.shutdowns: dict[int, Step] = {}
        self.behind: dict[int, list[tuple[Step, int]]] = {}
        """By step of a collective: what was said to come after it, and comes after its completion in truth."""

    def add(self, kind: ActionKind, item: Item | None, node: int | None, task: str, flags: int) -> Step:
        """A new step; an item's steps of one task are found again with `find`."""
        step = Step(len(self.steps), kind, item, node, task, flags)
        self.steps.append(step)
        if item is not None:
            self._by_task.setdefault((item.index, task), []).append(step)
        return step

    def event(self, item: Item, task: str, flags: int = OPTIONAL | RUNNABLE) -> Step:
        """The pseudo event of an item with this task; made when it is not there yet."""
        found = self._by_task.get((item.index, task))
        return found[0] if found else self.add(ActionKind.PSEUDO, item, None, task, flags | PSEUDO)

    def find(self, item: Item, task: str) -> list[Step]:
        """The steps of an item with this task, on any node (recurring monitors and probes are both `monitor`)."""
        return self._by_task.get((item.index, task), [])

    def find_on(self, item: Item, task: str, node: int | None) -> Step | None:
        """The step of an item with this task on a node; not a recurring one."""
        for step in self._by_task.get((item.index, task), ()):
            if step.node == node and not step.interval_ms:
                return step
        return None

    def probes(self, item: Item) -> list[Step]:
        """The planned probes of an item."""
        return [step for step in self.find(item, "monitor") if not step.interval_ms]

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
