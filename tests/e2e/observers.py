"""What is judged from outside of the daemons: signatures in a shared file, holders and answerers of an address."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from tests.e2e.harness import environment
from tests.e2e.netns import FLOATING, Network


HERE = Path(__file__).resolve().parent
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


class ArpWatch:
    """Who answers for the floating address, as the client's wire tells; a context manager."""

    def __init__(self, network: Network) -> None:
        self.owners: list[tuple[float, str]] = []
        self.doubles: list[tuple[float, list[str]]] = []
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", network.client, sys.executable, str(HERE / "arpwatch.py"), FLOATING, "eth0"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> ArpWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                kind, at, what = json.loads(line)
                (self.owners if kind == "owner" else self.doubles).append((at, what))
