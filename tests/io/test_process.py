"""Agents: no shell, bounded output, whole groups ended, orphans of a killed daemon found again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashelld.core.effects import RunAgent
from hashelld.core.events import AgentEnded
from hashelld.io.journal import FILE_NAME, Journal, read_stat
from hashelld.io.process import Processes
from hashelld.limits import KILL_AFTER_MS, OUTPUT_BYTES_MAX, STDIN_BYTES_MAX
from tests.io.build import CLOCK, script, until


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    (tmp_path / "state").mkdir()
    made = Journal(str(tmp_path / "state"), CLOCK)
    yield made
    made.close()


@pytest.fixture
def processes(journal: Journal) -> Iterator[Processes]:
    made = Processes(journal)
    yield made
    made.close()


def ended(processes: Processes, runs: int = 1, ahead_ms: int = 0) -> list[AgentEnded]:
    """What ends, with the clock so much ahead."""
    found: list[AgentEnded] = []

    def look() -> bool:
        processes.on_time(CLOCK.now() + ahead_ms)
        found.extend(processes.on_ready(CLOCK.now()))
        return len(found) >= runs

    until(look)
    return found


def run(processes: Processes, path: str, **changes: object) -> None:
    fields: dict[str, object] = {"run": 1, "argv": (path,), "timeout_ms": 20_000, **changes}
    assert processes.spawn(CLOCK.now(), RunAgent(**fields)) is None  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    found = read_stat(pid)
    return found is not None and found.state not in "ZX"


def test_output_and_code_come_back(processes: Processes, tmp_path: Path) -> None:
    run(processes, script(tmp_path, 'echo "out $1"; echo err >&2; exit 7'), run=5, argv=(script(tmp_path, ""), "x"))
    assert ended(processes)[0].rc == 0
    path = script(tmp_path, 'echo "out $1"; echo err >&2; exit 7')
    run(processes, path, run=6, argv=(path, "a b; c"))
    (found,) = ended(processes)
    assert (found.run, found.rc, found.stdout, found.stderr) == (6, 7, "out a b; c\n", "err\n")
    assert len(processes) == 0


def test_the_environment_is_clean_but_for_what_is_asked(processes: Processes, tmp_path: Path) -> None:
    os.environ["LEAKED"] = "1"
    try:
        run(processes, script(tmp_path, "env"), environment={"OCF_ROOT": "/x", "PATH": "/bin:/usr/bin"})
    finally:
        del os.environ["LEAKED"]
    (found,) = ended(processes)
    names = {line.partition("=")[0] for line in found.stdout.splitlines()}
    wanted = {"OCF_ROOT", "PATH", "LC_ALL", "HOME", "HASHELL_RUN", "HASHELL_STATE"}
    assert names - {"PWD", "_", "OLDPWD", "SHLVL"} == wanted


def test_input_is_given_and_otherwise_nothing(processes: Processes, tmp_path: Path) -> None:
    path = script(tmp_path, "cat; echo end")
    run(processes, path, stdin="option=value\n")
    assert ended(processes)[0].stdout == "option=value\nend\n"
    run(processes, path)
    assert ended(processes)[0].stdout == "end\n"
    run(processes, path, stdin="x" * STDIN_BYTES_MAX)
    assert len(ended(processes)[0].stdout) == OUTPUT_BYTES_MAX


def test_long_output_keeps_its_end(processes: Processes, tmp_path: Path) -> None:
    run(processes, script(tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x; printf 'the \\377 end'"))
    (found,) = ended(processes)
    assert found.stdout.endswith("the \ufffd end")
    assert len(found.stdout.encode()) <= OUTPUT_BYTES_MAX + 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nonexistent/agent", "No such file"),
        ("relative", "absolute"),
        ("", "absolute"),
        ("/usr/../bin/true", "absolute"),
        ("/etc/passwd", "Permission denied"),
    ],
)
def test_what_cannot_be_executed_is_told(processes: Processes, path: str, said: str) -> None:
    found = processes.spawn(CLOCK.now(), RunAgent(run=1, argv=(path,), timeout_ms=1))
    assert found is not None
    assert found.rc is None
    assert said in found.error
    assert len(processes) == 0


def test_an_agent_that_others_may_change_is_refused(processes: Processes, tmp_path: Path) -> None:
    path = script(tmp_path, "exit 0")
    os.chmod(path, 0o777)  # noqa: PTH101
    found = processes.spawn(CLOCK.now(), RunAgent(run=1, argv=(path,), timeout_ms=1))
    assert found is not None
    assert "others may change it" in found.error
    too_long = RunAgent(run=1, argv=(script(tmp_path, ""),), stdin="x" * (STDIN_BYTES_MAX + 1), timeout_ms=1)
    assert "bytes of input" in (processes.spawn(CLOCK.now(), too_long) or AgentEnded(run=0, rc=0)).error


def test_a_timeout_ends_the_whole_group(processes: Processes, tmp_path: Path) -> None:
    note = tmp_path / "child"
    run(processes, script(tmp_path, f"sleep 100 & echo $! > {note}; wait"), timeout_ms=60_000)
    until(lambda: note.exists() and note.read_text().strip())
    child = int(note.read_text())
    (found,) = ended(processes, ahead_ms=60_000)
    assert found.rc is None
    until(lambda: not is_alive(child))


def test_who_ignores_term_is_killed(processes: Processes, tmp_path: Path) -> None:
    note = tmp_path / "ready"
    run(processes, script(tmp_path, f"trap '' TERM; touch {note}; while :; do sleep 0.05; done"), timeout_ms=60_000)
    until(note.exists)
    now = CLOCK.now() + 60_000
    processes.on_time(now)
    assert processes.deadline() == now + KILL_AFTER_MS
    processes.on_time(now + KILL_AFTER_MS)
    assert ended(processes)[0].rc is None


def test_kill_ends_a_run_now(processes: Processes, tmp_path: Path) -> None:
    run(processes, script(tmp_path, "trap '' TERM; sleep 100"))
    processes.kill(1)
    processes.kill(99)
    (found,) = ended(processes)
    assert (found.run, found.rc) == (1, None)


def test_a_foreign_signal_is_a_code(processes: Processes, tmp_path: Path) -> None:
    run(processes, script(tmp_path, "kill -9 $$"))
    assert ended(processes)[0].rc == 128 + signal.SIGKILL


def test_a_daemon_that_keeps_the_pipes_is_not_waited_for(processes: Processes, tmp_path: Path) -> None:
    note = tmp_path / "daemon"
    run(processes, script(tmp_path, f"setsid sleep 100 & echo $! > {note}; echo started"))
    (found,) = ended(processes)
    assert (found.rc, found.stdout) == (0, "started\n")
    daemon = int(note.read_text())
    assert is_alive(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_many_runs_at_once(processes: Processes, tmp_path: Path) -> None:
    path = script(tmp_path, "exit $1")
    for number in range(20):
        run(processes, path, run=number, argv=(path, str(number)))
    assert {found.run: found.rc for found in ended(processes, 20)} == {number: number for number in range(20)}
    assert processes.deadline() is not None


def test_the_journal_is_empty_when_nothing_runs(processes: Processes, journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "state" / FILE_NAME
    run(processes, script(tmp_path, "sleep 0.2"))
    assert len(journal.left_over()) == 1
    ended(processes)
    assert path.read_text() == ""
    assert processes.spawn(CLOCK.now(), RunAgent(run=1, argv=("/etc/passwd",), timeout_ms=1)) is not None
    assert path.read_text() == ""


@pytest.mark.parametrize(
    ("is_leader_gone", "is_group_noted"),
    [(False, True), (True, True), (False, False)],  # Without its number a group is found by its leader alone.
)
def test_orphans_are_ended_and_daemons_spared(tmp_path: Path, is_leader_gone: bool, is_group_noted: bool) -> None:
    note, state = tmp_path / "pids", tmp_path / "state"
    state.mkdir()
    journal = Journal(str(state), CLOCK)
    processes = Processes(journal)
    end = "exit 0" if is_leader_gone else "wait"
    text = f"sleep 100 & echo $! >> {note}; setsid sleep 100 & echo $! >> {note}; echo end >> {note}; {end}"
    run(processes, script(tmp_path, text))
    until(lambda: note.exists() and "end" in note.read_text())
    child, daemon = (int(word) for word in note.read_text().split()[:2])
    until(lambda: (found := read_stat(daemon)) is not None and found.session == daemon)
    if not is_group_noted:
        path = state / FILE_NAME
        path.write_text("".join(line for line in path.read_text().splitlines(True) if line.startswith("begin")))
    if is_leader_gone:
        leader = read_stat(child)
        assert leader is not None
        os.waitid(os.P_PID, leader.group, os.WEXITED)
    later = Journal(str(state), CLOCK)
    assert later.end_orphans() == []
    until(lambda: not is_alive(child))
    assert is_alive(daemon)
    assert later.left_over() == []
    os.kill(daemon, signal.SIGKILL)
    if not is_leader_gone:
        ended(processes)
    processes.close()
    journal.close()
    later.close()


@pytest.mark.parametrize(
    "text",
    [
        "begin t other-boot\ngroup t {pid} {start}\n",
        "begin t {boot}\ngroup t {pid} 1\n",
        "group t {pid} {start}\n",
        "\0\n",
    ],
)
def test_a_process_that_is_not_the_noted_one_is_spared(tmp_path: Path, text: str) -> None:
    journal = Journal(str(tmp_path), CLOCK)
    pid = os.posix_spawn("/bin/sleep", ("sleep", "100"), {}, setsid=True)
    found = read_stat(pid)
    assert found is not None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (tmp_path / FILE_NAME).write_text(text.format(pid=pid, start=found.start, boot=boot))
    assert journal.end_orphans() == []
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    journal.close()
