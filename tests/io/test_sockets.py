"""Messages over real CURVE connections: only owners of the key, only under their own name, cut and joined."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from hashelld.config import DaemonConfig
from hashelld.io.keys import ClusterKey
from hashelld.io.sockets import Context, Gatekeeper, PeerSockets, persist
from hashelld.wire.codec import FRAME_BYTES_MAX, FRAMES_MAX, encode_envelope
from hashelld.wire.peer import Envelope, Picture
from tests.io.build import KEY, KEYS, OTHER_KEY, configs, envelope, until


class Node:
    """One node's sockets in a context of their own, as in a process of its own."""

    def __init__(self, config: DaemonConfig, keys: tuple[ClusterKey, ...] = KEYS) -> None:
        self.context: Context = zmq.Context()
        self.gatekeeper = Gatekeeper(self.context, keys)
        self.sockets = PeerSockets(self.context, config, keys)
        self.heard: list[Envelope] = []

    def look(self) -> list[Envelope]:
        self.gatekeeper.on_ready()
        self.heard.extend(self.sockets.receive())
        return self.heard

    def close(self) -> None:
        self.sockets.close()
        self.gatekeeper.close()
        self.context.term()


def exchange(one: Node, two: Node, sent: Envelope, *, links: int = 1, key: int = 0) -> None:
    """Send until it arrives: before the handshake is over nothing can leave."""

    def arrived() -> bool:
        one.sockets.send(sent, list(range(links)), key)
        one.look()
        return sent in two.look()

    until(arrived)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node, DaemonConfig]]:
    one_config, two_config = configs(tmp_path, ("a", "b"))
    one, two = Node(one_config), Node(two_config)
    yield one, two, two_config
    one.close()
    two.close()


def stranger(config: DaemonConfig, name: bytes, key: ClusterKey | None) -> tuple[Context, zmq.Socket[bytes]]:
    """A connection to a node's ROUTER from outside, with a key or with none."""
    context: Context = zmq.Context()
    opened = context.socket(zmq.DEALER)
    opened.linger = 0
    opened.set(zmq.ROUTING_ID, name)
    if key is not None:
        opened.curve_secretkey, opened.curve_publickey = key.curve_secret, key.curve_public
        opened.curve_serverkey = KEY.curve_public
    opened.connect(f"tcp://127.0.0.1:{config.own.port}")
    return context, opened


def test_messages_arrive(pair: tuple[Node, Node, DaemonConfig]) -> None:
    one, two, _ = pair
    exchange(one, two, envelope("a", "b"))
    exchange(two, one, envelope("b", "a"))
    assert (one.gatekeeper.refused, one.sockets.dropped) == (0, 0)
    assert one.sockets.is_known(envelope("b", "b").receiver)
    assert not one.sockets.is_known(envelope("b", "c").receiver)


def test_long_messages_are_cut_and_joined(pair: tuple[Node, Node, DaemonConfig]) -> None:
    one, two, _ = pair
    exchange(one, two, envelope("a", "b", body=Picture(bytes(range(256)) * 12_000, b"plan")))
    unsent = one.sockets.unsent
    one.sockets.send(envelope("a", "b", body=Picture(bytes(FRAME_BYTES_MAX * FRAMES_MAX), b"")), [0], 0)
    assert one.sockets.unsent == unsent + 1


def test_without_a_connection_nothing_is_queued(tmp_path: Path) -> None:
    one_config, two_config = configs(tmp_path, ("a", "b"))
    one = Node(one_config)
    for sequence in range(10):
        one.sockets.send(envelope("a", "b", sequence), [0], 0)
    assert one.sockets.unsent == 10
    two = Node(two_config)
    exchange(one, two, envelope("a", "b", 99))
    assert {heard.sequence for heard in two.heard} == {99}
    one.close()
    two.close()


