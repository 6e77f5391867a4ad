"""The beats' sequence numbers, echoes and replay check; pure, so that thread and simulator share it."""

from __future__ import annotations

from typing import Final

from hashelld.core.events import HeardBeat
from hashelld.model.ids import NO_INCARNATION, Incarnation, Millis, NodeId
from hashelld.wire.peer import Beat, BeatContent


SENT_KEPT_MAX: Final = 1024
"""Sent beats whose moment is remembered; an echo of an older one proves nothing."""


class Beating:
    """One node's beats: what to send to a peer now, and what a beat that arrived means."""

    def __init__(self, node: NodeId, incarnation: Incarnation) -> None:
        self._node = node
        self._incarnation = incarnation
        self._sequence = 0
        self._sent_ms: dict[int, Millis] = {}
        self._newest: dict[NodeId, tuple[Incarnation, int]] = {}
        self.dropped = 0

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
            beat = Beat(self._node, self._incarnation, self._sequence, incarnation, echo, content, wall_ms)
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
        echoed = self._sent_ms.get(beat.echo) if beat.echo_incarnation == self._incarnation else None
        return HeardBeat(beat.sender, beat.incarnation, beat.sequence, echoed, now, beat.content, beat.wall_ms)

    def newest_from(self, peer: NodeId) -> tuple[Incarnation, int]:
        """The newest beat heard from a peer; messages to it name this."""
        return self._newest.get(peer, (NO_INCARNATION, 0))

    def sent_ms(self, sequence: int) -> Millis | None:
        """When this node sent that beat; None when it is too long ago or was never sent."""
        return self._sent_ms.get(sequence)
