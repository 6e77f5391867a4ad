"""What a switch does with Ethernet frames: it learns who is where, and loses, delays, repeats and spoils by a seed.

Pure: time (seconds) and chance are arguments. `tests.e2e.frameswitch` moves the bytes.
"""

from __future__ import annotations

import heapq
import random
from typing import Final

import msgspec


QUEUE_MAX: Final = 20_000
"""Frames that are on their way at a time; what comes on top is lost, as in any switch."""
ADDRESSES_MAX: Final = 1_024
REORDERED_MAX_S: Final = 0.02
"""A frame that is overtaken waits for so long at most, beside its delay."""
_GROUP: Final = 1
"""The bit of an address's first byte that says: broadcast or multicast."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to frames from one port to another; shares of 1, seconds."""

    is_cut: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    """More or less than `delay`, evenly; a frame never overtakes another unless it is reordered."""


CLEAR: Final = Way()


class Counts(msgspec.Struct):
    """What became of frames."""

    received: int = 0
    sent: int = 0
    cut: int = 0
    lost: int = 0
    duplicated: int = 0
    corrupted: int = 0
    overflowed: int = 0


class Fabric:
    """The switch without its cables."""

    __slots__ = ("_chance", "_free_at", "_number", "_places", "_ports", "_queue", "_ways", "counts")

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._ports: dict[str, None] = {}
        self._ways: dict[tuple[str, str], Way] = {}
        self._places: dict[bytes, str] = {}
        self._queue: list[tuple[float, int, str, bytes]] = []
        self._free_at: dict[tuple[str, str], float] = {}
        self._number = 0
        self.counts = Counts()

    @property
    def ports(self) -> tuple[str, ...]:
        """Everybody who is plugged in."""
        return tuple(self._ports)

    def plug(self, port: str) -> None:
        """From now on it gets frames."""
        self._ports[port] = None

    def unplug(self, port: str) -> None:
        """What is on its way there, and what comes from there, is lost; its addresses are forgotten."""
        self._ports.pop(port, None)
        self._places = {address: at for address, at in self._places.items() if at != port}
        self._queue = [waiting for waiting in self._queue if waiting[2] != port]
        heapq.heapify(self._queue)

    def set_way(self, source: str, target: str, way: Way) -> None:
        """What happens from now on to frames from one port to another; what is on its way arrives."""
        self._ways[source, target] = way
        if way == CLEAR:
            del self._ways[source, target]

    def take(self, now: float, source: str, frame: bytes) -> None:
        """A frame that came in at a port."""
        self.counts.received += 1
        sender, receiver = frame[6:12], frame[:6]
        if source not in self._ports or not sender or sender[0] & _GROUP:
            return
        if sender in self._places or len(self._places) < ADDRESSES_MAX:
            self._places[sender] = source
        place = None if receiver[0] & _GROUP else self._places.get(receiver)
        for target in self._ports if place is None else (place,):
            if target != source:
                self._send(now, source, target, frame)

    def _send(self, now: float, source: str, target: str, frame: bytes) -> None:
        way = self._ways.get((source, target))
        if way is None:
            self._put(now, target, frame)
            return
        draw = self._chance.random
        if way.is_cut:
            self.counts.cut += 1
            return
        if draw() < way.loss:
            self.counts.lost += 1
            return
        copies = 1
        if draw() < way.duplicate:
            self.counts.duplicated += 1
            copies = 2
        for _ in range(copies):
            self._put(self._arrival(now, source, target, way), target, self._spoiled(way, frame))

    def _arrival(self, now: float, source: str, target: str, way: Way) -> float:
        at = now + max(0.0, way.delay + self._chance.uniform(-way.jitter, way.jitter))
        if self._chance.random() < way.reorder:
            return at + self._chance.uniform(0.0, REORDERED_MAX_S)
        at = max(at, self._free_at.get((source, target), 0.0))
        self._free_at[source, target] = at
        return at

    def _spoiled(self, way: Way, frame: bytes) -> bytes:
        if self._chance.random() >= way.corrupt:
            return frame
        self.counts.corrupted += 1
        bit = self._chance.randrange(8 * len(frame))
        spoiled = bytearray(frame)
        spoiled[bit // 8] ^= 1 << bit % 8
        return bytes(spoiled)

    def _put(self, at: float, target: str, frame: bytes) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self.counts.overflowed += 1
            return
        self._number += 1
        heapq.heappush(self._queue, (at, self._number, target, frame))

    def deadline(self) -> float | None:
        """When the next frame is to leave."""
        return self._queue[0][0] if self._queue else None

    def due(self, now: float) -> list[tuple[str, bytes]]:
        """Frames that leave now, and where."""
        leaving = []
        while self._queue and self._queue[0][0] <= now:
            _, _, target, frame = heapq.heappop(self._queue)
            leaving.append((target, frame))
        self.counts.sent += len(leaving)
        return leaving
