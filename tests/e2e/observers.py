"""What is judged from outside of the daemons: signatures in a shared file, holders and answerers of an address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from tests.e2e.netns import FLOATING, ClientProgram, Network


HANDOVER_S = 0.5
"""Two observers of one handover may be read so much out of order on a busy machine."""
ANSWER_S = 1.0
"""An answer may come so long after its sender lost the address: it was under way."""


class Interval(msgspec.Struct, frozen=True):
    """The first and the last signature (milliseconds) of one process of a resource."""

    began_ms: int
    ended_ms: int
    node: str


def intervals(text: str) -> list[Interval]:
    """When the resource ran, and where, by the lines `NODE MILLISECONDS INCARNATION` that it wrote; sorted."""
    found: dict[str, Interval] = {}
    for line in text.splitlines():
        node, at, incarnation = line.split()
        began_ms = found[incarnation].began_ms if incarnation in found else int(at)
        found[incarnation] = Interval(began_ms, int(at), node)
    return sorted(found.values(), key=lambda interval: interval.began_ms)


def overlaps(found: Sequence[Interval]) -> list[tuple[Interval, Interval]]:
    """Neighbours that were active at the same time."""
    return [(first, second) for first, second in pairwise(found) if first.ended_ms >= second.began_ms]


class Held(msgspec.Struct, frozen=True):
    """From this moment (seconds) on these nodes held the address."""

    at: float
    nodes: frozenset[str]


def double_holders(changes: Sequence[Held], end: float) -> list[tuple[Held, float]]:
    """Times in which several nodes held the address for longer than a handover is seen out of order; with the span."""
    found = []
    closed = [*changes, Held(end, frozenset())]
    for now, after in pairwise(closed):
        if len(now.nodes) > 1 and after.at - now.at > HANDOVER_S:
            found.append((now, after.at - now.at))
    return found


def false_answers(answers: Iterable[tuple[float, str]], changes: Sequence[Held]) -> list[tuple[float, str]]:
    """Answers of nodes that did not hold the address then, nor shortly before."""
    return [
        (at, node)
        for at, node in answers
        if not any(node in held.nodes for held in _held_between(changes, at - ANSWER_S, at + HANDOVER_S))
    ]


def _held_between(changes: Sequence[Held], begin: float, end: float) -> list[Held]:
    closed = [*changes, Held(float("inf"), frozenset())]
    return [now for now, after in pairwise(closed) if now.at <= end and after.at >= begin]


class ArpWatch(ClientProgram):
    """Who answers for the floating address, as the client's wire tells; a context manager."""

    def __init__(self, network: Network) -> None:
        self.owners: list[tuple[float, str]] = []
        self.doubles: list[tuple[float, list[str]]] = []
        super().__init__(network, "arpwatch.py", FLOATING, "eth0")

    def on_told(self, kind: str, words: list) -> None:
        at, what = words
        (self.owners if kind == "owner" else self.doubles).append((at, what))
