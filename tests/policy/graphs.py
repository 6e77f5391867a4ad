"""Graphs by hand, for tests of what connects steps: items and nodes are bare, and each step is put in by itself."""

from __future__ import annotations

from hashelld.cib.document import Cib, Object
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.action import ActionKind
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NodeId
from hashelld.policy.acting.steps import OPTIONAL, RUNNABLE, Edge, Graph, Step
from hashelld.policy.attributes import Attributes
from hashelld.policy.settings import read_settings
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.situation import Situation


RESTART = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.INTERMEDIATE_STOP


class World:
    """A situation with nodes n0, n1, …, and its graph."""

    def __init__(self, *objects: Object, nodes: int = 2, **view: object) -> None:
        names = [NodeId(f"n{number}") for number in range(nodes)]
        views = tuple(NodeView(node=name, online=True, status=NodeStatus(node=name)) for name in names)
        cib = Cib(objects)
        attributes = Attributes(cib)
        settings = read_settings(attributes)
        whole = ClusterView(cib=cib, nodes=views, can_reach=True, can_unfence=True, **view)  # type: ignore[arg-type]
        self.situation = Situation(whole, attributes, settings, None)
        for each in views:
            index = len(self.situation.nodes)
            self.situation.nodes.append(Node(index, each.node, each, {}))
            self.situation.node_by_id[each.node] = index
        self.graph = Graph()

    def item(self, name: str, kind: Kind = Kind.PRIMITIVE, parent: Item | None = None) -> Item:
        """A new item that is nowhere and goes nowhere."""
        item = Item(len(self.situation.items), name, kind, parent, {})
        self.situation.add(item)
        if parent is None:
            self.situation.top.append(item)
        else:
            parent.children.append(item)
            item.base_id = item.history_id = name.partition(":")[0]
        item.next = Stage.STOPPED
        return item

    def runs(self, item: Item, at: int, to: int | None = None) -> Item:
        """It is active on a node, and stays there or goes to another."""
        home = at if to is None else to
        item.active, item.stages, item.stage = [at], {at: Stage.STARTED}, Stage.STARTED
        item.home, item.next = home, Stage.STARTED
        stop = self.step(item, "stop", at, is_required=home != at)
        start = self.step(item, "start", home, is_required=home != at)
        self.graph.link(stop, start, RESTART)
        return item

    def starts(self, item: Item, at: int) -> Item:
        """It is not active and will be started."""
        item.home, item.next = at, Stage.STARTED
        self.step(item, "start", at, is_required=True)
        return item

    def stops(self, item: Item, at: int) -> Item:
        """It is active and will be stopped for good."""
        item.active, item.stages, item.stage = [at], {at: Stage.STARTED}, Stage.STARTED
        self.step(item, "stop", at, is_required=True)
        return item

    def step(self, item: Item, task: str, node: int | None, *, is_required: bool) -> Step:
        """A step that can be taken."""
        flags = RUNNABLE if is_required else RUNNABLE | OPTIONAL
        return self.graph.add(ActionKind.RESOURCE, item, node, task, flags)

    def probe(self, item: Item, node: int) -> Step:
        """A probe, and what waits for it within the item."""
        probe = self.step(item, "monitor", node, is_required=True)
        after = item.top if item.top.kind is Kind.CLONE else item
        starts = self.graph.find(item, "start") if after is item else [self.graph.event(after, "start")]
        self.graph.link_all([probe], starts, Edge.SEQUENCE)
        return probe

    def the(self, item: Item, task: str) -> Step:
        """The one step of an item with this task."""
        (step,) = self.graph.find(item, task)
        return step

    def required(self) -> set[str]:
        """What has to be done and can be: `start a`."""
        return {
            f"{step.task} {step.item.id}"
            for step in self.graph.steps
            if step.item is not None and step.is_required and step.is_runnable and not step.is_pseudo
        }


def before(step: Step) -> set[str]:
    """What a step waits for through events, whether it happens or not: `start a`."""
    found: set[str] = set()
    seen = {step.index}
    pending = [step]
    while pending:
        for first, _edge in pending.pop().before:
            if first.index in seen:
                continue
            seen.add(first.index)
            if first.item is not None and first.item.kind is Kind.PRIMITIVE:
                found.add(f"{first.task} {first.item.id}")
            else:
                pending.append(first)
    return found
