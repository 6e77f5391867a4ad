"""Who is there: presence of peers, judged by beats. Everything that changes presence is here (DESIGN.md 3.1, 3.2)."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.core.beating import MISSED_MAX
from hashelld.core.events import HeardBeat
from hashelld.core.settings import Settings
from hashelld.model.ids import NO_INCARNATION, Incarnation, Millis, NodeId
from hashelld.wire.peer import BeatContent


MESSAGES_STILL_FACTOR: Final = 4
"""A peer whose beats flow while its messages stand still for so many deadtimes is not heard."""
LOSSY_STILL_FACTOR: Final = 50
"""The same where many of its beats are lost: there TCP is slow, and not for a fault of the peer's."""
REFUSALS_APART_MS: Final = 1_000
"""A Linux kernel tells one address of its refusals no more often than that (net.ipv4.icmp_ratelimit)."""


class Presence(Enum):
    """What membership believes of a peer."""

    NEVER = "never"  # Not heard since this daemon started.
    ALIVE = "alive"
    SUSPECT = "suspect"  # Silent for warntime.
    SILENT = "silent"  # Not heard, but its host answers for it: its daemon may come back.
    LOST = "lost"


class PresenceChanged(msgspec.Struct, frozen=True):
    """A peer's presence is another, or it is a new incarnation."""

    peer: NodeId
    before: Presence
    after: Presence
    is_new_incarnation: bool = False


class _Peer:
    __slots__ = (
        "content",
        "expected_ms",
        "heard_ms",
        "incarnation",
        "is_still",
        "lossy_ms",
        "message_ms",
        "presence",
        "refused_ms",
        "since_ms",
        "wall_offset_ms",
    )

    def __init__(self, now: Millis) -> None:
        self.presence = Presence.NEVER
        self.incarnation = NO_INCARNATION
        self.content: BeatContent | None = None
        self.heard_ms: Millis | None = None
        """When the newest beat arrived that proved hearing in both directions."""
        self.refused_ms: Millis | None = None
        self.message_ms: Millis = now
        self.is_still = False
        """Its beats flow and its messages do not: not heard until one arrives."""
        self.lossy_ms: Millis | None = None
        """When many of its newest beats were lost on their way here."""
        self.expected_ms: Millis | None = None
        """Since when this node expects messages of the peer regularly; None: it does not."""
        self.since_ms: Millis = now
        """Since when the presence is what it is."""
        self.wall_offset_ms: int | None = None
        """Its wall clock minus this node's CLOCK_BOOTTIME, by its newest beat."""


