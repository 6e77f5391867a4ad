"""The inside of groups, clones and bundles: their events, and the sequence of their parts."""

from __future__ import annotations

from typing import Final

from hashelld.policy.acting.orderer import Orderer
from hashelld.policy.acting.steps import MIGRATABLE, OPTIONAL, PSEUDO, RUNNABLE, Edge, Graph
from hashelld.policy.state.items import Item, Kind, Replica


_BASIC: Final = ("start", "running", "stop", "stopped")
_ROLES: Final = ("promote", "promoted", "demote", "demoted")
_CHAIN: Final = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS
_SHOWN: Final = Edge.SEQUENCE | Edge.SHOWS_FIRST
_SHOWS: Final = Edge.SEQUENCE | Edge.SHOWS_THEN
_BLOCKS: Final = Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS


def add_events(graph: Graph, item: Item) -> None:
    """The events of a collective, as necessary and as possible as what its parts are about to do."""
    tasks = _BASIC + _ROLES if _has_roles(item) else _BASIC
    if item.kind is Kind.GROUP:
        for task in tasks:
            graph.event(item, task).flags = OPTIONAL | RUNNABLE | PSEUDO
        return
    instances = item.containers() if item.kind is Kind.BUNDLE else item.children
    starting, stopping, restarting, active = _movement(graph, instances)
    for task, is_wanted in (("start", starting), ("running", starting), ("stop", stopping), ("stopped", stopping)):
        graph.event(item, task).flags = RUNNABLE | PSEUDO | (0 if is_wanted else OPTIONAL)
    if not (active or starting):
        graph.event(item, "running").flags &= ~RUNNABLE
    if not restarting:
        graph.event(item, "stop").flags |= MIGRATABLE
    if not _has_roles(item):
        return
    for task in _ROLES:
        base = task if task in {"promote", "demote"} else task[:7] if task == "promoted" else task[:6]
        is_wanted = item.kind is Kind.CLONE and _changes_role(graph, item, base)
        graph.event(item, task).flags = RUNNABLE | PSEUDO | (0 if is_wanted else OPTIONAL)


def settle_events(graph: Graph, item: Item) -> None:
    """What was to come up in a clone or bundle may not after all: then nothing waits for its start either."""
    if not _movement(graph, item.containers() if item.kind is Kind.BUNDLE else item.children)[0]:
        for task in ("start", "running"):
            graph.event(item, task).flags |= OPTIONAL


def order_inside(orderer: Orderer, item: Item) -> None:
    """The sequence within a collective; parts that are collectives have an order inside of their own."""
    if item.kind is Kind.GROUP:
        _Members(orderer, item).add()
    elif item.kind is Kind.CLONE:
        _order_instances(orderer, item)
    elif item.kind is Kind.BUNDLE:
        _order_bundle(orderer, item)


def order_container(orderer: Orderer, item: Item) -> None:
    """What is launched inside something starts after it and stops before it."""
    container = item.container
    if container is None or not item.is_managed:
        return
    if item.is_remote_connection:
        for probe in orderer.graph.probes(container):
            orderer.after_step(probe, item, "stop", Edge.SEQUENCE)
    elif container.is_remote_connection or any(filler.is_remote_connection for filler in container.fillers):
        return  # It runs on the node that the container is.
    orderer.between(container, "start", item, "start", _CHAIN)
    orderer.between(item, "stop", container, "stop", Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST)


def _has_roles(item: Item) -> bool:
    if item.kind is Kind.BUNDLE:
        return item.bundled is not None and item.bundled.is_promotable
    clone = item if item.kind is Kind.CLONE else item.clone
    return clone is not None and clone.is_promotable


def _movement(graph: Graph, instances: list[Item]) -> tuple[bool, bool, bool, bool]:
    """Is any of them starting, stopping, both at once, active?"""
    starting = stopping = restarting = active = False
    for instance in instances:
        for part in instance.primitives():
            starts = any(not s.flags & OPTIONAL and s.flags & RUNNABLE for s in graph.find(part, "start"))
            stops = any(not s.flags & OPTIONAL and s.flags & (RUNNABLE | PSEUDO) for s in graph.find(part, "stop"))
            starting |= starts
            stopping |= stops
            restarting |= starts and stops
            active |= bool(part.active)
    return starting, stopping, restarting, active


def _changes_role(graph: Graph, clone: Item, task: str) -> bool:
    return any(not step.flags & OPTIONAL for part in clone.primitives() for step in graph.find(part, task))


