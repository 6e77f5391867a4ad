"""Colocations: who is placed with whom, and how preferences pass between the two ends.

The dependent follows the primary ("this with"); the primary hears of the dependents' preferences ("with this"),
weakened by the constraint's score.
"""

from __future__ import annotations

from math import floor
from typing import Final

from hashelld.model.constraint import Colocation
from hashelld.model.score import INFINITY, Score, add, parse_score
from hashelld.policy.expand import NOWHERE, Item, Kind, Situation
from hashelld.policy.location import Table, Tables
from hashelld.policy.settings import truth


UNAME: Final = "#uname"
_MEMBERS: Final = "#group-members"
_ANY_ROLE: Final = frozenset({"", "started"})
_RUNNING_ROLES: Final = frozenset({"", "started"})


class Tie:
    """One colocation between two items."""

    __slots__ = ("attribute", "dependent", "has_influence", "id", "is_explicit", "is_role_met", "primary", "score")

    def __init__(self, name: str, dependent: int, primary: int, score: Score, *, is_explicit: bool = True) -> None:
        self.id = name
        self.dependent = dependent
        self.primary = primary
        self.score = score
        self.attribute = UNAME
        self.has_influence = True
        self.is_explicit = is_explicit
        self.is_role_met = True

    @property
    def is_mandatory(self) -> bool:
        """Is it a requirement rather than a preference?"""
        return abs(self.score) >= INFINITY


