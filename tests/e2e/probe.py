"""A client that asks the floating address for a page every few milliseconds, and tells who answered, and when nobody.

Every attempt is a connection of its own that waits for no other. Prints a JSON list a line, times in seconds of
CLOCK_MONOTONIC: ["node", at, name] when the answering node changes, ["gap", from, to, before, after] for a time
without an answer, ["end", answered, failed] on SIGTERM.
"""

from __future__ import annotations

import json
import selectors
import signal
import socket
import struct
import sys
import time


PERIOD_S = 0.005
PATIENCE_S = 0.3
GAP_S = 0.03
BURST_S = 0.1
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


class Attempt:
    """One connection."""

    __slots__ = ("began", "received", "sock")

    def __init__(self, sock: socket.socket, began: float) -> None:
        self.sock = sock
        self.began = began
        self.received = b""


class Prober:
    """All attempts under way, and what they found so far."""

    def __init__(self, address: str) -> None:
        self._target = (address, 80)
        self._selector = selectors.DefaultSelector()
        self._attempts: dict[Attempt, None] = {}
        self._answered = self._failed = 0
        self._last_at: float | None = None
        self._last_node = ""
        self.is_over = False

    def run(self) -> None:
        due = time.monotonic()
        while not self.is_over:
            now = time.monotonic()
            if now >= due:
                self._begin(now)
                due = due + PERIOD_S if due > now - BURST_S else now + PERIOD_S
            self._give_up(now)
            for key, events in self._selector.select(max(0.0, due - time.monotonic())):
                self._advance(key.data, events)
        tell("end", self._answered, self._failed)

    def _begin(self, now: float) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        attempt = Attempt(sock, now)
        if sock.connect_ex(self._target) not in (0, 115):
            sock.close()
            self._failed += 1
            return
        self._attempts[attempt] = None
        self._selector.register(sock, selectors.EVENT_WRITE, attempt)

    def _give_up(self, now: float) -> None:
        for attempt in list(self._attempts):
            if attempt.began > now - PATIENCE_S:
                return
            self._close(attempt)
            self._failed += 1

    def _close(self, attempt: Attempt) -> None:
        self._selector.unregister(attempt.sock)
        attempt.sock.close()
        del self._attempts[attempt]

    def _advance(self, attempt: Attempt, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                attempt.sock.send(REQUEST)
                self._selector.modify(attempt.sock, selectors.EVENT_READ, attempt)
                return
            data = attempt.sock.recv(4096)
        except OSError:
            data = b""
        attempt.received += data
        body = attempt.received.partition(b"\r\n\r\n")[2]
        if body.endswith(b"\n"):
            self._close(attempt)
            self._succeed(body.decode(errors="replace").strip(), time.monotonic())
        elif not data:
            self._close(attempt)
            self._failed += 1

    def _succeed(self, node: str, now: float) -> None:
        self._answered += 1
        if self._last_at is not None and now - self._last_at > GAP_S:
            tell("gap", self._last_at, now, self._last_node, node)
        if node != self._last_node:
            tell("node", now, node)
        self._last_at, self._last_node = now, node

    def stop(self, *_: object) -> None:
        self.is_over = True


def tell(*words: str | float) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    prober = Prober(sys.argv[1])
    signal.signal(signal.SIGTERM, prober.stop)
    prober.run()