class Membership:
    """One node's view of its peers. Feed it beats and time; carry out what it returns."""

    def __init__(self, settings: Settings, peers: tuple[NodeId, ...], now: Millis) -> None:
        self._settings = settings
        self._peers = {peer: _Peer(now) for peer in peers}
        self._quorate_dc_ms: Millis | None = None
        self.has_news = False
        """A beat said something new since this was last set to False."""

    @property
    def peers(self) -> tuple[NodeId, ...]:
        """Every peer of hashelld.toml."""
        return tuple(self._peers)

    @property
    def heard(self) -> frozenset[NodeId]:
        """The peers that are heard, both ways."""
        return frozenset(name for name, peer in self._peers.items() if _is_heard(peer))

    @property
    def quorate_dc_ms(self) -> Millis | None:
        """When a beat of a quorate DC was last heard; None: never."""
        return self._quorate_dc_ms

    @property
    def still(self) -> frozenset[NodeId]:
        """The peers that count as lost because their messages stand still."""
        return frozenset(name for name, peer in self._peers.items() if peer.is_still)

    def is_heard(self, peer: NodeId) -> bool:
        """Is the peer heard, both ways?"""
        found = self._peers.get(peer)
        return found is not None and _is_heard(found)

    def presence(self, peer: NodeId) -> Presence:
        """What is believed of a peer; an unknown one was never heard."""
        found = self._peers.get(peer)
        return found.presence if found is not None else Presence.NEVER

    def since_ms(self, peer: NodeId) -> Millis:
        """Since when its presence is what it is; of one that hashelld.toml does not name, since ever."""
        found = self._peers.get(peer)
        return found.since_ms if found is not None else 0

    def heard_ms(self, peer: NodeId) -> Millis | None:
        """When it was last heard."""
        return self._peers[peer].heard_ms

    def wall_offset_ms(self, peer: NodeId) -> int | None:
        """Its wall clock minus this node's CLOCK_BOOTTIME; None when it is not heard."""
        return self._peers[peer].wall_offset_ms if self.is_heard(peer) else None

    def incarnation(self, peer: NodeId) -> Incarnation:
        """The newest incarnation heard."""
        found = self._peers.get(peer)
        return found.incarnation if found is not None else NO_INCARNATION

    def content(self, peer: NodeId) -> BeatContent | None:
        """What its newest beat said; None when it was never heard."""
        found = self._peers.get(peer)
        return found.content if found is not None else None

    def quorate_dc(self) -> NodeId | None:
        """The heard peer that says it is DC and holds a quorum; of several the one of the highest epoch."""
        found = [
            (peer.content.promised, name)
            for name, peer in self._peers.items()
            if _is_heard(peer) and peer.content is not None and peer.content.is_quorate_dc
        ]
        return max(found)[1] if found else None

    def on_beat(self, now: Millis, beat: HeardBeat) -> list[PresenceChanged]:
        """A beat. One that echoes no recent beat of ours proves that the peer lives, not that it hears us."""
        peer = self._peers.get(beat.sender)
        if peer is None or beat.incarnation.counter < peer.incarnation.counter:
            return []
        is_new = beat.incarnation != peer.incarnation
        if is_new:
            peer.incarnation, peer.message_ms, peer.is_still = beat.incarnation, now, False
            peer.expected_ms = now if peer.expected_ms is not None else None
            peer.refused_ms = now  # Its daemon is back: restart_grace, not silence, judges it now.
        self.has_news = self.has_news or is_new or peer.content != beat.content
        peer.content = beat.content
        if beat.missed > MISSED_MAX:
            peer.lossy_ms = now
        is_fresh = now - beat.at_ms < self._settings.deadtime_ms
        is_echo_fresh = beat.echoed_ms is not None and now - beat.echoed_ms < self._settings.deadtime_ms
        if not (is_fresh and is_echo_fresh):
            if not is_new:
                return []
            peer.heard_ms = now  # It lives, whatever became of its earlier incarnation.
            return self._moved(now, beat.sender, peer, Presence.SILENT, is_new=True)
        peer.heard_ms, peer.refused_ms = beat.at_ms, None
        peer.wall_offset_ms = beat.wall_ms - beat.at_ms
        if beat.content.is_quorate_dc:
            self._quorate_dc_ms = beat.at_ms
        return self._judge(now, beat.sender, peer, is_new=is_new)

    def on_refused(self, now: Millis, peer: NodeId) -> None:
        """The peer's kernel answered that no daemon listens."""
        found = self._peers.get(peer)
        if found is not None:
            found.refused_ms = now

    def on_message(self, now: Millis, peer: NodeId) -> None:
        """A message of the peer was accepted."""
        found = self._peers.get(peer)
        if found is not None:
            found.message_ms, found.is_still = now, False

    def expect_messages(self, now: Millis, peers: frozenset[NodeId]) -> None:
        """From now on these peers, and no others, are expected to send messages regularly."""
        for name, peer in self._peers.items():
            if name not in peers:
                peer.expected_ms = None
            elif peer.expected_ms is None:
                peer.expected_ms = now

    def on_gap(self, now: Millis) -> list[PresenceChanged]:
        """This node did not run for a while: nobody is heard until fresh beats prove it, nobody is lost yet."""
        changes = []
        self._quorate_dc_ms = now if self._quorate_dc_ms is not None else None
        for name, peer in self._peers.items():
            peer.message_ms = now
            if peer.expected_ms is not None:
                peer.expected_ms = now
            if _is_heard(peer):
                peer.heard_ms = now
                changes += self._moved(now, name, peer, Presence.SILENT)
        return changes

    def on_time(self, now: Millis) -> list[PresenceChanged]:
        """Judge everybody by the time that passed."""
        return [change for name, peer in self._peers.items() for change in self._judge(now, name, peer)]

    def deadline(self) -> Millis | None:
        """When somebody's presence may change without a beat."""
        moments = [m for peer in self._peers.values() for m in self._moments(peer)]
        return min(moments, default=None)

    def _moments(self, peer: _Peer) -> list[Millis]:
        settings = self._settings
        if peer.heard_ms is None or peer.presence in (Presence.LOST, Presence.NEVER):
            return []
        if peer.presence is Presence.SILENT:
            return [self._lost_ms(peer)]
        step = settings.warntime_ms if peer.presence is Presence.ALIVE else settings.deadtime_ms
        moments = [peer.heard_ms + step]
        if peer.expected_ms is not None:
            moments.append(self._still_ms(peer))
        return moments

    def _still_ms(self, peer: _Peer) -> Millis:
        deadtime_ms = self._settings.deadtime_ms
        since_ms = max(peer.message_ms, peer.expected_ms or 0)
        if peer.lossy_ms is None or peer.lossy_ms < since_ms:
            return since_ms + MESSAGES_STILL_FACTOR * deadtime_ms
        return min(peer.lossy_ms + MESSAGES_STILL_FACTOR * deadtime_ms, since_ms + LOSSY_STILL_FACTOR * deadtime_ms)

    def _lost_ms(self, peer: _Peer) -> Millis:
        """When silence makes it lost: a host that answers for its daemon gets restart_grace."""
        assert peer.heard_ms is not None
        settings = self._settings
        if peer.refused_ms is None:
            return peer.heard_ms + settings.deadtime_ms
        refusing = peer.refused_ms + REFUSALS_APART_MS + settings.deadtime_ms
        answering = min(refusing, peer.heard_ms + settings.restart_grace_ms)
        return max(peer.heard_ms + settings.deadtime_ms, answering)

    def _judge(self, now: Millis, name: NodeId, peer: _Peer, *, is_new: bool = False) -> list[PresenceChanged]:
        if peer.heard_ms is None:
            return []
        silence_ms = now - peer.heard_ms
        if silence_ms >= self._settings.deadtime_ms:
            after = Presence.LOST if now >= self._lost_ms(peer) else Presence.SILENT
            if peer.presence is Presence.LOST:
                after = Presence.LOST
        elif peer.is_still or (peer.expected_ms is not None and now >= self._still_ms(peer)):
            after, peer.is_still = Presence.LOST, True
        elif peer.presence is Presence.SILENT and peer.heard_ms <= peer.since_ms and not is_new:
            return []  # Still waiting for a first fresh beat after a gap.
        else:
            after = Presence.ALIVE if silence_ms < self._settings.warntime_ms else Presence.SUSPECT
        if after is peer.presence and not is_new:
            return []
        return self._moved(now, name, peer, after, is_new=is_new)

    @staticmethod
    def _moved(
        now: Millis, name: NodeId, peer: _Peer, after: Presence, *, is_new: bool = False
    ) -> list[PresenceChanged]:
        before, peer.presence = peer.presence, after
        if before is not after or is_new:
            peer.since_ms = now
        return [PresenceChanged(name, before, after, is_new)]


def _is_heard(peer: _Peer) -> bool:
    return peer.presence in (Presence.ALIVE, Presence.SUSPECT)
