"""The two planes between simulated nodes: datagrams that get lost, and streams that deliver late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from hashelld.model.ids import Millis, NodeId
from hashelld.wire.peer import Beat, Envelope
from tests.sim.faults import Faults
from tests.sim.timeline import Timeline


BEATS, MESSAGES = "beats", "messages"
PLANES: Final = (BEATS, MESSAGES)
QUEUED_MAX: Final = 200
"""High-water mark of a stalled stream; what is sent beyond it is dropped."""
RESENT_MS: Final = 200
"""A lost segment of a stream arrives that much later."""

Pair = tuple[NodeId, NodeId]


class Network:
    """Who can reach whom, one way at a time and by plane."""

    def __init__(
        self, timeline: Timeline, faults: Faults, deliver: Callable[[Envelope], bool], changed: Callable[[], None]
    ) -> None:
        self._timeline = timeline
        self._faults = faults
        self._deliver = deliver
        self._changed = changed
        self._cut: dict[str, set[Pair]] = {BEATS: set(), MESSAGES: set()}
        self._stalled: dict[Pair, list[Envelope]] = {}
        self._last_arrival: dict[Pair, Millis] = {}
        self.calm = False
        """No more loss, duplicates or disorder."""
        self.delay_ms: dict[Pair, Millis] = {}
        """Added to every message of this direction whose body is one of `delayed`."""
        self.delayed: tuple[type, ...] = (object,)
        self.tongues: dict[NodeId, Callable[[Envelope], list[Envelope]]] = {}
        """What a hostile member says in place of a message."""
        self.ears: list[Callable[[Envelope], None]] = []
        """Who overhears everything."""

    # -- who reaches whom

    def cut(self, sender: NodeId, receiver: NodeId, planes: Iterable[str] = PLANES) -> None:
        """Nothing gets from sender to receiver any more."""
        for plane in planes:
            self._cut[plane].add((sender, receiver))
        self._changed()

    def cut_both(self, one: NodeId, other: NodeId, planes: Iterable[str] = PLANES) -> None:
        """Nothing gets through in either direction."""
        planes = tuple(planes)
        self.cut(one, other, planes)
        self.cut(other, one, planes)

    def heal(self, pairs: Iterable[Pair] | None = None, planes: Iterable[str] = PLANES) -> None:
        """Mend these directions, or all; what streams had queued arrives now."""
        mended = list(pairs) if pairs is not None else sorted(self._cut[BEATS] | self._cut[MESSAGES])
        for plane in planes:
            self._cut[plane].difference_update(mended)
        for pair in mended:
            if pair in self._cut[MESSAGES]:
                continue
            for envelope in self._stalled.pop(pair, []):
                self._travel(envelope)
        self._changed()

    def lag(self, pair: Pair, by_ms: Millis) -> None:
        """Messages of this direction are delayed."""
        self.delay_ms[pair] = by_ms
        self._changed()

    def hurry(self, pair: Pair) -> None:
        """Messages of this direction are no longer delayed."""
        self.delay_ms.pop(pair, None)
        self._changed()

    def lags(self, one: NodeId, other: NodeId, most_ms: Millis) -> bool:
        """Do messages take so long in a direction that they come too late?"""
        return max(self.delay_ms.get((one, other), 0), self.delay_ms.get((other, one), 0)) > most_ms

    def is_open(self, sender: NodeId, receiver: NodeId, plane: str) -> bool:
        """Does anything get from sender to receiver?"""
        return (sender, receiver) not in self._cut[plane]

    def is_whole(self, one: NodeId, other: NodeId, planes: tuple[str, ...] = PLANES) -> bool:
        """Do both planes (or this one) work in both directions?"""
        pairs = ((one, other), (other, one))
        return not any(pair in self._cut[plane] for plane in planes for pair in pairs)

    # -- beats

    def send_beat(self, receiver: NodeId, beat: Beat, inbox: list[tuple[Millis, Beat]]) -> None:
        """Put a datagram into the receiver's socket, unless it is lost."""
        if (beat.sender, receiver) in self._cut[BEATS]:
            return
        chance = 1.0 if self.calm else self._timeline.random.random()
        if chance < self._faults.loss:
            return
        moment = self._timeline.now + self._latency()
        inbox.append((moment, beat))
        if 1 - chance < self._faults.duplicate and not self.calm:
            inbox.append((moment + self._latency(), beat))

    def round_trip_ms(self) -> Millis | None:
        """How long a ping node's answer takes; None when it is lost."""
        is_lost = not self.calm and self._timeline.chance(2 * self._faults.loss)
        return None if is_lost else 2 * self._latency()

    # -- messages

    def send(self, envelope: Envelope) -> None:
        """Put a message onto the stream to its receiver."""
        for ear in self.ears:
            ear(envelope)
        tongue = self.tongues.get(envelope.sender)
        for said in [envelope] if tongue is None else tongue(envelope):
            self.travel(said)

    def travel(self, envelope: Envelope) -> None:
        """Let a message travel, whoever sends it."""
        pair = (envelope.sender, envelope.receiver)
        if pair in self._cut[MESSAGES]:
            self._stall(pair, envelope)
        else:
            self._travel(envelope)

    def forget_sender(self, node: NodeId) -> None:
        """The process ended: what it had queued is gone."""
        for pair in [pair for pair in self._stalled if pair[0] == node]:
            del self._stalled[pair]

    def reconnected(self, node: NodeId) -> None:
        """A daemon came up: peers' queues for its predecessor reach it."""
        for pair in sorted(pair for pair in self._stalled if pair[1] == node and pair not in self._cut[MESSAGES]):
            for envelope in self._stalled.pop(pair):
                self._travel(envelope)

    def _stall(self, pair: Pair, envelope: Envelope) -> None:
        queue = self._stalled.setdefault(pair, [])
        if len(queue) < QUEUED_MAX:
            queue.append(envelope)

    def _travel(self, envelope: Envelope) -> None:
        pair = (envelope.sender, envelope.receiver)
        moment = self._timeline.now + self._latency()
        if pair in self.delay_ms and isinstance(envelope.body, self.delayed):
            self._timeline.at(moment + self.delay_ms[pair], lambda: self._arrive(envelope))
            return
        if not self.calm:
            faults, chance = self._faults, self._timeline.chance
            if chance(faults.message_loss):
                return
            while chance(faults.loss):
                moment += RESENT_MS
            if chance(faults.reorder):
                moment += self._timeline.between(1, 30)
                self._timeline.at(moment, lambda: self._arrive(envelope))
                return
            if chance(faults.duplicate):
                self._timeline.at(moment + self._timeline.between(1, 500), lambda: self._arrive(envelope))
        moment = max(moment, self._last_arrival.get(pair, 0))
        self._last_arrival[pair] = moment
        self._timeline.at(moment, lambda: self._arrive(envelope))

    def _arrive(self, envelope: Envelope) -> None:
        pair = (envelope.sender, envelope.receiver)
        if pair in self._cut[MESSAGES] or (
            not self._deliver(envelope) and self._timeline.chance(self._faults.late_for_next_incarnation)
        ):
            self._stall(pair, envelope)

    def _latency(self) -> Millis:
        if self._faults.latency_min_ms and not self.calm:
            return self._timeline.between(self._faults.latency_min_ms, self._faults.latency_max_ms)
        chance = self._timeline.random.random()
        return 1 if chance < 0.9 or self.calm else self._timeline.between(1, self._faults.latency_max_ms)
