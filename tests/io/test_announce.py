"""Gratuitous ARP: the frame's bytes, and what is refused without harm."""

from __future__ import annotations

import os
import socket

import pytest

from hashelld.io.announce import announce, frame


HARDWARE, ADDRESS = bytes.fromhex("020000000001"), socket.inet_aton("10.0.0.9")


def test_the_frame_says_who_has_the_address() -> None:
    request = frame(HARDWARE, ADDRESS, 1)
    assert request.hex() == ("ffffffffffff020000000001080600010800060400010200000000010a0000090000000000000a000009")
    assert frame(HARDWARE, ADDRESS, 2)[-10:-4] == b"\xff" * 6


@pytest.mark.parametrize(
    ("address", "interface"),
    [
        ("fd00::1", ""),
        ("no address", ""),
        ("203.0.113.77", ""),
        ("127.0.0.1", ""),
        ("127.0.0.1", "lo"),
        ("10.0.0.9", "no-such-if"),
        ("10.0.0.9", "../lo"),
        ("10.0.0.9", ".."),
    ],
)
def test_what_has_no_ethernet_is_not_announced(address: str, interface: str) -> None:
    if os.geteuid() == 0 or address != "127.0.0.1":
        assert announce(address, interface) is False
