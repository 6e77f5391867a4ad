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
    OrderSets,
    Past,
    Primitive,
    Set,
    Thing,
    Together,
    primitives_of,
    subjects_of,
)


class Theme(Enum):
    """A kind of resource."""

    PRIMITIVES = "primitives"
    GROUPS = "groups"
    CLONES = "clones"
    PROMOTABLE = "promotable"
    CLONED_GROUPS = "cloned groups"


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
    seldom(*({"no-quorum-policy": policy} for policy in ("freeze", "ignore", "demote", "suicide"))),
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
    seldom({}, {"ordered": "true"}),
    seldom({}, {"notify": "true"}),
)
PROMOTABLE_META = together(
    CLONE_META,
    st.just({"promotable": "true"}),
    seldom({"promoted-max": "2"}),
    seldom({}, {}, {"target-role": "Unpromoted"}, {"target-role": "Promoted"}),
)


@st.composite
def clusters(draw: st.DrawFn, *themes: Theme, is_healthy: bool = False) -> Cluster:
    """A cluster with resources of these kinds; healthy: nothing ever failed, or is active twice."""
    has_device = draw(st.booleans())
    hand = _Hand(draw, draw(_hosts(has_device=has_device)), has_device=has_device, is_healthy=is_healthy)
    kinds = st.sampled_from(themes)
    things = [hand.thing(draw(kinds), number) for number in range(draw(st.integers(1, 4)))]
    dependents, firsts = draw(st.permutations(things)), draw(st.permutations(things))
    said = [hand.constraint(f"k{number}", dependents, firsts) for number in range(draw(st.integers(0, 4)))]
    options = {"stonith-enabled": "true" if has_device else "false"} | draw(OPTIONS)
    has_unmanaged = "maintenance-mode" in options or any(host.mood is Mood.MAINTENANCE for host in hand.hosts)
    return Cluster(
        hosts=hand.hosts,
        things=tuple(_unlimited(thing, has_unmanaged=has_unmanaged) for thing in things),
        constraints=_sensible(said, things),
        options=options,
        has_quorum=draw(st.integers(0, 5)) != 0,
        removed=(hand.removed(99),) if draw(st.integers(0, 7)) == 0 else (),
    )


@st.composite
def _hosts(draw: st.DrawFn, *, has_device: bool) -> tuple[Host, ...]:
    # Two to four nodes, the first of them online. Where nothing fences, none is lost.
    moods = [*[Mood.ONLINE] * 6, Mood.STANDBY, Mood.OFFLINE, Mood.MAINTENANCE, Mood.LEAVING]
    moods += [Mood.UNCLEAN] * has_device
    others = st.sampled_from(moods)
    zones = st.sampled_from(["", "east", "west"])
    count = draw(st.integers(2, 4))
    return tuple(Host(f"n{at}", Mood.ONLINE if at == 1 else draw(others), draw(zones)) for at in range(1, count + 1))


def _unlimited(thing: Thing, *, has_unmanaged: bool) -> Thing:
    # Which of too many instances of a group count towards clone-max, when some stay as they are because they are not
    # managed, and whether those that do not are a load for their nodes, is left to chance in 2.1.5.
    if not (isinstance(thing, Clone) and isinstance(thing.child, Group)) or _surplus(thing) <= 0:
        return thing
    if not (has_unmanaged or {"is-managed", "maintenance"} & thing.meta.keys()):
        return thing
    return replace(thing, meta={name: value for name, value in thing.meta.items() if name != "clone-max"})


def _sensible(said: list[Constraint], things: list[Thing]) -> tuple[Constraint, ...]:
    # Of two orders between the same two resources Pacemaker heeds the first alone; nobody means both.
    found = list({_sense(constraint): constraint for constraint in said}.values())
    if any(isinstance(constraint, OrderSets) for constraint in found):
        found = [constraint for constraint in found if not isinstance(constraint, Order)]
    doubts = _Doubts(found, things)
    return tuple(constraint for constraint in found if not doubts.has(constraint))


