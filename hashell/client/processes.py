"""Processes of this machine, for drills: what a resource consists of, and ending one without hitting another."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec


PROC: Final = Path("/proc")
ENVIRONMENT_BYTES_MAX: Final = 1 << 20
_INSTANCE: Final = b"OCF_RESOURCE_INSTANCE"
_NODE: Final = b"OCF_RESKEY_CRM_meta_on_node"


class Found(msgspec.Struct, frozen=True):
    """A process, its parent and its group."""

    pid: int
    parent: int
    group: int


def kill(pid: int, is_meant: Callable[[], bool]) -> str:
    """End a process by SIGKILL, but only if it is meant while its number is held; else why it was not done."""
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        return f"process {pid}: {os.strerror(error.errno or errno.ESRCH)}"
    try:
        if not is_meant():
            return f"process {pid} is another by now"
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError as error:
        return f"process {pid}: {os.strerror(error.errno or errno.EPERM)}"
    finally:
        os.close(handle)
    return ""


def processes_of(resource: str, node: str, daemon: int | None) -> tuple[int, ...]:
    """What agents of a resource started on a node and left running, by its environment.

    An agent that is at work is a child of the daemon, and is left out with all of its group.
    """
    found = [one for one in _processes() if _belongs(_environment(one.pid), resource, node)]
    at_work = {one.group for one in found if one.parent == daemon}
    return tuple(sorted(one.pid for one in found if one.group not in at_work))


def _belongs(environment: dict[bytes, bytes], resource: str, node: str) -> bool:
    instance = environment.get(_INSTANCE, b"").decode(errors="replace")
    name, _, number = instance.partition(":")
    is_instance = name == resource and (not number or number.isdigit())
    return is_instance and environment.get(_NODE, b"").decode(errors="replace") == node


def _processes() -> Iterator[Found]:
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue  # It ended.
        # The name, which is in parentheses, may contain anything.
        words = text.rpartition(")")[2].split()
        if len(words) > 2:
            yield Found(int(entry.name), int(words[1]), int(words[2]))


def _environment(pid: int) -> dict[bytes, bytes]:
    """Empty when it ended, or is somebody else's."""
    try:
        with (PROC / str(pid) / "environ").open("rb") as file:
            data = file.read(ENVIRONMENT_BYTES_MAX)
    except OSError:
        return {}
    return dict(part.partition(b"=")[::2] for part in data.split(b"\0") if b"=" in part)