class _Members:
    """Orders the members of one group."""

    def __init__(self, orderer: Orderer, group: Item) -> None:
        self._orderer = orderer
        self._group = group
        self._has_roles = _has_roles(group)
        self._stops = any(orderer.graph.find(member, "stop") for member in group.children)

    def add(self) -> None:
        """All of it."""
        group, between = self._group, self._orderer.between
        between(group, "stop", group, "stopped", _BLOCKS)
        between(group, "stopped", group, "start", Edge.SEQUENCE)
        between(group, "start", group, "running", _BLOCKS)
        previous: Item | None = None
        last_active: Item | None = None
        for member in group.children:
            self._add_member(member, is_first=previous is None)
            if previous is not None and group.is_ordered:
                self._add_chain(previous, member, last_active)
            if member.active:
                last_active = member
            previous = member

    def _add_member(self, member: Item, *, is_first: bool) -> None:
        group, between = self._group, self._orderer.between
        is_head = is_first and group.is_ordered
        down = _SHOWN
        after_down = Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN if is_head else _SHOWS
        up = _CHAIN | Edge.SHOWS_THEN
        free = _CHAIN | Edge.SHOWS_FIRST
        if self._has_roles:
            between(group, "demote", member, "demote", down)
            between(member, "demote", group, "demoted", after_down)
            between(member, "promote", group, "promoted", up)
            between(group, "promote", member, "promote", _SHOWN if group.is_ordered else free)
        if self._stops:  # Else nothing of it ever waits for the probes either.
            between(group, "stop", member, "stop", down)
            between(member, "stop", group, "stopped", after_down)
        between(member, "start", group, "running", up)
        between(group, "start", member, "start", _SHOWN if group.is_ordered else free)

    def _add_chain(self, previous: Item, member: Item, last_active: Item | None) -> None:
        between = self._orderer.between
        between(previous, "start", member, "start", _CHAIN)
        between(member, "stop", previous, "stop", Edge.SEQUENCE | Edge.INTERMEDIATE_STOP)
        if self._has_roles:
            between(previous, "promote", member, "promote", _CHAIN)
            between(member, "demote", previous, "demote", Edge.SEQUENCE)
        if member.active and not previous.active:
            between(member, "stop", previous, "start", _BLOCKS | Edge.THEN_IMPLIES_FIRST)
            if last_active is not None:
                between(member, "stop", last_active, "stop", Edge.SEQUENCE)


def _order_instances(orderer: Orderer, clone: Item) -> None:
    between = orderer.between
    between(clone, "stopped", clone, "start", Edge.SEQUENCE)
    between(clone, "start", clone, "running", _BLOCKS)
    between(clone, "stop", clone, "stopped", _BLOCKS)
    if clone.is_promotable:
        between(clone, "demoted", clone, "stop", Edge.SEQUENCE)
        between(clone, "running", clone, "promote", _BLOCKS)
    instances = clone.children
    for at, instance in enumerate(instances):
        between(clone, "start", instance, "start", _BLOCKS | Edge.SHOWS_FIRST)
        between(instance, "start", clone, "running", _SHOWS)
        between(clone, "stop", instance, "stop", _SHOWN)
        between(instance, "stop", clone, "stopped", _SHOWS)
        if clone.is_ordered:
            for later in instances[at + 1 :]:
                between(instance, "start", later, "start", Edge.SEQUENCE)
                between(later, "stop", instance, "stop", Edge.SEQUENCE)
    if clone.is_promotable:
        _order_roles(orderer, clone)


def _order_roles(orderer: Orderer, clone: Item) -> None:
    between = orderer.between
    _order_restarts(orderer, clone)
    previous: Item | None = None
    for instance in clone.children:
        between(instance, "demote", instance, "promote", Edge.SEQUENCE)
        between(clone, "promote", instance, "promote", Edge.SEQUENCE)
        between(instance, "promote", clone, "promoted", Edge.SEQUENCE)
        between(clone, "demote", instance, "demote", _SHOWN)
        between(instance, "demote", clone, "demoted", _SHOWS)
        if clone.is_ordered and previous is not None:
            between(previous, "promote", instance, "promote", Edge.SEQUENCE)
            between(instance, "demote", previous, "demote", Edge.SEQUENCE)
        previous = instance


def _order_restarts(orderer: Orderer, item: Item) -> None:
    """Everything goes down before anything goes up, step by step."""
    for first, then in (
        ("stopped", "start"),
        ("stopped", "promote"),
        ("demoted", "stop"),
        ("demoted", "start"),
        ("demoted", "promote"),
        ("running", "promote"),
        ("demote", "demoted"),
    ):
        orderer.between(item, first, item, then, Edge.SEQUENCE)


def _order_bundle(orderer: Orderer, bundle: Item) -> None:
    between, child = orderer.between, bundle.bundled
    if child is not None:
        between(bundle, "start", child, "start", _SHOWN)
        between(bundle, "stop", child, "stop", _SHOWN)
        between(child, "running", bundle, "running", _SHOWS)
        between(child, "stopped", bundle, "stopped", _SHOWS)
    for replica in bundle.replicas:
        _order_replica(orderer, bundle, replica)
    if child is not None and child.is_promotable:
        _order_restarts(orderer, bundle)
        between(child, "demoted", bundle, "demoted", _SHOWS)
        between(bundle, "demote", child, "demote", _SHOWN)
        between(child, "promoted", bundle, "promoted", _SHOWS)
        between(bundle, "promote", child, "promote", _SHOWN)


def _order_replica(orderer: Orderer, bundle: Item, replica: Replica) -> None:
    between, container = orderer.between, replica.container
    between(bundle, "start", container, "start", _BLOCKS | Edge.SHOWS_FIRST)
    if replica.child is not None:
        between(bundle, "stop", replica.child, "stop", _SHOWN)
    between(bundle, "stop", container, "stop", _SHOWN)
    between(container, "start", bundle, "running", _SHOWS)
    between(container, "stop", bundle, "stopped", _SHOWS)
    if replica.address is not None:
        between(replica.address, "start", container, "start", _BLOCKS)
        between(container, "stop", replica.address, "stop", Edge.SEQUENCE | Edge.THEN_IMPLIES_FIRST)
