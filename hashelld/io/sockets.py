"""ZeroMQ between nodes: one ROUTER that hears all peers, one DEALER for each of a peer's links, CURVE on both."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import zmq
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from hashelld.config import DaemonConfig, NodeEntry
from hashelld.io.handshakes import MONITORED, Handshakes
from hashelld.io.keys import ClusterKey
from hashelld.limits import (
    CONNECT_MS,
    FLUSH_MS,
    HANDSHAKE_MS,
    MESSAGES_PER_TURN_MAX,
    PEER_RECEIVE_QUEUE_MAX,
    PEER_SEND_QUEUE_MAX,
    REBIND_TRIES,
    REBIND_WAIT_MS,
    RECONNECT_MS,
)
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.codec import FRAME_BYTES_MAX, FRAMES_MAX, ProtocolError, decode_envelope, encode_envelope
from hashelld.wire.peer import Envelope


ZAP_DOMAIN: Final = b"hashell"
_ZAP_ENDPOINT: Final = "inproc://zeromq.zap.01"
_CURVE_BYTES_MAX: Final = 256
"""What encryption adds to a frame, generously."""
_TCP_THIN_LINEAR_TIMEOUTS: Final = 16
"""Linux's, Python does not name it: six repetitions come evenly, about 200 ms apart."""
_TCP_RTO_MAX_MS: Final = 44
"""The same, since Linux 6.15: later ones are never further apart than this option says."""
_REPEATED_AFTER_MS: Final = 1_000
_LINK_MARK: Final = b"/"
"""Between node name and link in a routing id; no node name contains it."""

Context = zmq.Context[zmq.Socket[bytes]]
Opened = zmq.Socket[bytes]


class Gatekeeper:
    """Answers libzmq's question (ZAP) who may connect: exactly the owners of an accepted cluster key."""

    def __init__(self, context: Context, keys: tuple[ClusterKey, ...]) -> None:
        self.use(keys)
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(_ZAP_ENDPOINT)
        self.refused = 0

    def use(self, keys: tuple[ClusterKey, ...]) -> None:
        """From now on the owners of these keys may connect."""
        self._accepted = frozenset(z85.decode(key.curve_public) for key in keys)

    def on_ready(self) -> None:
        """Answer what was asked."""
        while True:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            request = frames[1] if len(frames) > 1 else b""
            is_known = len(frames) == 7 and frames[5] == b"CURVE" and frames[6] in self._accepted
            is_ours = is_known and frames[0] == b"1.0" and frames[2] == ZAP_DOMAIN
            self.refused += not is_ours
            verdict = (b"200", b"OK", b"cluster") if is_ours else (b"400", b"not a key of this cluster", b"")
            self.socket.send_multipart((b"1.0", request, *verdict, b""), zmq.NOBLOCK)

    def close(self) -> None:
        """Nobody else may connect."""
        self.socket.close()


def persist(handle: int) -> None:
    """Let TCP repeat what was lost evenly instead of ever more seldom, if this is (still) a connection of ours.

    Linux does so only under control of congestion that tells slow start from what comes after it, as Reno's does.
    """
    with suppress(OSError), socket.socket(fileno=os.dup(handle)) as opened:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
        opened.setsockopt(socket.IPPROTO_TCP, _TCP_THIN_LINEAR_TIMEOUTS, 1)
        opened.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, _REPEATED_AFTER_MS)


class _Link:
    """The way to one address of one peer, with the key that the peer's ROUTER has now."""

    def __init__(
        self, context: Context, config: DaemonConfig, peer: NodeEntry, link: int, keys: tuple[ClusterKey, ...]
    ) -> None:
        self._context = context
        self._config = config
        self._peer = peer
        self._link = link
        self._keys = keys
        self._key = 0
        self._socket = self._connect()
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_CONNECTED)

    def send(self, frames: list[bytes], key: int) -> bool:
        """Was it given to an established connection?"""
        if key != self._key:
            self._reconnect(key)
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def use(self, keys: tuple[ClusterKey, ...]) -> None:
        """Connect again, with the first of these keys as one's own."""
        self._keys = keys
        self._reconnect(0)

    def _reconnect(self, key: int) -> None:
        self.close(0)
        self._key = key
        self._socket = self._connect()
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_CONNECTED)

    def close(self, linger_ms: int) -> None:
        """What is queued may still leave for so long."""
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close(linger=linger_ms)

    def watch(self) -> None:
        """See to connections that began."""
        while True:
            try:
                event = recv_monitor_message(self._monitor, zmq.NOBLOCK)
            except zmq.Again:
                return
            persist(int(event["value"]))

    def _connect(self) -> Opened:
        opened = self._context.socket(zmq.DEALER)
        opened.set(zmq.ROUTING_ID, self._config.node.encode() + _LINK_MARK + str(self._link).encode())
        _harden(opened, self._config)
        opened.set(zmq.SNDHWM, PEER_SEND_QUEUE_MAX)
        opened.set(zmq.RCVHWM, 1)
        opened.set(zmq.IMMEDIATE, 1)
        opened.set(zmq.RECONNECT_IVL, RECONNECT_MS)
        opened.set(zmq.CONNECT_TIMEOUT, CONNECT_MS)
        # A connection that a partition has broken must be dropped early: TCP itself would try it again only after
        # seconds when the network is whole again. One that loses frames must not be dropped: making another loses
        # more. The other end drops it when no ping came for the last of these.
        opened.set(zmq.HEARTBEAT_IVL, self._config.deadtime_ms)
        opened.set(zmq.HEARTBEAT_TIMEOUT, 8 * self._config.deadtime_ms)
        opened.set(zmq.HEARTBEAT_TTL, 9 * self._config.deadtime_ms)
        opened.curve_secretkey = self._keys[0].curve_secret
        opened.curve_publickey = self._keys[0].curve_public
        opened.curve_serverkey = self._keys[self._key].curve_public
        opened.connect(_endpoint(self._peer.addresses[self._link], self._peer.port))
        return opened


