"""A live daemon: requests over its ZeroMQ socket, with deadlines, and the events that it sends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Final

import zmq

from hashell.client.daemon import CONNECT_MS, MESSAGE_BYTES_MAX, NO_TICKET, DaemonSocket
from hashelld.wire.client import Answer, Changed, Request, Subscribe, Tell


EVENTS_MAX: Final = 1_000
"""Events kept while an answer is waited for; of more, the oldest are dropped: each says no more than "ask again"."""
RESUBSCRIBE_S: Final = 5.0
"""After so much silence the subscription is made again: the daemon may have been restarted."""


class ZmqClient:
    """The client of one daemon. The connection is made at the first request; not to be shared between threads."""

    __slots__ = ("_daemon", "_events", "_socket", "_subscription", "_ticket")

    def __init__(self, path: str) -> None:
        self._daemon = DaemonSocket(path)
        self._socket: zmq.Socket[bytes] | None = None
        self._ticket = 0
        self._subscription = 0
        self._events: deque[Changed] = deque(maxlen=EVENTS_MAX)

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
        return self._daemon.pid()

    def another(self) -> ZmqClient:
        """One more connection to the same daemon, for another thread."""
        return ZmqClient(self._daemon.path)

    def ask(self, request: Request, timeout_ms: int = 10_000) -> Answer:
        """Send a request and wait for its answer."""
        deadline = time.monotonic() + timeout_ms / 1000
        ticket = self._send(request)
        while True:
            told = self._receive(deadline)
            if told is None:
                raise self._daemon.silence(request, f"within {timeout_ms / 1000:g} s")
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
            raise self._daemon.unreachable("does not answer")
        connected.send(self._daemon.encoded(self._ticket, request))
        return self._ticket

    def _receive(self, deadline: float, *, only_events: bool = False) -> Tell | None:
        """The next answer, None at the deadline; events on the way are kept (with `only_events`, one ends the wait)."""
        connected = self._connected()
        while True:
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            if not connected.poll(left_ms, zmq.POLLIN):
                return None
            told = self._daemon.decoded(b"".join(connected.recv_multipart()))
            if not isinstance(told.answer, Changed):
                if only_events:
                    continue
                return told
            self._events.append(told.answer)
            if only_events:
                return None

    def _connected(self) -> zmq.Socket[bytes]:
        if self._socket is not None:
            return self._socket
        self._check()
        made: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.IMMEDIATE, 1)
        made.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        made.connect(f"ipc://{self._daemon.path}")
        self._socket = made
        return made

    def _check(self) -> None:
        """Is there a daemon of root or of oneself? ZeroMQ itself would wait for ever for one."""
        self._daemon.check_owner()
        with socket(AF_UNIX, SOCK_STREAM) as probe:
            try:
                probe.connect(self._daemon.path)
            except OSError as error:
                raise self._daemon.not_connected(error) from None
