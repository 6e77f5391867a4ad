"""What reading the histories of all nodes has in common: who is active where, and which nodes are condemned."""

from __future__ import annotations

from hashelld.model.history import ActionResult, FailureCount, OpStatus
from hashelld.model.resource import Agent
from hashelld.policy.state.building import Builder
from hashelld.policy.state.items import Item, Kind, Needs, Node, Stage
from hashelld.policy.state.nodes import connect
from hashelld.policy.state.situation import Situation


class Observation:
    """Notes of one observation. Histories are by node index and by the resource's name in them."""

    __slots__ = ("_builder", "condemned_containers", "counts", "histories", "is_read", "located", "nodes", "pending",
                 "situation")  # fmt: skip

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.histories: list[dict[str, list[ActionResult]]] = [_by_resource(node) for node in situation.nodes]
        """Oldest first, pending last."""
        self.counts: list[dict[str, list[FailureCount]]] = [_counts(node) for node in situation.nodes]
        """Failure counts by name, the number of an instance left out."""
        order = {name: at for at, name in enumerate(situation.view.reported)}
        reporting = (node for node in situation.nodes if node.view is not None and (not order or node.id in order))
        self.nodes = sorted(reporting, key=lambda node: order.get(node.id, 0))
        """Those that the status knows, in the order in which their histories are read."""
        self.is_read = [False] * len(situation.nodes)
        self.located: dict[int, list[int]] = {}
        """Nodes on which an instance of a clone (by index), or any part of it, is active."""
        self.pending: dict[int, int] = {}
        """The node on which something of an item (by index) is under way, recurring monitors included."""
        self.condemned_containers: list[Item] = []
        """Of bundles: to be stopped because what is inside failed."""
        self._builder: Builder | None = None

    @property
    def builder(self) -> Builder:
        """Makes what the configuration does not have: surplus instances, removed resources."""
        if self._builder is None:
            self._builder = Builder(self.situation)
        return self._builder

    def add_removed(self, name: str, agent: Agent | None) -> Item:
        """A placeholder for a resource that is configured no more, connected to its node when it was a connection."""
        item = self.builder.add_removed(name, agent)
        if item.is_remote_connection:
            node = connect(self.situation, item, name)
            if node.index == len(self.histories):
                self.histories.append({})
                self.counts.append({})
                self.is_read.append(False)
        return item

    def activate(self, item: Item, at: int, stage: Stage) -> None:
        """The item is active on a node."""
        if at in item.stages:
            item.stages[at] = max(stage, item.stages[at])
            return
        node = self.situation.nodes[at]
        item.active.append(at)
        item.stages[at] = stage
        self._locate(item, at)
        if node.is_maintenance:
            item.is_managed = False
            item.is_maintenance = True
        if not item.is_managed:
            item.held_on.append(at)
        elif self._count(item) > 1:
            self._heed_multiple(item)

    def _count(self, item: Item) -> int:
        """On how many nodes it counts as active: what fencing will end does not, unless the item has to wait for it."""
        if item.needs >= Needs.FENCING:
            return len(item.active)
        return sum(not self.situation.nodes[at].is_unclean for at in item.active)

    def _locate(self, item: Item, at: int) -> None:
        found: Item | None = item
        while found is not None and found.parent is not None:
            if found.parent.kind is Kind.CLONE:
                where = self.located.setdefault(found.index, [])
                if at not in where:
                    where.append(at)
                return
            found = found.parent

    def _heed_multiple(self, item: Item) -> None:
        reason = f"active on {', '.join(self.situation.nodes[at].id for at in item.active)}"
        match item.multiple_active:
            case "stop_only":
                item.banned_everywhere = reason
            case "stop_unexpected":
                item.is_stop_unexpected = True
            case "block":
                block(item, reason)
                parent = item.parent
                if parent is not None and parent.kind is not Kind.CLONE and parent.multiple_active == "block":
                    for part in parent.primitives():
                        block(part, f"{item.id} is {reason}")
            case _:
                pass


def block(item: Item, reason: str) -> None:
    """Leave the item alone."""
    item.is_managed = False
    item.is_blocked = True
    item.block_reason = item.block_reason or reason


def ban(item: Item, node: int | None, reason: str) -> None:
    """Forbid a node (None: all) to an item for good, to the whole clone when it is an anonymous instance of one."""
    clone = item.clone
    banned = item if clone is None or clone.is_unique else clone
    if node is None:
        banned.banned_everywhere = banned.banned_everywhere or reason
    else:
        banned.bans.setdefault(node, reason)


def call_order(result: ActionResult) -> tuple[bool, int, int, bool]:
    """Sorts a history: by call, where that is the same by time; probes come first, and what is pending last."""
    is_probe = result.operation == "monitor" and not result.interval_ms
    return (result.status is OpStatus.PENDING, result.call, result.ended_ms, not is_probe)


def _by_resource(node: Node) -> dict[str, list[ActionResult]]:
    found: dict[str, list[ActionResult]] = {}
    if node.view is None:
        return found
    for result in node.view.status.operations:
        known = found.get(result.resource)
        if known is None:
            found[result.resource] = [result]
        else:
            known.append(result)
    for results in found.values():
        if len(results) > 1:
            results.sort(key=call_order)
    return found


def _counts(node: Node) -> dict[str, list[FailureCount]]:
    found: dict[str, list[FailureCount]] = {}
    for count in () if node.view is None else node.view.status.failures:
        names = {str(count.resource), without_number(count.resource)}
        for name in names:
            found.setdefault(name, []).append(count)
    return found


def without_number(name: str) -> str:
    """A resource's name in a history without the number of an instance."""
    base, colon, number = name.rpartition(":")
    return base if colon and number.isdigit() else name
