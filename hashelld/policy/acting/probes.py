"""First looks: a resource is asked for its state on every node where that is not known, before it is started anywhere.

Where it may run does not matter: it may have been started by hand. Of an anonymous clone one instance is looked for on
each node, since any instance would be found.
"""

from __future__ import annotations

from typing import Final

from hashelld.model.action import ActionKind
from hashelld.model.history import OCF_NOT_RUNNING, OCF_RUNNING_PROMOTED
from hashelld.policy.acting.making import Maker, busy_nodes
from hashelld.policy.acting.steps import RUNNABLE, Edge, Step
from hashelld.policy.acting.unfencing import Unfencing
from hashelld.policy.state.items import Item, Kind, Node, Stage
from hashelld.policy.state.ops import Op


_BLOCKS: Final = Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS


class Prober:
    """Adds the probes of one top item after the other; `finish` must follow when all other steps are there."""

    __slots__ = ("_asked", "_bundles", "_deferred", "_graph", "_is_own", "_maker", "_probed", "_unfencing")

    def __init__(self, maker: Maker, unfencing: Unfencing) -> None:
        self._maker = maker
        self._unfencing = unfencing
        self._graph = maker.graph
        self._is_own = maker.is_own
        self._asked = [
            node
            for node in maker.nodes
            if (node.is_online or node.is_pending) and not node.is_unclean and node.discovers
        ]
        self._deferred: list[tuple[Item, str, Item]] = []
        """(guest, task, item): the item starts after that step of the guest that its node is."""
        self._probed: list[tuple[Item, Item, list[Step]]] = []
        """(top, item, its probes)."""
        self._bundles: list[Item] = []

    def add(self, top: Item) -> None:
        """The probes of an item without parent and all of its parts."""
        if top.kind is Kind.CLONE and not top.is_unique:
            self._add_anonymous(top)
        elif top.kind is Kind.BUNDLE:
            self._add_bundle(top)
        else:
            for item in top.primitives():
                self._add_primitive(top, item, self._asked)

    def finish(self) -> None:
        """What waits for the probes, and for guests instead of a probe on them."""
        for top, item, probes in self._probed:
            self._link(top, item, probes)
        for bundle in self._bundles:
            self._link_bundle(bundle)
        for guest, task, top in self._deferred:
            firsts = self._graph.probes(guest) if task == "monitor" else self._graph.find(guest, task)
            self._graph.link_all(firsts, self._waiting(top, "start"), Edge.SEQUENCE)

    def _add_anonymous(self, clone: Item) -> None:
        """For each node the instance that is known there, or else will be there, or else the first."""
        instances = clone.children
        if not instances:
            return
        known: dict[int, Item] = {}
        told: dict[str, set[int]] = {}  # By part: where any instance's is known, the surplus ones' included.
        planned: dict[int, Item] = {}
        for instance in instances:
            homes = set()
            for part in instance.primitives():
                told.setdefault(part.base_id, set()).update(part.known)
                for at in part.known:
                    known.setdefault(at, instance)
                if part.home is not None:
                    homes.add(part.home)
            if len(homes) == 1:
                planned.setdefault(homes.pop(), instance)
        asked: dict[int, tuple[Item, list[Node]]] = {}
        for node in self._asked:
            chosen = known.get(node.index) or planned.get(node.index) or instances[0]
            asked.setdefault(chosen.index, (chosen, []))[1].append(node)
        for instance, nodes in asked.values():
            for part in instance.primitives():
                unknown = [node for node in nodes if node.index not in told[part.base_id]]
                self._add_primitive(clone, part, unknown)

    def _add_bundle(self, bundle: Item) -> None:
        """What runs inside a replica is looked for there alone."""
        self._bundles.append(bundle)
        for part in bundle.children:
            for item in part.primitives():
                host = item.bundle_host
                asked = self._asked if host is None else [node for node in self._asked if node.index == host]
                self._add_primitive(part, item, asked)

    def _link_bundle(self, bundle: Item) -> None:
        """A connection is probed when its container is up; where only one replica may be, others wait for a look."""
        graph = self._graph
        for replica in bundle.replicas:
            asked = [] if replica.connection is None else graph.probes(replica.connection)
            if asked:
                container = replica.container
                starts = graph.find(container, "start")
                starts = starts or [self._maker.step(container, "start", container.home, is_required=False)]
                graph.link_all(starts, asked, Edge.NESTED_PROBE)
            probes = graph.probes(replica.container) if bundle.instance_node_max == 1 else []
            for other in bundle.replicas:
                if probes and other is not replica:
                    starts = graph.find(other.container, "start")
                    graph.link_all(probes, starts, Edge.SEQUENCE | Edge.SAME_NODE)

    def _add_primitive(self, top: Item, item: Item, nodes: list[Node]) -> None:
        if item.is_removed or (item.container is not None and not item.is_remote_connection):
            return
        known, is_free = item.known, not (item.discovery or item.is_exclusive or top.is_exclusive)
        busy = busy_nodes(self._maker.situation, item) if self._is_own else ()
        op = _probe_op(item)
        add, probes = self._graph.add, []
        for node in nodes:
            at = node.index
            if at in known or at in busy or not (is_free or _is_discovered(top, item, at)):
                continue
            if node.is_remote and not self._is_asked_remotely(top, item, node):
                continue
            probe = add(ActionKind.RESOURCE, item, at, "monitor", RUNNABLE)
            probe.op = op
            if at not in item.stages:
                probe.expected_rc = OCF_NOT_RUNNING
            elif item.stage is Stage.PROMOTED:
                probe.expected_rc = OCF_RUNNING_PROMOTED
            probes.append(probe)
        if probes:
            self._qualify(item, probes)
            self._probed.append((top, item, probes))

    def _qualify(self, item: Item, probes: list[Step]) -> None:
        """Pending nodes cannot be asked yet, guests only while their host can be fenced; unfencing comes first."""
        nodes = self._maker.nodes
        for probe in probes:
            assert probe.node is not None
            node = nodes[probe.node]
            if node.is_pending or (node.is_guest and not self._maker.is_possible(item, "monitor", probe.node)):
                probe.flags &= ~RUNNABLE
            if self._unfencing.is_used:
                self._unfencing.precede(item, probe.node, probe, Edge.SEQUENCE)

    def _link(self, top: Item, item: Item, probes: list[Step]) -> None:
        after = top if top.kind is Kind.CLONE else item
        starts, reloads = self._waiting(after, "start"), self._graph.find(item, "reload-agent")
        if self._is_own and after.kind is Kind.CLONE and after.is_promotable:
            # What our daemon left when it ended may still be promoted, on a node that was not fenced.
            starts = [*starts, *self._waiting(after, "promote")]
        is_active: bool | None = None
        link = self._graph.link
        for probe in probes:
            edge = Edge.SEQUENCE
            if not probe.flags & RUNNABLE:
                is_active = after.is_active() if is_active is None else is_active
                edge = edge if is_active else _BLOCKS
            for start in starts:
                link(probe, start, edge)
            for reload in reloads:
                link(probe, reload, Edge.SEQUENCE)

    def _waiting(self, item: Item, task: str) -> list[Step]:
        return self._graph.find(item, task) if item.kind is Kind.PRIMITIVE else [self._graph.event(item, task)]

    def _is_asked_remotely(self, top: Item, item: Item, node: Node) -> bool:
        """May the item be looked for on the remote node? Devices and connections do not run there."""
        if item.is_device or item.is_remote_connection or self._is_guest_too(item, node):
            return False
        guest = node.guest
        if guest is None:
            return True
        if guest.is_bundle_container and item.bundle_host != node.index:
            return False
        if guest.stage is Stage.STOPPED:
            if guest.home is not None and guest.home not in guest.known:
                self._deferred.append((guest, "monitor", top))
            return False
        if _will_stop(guest, node):
            self._deferred.append((guest, "stop", top))
            return False
        return True

    def _is_guest_too(self, item: Item, node: Node) -> bool:
        return node.is_guest and any(part.is_remote_connection for part in item.fillers)


def _is_discovered(top: Item, item: Item, node: int) -> bool:
    word = item.discovery.get(node, "always")
    if item.is_exclusive or top.is_exclusive:
        return word == "exclusive"
    return word != "never"


def _will_stop(guest: Item, node: Node) -> bool:
    if node.needs_reset or node.is_unclean or guest.is_failed or guest.next is Stage.STOPPED:
        return True
    return guest.stage > Stage.STOPPED and guest.home is not None and guest.home not in guest.active


def _probe_op(item: Item) -> Op | None:
    """The options of a probe: its own, or the timeout of the most frequent monitor."""
    found = item.ops.get(("monitor", 0))
    if found is not None:
        return found
    monitors = [op for (name, interval_ms), op in item.ops.items() if name == "monitor" and interval_ms]
    if not monitors:
        return None
    nearest = min(monitors, key=lambda op: op.interval_ms)
    return Op("monitor", 0, timeout_ms=nearest.timeout_ms)
