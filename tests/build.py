"""Clusters described in text, for tests of the policy: the configure language, and statements about the state.

    cluster nodes=n1,n2 quorum=yes fencing=no
      primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9 op monitor interval=10s
      location prefer vip 100: n2
    active vip on n1

What is configured was looked for on every node that is online, and is watched where it is active, unless the
statements say otherwise. Each statement is of what happened after the ones before it. `fencing=yes` adds a device that
runs on the first node, `remote=far` a remote node; `pacemaker=yes` makes the histories Pacemaker's;
`now=2026-11-23T10:00:00` is the moment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.view import ClusterView, NodeView, TicketState
from hashelld.model.duration import parse_duration
from hashelld.model.history import ActionResult, FailureCount, NodeStatus, OpStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Group
from hashelld.model.score import parse_score
from hashelld.policy.digests import all_digest, covered, restart_digest
from hashelld.policy.state.expand import expand
from hashelld.policy.state.items import Item, Node
from hashelld.policy.state.parameters import parameters


NOW_MS = 1_000_000_000
DEVICE = "primitive fencer stonith:fence_dummy"
NO_FENCING = "property stonith-enabled=false"
FEATURE_SET = "3.19.0"
_PROMOTED = frozenset({"promoted", "master"})


class _Node:
    def __init__(self, name: str, *, is_remote: bool) -> None:
        self.name = NodeId(name)
        self.flags: dict[str, bool] = {"is_remote": True} if is_remote else {"online": True}
        self.devices: dict[str, tuple[str, ...]] = {}
        self.attributes: dict[str, str] = {}
        self.results: list[ActionResult] = []
        self.failures: list[FailureCount] = []
        self.locks: dict[ResourceId, int] = {}

    def add(self, result: ActionResult) -> None:
        key = (result.resource, result.operation, result.interval_ms)
        self.results = [r for r in self.results if (r.resource, r.operation, r.interval_ms) != key]
        self.results.append(result)

    def view(self) -> NodeView:
        status = NodeStatus(
            node=self.name,
            operations=tuple(self.results),
            failures=tuple(self.failures),
            attributes=self.attributes,
            locks=self.locks,
        )
        return NodeView(node=self.name, status=status, **self.flags, **self.devices)


class Builder:
    """Reads statements about the state, one at a time, on top of a configuration."""

    def __init__(self, cib: Cib, options: dict[str, str]) -> None:
        self.cib = cib
        names = options["nodes"].split(",")
        remotes = [name for name in options.get("remote", "").split(",") if name]
        self.nodes = {name: _Node(name, is_remote=name in remotes) for name in [*names, *remotes]}
        self.tickets: dict[str, TicketState] = {}
        self.now_ms = _moment_ms(options["now"]) if "now" in options else NOW_MS
        self.fields: dict[str, bool | str] = {
            "has_quorum": options.get("quorum", "yes") == "yes",
            "was_quorate": options.get("was-quorate", "yes") == "yes",
            "may_start": options.get("may-start", "yes") == "yes",
            "dc": options.get("dc", names[0]),
            "feature_set": FEATURE_SET if options.get("pacemaker") == "yes" else "",
        }
        self.calls = 0
        self.situation = expand(self.view())
        self.items = {item.history_id: item for item in self.situation.primitives()}
        for node in self.situation.nodes:
            for name, item in self.items.items():
                if node.id in self.nodes and _is_looked_for(item, node):
                    self._note(node.id, name, "monitor", rc=7, expected_rc=7)
        if cib.find("fencer"):
            self.say(f"active fencer on {names[0]}")

    def say(self, statement: str) -> None:
        """Apply one statement."""
        verb, *words = statement.split()
        plain = [word for word in words if "=" not in word and word != "on"]
        options = dict(word.split("=", 1) for word in words if "=" in word)
        handler: Callable[[list[str], dict[str, str]], None] = getattr(self, f"_{verb}")
        handler(plain, options)

    def view(self) -> ClusterView:
        """The cluster as described."""
        views = tuple(node.view() for node in self.nodes.values())
        return ClusterView(
            cib=self.cib,
            nodes=views,
            now_ms=self.now_ms,
            tickets=self.tickets,
            can_reach=True,
            can_unfence=True,
            **self.fields,
        )

    def _note(self, node: str, resource: str, operation: str, interval_ms: int = 0, **fields: object) -> None:
        """Something was done on a node."""
        self.calls += 1
        result = {
            "resource": resource,
            "operation": operation,
            "interval_ms": interval_ms,
            "call": self.calls,
            "ended_ms": self.now_ms - 60_000 + self.calls,
            **fields,
        }
        self.nodes[node].add(msgspec.convert(result, ActionResult))

    # -- nodes, tickets

    def _node(self, words: list[str], options: dict[str, str]) -> None:
        """`node n1 offline`, `node n1 unclean cut=switch`, `node n1 online closed=switch`, `node n1 unprobed`…"""
        node, state = self.nodes[words[0]], words[1]
        node.devices.update({name: tuple(value.split(",")) for name, value in options.items()})
        match state:
            case "online":
                pass
            case "offline":
                node.flags = {"online": False}
                node.results = []
            case "unclean":
                node.flags = {"online": False, "unclean": True}
            case "pending":
                node.flags = {"online": False, "pending": True}
                node.results = []
            case "leaving":
                node.flags["is_leaving"] = True
            case "fence-requested":
                node.flags["fence_requested"] = True
            case "unprobed":
                node.results = []
            case "standby" | "maintenance":
                node.attributes[state] = "on"
            case _:
                raise ValueError(f"no such state: {state}")

    def _attribute(self, words: list[str], options: dict[str, str]) -> None:
        """`attribute n1 rack=2`: a transient one."""
        self.nodes[words[0]].attributes.update(options)

    def _ticket(self, words: list[str], _options: dict[str, str]) -> None:
        """`ticket T granted`, `ticket T standby`, `ticket T revoked`."""
        name, state = words
        self.tickets[name] = TicketState(is_granted=state != "revoked", is_standby=state == "standby")

    def _lock(self, words: list[str], options: dict[str, str]) -> None:
        """`lock web on n2 ago=5min`: reserved for the node since it left."""
        resource, name = words
        self.nodes[name].locks[ResourceId(resource)] = self._ago(options)

    # -- histories

    def _active(self, words: list[str], options: dict[str, str]) -> None:
        """`active web on n1 n2`: started, and watched as configured; `watched=no`, `digest=X`, `found=probe`."""
        resource, *nodes = words
        for name in nodes:
            if options.get("found") == "probe":
                self._note(name, resource, "monitor")
            elif "digest" in options:
                self._note(name, resource, "start", digest=options["digest"])
            else:
                self._note(name, resource, "start", **self._used(resource, "start", 0, name))
            if options.get("watched") != "no":
                self._watch(resource, name, is_promoted=False)

    def _promoted(self, words: list[str], options: dict[str, str]) -> None:
        """`promoted web on n1`: started and promoted, and watched as configured for that role."""
        resource, *nodes = words
        for name in nodes:
            self._active([resource, name], {**options, "watched": "no"})
            self._note(name, resource, "promote", **self._used(resource, "promote", 0, name))
            if options.get("watched") != "no":
                self._watch(resource, name, is_promoted=True)

    def _watch(self, resource: str, node: str, *, is_promoted: bool) -> None:
        item = self.items.get(resource)
        for op in () if item is None else item.ops.values():
            if op.interval_ms and op.role != "stopped" and (op.role in _PROMOTED) is is_promoted:
                rc = 8 if is_promoted else 0
                used = self._used(resource, op.name, op.interval_ms, node)
                self._note(node, resource, op.name, op.interval_ms, rc=rc, expected_rc=rc, **used)

    def _ran(self, words: list[str], options: dict[str, str]) -> None:
        """`ran web on n1 port=81`: it was started with this parameter; `restart=ip,port`: only those need a restart."""
        resource, node = words
        changed = {name: value for name, value in options.items() if name != "restart"}
        used = self._used(resource, "start", 0, node, changed, restart=options.get("restart"))
        self._note(node, resource, "start", **used)
        self._watch(resource, node, is_promoted=False)

    def _used(
        self,
        resource: str,
        operation: str,
        interval_ms: int,
        node: str,
        changed: dict[str, str] | None = None,
        restart: str | None = None,
    ) -> dict[str, str]:
        """The digests of what an operation was begun with."""
        item = self.items.get(resource)
        if item is None or not (changed or self.fields["feature_set"]):
            return {}
        found = {**parameters(self.situation, item, self.situation.node_by_id[NodeId(node)]), **(changed or {})}
        if not self.fields["feature_set"]:
            return {"digest": digest((item.agent, found))}
        op = item.op(operation, interval_ms)
        params, timeout_ms = (op.params, op.timeout_ms) if op is not None else ({}, 0)
        whole = covered(found, params, interval_ms=interval_ms, timeout_ms=timeout_ms)
        if restart is None:
            return {"digest": all_digest(whole)}
        names = f" {restart.replace(',', ' ')} "
        return {"digest": all_digest(whole), "restart_digest": restart_digest(whole, names), "restart_params": names}

    def _group(self, words: list[str], options: dict[str, str]) -> None:
        """`group g on n1`: all its members are active there."""
        found = self.cib.find(words[0])
        assert isinstance(found, Group), f"{words[0]} is no group"
        for member in found.members:
            self._active([member, *words[1:]], options)

    def _failed(self, words: list[str], options: dict[str, str]) -> None:
        """`failed web monitor on n1 rc=7 count=1 ago=10s`; `timeout=yes` for one that gave no answer."""
        resource, operation, name = words
        item = self.items.get(resource)
        intervals = [] if item is None else [ms for op, ms in item.ops if op == operation and ms]
        interval_ms = intervals[0] if intervals and options.get("interval") != "0" else 0
        if "interval" in options:
            interval_ms = parse_duration(options["interval"]) or 0
        expected = 7 if operation == "monitor" and not interval_ms else 0
        self._note(
            name, resource, operation, interval_ms, rc=int(options.get("rc", "1")), ended_ms=self._ago(options),
            expected_rc=int(options.get("expected", expected)),
            status=(OpStatus.TIMED_OUT if options.get("timeout") else OpStatus.COMPLETE).value,
            reason=options.get("reason", "").replace("_", " "), **_ends(operation, name, options),
            **self._used(resource, operation, interval_ms, name),
        )  # fmt: skip
        count = parse_score(options.get("count", "1")) or 0
        if count:
            self._failures([resource, operation, name], {**options, "count": str(count)})

    def _failures(self, words: list[str], options: dict[str, str]) -> None:
        """`failures web monitor on n1 count=3 ago=10s`: only the count, whatever happened since."""
        resource, operation, name = words
        self.nodes[name].failures.append(
            FailureCount(
                resource=ResourceId(resource),
                operation=operation,
                count=parse_score(options["count"]) or 0,
                last_ms=self._ago(options),
            )
        )

    def _ago(self, options: dict[str, str]) -> int:
        return self.now_ms - (parse_duration(options.get("ago", "1s")) or 0)

    def _did(self, words: list[str], options: dict[str, str]) -> None:
        """`did web stop on n1`: the operation succeeded; a migration says `with=n2`, the other end."""
        resource, operation, name = words
        interval_ms = parse_duration(options.get("interval", "0")) or 0
        rc = int(options.get("rc", "0"))
        self._note(
            name, resource, operation, interval_ms, rc=rc, expected_rc=rc, digest=options.get("digest", ""),
            **_ends(operation, name, options),
        )  # fmt: skip

    def _pending(self, words: list[str], options: dict[str, str]) -> None:
        """`pending web start on n1`: under way."""
        resource, operation, name = words
        self._note(name, resource, operation, status=OpStatus.PENDING.value, **_ends(operation, name, options))

    def _unknown(self, words: list[str], _options: dict[str, str]) -> None:
        """`unknown web on n1`: nobody has looked yet."""
        resource, *names = words
        for name in names:
            node = self.nodes[name]
            node.results = [r for r in node.results if r.resource != resource]


def _is_looked_for(item: Item, node: Node) -> bool:
    """Connections and the like are on members only, what is inside a bundle on the bundle's nodes."""
    if item.is_isolated:
        return node.index == item.bundle_host
    return not node.is_remote or not (item.is_remote_connection or item.is_device or item.top.replicas)


def _ends(operation: str, node: str, options: dict[str, str]) -> dict[str, str]:
    if "with" not in options:
        return {}
    source, target = (node, options["with"]) if operation == "migrate_to" else (options["with"], node)
    return {"migrate_source": source, "migrate_target": target}


def _moment_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def configuration(text: str) -> Cib:
    """A configuration from the configure language; the test fails when it has errors."""
    cib, diagnostics = read_cib(text)
    errors = [d for d in diagnostics if "error" in str(d.severity).lower()]
    assert not errors, f"{errors}\n{text}"
    return cib


def cluster(text: str) -> ClusterView:
    """The view that a whole description means."""
    first, *lines = [line for line in text.strip("\n").splitlines() if line.strip()]
    words = first.split()
    assert words[0] == "cluster", f"a description begins with `cluster`: {first}"
    options = dict(word.split("=", 1) for word in words[1:])
    fencing = DEVICE if options.get("fencing") == "yes" else NO_FENCING
    configured = [line.strip() for line in lines if line[:1].isspace()]
    if any("stonith-enabled" in line for line in configured):
        fencing = ""
    builder = Builder(configuration("\n".join([fencing, *configured])), options)
    for line in lines:
        if not line[:1].isspace():
            builder.say(line)
    return builder.view()
