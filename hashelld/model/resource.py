"""What the cluster keeps running: primitives, groups, clones, and the attribute sets that they carry.

Values are kept as the user wrote them, so that text and XML come back without loss; what the policy needs is
parsed where it is needed (`Operation.interval_ms`). `id` fields are None unless somebody chose the id.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hashelld.model.duration import parse_duration
from hashelld.model.ids import ResourceId
from hashelld.model.rule import Rule
from hashelld.model.written import Arranged, Written


class Agent(msgspec.Struct, frozen=True, array_like=True):
    """A resource agent's name: `ocf:heartbeat:IPaddr2`, `systemd:nginx`, `stonith:fence_ipmilan`."""

    standard: str
    provider: str
    type: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.standard, self.provider, self.type) if part)


class NvPair(msgspec.Struct, frozen=True, omit_defaults=True):
    """One name and its value; a value of None is a name without a value."""

    name: str
    value: str | None = None
    id: str | None = None
    id_ref: str | None = None


class AttributeSet(msgspec.Struct, frozen=True, omit_defaults=True):
    """One set of name-value pairs; several of one kind are ordered by score, rules make one conditional."""

    pairs: tuple[NvPair, ...] = ()
    id: str | None = None
    id_ref: str | None = None
    score: str | None = None
    rules: tuple[Rule, ...] = ()
    """The set counts only where its rules hold."""


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A configured operation, for instance `op monitor interval=10s timeout=20s`."""

    name: str
    options: tuple[NvPair, ...] = ()
    """interval, timeout, role, on-fail, enabled, start-delay… in the order written."""
    params: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()
    id: str | None = None
    id_ref: str | None = None
    """The operation is the one with this id, at another resource; nothing else is given."""

    def option(self, name: str) -> str | None:
        """The value of one option, None when it is not given."""
        return next((pair.value for pair in self.options if pair.name == name), None)

    @property
    def interval_ms(self) -> int:
        """Milliseconds between two runs, 0 for an operation that is not recurring."""
        return parse_duration(self.option("interval") or "0") or 0


class Unknown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an XML element has that this model has no place for, kept to be written back."""

    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[str, ...] = ()
    """XML text of child elements."""


class _Owner(Arranged, frozen=True, omit_defaults=True, kw_only=True):
    id: ResourceId
    unknown: Unknown | None = None
    description: str | None = None
    params: tuple[AttributeSet, ...] = ()
    meta: tuple[AttributeSet, ...] = ()


class Primitive(_Owner, frozen=True, omit_defaults=True, kw_only=True, tag="primitive"):
    """One thing that an agent can start, stop and monitor. `agent` is None when a template gives it."""

    agent: Agent | None = None
    template: ResourceId | None = None
    operations: tuple[Operation, ...] = ()
    operations_id: str | None = None
    operations_ref: str | None = None
    """The operations are those with this id, at another resource."""
    utilization: tuple[AttributeSet, ...] = ()


class Group(_Owner, frozen=True, omit_defaults=True, kw_only=True, tag="group"):
    """Primitives that start in order, on one node, and stop in reverse order."""

    members: tuple[ResourceId, ...]


class Clone(_Owner, frozen=True, omit_defaults=True, kw_only=True, tag="clone"):
    """Copies of a primitive or group; meta `promotable=true` gives them a promoted role."""

    child: ResourceId
    is_master: bool = False
    """Written in the old spelling (`ms`, `<master>`): promotable whatever its meta attributes say."""


class PortMapping(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A port of a bundle's containers that its hosts pass on."""

    id: str | None = None
    port: str | None = None
    internal_port: str | None = None
    range: str | None = None
    order: tuple[str, ...] = ()
    """XML's names of what is given, in the order written, where it is not the order above."""


class StorageMapping(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A directory of the host in a bundle's containers."""

    id: str | None = None
    source_dir: str | None = None
    source_dir_root: str | None = None
    target_dir: str | None = None
    options: str | None = None
    order: tuple[str, ...] = ()
    """As at `PortMapping`."""


class Bundle(_Owner, frozen=True, omit_defaults=True, kw_only=True, tag="bundle"):
    """Containers on several nodes, each with an address and with an instance of the child when there is one."""

    container: str
    """`docker`, `podman` or `rkt`."""
    options: tuple[tuple[str, str], ...] = ()
    """image, replicas, replicas-per-host, promoted-max, run-command… as written, with XML's names."""
    network: tuple[tuple[str, str], ...] | None = None
    """ip-range-start, control-port, host-interface, host-netmask, add-host; None: no network section."""
    ports: tuple[PortMapping, ...] = ()
    storage: tuple[StorageMapping, ...] = ()
    child: ResourceId | None = None


class Template(_Owner, frozen=True, omit_defaults=True, kw_only=True, tag="template"):
    """Settings that several primitives share."""

    agent: Agent
    operations: tuple[Operation, ...] = ()
    operations_id: str | None = None
    operations_ref: str | None = None
    utilization: tuple[AttributeSet, ...] = ()


class Tag(Written, frozen=True, omit_defaults=True, kw_only=True, tag="tag"):
    """A name for several objects; constraints that name it mean all of them."""

    id: str
    members: tuple[str, ...]


Resource = Primitive | Group | Clone | Bundle | Template


def pairs_of(sets: tuple[AttributeSet, ...]) -> Iterator[NvPair]:
    """All pairs of several sets, in order."""
    for attribute_set in sets:
        yield from attribute_set.pairs


def value_of(sets: tuple[AttributeSet, ...], name: str) -> str | None:
    """The first value of a name in several sets (without rules)."""
    return next((pair.value for pair in pairs_of(sets) if pair.name == name), None)


def with_value(sets: tuple[AttributeSet, ...], name: str, value: str | None) -> tuple[AttributeSet, ...]:
    """The sets with one value changed, added to the first set, or (None) removed everywhere."""
    if value is None:
        kept = (msgspec.structs.replace(s, pairs=tuple(p for p in s.pairs if p.name != name)) for s in sets)
        return tuple(s for s in kept if s.pairs or s.id or s.id_ref or s.rules)
    for at, attribute_set in enumerate(sets):
        if any(pair.name == name for pair in attribute_set.pairs):
            pairs = tuple(msgspec.structs.replace(p, value=value) if p.name == name else p for p in attribute_set.pairs)
            return (
                *sets[:at],
                msgspec.structs.replace(attribute_set, pairs=pairs),
                *sets[at + 1 :],
            )
    added = NvPair(name, value)
    if not sets or sets[0].id_ref:
        return (AttributeSet((added,)), *sets)
    return (msgspec.structs.replace(sets[0], pairs=(*sets[0].pairs, added)), *sets[1:])