class Colocations:
    """All colocations, found by either end and in the order in which they are to be applied."""

    def __init__(self, situation: Situation) -> None:
        self._items = situation.items
        self._nodes = situation.nodes
        self._of_dependent: dict[int, list[Tie]] = {}
        self._of_primary: dict[int, list[Tie]] = {}
        self._with_this: dict[int, list[Tie]] = {}
        self._this_with: dict[int, list[Tie]] = {}
        self._usable = [node.is_usable for node in situation.nodes]
        self.ties: list[Tie] = []
        for item in situation.items:
            if item.kind is Kind.GROUP and item.is_collocated:
                for before, after in zip(item.children, item.children[1:], strict=False):
                    tie = Tie(_MEMBERS, after, before, INFINITY, is_explicit=False)
                    tie.has_influence = situation.items[after].is_critical
                    self._take(tie)
        for constraint in situation.view.cib.objects:
            if isinstance(constraint, Colocation):
                self._read(situation, constraint)

    def _read(self, situation: Situation, constraint: Colocation) -> None:
        dependent = situation.by_id.get(constraint.resource)
        primary = situation.by_id.get(constraint.with_resource)
        score = parse_score(constraint.score)
        if dependent is None or primary is None or not score or dependent is primary:
            return
        tie = Tie(constraint.id, dependent.index, primary.index, score)
        options = dict(constraint.options)
        tie.attribute = options.get("node-attribute") or UNAME
        tie.has_influence = truth(options.get("influence"), default=dependent.is_critical)
        tie.is_role_met = (constraint.role or "").lower() in _ANY_ROLE
        if (constraint.with_role or "").lower() not in _RUNNING_ROLES:
            tie.is_role_met = False
        self._take(tie)

    def _take(self, tie: Tie) -> None:
        self.ties.append(tie)
        self._of_dependent.setdefault(tie.dependent, []).append(tie)
        self._of_primary.setdefault(tie.primary, []).append(tie)

    def with_primary(self, item: int) -> list[Tie]:
        """The colocations whose primary is exactly this item."""
        return self._of_primary.get(item, [])

    def with_dependent(self, item: int) -> list[Tie]:
        """The colocations whose dependent is exactly this item."""
        return self._of_dependent.get(item, [])

    def this_with(self, item: int) -> list[Tie]:
        """What decides where the item goes: its own colocations, and those of its group where they reach it."""
        found = self._this_with.get(item)
        if found is None:
            found = [tie for tie in self._gather(self._items[item], as_dependent=True) if tie.is_role_met]
            found.sort(key=lambda tie: self._rank(tie.primary, tie))
            self._this_with[item] = found
        return found

    def with_this(self, item: int) -> list[Tie]:
        """Who depends on where the item goes."""
        found = self._with_this.get(item)
        if found is None:
            found = [tie for tie in self._gather(self._items[item], as_dependent=False) if tie.is_role_met]
            found.sort(key=lambda tie: self._rank(tie.dependent, tie))
            self._with_this[item] = found
        return found

    def _rank(self, other: int, tie: Tie) -> tuple[int, int, str]:
        item = self._items[other]
        return (-item.priority, -item.kind, tie.id)

    def _gather(self, item: Item, *, as_dependent: bool) -> list[Tie]:
        index = self._of_dependent if as_dependent else self._of_primary
        found = list(index.get(item.index, ()))
        group = item if item.kind is Kind.GROUP else None
        if item.parent != NOWHERE:
            group = self._items[item.parent]
            reaching = group.children[0] if as_dependent else group.children[-1]
            if item.index != reaching:
                return found + (self._behind_unmanaged(item, group) if as_dependent else [])
            found += index.get(group.index, ())
        if group is not None and group.is_collocated:
            for member in group.children:
                if member != item.index:
                    found += [tie for tie in index.get(member, ()) if tie.is_explicit]
        return found

    def _behind_unmanaged(self, item: Item, group: Item) -> list[Tie]:
        earlier = group.children[: group.children.index(item.index)]
        if all(self._items[member].is_managed for member in earlier):
            return []
        return [tie for tie in self._of_dependent.get(group.index, ()) if tie.score >= INFINITY]

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def value(self, node: int, attribute: str) -> str | None:
        """The node's value of the attribute that a colocation compares."""
        state = self._nodes[node]
        return state.id if attribute == UNAME else state.attributes.get(attribute)

    def any_usable(self, table: Table) -> bool:
        """Could some node of the table take a resource?"""
        if table.default is not None and table.default >= 0 and not table.scores:
            return any(self._usable)
        return any(usable and table.score(node) >= 0 for node, usable in enumerate(self._usable))

    def follow(self, tables: Tables, dependent: int, tie: Tie, home: int | None) -> None:
        """The dependent's table after the primary was placed at `home` (None: nowhere)."""
        table = tables.of[dependent]
        work = table.copy()
        if home is None:
            if tie.score < 0:
                return
            work.shift_all(-tie.score)
        else:
            self._meet(work, tie, home)
        if tie.is_mandatory or self.any_usable(work):
            tables.of[dependent] = work
            self._note(tables, dependent, tie, home)

    def _meet(self, work: Table, tie: Tie, home: int) -> None:
        if tie.attribute == UNAME:
            matching = {home}
        else:
            value = self.value(home, tie.attribute)
            matching = {at for at in range(len(self._nodes)) if self.value(at, tie.attribute) == value}
        if tie.score < INFINITY:
            for node in matching:
                work.shift(node, tie.score)
            return
        kept = {node: work.score(node) for node in matching if work.allows(node)}
        work.scores = {**dict.fromkeys(work.scores, -INFINITY), **kept}
        work.default = None if work.default is None else -INFINITY

    def _note(self, tables: Tables, dependent: int, tie: Tie, home: int | None) -> None:
        with_what = self._items[tie.primary].id
        if home is None:
            tables.note(dependent, f"{with_what} runs nowhere", None, -tie.score)
        elif tie.score >= INFINITY:
            for node in range(len(self._nodes)):
                if self.value(node, tie.attribute) != self.value(home, tie.attribute):
                    tables.note(dependent, f"only with {with_what}", node, -INFINITY)
        else:
            tables.note(dependent, f"colocation {tie.id} with {with_what}", home, tie.score)

    def heed(self, tables: Tables, primary: int, tie: Tie) -> None:
        """Add the dependents' preferences to the table of the primary."""
        if not tie.has_influence:
            return
        heard = _Hearing(self, self._items, tables)
        before = tables.of[primary]
        after = heard.hear(before, tie, tie.score / INFINITY, set(), makes_room=False)
        if after is before:
            return
        tables.of[primary] = after
        for node in after.scores:
            change = after.score(node) - before.score(node)
            if change:
                tables.note(primary, f"for {self._items[tie.dependent].id}", node, change)


