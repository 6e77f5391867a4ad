"""Requests for an echo: by sockets where the system allows them, by a program elsewhere; silence is no answer."""

from __future__ import annotations

import ctypes
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from hashelld.core.events import PingAnswered
from hashelld.io.pinging import KINDS, Echo, Pinger, ProgramEcho, SocketEcho, number_of, packet
from hashelld.model.ids import Millis
from tests.e2e.harness import environment
from tests.io.build import until


CLONE_NEWNET = 0x40000000
TOKEN = b"12345678"


@contextmanager
def closing(echo: Echo) -> Iterator[Echo]:
    try:
        yield echo
    finally:
        echo.close()


def test_a_request_has_a_checksum_and_an_answer_names_it() -> None:
    made = packet(8, 258, TOKEN)
    words = [int.from_bytes(made[at : at + 2]) for at in range(0, len(made), 2)]
    total = sum(words)
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
    assert number_of(b"\0" + made[1:], 0, TOKEN) == 258
    assert number_of(made, 0, TOKEN) is None
    assert number_of(b"\0" + made[1:], 0, b"87654321") is None
    assert number_of(b"\0" + made[1:9], 0, TOKEN) is None


def in_own_network(check: Callable[[], None]) -> None:
    """Run a check in a thread with a network of its own, in which every user may ask for an echo. Needs root."""

    def run() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, env=environment())
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        check()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(run).result()


def both_answer(address: str, kind: socket.SocketKind) -> None:
    answered: list[Millis] = []
    with closing(SocketEcho(address, kind)) as echo:
        echo.ask(17)
        echo.ask(18)
        until(lambda: bool(answered.extend(echo.answers()) or len(answered) == 2))
    assert answered == [17, 18]


@pytest.mark.needs("root", "ip")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", KINDS)
def test_loopback_answers(address: str, kind: socket.SocketKind) -> None:
    if ":" in address and not _has_ipv6():
        pytest.skip("no IPv6 here")
    in_own_network(lambda: both_answer(address, kind))


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as opened:
        try:
            opened.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize(("code", "expected"), [(0, [5, 9]), (1, [])])
def test_a_program_is_asked_where_no_socket_is_allowed(tmp_path: Path, code: int, expected: list[Millis]) -> None:
    program = tmp_path / "ping"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    answered: list[Millis] = []
    echo = ProgramEcho("192.0.2.1", str(program))
    with closing(echo):
        for now in (5, 9):
            echo.ask(now)
            echo.ask(now + 1)
            until(lambda: bool(answered.extend(echo.answers()) or echo.fileno() == -1))
    assert answered == expected


def test_a_program_that_is_not_there_is_silence() -> None:
    echo = ProgramEcho("192.0.2.1", "/nowhere/ping")
    echo.ask(1)
    assert (list(echo.answers()), echo.fileno()) == ([], -1)


def test_a_pinger_reports_who_answered_and_nobody_else() -> None:
    pinger = Pinger()
    heard: list[PingAnswered] = []
    try:
        pinger.ask(3, ("127.0.0.1", "240.0.0.1"))
        pinger.ask(4, ("127.0.0.1", "240.0.0.1"))
        until(lambda: bool(heard.extend(pinger.on_ready()) or len(heard) == 2))
    finally:
        pinger.close()
    assert heard == [PingAnswered("127.0.0.1", 3), PingAnswered("127.0.0.1", 4)]
