"""Connections to remote nodes: configured ones, and those that guests have without being asked."""

from __future__ import annotations

from hashelld.model.resource import Primitive, value_of
from hashelld.policy.state.building import Builder
from hashelld.policy.state.items import Item, Kind
from hashelld.policy.state.meta import REMOTE_AGENT
from hashelld.policy.state.nodes import connect
from hashelld.policy.state.operations import implicit_operation
from hashelld.policy.state.situation import Situation


_TIMEOUT = "30s"
_INTERVAL_MS = 30_000


def add_connection(
    builder: Builder,
    name: str,
    container: Item,
    parent: Item | None,
    *,
    meta: dict[str, str],
    params: dict[str, str],
    start_timeout: str | None = None,
) -> Item:
    """The connection to a guest node, which lives as long as its container or virtual machine."""
    item = builder.new(name, Kind.PRIMITIVE, parent, builder.meta_of((), REMOTE_AGENT, parent))
    item.meta.update(meta)
    item.meta["container"] = container.id
    item.agent = REMOTE_AGENT
    item.is_remote_connection = True
    item.params_by_node[None] = params
    builder.settle(item)
    attributes, options = builder.situation.attributes, {"interval": _TIMEOUT, "timeout": _TIMEOUT}
    item.ops["monitor", _INTERVAL_MS] = implicit_operation(attributes, item.agent, "monitor", _INTERVAL_MS, options)
    if start_timeout is not None:
        options = {"interval": "0", "timeout": start_timeout}
        item.ops["start", 0] = implicit_operation(attributes, item.agent, "start", 0, options)
    contain(item, container)
    return item


def contain(item: Item, container: Item) -> None:
    """The item is launched inside the container."""
    item.container = container
    container.fillers.append(item)


def add_guests(builder: Builder) -> None:
    """A connection for every resource that is said to be a node (`remote-node`)."""
    situation = builder.situation
    for container in list(situation.primitives()):
        source = container.source
        if not isinstance(source, Primitive) or container.is_remote_connection:
            continue
        name = value_of(source.meta, "remote-node")
        if not name or name in situation.by_id or name == container.id:
            continue
        get = container.meta.get
        addresses = {"addr": get("remote-addr"), "port": get("remote-port")}
        meta = {"allow-migrate": get("remote-allow-migrate"), "is-managed": value_of(source.meta, "is-managed")}
        connection = add_connection(
            builder,
            name,
            container,
            None,
            meta={key: value for key, value in meta.items() if value is not None},
            params={key: value for key, value in addresses.items() if value is not None},
            start_timeout=get("remote-connect-timeout"),
        )
        situation.top.append(connection)


def link_connections(situation: Situation) -> None:
    """Tell remote nodes their connections."""
    for item in situation.primitives():
        if item.is_remote_connection and item.remote_node is None:
            connect(situation, item, item.id)


def link_containers(situation: Situation) -> None:
    """Tell resources with the meta attribute `container` inside what they are launched."""
    for item in situation.primitives():
        name = item.meta.get("container")
        if name is None or item.container is not None or name == item.id:
            continue
        container = situation.by_id.get(name)
        if container is not None:
            contain(item, container)
