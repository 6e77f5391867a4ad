"""Watchdogs: what both kinds promise, and what the parent process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hashelld.io.journal import read_stat
from hashelld.io.supervisor import ENDED, PipeWatchdog, Vigil
from hashelld.io.watchdog import PETS_IN_TIMEOUT, DeviceWatchdog, Watchdog
from tests.io.build import until


ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_MS = 8_000
LIMIT_S = 60
STEP_MS = TIMEOUT_MS // PETS_IN_TIMEOUT


class Rig:
    """A watchdog, and what came of it: `pet`, `end`, `disarm`, in this order."""

    def __init__(self, watchdog: Watchdog, seen: Callable[[], list[str]]) -> None:
        self.watchdog = watchdog
        self.seen = seen


class Timeouts:
    """What a device is asked for, beside what is written to it."""

    def __init__(self, shortest_s: int = 1) -> None:
        self.asked: list[int] = []
        self._shortest_s = shortest_s

    def __call__(self, handle: int, seconds: int) -> int:
        del handle
        self.asked.append(seconds)
        return max(seconds, self._shortest_s)


def device(folder: Path) -> Iterator[Rig]:
    path, timeouts = folder / "watchdog", Timeouts()
    path.touch()

    def seen() -> list[str]:
        words = ["disarm" if byte == ord("V") else "pet" for byte in path.read_bytes()]
        return [*words, *("end" for asked in timeouts.asked if asked == 1)]

    yield Rig(DeviceWatchdog(str(path), TIMEOUT_MS, timeouts), seen)


def pipe(folder: Path) -> Iterator[Rig]:
    del folder
    source, end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    heard = bytearray()
    words = {ord("p"): "pet", ord("e"): "end", ord("V"): "disarm"}

    def seen() -> list[str]:
        with suppress(BlockingIOError):
            heard.extend(os.read(source, 4_096))
        return [words[byte] for byte in heard]

    yield Rig(PipeWatchdog(end, TIMEOUT_MS), seen)
    os.close(source)
    os.close(end)


@pytest.fixture(params=[device, pipe])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    yield from request.param(tmp_path)


def test_nothing_happens_before_it_is_armed(rig: Rig) -> None:
    rig.watchdog.pet(0)
    rig.watchdog.disarm()
    assert rig.seen() == []


def test_it_is_petted_often_enough_and_not_at_every_turn(rig: Rig) -> None:
    rig.watchdog.arm()
    before = len(rig.seen())
    for now in range(0, TIMEOUT_MS, STEP_MS // 10):
        rig.watchdog.pet(now)
    assert rig.seen()[before:] == ["pet"] * PETS_IN_TIMEOUT


def test_it_is_armed_once(rig: Rig) -> None:
    rig.watchdog.arm()
    first = rig.seen()
    rig.watchdog.arm()
    assert rig.seen() == first


def test_a_daemon_that_ends_well_disarms_it(rig: Rig) -> None:
    rig.watchdog.arm()
    rig.watchdog.pet(0)
    rig.watchdog.disarm()
    rig.watchdog.pet(TIMEOUT_MS)
    assert rig.seen()[-1] == "disarm"


def test_what_was_told_to_end_is_neither_petted_nor_disarmed(rig: Rig) -> None:
    rig.watchdog.arm()
    rig.watchdog.end()
    told = rig.seen()
    assert told[-1] == "end"
    rig.watchdog.pet(TIMEOUT_MS)
    rig.watchdog.disarm()
    assert rig.seen() == told


def test_a_device_is_opened_when_it_is_armed_and_never_before(tmp_path: Path) -> None:
    """To open it would pet what an earlier daemon left running."""
    watchdog = DeviceWatchdog(str(tmp_path / "absent"), TIMEOUT_MS, Timeouts())
    with pytest.raises(FileNotFoundError):
        watchdog.arm()


def test_what_is_no_watchdog_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(OSError, match="ioctl"):
        DeviceWatchdog(str(path), TIMEOUT_MS).arm()


def test_a_device_with_a_longer_timeout_is_refused_and_closed(tmp_path: Path) -> None:
    """Others count on the time that the file says."""
    path = tmp_path / "watchdog"
    path.touch()
    with pytest.raises(OSError, match="its shortest timeout is 60 s, longer than 8 s"):
        DeviceWatchdog(str(path), TIMEOUT_MS, Timeouts(shortest_s=60)).arm()
    assert path.read_bytes() == b"V"


def test_a_vigil() -> None:
    vigil = Vigil(1_000)
    assert (vigil.is_armed, vigil.deadline(), vigil.is_due(99_999)) == (False, None, False)
    vigil.on_read(5, b"")
    assert not vigil.is_armed
    vigil.on_read(10, b"pp")
    assert (vigil.is_armed, vigil.deadline()) == (True, 1_010)
    vigil.on_read(900, b"p")
    assert not vigil.is_due(1_899)
    assert vigil.is_due(1_900)
    vigil.on_read(950, b"pV")
    assert (vigil.is_armed, vigil.is_due(99_999)) == (False, False)
    vigil.on_read(960, b"p")
    vigil.on_read(970, b"pe")
    assert vigil.is_due(971)


PROGRAM = """
import os, subprocess, sys
from threading import Event
from hashelld.io.clock import Clock
from hashelld.io.supervisor import supervised

