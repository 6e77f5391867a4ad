"""The cluster key: one secret that yields the CURVE key pair of the cluster and the key of the beats' tags."""

from __future__ import annotations

import binascii
import os
import stat
from base64 import b64decode, b64encode
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

import msgspec
import zmq
from zmq.utils import z85

from hashelld.limits import BEAT_MARK_BYTES, BEAT_TAG_BYTES, KEYS_MAX


KEY_BYTES: Final = 32
_FILE_BYTES_MAX: Final = 4096


class KeyFileError(Exception):
    """The key file cannot be used; the text tells what to do."""


class ClusterKey(msgspec.Struct, frozen=True):
    """What one secret yields. CURVE keys are in Z85, as libzmq takes them."""

    curve_secret: bytes
    curve_public: bytes
    beat_key: bytes
    mark: bytes
    """What datagrams with this key's tags begin with. It is seen on the network, and proves nothing."""

    def __repr__(self) -> str:
        return f"ClusterKey({self.curve_public.decode()})"

    def tag(self, receiver: str, payload: bytes) -> bytes:
        """The tag of a beat's payload to this receiver, so that it proves nothing to anybody else."""
        mac = blake2b(key=self.beat_key, digest_size=BEAT_TAG_BYTES)
        name = receiver.encode()
        mac.update(len(name).to_bytes(2) + name)
        mac.update(payload)
        return mac.digest()

    def fits(self, receiver: str, payload: bytes, tag: bytes) -> bool:
        """Is this the tag? Compared in constant time."""
        return compare_digest(self.tag(receiver, payload), tag)


def derive(secret: bytes) -> ClusterKey:
    """The keys of a secret of 32 bytes."""
    assert len(secret) == KEY_BYTES
    curve_secret = z85.encode(blake2b(b"messages", key=secret, digest_size=32, person=b"hashell-curve").digest())
    beat_key = blake2b(b"beats", key=secret, digest_size=32, person=b"hashell-beats").digest()
    mark = blake2b(b"mark", key=secret, digest_size=BEAT_MARK_BYTES, person=b"hashell-mark").digest()
    return ClusterKey(curve_secret, zmq.curve_public(curve_secret), beat_key, mark)


def generate(path: str) -> None:
    """Write a new key file, readable by its owner alone; an existing file is never touched."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path}: exists already; a key in use is not overwritten (remove it first)") from None
    except OSError as failure:
        raise KeyFileError(f"{path}: {failure.strerror}") from failure
    try:
        os.fchmod(handle, 0o600)
        os.write(handle, b64encode(os.urandom(KEY_BYTES)) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def load(paths: tuple[str, ...]) -> tuple[ClusterKey, ...]:
    """The accepted keys, the active one first: a line each, in the order of the files."""
    secrets: list[bytes] = []
    for path in paths:
        secrets.extend(secret for secret in _secrets_of(path) if secret not in secrets)
    if len(secrets) > KEYS_MAX:
        raise KeyFileError(f"{paths[0]}: {len(secrets)} keys; at most {KEYS_MAX} are accepted at once")
    return tuple(derive(secret) for secret in secrets)


def _secrets_of(path: str) -> list[bytes]:
    secrets = []
    for number, line in enumerate(_read_checked(path).splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        try:
            secret = b64decode(text, validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES or not any(secret):
            raise KeyFileError(f"{path}:{number}: not a key of 32 bytes in base64 (make one: hashelld keygen PATH)")
        secrets.append(secret)
    if not secrets:
        raise KeyFileError(f"{path}: holds no key (make one: hashelld keygen PATH)")
    return secrets


def _read_checked(path: str) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(
            f"{path}: no such file (make it with 'hashelld keygen {path}' and copy it to every node)"
        ) from None
    except OSError as failure:
        raise KeyFileError(f"{path}: {failure.strerror}") from failure
    try:
        _check(path, os.fstat(handle))
        return os.read(handle, _FILE_BYTES_MAX)
    finally:
        os.close(handle)


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(f"{path}: not a regular file")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(f"{path}: mode {mode:04o} lets others read the cluster key (chmod 600 {path})")
    if status.st_uid not in (0, os.geteuid()):
        raise KeyFileError(
            f"{path}: belongs to user {status.st_uid}, not to root or to the user of the daemon (chown root {path})"
        )
    if status.st_size > _FILE_BYTES_MAX:
        raise KeyFileError(f"{path}: {status.st_size} bytes; a key file has one short line for each key")
