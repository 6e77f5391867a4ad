"""What every client of a daemon does alike: whose socket it is, what a frame says, and what silence means."""

from __future__ import annotations

import errno
import os
import stat
from socket import AF_UNIX, SO_PEERCRED, SOCK_STREAM, SOL_SOCKET, socket
from struct import Struct
from typing import Final

import msgspec

from hashell.errors import Refused, TimedOut, Unreachable
from hashelld.wire.client import PROTOCOL, Ask, MakeCommit, Request, Tell


_CREDENTIALS: Final = Struct("3i")
"""struct ucred: pid, uid, gid."""
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
CONNECT_MS: Final = 2_000
NO_TICKET: Final = 0
"""Of an answer to something that the daemon did not understand."""
REQUEST_BYTES_MAX: Final = (1 << 20) - 4096
"""What a daemon accepts: `wire.codec.ASK_BYTES_MAX`, which a test compares."""


class DaemonSocket:
    """A daemon's socket by its path.

    Frames are decoded here and not by `wire.codec`, which knows the messages between nodes too and would make every
    command slower.
    """

    __slots__ = ("_decoder", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._decoder = msgspec.msgpack.Decoder(Tell)

    def encoded(self, ticket: int, request: Request) -> bytes:
        """The frame of a request; one that no daemon would accept is `Refused`."""
        frame = msgspec.msgpack.encode(Ask(PROTOCOL, ticket, request))
        if len(frame) > REQUEST_BYTES_MAX:
            raise Refused(f"The change is too large for one commit ({len(frame)} bytes): commit it in parts.")
        return frame

    def decoded(self, frame: bytes | bytearray) -> Tell:
        """What a frame says; `Refused` when it cannot be understood."""
        try:
            told = self._decoder.decode(frame)
        except msgspec.MsgspecError as error:
            raise Refused(f"hashelld at {self.path} speaks another language than this shell: {error}") from None
        if told.protocol != PROTOCOL:
            raise Refused(
                f"hashelld at {self.path} speaks protocol {told.protocol}, this shell {PROTOCOL}: update one."
            )
        return told

    def check_owner(self) -> None:
        """Is there a socket of root or of oneself?"""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - pathlib would cost every command 4 ms
        except FileNotFoundError:
            raise self.unreachable("does not exist") from None
        except OSError as error:
            raise Unreachable(f"{self.path}: {os.strerror(error.errno or errno.EIO)}") from None
        if not stat.S_ISSOCK(found.st_mode):
            raise Unreachable(f"{self.path} is no socket: name hashelld's with --socket.")
        if found.st_uid not in (0, os.getuid()):
            raise Unreachable(
                f"{self.path} belongs to user {found.st_uid}, neither to root nor to you: it is not trusted."
            )

    def pid(self) -> int | None:
        """The process that listens, as the kernel says; None when nobody does, or where it cannot be seen from here."""
        with socket(AF_UNIX, SOCK_STREAM) as probe:
            try:
                self.check_owner()
                probe.connect(self.path)
            except (Unreachable, OSError):
                return None
            found: int = _CREDENTIALS.unpack(probe.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size))[0]
        return found or None

    def not_connected(self, error: OSError) -> Unreachable:
        """Why nobody could be talked to."""
        if isinstance(error, PermissionError):
            return Unreachable(f"You may not talk to {self.path}: become root or a member of its group.")
        return self.unreachable("is left over, nobody listens")

    def unreachable(self, problem: str) -> Unreachable:
        """A sentence about the socket, with what to do."""
        return Unreachable(
            f"No hashelld answers at {self.path} (it {problem}): start it with "
            "hashelld run --config /etc/hashell/hashelld.toml, or name another with --socket."
        )

    def silence(self, request: Request, what: str) -> Unreachable | TimedOut:
        """No answer came; of a commit, the outcome is unknown then."""
        if isinstance(request, MakeCommit):
            return TimedOut(f"hashelld did not answer the commit {request.id} {what}.")
        return Unreachable(f"hashelld at {self.path} did not answer {what}.")
