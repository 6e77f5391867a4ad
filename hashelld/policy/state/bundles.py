"""Bundles: containers with an address, a connection and an instance of the child each (POLICY.md 21)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hashelld.model.ids import ResourceId
from hashelld.model.resource import Agent, AttributeSet, Bundle, Clone, NvPair
from hashelld.policy.settings import truth
from hashelld.policy.state.building import Builder
from hashelld.policy.state.connections import add_connection
from hashelld.policy.state.items import Item, Kind, Replica
from hashelld.policy.state.meta import count_of
from hashelld.policy.state.nodes import connect
from hashelld.policy.state.operations import implicit_operation


_PORT: Final = "3121"
_MONITOR_MS: Final = 60_000
_HOST_MAX: Final = 254
"""The last number in a network; beyond it is the address that all of it hear."""
_ADDRESS: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\Z", re.ASCII)
_KEY: Final = "/etc/pacemaker/authkey"
_LOGS: Final = "/var/log/pacemaker/bundles"
_DAEMON: Final = "/usr/sbin/pacemaker-remoted"


class _Plan(msgspec.Struct, frozen=True):
    """What a bundle's sections say, with defaults."""

    source: Bundle
    options: dict[str, str]
    network: dict[str, str]
    promoted_max: int
    replica_max: int
    per_host: int
    addresses: tuple[str, ...]
    """Of the replicas; empty without ip-range-start."""
    host_entries: str
    """Options that tell every container the names of all."""

    @property
    def name(self) -> str:
        return self.source.id

    @property
    def control_port(self) -> str | None:
        return self.network.get("control-port")

    @property
    def has_connections(self) -> bool:
        """Is there something inside, and a way to reach it?"""
        return self.source.child is not None and bool(self.addresses or self.control_port)


def add_bundle(builder: Builder, source: Bundle) -> Item | None:
    """A bundle with all of its replicas."""
    plan = _plan(source)
    situation = builder.situation
    bundle = builder.new(source.id, Kind.BUNDLE, None, builder.meta_of(source.meta, None, None))
    situation.top.append(bundle)
    bundle.source = source
    bundle.is_unique = plan.per_host > 1
    bundle.instance_max, bundle.instance_node_max = plan.replica_max, plan.per_host
    builder.settle(bundle)
    bundle.is_interleaved = truth(bundle.meta.get("interleave"), default=False)
    whole = bundle.bundled = _add_child(builder, bundle, plan)
    if whole is not None:
        bundle.is_promotable, bundle.promoted_max = whole.is_promotable, whole.promoted_max
    for number in range(plan.replica_max):
        child = None if whole is None else whole.children[number]
        bundle.replicas.append(_add_replica(builder, bundle, plan, number, child))
    if whole is not None:
        # What is inside comes after what it is in.
        bundle.children.remove(whole)
        bundle.children.append(whole)
    return bundle


def _plan(source: Bundle) -> _Plan:
    options, network = dict(source.options), dict(source.network or ())
    promoted_max = count_of(options, "promoted-max", "masters", default=0)
    replica_max = count_of(options, "replicas", default=max(promoted_max, 1)) or 1
    per_host = count_of(options, "replicas-per-host", default=1) or 1
    start = network.get("ip-range-start")
    addresses = () if start is None else _addresses(start, replica_max)
    entries = ""
    if truth(network.get("add-host"), default=True):
        entries = "".join(_host_entry(source, at, address) for at, address in enumerate(addresses))
    return _Plan(source, options, network, promoted_max, replica_max, per_host, addresses, entries)


def _addresses(start: str, count: int) -> tuple[str, ...]:
    """Consecutive addresses; within a network that ends at 254."""
    found = [start]
    while len(found) < count:
        found.append(_next_address(found[-1]))
    return tuple(found)


def _next_address(address: str) -> str:
    match = _ADDRESS.match(address)
    if match is None:
        return address
    parts = [int(group) for group in match.groups()]
    for at in (3, 2):
        if parts[at] < _HOST_MAX:
            parts[at] += 1
            break
        parts[at] = 1
    return ".".join(str(part) for part in parts)


def _host_entry(source: Bundle, number: int, address: str) -> str:
    if source.container == "rkt":
        return f" --hosts-entry={address}={source.id}-{number}"
    return f" --add-host={source.id}-{number}:{address}"


def _add_child(builder: Builder, bundle: Item, plan: _Plan) -> Item | None:
    """The clone of what runs inside: one instance for each replica."""
    source = plan.source
    if source.child is None or source.child not in builder.resources:
        return None
    settings = {
        "ordered": "true",
        "clone-max": str(plan.replica_max),
        "clone-node-max": str(plan.per_host),
        "globally-unique": str(plan.per_host > 1).lower(),
    }
    if plan.promoted_max:
        settings |= {"promotable": "true", "promoted-max": str(plan.promoted_max)}
    given = AttributeSet(tuple(NvPair(name, value) for name, value in settings.items()))
    kind = "master" if plan.promoted_max else "clone"
    clone = Clone(id=ResourceId(f"{source.id}-{kind}"), child=source.child, meta=(*source.meta, given))
    builder.situation.by_base[source.child] = bundle
    return builder.add_clone(clone, bundle, is_isolated=True)


