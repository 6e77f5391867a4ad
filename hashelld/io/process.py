"""Agents as processes: spawned without a shell, timed, their output bounded, their groups ended whole."""

from __future__ import annotations

import errno
import os
import select
import signal
import stat
from heapq import heappop, heappush
from pathlib import Path
from typing import Final

from hashelld.agents.kinds import SYSTEM_PATH
from hashelld.core.effects import RunAgent
from hashelld.core.events import AgentEnded
from hashelld.io.journal import NODE_VARIABLE, TOKEN_VARIABLE, Journal
from hashelld.io.secrets import Secrets
from hashelld.limits import AGENTS_MAX, KILL_AFTER_MS, OUTPUT_BYTES_MAX, STDIN_BYTES_MAX
from hashelld.model.ids import Millis
from hashelld.model.secret import SECRETS_DIR, SecretRefused, Told


BASE_ENVIRONMENT: Final = {
    "PATH": SYSTEM_PATH,
    "LC_ALL": "C",
    "HOME": "/",
}
_RESET_SIGNALS: Final = (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)
_READS_MAX: Final = 4
"""Blocks of one pipe's size that are read at once; an agent that writes for ever does not stop the loop."""


class _Output:
    """The end of what came through one pipe."""

    __slots__ = ("handle", "kept")

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.kept = bytearray()

    def read(self) -> bool:
        """Read what is there; False at the end."""
        for _ in range(_READS_MAX):
            try:
                block = os.read(self.handle, OUTPUT_BYTES_MAX)
            except BlockingIOError:
                return True
            if not block:
                return False
            self.kept += block
            del self.kept[:-OUTPUT_BYTES_MAX]
        return True

    @property
    def text(self) -> str:
        return self.kept.decode(errors="replace")


class _Run:
    """One process on its way."""

    __slots__ = ("begun_ms", "effect", "is_killed", "outputs", "pid", "pidfd", "told")

    def __init__(
        self, effect: RunAgent, told: Told, pid: int, outputs: tuple[_Output, _Output], begun_ms: Millis
    ) -> None:
        self.effect = effect
        self.told = told
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.outputs = outputs
        self.begun_ms = begun_ms
        self.is_killed = False


