"""How placements follow each other: "this with" decides for the dependent, "with this" is heard by the primary.

The dependent follows the primary; the primary hears of the dependents' preferences, weakened by the constraint's score.
"""

from __future__ import annotations

from math import floor
from typing import Final

from hashelld.model.score import INFINITY, Score, add
from hashelld.policy.placing.colocating import rank
from hashelld.policy.state.items import Item, Kind, Stage
from hashelld.policy.state.situation import Situation
from hashelld.policy.state.table import Table
from hashelld.policy.state.ties import UNAME, Tie


_UNUSABLE: Final = -100 * INFINITY
"""Marks a node for the time of one hearing: what counts only when it is not negative would be negative there."""


class Colocations:
    """All ties, in the order in which they are to be applied, and the hearing of preferences."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._this_with: dict[int, list[Tie]] = {}
        self._with_this: dict[int, list[Tie]] = {}
        self._values: dict[str, list[str | None]] = {}
        self._usable = [node.is_usable for node in situation.nodes]
        self.count = len(situation.nodes)

    def refresh(self) -> None:
        """Remote nodes come and go with the placement of their connections."""
        self._usable = [node.is_usable for node in self._situation.nodes]

    def forget(self, *items: Item) -> None:
        """These items have got new ties."""
        for item in items:
            self._this_with.pop(item.index, None)
            self._with_this.pop(item.index, None)

    # -- which ties concern an item

    def this_with(self, item: Item) -> list[Tie]:
        """What decides where the item goes: its own ties, and those of what it is part of where they reach it."""
        found = self._this_with.get(item.index)
        if found is None:
            found = self._gather(item, item, as_dependent=True)
            found.sort(key=lambda tie: rank(tie.primary))
            self._this_with[item.index] = found
        return found

    def with_this(self, item: Item) -> list[Tie]:
        """Who depends on where the item goes."""
        found = self._with_this.get(item.index)
        if found is None:
            found = self._gather(item, item, as_dependent=False)
            found.sort(key=lambda tie: rank(tie.dependent))
            self._with_this[item.index] = found
        return found

    def _gather(self, item: Item, asking: Item, *, as_dependent: bool) -> list[Tie]:
        own = item.ties_with if as_dependent else item.ties_of
        if item.kind is Kind.GROUP:
            return self._of_group(item, asking, own, as_dependent=as_dependent)
        found = list(own)
        if item is not asking:  # A clone or bundle, for one of its instances.
            return found
        parent = item.parent
        if item.kind is not Kind.PRIMITIVE or parent is None:
            return found
        if parent.kind is Kind.BUNDLE and not item.is_bundle_container:
            return found  # Of a bundle only the containers are where it says; the rest follows them.
        return found + self._gather(parent, item, as_dependent=as_dependent)

    def _of_group(self, group: Item, asking: Item, own: list[Tie], *, as_dependent: bool) -> list[Tie]:
        """A group's ties act on its first member (as dependent) or its last (as primary)."""
        if asking is not group and asking is not group.children[0 if as_dependent else -1]:
            return self._behind_unmanaged(group, asking) if as_dependent else []
        found = list(own)
        if group.parent is not None:
            found += self._gather(group.parent, asking, as_dependent=as_dependent)
        if group.is_collocated:
            for member in group.children:
                if member is not asking:
                    ties = member.ties_with if as_dependent else member.ties_of
                    found += [tie for tie in ties if tie.is_explicit]
        return found

    def _behind_unmanaged(self, group: Item, member: Item) -> list[Tie]:
        earlier = group.children[: group.children.index(member)]
        if all(each.is_managed for each in earlier):
            return []
        return [tie for tie in group.ties_with if tie.score >= INFINITY]

    def for_role(self, instance: Item) -> list[Tie]:
        """What decides the role of a placed instance; what is inside a bundle heeds the ties of the bundle."""
        found = self.this_with(instance)
        clone = instance.clone
        if clone is None or clone.parent is None or clone.parent.kind is not Kind.BUNDLE:
            return found
        return [*found, *clone.parent.ties_with]

    def host_of(self, node: int) -> int | None:
        """Of a guest node: the node that its container goes to."""
        connection = self._situation.nodes[node].connection
        container = None if connection is None else connection.container
        return None if container is None else container.home

    def seat_of(self, item: Item, node: int) -> int:
        """The node where an item counts as being: what is inside a bundle, on the host of its container."""
        host = self.host_of(node) if item.is_isolated else None
        return node if host is None else host

    # -- the dependent follows

    def any_usable(self, table: Table) -> bool:
        """Could some node of the table take a resource?"""
        if not table.scores:
            return table.default is not None and table.default >= 0 and any(self._usable)
        return any(usable and table.score(node) >= 0 for node, usable in enumerate(self._usable))

    def value(self, node: int, tie: Tie) -> str | None:
        """The node's value of the attribute that a tie compares."""
        return self.attribute(node, tie.attribute)

    def attribute(self, node: int, name: str) -> str | None:
        """A node's attribute, without regard to case."""
        values = self._values.get(name)
        if values is None:
            found = [state.id if name == UNAME else state.attributes.get(name) for state in self._situation.nodes]
            values = self._values[name] = [None if value is None else value.lower() for value in found]
        return values[node]

    def matching(self, node: int, tie: Tie) -> list[int]:
        """The nodes with the same value of the tie's attribute."""
        if tie.attribute == UNAME:
            return [node]
        value = self.value(node, tie)
        return [at for at in range(self.count) if self.value(at, tie) == value]

    def follow(self, dependent: Item, tie: Tie, primary: Item, home: int | None) -> None:
        """The dependent's table after the primary was placed at `home` (None: nowhere)."""
        work = dependent.table.copy()
        if home is None:
            if tie.score < 0:
                return
            work.shift_all(-tie.score)
        else:
            matching = self.matching(home, tie)
            if tie.score < INFINITY:
                for node in matching:
                    work.shift(node, tie.score)
            else:
                keep_on(work, matching)
        if tie.is_mandatory or self.any_usable(work):
            dependent.table = work
            if self._situation.ledger is not None:
                self._note(dependent, tie, primary, home)

    def _note(self, dependent: Item, tie: Tie, primary: Item, home: int | None) -> None:
        tell = self._situation.tell
        if home is None:
            tell(dependent, f"{primary.id} runs nowhere", None, -tie.score)
        elif tie.score >= INFINITY:
            matching = self.matching(home, tie)
            for node in range(self.count):
                if node not in matching:
                    tell(dependent, f"only with {primary.id}", node, -INFINITY)
        else:
            tell(dependent, f"colocation {tie.id} with {primary.id}", home, tie.score)

    # -- the primary hears

    def heed(self, primary: Item, tie: Tie, *, only_positive: bool = False) -> None:
        """Add a dependent's preferences to the table of the primary."""
        if not has_influence(tie, tie.primary):
            return
        before = primary.table
        after = self.hear(
            before, tie.dependent, tie, tie.score / INFINITY, is_optional=True, only_positive=only_positive
        )
        primary.table = after
        if self._situation.ledger is not None and after is not before:
            for node in range(self.count):
                change = after.score(node) - before.score(node)
                if change and after.allows(node):
                    self._situation.tell(primary, f"for {tie.dependent.id}", node, change)

    def hear(
        self,
        table: Table,
        source: Item,
        tie: Tie,
        factor: float,
        *,
        is_optional: bool,
        only_positive: bool = False,
        makes_room: bool = False,
        is_upward: bool = False,
    ) -> Table:
        """The table with the preferences of `source` added, and of those that depend on it.

        The same table when they are discarded: no node would be left (`is_optional`), or the source is being heard.
        `makes_room`: an avoided primary moves for a dependent that can run on one node only. `is_upward`: the source is
        a primary, and what it depends on is heard next.
        """
        if source.is_merging:
            return table
        source.is_merging = True
        try:
            if source.kind is Kind.GROUP:
                return self.hear(
                    table,
                    source.children[0],
                    tie,
                    factor,
                    is_optional=is_optional,
                    only_positive=only_positive,
                    makes_room=makes_room,
                    is_upward=is_upward,
                )
            if tie.score < 0:
                makes_room = tie.has_influence and tie.primary.stickiness < -tie.score
            skips = factor < 0 and not (makes_room and self._is_bound(tie.dependent))
            work = self._added(table, source, tie, factor, skips=skips, only_positive=only_positive)
            if is_upward:
                self._give_up_unusable(work)
            if self.any_usable(work):
                for further in self.this_with(source) if is_upward else self.with_this(source):
                    if is_upward or has_influence(further, further.primary):
                        work = self.hear(
                            work,
                            further.primary if is_upward else further.dependent,
                            further,
                            factor * further.score / INFINITY,
                            is_optional=True,
                            only_positive=only_positive,
                            makes_room=makes_room,
                            is_upward=is_upward,
                        )
            elif is_optional:
                return table
            if only_positive:
                _unmark(work)
            return work
        finally:
            source.is_merging = False

    def _added(self, table: Table, source: Item, tie: Tie, factor: float, *, skips: bool, only_positive: bool) -> Table:
        theirs = self._preferences(source, tie)
        work = table.copy()
        if tie.attribute != UNAME:
            for node, best in self._best_by_attribute(theirs, tie.attribute).items():
                before = work.scores.get(node, work.default)
                if before is not None:
                    work.scores[node] = _heard(before, best, factor, skips=skips, only_positive=only_positive)
            return work
        elsewhere = -INFINITY if theirs.default is None else theirs.default
        if not elsewhere:
            for node, best in theirs.scores.items():
                before = work.scores.get(node, work.default)
                if before is not None and best:
                    work.scores[node] = _heard(before, best, factor, skips=skips, only_positive=only_positive)
            return work
        for node in theirs.scores.keys() | work.scores.keys():
            before = work.scores.get(node, work.default)
            if before is not None:
                best = theirs.score(node)
                work.scores[node] = _heard(before, best, factor, skips=skips, only_positive=only_positive)
        if work.default is not None:
            work.default = _heard(work.default, elsewhere, factor, skips=skips, only_positive=only_positive)
        return work

    def _give_up_unusable(self, work: Table) -> None:
        """A primary cannot be where nothing can be; it matters where the present node is compared."""
        for node, is_usable in enumerate(self._usable):
            if not is_usable and work.allows(node):
                work.set(node, -INFINITY)

    def _preferences(self, source: Item, tie: Tie) -> Table:
        """A later member of a group that is named by itself brings the group's locations with it."""
        own = source.table
        if not tie.is_explicit or tie.dependent is not source or source.parent is None:
            return own
        group = source.parent
        if group.kind is not Kind.GROUP or group.children[0] is source:
            return own
        both = own.copy()
        for node, score in group.table.scores.items():
            both.shift(node, score)
        return both

    def _is_bound(self, dependent: Item) -> bool:
        """Is there one node only for it?"""
        theirs = dependent.table
        return sum(theirs.score(node) >= 0 for node in range(self.count)) == 1

    def _best_by_attribute(self, theirs: Table, attribute: str) -> dict[int, Score]:
        """For each node the dependent's best score among the usable nodes with the same value."""
        values = [self.attribute(node, attribute) for node in range(self.count)]
        best: dict[str | None, Score] = {}
        for node, value in enumerate(values):
            if self._usable[node]:
                best[value] = max(best.get(value, -INFINITY), theirs.score(node))
        return {node: best.get(value, -INFINITY) for node, value in enumerate(values)}