def _add_replica(builder: Builder, bundle: Item, plan: _Plan, number: int, child: Item | None) -> Replica:
    address = _add_address(builder, bundle, plan, number) if plan.addresses else None
    container = _add_container(builder, bundle, plan, number)
    replica = Replica(container)
    replica.address = address
    replica.child = child
    if plan.has_connections:
        replica.connection = _connect(builder, bundle, plan, number, container)
        if child is not None:
            for part in (child, *child.children):
                part.bundle_host = replica.connection.remote_node
    return replica


def _implicit(builder: Builder, bundle: Item, name: str, agent: Agent, params: dict[str, str]) -> Item:
    item = builder.new(name, Kind.PRIMITIVE, bundle, builder.meta_of((), agent, bundle))
    item.agent = agent
    item.params_by_node[None] = params
    builder.settle(item)
    attributes, options = builder.situation.attributes, {"interval": "60s"}
    item.ops["monitor", _MONITOR_MS] = implicit_operation(attributes, agent, "monitor", _MONITOR_MS, options)
    return item


def _add_address(builder: Builder, bundle: Item, plan: _Plan, number: int) -> Item:
    address = plan.addresses[number]
    params = {"ip": address}
    interface = plan.network.get("host-interface")
    if interface is not None:
        params["nic"] = interface
    params["cidr_netmask"] = plan.network.get("host-netmask", "32")
    return _implicit(builder, bundle, f"{plan.name}-ip-{address}", Agent("ocf", "heartbeat", "IPaddr2"), params)


def _add_container(builder: Builder, bundle: Item, plan: _Plan, number: int) -> Item:
    kind = plan.source.container
    params = {
        "image": plan.options.get("image", ""),
        "allow_pull": "true",
        "force_kill": "false",
        "reuse": "false",
        "run_opts": _run_options(plan, number),
        "mount_points": _mount_points(plan, number),
    }
    command = plan.options.get("run-command") or (_DAEMON if plan.source.child is not None else None)
    if command is not None:
        params["run_cmd"] = command
    params["monitor_cmd"] = "/bin/true"
    name = f"{plan.name}-{kind}-{number}"
    container = _implicit(builder, bundle, name, Agent("ocf", "heartbeat", kind), params)
    container.is_bundle_container = True
    return container


def _mounts(plan: _Plan, number: int) -> list[tuple[str, str, str]]:
    """(on the host, in the container, options)."""
    own = f"{plan.name}-{number}"
    mounts = []
    for mapping in plan.source.storage:
        root = mapping.source_dir_root
        source = mapping.source_dir if root is None else f"{root}/{own}"
        mounts.append((source or "", mapping.target_dir or "", mapping.options or ""))
    if plan.source.child is not None:
        mounts.append((_KEY, _KEY, ""))
        mounts.append((f"{_LOGS}/{own}", "/var/log", ""))
    return mounts


def _ports(plan: _Plan) -> list[tuple[str, str]]:
    ports = []
    for mapping in plan.source.ports:
        if mapping.port is not None:
            ports.append((mapping.port, mapping.internal_port or mapping.port))
        elif mapping.range is not None:
            ports.append((mapping.range, mapping.range))
    if plan.source.child is not None:
        control = plan.control_port or _PORT
        ports.append((control, control))
    return ports


def _mount_points(plan: _Plan, number: int) -> str:
    """What the agent makes on the host before it starts the container."""
    roots = {mapping.source_dir_root for mapping in plan.source.storage if mapping.source_dir_root is not None}
    made = {f"{root}/{plan.name}-{number}" for root in (*roots, _LOGS)}
    return ",".join(source for source, _, _ in _mounts(plan, number) if source in made)


def _run_options(plan: _Plan, number: int) -> str:
    words: list[str] = []
    is_rkt = plan.source.container == "rkt"
    is_docker = plan.source.container == "docker"
    network = plan.options.get("network")
    port = plan.control_port or _PORT
    if is_docker:
        words.append("--restart=no")
    if plan.addresses:
        words.append(f"{'--hostname=' if is_rkt else '-h '}{plan.name}-{number}")
    environment = "--environment=" if is_rkt else "-e "
    words.append(f"{environment}PCMK_stderr=1")
    if network is not None:
        words.append(f"--net={network}")
    words.append(f"{environment}PCMK_remote_port={port}")
    for at, (source, target, options) in enumerate(_mounts(plan, number)):
        if is_rkt:
            extra = f",{options}" if options else ""
            words.append(f"--volume vol{at},kind=host,source={source}{extra} --mount volume=vol{at},target={target}")
        else:
            words.append(f"-v {source}:{target}" + (f":{options}" if options else ""))
    for outer, inner in _ports(plan):
        if plan.addresses:
            address = plan.addresses[number]
            words.append(f"--port={inner}:{address}:{outer}" if is_rkt else f"-p {address}:{outer}:{inner}")
        elif network != "host":
            words.append(f"--port={inner}:{outer}" if is_rkt else f"-p {outer}:{inner}")
    own = plan.options.get("options")
    words.append(plan.host_entries if own is None else f"{own} {plan.host_entries}")
    return "".join(f" {word}" for word in words)


def _connect(builder: Builder, bundle: Item, plan: _Plan, number: int, container: Item) -> Item:
    """The connection to what runs in the container, which is a node."""
    address = plan.addresses[number] if plan.addresses else "#uname"
    name = f"{plan.name}-{number}"
    connection = add_connection(
        builder,
        name,
        container,
        bundle,
        meta={},
        params={"addr": address, "port": plan.control_port or _PORT},
    )
    connect(builder.situation, connection, name)
    builder.counted.add(name)
    return connection
