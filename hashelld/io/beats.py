"""Heartbeats: a thread of their own with its own UDP sockets, so that a busy loop never makes a node look dead."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable
from typing import Final

from hashelld.config import DaemonConfig, NodeEntry
from hashelld.core.beating import Beating
from hashelld.core.events import BeatsHeard, Event, HeardBeat, PortRefused
from hashelld.io.clock import Clock
from hashelld.io.datagrams import FORMAT, dropped, hear_marks, receiver
from hashelld.io.keys import ClusterKey
from hashelld.io.privileges import raise_priority
from hashelld.limits import BEAT_MARK_BYTES, BEAT_TAG_BYTES, DATAGRAM_BYTES_MAX, DATAGRAMS_PER_TURN_MAX
from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.wire.codec import ProtocolError, decode_beat, encode_beat
from hashelld.wire.peer import Beat, BeatContent


PRIORITY: Final = 2

TWINS_BEHIND_MAX: Final = 2
"""Of several links one may be read so many beats after another."""
_TAG: Final = len(FORMAT) + BEAT_MARK_BYTES
_PAYLOAD: Final = _TAG + BEAT_TAG_BYTES
BUSY_REST_MS: Final = 5
"""The same while more arrives than peers can have to say."""
BEATS_AT_ONCE_MAX: Final = 8
"""What one peer may have to say in one rest: several beats, when its content changes."""
REST_MOST_MS: Final = 100
"""Beats wait in the socket for so long at most; at default timings they are taken when one's own are sent."""


def pack(beat: Beat, receiver: NodeId, key: ClusterKey) -> bytes:
    """The datagram of a beat to one peer."""
    payload = encode_beat(beat)
    return FORMAT + key.mark + key.tag(receiver, payload) + payload


def unpack(datagram: bytes, receiver: NodeId, keys: tuple[ClusterKey, ...]) -> tuple[Beat, int] | None:
    """The beat, and which key it was made with; None when it is not authentic or not ours."""
    if datagram[: len(FORMAT)] != FORMAT or len(datagram) > DATAGRAM_BYTES_MAX:
        return None
    mark, tag, payload = datagram[len(FORMAT) : _TAG], datagram[_TAG:_PAYLOAD], datagram[_PAYLOAD:]
    used = next((at for at, key in enumerate(keys) if key.mark == mark and key.fits(receiver, payload, tag)), None)
    if used is None:
        return None
    try:
        return decode_beat(payload), used
    except ProtocolError:
        return None


class _Peer:
    """What the thread keeps of one peer."""

    __slots__ = ("content", "entry", "heard_ms", "incarnation", "key", "link_heard_ms", "senders", "unreported")

    def __init__(self, entry: NodeEntry) -> None:
        self.entry = entry
        self.senders = [_sender(address, entry.port) for address in entry.addresses]
        self.heard_ms: Millis | None = None
        self.link_heard_ms: list[Millis] = [-1] * len(entry.addresses)
        self.incarnation: Incarnation | None = None
        self.content: BeatContent | None = None
        self.key = 0
        self.unreported: HeardBeat | None = None


