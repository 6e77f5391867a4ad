"""Notifications: instances of a clone with notify=true are told before and after others start, stop, change roles.

For each of these tasks, events of the clone keep the order: pre, confirmed-pre, the task, post, confirmed-post. Between
them every instance that is, or will be, there runs its agent's `notify`. The events are made before necessity is
propagated, the operations afterwards, when it is known what happens.
"""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.policy.acting.steps import OPTIONAL, PSEUDO, RUNNABLE, Edge, Graph, Step
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.situation import Situation


_DONE: Final = {"start": "running", "stop": "stopped", "promote": "promoted", "demote": "demoted"}
_TASKS: Final = tuple(_DONE)
_DOWN: Final = frozenset({"stop", "demote"})
_IMPLIES: Final = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN
_AFTER: Final = (
    ("stop", "start"),
    ("stop", "promote"),
    ("start", "promote"),
    ("demote", "promote"),
    ("demote", "start"),
    ("demote", "stop"),
)
"""What the one task's last event comes before the other's first of."""
_FENCED: Final = "stonith"


def add_notifications(situation: Situation, graph: Graph) -> None:
    """The events of all clones that notify; after the orderings, before `propagate`."""
    for clone in situation.items:
        if not _notifies(clone):
            continue
        rounds = {task: _Round(graph, clone, task) for task in _tasks(clone)}
        for found in rounds.values():
            found.add()
        for first, then in _AFTER:
            if first in rounds and then in rounds:
                graph.link(rounds[first].event("confirmed-post"), rounds[then].event("pre"), Edge.SEQUENCE)
        _add_after_fencing(situation, graph, clone)


def complete_notifications(situation: Situation, graph: Graph) -> None:
    """The operations, with what they tell the agents; after `propagate`."""
    for clone in situation.items:
        if _notifies(clone):
            _Teller(situation, graph, clone).run()


def _notifies(item: Item) -> bool:
    return item.kind is Kind.CLONE and item.notifies


def _tasks(clone: Item) -> tuple[str, ...]:
    return _TASKS if clone.is_promotable else _TASKS[:2]


class _Round:
    """The events of one task of a clone."""

    __slots__ = ("_clone", "_graph", "_task")

    def __init__(self, graph: Graph, clone: Item, task: str) -> None:
        self._graph = graph
        self._clone = clone
        self._task = task

    def event(self, kind: str) -> Step:
        """`pre`, `confirmed-pre`, `post` or `confirmed-post`: the latter two are named after the task's end."""
        task = self._task if kind.endswith("pre") else _DONE[self._task]
        return self._graph.event(self._clone, f"{kind}_notify_{task}")

    def add(self) -> None:
        """Make them, in their order around the task."""
        graph = self._graph
        begin, end = graph.event(self._clone, self._task), graph.event(self._clone, _DONE[self._task])
        pre, told = self.event("pre"), self.event("confirmed-pre")
        post, done = self.event("post"), self.event("confirmed-post")
        for step, model in ((pre, begin), (told, begin), (post, end), (done, end)):
            step.flags = PSEUDO | (model.flags & OPTIONAL) | (model.flags & RUNNABLE if model is end else RUNNABLE)
        graph.link(pre, told, Edge.SEQUENCE)
        graph.link(told, begin, Edge.SEQUENCE)
        graph.link(end, post, _IMPLIES)
        graph.link(post, done, _IMPLIES)
        graph.link(told, post, Edge.SEQUENCE)

    def require(self) -> None:
        """All of them happen."""
        for kind in ("pre", "confirmed-pre", "post", "confirmed-post"):
            self.event(kind).flags &= ~OPTIONAL