class _Doubts:
    """Which constraints 2.1.5 judges otherwise than later releases, among others and in a state."""

    def __init__(self, found: list[Constraint], things: list[Thing]) -> None:
        locations = [other for other in found if isinstance(other, Location)]
        colocations = [other for other in found if isinstance(other, Colocation)]
        self._groups = {thing.name for thing in things if isinstance(thing, Group)}
        self._banned = {thing.name for thing in things if _has(thing, FAILED)}
        self._banned |= {other.resource for other in locations if other.score in NEGATIVE}
        self._located = {other.resource for other in locations}
        self._bound = {other.resource for other in colocations if other.score.endswith("INFINITY")}
        self._awaited = {other.other for other in colocations if other.other_role}
        clones = [thing for thing in things if isinstance(thing, Clone)]
        self._clones = {clone.name for clone in clones}
        self._interleaved = {clone.name for clone in clones if "interleave" in clone.meta}
        self._overfull = {clone.name for clone in clones if _surplus(clone) > 0}
        self._settled = {clone.name for clone in clones if _has(clone, ACTIVE)}
        # Groups that may be unable to start: a member is blocked, or they wait for something.
        self._stuck = {thing.name for thing in things if _has(thing, frozenset({Past.STOP_FAILED}))}
        self._stuck |= {other.then for other in found if isinstance(other, Order)}
        self._stuck |= {name for other in found if isinstance(other, OrderSets) for name in subjects_of(other)}
        self._stuck &= self._groups

    def has(self, constraint: Constraint) -> bool:
        """Is it better not drawn?"""
        match constraint:
            case Colocation():
                return self._of_colocation(constraint)
            case Location(resource=resource, score=score, role=""):
                # An active instance stays where another node has a better score (after 2.1.5).
                return score not in NEGATIVE and resource in self._settled
            case _:
                return False

    def _of_colocation(self, colocation: Colocation) -> bool:
        resource, other, score = colocation.resource, colocation.other, colocation.score
        is_wish = not score.endswith("INFINITY")
        if is_wish and (resource in self._bound or resource in self._banned & self._groups):
            return True  # It counts after all that is mandatory, also between members of a group (after 2.1.5).
        if is_wish and resource in self._awaited:
            return True  # In 2.1.5 what wants to be with a promoted instance moves what that one wants to be with.
        if score in NEGATIVE and resource in self._banned | self._groups:
            return True  # Others may make room for a resource that shuns them and is banned elsewhere (after 2.1.5).
        if score in NEGATIVE and resource in self._interleaved and other in self._clones:
            return (
                True  # In Pacemaker an interleaved instance shuns its own partner alone, and may run beside the next.
            )
        if score in NEGATIVE and other in self._overfull:
            return True  # A surplus instance that is not managed stays, but 2.1.5 places others as if it went.
        if score == "INFINITY" and other in self._stuck:
            return True  # Nothing starts with a group that cannot (after 2.1.5).
        # An active instance stays where a colocation makes another node better (after 2.1.5).
        return (resource in self._settled and is_wish) or (
            other in self._settled and resource in self._banned | self._located
        )


def _has(thing: Thing, what: frozenset[Past]) -> bool:
    return any(known in what for primitive in primitives_of(thing) for known in primitive.past.values())


def _surplus(clone: Clone) -> int:
    """On how many more nodes than clone-max allows any part of it is active."""
    nodes = {node for primitive in primitives_of(clone) for node, known in primitive.past.items() if known in ACTIVE}
    return len(nodes) - int(clone.meta.get("clone-max", len(nodes)))


def _sense(constraint: Constraint) -> tuple[str, ...]:
    match constraint:
        case Order(first=first, then=then) | Colocation(resource=first, other=then):
            return (type(constraint).__name__, first, then)
        case OrderSets():
            return ("sets",)
        case _:
            return (constraint.name,)


