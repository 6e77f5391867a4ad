"""Junk for every socket of a daemon, by a seed: what it is made of, and how it is thrown."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import zmq

from hashelld.core.beating import Beating
from hashelld.io.beats import pack
from hashelld.io.datagrams import FORMAT
from hashelld.io.keys import ClusterKey, derive
from hashelld.limits import BEAT_MARK_BYTES, DEFAULT_PORT
from hashelld.model.ids import Incarnation, NodeId
from hashelld.wire.client import PROTOCOL, Ask, GetStatus
from hashelld.wire.codec import FRAME_BYTES_MAX, encode_ask, encode_envelope
from tests.io.build import content, envelope


GREETING: Final = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
BOMBS: Final = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x91" * 100_000,
    b"\x81" * 100_000,
    b"BZh91AY&SY" + bytes(200),
    b"\x1f\x8b\x08" + bytes(200),
)
"""Messages that announce or unfold to more than they are."""
HALF_OPEN_MAX: Final = 64
OWNERS: Final = 4
"""Connections of somebody who has the cluster's key."""


def rss_kib(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


class Attacker:
    """Everybody who may reach a daemon: with the network only, with a key, or with a shell of one's own."""

    def __init__(self, address: str, ipc: Path, key: ClusterKey, peer: str, target: str, seed: int) -> None:
        self._random = random.Random(seed)
        self._address = address
        self._ipc = str(ipc)
        self._key = key
        self._peer = peer
        self._target = target
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._half_open: list[socket.socket] = []
        self._owners: dict[bytes, zmq.Socket[bytes]] = {}
        self._dealers: list[zmq.Socket[bytes]] = []
        old = Beating(NodeId(peer), Incarnation(0, "old"))
        ((_, beat),) = old.next_beats(0, 0, content(), (NodeId(target),))
        self._replay = pack(beat, NodeId(target), key)

    def __enter__(self) -> Attacker:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (*self._half_open, self._udp):
            opened.close()
        self._context.destroy(linger=0)

    def throw(self, span_s: float) -> dict[str, int]:
        """Everything in a random order, for so long; how often each was thrown."""
        ways: tuple[Callable[[], None], ...] = (
            self.random_datagram,
            self.replayed_beat,
            self.random_connection,
            self.half_open_connection,
            self.stranger,
            self.owner_of_the_key,
            self.random_client,
            self.shell_without_sense,
        )
        thrown: dict[str, int] = {}
        end = time.monotonic() + span_s
        while time.monotonic() < end:
            way = self._random.choice(ways)
            with suppress(OSError, zmq.ZMQError):
                way()
            thrown[way.__name__] = thrown.get(way.__name__, 0) + 1
        return thrown

    def _junk(self, most: int) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 17, 64, 4_000, most)))

    def random_datagram(self) -> None:
        """Random bytes, some of which begin like a beat."""
        head = self._random.choice((b"", FORMAT, FORMAT + bytes(BEAT_MARK_BYTES), FORMAT + self._key.mark))
        for _ in range(20):
            self._udp.sendto(head + self._junk(60_000), (self._address, DEFAULT_PORT))

    def replayed_beat(self) -> None:
        """An authentic beat of a daemon that is no more."""
        for _ in range(20):
            self._udp.sendto(self._replay, (self._address, DEFAULT_PORT))

    def random_connection(self) -> None:
        """What is no ZeroMQ, or begins like it."""
        with socket.create_connection((self._address, DEFAULT_PORT), 1) as opened:
            opened.sendall(self._random.choice((b"", GREETING, GREETING[:12])) + self._junk(200_000))

    def half_open_connection(self) -> None:
        """Connect and say nothing, or too little."""
        opened = socket.create_connection((self._address, DEFAULT_PORT), 1)
        opened.sendall(GREETING[: self._random.randrange(len(GREETING))])
        self._half_open.append(opened)
        if len(self._half_open) > HALF_OPEN_MAX:
            self._half_open.pop(0).close()

    def stranger(self) -> None:
        """ZeroMQ with a key that nobody knows."""
        dealer = self._kept(self._dealer(derive(self._random.randbytes(32)), b"nobody/0"))
        dealer.send(self._junk(4_000), zmq.NOBLOCK)

    def connect_as(self, key: ClusterKey) -> None:
        """ZeroMQ with this key, whoever has it."""
        self._kept(self._dealer(key, b"nobody/0"))

    def owner_of_the_key(self) -> None:
        """With the cluster's key: what is no message, is another's, is too long, or comes again and again."""
        name = b"mallory/%d" % self._random.randrange(OWNERS)
        if name not in self._owners:
            self._owners[name] = self._dealer(self._key, name)
        dealer = self._owners[name]
        stale = encode_envelope(envelope(self._peer, self._target))
        for frames in ([self._junk(4_000)], [stale], [self._random.choice(BOMBS)], [b"x"] * 40, [bytes(2_000_000)]):
            dealer.send_multipart(frames, zmq.NOBLOCK)

    def _dealer(self, key: ClusterKey, name: bytes) -> zmq.Socket[bytes]:
        dealer = self._context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.set(zmq.ROUTING_ID, name)
        dealer.curve_secretkey, dealer.curve_publickey = key.curve_secret, key.curve_public
        dealer.curve_serverkey = self._key.curve_public
        dealer.connect(f"tcp://{self._address}:{DEFAULT_PORT}")
        return dealer

    def _kept(self, dealer: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
        self._dealers.append(dealer)
        if len(self._dealers) > 16:
            self._dealers.pop(0).close()
        return dealer

    def random_client(self) -> None:
        """What is no ZeroMQ on the shell's socket."""
        with socket.socket(socket.AF_UNIX) as opened:
            opened.connect(self._ipc)
            opened.sendall(self._random.choice((b"", GREETING, b"\x01\x00")) + self._junk(100_000))

    def shell_without_sense(self) -> None:
        """A shell that asks for nothing that can be asked, and never reads what it is told."""
        dealer = self._context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.connect(f"ipc://{self._ipc}")
        self._kept(dealer)
        sound = encode_ask(Ask(PROTOCOL, 1, GetStatus()))
        frames = (self._junk(4_000), self._random.choice(BOMBS), sound[: len(sound) // 2], bytes(FRAME_BYTES_MAX + 1))
        for frame in (*frames, *([sound] * 5)):
            dealer.send(frame, zmq.NOBLOCK)
        dealer.send_multipart([b"a", b"b", b"c"], zmq.NOBLOCK)


def span_s() -> float:
    """How long to throw: HASHELL_HOSTILE_SECONDS, or a few seconds."""
    return float(os.environ.get("HASHELL_HOSTILE_SECONDS", "4"))