class BeatThread:
    """Sends and hears beats. The methods may be called from the loop's thread."""

    def __init__(
        self,
        config: DaemonConfig,
        keys: tuple[ClusterKey, ...],
        incarnation: Incarnation,
        clock: Clock,
        report: Callable[[Event], None],
    ) -> None:
        self._config = config
        self._keys = keys
        self._clock = clock
        self._report = report
        self._lock = threading.Lock()
        self._beating = Beating(config.node, incarnation)
        self._content: BeatContent | None = None
        self._progress_ms = clock.now()
        self._send_ms = clock.now()
        self._received_ms: Millis = 0
        self._is_news = False
        self._cut_off_until_ms: Millis = 0
        self._forged = 0
        self._is_stopping = False
        self._is_busy = False
        marks = tuple(key.mark for key in keys)
        self._receivers = [receiver(address, config.own.port, marks) for address in config.own.addresses]
        self._peers = {entry.name: _Peer(entry) for entry in config.peers}
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="beats", daemon=True)

    def start(self) -> None:
        """Begin to hear; nothing is sent before `set_beat`."""
        self._thread.start()

    def set_beat(self, content: BeatContent) -> None:
        """From now on beats say this; a change is told soon, not at the next keepalive."""
        with self._lock:
            if content == self._content:
                return
            self._content = content
            self._send_ms = min(self._send_ms, self._clock.now() + self._config.keepalive_ms // 10)
        os.eventfd_write(self._wake, 1)

    def cut_off(self, until_ms: Millis) -> None:
        """Until then nothing is sent, and nothing heard."""
        self._cut_off_until_ms = until_ms

    def use(self, keys: tuple[ClusterKey, ...]) -> None:
        """From now on these keys are accepted, and the first one is said."""
        for opened in self._receivers:
            hear_marks(opened, tuple(key.mark for key in keys))
        with self._lock:
            for peer in self._peers.values():
                known = self._keys[peer.key]
                peer.key = keys.index(known) if known in keys else 0
            self._keys = keys

    def progress(self, now: Millis) -> None:
        """The loop has turned; when it does not for `deadtime`, no beat is sent."""
        self._progress_ms = now

    def newest_from(self, peer: NodeId) -> tuple[Incarnation, int]:
        """The newest beat heard from a peer; messages to it name this."""
        with self._lock:
            return self._beating.newest_from(peer)

    def sent_ms(self, sequence: int) -> Millis | None:
        """When this node sent that beat; None: too long ago, or never."""
        with self._lock:
            return self._beating.sent_ms(sequence)

    def key_of(self, peer: NodeId) -> int:
        """Which of the accepted keys is the peer's active one, as its newest beat tells."""
        return self._peers[peer].key

    def links_of(self, peer: NodeId) -> list[int]:
        """The peer's links, the most recently heard one first."""
        heard = self._peers[peer].link_heard_ms
        step_ms = self._config.warntime_ms
        return sorted(range(len(heard)), key=lambda link: (-(heard[link] // step_ms), link))

    @property
    def is_running(self) -> bool:
        """False when the thread has ended, by `close` or by a fault."""
        return self._thread.is_alive()

    @property
    def dropped(self) -> tuple[int, int]:
        """Datagrams that were not authentic, and beats that were replayed or older."""
        return self._forged, self._beating.dropped

    @property
    def unheard(self) -> int:
        """Datagrams that the kernel dropped: they did not begin like beats, or were more than a socket holds."""
        return sum(dropped(opened) for opened in self._receivers)

    def close(self) -> None:
        """End the thread and close its sockets."""
        self._is_stopping = True
        os.eventfd_write(self._wake, 1)
        if self._thread.ident is not None:
            self._thread.join()
        senders = [sender for peer in self._peers.values() for sender in peer.senders]
        for opened in (*self._receivers, *senders):
            opened.close()
        os.close(self._wake)

    def _run(self) -> None:
        if self._config.realtime:
            raise_priority(PRIORITY)  # The loop's thread meets the same refusal, and says so.
        resting, hearing = select.poll(), select.poll()
        rest_most_ms = min(self._config.keepalive_ms, REST_MOST_MS)
        for poll in (resting, hearing):
            poll.register(self._wake, select.POLLIN)
        for opened in self._receivers:
            hearing.register(opened, select.POLLIN)
        while not self._is_stopping:
            now = self._clock.now()
            rest_ms = min(self._send_ms, self._received_ms + (BUSY_REST_MS if self._is_busy else rest_most_ms)) - now
            poll, timeout_ms = (resting, rest_ms) if rest_ms > 0 else (hearing, max(0, self._send_ms - now))
            if any(handle == self._wake for handle, _ in poll.poll(timeout_ms)):
                os.eventfd_read(self._wake)
            now = self._clock.now()
            is_time = now >= self._send_ms
            if is_time or poll is hearing:
                self._receive_all(now)
            if is_time:
                self._send(now)
            if is_time or self._is_news:
                self._report_heard()

    def _send(self, now: Millis) -> None:
        with self._lock:
            pace_ms = self._beating.pace_ms(now, self._config.keepalive_ms)
            due = self._send_ms + pace_ms
            self._send_ms = due if due > now else now + pace_ms
            is_stuck = now - self._progress_ms > self._config.deadtime_ms
            if self._content is None or is_stuck or now < self._cut_off_until_ms:
                return
            beats = self._beating.next_beats(now, self._clock.wall_ms(), self._content, tuple(self._peers))
        for name, beat in beats:
            self._send_to(now, self._peers[name], beat)

    def _send_to(self, now: Millis, peer: _Peer, beat: Beat) -> None:
        datagram = pack(beat, peer.entry.name, self._keys[0])
        is_refused = False
        for sender, address in zip(peer.senders, peer.entry.addresses, strict=True):
            try:
                sender.send(datagram)
            except ConnectionRefusedError:
                # This is the answer to the beat before; the kernel has not sent the present one.
                is_refused = True
                _try_send(sender, datagram)
            except OSError:
                # No route, no buffer: the peer's silence tells enough. A route that came later needs a new start.
                _try_connect(sender, address, peer.entry.port)
        if is_refused:
            self._report(PortRefused(peer.entry.name, now))

    def _receive_all(self, now: Millis) -> None:
        """Take what has arrived, after a rest: every wake-up of an idle machine costs."""
        self._received_ms = now
        taken = max(self._receive(link) for link in range(len(self._receivers)))
        self._is_busy = taken > BEATS_AT_ONCE_MAX * len(self._peers)

    def _receive(self, link: int) -> int:
        """Take what has arrived on one link; how much that was."""
        opened = self._receivers[link]
        for taken in range(DATAGRAMS_PER_TURN_MAX):
            try:
                datagram = opened.recv(DATAGRAM_BYTES_MAX + 1)
            except BlockingIOError:
                return taken
            except OSError:
                continue
            self._on_datagram(self._clock.now(), link, datagram)
        return DATAGRAMS_PER_TURN_MAX

    def _on_datagram(self, now: Millis, link: int, datagram: bytes) -> None:
        if now < self._cut_off_until_ms:
            return
        keys = self._keys
        unpacked = unpack(datagram, self._config.node, keys)
        peer = self._peers.get(unpacked[0].sender) if unpacked is not None else None
        if unpacked is None or peer is None:
            self._forged += 1
            return
        beat, key = unpacked
        if link < len(peer.link_heard_ms):
            peer.link_heard_ms[link] = now
        with self._lock:
            incarnation, newest = self._beating.newest_from(beat.sender)
            is_recent = newest - TWINS_BEHIND_MAX <= beat.sequence <= newest
            # A second link brings the same beat again: no replay, and nothing new.
            is_twin = len(peer.senders) > 1 and beat.incarnation == incarnation and is_recent
            heard = None if is_twin else self._beating.on_beat(now, beat)
            if heard is not None and keys is self._keys:
                peer.key = key
        if heard is not None:
            self._note(now, peer, heard)

    def _note(self, now: Millis, peer: _Peer, heard: HeardBeat) -> None:
        self._is_news = self._is_news or (
            peer.heard_ms is None
            or now - peer.heard_ms >= self._config.warntime_ms
            or heard.incarnation != peer.incarnation
            or heard.content != peer.content
        )
        peer.heard_ms, peer.incarnation, peer.content = now, heard.incarnation, heard.content
        peer.unreported = heard

    def _report_heard(self) -> None:
        self._is_news = False
        beats = tuple(peer.unreported for peer in self._peers.values() if peer.unreported is not None)
        for peer in self._peers.values():
            peer.unreported = None
        if beats:
            self._report(BeatsHeard(beats))


def _sender(address: str, port: int) -> socket.socket:
    """A connected socket of its own for each address: only then the kernel tells that a port is refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    _try_connect(opened, address, port)
    return opened


def _try_connect(opened: socket.socket, address: str, port: int) -> None:
    try:
        opened.connect((address, port))
    except OSError:
        return  # No route yet; sending fails until there is one.


def _try_send(sender: socket.socket, datagram: bytes) -> None:
    try:
        sender.send(datagram)
    except OSError:
        return