class PeerSockets:
    """Messages to and from the other nodes. A message that cannot leave now is dropped: no peer gets stale ones."""

    def __init__(self, context: Context, config: DaemonConfig, keys: tuple[ClusterKey, ...]) -> None:
        self.dropped = 0
        """Messages that were no messages, or did not come from whom they named."""
        self.unsent = 0
        self._context = context
        self._config = config
        self._links: dict[NodeId, list[_Link]] = {}
        self._broken = 0
        self._listen(keys, tries=1)
        for peer in config.peers:
            links = range(len(peer.addresses))
            self._links[peer.name] = [_Link(context, config, peer, link, keys) for link in links]

    def _listen(self, keys: tuple[ClusterKey, ...], *, tries: int) -> None:
        router = self._context.socket(zmq.ROUTER)
        _harden(router, self._config)
        router.set(zmq.RCVHWM, PEER_RECEIVE_QUEUE_MAX)
        router.set(zmq.SNDHWM, 1)
        # A peer that comes back takes the place of its old connection, which may look alive for a while.
        router.set(zmq.ROUTER_HANDOVER, 1)
        router.set(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        router.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        router.curve_server = True
        router.curve_secretkey = keys[0].curve_secret
        try:
            for endpoint in self._endpoints():
                _bind(router, endpoint, tries)
        except zmq.ZMQError:
            router.close()
            raise
        self._router = router
        self._monitor = router.get_monitor_socket(MONITORED)
        self._handshakes = Handshakes(self._monitor)

    def _endpoints(self) -> list[str]:
        return [_endpoint(address, self._config.own.port) for address in self._config.own.addresses]

    def use(self, keys: tuple[ClusterKey, ...]) -> None:
        """From now on these keys. Every connection ends; owners of one of these are back in a moment.

        `socket` and `monitor` are other ones then. `zmq.ZMQError` when the addresses cannot be had again.
        """
        for endpoint in self._endpoints():
            self._router.unbind(endpoint)
        self._broken += self._handshakes.broken
        self._router.disable_monitor()
        self._monitor.close()
        self._router.close(linger=0)
        self._listen(keys, tries=REBIND_TRIES)
        for links in self._links.values():
            for link in links:
                link.use(keys)

    @property
    def socket(self) -> Opened:
        """For the poller."""
        return self._router

    @property
    def monitor(self) -> Opened:
        """For the poller: readable when a connection began or ended."""
        return self._monitor

    @property
    def broken_handshakes(self) -> int:
        """Connections that said nothing, or what is no ZeroMQ with encryption."""
        return self._broken + self._handshakes.broken

    def watch(self, now: Millis) -> None:
        """Hear of connections that began and ended; to be called when `monitor` can be read, and now and then."""
        for handle, has_begun in self._handshakes.read(now):
            if has_begun:
                persist(handle)
        for links in self._links.values():
            for link in links:
                link.watch()

    def is_known(self, peer: NodeId) -> bool:
        """Does hashelld.toml tell where this node is?"""
        return peer in self._links

    def send(self, envelope: Envelope, links: list[int], key: int) -> None:
        """Give the message to the first of the peer's links that is up; `key` is the peer's active one."""
        try:
            frames = _cut(encode_envelope(envelope))
        except ProtocolError:
            self.unsent += 1
            return
        ways = self._links[envelope.receiver]
        if not any(ways[link].send(frames, key) for link in links):
            self.unsent += 1

    def receive(self) -> Iterator[Envelope]:
        """The authentic messages that are there, a bounded number at once."""
        for _ in range(MESSAGES_PER_TURN_MAX):
            try:
                frames = self._router.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            envelope = _joined(frames)
            if envelope is None:
                self.dropped += 1
            else:
                yield envelope

    def close(self) -> None:
        """Let what is queued leave for a moment, and close."""
        self._router.disable_monitor()
        self._monitor.close()
        self._router.close(linger=0)
        for links in self._links.values():
            for link in links:
                link.close(FLUSH_MS)


def _bind(opened: Opened, endpoint: str, tries: int) -> None:
    """libzmq ends a listener in a thread of its own: its address is free only some milliseconds later."""
    for left in range(tries - 1, -1, -1):
        try:
            opened.bind(endpoint)
        except zmq.ZMQError:
            if not left:
                raise
            select.poll().poll(REBIND_WAIT_MS)
        else:
            return


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + FRAME_BYTES_MAX] for at in range(0, len(data), FRAME_BYTES_MAX)]


def _joined(frames: list[bytes]) -> Envelope | None:
    """The message of these frames; None unless its sender is the owner of the connection."""
    if not 2 <= len(frames) <= FRAMES_MAX:
        return None
    try:
        envelope = decode_envelope(b"".join(frames[1:]))
        is_own = frames[0].rpartition(_LINK_MARK)[0].decode() == envelope.sender
    except (ProtocolError, UnicodeDecodeError):
        return None
    return envelope if is_own else None


def _harden(opened: Opened, config: DaemonConfig) -> None:
    opened.set(zmq.LINGER, 0)
    opened.set(zmq.MAXMSGSIZE, FRAME_BYTES_MAX + _CURVE_BYTES_MAX)
    opened.set(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    opened.set(zmq.IPV6, any(":" in address for entry in config.nodes for address in entry.addresses))


def _endpoint(address: str, port: int) -> str:
    return f"tcp://[{address}]:{port}" if ":" in address else f"tcp://{address}:{port}"
