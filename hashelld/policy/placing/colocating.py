"""Reads colocation constraints: which item is tied to which, and how strongly."""

from __future__ import annotations

from itertools import pairwise

from hashelld.model.constraint import Colocation, ResourceSet
from hashelld.model.ids import ResourceId
from hashelld.model.score import INFINITY, Score, parse_score
from hashelld.policy.settings import score_of, truth
from hashelld.policy.state.items import STAGES, Item, Kind, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.ties import UNAME, Tie, members_of, stands_for


GROUP_TIE = "#group-members"
CONTAINER_TIE = "#resource-with-container"
ADDRESS_TIE = "#address-with-container"
_CONTAINED = 10_000
"""A connection prefers the host of its container; it has to be able to run elsewhere than on a remote node."""


def read_ties(situation: Situation) -> None:
    """Fill `ties_with` and `ties_of` of all items: groups, containers, addresses, then the configured constraints."""
    for item in situation.items:
        _add_implied(item)
    for constraint in situation.cib.objects:
        if isinstance(constraint, Colocation):
            _Reader(situation, constraint).read()
    for item in situation.items:
        if len(item.ties_with) > 1:
            item.ties_with.sort(key=lambda tie: rank(tie.primary))
        if len(item.ties_of) > 1:
            item.ties_of.sort(key=lambda tie: rank(tie.dependent))


def _add_implied(item: Item) -> None:
    """What nobody has to configure: the members of groups, and what belongs to a container, stay together."""
    if item.kind is Kind.GROUP and item.is_collocated:
        for before, after in pairwise(item.children):
            tie = Tie(GROUP_TIE, after, before, INFINITY, is_explicit=False)
            tie.has_influence = after.is_critical
            _take(tie)
    elif item.kind is Kind.BUNDLE:
        for replica in item.replicas:
            if replica.address is not None:
                _take(Tie(ADDRESS_TIE, replica.address, replica.container, INFINITY, is_explicit=False))
    elif item.container is not None and item.kind is Kind.PRIMITIVE and not _is_bound_to_node(item):
        is_bundled = item.is_remote_connection and item.parent is not None
        score = _CONTAINED if is_bundled else INFINITY
        _take(Tie(CONTAINER_TIE, item, item.container, score, is_explicit=False))


def rank(other: Item) -> tuple[int, int, bool, str]:
    """Sorts the ties of an item by their other ends: the more important first, collectives before what is single."""
    return (-other.priority, -other.kind, not other.is_promotable, other.id)


def _is_bound_to_node(item: Item) -> bool:
    """Is what it is launched inside a node of its own? Then it runs on that node, not beside it."""
    container = item.container
    return (
        container is not None
        and not item.is_remote_connection
        and (container.is_remote_connection or any(filler.is_remote_connection for filler in container.fillers))
    )


def _take(tie: Tie) -> None:
    tie.dependent.ties_with.append(tie)
    tie.primary.ties_of.append(tie)


class _Reader:
    def __init__(self, situation: Situation, constraint: Colocation) -> None:
        self._situation = situation
        self._constraint = constraint
        self._options = dict(constraint.options)
        self._score = INFINITY if constraint.score is None else (parse_score(constraint.score) or 0)

    def read(self) -> None:
        sets = self._constraint.sets or self._as_sets()
        if sets is not None:
            last: ResourceSet | None = None
            for found in sets:
                self._within(found)
                if last is not None:
                    self._between(last, found)
                last = found
            return
        constraint, situation = self._constraint, self._situation
        dependent = situation.named(constraint.resource or "")
        primary = situation.named(constraint.with_resource or "")
        if dependent is not None and primary is not None:
            self._tie(dependent, primary, constraint.role, constraint.with_role, self._score)

    def _as_sets(self) -> tuple[ResourceSet, ...] | None:
        """Tags and templates at either end stand for all that they cover, in no sequence."""
        constraint = self._constraint
        ends = ((constraint.resource, constraint.role), (constraint.with_resource, constraint.with_role))
        covered = [stands_for(self._situation, name or "") for name, _ in ends]
        if all(found is None for found in covered):
            return None
        if all(found is not None for found in covered):
            return ()  # Which of them goes with which is not said: it says nothing.
        return tuple(
            ResourceSet(
                members=tuple(ResourceId(n) for n in (found if found is not None else (name or "",))),
                sequential=False,
                role=role,
            )
            for (name, role), found in zip(ends, covered, strict=True)
        )

    def _within(self, found: ResourceSet) -> None:
        score = self._score if found.score is None else score_of(found.score, 0)
        if found.sequential is False or not score:
            return
        members = members_of(self._situation, found)
        if score > 0:
            for before, after in pairwise(members):
                self._tie(after, before, found.role, found.role, score)
            return
        for at, member in enumerate(members):
            for earlier in members[:at]:
                self._tie(member, earlier, found.role, found.role, score)

    def _between(self, dependents: ResourceSet, primaries: ResourceSet) -> None:
        left = members_of(self._situation, dependents)
        right = members_of(self._situation, primaries)
        if dependents.sequential is not False:
            left = left[:1]
        if primaries.sequential is not False:
            right = right[-1:]
        for dependent in left:
            for primary in right:
                self._tie(dependent, primary, dependents.role, primaries.role, self._score)

    def _tie(self, dependent: Item, primary: Item, role: str | None, with_role: str | None, score: Score) -> None:
        if dependent is primary or not score:
            return
        tie = Tie(self._constraint.id, dependent, primary, score)
        tie.attribute = self._options.get("node-attribute") or UNAME
        tie.has_influence = truth(self._options.get("influence"), default=dependent.is_critical)
        tie.dependent_stage = _stage(role)
        tie.primary_stage = _stage(with_role)
        _take(tie)


def _stage(role: str | None) -> Stage:
    """The role that a tie is limited to; Started is no limit."""
    found = STAGES.get((role or "").strip().lower(), Stage.UNKNOWN)
    return Stage.UNKNOWN if found is Stage.STARTED else found
