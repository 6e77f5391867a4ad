"""A live daemon for one command: ZeroMQ's protocol (ZMTP 3.0) spoken on the socket itself, without libzmq.

To load and start libzmq costs more processor time than everything else that a command does. Whoever stays longer, as
the prompt does, uses `hashell.client.zmq`, which connects again by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import TYPE_CHECKING

from hashell.client.daemon import CONNECT_MS, MESSAGE_BYTES_MAX, NO_TICKET, DaemonSocket
from hashell.client.zmtp import COMMAND, GREETING, LONG, MORE, READY, SIGNATURE
from hashell.errors import HashellError, Refused, Unreachable
from hashelld.wire.client import Answer, Changed, Request


if TYPE_CHECKING:
    from hashell.client.zmq import ZmqClient


class _Gone(Exception):
    """The connection ended."""


class QuickClient:
    """The client of one daemon, connected at the first request."""

    __slots__ = ("_buffer", "_connection", "_follower", "_socket", "_ticket")

    def __init__(self, path: str) -> None:
        self._socket = DaemonSocket(path)
        self._connection: socket | None = None
        self._buffer = bytearray()
        self._ticket = NO_TICKET
        self._follower: ZmqClient | None = None

    @property
    def name(self) -> str:
        """What the prompt shows."""
        return "live"

    @property
    def has_cluster(self) -> bool:
        """Does somebody carry out what is committed?"""
        return True

    def daemon_pid(self) -> int | None:
        """The process that listens where the daemon should."""
        return self._socket.pid()

    def another(self) -> ZmqClient:
        """A connection that lasts, to the same daemon."""
        made: ZmqClient = import_module("hashell.client.zmq").ZmqClient(self._socket.path)
        return made

    def ask(self, request: Request, timeout_ms: int = 10_000) -> Answer:
        """Send a request and wait for its answer."""
        deadline = time.monotonic() + timeout_ms / 1000
        try:
            connection = self._connected()
            self._ticket += 1
            connection.settimeout(max(timeout_ms, CONNECT_MS) / 1000)
            connection.sendall(_framed(self._socket.encoded(self._ticket, request)))
            while True:
                told = self._socket.decoded(self._message(connection, deadline))
                if told.ticket in (self._ticket, NO_TICKET) and not isinstance(told.answer, Changed):
                    return told.answer
        except TimeoutError:
            self.close()
            raise self._socket.silence(request, f"within {timeout_ms / 1000:g} s") from None
        except (_Gone, OSError):
            self.close()
            raise self._socket.silence(request, "before it ended the connection") from None

    def events(self, timeout_ms: int) -> Iterator[Changed | None]:
        """Subscribe; yields what changed, None whenever `timeout_ms` passed without an event."""
        if self._follower is None:
            self._follower = self.another()
        return self._follower.events(timeout_ms)

    def close(self) -> None:
        """Give sockets back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._buffer.clear()
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _connected(self) -> socket:
        if self._connection is not None:
            return self._connection
        self._socket.check_owner()
        made = socket(AF_UNIX, SOCK_STREAM)
        made.settimeout(CONNECT_MS / 1000)
        try:
            made.connect(self._socket.path)
        except OSError as error:
            made.close()
            raise self._socket.not_connected(error) from None
        try:
            self._greet(made)
        except (_Gone, OSError):
            made.close()
            raise self._socket.unreachable("does not answer") from None
        except HashellError:
            made.close()
            raise
        self._connection = made
        return made

    def _greet(self, connection: socket) -> None:
        """Both sides say which protocol they speak, and what they are."""
        connection.sendall(GREETING + _framed(READY, COMMAND))
        deadline = time.monotonic() + CONNECT_MS / 1000
        greeting = self._take(connection, len(GREETING), deadline)
        is_zmtp = greeting[0] == SIGNATURE[0] and greeting[10] >= 3 and greeting[12:17] == b"NULL\0"
        if not is_zmtp or self._frame(connection, deadline)[1][:6] != b"\5READY":
            raise Unreachable(f"What listens at {self._socket.path} is no hashelld.")

    def _message(self, connection: socket, deadline: float) -> bytearray:
        """The next message, all of its frames as one."""
        whole = bytearray()
        while True:
            flags, body = self._frame(connection, deadline)
            if flags & COMMAND:
                continue
            whole += body
            if len(whole) > MESSAGE_BYTES_MAX:
                raise Refused(f"hashelld at {self._socket.path} sent more than {MESSAGE_BYTES_MAX} bytes.")
            if not flags & MORE:
                return whole

    def _frame(self, connection: socket, deadline: float) -> tuple[int, bytearray]:
        flags = self._take(connection, 1, deadline)[0]
        length = int.from_bytes(self._take(connection, 8 if flags & LONG else 1, deadline), "big")
        if length > MESSAGE_BYTES_MAX:
            raise Refused(f"hashelld at {self._socket.path} announced {length} bytes.")
        return flags, self._take(connection, length, deadline)

    def _take(self, connection: socket, length: int, deadline: float) -> bytearray:
        """So many bytes; `TimeoutError` at the deadline."""
        while len(self._buffer) < length:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            connection.settimeout(left_s)
            piece = connection.recv(1 << 16)
            if not piece:
                raise _Gone
            self._buffer += piece
        taken = self._buffer[:length]
        del self._buffer[:length]
        return taken


def _framed(body: bytes, flags: int = 0) -> bytes:
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | LONG,)) + len(body).to_bytes(8, "big") + body