class _Hearing:
    """One pass of preferences from dependents, and their dependents, to a primary."""

    def __init__(self, colocations: Colocations, items: list[Item], tables: Tables) -> None:
        self._colocations = colocations
        self._items = items
        self._tables = tables

    def hear(self, table: Table, tie: Tie, factor: float, path: set[int], *, makes_room: bool) -> Table:
        """The table with the preferences of the tie's dependent added; the same table when they are discarded.

        `makes_room`: an avoided primary moves for a dependent that can run on one node only.
        """
        source = self._items[tie.dependent]
        if source.index in path:
            return table
        mark = {source.index}
        if source.children:
            source = self._items[source.children[0]]
            if source.index in path:
                return table
            mark.add(source.index)
        if tie.score < 0:
            makes_room = tie.has_influence and self._items[tie.primary].stickiness < -tie.score
        is_skipping = factor < 0 and not (makes_room and self._is_bound(tie.dependent))
        work = self._added(table, source, tie, factor, skips_negative=is_skipping)
        if not self._colocations.any_usable(work):
            return table
        path |= mark
        for further in self._colocations.with_this(source.index):
            if further.has_influence:
                work = self.hear(work, further, factor * further.score / INFINITY, path, makes_room=makes_room)
        path -= mark
        return work

    def _added(self, table: Table, source: Item, tie: Tie, factor: float, *, skips_negative: bool) -> Table:
        theirs = self._preferences(source, tie)
        work = table.copy()
        if tie.attribute != UNAME:
            for node, best in self._best_by_attribute(theirs, tie.attribute).items():
                work.shift(node, _weakened(best, factor, skips_negative=skips_negative))
            return work
        elsewhere = _weakened(
            -INFINITY if theirs.default is None else theirs.default, factor, skips_negative=skips_negative
        )
        named = theirs.scores.keys() | work.scores.keys() if elsewhere else theirs.scores.keys()
        for node in named:
            work.shift(node, _weakened(theirs.score(node), factor, skips_negative=skips_negative))
        if elsewhere and work.default is not None:
            work.default = add(work.default, elsewhere)
        return work

    def _preferences(self, source: Item, tie: Tie) -> Table:
        """The dependent's table; a later member of a group, named by itself, brings the group's locations with it."""
        own = self._tables.of[source.index]
        if not tie.is_explicit or tie.dependent != source.index or source.parent == NOWHERE:
            return own
        group = self._items[source.parent]
        if group.children[0] == source.index:
            return own
        both = own.copy()
        for node, score in self._tables.of[group.index].scores.items():
            both.shift(node, score)
        return both

    def _is_bound(self, dependent: int) -> bool:
        """Is there one node only for it?"""
        theirs = self._tables.of[dependent]
        return sum(theirs.score(node) >= 0 for node in range(self._colocations.node_count)) == 1

    def _best_by_attribute(self, theirs: Table, attribute: str) -> dict[int, Score]:
        """For each node the dependent's best score among the nodes with the same value."""
        nodes = range(self._colocations.node_count)
        values = [self._colocations.value(node, attribute) for node in nodes]
        best: dict[str | None, Score] = {}
        for node in nodes:
            best[values[node]] = max(best.get(values[node], -INFINITY), theirs.score(node))
        return {node: best[values[node]] for node in nodes}


def _weakened(score: Score, factor: float, *, skips_negative: bool) -> Score:
    """A preference multiplied, rounded half away from zero, and never lost by rounding."""
    if not score or (skips_negative and score < 0):
        return 0
    product = factor * score
    delta = floor(product + 0.5) if product >= 0 else -floor(-product + 0.5)
    if delta:
        return delta
    return 1 if factor > 0 else -1
