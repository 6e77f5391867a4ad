"""The shell's entrance: a ROUTER on ipc://, everybody identified by the kernel's peer credentials."""

from __future__ import annotations

import os
import pwd
import socket
import stat
from collections.abc import Iterator
from grp import getgrgid, getgrnam
from pathlib import Path
from typing import Final

import msgspec
import zmq

from hashelld.core.events import ClientAsked, ClientGone
from hashelld.io.handshakes import MONITORED, Handshakes
from hashelld.io.sockets import Context, Opened
from hashelld.limits import (
    CLIENT_QUEUE_MAX,
    CLIENT_RECEIVE_QUEUE_MAX,
    CLIENT_REQUESTS_PER_TURN_MAX,
    CLIENTS_MAX,
    HANDSHAKE_MS,
)
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.client import PROTOCOL, Answer, Refused, Tell
from hashelld.wire.codec import FRAME_BYTES_MAX, ProtocolError, decode_ask, encode_tell
from hashelld.wire.log import Author


GROUP: Final = "haclient"
DAEMON_USER: Final = "hacluster"
"""Pacemaker's own user: access rights limit it no more than root."""


class SocketTaken(Exception):
    """The shell's socket cannot be made; the text tells why."""


class Credentials(msgspec.Struct, frozen=True):
    """What the kernel says of the other end of a connection."""

    uid: int
    gid: int
    pid: int = 0


def read_credentials(address: str) -> Credentials | None:
    """libzmq's `Peer-Address` of an ipc connection, `localhost:UID:GID:PID`; None when it is none."""
    words = address.split(":")
    if len(words) != 4 or not all(word.isdecimal() for word in words[1:]):
        return None
    return Credentials(int(words[1]), int(words[2]), int(words[3]))


def is_permitted(credentials: Credentials) -> bool:
    """root, the daemon's own user, and members of the group haclient may talk to the daemon."""
    if credentials.uid in (0, os.geteuid()):
        return True
    try:
        group = getgrnam(GROUP).gr_gid
    except KeyError:
        return False
    if credentials.gid == group:
        return True
    return group in _groups_of(credentials)


def author_of(credentials: Credentials | None, node: NodeId) -> Author:
    """Who asks, from where, and (as access rights are given to groups, too) in which groups."""
    if credentials is None:
        return Author(user="nobody is told", uid=-1, node=node)
    user = _user_name(credentials.uid)
    is_trusted = credentials.uid in (0, os.geteuid()) or user == DAEMON_USER
    return Author(
        user=user,
        uid=credentials.uid,
        node=node,
        pid=credentials.pid,
        groups=() if is_trusted else tuple(_group_names(_groups_of(credentials))),
        is_trusted=is_trusted,
    )


class _Client:
    """One connection."""

    __slots__ = ("author", "credentials", "handle", "is_permitted")

    def __init__(self, handle: int, credentials: Credentials | None, node: NodeId) -> None:
        self.handle = handle
        self.credentials = credentials
        self.is_permitted = credentials is not None and is_permitted(credentials)
        self.author = author_of(credentials, node)


