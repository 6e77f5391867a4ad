"""One planning: the view, its items and nodes, and what they are looked up by."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hashelld.cib.view import ClusterView
from hashelld.model.ids import NodeId
from hashelld.model.score import Score
from hashelld.policy.attributes import Attributes
from hashelld.policy.rules import Facts
from hashelld.policy.settings import Settings
from hashelld.policy.state.items import Item, Kind, Needs, Node


Ledger = Callable[[Item, str, int | None, Score], None]
"""Told of every contribution to a score: item, source, node (None: all nodes), score."""


class Situation:
    """The view, expanded. All phases share it and write to its items and nodes."""

    __slots__ = (
        "attributes",
        "by_base",
        "by_id",
        "cib",
        "has_device",
        "items",
        "ledger",
        "node_by_id",
        "nodes",
        "settings",
        "tags",
        "templates",
        "top",
        "view",
        "wake_ms",
    )

    def __init__(self, view: ClusterView, attributes: Attributes, settings: Settings, ledger: Ledger | None) -> None:
        self.view = view
        self.cib = view.cib
        self.attributes = attributes
        self.settings = settings
        self.ledger = ledger
        self.items: list[Item] = []
        """All items, parents before children; an item's `index` is its place here."""
        self.top: list[Item] = []
        """Those without a parent, in document order; removed resources at the end."""
        self.by_id: dict[str, Item] = {}
        """By id ("web:0" for instances, "web" for what is configured outside of clones, collectives included)."""
        self.by_base: dict[str, Item] = {}
        """For the configured id of something inside a clone: the outermost clone or bundle around it."""
        self.nodes: list[Node] = []
        self.node_by_id: dict[str, int] = {}
        self.tags: dict[str, tuple[str, ...]] = {}
        """Ids of the objects that a tag names."""
        self.templates: dict[str, tuple[str, ...]] = {}
        """Ids of the primitives that use a template."""
        self.has_device = False
        """Is any fencing device configured?"""
        self.wake_ms: int | None = None
        """The moment at which the same view would be planned differently."""

    @property
    def now_ms(self) -> int:
        """Wall-clock milliseconds: the only clock of the policy."""
        return self.view.now_ms

    def add(self, item: Item) -> None:
        """Take an item in; its index must be the next one."""
        assert item.index == len(self.items)
        self.items.append(item)
        self.by_id.setdefault(item.id, item)

    def primitives(self) -> Iterator[Item]:
        """All primitives (instances), parents' order."""
        return (item for item in self.items if item.kind is Kind.PRIMITIVE)

    def named(self, name: str) -> Item | None:
        """What a constraint means by a resource's id: for the child of a clone (or what is inside it), the clone."""
        return self.by_base.get(name) or self.by_id.get(name)

    def node(self, index: int) -> Node:
        """A node by index."""
        return self.nodes[index]

    def node_id(self, index: int) -> NodeId:
        """A node's name by index."""
        return self.nodes[index].id

    def facts(self, node: Node | None = None, item: Item | None = None, submatches: tuple[str, ...] = ()) -> Facts:
        """What a rule about a node and a resource is judged by."""
        return Facts(
            self.now_ms,
            None if node is None else node.attributes,
            agent=None if item is None else item.agent,
            meta={} if item is None else item.meta,
            submatches=submatches,
        )

    def present_on(self, item: Item) -> int | None:
        """Where a primitive is active; of several nodes the one that it is to be moved away from, if it is moved.

        That is the source of a migration, or the first node; what need not wait for fencing looks for a clean one.
        """
        if item.migrating_from is not None and item.migrating_from in item.active:
            return item.migrating_from
        if item.needs < Needs.FENCING:
            for node in item.active:
                if self.nodes[node].is_online and not self.nodes[node].is_unclean:
                    return node
        return item.active[0] if item.active else None

    def wake_at(self, moment_ms: int | None) -> None:
        """Plan again then (and not for what is past)."""
        if moment_ms is not None and moment_ms > self.now_ms:
            self.wake_ms = moment_ms if self.wake_ms is None else min(self.wake_ms, moment_ms)

    def note(self, item: Item, source: str, node: int | None, score: Score) -> None:
        """Take down a contribution to a score: what speaks against a node is kept, the ledger is told of all."""
        if score < 0:
            item.against[source, node] = score
        self.tell(item, source, node, score)

    def tell(self, item: Item, source: str, node: int | None, score: Score) -> None:
        """Tell the ledger, if there is one, of a contribution that follows from where another item is."""
        if self.ledger is not None:
            self.ledger(item, source, node, score)
