"""Requests for an echo (ICMP) to ping nodes: by a datagram socket, else by a raw one, else by the program `ping`.

Datagram sockets need no privilege, but the system has to allow them (net.ipv4.ping_group_range); raw ones need
CAP_NET_RAW. Nothing here waits: requests leave when they are asked for, answers are read when the loop finds them.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator
from typing import Final, Protocol

from hashelld.agents.kinds import SYSTEM_PATH
from hashelld.core.events import PingAnswered
from hashelld.model.ids import Millis


PROGRAM: Final = "ping"
KINDS: Final = (socket.SOCK_DGRAM, socket.SOCK_RAW)
REMEMBERED_MAX: Final = 64
"""Requests of which an answer is still taken."""
_PROGRAM_WAITS_S: Final = 2
_TOKEN_BYTES: Final = 8
_PACKET_BYTES_MAX: Final = 2_048
_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_REQUEST, _REPLY = (8, 128), (0, 129)
"""Types of ICMP for IPv4 and IPv6."""


def packet(kind: int, number: int, token: bytes) -> bytes:
    """An ICMP message for an echo; a datagram socket, and the kernel for IPv6, put in what is their own."""
    bare = struct.pack("!BBHHH", kind, 0, 0, int.from_bytes(token[:2]), number) + token
    total: int = sum(struct.unpack(f"!{len(bare) // 2}H", bare))
    total = (total & 0xFFFF) + (total >> 16)
    return bare[:2] + (~(total + (total >> 16)) & 0xFFFF).to_bytes(2) + bare[4:]


def number_of(answer: bytes, reply: int, token: bytes) -> int | None:
    """The number of the request that this answers; None when it is none of ours."""
    if len(answer) < 8 + _TOKEN_BYTES or answer[0] != reply or answer[8 : 8 + _TOKEN_BYTES] != token:
        return None
    return int.from_bytes(answer[6:8])


class Echo(Protocol):
    """A way to ask one address."""

    def fileno(self) -> int:
        """Readable when there may be an answer; -1 while there is nothing to wait for."""

    def ask(self, now: Millis) -> None:
        """Send a request, if that is possible."""

    def answers(self) -> Iterator[Millis]:
        """When the requests were sent that are answered now."""

    def close(self) -> None:
        """Nothing is waited for any more."""


class SocketEcho:
    """Asks with a socket of its own; `PermissionError` where the system does not allow one of this kind."""

    def __init__(self, address: str, kind: socket.SocketKind) -> None:
        self._is_new = ":" in address
        self._address = address
        family, protocol = (
            (socket.AF_INET6, socket.IPPROTO_ICMPV6) if self._is_new else (socket.AF_INET, socket.IPPROTO_ICMP)
        )
        self._has_header = kind is socket.SOCK_RAW and not self._is_new
        self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        if kind is socket.SOCK_RAW:
            self._take_replies_only()
        self._token = os.urandom(_TOKEN_BYTES)
        self._number = 0
        self._sent: dict[int, Millis] = {}

    def _take_replies_only(self) -> None:
        """A raw socket hears everything that the host does; the kernel keeps the rest away."""
        if self._is_new:
            words = [0xFFFF_FFFF] * 8
            words[_REPLY[1] // 32] &= ~(1 << _REPLY[1] % 32)
            self._socket.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, struct.pack("=8I", *words))
        else:
            self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFF_FFFF & ~(1 << _REPLY[0])))

    def fileno(self) -> int:
        """The socket."""
        return self._socket.fileno()

    def ask(self, now: Millis) -> None:
        """Send a request; without a route, or with no room for it, the silence that follows tells enough."""
        self._number = (self._number + 1) & 0xFFFF
        try:
            self._socket.connect((self._address, 0))  # Again each time: routes come and go.
            self._socket.send(packet(_REQUEST[self._is_new], self._number, self._token))
        except OSError:
            return
        self._sent[self._number] = now
        if len(self._sent) > REMEMBERED_MAX:
            del self._sent[next(iter(self._sent))]

    def answers(self) -> Iterator[Millis]:
        """Read what has arrived; an error that the network reported is no answer."""
        for _ in range(REMEMBERED_MAX):
            try:
                data = self._socket.recv(_PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError:
                continue
            message = data[(data[0] & 0x0F) * 4 :] if self._has_header and data else data
            number = number_of(message, _REPLY[self._is_new], self._token)
            sent_ms = self._sent.pop(number, None) if number is not None else None
            if sent_ms is not None:
                yield sent_ms

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class ProgramEcho:
    """Asks with a process for each request, one at a time."""

    def __init__(self, address: str, program: str = PROGRAM) -> None:
        self._argv = [program, "-n", "-q", "-c", "1", "-W", str(_PROGRAM_WAITS_S), address]
        self._pid = 0
        self._handle = -1
        self._sent_ms: Millis = 0

    def fileno(self) -> int:
        """Readable when the process has ended."""
        return self._handle

    def ask(self, now: Millis) -> None:
        """Begin, unless the last one still waits for its answer."""
        if self._pid:
            return
        silence = [(os.POSIX_SPAWN_OPEN, handle, os.devnull, os.O_RDWR, 0) for handle in (0, 1, 2)]
        try:
            environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C"}
            self._pid = os.posix_spawnp(self._argv[0], self._argv, environment, file_actions=silence)
        except OSError:
            return
        self._handle, self._sent_ms = os.pidfd_open(self._pid), now

    def answers(self) -> Iterator[Millis]:
        """The exit code of ping is 0 when there was an answer."""
        if not self._pid:
            return
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self._forget()
            if os.waitstatus_to_exitcode(status) == 0:
                yield self._sent_ms

    def _forget(self) -> None:
        os.close(self._handle)
        self._pid, self._handle = 0, -1

    def close(self) -> None:
        """A process that still waits ends by itself, within its own timeout."""
        if self._pid:
            self._forget()


class Pinger:
    """Asks addresses, and reports who answered."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._echoes: dict[str, Echo] = {}
        self._watched: dict[int, str] = {}

    def fileno(self) -> int:
        """For the loop's poller: readable when there may be an answer."""
        return self._epoll.fileno()

    def ask(self, now: Millis, addresses: tuple[str, ...]) -> None:
        """Send each of them a request."""
        for address in addresses:
            if address not in self._echoes:
                self._echoes[address] = open_echo(address)
            echo = self._echoes[address]
            echo.ask(now)
            if echo.fileno() not in (-1, *self._watched):
                self._watched[echo.fileno()] = address
                self._epoll.register(echo.fileno(), select.EPOLLIN)

    def on_ready(self) -> list[PingAnswered]:
        """Who answered."""
        found = []
        for handle, _ in self._epoll.poll(0):
            address = self._watched[handle]
            echo = self._echoes[address]
            found += [PingAnswered(address, sent_ms) for sent_ms in echo.answers()]
            if echo.fileno() != handle:  # A process that has ended; closing its handle took it out of the epoll.
                del self._watched[handle]
        return found

    def close(self) -> None:
        """Close everything."""
        for echo in self._echoes.values():
            echo.close()
        self._epoll.close()


def open_echo(address: str) -> Echo:
    """The best way that the system allows."""
    for kind in KINDS:
        try:
            return SocketEcho(address, kind)
        except OSError:
            continue
    return ProgramEcho(address)