def has_influence(tie: Tie, primary: Item) -> bool:
    """Does the primary heed the dependent? It always does while it is not active.

    A healthy container does not move for its connection, which can move without an interruption.
    """
    dependent = tie.dependent
    is_of_bundle = dependent.is_remote_connection and dependent.parent is not None
    if is_of_bundle and not primary.is_failed and len(primary.active) == 1:
        return False
    return tie.has_influence or not primary.is_active()


def keep_on(table: Table, nodes: list[int]) -> None:
    """-INFINITY on every node but these."""
    kept = {node: table.score(node) for node in nodes if table.allows(node)}
    table.scores = {**dict.fromkeys(table.scores, -INFINITY), **kept}
    table.default = None if table.default is None else -INFINITY


def applies_to(tie: Tie, dependent: Item, primary: Item) -> str:
    """What a tie decides now: `location`, `role`, or nothing (an empty text), by what has been placed already."""
    if not primary.is_assigned:
        return ""
    if _is_about_role(tie, dependent):
        return "role"
    return "location" if not dependent.is_assigned and _are_roles_met(tie, dependent, primary) else ""


def applies_in_advance(tie: Tie, dependent: Item, primary: Item) -> bool:
    """Would it decide where the dependent goes, if the primary were placed already?"""
    return not _is_about_role(tie, dependent) and _are_roles_met(tie, dependent, primary)