def body(watchdog):
    script = "setsid sh -c 'sleep 600 >/dev/null 2>&1 & echo $! $$; exec sleep 600 >/dev/null 2>&1' & exit 0"
    agent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True, text=True)
    words = agent.stdout.readline().split()
    if sys.argv[1] != "unarmed":
        watchdog.arm()
    print(os.getpid(), *words, flush=True)
    if sys.argv[1] == "disarm":
        watchdog.disarm()
    if sys.argv[1] == "end":
        watchdog.end()
    if sys.argv[1] in ("hang", "end"):
        Event().wait()
    return 7

sys.exit(supervised(1_000, Clock(), "/a/state/of/nobody", body, realtime=False))
"""


class Family:
    """A parent, its child, and two processes that detached themselves from an agent of the child."""

    def __init__(self, what: str) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, what],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self._parent.stdout is not None
        self.child, *self.detached = (int(word) for word in self._parent.stdout.readline().split())
        assert len(self.detached) == 2

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it said."""
        code = self._parent.wait(LIMIT_S)
        assert self._parent.stderr is not None
        return code, self._parent.stderr.read()

    def living(self) -> list[int]:
        return [pid for pid in self.detached if is_alive(pid)]

    def end_all(self) -> None:
        """Whatever became of it."""
        self._parent.kill()
        self._parent.communicate()
        for pid in self.living():
            os.kill(pid, signal.SIGKILL)

    def kill(self, number: int) -> None:
        os.kill(self._parent.pid, number)


def is_alive(pid: int) -> bool:
    found = read_stat(pid)
    return found is not None and found.state not in "ZX"


@pytest.fixture
def family() -> Iterator[Callable[[str], Family]]:
    made: list[Family] = []

    def make(what: str) -> Family:
        made.append(Family(what))
        return made[-1]

    yield make
    for one in made:
        one.end_all()


@pytest.mark.parametrize("what", ["hang", "end"])
def test_a_daemon_that_hangs_or_says_so_is_ended_with_all_that_came_of_it(
    family: Callable[[str], Family], what: str
) -> None:
    found = family(what)
    code, said = found.end()
    assert code == ENDED
    assert "everything that it ran was ended" in said
    assert found.living() == []
    assert not is_alive(found.child)


def test_a_stopped_daemon_is_ended(family: Callable[[str], Family]) -> None:
    found = family("hang")
    os.kill(found.child, signal.SIGSTOP)
    assert found.end()[0] == ENDED
    assert found.living() == []


def test_a_daemon_that_is_killed_takes_its_resources_with_it(family: Callable[[str], Family]) -> None:
    found = family("hang")
    os.kill(found.child, signal.SIGKILL)
    assert found.end()[0] == ENDED
    assert found.living() == []


@pytest.mark.parametrize("what", ["disarm", "unarmed"])
def test_of_a_daemon_that_ends_well_what_runs_is_let_run(family: Callable[[str], Family], what: str) -> None:
    found = family(what)
    assert found.end()[0] == 7
    assert len(found.living()) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_signals_reach_the_daemon_and_its_parent_ends_with_it(
    family: Callable[[str], Family], number: signal.Signals
) -> None:
    found = family("hang")
    found.kill(number)
    assert found.end()[0] == ENDED  # This body has no handler, so the signal ended it.
    assert not is_alive(found.child)


def test_a_daemon_does_not_outlive_its_parent(family: Callable[[str], Family]) -> None:
    found = family("hang")
    found.kill(signal.SIGKILL)
    until(lambda: not is_alive(found.child))
