"""Clusters described in text, for tests of the policy: the configure language, and statements about the state.

    cluster nodes=n1,n2 quorum=yes fencing=no
      primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9 op monitor interval=10s
      location prefer vip 100: n2
    active vip on n1

What is configured was looked for on every node that is online, and is watched where it is active, unless the
statements say otherwise. `fencing=yes` adds a device that runs on the first node.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.duration import parse_duration
from hashelld.model.history import ActionResult, FailureCount, NodeStatus, OpStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Group, Primitive
from hashelld.model.score import parse_score


NOW_MS = 1_000_000_000
DEVICE = "primitive fencer stonith:fence_dummy"
NO_FENCING = "property stonith-enabled=false"


class _Node:
    def __init__(self, name: str) -> None:
        self.name = NodeId(name)
        self.flags: dict[str, bool] = {"online": True}
        self.attributes: dict[str, str] = {}
        self.results: list[ActionResult] = []
        self.failures: list[FailureCount] = []

    def add(self, resource: str, operation: str, interval_ms: int = 0, **fields: object) -> None:
        result = {
            "resource": resource,
            "operation": operation,
            "interval_ms": interval_ms,
            "call": len(self.results) + 1,
            "ended_ms": NOW_MS - 60_000,
            **fields,
        }
        self.results = [
            r for r in self.results if (r.resource, r.operation, r.interval_ms) != (resource, operation, interval_ms)
        ]
        self.results.append(msgspec.convert(result, ActionResult))

    def view(self) -> NodeView:
        status = NodeStatus(
            node=self.name,
            operations=tuple(self.results),
            failures=tuple(self.failures),
            attributes=self.attributes,
        )
        return NodeView(node=self.name, status=status, **self.flags)


class Builder:
    """Reads statements about the state, one at a time, on top of a configuration."""

    def __init__(self, cib: Cib, nodes: list[str]) -> None:
        self.cib = cib
        self.nodes = {name: _Node(name) for name in nodes}
        self.primitives = [r for r in cib.resources if isinstance(r, Primitive)]
        self.fields: dict[str, bool | str] = {}
        for node in self.nodes.values():
            for number, primitive in enumerate(self.primitives, start=1):
                node.add(primitive.id, "monitor", rc=7, expected_rc=7, call=number)
        if cib.find("fencer"):
            self.say(f"active fencer on {nodes[0]}")

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
        return ClusterView(cib=self.cib, nodes=views, now_ms=NOW_MS, **self.fields)

    def _node(self, words: list[str], _options: dict[str, str]) -> None:
        """`node n1 offline`, `node n1 unclean`, `node n1 pending`, `node n1 leaving`, `node n1 unprobed`…"""
        node, state = self.nodes[words[0]], words[1]
        match state:
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
        self.nodes[words[0]].attributes.update(options)

    def _active(self, words: list[str], options: dict[str, str]) -> None:
        """`active web on n1 n2`: started, and watched as configured; `watched=no`, `digest=X`, `found=probe`."""
        resource, *nodes = words
        for name in nodes:
            node = self.nodes[name]
            if options.get("found") == "probe":
                node.add(resource, "monitor")
            else:
                node.add(resource, "start", digest=options.get("digest", ""))
            if options.get("watched") != "no":
                for operation in self._primitive_operations(resource):
                    node.add(resource, *operation)

    def _primitive_operations(self, resource: str) -> list[tuple[str, int]]:
        found = self.cib.find(resource)
        if not isinstance(found, Primitive):
            return []
        return [(op.name, op.interval_ms) for op in found.operations if op.interval_ms]

    def _group(self, words: list[str], options: dict[str, str]) -> None:
        """`group g on n1`: all its members are active there."""
        found = self.cib.find(words[0])
        assert isinstance(found, Group), f"{words[0]} is no group"
        for member in found.members:
            self._active([member, *words[1:]], options)

    def _failed(self, words: list[str], options: dict[str, str]) -> None:
        """`failed web monitor on n1 rc=7 count=1 ago=10s`; `timeout=yes` for one that gave no answer."""
        resource, operation, name = words
        node = self.nodes[name]
        intervals = [ms for op, ms in self._primitive_operations(resource) if op == operation]
        interval_ms = intervals[0] if intervals and options.get("interval") != "0" else 0
        moment_ms = NOW_MS - (parse_duration(options.get("ago", "1s")) or 0)
        status = OpStatus.TIMED_OUT if options.get("timeout") else OpStatus.COMPLETE
        expected = 7 if operation == "monitor" and not interval_ms else 0
        rc = int(options.get("rc", "1"))
        node.add(
            resource, operation, interval_ms, rc=rc, expected_rc=expected, status=status, ended_ms=moment_ms,
            reason=options.get("reason", "").replace("_", " "),
        )  # fmt: skip
        count = parse_score(options.get("count", "1")) or 0
        if count:
            self._failures([resource, operation, name], {**options, "count": str(count)})

    def _failures(self, words: list[str], options: dict[str, str]) -> None:
        """`failures web monitor on n1 count=3 ago=10s`: only the count, whatever happened since."""
        resource, operation, name = words
        moment_ms = NOW_MS - (parse_duration(options.get("ago", "1s")) or 0)
        self.nodes[name].failures.append(
            FailureCount(
                resource=ResourceId(resource),
                operation=operation,
                count=parse_score(options["count"]) or 0,
                last_ms=moment_ms,
            )
        )

    def _did(self, words: list[str], options: dict[str, str]) -> None:
        """`did web stop on n1`: the operation succeeded."""
        resource, operation, name = words
        interval_ms = parse_duration(options.get("interval", "0")) or 0
        self.nodes[name].add(resource, operation, interval_ms, digest=options.get("digest", ""))

    def _pending(self, words: list[str], _options: dict[str, str]) -> None:
        """`pending web start on n1`: under way."""
        resource, operation, name = words
        self.nodes[name].add(resource, operation, status=OpStatus.PENDING.value)

    def _unknown(self, words: list[str], _options: dict[str, str]) -> None:
        """`unknown web on n1`: nobody has looked yet."""
        resource, *names = words
        for name in names:
            node = self.nodes[name]
            node.results = [r for r in node.results if r.resource != resource]


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
    builder = Builder(configuration("\n".join([fencing, *configured])), options["nodes"].split(","))
    builder.fields["has_quorum"] = options.get("quorum", "yes") == "yes"
    builder.fields["may_start"] = options.get("may-start", "yes") == "yes"
    builder.fields["dc"] = options.get("dc", options["nodes"].split(",")[0])
    for line in lines:
        if not line[:1].isspace():
            builder.say(line)
    return builder.view()
