"""Scores by node: sparse, because most resources say the same of most nodes."""

from __future__ import annotations

from collections.abc import Iterable

from hashelld.model.score import INFINITY, Score, add


class Table:
    """Scores by node index; nodes without an entry have `default`, and None means that they are not allowed.

    "Not allowed" differs from -INFINITY: a location score can still allow the node, and contributions of colocations
    pass it by. Neither can be chosen.
    """

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

    def set(self, node: int, score: Score) -> None:
        """Put a score in place of what was there."""
        self.scores[node] = score

    def ban(self) -> None:
        """-INFINITY on every allowed node."""
        self.scores = dict.fromkeys(self.scores, -INFINITY)
        self.default = None if self.default is None else -INFINITY

    def keep_only(self, nodes: Iterable[int]) -> None:
        """No other nodes are allowed any more."""
        kept = set(nodes)
        self.scores = {node: self.score(node) for node in kept if self.allows(node)}
        self.default = None

    def allowed(self, count: int) -> Iterable[int]:
        """The allowed nodes among `count`, in index order."""
        return range(count) if self.default is not None else sorted(self.scores)
