"""Remote and guest nodes: what they are follows from the resource that connects to them."""

from __future__ import annotations

from hashelld.policy.settings import truth
from hashelld.policy.state.items import Item, Node, Stage
from hashelld.policy.state.situation import Situation


def is_reachable(situation: Situation, node: Node) -> bool:
    """Is enough known by now of its connection, that its history can be judged?"""
    connection = node.connection
    if connection is None:
        return False
    if node.is_guest:
        container = connection.container
        return _is_up(connection) and container is not None and _is_up(container)
    return situation.settings.locks_on_shutdown or _is_up(connection)


def _is_up(item: Item) -> bool:
    return item.stage is Stage.STARTED


def judge(node: Node, nodes: list[Node]) -> None:
    """Is the node there?"""
    connection = node.connection
    node.is_online = False
    if connection is None:
        return
    container = connection.container
    host = nodes[container.active[0]] if container is not None and len(container.active) == 1 else None
    if connection.stage is Stage.STARTED:
        node.is_online = True
        if connection.target is Stage.STOPPED:
            node.is_leaving = True
    if container is not None and container.is_failed:
        node.is_online = False
        node.needs_reset = True
    elif connection.is_failed:
        node.is_online = False
    elif connection.stage is Stage.STOPPED or (container is not None and container.stage is Stage.STOPPED):
        node.is_online = False
        node.needs_reset = False
    elif host is not None and not host.is_online and host.is_unclean:
        node.is_online = False
        node.needs_reset = True


def heed_state(situation: Situation, node: Node) -> None:
    """What the node's own state says, once it is known whether it is there."""
    if not node.needs_reset:
        node.is_unclean = node.is_unseen = False
        node.fence_reason = ""
    view, connection = node.view, node.connection
    if view is not None and view.is_leaving:
        node.is_leaving = True
    if connection is not None and not connection.is_managed:
        node.is_maintenance = True
    discovers = truth(node.attributes.get("resource-discovery-enabled"), default=True)
    if not discovers and (node.is_guest or situation.settings.has_fencing):
        node.discovers = False
