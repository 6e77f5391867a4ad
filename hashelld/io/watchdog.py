"""The watchdog that the loop pets: a device of the kernel, or (io.supervisor) a parent process."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from typing import Final, Protocol

from hashelld.model.ids import Millis


PETS_IN_TIMEOUT: Final = 8
"""So often in its timeout a watchdog is petted at most: the loop turns much oftener."""
_WDIOC_SETTIMEOUT: Final = 0xC0045706
_MAGIC_CLOSE: Final = b"V"
_SHORTEST_S: Final = 1


class Watchdog(Protocol):
    """Nothing happens before it is armed, and nothing can be taken back once it was told to end the node."""

    def arm(self) -> None:
        """From now on it ends the node unless it is petted; `OSError` when that cannot be."""

    def pet(self, now: Millis) -> None:
        """The loop turns."""

    def end(self) -> None:
        """End the node as soon as possible."""

    def disarm(self) -> None:
        """The daemon ends, and nothing of it is left that would have to be ended."""


class NoWatchdog:
    """Where none is configured."""

    def arm(self) -> None:
        """Nothing."""

    def pet(self, now: Millis) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def disarm(self) -> None:
        """Nothing."""


NO_WATCHDOG: Final = NoWatchdog()


def set_device_timeout(handle: int, seconds: int) -> int:
    """Ask a device for this timeout; the one that it took."""
    answer = fcntl.ioctl(handle, _WDIOC_SETTIMEOUT, struct.pack("i", seconds))
    return int(struct.unpack("i", answer)[0])


class DeviceWatchdog:
    """/dev/watchdog and its like. It is opened when it is armed: opening starts it, and pets one that runs already.

    An earlier daemon that was killed left it running: it goes on until this one is counted in, or ends the machine.
    """

    def __init__(
        self, path: str, timeout_ms: Millis, set_timeout: Callable[[int, int], int] = set_device_timeout
    ) -> None:
        self._path = path
        self._timeout_ms = timeout_ms
        self._set_timeout = set_timeout
        self._handle: int | None = None
        self._petted_ms: Millis | None = None
        self._is_ending = False

    def arm(self) -> None:
        """Open it and set its timeout."""
        if self._handle is not None:
            return
        handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._set(handle)
        except OSError:
            _close(handle)
            raise
        self._handle = handle

    def _set(self, handle: int) -> None:
        wanted_s = self._timeout_ms // 1_000
        taken_s = self._set_timeout(handle, wanted_s)
        if taken_s > wanted_s:
            why = f"its shortest timeout is {taken_s} s, longer than {wanted_s} s"
            raise OSError(errno.EINVAL, why, self._path)

    def pet(self, now: Millis) -> None:
        """Write to it; a write that fails is a pet that was not given."""
        if self._handle is None or self._is_ending:
            return
        if self._petted_ms is None or now - self._petted_ms >= self._timeout_ms // PETS_IN_TIMEOUT:
            self._petted_ms = now
            _write(self._handle, b"\0")

    def end(self) -> None:
        """Pet it no more, and have it fire soon."""
        if self._is_ending:
            return
        self.arm()
        self._is_ending = True
        assert self._handle is not None
        try:
            self._set_timeout(self._handle, _SHORTEST_S)
        except OSError:
            return  # It fires at its usual time.

    def disarm(self) -> None:
        """The magic close."""
        if self._handle is not None and not self._is_ending:
            _close(self._handle)
            self._handle = None


def _close(handle: int) -> None:
    _write(handle, _MAGIC_CLOSE)
    os.close(handle)


def _write(handle: int, data: bytes) -> None:
    try:
        os.write(handle, data)
    except OSError:
        return
