"""Small clusters and their state as plain values: drawn by `clusters`, written as XML by `cib_xml`."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

import msgspec
from msgspec.structs import replace


class Mood(Enum):
    """What a node is up to."""

    ONLINE = "online"
    STANDBY = "standby"
    MAINTENANCE = "maintenance"
    LEAVING = "leaving"
    """It asked to be shut down."""
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


T = TypeVar("T")
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
    on_fail: dict[str, str] = {}
    """By operation: start, stop or monitor."""


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
    influence: str = ""


class Order(msgspec.Struct, frozen=True):
    """First this, then that."""

    name: str
    first: str
    then: str
    kind: str = ""
    is_symmetrical: bool = True
    first_action: str = ""
    then_action: str = ""


class Set(msgspec.Struct, frozen=True):
    """Some of the resources of a constraint, with the set's options."""

    members: tuple[str, ...]
    options: dict[str, str] = {}


class OrderSets(msgspec.Struct, frozen=True):
    """First one set, then the other."""

    name: str
    sets: tuple[Set, ...]
    kind: str = ""


class Together(msgspec.Struct, frozen=True):
    """A set of resources that are to be on one node."""

    name: str
    together: Set


Constraint = Location | Colocation | Order | OrderSets | Together


class Cluster(msgspec.Struct, frozen=True):
    """A configuration and its state."""

    hosts: tuple[Host, ...]
    things: tuple[Thing, ...]
    constraints: tuple[Constraint, ...] = ()
    options: dict[str, str] = {}
    has_quorum: bool = True
    removed: tuple[Primitive, ...] = ()
    """What is not configured any more, but has a history."""

    @property
    def has_device(self) -> bool:
        """Is something there that can fence?"""
        return self.options.get("stonith-enabled") == "true"

    def but(self, **changes: object) -> Cluster:
        """The same cluster with other values in some fields."""
        return replace(self, **changes)

    def primitives(self) -> list[Primitive]:
        """All of them in document order, then those that were removed."""
        configured = [primitive for thing in self.things for primitive in primitives_of(thing)]
        return [*configured, *self.removed]


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
        case OrderSets(sets=sets):
            return frozenset(member for each in sets for member in each.members)
        case Together(together=together):
            return frozenset(together.members)


def renamed(cluster: Cluster, prefix: str) -> Cluster:
    """The same cluster with a prefix in front of all names."""
    return Cluster(
        tuple(replace(host, name=prefix + host.name) for host in cluster.hosts),
        tuple(_renamed(thing, prefix) for thing in cluster.things),
        tuple(_renamed_constraint(constraint, prefix) for constraint in cluster.constraints),
        cluster.options,
        cluster.has_quorum,
        tuple(_renamed_primitive(removed, prefix) for removed in cluster.removed),
    )


def _renamed(thing: Thing, prefix: str) -> Thing:
    name = prefix + thing.name
    match thing:
        case Primitive():
            return _renamed_primitive(thing, prefix)
        case Group():
            return replace(thing, name=name, members=tuple(_renamed_primitive(m, prefix) for m in thing.members))
        case Clone():
            return replace(thing, name=name, child=_renamed(thing.child, prefix))


def _renamed_primitive(primitive: Primitive, prefix: str) -> Primitive:
    return replace(
        primitive,
        name=prefix + primitive.name,
        past=_on_nodes(primitive.past, prefix),
        failures=_on_nodes(primitive.failures, prefix),
        promotion=_on_nodes(primitive.promotion, prefix),
    )


def _on_nodes(known: dict[str, T], prefix: str) -> dict[str, T]:
    return {prefix + node: value for node, value in known.items()}


def _renamed_constraint(constraint: Constraint, prefix: str) -> Constraint:
    match constraint:
        case OrderSets():
            sets = tuple(_renamed_set(each, prefix) for each in constraint.sets)
            return replace(constraint, name=prefix + constraint.name, sets=sets)
        case Together():
            together = _renamed_set(constraint.together, prefix)
            return replace(constraint, name=prefix + constraint.name, together=together)
        case _:
            names = {"name", "resource", "other", "first", "then", "node"} & set(constraint.__struct_fields__)
            given = {name: value for name in names if (value := getattr(constraint, name))}
            return replace(constraint, **{name: prefix + value for name, value in given.items()})


def _renamed_set(each: Set, prefix: str) -> Set:
    return replace(each, members=tuple(prefix + member for member in each.members))
