"""Which agents run, on disk before they do: what a killed daemon left behind is ended by its next start."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from hashelld.io.clock import Clock
from hashelld.limits import KILL_AFTER_MS, ORPHANS_GONE_MS
from hashelld.model.ids import Millis


FILE_NAME: Final = "agents.journal"
TOKEN_VARIABLE: Final = "HASHELL_RUN"  # noqa: S105 - marks the agent's processes, guards nothing
NODE_VARIABLE: Final = "HASHELL_STATE"
"""In the environment of every agent and of what it leaves running: the state directory of its daemon."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PROC: Final = Path("/proc")
_POLL_MS: Final = 20


class ProcessStat(msgspec.Struct, frozen=True):
    """What /proc/PID/stat says: parent, process group, session, and clock ticks from boot to the process's start."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    start: int


class Noted(msgspec.Struct):
    """One agent of the journal; group 0: the daemon was killed before it could write more than the intent."""

    token: str
    group: int = 0
    start: int = 0


class Journal:
    """One line for each thing that happened to a run; the file is empty while no agent runs.

    A write is enough, without fsync: the file must outlive the daemon, not the machine.
    """

    def __init__(self, directory: str, clock: Clock) -> None:
        self._path = Path(directory) / FILE_NAME
        self.state = directory
        self._clock = clock
        self._boot = _BOOT_ID.read_text().strip()
        self._tokens: dict[int, str] = {}
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def begin(self, run: int) -> str:
        """Note that an agent is about to be executed; the token goes into its environment."""
        token = self._clock.token()
        self._tokens[run] = token
        self._write(f"begin {token} {self._boot}")
        return token

    def started(self, run: int, pid: int) -> None:
        """Note its process group."""
        found = read_stat(pid)
        self._write(f"group {self._tokens[run]} {pid} {0 if found is None else found.start}")

    def ended(self, run: int) -> None:
        """It is no more."""
        token = self._tokens.pop(run)
        if self._tokens:
            self._write(f"end {token}")
        else:
            os.ftruncate(self._handle, 0)

    def left_over(self) -> list[Noted]:
        """The agents that an earlier incarnation noted in this boot of the machine, and did not see the end of."""
        noted: dict[str, Noted] = {}
        for line in self._path.read_text(errors="replace").splitlines():
            match line.split():
                case ["begin", token, boot] if boot == self._boot:
                    noted[token] = Noted(token)
                case ["group", token, group, start] if token in noted and group.isdecimal() and start.isdecimal():
                    noted[token] = Noted(token, int(group), int(start))
                case ["end", token]:
                    noted.pop(token, None)
                case _:
                    continue  # Of another boot, or torn: nothing can be ended by it.
        return list(noted.values())

    def end_orphans(self) -> list[int]:
        """End what is left over, TERM then KILL; the processes that even KILL did not end (normally none)."""
        groups = {group for noted in self.left_over() if (group := _group_of(noted))}
        for deadline_ms, number in ((KILL_AFTER_MS, signal.SIGTERM), (ORPHANS_GONE_MS, signal.SIGKILL)):
            for group in groups:
                _signal_group(group, number)
            self._wait(groups, deadline_ms)
        remaining = [found.pid for found in _members(groups)]
        if not remaining:
            os.ftruncate(self._handle, 0)
        return remaining

    def close(self) -> None:
        """The file stays, for the next incarnation."""
        os.close(self._handle)

    def _wait(self, groups: set[int], span_ms: Millis) -> None:
        idle = select.poll()
        deadline = self._clock.now() + span_ms
        while any(_members(groups)) and self._clock.now() < deadline:
            idle.poll(_POLL_MS)

    def _write(self, line: str) -> None:
        os.write(self._handle, f"{line}\n".encode())


def read_stat(pid: int) -> ProcessStat | None:
    """None when there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The command's name is in parentheses and may contain anything.
    words = text.rpartition(")")[2].split()
    return ProcessStat(pid, words[0], int(words[1]), int(words[2]), int(words[3]), int(words[19]))


def processes() -> Iterator[ProcessStat]:
    """All that live on this machine, as far as this one sees them."""
    for name in os.listdir(_PROC):  # noqa: PTH208 - names, no paths
        found = read_stat(int(name)) if name.isdecimal() else None
        if found is not None and found.state not in "ZX":
            yield found


def _members(groups: set[int]) -> Iterator[ProcessStat]:
    """The living processes of these groups."""
    return (found for found in processes() if found.group in groups) if groups else iter(())


def _group_of(noted: Noted) -> int:
    """The process group of a noted run that still exists and is still that run's; else 0."""
    if not noted.group:
        marked = [found for found in processes() if found.pid == found.group and _is_marked(found.pid, noted.token)]
        return min(marked, key=lambda found: found.start).group if marked else 0
    leader = read_stat(noted.group)
    if leader is not None:
        return noted.group if leader.start == noted.start else 0
    # The leader has ended; its number stays taken while its group has members, but another group may have come since.
    members = _members({noted.group})
    return noted.group if any(_is_marked(found.pid, noted.token) for found in members) else 0


def _is_marked(pid: int, token: str) -> bool:
    return has_variable(pid, TOKEN_VARIABLE, token)


def has_variable(pid: int, name: str, value: str) -> bool:
    """Is this in the environment that the process was started with, as far as that may be read?"""
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return os.fsencode(f"{name}={value}") in environment.split(b"\0")


def _signal_group(group: int, number: int) -> None:
    assert group > 1
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
