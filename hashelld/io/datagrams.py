"""The sockets of beats. The kernel itself drops what does not begin like a beat of this cluster.

A flood of junk would otherwise fill the socket, and drive out the beats of living nodes.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Collection
from typing import Final

from hashelld.limits import BEAT_MARK_BYTES, DATAGRAM_BYTES_MAX, DATAGRAMS_BUFFER_BYTES


FORMAT: Final = b"\x02"
"""The first byte of a datagram; mark, tag and payload follow."""
_UDP_HEADER_BYTES: Final = 8
_SO_ATTACH_FILTER: Final = 26
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
_DROPS: Final = 8
"""Of the numbers of SO_MEMINFO: datagrams that the socket did not take."""
# Of the kernel's packet filter (BPF): its instructions, and what it returns.
_LOAD_LENGTH, _LOAD_BYTE, _LOAD_WORD, _IF_GREATER, _IF_EQUAL, _RETURN = 0x80, 0x30, 0x20, 0x25, 0x15, 0x06
_ALL, _NOTHING = 0xFFFFFFFF, 0


def receiver(address: str, port: int, marks: Collection[bytes]) -> socket.socket:
    """A socket that hears beats with one of these marks. `OSError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        _widen(opened)
        hear_marks(opened, marks)
        opened.bind((address, port))
    except OSError:
        opened.close()
        raise
    return opened


def dropped(opened: socket.socket) -> int:
    """Datagrams that the kernel did not give to this socket: filtered, or more than it holds."""
    try:
        told = opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0
    return int(_MEMINFO.unpack(told)[_DROPS]) if len(told) == _MEMINFO.size else 0


def _widen(opened: socket.socket) -> None:
    """As large a buffer as the system allows: more than its usual limit only for root."""
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            opened.setsockopt(socket.SOL_SOCKET, option, DATAGRAMS_BUFFER_BYTES)
        except PermissionError:
            continue
        return


def hear_marks(opened: socket.socket, marks: Collection[bytes]) -> None:
    """From now on the socket hears beats with one of these marks, and no others."""
    program = _program(marks)
    kept = ctypes.create_string_buffer(b"".join(program))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(kept)))


def _program(marks: Collection[bytes]) -> list[bytes]:
    """Not too long, the format's byte, and one of the marks; a datagram that is too short is dropped, too."""
    to_drop = len(marks)
    lines = [
        _line(_LOAD_LENGTH),
        _line(_IF_GREATER, _UDP_HEADER_BYTES + DATAGRAM_BYTES_MAX, if_so=to_drop + 3),
        _line(_LOAD_BYTE, _UDP_HEADER_BYTES),
        _line(_IF_EQUAL, FORMAT[0], if_not=to_drop + 1),
        _line(_LOAD_WORD, _UDP_HEADER_BYTES + len(FORMAT)),
    ]
    for left, mark in zip(reversed(range(len(marks))), marks, strict=True):
        assert len(mark) == BEAT_MARK_BYTES
        lines.append(_line(_IF_EQUAL, int.from_bytes(mark), if_so=left + 1))
    return [*lines, _line(_RETURN, _NOTHING), _line(_RETURN, _ALL)]


def _line(code: int, value: int = 0, *, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; jumps skip so many of those that follow."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
