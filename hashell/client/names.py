"""The names of resources for bash's TAB, without what all else needs: no messages are decoded, no document is made.

ZeroMQ's protocol (ZMTP 3.0) is spoken on the daemon's socket itself, and the names are found in the bytes of the
answer, or in the text of a CIB file. Whatever is unusual makes it give up: then the ordinary way is gone.
"""

from __future__ import annotations

import os
import re
import stat
from _socket import AF_UNIX, SOCK_STREAM, socket  # The module around it loads selectors and enumerations.
from collections.abc import Callable

from hashell.client.zmtp import COMMAND, GREETING, LONG, MORE, READY, SIGNATURE


TIMEOUT_S = 2.0
BYTES_MAX = 64 * 1024 * 1024
ASK = b"\x93\1\1\x81\xa4type\xa7get-cib"
"""`Ask(PROTOCOL, 1, GetCib())`."""
TOLD = b"\x93\1\1\x84\xa4type\xa3cib"
"""How the answer begins."""
_ENCODED = re.compile(
    rb"\xa4type(?:\xa9primitive|\xa5group|\xa5clone|\xa6bundle).*?(?<!\xc2)\xa2id(?:([\xa0-\xbf])|\xd9(.))", re.DOTALL
)
_WRITTEN = re.compile(r'<(?:primitive|group|clone|master|bundle)\s[^<>]*?\bid="([^"<>]*)"')
_UNUSUAL = ("<!--", "<![", "<!DOCTYPE", "='")


def names_of_file(path: str) -> list[str] | None:
    """Resources of a CIB file in XML; None where the text must be read properly."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs more than all of this
            text = file.read(BYTES_MAX)
    except (OSError, ValueError):
        return None
    if path.endswith(".crm") or any(mark in text for mark in _UNUSUAL):
        return None
    return _WRITTEN.findall(text)


def names_of_daemon(path: str) -> list[str] | None:
    """Resources of a daemon's configuration; None when that is not to be had at once."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    connection.settimeout(TIMEOUT_S)
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid not in (0, os.getuid()):
            return None
        connection.connect(path)
        connection.sendall(GREETING + bytes((COMMAND, len(READY))) + READY)
        take = _reader(connection)
        if take(len(GREETING))[:1] != SIGNATURE[:1] or _frame(take)[0] != COMMAND:
            return None
        connection.sendall(bytes((0, len(ASK))) + ASK)  # Not earlier: ZeroMQ would take it for the other's READY.
        return names_in(_message(take))
    except (OSError, ValueError):
        return None
    finally:
        connection.close()


def names_in(answer: bytes) -> list[str] | None:
    """Resources of an encoded `CibIs`; None when it is another answer."""
    if not answer.startswith(TOLD):
        return None
    names = []
    for found in _ENCODED.finditer(answer):
        short, long = found.groups()
        length = short[0] & 0x1F if short else long[0]
        names.append(answer[found.end() : found.end() + length].decode())
    return names


def _reader(connection: socket) -> Callable[[int], bytes]:
    """Takes so many bytes from a connection; `ValueError` when they do not come."""
    buffer = bytearray()

    def take(length: int) -> bytes:
        while len(buffer) < length:
            piece = connection.recv(1 << 16)
            if not piece or length > BYTES_MAX:
                raise ValueError
            buffer.extend(piece)
        taken = bytes(buffer[:length])
        del buffer[:length]
        return taken

    return take


def _frame(take: Callable[[int], bytes]) -> tuple[int, bytes]:
    flags = take(1)[0]
    return flags, take(int.from_bytes(take(8 if flags & LONG else 1), "big"))


def _message(take: Callable[[int], bytes]) -> bytes:
    """The frames of the first message, together."""
    whole = b""
    while True:
        flags, body = _frame(take)
        if flags & COMMAND:
            continue
        whole += body
        if not flags & MORE:
            return whole