def _add_after_fencing(situation: Situation, graph: Graph, clone: Item) -> None:
    """Where fencing is what stops an instance, the others are told after it."""
    for item in clone.primitives():
        for stop in graph.find(item, "stop"):
            fence = None if stop.node is None else graph.fencings.get(stop.node)
            if fence is None or not stop.is_pseudo or not item.is_managed:
                continue
            post = graph.add(ActionKind.PSEUDO, item, None, f"post_notify_{_FENCED}", PSEUDO | RUNNABLE)
            done = graph.add(ActionKind.PSEUDO, item, None, f"confirmed-post_notify_{_FENCED}", PSEUDO | RUNNABLE)
            for step in (post, done):
                step.flags |= fence.flags & OPTIONAL
            graph.link(fence, post, _IMPLIES)
            graph.link(post, done, _IMPLIES)
            for other in clone.primitives():
                _tell_of_fencing(situation, graph, other, post, done)


def _tell_of_fencing(situation: Situation, graph: Graph, item: Item, post: Step, done: Step) -> None:
    stop = _last(graph, item, "stop")
    if item.stage is Stage.STOPPED or not (stop is None or stop.flags & OPTIONAL):
        return
    for at in item.active:
        if not (stop is not None and stop.is_pseudo and _is_gone(situation.nodes[at])):
            _operation(situation, graph, item, at, "post", "stop", post, done)
            _delay_monitors(graph, item, done)


def _operation(
    situation: Situation, graph: Graph, item: Item, node: int, kind: str, task: str, after: Step, before: Step
) -> Step | None:
    """One `notify` of one instance, between two events; found again by what it tells."""
    if not situation.nodes[node].is_online or not after.flags & RUNNABLE:
        return None
    found = None
    for step in graph.find(item, "notify"):
        if step.node == node and step.meta["notify_type"] == kind and step.meta["notify_operation"] == task:
            found = step
    if found is None:
        found = graph.add(ActionKind.RESOURCE, item, node, "notify", OPTIONAL | RUNNABLE)
        found.op = item.ops.get(("notify", 0))
        found.meta.update(notify_type=kind, notify_operation=task, notify_key_type=kind, notify_key_operation=task)
    if not after.flags & OPTIONAL:
        found.flags &= ~OPTIONAL
    graph.link(after, found, Edge.SEQUENCE)
    graph.link(found, before, Edge.SEQUENCE)
    return found


def _delay_monitors(graph: Graph, item: Item, done: Step) -> None:
    for name in {name for name, interval_ms in item.ops if interval_ms}:
        for step in graph.find(item, name):
            if step.interval_ms and step.kind is ActionKind.RESOURCE:
                graph.link(done, step, Edge.SEQUENCE)


