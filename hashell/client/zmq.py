"""A live daemon: requests over its ZeroMQ socket, with deadlines, and the events that it sends."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections import deque
from collections.abc import Iterator
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Final

import msgspec
import zmq

from hashell.errors import Refused, TimedOut, Unreachable
from hashelld.wire.client import PROTOCOL, Answer, Ask, Changed, MakeCommit, Request, Subscribe, Tell


MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
EVENTS_MAX: Final = 1_000
"""Events kept while an answer is waited for; of more, the oldest are dropped: each says no more than "ask again"."""
CONNECT_MS: Final = 2_000
NO_TICKET: Final = 0
"""Of an answer to something that the daemon did not understand."""
REQUEST_BYTES_MAX: Final = (1 << 20) - 4096
"""What a daemon accepts: `wire.codec.ASK_BYTES_MAX`, which a test compares."""
RESUBSCRIBE_S: Final = 5.0
"""After so much silence the subscription is made again: the daemon may have been restarted."""


class ZmqClient:
    """The client of one daemon. The connection is made at the first request; not to be shared between threads.

    Frames are decoded here and not by `wire.codec`, which knows the messages between nodes too and would make every
    command slower.
    """

    __slots__ = ("_decoder", "_events", "_path", "_socket", "_subscription", "_ticket")

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: zmq.Socket[bytes] | None = None
        self._decoder = msgspec.msgpack.Decoder(Tell)
        self._ticket = 0
        self._subscription = 0
        self._events: deque[Changed] = deque(maxlen=EVENTS_MAX)

    @property
    def name(self) -> str:
        """What the prompt shows."""
        return "live"

    def ask(self, request: Request, timeout_ms: int = 10_000) -> Answer:
        """Send a request and wait for its answer."""
        deadline = time.monotonic() + timeout_ms / 1000
        ticket = self._send(request)
        while True:
            told = self._receive(deadline)
            if told is None:
                raise self._silence(request, timeout_ms)
            if told.ticket in (ticket, NO_TICKET):
                return told.answer

    def events(self, timeout_ms: int) -> Iterator[Changed | None]:
        """Subscribe; yields what changed, None whenever `timeout_ms` passed without an event."""
        self._subscription = self._send(Subscribe())
        heard = time.monotonic()
        while True:
            if not self._events:
                self._receive(time.monotonic() + timeout_ms / 1000, only_events=True)
            if self._events:
                heard = time.monotonic()
                yield self._events.popleft()
                continue
            if time.monotonic() - heard >= RESUBSCRIBE_S:
                self._subscription = self._send(Subscribe())
                heard = time.monotonic()
            yield None

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    def _send(self, request: Request) -> int:
        connected = self._connected()
        self._ticket += 1
        if not connected.poll(CONNECT_MS, zmq.POLLOUT):
            raise Unreachable(self._advice("does not answer"))
        frame = msgspec.msgpack.encode(Ask(PROTOCOL, self._ticket, request))
        if len(frame) > REQUEST_BYTES_MAX:
            raise Refused(f"The change is too large for one commit ({len(frame)} bytes): commit it in parts.")
        connected.send(frame)
        return self._ticket

    def _receive(self, deadline: float, *, only_events: bool = False) -> Tell | None:
        """The next answer, None at the deadline; events on the way are kept (with `only_events`, one ends the wait)."""
        connected = self._connected()
        while True:
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            if not connected.poll(left_ms, zmq.POLLIN):
                return None
            told = self._decoded(b"".join(connected.recv_multipart()))
            if not isinstance(told.answer, Changed):
                if only_events:
                    continue
                return told
            self._events.append(told.answer)
            if only_events:
                return None

    def _decoded(self, frame: bytes) -> Tell:
        try:
            told = self._decoder.decode(frame)
        except msgspec.MsgspecError as error:
            raise Refused(f"hashelld at {self._path} speaks another language than this shell: {error}") from None
        if told.protocol != PROTOCOL:
            raise Refused(
                f"hashelld at {self._path} speaks protocol {told.protocol}, this shell {PROTOCOL}: update one."
            )
        return told

    def _connected(self) -> zmq.Socket[bytes]:
        if self._socket is not None:
            return self._socket
        self._check()
        made: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.IMMEDIATE, 1)
        made.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        made.connect(f"ipc://{self._path}")
        self._socket = made
        return made

    def _check(self) -> None:
        """Is there a daemon of root or of oneself? ZeroMQ itself would wait for ever for one."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - pathlib would cost every command 4 ms
        except FileNotFoundError:
            raise Unreachable(self._advice("does not exist")) from None
        except OSError as error:
            raise Unreachable(f"{self._path}: {os.strerror(error.errno or errno.EIO)}") from None
        if not stat.S_ISSOCK(found.st_mode):
            raise Unreachable(f"{self._path} is no socket: name hashelld's with --socket.")
        if found.st_uid not in (0, os.getuid()):
            raise Unreachable(
                f"{self._path} belongs to user {found.st_uid}, neither to root nor to you: it is not trusted."
            )
        with socket(AF_UNIX, SOCK_STREAM) as probe:
            try:
                probe.connect(self._path)
            except PermissionError:
                raise Unreachable(f"You may not talk to {self._path}: become root or a member of its group.") from None
            except OSError:
                raise Unreachable(self._advice("is left over, nobody listens")) from None

    def _advice(self, problem: str) -> str:
        return (
            f"No hashelld answers at {self._path} (it {problem}): start it with "
            "hashelld run --config /etc/hashell/hashelld.toml, or name another with --socket."
        )

    def _silence(self, request: Request, timeout_ms: int) -> Unreachable | TimedOut:
        if isinstance(request, MakeCommit):
            return TimedOut(f"hashelld did not answer the commit {request.id} within {timeout_ms // 1000} s.")
        return Unreachable(f"hashelld at {self._path} did not answer within {timeout_ms / 1000:g} s.")
