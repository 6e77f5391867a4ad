"""The beats' sequence numbers, echoes, replay check and pace; pure, so that thread and simulator share it.

A network that loses much of what is sent must not look like dead nodes: who is told that its beats do not all arrive
sends more of them, so that as many arrive within `deadtime` as on a sound network.
"""

from __future__ import annotations

from typing import Final

from hashelld.core.events import HeardBeat
from hashelld.model.ids import NO_INCARNATION, Incarnation, Millis, NodeId
from hashelld.wire.peer import Beat, BeatContent


SENT_KEPT_MAX: Final = 1024
"""Sent beats whose moment is remembered; an echo of an older one proves nothing."""
RECENT: Final = 16
"""Of a peer's newest beats so many are counted."""
MISSED_MAX: Final = 1
"""More than this, of so many, and the network loses beats: one may be lost at any time."""
HURRY_FACTOR: Final = 4
"""So many beats for one: 30 % loss takes six in a row every few minutes, and twenty-four never."""
HURRY_MS: Final = 5_000
"""For so long after it was last told that beats are missed."""
PACE_MS_MIN: Final = 5
_ALL: Final = (1 << RECENT) - 1


class Beating:
    """One node's beats: what to send to a peer now, and what a beat that arrived means."""

    def __init__(self, node: NodeId, incarnation: Incarnation) -> None:
        self._node = node
        self._incarnation = incarnation
        self._sequence = 0
        self._sent_ms: dict[int, Millis] = {}
        self._newest: dict[NodeId, tuple[Incarnation, int]] = {}
        self._arrived: dict[NodeId, int] = {}
        """A bit for each of a peer's newest beats, the last one lowest: did it arrive?"""
        self._hurry_until_ms: Millis | None = None
        self.dropped = 0

    def pace_ms(self, now: Millis, keepalive_ms: Millis) -> Millis:
        """How long after a beat the next one is due."""
        if self._hurry_until_ms is None or now >= self._hurry_until_ms:
            return keepalive_ms
        return max(PACE_MS_MIN, keepalive_ms // HURRY_FACTOR)

    def next_beats(
        self, now: Millis, wall_ms: int, content: BeatContent, peers: tuple[NodeId, ...]
    ) -> list[tuple[NodeId, Beat]]:
        """One beat for each peer, all with one new sequence number."""
        self._sequence += 1
        self._sent_ms[self._sequence] = now
        self._sent_ms.pop(self._sequence - SENT_KEPT_MAX, None)
        beats = []
        for peer in peers:
            incarnation, echo = self._newest.get(peer, (NO_INCARNATION, 0))
            missed = self._missed_of(peer)
            beat = Beat(self._node, self._incarnation, self._sequence, incarnation, echo, content, wall_ms, missed)
            beats.append((peer, beat))
        return beats

    def on_beat(self, now: Millis, beat: Beat) -> HeardBeat | None:
        """The beat's meaning; None when it is a replay, of an older incarnation, or our own."""
        if beat.sender == self._node:
            return None
        incarnation, sequence = self._newest.get(beat.sender, (NO_INCARNATION, 0))
        is_older = beat.incarnation.counter < incarnation.counter
        is_replay = beat.incarnation == incarnation and beat.sequence <= sequence
        if is_older or is_replay:
            self.dropped += 1
            return None
        self._newest[beat.sender] = (beat.incarnation, beat.sequence)
        if beat.incarnation == incarnation:
            arrived = self._arrived[beat.sender] << min(beat.sequence - sequence, RECENT) | 1
            self._arrived[beat.sender] = arrived & _ALL
        else:
            self._arrived[beat.sender] = _ALL
        echoed = None
        if beat.echo_incarnation == self._incarnation:
            echoed = self._sent_ms.get(beat.echo)
            if beat.missed > MISSED_MAX:
                self._hurry_until_ms = now + HURRY_MS
        missed = self._missed_of(beat.sender)
        return HeardBeat(beat.sender, beat.incarnation, beat.sequence, echoed, now, beat.content, beat.wall_ms, missed)

    def _missed_of(self, peer: NodeId) -> int:
        return RECENT - self._arrived.get(peer, _ALL).bit_count()

    def newest_from(self, peer: NodeId) -> tuple[Incarnation, int]:
        """The newest beat heard from a peer; messages to it name this."""
        return self._newest.get(peer, (NO_INCARNATION, 0))

    def sent_ms(self, sequence: int) -> Millis | None:
        """When this node sent that beat; None when it is too long ago or was never sent."""
        return self._sent_ms.get(sequence)
