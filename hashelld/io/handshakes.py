"""Counts connections that came to nothing, from what libzmq tells of a listening socket."""

from __future__ import annotations

import errno
from typing import Final

import zmq
from zmq.utils.monitor import recv_monitor_message

from hashelld.limits import HANDSHAKE_MS
from hashelld.model.ids import Millis


MONITORED: Final = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
EVENTS_PER_TURN_MAX: Final = 1_000
"""Read at once, so that a flood of connections does not keep the loop."""
_SETTLED_MS: Final = HANDSHAKE_MS + 1_000
"""A connection that is older is no handshake any more."""
_HUNG_UP: Final = frozenset({errno.EPIPE, errno.ECONNRESET})


class Handshakes:
    """The connections of one socket. libzmq does not tell which one succeeded, only that one did.

    What was accepted, and neither succeeded nor is so young that it may, is broken.
    """

    __slots__ = (
        "_accepted",
        "_begun_ms",
        "_hung_up",
        "_ignores_hung_up",
        "_monitor",
        "_refused",
        "_succeeded",
        "broken",
    )

    def __init__(self, monitor: zmq.Socket[bytes], *, ignores_hung_up: bool = False) -> None:
        self.broken = 0
        self._monitor = monitor
        self._ignores_hung_up = ignores_hung_up
        """Who connects and leaves without a word only looks whether somebody listens."""
        self._accepted = 0
        self._succeeded = 0
        self._refused = 0
        self._hung_up = 0
        self._begun_ms: dict[int, Millis] = {}
        """Connections that may still be in their handshakes, the oldest first."""

    def read(self, now: Millis) -> list[tuple[int, bool]]:
        """Take what libzmq tells; the connections that began (True) or ended (False), in order."""
        told: list[tuple[int, bool]] = []
        for _ in range(EVENTS_PER_TURN_MAX):
            try:
                event = recv_monitor_message(self._monitor, zmq.NOBLOCK)
            except zmq.Again:
                break
            handle = int(event["value"])
            match event["event"]:
                case zmq.EVENT_ACCEPTED:
                    self._accepted += 1
                    self._begun_ms.pop(handle, None)
                    self._begun_ms[handle] = now
                    told.append((handle, True))
                case zmq.EVENT_DISCONNECTED:
                    self._begun_ms.pop(handle, None)
                    told.append((handle, False))
                case zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self._succeeded += 1
                case zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                    self._refused += 1
                case zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                    self._hung_up += handle in _HUNG_UP
                case _:
                    continue
        self._count(now)
        return told

    def _count(self, now: Millis) -> None:
        while self._begun_ms:
            handle, begun_ms = next(iter(self._begun_ms.items()))
            if now - begun_ms < _SETTLED_MS:
                break
            del self._begun_ms[handle]
        sound = self._succeeded + self._refused + len(self._begun_ms)
        if self._ignores_hung_up:
            sound += self._hung_up
        self.broken = max(self.broken, self._accepted - sound)
