"""Gratuitous ARP: neighbours learn at once that an IPv4 address lives here now."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Final


_ETHERTYPE_ARP: Final = 0x0806
_BROADCAST: Final = b"\xff" * 6
_REQUEST, _REPLY = 1, 2
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_NLM_DUMP_REQUEST: Final = 0x301
_IFA_LOCAL: Final = 2
_NETLINK_BYTES_MAX: Final = 1 << 16


def announce(address: str, interface: str) -> bool:
    """Send it as request and as reply, since neighbours differ in what they learn from.

    True when it was sent; False where the address is not on an Ethernet interface of ours. PermissionError without
    the right to raw sockets.
    """
    try:
        packed = socket.inet_pton(socket.AF_INET, address)
    except OSError:
        return False  # IPv6 neighbours learn from the kernel's own advertisements.
    name = interface or _interface_of(packed)
    hardware = _hardware_of(name) if name else None
    if hardware is None:
        return False
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as raw:
        raw.bind((name, _ETHERTYPE_ARP))
        for operation in (_REQUEST, _REPLY):
            raw.send(frame(hardware, packed, operation))
    return True


def frame(hardware: bytes, address: bytes, operation: int) -> bytes:
    """An Ethernet frame: this hardware has this address, everybody."""
    target = _BROADCAST if operation == _REPLY else bytes(6)
    ethernet = _BROADCAST + hardware + _ETHERTYPE_ARP.to_bytes(2)
    return ethernet + struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + hardware + address + target + address


def _hardware_of(interface: str) -> bytes | None:
    """The interface's Ethernet address; None when it has none (loopback, tunnels)."""
    if "/" in interface or interface in ("", ".", ".."):
        return None
    try:
        text = (Path("/sys/class/net") / interface / "address").read_text().strip()
        hardware = bytes.fromhex(text.replace(":", ""))
    except (OSError, ValueError):
        return None
    return hardware if len(hardware) == 6 and any(hardware) else None


def _interface_of(address: bytes) -> str:
    """Which interface has this address; empty when none."""
    header = struct.pack("=LHHLL", 24, _RTM_GETADDR, _NLM_DUMP_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as netlink:
        netlink.send(header + struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0))
        while True:
            found = _find_address(netlink.recv(_NETLINK_BYTES_MAX), address)
            if found is not None:
                return socket.if_indextoname(found) if found else ""


def _find_address(data: bytes, address: bytes) -> int | None:
    """The index of the interface; 0 at the end of the answer, None when more of it comes."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=LH", data, at)
        if kind != _RTM_NEWADDR:
            return 0
        (index,) = struct.unpack_from("=I", data, at + 20)
        inner = at + 24
        while inner + 4 <= at + length:
            size, attribute = struct.unpack_from("=HH", data, inner)
            if attribute == _IFA_LOCAL and data[inner + 4 : inner + size] == address:
                return int(index)
            inner += max(4, (size + 3) & ~3)
        at += max(16, (length + 3) & ~3)
    return None
