"""The nodes of a view: members as they report themselves, remote nodes as far as they are known without history."""

from __future__ import annotations

from typing import Final

from hashelld.cib.view import NodeView
from hashelld.model.ids import NodeId
from hashelld.model.node import Node as ConfiguredNode
from hashelld.model.score import INFINITY
from hashelld.policy.attributes import UTILIZATION_SUFFIX
from hashelld.policy.rules import KIND, Facts, builtin_attributes
from hashelld.policy.settings import NoQuorum, truth
from hashelld.policy.state.items import Item, Node
from hashelld.policy.state.situation import Situation


_SITE: Final = "site-name"
_CONTAINER: Final = "container"
_DIGITS_MAX: Final = 18


def format_count(count: int) -> str:
    """A failure count as an attribute's value."""
    return "INFINITY" if count >= INFINITY else str(count)


def add_nodes(situation: Situation, properties: dict[str, str]) -> None:
    """The nodes of the view in its order, then configured ones that it does not have."""
    configured = {node.id: node for node in situation.cib.nodes}
    cluster_name = properties.get("cluster-name")
    for view in situation.view.nodes:
        _add(situation, view.node, view, configured.get(view.node), cluster_name)
    for name, node in configured.items() if situation.view.can_reach else ():
        if name not in situation.node_by_id:
            _add(situation, name, None, node, cluster_name)


def _add(
    situation: Situation, name: NodeId, view: NodeView | None, configured: ConfiguredNode | None, cluster: str | None
) -> Node:
    number = name if configured is None else configured.number or name
    is_dc = situation.view.dc == name
    is_remote = (view is not None and view.is_remote) or (configured is not None and configured.kind == "remote")
    builtin = builtin_attributes(name, number, is_dc=is_dc, is_remote=is_remote, cluster_name=cluster)
    given: dict[str, str] = {}
    capacity: dict[str, str] = {}
    if configured is not None:
        facts = Facts(situation.now_ms, builtin)
        given = situation.attributes.resolve(configured.attributes, facts)
        capacity = situation.attributes.resolve(configured.utilization, facts, kind=UTILIZATION_SUFFIX)
    if view is not None:
        given.update(view.status.attributes)
        for failed in view.status.failures:  # Rules may ask for them by Pacemaker's names.
            given[f"fail-count-{failed.resource}#{failed.operation}_{failed.interval_ms}"] = format_count(failed.count)
        capacity.update(view.status.utilization)
    if _SITE in given:
        builtin["#site-name"] = given[_SITE]
    node = Node(len(situation.nodes), name, view, {**given, **builtin})
    node.number = NodeId(number)
    node.is_dc = is_dc
    node.is_remote = is_remote
    node.utilization = whole_numbers(capacity)
    node.is_standby = truth(given.get("standby"), default=False)
    node.is_maintenance = truth(given.get("maintenance"), default=False)
    if view is not None:
        _explain(node, view)
    if is_remote:
        _await_connection(node, view)
    elif (node.is_online or node.is_pending) and _is_to_end(situation):
        policy = situation.cib.property_value("no-quorum-policy") or NoQuorum.SUICIDE.value
        node.condemn(f"{name} has no quorum, and no-quorum-policy is {policy}")
    situation.nodes.append(node)
    situation.node_by_id[name] = node.index
    return node


def _is_to_end(situation: Situation) -> bool:
    """Does the partition fence itself? It had quorum and lost it."""
    view, settings = situation.view, situation.settings
    return view.was_quorate and not view.has_quorum and settings.has_fencing and settings.no_quorum is NoQuorum.SUICIDE


def _explain(node: Node, view: NodeView) -> None:
    if view.fence_reason:
        node.fence_reason = view.fence_reason
    elif view.unclean:
        node.fence_reason = f"{node.id} is lost"
    elif view.fence_requested:
        node.fence_reason = "requested by the administrator"


def _await_connection(node: Node, view: NodeView | None) -> None:
    """Whether it is up, observe will tell by the resource that connects to it."""
    node.is_online = node.is_unclean = node.is_pending = node.is_leaving = False
    node.is_unseen = True
    node.fence_reason = ""
    node.was_fenced = view is not None and view.was_fenced


def whole_numbers(texts: dict[str, str]) -> dict[str, int]:
    """Capacities: what is no whole number counts as none."""
    return {name: _whole(text) for name, text in texts.items()}


def _whole(text: str) -> int:
    body = text.strip()
    digits = body[1:] if body[:1] in {"-", "+"} else body
    return int(body) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX else 0


def connect(situation: Situation, connection: Item, name: str) -> Node:
    """Tell a remote node what connects to it; the node is made when there is none yet."""
    index = situation.node_by_id.get(name)
    if index is None:
        cluster = next((node.attributes.get("#cluster-name") for node in situation.nodes), None)
        node = _add(situation, NodeId(name), None, None, cluster)
    else:
        node = situation.nodes[index]
    if not node.is_remote:
        node.is_remote = True
        node.attributes[KIND] = "remote"
        _await_connection(node, node.view)
    node.connection = connection
    connection.remote_node = node.index
    if connection.container is not None:
        node.is_guest = True
        node.attributes[KIND] = _CONTAINER
    else:
        node.is_unclean = situation.settings.startup_fencing
    return node
