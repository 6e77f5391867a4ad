"""The simulation's own knowledge of who is connected with whom, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import Electorate
from tests.sim.network import PLANES


Pair = tuple[NodeId, NodeId]


class Ground:
    """Connections between machines: both daemons turn, and both planes work both ways."""

    def __init__(self, nodes: Iterable[NodeId], connected: Callable[[NodeId, NodeId, tuple[str, ...]], bool]) -> None:
        self._nodes = tuple(nodes)
        self._connected = connected
        self._is_up: dict[Pair, bool] = dict.fromkeys(combinations(self._nodes, 2), False)
        self._changed_ms: dict[Pair, Millis] = dict.fromkeys(self._is_up, -1_000_000)
        self._open_until_ms: dict[tuple[Pair, str], Millis | None] = {
            (pair, plane): -1_000_000 for pair in self._is_up for plane in PLANES
        }
        """When a plane was open last; None: it is."""

    def update(self, now: Millis) -> None:
        """Something about links or daemons changed."""
        for pair, was_up in self._is_up.items():
            for plane in PLANES:
                until_ms = self._open_until_ms[pair, plane]
                if self._connected(*pair, (plane,)):
                    self._open_until_ms[pair, plane] = None
                elif until_ms is None:
                    self._open_until_ms[pair, plane] = now
            is_up = self._connected(*pair, PLANES)
            if is_up is not was_up:
                self._is_up[pair] = is_up
                self._changed_ms[pair] = now

    def within(self, now: Millis, one: NodeId, other: NodeId, window_ms: Millis) -> bool:
        """Was each plane open between them at any time in the last window? Not necessarily both at once."""
        if one == other:
            return True
        pair = self._pair(one, other)
        until = [self._open_until_ms[pair, plane] for plane in PLANES]
        return all(until_ms is None or now - until_ms <= window_ms for until_ms in until)

    def throughout(self, now: Millis, one: NodeId, other: NodeId, span_ms: Millis) -> bool:
        """Have they been connected for the whole span?"""
        if one == other:
            return True
        pair = self._pair(one, other)
        return self._is_up[pair] and now - self._changed_ms[pair] >= span_ms

    def _pair(self, one: NodeId, other: NodeId) -> Pair:
        return (one, other) if (one, other) in self._is_up else (other, one)


def is_quorum(votes: Iterable[NodeId], electorate: Electorate) -> bool:
    """Strictly more than half of the votes, or half with the tie-breaker or the arbiter; both in `two_node`."""
    names = set(votes)
    got = sum(electorate.votes.get(node, 0) for node in names)
    total = sum(electorate.votes.values())
    if electorate.two_node and len(electorate.votes) == 2:
        return got == total
    if electorate.arbiter in names and 2 * got == total > 0:
        return True
    breaker = electorate.tie_breaker
    if breaker in names and electorate.votes.get(breaker, 0) and 2 * got == total:
        return True
    return 2 * got > total