ON_FAIL = together(
    # No start that blocks: where the last member of a group hangs elsewhere, 2.1.5 starts the others all the same.
    seldom({}, {}, {"monitor": "block"}, {"monitor": "stop"}, {"monitor": "ignore"}, {"monitor": "standby"}),
    seldom({}, {}, {}, {"monitor": "fence"}, {"monitor": "demote"}),
    seldom({}, {}, {"start": "ignore"}, {"start": "stop"}),
    seldom({}, {}, {"stop": "block"}, {"stop": "ignore"}),
)


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
        twice = [] if is_healthy else [frozenset(names[-2:])]
        self._homes = st.sampled_from([frozenset(), *once, *once, *twice])

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
            case Theme.CLONED_GROUPS:
                return self._cloned_group(f"c{number}", f"g{number}", first)

    def _primitive(self, number: int, at: frozenset[str], meta: st.SearchStrategy[Options]) -> Primitive:
        is_watched = self._draw(st.booleans())
        past = {host.name: self._past(host, at, is_watched=is_watched) for host in self.hosts}
        failures = {}
        for node, known in past.items():
            if known in {Past.LOST, Past.SICK, Past.STOP_FAILED}:
                failures[node] = self._draw(st.integers(1, 3))
            elif known in {Past.START_FAILED, Past.GIVEN_UP}:
                failures[node] = INFINITY
        on_fail = {} if self._is_healthy else self._draw(ON_FAIL)
        return Primitive(f"r{number}", self._draw(meta), past, failures, is_watched=is_watched, on_fail=on_fail)

    def removed(self, number: int) -> Primitive:
        """A primitive that was watched and is not configured any more."""
        return replace(self._primitive(number, self._draw(self._homes), st.just({})), on_fail={})

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
        return Clone(name, self._cloned(child), self._draw(CLONE_META))

    def _cloned(self, child: Primitive) -> Primitive:
        # An ignored failure of one instance still counts for the others, which share its node's count; and where an
        # instance is blocked, 2.1.5 may start another one on the same node.
        on_fail = {task: word for task, word in child.on_fail.items() if word not in {"ignore", "block"}}
        past = child.past
        if not self._has_device:
            past = {node: Past.ACTIVE if known is Past.STOP_FAILED else known for node, known in past.items()}
        return replace(child, past=past, on_fail=on_fail)

    def _cloned_group(self, name: str, group: str, first: int) -> Clone:
        # On each node the first members are active, and none of those after.
        active = {host.name: self._draw(st.integers(0, 2)) for host in self.hosts}
        members = []
        for at in range(2):
            home = frozenset(node for node, count in active.items() if at < count)
            members.append(self._cloned(self._primitive(first + at, home, COMMON_META)))
        return Clone(name, Group(group, tuple(members)), self._draw(CLONE_META))

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

    def constraint(self, name: str, dependents: list[Thing], firsts: list[Thing]) -> Constraint:
        """A location of one thing, or a constraint between two.

        Dependents are with what comes later in the one list, firsts before what comes later in the other: a circle is
        nobody's wish, and where it is cut is not the same in all releases.
        """
        kind = self._pick(
            ("location", "rule", "colocation", "order", "location", "rule", "colocation", "order", "sets")
        )
        one = self._pick(dependents)
        others = [thing for thing in dependents if thing.name != one.name]
        if kind == "rule":
            return Location(name, one.name, self._pick(SCORES), rule=self._pick(RULES), role=self._role(one))
        if kind == "location" or not others:
            return Location(name, one.name, self._pick(SCORES), self._pick([host.name for host in self.hosts]))
        if kind == "sets":
            return self._sets(name, dependents, firsts)
        pair = (one, self._pick(others))
        if kind == "order":
            return self._order(name, *sorted(pair, key=firsts.index))
        one, other = sorted(pair, key=dependents.index)
        # The dependent's role is left open: where promoted dependents may go has changed since 2.1.5.
        role, influence = self._role(other), self._pick(("", "", "", "false"))
        return Colocation(name, one.name, other.name, self._pick(SCORES), other_role=role, influence=influence)

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

    def _sets(self, name: str, dependents: list[Thing], firsts: list[Thing]) -> Constraint:
        # Of resources that are to be together each is with the one before it.
        alone = [thing.name for thing in reversed(dependents) if isinstance(thing, Primitive)]
        if len(alone) > 1 and self._draw(st.booleans()):
            return Together(name, Set(tuple(alone), self._draw(seldom({"sequential": "false"}))))
        names = [thing.name for thing in firsts]
        cut = self._draw(st.integers(1, len(names) - 1))
        options = seldom({"sequential": "false"}, {"sequential": "false", "require-all": "false"})
        first, then = Set(tuple(names[:cut]), self._draw(options)), Set(tuple(names[cut:]), self._draw(options))
        return OrderSets(name, (first, then), self._pick(("", "Optional")))

    def _role(self, thing: Thing) -> str:
        is_promotable = isinstance(thing, Clone) and thing.is_promotable
        return self._pick(("", "Promoted")) if is_promotable else ""
