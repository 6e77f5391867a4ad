"""A client of the demo's web server that asks every few milliseconds: interruptions are measured, not guessed."""

from __future__ import annotations

import socket
import threading
import time
from typing import Final

import msgspec

from hashelld.model.ids import NodeId


INTERVAL_S: Final = 0.005
TIMEOUT_S: Final = 0.5
ANSWER_BYTES_MAX: Final = 4096


class Seen(msgspec.Struct, frozen=True):
    """One answer: when it was complete (monotonic seconds), and which node gave it."""

    at: float
    node: NodeId


class Move(msgspec.Struct, frozen=True):
    """The service left one node and answered from another; between the two answers, nobody answered."""

    before: Seen
    after: Seen

    @property
    def gap_ms(self) -> int:
        """Milliseconds between the last answer of the one and the first of the other."""
        return round((self.after.at - self.before.at) * 1000)


class Poller:
    """Asks in a thread of its own until it is stopped. Use it as a context."""

    __slots__ = ("_address", "_changed", "_is_ending", "_moves", "_newest", "_thread", "asked", "failed")

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._changed = threading.Condition()
        self._newest: Seen | None = None
        self._moves: list[Move] = []
        self._is_ending = False
        self.asked = 0
        self.failed = 0
        self._thread = threading.Thread(target=self._run, name="demo-poller", daemon=True)

    def __enter__(self) -> Poller:
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._is_ending = True
        self._thread.join()

    def wait_for(self, nodes: frozenset[NodeId], timeout_s: float) -> Seen | None:
        """The newest answer as soon as it comes from one of these nodes; None when none does in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None and self._newest.node in nodes, timeout_s)
            return self._newest if self._newest is not None and self._newest.node in nodes else None

    def last_move(self) -> Move | None:
        """The newest change of the answering node."""
        with self._changed:
            return self._moves[-1] if self._moves else None

    def _run(self) -> None:
        while not self._is_ending:
            node = self._ask()
            now = time.monotonic()
            with self._changed:
                self.asked += 1
                if node is None:
                    self.failed += 1
                else:
                    seen = Seen(now, node)
                    if self._newest is not None and self._newest.node != node:
                        self._moves.append(Move(self._newest, seen))
                    self._newest = seen
                    self._changed.notify_all()
            time.sleep(INTERVAL_S)

    def _ask(self) -> NodeId | None:
        try:
            with socket.create_connection(self._address, timeout=TIMEOUT_S) as server:
                server.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b""
                while (piece := server.recv(ANSWER_BYTES_MAX)) and len(answer) < ANSWER_BYTES_MAX:
                    answer += piece
        except OSError:
            return None
        return node_of(answer)


def node_of(answer: bytes) -> NodeId | None:
    """The node that the header `X-Served-By: NODE RESOURCE` names; None for anything that is no such answer."""
    head, separator, _ = answer.partition(b"\r\n\r\n")
    if not separator or b" 200 " not in head.partition(b"\r\n")[0]:
        return None
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"x-served-by" and value.strip():
            return NodeId(value.split()[0].decode("ascii", "replace"))
    return None