def _is_about_role(tie: Tie, dependent: Item) -> bool:
    """Is it for the role of an instance that has its place?"""
    bearer, clone = _bearer_of_role(dependent), dependent.clone
    is_promotable = clone is not None and clone.is_promotable
    return tie.dependent_stage >= Stage.UNPROMOTED and is_promotable and bearer.is_assigned


def _are_roles_met(tie: Tie, dependent: Item, primary: Item) -> bool:
    dependent_next, primary_next = _bearer_of_role(dependent).next, _bearer_of_role(primary).next
    return tie.dependent_stage in {Stage.UNKNOWN, dependent_next} and tie.primary_stage in {Stage.UNKNOWN, primary_next}


def _bearer_of_role(item: Item) -> Item:
    return item.parent if item.parent is not None and item.parent.kind is Kind.GROUP else item


def _heard(before: Score, theirs: Score, factor: float, *, skips: bool, only_positive: bool) -> Score:
    """A node's score with a preference added: multiplied, rounded half away from zero, never lost by rounding."""
    if not theirs or before == _UNUSABLE or (skips and theirs < 0):
        return before
    product = factor * theirs
    delta = floor(product + 0.5) if product >= 0 else -floor(-product + 0.5)
    if not delta:
        delta = 1 if factor > 0 else -1
    after = add(before, max(-INFINITY, min(INFINITY, delta)))
    if only_positive and after < 0:
        if before > 0:
            return _UNUSABLE
        if before == 0:
            return before
    return after


def _unmark(table: Table) -> None:
    table.scores = {node: 1 if score == _UNUSABLE else score for node, score in table.scores.items()}
    if table.default == _UNUSABLE:
        table.default = 1