class Processes:
    """The agents under way. Working directory and umask are the daemon's own: `/` and 022."""

    def __init__(self, journal: Journal, secrets: Secrets | None = None) -> None:
        self._journal = journal
        self._secrets = Secrets(SECRETS_DIR) if secrets is None else secrets
        self._epoll = select.epoll()
        self._runs: dict[int, _Run] = {}
        self._by_handle: dict[int, int] = {}
        self._deadlines: list[tuple[Millis, int, int]] = []

    def fileno(self) -> int:
        """For the poller: readable when an agent wrote or ended."""
        return self._epoll.fileno()

    def __len__(self) -> int:
        return len(self._runs)

    def spawn(self, now: Millis, effect: RunAgent) -> AgentEnded | None:
        """Execute it; an event at once when that is not possible."""
        assert effect.run not in self._runs, "the number of a run is used once"
        try:
            told = self._secrets.resolve(effect)
        except SecretRefused as refusal:
            return AgentEnded(run=effect.run, rc=None, error=str(refusal))
        error = self._objection(effect, told.stdin)
        if error:
            return AgentEnded(run=effect.run, rc=None, error=error)
        token = self._journal.begin(effect.run)
        own = {TOKEN_VARIABLE: token, NODE_VARIABLE: self._journal.state}
        environment = {**BASE_ENVIRONMENT, **told.environment, **own}
        try:
            pid, outputs = _spawn(effect.argv, told.stdin, environment)
        except (OSError, ValueError) as failure:
            self._journal.ended(effect.run)
            reason = failure.strerror if isinstance(failure, OSError) else str(failure)
            return AgentEnded(run=effect.run, rc=None, error=f"{effect.argv[0]}: {reason}")
        self._journal.started(effect.run, pid)
        run = _Run(effect, told, pid, outputs, now)
        self._runs[effect.run] = run
        for handle in (run.pidfd, *(output.handle for output in outputs)):
            self._by_handle[handle] = effect.run
            self._epoll.register(handle, select.EPOLLIN)
        heappush(self._deadlines, (now + effect.timeout_ms, effect.run, signal.SIGTERM))
        return None

    def kill(self, run: int) -> None:
        """End its process group now; `AgentEnded` comes when it is gone. One that has ended already is no matter."""
        found = self._runs.get(run)
        if found is not None:
            _kill(found, signal.SIGKILL)

    def deadline(self) -> Millis | None:
        """When `on_time` has something to do."""
        return self._deadlines[0][0] if self._deadlines else None

    def on_time(self, now: Millis) -> None:
        """End the groups whose time is over: TERM first, KILL later."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number, what = heappop(self._deadlines)
            run = self._runs.get(number)
            if run is None:
                continue
            _kill(run, what)
            if what == signal.SIGTERM:
                heappush(self._deadlines, (now + KILL_AFTER_MS, number, signal.SIGKILL))

    def on_ready(self, now: Millis) -> list[AgentEnded]:
        """Read what agents wrote; the ones that ended."""
        ended = []
        for handle, _ in self._epoll.poll(0):
            number = self._by_handle.get(handle)
            if number is None:
                continue
            run = self._runs[number]
            if handle == run.pidfd:
                ended.append(self._end(now, run))
                continue
            output = next(output for output in run.outputs if output.handle == handle)
            if not output.read():
                self._epoll.unregister(handle)
        return ended

    def close(self) -> None:
        """Let go of what still runs; the journal names it to the next incarnation."""
        for run in self._runs.values():
            self._release(run)
        self._runs.clear()
        self._epoll.close()

    def _objection(self, effect: RunAgent, stdin: str) -> str:
        path = effect.argv[0] if effect.argv else ""
        if len(self._runs) >= AGENTS_MAX:
            return f"{AGENTS_MAX} agents are running already"
        if len(stdin.encode()) > STDIN_BYTES_MAX:
            return f"{path}: more than {STDIN_BYTES_MAX} bytes of input"
        return _path_objection(path)

    def _end(self, now: Millis, run: _Run) -> AgentEnded:
        """The process itself has ended; whoever still holds its pipes is not waited for."""
        if run.is_killed:
            _signal_group(run.pid, signal.SIGKILL)  # Its children that did not care for TERM.
        _, status = os.waitpid(run.pid, 0)
        for output in run.outputs:
            output.read()
        self._release(run)
        del self._runs[run.effect.run]
        self._journal.ended(run.effect.run)
        stdout, stderr = run.outputs
        code = os.waitstatus_to_exitcode(status)
        return AgentEnded(
            run=run.effect.run,
            rc=None if run.is_killed else (code if code >= 0 else 128 - code),
            stdout=run.told.without_secrets(stdout.text),
            stderr=run.told.without_secrets(stderr.text),
            duration_ms=now - run.begun_ms,
        )

    def _release(self, run: _Run) -> None:
        for handle in (run.pidfd, *(output.handle for output in run.outputs)):
            del self._by_handle[handle]
            # A closed pipe leaves the epoll set by itself only when no child inherited it.
            _unregister(self._epoll, handle)
            os.close(handle)


def _spawn(argv: tuple[str, ...], stdin: str, environment: dict[str, str]) -> tuple[int, tuple[_Output, _Output]]:
    opened: list[int] = []
    try:
        source = _source(stdin)
        opened.append(source)
        stdout, stdout_end = os.pipe2(os.O_CLOEXEC)
        opened += [stdout, stdout_end]
        stderr, stderr_end = os.pipe2(os.O_CLOEXEC)
        opened += [stderr, stderr_end]
        pid = os.posix_spawn(
            argv[0],
            argv,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, stdout_end, 1),
                (os.POSIX_SPAWN_DUP2, stderr_end, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=_RESET_SIGNALS,
        )
    except BaseException:
        for handle in opened:
            os.close(handle)
        raise
    for handle in (source, stdout_end, stderr_end):
        os.close(handle)
    os.set_blocking(stdout, False)
    os.set_blocking(stderr, False)
    return pid, (_Output(stdout), _Output(stderr))


def _source(text: str) -> int:
    """What the agent reads: nothing, or the text, which a pipe's buffer holds whole."""
    if not text:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    source, end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        written = os.write(end, text.encode())
    finally:
        os.close(end)
    if written < len(text.encode()):
        os.close(source)
        raise BlockingIOError(errno.EAGAIN, "the kernel gave a pipe that is too small for the input")
    os.set_blocking(source, True)
    return source


def _path_objection(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        return f"{path or 'no program'}: an agent is named by an absolute path"
    try:
        status = Path(path).stat()
    except OSError as failure:
        return f"{path}: {failure.strerror}"
    if status.st_mode & stat.S_IWOTH or status.st_uid not in (0, os.geteuid()):
        return f"{path}: others may change it (it must belong to root or to the daemon's user)"
    return ""


def _kill(run: _Run, number: int) -> None:
    run.is_killed = True
    _signal_group(run.pid, number)


def _signal_group(group: int, number: int) -> None:
    assert group > 1
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def _unregister(epoll: select.epoll, handle: int) -> None:
    try:
        epoll.unregister(handle)
    except (FileNotFoundError, ValueError):
        return
