"""A watchdog without a device: a parent process that ends the daemon and every process that came of it.

Rule: the parent holds nothing, opens nothing and waits for nothing but its child. It gathers whatever agents leave
behind, so that processes which detached themselves are found, too; what a daemon of this node before it left running is
found by its environment. What is no process (addresses, mounts, units of systemd) it cannot end.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hashelld.io.clock import Clock
from hashelld.io.journal import NODE_VARIABLE, has_variable, processes
from hashelld.io.privileges import end_with_parent, gather_orphans, raise_priority
from hashelld.io.watchdog import PETS_IN_TIMEOUT
from hashelld.model.ids import Millis


ENDED: Final = 1
"""The exit code when everything had to be ended: whoever starts daemons starts this one again."""
_PET, _END, _DISARM = b"p", b"e", b"V"
_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
_POLL_MS: Final = 10
_READ_BYTES: Final = 4_096


class PipeWatchdog:
    """The daemon's end of the pipe to its parent."""

    def __init__(self, handle: int, timeout_ms: Millis) -> None:
        self._handle = handle
        self._timeout_ms = timeout_ms
        self._is_armed = self._is_ending = False
        self._petted_ms: Millis | None = None

    def arm(self) -> None:
        """The first pet arms it; `OSError` when there is no parent any more."""
        if not self._is_armed:
            os.write(self._handle, _PET)
            self._is_armed = True

    def pet(self, now: Millis) -> None:
        """A full pipe means that the parent has not read for long: it has pets enough."""
        if not self._is_armed or self._is_ending:
            return
        if self._petted_ms is None or now - self._petted_ms >= self._timeout_ms // PETS_IN_TIMEOUT:
            self._petted_ms = now
            self._write(_PET)

    def end(self) -> None:
        """Now."""
        self._is_ending = True
        self._write(_END)

    def disarm(self) -> None:
        """The daemon may end."""
        if self._is_armed and not self._is_ending:
            self._write(_DISARM)
            self._is_armed = False

    def _write(self, what: bytes) -> None:
        with suppress(OSError):
            os.write(self._handle, what)


class Vigil:
    """What the parent knows of its child; pure."""

    def __init__(self, timeout_ms: Millis) -> None:
        self._timeout_ms = timeout_ms
        self._petted_ms: Millis | None = None
        self.is_over = False
        """The child asked for its end."""

    @property
    def is_armed(self) -> bool:
        """Has everything to be ended when the child ends?"""
        return self._petted_ms is not None

    def on_read(self, now: Millis, data: bytes) -> None:
        """What came through the pipe."""
        if _END in data:
            self.is_over = True
        elif data.endswith(_DISARM):
            self._petted_ms = None
        elif data:
            self._petted_ms = now

    def deadline(self) -> Millis | None:
        """When the next pet has to be there."""
        return None if self._petted_ms is None else self._petted_ms + self._timeout_ms

    def is_due(self, now: Millis) -> bool:
        """Is everything to be ended?"""
        deadline = self.deadline()
        return self.is_over or (deadline is not None and now >= deadline)


def supervised(
    timeout_ms: Millis, clock: Clock, state: str, body: Callable[[PipeWatchdog], int], *, realtime: bool
) -> int:
    """Run the body, a daemon with this state directory, in a child; returns (in both processes) the exit code.

    To be called before there are threads, sockets or files that the parent should not hold.
    """
    pets, end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    parent = os.getpid()
    gather_orphans()
    child = os.fork()
    if child == 0:
        end_with_parent()
        os.close(pets)
        if os.getppid() != parent:
            return ENDED  # It ended before this process was bound to it.
        return body(PipeWatchdog(end, timeout_ms))
    os.close(end)
    if realtime:
        raise_priority()
    return _Parent(child, pets, Vigil(timeout_ms), clock, state).run()


class _Parent:
    def __init__(self, child: int, pets: int, vigil: Vigil, clock: Clock, state: str) -> None:
        self._child = child
        self._state = state
        self._pets = pets
        self._clock = clock
        self._vigil = vigil
        self._status: int | None = None
        self._wake, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _FORWARDED:
            signal.signal(number, lambda got, _: self._forward(got))
        self._poller = select.poll()
        self._poller.register(self._wake, select.POLLIN)
        self._poller.register(pets, select.POLLIN)

    def run(self) -> int:
        """Until the child has ended, or has to be."""
        while self._status is None and not self._vigil.is_due(self._clock.now()):
            self._poller.poll(self._timeout())
            _drain(self._wake)
            self._reap()
            self._vigil.on_read(self._clock.now(), _drain(self._pets))
        if self._status is None or self._vigil.is_armed or self._vigil.is_over:
            why = "said nothing for too long" if self._status is None else "ended and left its resources running"
            why = "asked for it" if self._vigil.is_over else why
            self._end_everything()
            sys.stderr.write(f"hashelld: watchdog: the daemon {why}; everything that it ran was ended\n")
            return ENDED
        return self._status

    def _timeout(self) -> int | None:
        deadline = self._vigil.deadline()
        return None if deadline is None else max(0, deadline - self._clock.now())

    def _forward(self, number: int) -> None:
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self._child, number)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._child:
                    code = os.waitstatus_to_exitcode(status)
                    self._status = code if code >= 0 else 128 - code

    def _end_everything(self) -> None:
        """The daemon first, or it would start more; then all that is left, again and again: some may be forking.

        A process that the kernel cannot end is waited for: to be started again beside it would not be safe.
        """
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
        idle = select.poll()
        while found := _family(os.getpid(), self._state):
            for pid in found:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            idle.poll(_POLL_MS)
            self._reap()


def _family(root: int, state: str) -> set[int]:
    """Every living process below this one, and those that an earlier daemon of this node left, without this one."""
    living = list(processes())
    children: dict[int, list[int]] = {}
    for found in living:
        children.setdefault(found.parent, []).append(found.pid)
    family = {found.pid for found in living if has_variable(found.pid, NODE_VARIABLE, state)} - {root}
    below = list(children.get(root, ()))
    while below:
        pid = below.pop()
        family.add(pid)
        below += children.get(pid, ())
    return family


def _drain(handle: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(handle, _READ_BYTES)
    return b""
