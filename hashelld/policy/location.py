"""Score tables, and the scores that come from locations, failures and stickiness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hashelld.model.constraint import Location
from hashelld.model.score import INFINITY, Score, add, format_score, parse_score
from hashelld.policy.expand import Item, Situation
from hashelld.policy.observe import Observed, Seen


_NOT_THIS_ROLE: Final = frozenset({"promoted", "master", "unpromoted", "slave", "stopped"})


class Table:
    """Scores by node index; nodes without an entry have `default`, and None means that they are not allowed."""

    __slots__ = ("default", "scores")

    def __init__(self, default: Score | None, scores: dict[int, Score] | None = None) -> None:
        self.default = default
        self.scores: dict[int, Score] = {} if scores is None else scores

    def copy(self) -> Table:
        """An independent table with the same scores."""
        return Table(self.default, dict(self.scores))

    def allows(self, node: int) -> bool:
        """Is there a score for the node, of whatever size?"""
        return self.default is not None or node in self.scores

    def score(self, node: int) -> Score:
        """The node's score, -INFINITY where it is not allowed."""
        found = self.scores.get(node, self.default)
        return -INFINITY if found is None else found

    def prefer(self, node: int, score: Score) -> None:
        """Add a score; in an asymmetric cluster this is what allows the node."""
        before = self.scores.get(node, self.default)
        self.scores[node] = score if before is None else add(before, score)

    def shift(self, node: int, score: Score) -> None:
        """Add a score where the node is allowed."""
        before = self.scores.get(node, self.default)
        if before is not None:
            self.scores[node] = add(before, score)

    def shift_all(self, score: Score) -> None:
        """Add a score to every allowed node."""
        if self.default is not None:
            self.default = add(self.default, score)
        for node, before in self.scores.items():
            self.scores[node] = add(before, score)


Ledger = Callable[[int, str, int | None, Score], None]
"""Told of every contribution: item, source, node (None: all nodes), score."""


class Tables:
    """The tables of all items, and the nodes on which they are not looked for."""

    __slots__ = ("_ledger", "of", "undiscovered")

    def __init__(self, situation: Situation, ledger: Ledger | None = None) -> None:
        default = 0 if situation.settings.is_symmetric else None
        self._ledger = ledger
        self.of: list[Table] = [Table(default) for _ in situation.items]
        self.undiscovered: dict[int, Callable[[int], bool]] = {}
        """By item: is a node exempt from probes?"""

    def prefer(self, item: int, source: str, node: int, score: Score) -> None:
        """Add a score to one node."""
        self.of[item].prefer(node, score)
        self.note(item, source, node, score)

    def ban(self, item: int, source: str) -> None:
        """-INFINITY everywhere."""
        table = self.of[item]
        self.of[item] = Table(None if table.default is None else -INFINITY, dict.fromkeys(table.scores, -INFINITY))
        self.note(item, source, None, -INFINITY)

    def note(self, item: int, source: str, node: int | None, score: Score) -> None:
        """Tell the ledger, if there is one."""
        if self._ledger is not None:
            self._ledger(item, source, node, score)


def base_scores(situation: Situation, observed: Observed, ledger: Ledger | None = None) -> Tables:
    """Scores before any colocation: locations, failures, stickiness."""
    tables = Tables(situation, ledger)
    _apply_locations(situation, tables)
    for item in situation.primitives():
        seen = observed.of(item.index)
        _apply_failures(situation, tables, item, seen)
        _apply_stickiness(situation, tables, item, seen)
    return tables


def _apply_locations(situation: Situation, tables: Tables) -> None:
    exclusive: dict[int, set[int]] = {}
    never: dict[int, set[int]] = {}
    for constraint in situation.view.cib.objects:
        if not isinstance(constraint, Location) or (constraint.role or "").lower() in _NOT_THIS_ROLE:
            continue
        item = situation.by_id.get(constraint.resource)
        node = situation.node_by_id.get(constraint.node)
        score = parse_score(constraint.score)
        if item is None or node is None or score is None:
            continue
        _apply_location(situation, tables, constraint, item, node, score)
        discovery = dict(constraint.options).get("resource-discovery")
        for bearer in situation.bearers(item):
            if discovery == "never":
                never.setdefault(bearer.index, set()).add(node)
            elif discovery == "exclusive":
                exclusive.setdefault(bearer.index, set()).add(node)
    _limit_discovery(tables, exclusive, never)


def _apply_location(
    situation: Situation, tables: Tables, constraint: Location, item: Item, node: int, score: Score
) -> None:
    source = f"location {constraint.id}"
    if not item.children:
        tables.prefer(item.index, source, node, score)
        return
    tables.of[item.index].prefer(node, score)
    for at, member in enumerate(item.children):
        if at == 0 or not item.is_collocated:
            tables.prefer(member, source, node, score)
        else:
            tables.of[member].prefer(node, 0)


def _limit_discovery(tables: Tables, exclusive: dict[int, set[int]], never: dict[int, set[int]]) -> None:
    for item in exclusive.keys() | never.keys():
        only, without = exclusive.get(item), never.get(item, set())
        if only is not None:
            table = tables.of[item]
            tables.of[item] = Table(None, {node: table.score(node) for node in only})
        tables.undiscovered[item] = _exempt(only, without)


def _exempt(only: set[int] | None, without: set[int]) -> Callable[[int], bool]:
    return lambda node: node in without or (only is not None and node not in only)


def threshold_text(item: Item, count: int) -> str:
    """`3 failures, threshold 3`."""
    how_often = "failed for good" if count >= INFINITY else f"{count} failure{'' if count == 1 else 's'}"
    return how_often if item.threshold >= INFINITY else f"{how_often}, threshold {format_score(item.threshold)}"


def _apply_failures(situation: Situation, tables: Tables, item: Item, seen: Seen) -> None:
    for at, reason in seen.banned.items():
        tables.prefer(item.index, reason, at, -INFINITY)
    if seen.banned_everywhere:
        tables.ban(item.index, seen.banned_everywhere)
    for at, tally in seen.tallies.items():
        failure = seen.failed.get(at)
        if tally.is_expired or not item.threshold or (failure is not None and failure.on_fail == "ignore"):
            continue
        if item.is_managed and tally.count >= item.threshold:
            source = f"{threshold_text(item, tally.count)} on {situation.nodes[at].id}"
            tables.prefer(item.index, source, at, -INFINITY)


def _apply_stickiness(situation: Situation, tables: Tables, item: Item, seen: Seen) -> None:
    if not item.is_managed:
        for at in seen.active:
            tables.prefer(item.index, "unmanaged there", at, INFINITY)
        return
    if len(seen.active) != 1:
        return
    at = next(iter(seen.active))
    if item.stickiness > 0 and tables.of[item.index].allows(at):
        tables.prefer(item.index, "stickiness", at, item.stickiness)
    if is_held(situation, seen):
        tables.prefer(item.index, "starts are on hold", at, INFINITY)


def is_held(situation: Situation, seen: Seen) -> bool:
    """Must a healthy resource stay where it is, because it could not be started again now?"""
    return not situation.view.may_start and not seen.failed
