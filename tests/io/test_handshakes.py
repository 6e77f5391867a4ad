"""Connections that came to nothing are counted: those that said nothing, and those that said what is no ZeroMQ."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from hashelld.io.handshakes import MONITORED, Handshakes
from hashelld.limits import HANDSHAKE_MS
from tests.io.build import until


class Listening:
    """A socket that shells could connect to."""

    def __init__(self, path: Path, *, ignores_hung_up: bool) -> None:
        self.path = str(path)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.linger = 0
        self.router.set(zmq.HANDSHAKE_IVL, 100)
        self.monitor = self.router.get_monitor_socket(MONITORED)
        self.handshakes = Handshakes(self.monitor, ignores_hung_up=ignores_hung_up)
        self.router.bind(f"ipc://{self.path}")

    def told(self, now: int) -> list[bool]:
        return [is_begun for _, is_begun in self.handshakes.read(now)]

    def connect(self, data: bytes = b"") -> socket.socket:
        opened = socket.socket(socket.AF_UNIX)
        opened.connect(self.path)
        opened.sendall(data)
        return opened

    def close(self) -> None:
        self.router.disable_monitor()
        self.monitor.close()
        self.context.destroy(linger=0)


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    made = Listening(tmp_path / "s", ignores_hung_up=False)
    yield made
    made.close()


def test_a_sound_connection_is_not_broken(listening: Listening) -> None:
    dealer = listening.context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.connect(f"ipc://{listening.path}")
    dealer.send(b"x")
    until(lambda: listening.router.poll(0))
    listening.told(0)
    dealer.close()
    until(lambda: False in listening.told(HANDSHAKE_MS * 3))
    assert listening.handshakes.broken == 0


def test_who_says_nothing_is_broken(listening: Listening) -> None:
    with listening.connect():
        until(lambda: listening.told(0) == [False])
    until(lambda: listening.told(0) or listening.handshakes.broken == 1)


def test_who_says_what_is_no_zeromq_is_broken(listening: Listening) -> None:
    with listening.connect(b"\xff" + bytes(8) + b"\x7f\x03\x00NONSENSE" + os.urandom(200)):
        until(lambda: listening.told(0) or listening.handshakes.broken == 1)


def test_a_young_connection_is_given_time(listening: Listening) -> None:
    with listening.connect(b"\x01\x00"):  # As the oldest ZeroMQ begins: it is never told to have succeeded.
        until(lambda: listening.told(0) == [True])
        listening.told(HANDSHAKE_MS)
        assert listening.handshakes.broken == 0
        listening.told(HANDSHAKE_MS * 2)
        assert listening.handshakes.broken == 1


def test_who_only_looks_is_not_broken_where_that_is_usual(tmp_path: Path) -> None:
    looked = Listening(tmp_path / "t", ignores_hung_up=True)
    looked.connect().close()
    until(lambda: False in looked.told(0))
    assert looked.handshakes.broken == 0
    looked.close()