class ClientSocket:
    """Requests of shells, and the way back to them."""

    def __init__(self, context: Context, path: str, node: NodeId) -> None:
        self.dropped = 0
        self.unread = 0
        self.refused = 0
        self._node = node
        self._clients: dict[bytes, _Client] = {}
        self._by_handle: dict[int, bytes] = {}
        self._open: set[int] = set()
        self._path = path
        _prepare(path)
        self._router = context.socket(zmq.ROUTER)
        self._router.set(zmq.LINGER, 0)
        self._router.set(zmq.MAXMSGSIZE, FRAME_BYTES_MAX)
        self._router.set(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._router.set(zmq.SNDHWM, CLIENT_QUEUE_MAX)
        self._router.set(zmq.RCVHWM, CLIENT_RECEIVE_QUEUE_MAX)
        self._router.set(zmq.ROUTER_MANDATORY, 1)
        self._monitor = self._router.get_monitor_socket(MONITORED)
        self._handshakes = Handshakes(self._monitor, ignores_hung_up=True)
        self._now: Millis = 0
        mask = os.umask(0o117)
        try:
            self._router.bind(f"ipc://{path}")
        except zmq.ZMQError as failure:
            self.close()
            raise SocketTaken(f"{path}: {failure.strerror}") from failure
        finally:
            os.umask(mask)
        _give_to_group(path)

    @property
    def socket(self) -> Opened:
        """For the poller."""
        return self._router

    @property
    def monitor(self) -> Opened:
        """For the poller: readable when a connection began or ended."""
        return self._monitor

    @property
    def broken(self) -> int:
        """Connections that said nothing for long, or what is no ZeroMQ."""
        return self._handshakes.broken

    def receive(self, now: Millis = 0) -> Iterator[ClientAsked | ClientGone]:
        """What shells asked, and which connections ended; a bounded number at once."""
        self._now = now
        yield from self._ended()
        for _ in range(CLIENT_REQUESTS_PER_TURN_MAX):
            try:
                frames = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            # The handle of a closed connection is used again at once: hear of its end before it means a new one.
            yield from self._ended()
            yield from self._on_frames(frames)

    def send(self, client: bytes, ticket: int, answer: Answer) -> None:
        """Answer a shell; one that is gone, or does not read, loses it."""
        try:
            data = encode_tell(Tell(PROTOCOL, ticket, answer))
        except ProtocolError as failure:
            data = encode_tell(Tell(PROTOCOL, ticket, Refused("invalid", f"the answer is too long: {failure}")))
        try:
            self._router.send_multipart((client, data), zmq.NOBLOCK)
        except zmq.ZMQError:
            self.unread += 1

    def close(self, linger_ms: int = 0) -> None:
        """Let answers leave for a moment, close, and remove the socket's file."""
        self._router.disable_monitor()
        self._monitor.close()
        is_bound = bool(self._router.get(zmq.LAST_ENDPOINT))
        self._router.close(linger=linger_ms)
        if is_bound:
            Path(self._path).unlink(missing_ok=True)

    def _ended(self) -> Iterator[ClientGone]:
        for handle, is_begun in self._handshakes.read(self._now):
            if is_begun:
                self._open.add(handle)
                continue
            self._open.discard(handle)
            client = self._by_handle.pop(handle, None)
            if client is not None:
                del self._clients[client]
                yield ClientGone(client)

    def _on_frames(self, frames: list[zmq.Frame]) -> Iterator[ClientAsked | ClientGone]:
        if len(frames) != 2:
            self.dropped += 1
            return
        name = frames[0].bytes
        try:
            ask = decode_ask(frames[1].bytes)
        except ProtocolError as failure:
            self.dropped += 1
            self.send(name, 0, Refused("invalid", f"not understood: {failure}"))
            return
        known = self._clients.get(name)
        handle, credentials = int(frames[1].get(zmq.SRCFD)), _credentials_of(frames[1])
        if known is not None and (known.handle, known.credentials) != (handle, credentials):
            yield from self._forget(name)  # A shell may choose its routing id, and so inherit that of another.
            known = None
        holder = self._by_handle.get(handle, name)
        if holder != name:
            yield from self._forget(holder)  # One of two connections with this handle had ended before it was read.
        client = known or self._welcome(name, handle, credentials)
        if client is None:
            self.send(name, ask.ticket, Refused("invalid", f"more than {CLIENTS_MAX} shells are connected"))
        elif not client.is_permitted:
            self.refused += 1
            who = f"user {client.author.user}"
            hint = f"root and members of the group {GROUP} may"
            self.send(name, ask.ticket, Refused("permission", f"{who} may not talk to hashelld; {hint}"))
        else:
            yield ClientAsked(name, ask.ticket, client.author, ask.request)
            if handle not in self._open:
                yield from self._forget(name)

    def _welcome(self, name: bytes, handle: int, credentials: Credentials | None) -> _Client | None:
        if len(self._clients) >= CLIENTS_MAX:
            return None
        client = _Client(handle, credentials, self._node)
        self._clients[name] = client
        self._by_handle[handle] = name
        return client

    def _forget(self, name: bytes) -> Iterator[ClientGone]:
        client = self._clients.pop(name)
        self._by_handle.pop(client.handle, None)
        yield ClientGone(name)


def _credentials_of(frame: zmq.Frame) -> Credentials | None:
    try:
        address = frame.get("Peer-Address")
    except zmq.ZMQError:
        return None
    return read_credentials(address) if isinstance(address, str) else None


def _groups_of(credentials: Credentials) -> frozenset[int]:
    """The groups of the process, as far as they are told, and of its user."""
    try:
        user = pwd.getpwuid(credentials.uid)
    except (KeyError, OverflowError):
        return frozenset({credentials.gid})
    return frozenset({credentials.gid, *os.getgrouplist(user.pw_name, user.pw_gid)})


def _group_names(groups: frozenset[int]) -> Iterator[str]:
    for group in sorted(groups):
        try:
            yield getgrgid(group).gr_name
        except (KeyError, OverflowError):
            continue


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"uid {uid}"


def _prepare(path: str) -> None:
    """Make the directory, and remove the socket of a daemon that is no more."""
    directory = Path(path).parent
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            _give_to_group(str(directory))
        _check_directory(directory)
        if os.path.lexists(path):
            _remove_stale(path)
    except OSError as failure:
        raise SocketTaken(f"{path}: {failure.strerror} (choose another with [node] socket)") from failure


def _check_directory(directory: Path) -> None:
    status = directory.stat()
    is_shared = bool(status.st_mode & stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    if is_shared or status.st_uid not in (0, os.geteuid()):
        raise SocketTaken(f"{directory}: others may replace the socket in it (it must belong to root, mode 0750)")


def _remove_stale(path: str) -> None:
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise SocketTaken(f"{path}: exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            Path(path).unlink(missing_ok=True)
            return
    raise SocketTaken(f"{path}: another hashelld answers there (stop it, or choose another [node] socket)")


def _give_to_group(path: str) -> None:
    """Let the group haclient in, where there is one and the daemon may say so."""
    if os.geteuid() != 0:
        return
    try:
        group = getgrnam(GROUP).gr_gid
    except KeyError:
        return
    is_directory = stat.S_ISDIR(os.lstat(path).st_mode)
    os.chown(path, -1, group, follow_symlinks=False)
    if is_directory:
        Path(path).chmod(0o750)