class _Teller:
    """Makes the operations of one clone."""

    def __init__(self, situation: Situation, graph: Graph, clone: Item) -> None:
        self._situation = situation
        self._graph = graph
        self._clone = clone
        self._parts = list(clone.primitives())
        self._happens: dict[str, list[tuple[str, str]]] = {task: [] for task in _TASKS}
        """By task: (instance, node) where it is going to happen."""

    def run(self) -> None:
        """What happens decides who is told, and what."""
        for item in self._parts:
            self._collect(item)
        for task in _tasks(self._clone):
            found = _Round(self._graph, self._clone, task)
            if self._happens[task]:
                found.require()
            # A stop of ours that is under way is required once more, and nobody is told of it again.
            if self._happens[task] or (task == "stop" and self._situation.view.feature_set):
                for item in self._parts:
                    self._tell(item, task, found)
        meta = self._meta()
        for item in self._parts:
            self._inform(item, meta)

    def _inform(self, item: Item, meta: dict[str, str]) -> None:
        for task in ("notify", *_TASKS):
            for step in self._graph.find(item, task):
                if not step.flags & OPTIONAL and step.node is not None:
                    step.meta.update(meta)

    def _collect(self, item: Item) -> None:
        for task, found in self._happens.items():
            for step in self._graph.find(item, task):
                if step.flags & OPTIONAL or step.node is None:
                    continue
                node = self._situation.nodes[step.node]
                if step.flags & RUNNABLE or (task == "stop" and node.is_unclean):
                    found.append((item.id, node.id))

    def _tell(self, item: Item, task: str, found: _Round) -> None:
        if task in _DOWN:
            if item.stage is not Stage.STOPPED:
                self._tell_before_end(item, task, found)
        elif item.next is not Stage.STOPPED and item.home is not None:
            self._tell_of_start(item, task, found)

    def _tell_before_end(self, item: Item, task: str, found: _Round) -> None:
        """Of a stop or demotion, those are told that are there; after it those that stay."""
        stop = _last(self._graph, item, "stop")
        for at in item.active:
            if stop is not None and stop.is_pseudo and _is_gone(self._situation.nodes[at]):
                continue
            self._notify(item, at, "pre", task, found)
            if task == "demote" or stop is None or stop.flags & OPTIONAL:
                self._notify(item, at, "post", task, found)
                _delay_monitors(self._graph, item, found.event("confirmed-post"))

    def _tell_of_start(self, item: Item, task: str, found: _Round) -> None:
        """Of a start or promotion, those are told before that are there already, and all after it."""
        home = item.home
        assert home is not None
        start = _last(self._graph, item, "start")
        if start is not None and start.node is not None and self._is_cut_off(start.node):
            return
        if task != "start" or start is None or start.flags & OPTIONAL:
            self._notify(item, home, "pre", task, found)
        self._notify(item, home, "post", task, found)
        _delay_monitors(self._graph, item, found.event("confirmed-post"))

    def _notify(self, item: Item, node: int, kind: str, task: str, found: _Round) -> None:
        after, before = found.event(kind), found.event(f"confirmed-{kind}")
        _operation(self._situation, self._graph, item, node, kind, task, after, before)

    def _is_cut_off(self, node: int) -> bool:
        connection = self._situation.nodes[node].connection
        start = None if connection is None else _last(self._graph, connection, "start")
        return start is not None and not start.is_runnable

    # What they are told

    def _meta(self) -> dict[str, str]:
        meta: dict[str, str] = {}
        for task in ("stop", "start", "demote", "promote"):
            _add_pairs(meta, task, self._happens[task])
        nodes = self._situation.nodes
        by_stage: dict[Stage, list[tuple[str, str]]] = {}
        for item in self._parts:
            where = nodes[item.active[0]].id if item.active else ""
            by_stage.setdefault(item.stage, []).append((item.id, where))
        unpromoted, promoted = by_stage.get(Stage.UNPROMOTED, []), by_stage.get(Stage.PROMOTED, [])
        _add_pairs(meta, "active", by_stage.get(Stage.STARTED, []) + unpromoted + promoted)
        for word, pairs in (("unpromoted", unpromoted), ("slave", unpromoted)):
            _add_pairs(meta, word, pairs)
        for word, pairs in (("promoted", promoted), ("master", promoted)):
            _add_pairs(meta, word, pairs)
        meta["notify_inactive_resource"] = _words(sorted(name for name, _where in by_stage.get(Stage.STOPPED, [])))
        allowed = self._clone.table.allowed(len(nodes))
        meta["notify_available_uname"] = _words(sorted(nodes[at].id for at in allowed))
        meta["notify_all_uname"] = _words([node.id for node in nodes])
        if self._clone.meta.get("container-attribute-target") == "host":
            meta["notify_all_hosts"] = _words([self._host(node) for node in nodes])
        return meta

    def _host(self, node: Node) -> str:
        guest = node.guest
        return self._situation.nodes[guest.active[0]].id if guest is not None and guest.active else node.id


def _add_pairs(meta: dict[str, str], word: str, pairs: list[tuple[str, str]]) -> None:
    """Resources and their nodes, in the same order, each resource once."""
    unique: dict[str, str] = {}
    for name, node in sorted(pairs):
        unique.setdefault(name, node)
    meta[f"notify_{word}_resource"] = _words(list(unique))
    meta[f"notify_{word}_uname"] = _words(list(unique.values()))


def _words(names: list[str]) -> str:
    return " ".join(names) or " "


def _last(graph: Graph, item: Item, task: str) -> Step | None:
    steps = graph.find(item, task)
    return steps[-1] if steps else None


def _is_gone(node: Node) -> bool:
    return node.is_unclean or node.needs_reset