def test_a_restarted_peer_is_reached_again(pair: tuple[Node, Node, DaemonConfig]) -> None:
    one, two, config = pair
    exchange(one, two, envelope("a", "b", 1))
    two.close()
    again = Node(config)
    exchange(one, again, envelope("a", "b", 2))
    exchange(again, one, envelope("b", "a", 3))
    again.close()
    two.context = zmq.Context()
    two.gatekeeper = Gatekeeper(two.context, KEYS)
    two.sockets = PeerSockets(two.context, config, KEYS)


@pytest.mark.parametrize("key", [OTHER_KEY, None])
def test_strangers_get_nothing_in(pair: tuple[Node, Node, DaemonConfig], key: ClusterKey | None) -> None:
    one, two, config = pair
    context, opened = stranger(config, b"a/0", key)
    opened.send(encode_envelope(envelope("a", "b", 666)))
    exchange(one, two, envelope("a", "b", 1))
    if key is not None:
        until(lambda: two.look() and two.gatekeeper.refused > 0)
    assert 666 not in {heard.sequence for heard in two.heard}
    context.destroy(linger=0)


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        (b"c/0", [encode_envelope(envelope("a", "b", 666))]),
        (b"a", [encode_envelope(envelope("a", "b", 666))]),
        (b"\xff/0", [encode_envelope(envelope("a", "b", 666))]),
        (b"c/0", [b"garbage"]),
        (b"c/0", [b""] * FRAMES_MAX),
        (b"c/0", []),
    ],
)
def test_a_key_owner_may_speak_only_for_itself(
    pair: tuple[Node, Node, DaemonConfig], name: bytes, frames: list[bytes]
) -> None:
    _, two, config = pair
    context, opened = stranger(config, name, KEY)
    opened.send_multipart(frames or [b""])
    until(lambda: two.look() or two.sockets.dropped == 1)
    assert two.heard == []
    context.destroy(linger=0)


def test_keys_roll_over(tmp_path: Path) -> None:
    one_config, two_config = configs(tmp_path, ("a", "b"))
    one, two = Node(one_config, (KEY, OTHER_KEY)), Node(two_config, (OTHER_KEY, KEY))
    exchange(one, two, envelope("a", "b"), key=1)
    exchange(two, one, envelope("b", "a"), key=1)
    one.close()
    two.close()


def test_a_second_link_takes_over(tmp_path: Path) -> None:
    one_config, two_config = configs(tmp_path, ("a", "b"), links=2)
    one, two = Node(one_config), Node(two_config)
    exchange(one, two, envelope("a", "b", 1), links=2)
    one.sockets.send(envelope("a", "b", 2), [1, 0], 0)
    until(lambda: two.look()[-1].sequence == 2)
    one.close()
    two.close()


def test_raw_rubbish_on_the_port_harms_nobody(pair: tuple[Node, Node, DaemonConfig]) -> None:
    one, two, config = pair
    opened = []
    for rubbish in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 64, b"\xff\0\0\0\0\0\0\0\x01\x7f" + b"\xff" * 100):
        raw = socket.create_connection(("127.0.0.1", config.own.port))
        raw.sendall(rubbish)
        opened.append(raw)
    exchange(one, two, envelope("a", "b"))
    for raw in opened:
        raw.close()


TCP_THIN_LINEAR_TIMEOUTS = 16


def persistent() -> int:
    """How many connections of this process repeat lost segments evenly."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as opened:
            control = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")
            found += control == b"reno" and opened.getsockopt(socket.IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS) == 1
    return found


def test_lost_segments_of_every_connection_are_repeated_evenly(pair: tuple[Node, Node, DaemonConfig]) -> None:
    one, two, _ = pair
    exchange(one, two, envelope("a", "b"))
    exchange(two, one, envelope("b", "a"))

    def are_both_ends_of_both() -> bool:
        for node in (one, two):
            node.sockets.watch(0)
        return persistent() == 4

    until(are_both_ends_of_both)


def test_what_is_no_connection_is_left_alone() -> None:
    reader, writer = os.pipe()
    persist(reader)
    os.close(reader)
    os.close(writer)
    persist(reader)
