"""A switch in user space between namespaces, and the class that drives it: `python -m tests.e2e.frameswitch SEED`.

Each port is a TAP device in a namespace of its own. One JSON object a line on standard input says what to do, one line
answers it; the end of the input is the end of the program.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import os
import select
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from tests.e2e.frames import CLEAR, Counts, Fabric, Way
from tests.e2e.harness import ROOT, environment


TUNSETIFF: Final = 0x400454CA
TUNSETCARRIER: Final = 0x400454E2
IFF_TAP_NO_PI: Final = 0x0002 | 0x1000
CLONE_NEWNET: Final = 0x40000000
FRAME_BYTES_MAX: Final = 65_536
FRAMES_PER_TURN_MAX: Final = 64
"""Read at once from one port, so that a flood does not keep the others waiting."""
NAMESPACES: Final = Path("/run/netns")
PRIORITY: Final = 1
END_LIMIT_S: Final = 10.0


def open_tap(namespace: str, device: str) -> int:
    """A new TAP device in a network namespace; it is gone when this is closed."""
    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        other = os.open(NAMESPACES / namespace, os.O_RDONLY)
        try:
            _enter(libc, other)
        finally:
            os.close(other)
        try:
            opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.ioctl(opened, TUNSETIFF, struct.pack("16sH14x", device.encode(), IFF_TAP_NO_PI))
            except OSError:
                os.close(opened)
                raise
        finally:
            _enter(libc, own)
    finally:
        os.close(own)
    return opened


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Switch:
    """The program: it moves frames between devices, and does what its standard input says."""

    def __init__(self, seed: int) -> None:
        self._fabric = Fabric(seed)
        self._devices: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._poll = select.epoll()
        self._said = b""
        os.set_blocking(0, False)
        self._poll.register(0, select.EPOLLIN | select.EPOLLHUP)

    def run(self) -> None:
        """Until the standard input ends."""
        while True:
            due = self._fabric.deadline()
            wait_s = -1 if due is None else max(0.0, due - time.monotonic())
            for handle, _ in self._poll.poll(wait_s):
                if handle == 0:
                    if not self._listen():
                        return
                elif handle in self._names:
                    self._read(handle)
            for port, frame in self._fabric.due(time.monotonic()):
                with suppress(OSError):  # Its queue is full, or its host has just lost it.
                    os.write(self._devices[port], frame)

    def _read(self, handle: int) -> None:
        port = self._names[handle]
        for _ in range(FRAMES_PER_TURN_MAX):
            try:
                frame = os.read(handle, FRAME_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError as failure:
                # Down, it says EIO until it is up again; deleted by its host, EBADFD for ever.
                if failure.errno != 5:
                    self._unplug(port)
                return
            self._fabric.take(time.monotonic(), port, frame)

    def _listen(self) -> bool:
        """Do what is said; False at the end of it."""
        said = os.read(0, FRAME_BYTES_MAX)
        *lines, self._said = (self._said + said).split(b"\n")
        for line in lines:
            try:
                answer = self._obey(json.loads(line))
            except OSError as failure:
                answer = {"error": str(failure)}
            print(json.dumps(answer), flush=True)
        return bool(said)

    def _obey(self, order: dict) -> dict:
        match order:
            case {"plug": port, "namespace": namespace, "device": device}:
                self._unplug(port)
                self._plug(port, open_tap(namespace, device))
            case {"unplug": port}:
                self._unplug(port)
            case {"carrier": port, "is_on": is_on}:
                self._set_carrier(port, is_on=is_on)
            case {"ways": ways}:
                for source, target, way in ways:
                    self._fabric.set_way(source, target, msgspec.convert(way, Way))
            case _:
                return msgspec.to_builtins(self._fabric.counts)
        return {}

    def _plug(self, port: str, handle: int) -> None:
        self._devices[port], self._names[handle] = handle, port
        self._fabric.plug(port)
        self._poll.register(handle, select.EPOLLIN)

    def _set_carrier(self, port: str, *, is_on: bool) -> None:
        """Its host is told by the kernel; until it has noticed, and in the other direction, frames are dropped here."""
        if port in self._devices:
            fcntl.ioctl(self._devices[port], TUNSETCARRIER, struct.pack("i", is_on))
            (self._fabric.plug if is_on else self._fabric.unplug)(port)

    def _unplug(self, port: str) -> None:
        handle = self._devices.pop(port, None)
        if handle is not None:
            del self._names[handle]
            self._fabric.unplug(port)
            with suppress(OSError):
                self._poll.unregister(handle)
            os.close(handle)


class FrameSwitch:
    """Drives a switch of its own; a context manager that ends it. Its own end, however it comes, ends it too."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> FrameSwitch:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.frameswitch", str(self._seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(),
        )
        self.counts()  # It listens.
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout, suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def plug(self, port: str, namespace: str, device: str) -> None:
        """A new device in a namespace, plugged in at a port; one that was there is taken away."""
        self._tell(plug=port, namespace=namespace, device=device)

    def unplug(self, port: str) -> None:
        """Take the port's device away."""
        self._tell(unplug=port)

    def set_carrier(self, port: str, *, is_on: bool) -> None:
        """Pull its cable, or plug it in; the device stays."""
        self._tell(carrier=port, is_on=is_on)

    def set_ways(self, ways: dict[tuple[str, str], Way]) -> None:
        """What happens from now on to frames between these ports, all at once."""
        told = [[source, target, msgspec.to_builtins(way)] for (source, target), way in ways.items()]
        self._tell(ways=told)

    def clear(self, *ports: str) -> None:
        """Nothing happens to frames between these."""
        self.set_ways({(one, other): CLEAR for one in ports for other in ports if one != other})

    def counts(self) -> Counts:
        """What became of frames so far."""
        return msgspec.convert(self._tell(), Counts)

    def _tell(self, **order: object) -> dict:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, "the switch has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise OSError(f"{order}: {answer['error']}")
        return answer


def main(seed: int) -> None:
    """Ahead of what it connects: a late switch would be a slow network."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    gc.disable()
    Switch(seed).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
