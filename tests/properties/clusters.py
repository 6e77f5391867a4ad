"""Draws small clusters in states that a real cluster can be in.

A failed start has its fail count, what a lost node ran worked there, and what runs once is seldom on two nodes. Where
Pacemaker 2.1.5, which is asked about them, is wrong or has changed its mind since, that is not drawn; each such
omission says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.properties.shapes import (
    INFINITY,
    Clone,
    Cluster,
    Colocation,
    Constraint,
    Group,
    Host,
    Location,
    Mood,
    Order,
    Past,
    Primitive,
    Thing,
    primitives_of,
)


class Theme(Enum):
    """What kinds of resources a cluster has beside primitives."""

    PRIMITIVES = "primitives"
    GROUPS = "groups"
    CLONES = "clones"
    PROMOTABLE = "promotable"


SCORES = ("100", "INFINITY", "-INFINITY", "10", "1", "0", "-10")
RULES = (("eq", "east"), ("ne", "east"), ("defined", ""), ("not_defined", ""))
NEGATIVE = ("-1", "-10", "-INFINITY")
PROMOTION_SCORES = ("5", "10", "1", "100", "INFINITY", "0", *NEGATIVE)
AWAY = (*[Past.ABSENT] * 6, Past.STOPPED, Past.UNKNOWN)
AT_HOME = (*[Past.ACTIVE] * 6, Past.FOUND)
ACTIVE = frozenset({Past.ACTIVE, Past.FOUND, Past.PROMOTED, Past.LOST, Past.SICK})
FAILED_ELSEWHERE = (Past.GIVEN_UP,)
FAILED_HERE = (Past.START_FAILED, Past.STOP_FAILED)
FAILED_WATCHED = (Past.LOST, Past.SICK)
FAILED = frozenset({*FAILED_ELSEWHERE, *FAILED_HERE, *FAILED_WATCHED})
Options = dict[str, str]
T = TypeVar("T")


def seldom(*choices: Options) -> st.SearchStrategy[Options]:
    """One of these options in one of four cases."""
    return st.sampled_from([{}] * 3 * len(choices) + list(choices))


def together(*parts: st.SearchStrategy[Options]) -> st.SearchStrategy[Options]:
    """All of these options."""
    return st.tuples(*parts).map(lambda drawn: {key: value for part in drawn for key, value in part.items()})


OPTIONS = together(
    seldom({"no-quorum-policy": "freeze"}, {"no-quorum-policy": "ignore"}, {"no-quorum-policy": "demote"}),
    seldom({"symmetric-cluster": "false"}),
    seldom({}, {}, {}, {"maintenance-mode": "true"}),
    seldom({}, {}, {}, {"stop-all-resources": "true"}),
    seldom({}, {"stonith-action": "off"}),
    seldom({}, {"startup-fencing": "false"}),
)
COMMON_META = together(
    seldom({}, {"target-role": "Stopped"}),
    seldom({"resource-stickiness": "1"}, {"resource-stickiness": "100"}, {"resource-stickiness": "INFINITY"}),
    seldom({"priority": "5"}, {"priority": "10"}),
    seldom({"migration-threshold": "1"}, {"migration-threshold": "3"}),
    seldom({}, {"failure-timeout": "30s"}, {"failure-timeout": "1h"}),
    seldom({}, {"critical": "false"}),
    seldom({}, {}, {"multiple-active": "block"}, {"multiple-active": "stop_only"}),
    seldom({}, {}, {}, {"requires": "quorum"}, {"requires": "nothing"}),
)
MANAGED = seldom({}, {}, {}, {}, {"is-managed": "false"}, {"maintenance": "true"})
MEMBER_META = together(COMMON_META, seldom({}, {"allow-migrate": "true"}))
"""Of members of groups. None is unmanaged alone: what is colocated with such a group has changed since 2.1.5."""
META = together(MEMBER_META, MANAGED)
CLONE_META = together(
    COMMON_META,  # 2.1.5 also migrates instances of clones.
    MANAGED,
    seldom({"clone-max": "1"}, {"clone-max": "2"}),
    seldom({"interleave": "true"}),
)
PROMOTABLE_META = together(
    CLONE_META,
    st.just({"promotable": "true"}),
    seldom({"promoted-max": "2"}),
    seldom({}, {}, {"target-role": "Unpromoted"}, {"target-role": "Promoted"}),
)


@st.composite
def clusters(draw: st.DrawFn, *themes: Theme, is_healthy: bool = False) -> Cluster:
    """A cluster with primitives and with resources of these kinds; healthy: no operation ever failed."""
    has_device = draw(st.booleans())
    hand = _Hand(draw, draw(_hosts(has_device=has_device)), has_device=has_device, is_healthy=is_healthy)
    kinds = st.sampled_from([Theme.PRIMITIVES, *themes])
    things = [hand.thing(draw(kinds), number) for number in range(draw(st.integers(1, 4)))]
    ranked = draw(st.permutations(things))
    said = [hand.constraint(f"k{number}", ranked) for number in range(draw(st.integers(0, 4)))]
    return Cluster(
        hosts=hand.hosts,
        things=tuple(things),
        constraints=_sensible(said, things),
        options={"stonith-enabled": "true" if has_device else "false"} | draw(OPTIONS),
        has_quorum=draw(st.integers(0, 5)) != 0,
    )


@st.composite
def _hosts(draw: st.DrawFn, *, has_device: bool) -> tuple[Host, ...]:
    # Two to four nodes, the first of them online. Where nothing fences, none is lost.
    moods = [*[Mood.ONLINE] * 5, Mood.STANDBY, Mood.OFFLINE, Mood.MAINTENANCE]
    moods += [Mood.UNCLEAN] * has_device
    others = st.sampled_from(moods)
    zones = st.sampled_from(["", "east", "west"])
    count = draw(st.integers(2, 4))
    return tuple(Host(f"n{at}", Mood.ONLINE if at == 1 else draw(others), draw(zones)) for at in range(1, count + 1))


def _sensible(said: list[Constraint], things: list[Thing]) -> tuple[Constraint, ...]:
    # Of two orders between the same two resources Pacemaker heeds the first alone; nobody means both.
    found = {_sense(constraint): constraint for constraint in said}.values()
    groups = {thing.name for thing in things if isinstance(thing, Group)}
    banned = {thing.name for thing in things if _has(thing, FAILED)}
    banned |= {other.resource for other in found if isinstance(other, Location) and other.score in NEGATIVE}
    bound = {other.resource for other in found if isinstance(other, Colocation) and other.score.endswith("INFINITY")}
    # Groups that may be unable to start: one member is blocked, or they wait for something.
    stuck = {thing.name for thing in things if isinstance(thing, Group) and _has(thing, frozenset({Past.STOP_FAILED}))}
    stuck |= {other.then for other in found if isinstance(other, Order) and other.then in groups}
    awaited = {other.other for other in found if isinstance(other, Colocation) and other.other_role}
    located = {other.resource for other in found if isinstance(other, Location)}
    settled = {thing.name for thing in things if isinstance(thing, Clone) and _has(thing, ACTIVE)}

    def is_judged_alike(constraint: Constraint) -> bool:
        match constraint:
            case Colocation(resource=resource, score=score) if not score.endswith("INFINITY") and resource in bound:
                # A wish counts after all that is mandatory (since 2.1.6).
                return False
            case Colocation(resource=resource, score=score) if score != "INFINITY" and resource in awaited:
                # In 2.1.5 what wants to be with a promoted instance moves what that one wants to be with.
                return False
            case Colocation(resource=resource, score=score) if score in NEGATIVE:
                # Others may make room for a resource that shuns them and is banned elsewhere (since 2.1.6).
                return resource not in banned | groups
            case Colocation(resource=resource, score=score) if score != "INFINITY":
                # For a group its own members' bans are mandatory too.
                return resource not in banned & groups
            case Colocation(resource=resource, other=other) if other in settled and resource in banned | located:
                # As below: an active instance stays where a dependent has a better score elsewhere.
                return False
            case Colocation(other=other, score="INFINITY"):
                # Nothing starts with a group that cannot (since 2.1.6).
                return other not in stuck
            case Location(resource=resource, score=score, role="") if score not in NEGATIVE:
                # An active instance stays where another node has a better score (since 2.1.7).
                return resource not in settled
            case _:
                return True

    return tuple(filter(is_judged_alike, found))


def _has(thing: Thing, what: frozenset[Past]) -> bool:
    return any(known in what for primitive in primitives_of(thing) for known in primitive.past.values())


def _sense(constraint: Constraint) -> tuple[str, ...]:
    match constraint:
        case Order(first=first, then=then) | Colocation(resource=first, other=then):
            return (type(constraint).__name__, first, then)
        case _:
            return (constraint.name,)


class _Hand:
    """Draws the resources and constraints of one cluster."""

    __slots__ = ("_draw", "_has_device", "_homes", "_is_healthy", "hosts")

    def __init__(self, draw: st.DrawFn, hosts: tuple[Host, ...], *, has_device: bool, is_healthy: bool) -> None:
        self._draw = draw
        self.hosts = hosts
        self._has_device = has_device
        self._is_healthy = is_healthy
        names = [host.name for host in hosts if host.mood is not Mood.OFFLINE]
        once = [frozenset({name}) for name in names]
        self._homes = st.sampled_from([frozenset(), *once, *once, frozenset(names[-2:])])

    def _pick(self, choices: Sequence[T]) -> T:
        return self._draw(st.sampled_from(choices))

    def thing(self, theme: Theme, number: int) -> Thing:
        """The resource with this number; its primitives are numbered too."""
        first = number * 3 + 1
        match theme:
            case Theme.PRIMITIVES:
                return self._primitive(first, self._draw(self._homes), META)
            case Theme.GROUPS:
                return self._group(f"g{number}", first)
            case Theme.CLONES:
                return self._clone(f"c{number}", first)
            case Theme.PROMOTABLE:
                return self._promotable(f"c{number}", first)

    def _primitive(self, number: int, at: frozenset[str], meta: st.SearchStrategy[Options]) -> Primitive:
        is_watched = self._draw(st.booleans())
        past = {host.name: self._past(host, at, is_watched=is_watched) for host in self.hosts}
        failures = {}
        for node, known in past.items():
            if known in {Past.LOST, Past.SICK, Past.STOP_FAILED}:
                failures[node] = self._draw(st.integers(1, 3))
            elif known in {Past.START_FAILED, Past.GIVEN_UP}:
                failures[node] = INFINITY
        return Primitive(f"r{number}", self._draw(meta), past, failures, is_watched=is_watched)

    def _past(self, host: Host, at: frozenset[str], *, is_watched: bool) -> Past:
        if host.mood is Mood.OFFLINE:
            return Past.UNKNOWN
        choices = AT_HOME if host.name in at else AWAY
        if not self._is_healthy and host.mood is not Mood.UNCLEAN:
            if host.name not in at:
                choices += FAILED_ELSEWHERE
            else:
                choices += FAILED_HERE + FAILED_WATCHED * is_watched
        return self._pick(choices)

    def _group(self, name: str, first: int) -> Group:
        # The first members are active on one node.
        count, home = self._draw(st.integers(2, 3)), self._draw(self._homes)
        active = self._draw(st.integers(0, count))
        members = [
            self._primitive(first + at, home if at < active else frozenset(), MEMBER_META) for at in range(count)
        ]
        return Group(name, tuple(members), self._draw(META))

    def _clone(self, name: str, first: int) -> Clone:
        anywhere = self._draw(st.frozensets(st.sampled_from([host.name for host in self.hosts])))
        child = self._primitive(first, anywhere, COMMON_META)
        if not self._has_device:
            # Where a failed stop blocks an instance, 2.1.5 may start another one on the same node.
            past = {node: Past.ACTIVE if known is Past.STOP_FAILED else known for node, known in child.past.items()}
            child = replace(child, past=past)
        return Clone(name, child, self._draw(CLONE_META))

    def _promotable(self, name: str, first: int) -> Clone:
        clone = self._clone(name, first)
        assert isinstance(clone.child, Primitive)
        past = dict(clone.child.past)
        for node, known in past.items():
            if known is Past.ACTIVE and self._draw(st.integers(0, 2)) == 0:
                past[node] = Past.PROMOTED
        is_active = any(known in ACTIVE for known in past.values())  # Then as for locations: no better node.
        wishes = {
            node: self._pick(NEGATIVE if is_active and known not in ACTIVE else PROMOTION_SCORES)
            for node, known in past.items()
            if self._draw(st.booleans())
        }
        child = replace(clone.child, past=past, promotion=wishes)
        return replace(clone, child=child, meta=self._draw(PROMOTABLE_META))

    def constraint(self, name: str, ranked: list[Thing]) -> Constraint:
        """One constraint between two different things, or a location of one."""
        kind = self._pick(("location", "rule", "colocation", "order"))
        one = self._pick(ranked)
        others = [thing for thing in ranked if thing.name != one.name]
        if kind == "rule":
            return Location(name, one.name, self._pick(SCORES), rule=self._pick(RULES), role=self._role(one))
        if kind == "location" or not others:
            return Location(name, one.name, self._pick(SCORES), self._pick([host.name for host in self.hosts]))
        other = self._pick(others)
        if kind == "order":
            return self._order(name, one, other)
        # Never in a circle: nobody means that, and where it is cut is not the same in all releases.
        one, other = sorted((one, other), key=ranked.index)
        # The dependent's role is left open: where promoted dependents may go has changed since 2.1.5.
        return Colocation(name, one.name, other.name, self._pick(SCORES), other_role=self._role(other))

    def _order(self, name: str, first: Thing, then: Thing) -> Order:
        is_promote = bool(self._role(first))
        return Order(
            name,
            first.name,
            then.name,
            self._pick(("", "", "Optional", "Serialize")),
            is_symmetrical=self._draw(st.integers(0, 3)) != 0,
            first_action="promote" if is_promote else "",
            then_action="start" if is_promote else "",
        )

    def _role(self, thing: Thing) -> str:
        is_promotable = isinstance(thing, Clone) and thing.is_promotable
        return self._pick(("", "Promoted")) if is_promotable else ""
