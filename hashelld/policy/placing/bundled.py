"""Bundles: their containers are placed like instances; address, connection and child follow each container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.model.score import INFINITY
from hashelld.policy.placing.instance_order import instance_order
from hashelld.policy.placing.instances import assign_instances
from hashelld.policy.placing.locating import is_threshold_reached
from hashelld.policy.state.items import Item
from hashelld.policy.state.ties import Tie


if TYPE_CHECKING:
    from hashelld.policy.placing.assign import Placer


def assign_bundle(placer: Placer, bundle: Item) -> None:
    """Place the containers, then what goes with each of them, then the child."""
    containers = sorted(bundle.containers(), key=instance_order(placer))
    assign_instances(placer, bundle, containers, len(containers), bundle.instance_node_max)
    for replica in bundle.replicas:
        if replica.address is not None:
            placer.assign(replica.address)
        connection = replica.connection
        if connection is None:
            continue
        host = replica.container.home
        host_connection = None if host is None else placer.situation.nodes[host].connection
        if host_connection is not None:
            tie = Tie("#connection-with-connection-of-host", connection, host_connection, INFINITY, is_explicit=False)
            connection.ties_with.append(tie)
            host_connection.ties_of.append(tie)
            placer.colocations.forget(connection, host_connection)
        placer.assign(connection)
    for replica in bundle.replicas:
        if replica.child is not None and replica.connection is not None:
            _bind_child(placer, replica.child, replica.connection.remote_node)
    _assign_child(placer, bundle)


def _bind_child(placer: Placer, child: Item, home: int | None) -> None:
    """A replica's child runs on the replica's own node or nowhere."""
    for part in (child, *child.children):
        for node in range(len(placer.situation.nodes)):
            if node != home:
                _forbid(part, node)
            elif not any(is_threshold_reached(each, node) for each in part.primitives()):
                part.table.set(node, INFINITY)


def _forbid(item: Item, node: int) -> None:
    if item.table.allows(node):
        item.table.set(node, -INFINITY)


def _assign_child(placer: Placer, bundle: Item) -> None:
    whole = bundle.bundled
    if whole is None:
        return
    own = {replica.connection.remote_node for replica in bundle.replicas if replica.connection is not None}
    for node in range(len(placer.situation.nodes)):
        if node in own:
            whole.table.set(node, 0)
        else:
            _forbid(whole, node)
    whole.is_assigning = True
    for replica in bundle.replicas:
        if replica.child is not None and replica.connection is not None:
            placer.assign(replica.child, replica.connection.remote_node)
    whole.is_assigning = False
    placer.assign(whole)
