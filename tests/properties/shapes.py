"""Small clusters and their state as plain values: drawn by `clusters`, written as XML by `cib_xml`."""

from __future__ import annotations

from enum import Enum

import msgspec
from msgspec.structs import replace


class Mood(Enum):
    """What a node is up to."""

    ONLINE = "online"
    STANDBY = "standby"
    MAINTENANCE = "maintenance"
    OFFLINE = "offline"
    """It left cleanly."""
    UNCLEAN = "unclean"
    """It was lost."""


class Past(Enum):
    """What is known of a primitive on a node."""

    UNKNOWN = "unknown"
    ABSENT = "absent"
    """A probe found nothing."""
    STOPPED = "stopped"
    ACTIVE = "active"
    FOUND = "found"
    """A probe found it active."""
    PROMOTED = "promoted"
    LOST = "lost"
    """A recurring monitor found it stopped."""
    SICK = "sick"
    """A recurring monitor failed."""
    START_FAILED = "start failed"
    GIVEN_UP = "given up"
    """Stopped after a start that failed."""
    STOP_FAILED = "stop failed"


INFINITY = 1_000_000


class Host(msgspec.Struct, frozen=True):
    """A node; `zone` is an attribute of it, empty: it has none."""

    name: str
    mood: Mood = Mood.ONLINE
    zone: str = ""


class Primitive(msgspec.Struct, frozen=True):
    """A primitive, and by node: what is known of it, how often it failed, its promotion score."""

    name: str
    meta: dict[str, str] = {}
    past: dict[str, Past] = {}
    failures: dict[str, int] = {}
    promotion: dict[str, str] = {}
    is_watched: bool = True


class Group(msgspec.Struct, frozen=True):
    """Primitives in a group."""

    name: str
    members: tuple[Primitive, ...]
    meta: dict[str, str] = {}


class Clone(msgspec.Struct, frozen=True):
    """A clone of a primitive or a group; `meta` says whether it is promotable."""

    name: str
    child: Primitive | Group
    meta: dict[str, str] = {}

    @property
    def is_promotable(self) -> bool:
        """Has it a promoted role?"""
        return self.meta.get("promotable") == "true"


Thing = Primitive | Group | Clone


class Location(msgspec.Struct, frozen=True):
    """A score for a node, or for nodes whose zone is (or is not) as the rule says; `role` Promoted or empty."""

    name: str
    resource: str
    score: str
    node: str = ""
    rule: tuple[str, str] = ("", "")
    """Operation (eq, ne, defined, not_defined) and value of the zone."""
    role: str = ""


class Colocation(msgspec.Struct, frozen=True):
    """Where one is, so is (or is not) the other."""

    name: str
    resource: str
    other: str
    score: str
    role: str = ""
    other_role: str = ""


class Order(msgspec.Struct, frozen=True):
    """First this, then that."""

    name: str
    first: str
    then: str
    kind: str = ""
    is_symmetrical: bool = True
    first_action: str = ""
    then_action: str = ""


Constraint = Location | Colocation | Order


class Cluster(msgspec.Struct, frozen=True):
    """A configuration and its state."""

    hosts: tuple[Host, ...]
    things: tuple[Thing, ...]
    constraints: tuple[Constraint, ...] = ()
    options: dict[str, str] = {}
    has_quorum: bool = True

    @property
    def has_device(self) -> bool:
        """Is something there that can fence?"""
        return self.options.get("stonith-enabled") == "true"

    def but(self, **changes: object) -> Cluster:
        """The same cluster with other values in some fields."""
        return replace(self, **changes)

    def primitives(self) -> list[Primitive]:
        """All of them, in document order."""
        return [primitive for thing in self.things for primitive in primitives_of(thing)]


def primitives_of(thing: Thing) -> tuple[Primitive, ...]:
    """The primitives in a thing."""
    match thing:
        case Primitive():
            return (thing,)
        case Group():
            return thing.members
        case Clone():
            return primitives_of(thing.child)


def subjects_of(constraint: Constraint) -> frozenset[str]:
    """The resources that a constraint is about."""
    match constraint:
        case Location(resource=resource):
            return frozenset({resource})
        case Colocation(resource=one, other=other) | Order(first=one, then=other):
            return frozenset({one, other})


def renamed(cluster: Cluster, prefix: str) -> Cluster:
    """The same cluster with a prefix in front of all names."""
    return Cluster(
        tuple(replace(host, name=prefix + host.name) for host in cluster.hosts),
        tuple(_renamed(thing, prefix) for thing in cluster.things),
        tuple(_renamed_constraint(constraint, prefix) for constraint in cluster.constraints),
        cluster.options,
        cluster.has_quorum,
    )


def _renamed(thing: Thing, prefix: str) -> Thing:
    name = prefix + thing.name
    match thing:
        case Primitive():
            known = {part: _on_nodes(getattr(thing, part), prefix) for part in ("past", "failures", "promotion")}
            return replace(thing, name=name, **known)
        case Group():
            return replace(thing, name=name, members=tuple(_renamed(member, prefix) for member in thing.members))
        case Clone():
            return replace(thing, name=name, child=_renamed(thing.child, prefix))


def _on_nodes(known: dict[str, object], prefix: str) -> dict[str, object]:
    return {prefix + node: value for node, value in known.items()}


def _renamed_constraint(constraint: Constraint, prefix: str) -> Constraint:
    names = {"name", "resource", "other", "first", "then", "node"} & set(constraint.__struct_fields__)
    return replace(constraint, **{name: prefix + value for name in names if (value := getattr(constraint, name))})
