"""`hashelld`: exit codes and sentences, no tracebacks; and the real daemon alone, from its start to its end."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from hashelld import __version__
from hashelld.cli import main
from tests.io.build import free_port, until


def write_config(directory: Path, extra: str = "") -> Path:
    path = directory / "hashelld.toml"
    path.write_text(
        '[node]\nname = "a"\nstate = "state"\nsocket = "a.sock"\nrealtime = false\n[cluster]\nkey = "key"\n'
        f'{extra}[[nodes]]\nname = "a"\naddresses = ["127.0.0.1"]\nport = {free_port()}\n'
    )
    return path


def test_keygen_then_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path)
    assert main(["check", str(config)]) == 1
    assert "hashelld keygen" in capsys.readouterr().err
    assert main(["keygen", str(tmp_path / "key")]) == 0
    assert main(["keygen", str(tmp_path / "key")]) == 1
    assert "not overwritten" in capsys.readouterr().err
    assert main(["check", str(config)]) == 0
    told = capsys.readouterr().out
    assert "cluster hashell, nodes a, here a, 1 key" in told
    assert "no watchdog: a daemon that hangs" in told


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("", "device, 5s; a lost node runs nothing after 26.8s; BUT /no/such is missing"),
        ("mode = 'supervisor'\n", "supervisor, 5s; a lost node runs nothing after 26.8s; processes are ended, but no"),
    ],
)
def test_the_watchdog_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: str, told: str) -> None:
    config = write_config(tmp_path, f"[watchdog]\ndevice = '/no/such'\n{extra}")
    main(["keygen", str(tmp_path / "key")])
    assert main(["check", str(config)]) == 0
    assert told in capsys.readouterr().out


def test_every_problem_of_a_file_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path, "deadtime = 3\nkeepalife = '1s'\n")
    assert main(["check", str(config)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"hashelld: {config}:{number}: ") for number, line in zip((8, 9), lines, strict=True)]


def test_a_service_of_systemd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unit", "--config", str(tmp_path / "it is $5.toml")]) == 0
    told = capsys.readouterr().out.splitlines()
    (line,) = (line for line in told if line.startswith("ExecStart="))
    assert line.endswith(f'hashelld run --config "{tmp_path}/it is $$5.toml"')
    assert line.startswith(f"ExecStart={Path(sys.executable).parent}/")
    assert {"Type=notify", "NotifyAccess=all", "KillMode=process"} <= set(told)


def test_run_without_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config", str(tmp_path / "none.toml")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_only_a_node_that_is_marked_is_an_arbiter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path)
    keys = ["keygen", str(tmp_path / "key")]
    assert main(keys) == 0
    assert main(["arbiter", "--config", str(config)]) == 1
    assert "'a', is no arbiter: write arbiter = true into its [[nodes]]" in capsys.readouterr().err
    with config.open("a") as file:
        file.write('[[nodes]]\nname = "b"\naddresses = ["127.0.0.2"]\narbiter = true\n')
    assert main(["arbiter", "--config", str(config)]) == 1
    assert "'a', is no arbiter: b is" in capsys.readouterr().err
    assert main(["check", str(config)]) == 0
    assert "nodes a, b (arbiter), here a" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["fly"], ["run", "--confg", "x"], ["keygen"], ["run", "--log", "xml"]])
def test_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "said"), [(["--version"], __version__), (["--help"], "keygen")])
def test_version_and_help(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 0
    assert said in capsys.readouterr().out


def test_the_daemon_alone_starts_and_leaves(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    main(["keygen", str(tmp_path / "key")])
    read, write = os.pipe()
    argv = (sys.executable, "-m", "hashelld", "run", "--config", str(config))
    pid = os.posix_spawn(sys.executable, argv, dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, write, 2)])
    os.close(write)
    try:
        until((tmp_path / "a.sock").exists)
        log = b""
        while b"event=dc.elected" not in log:
            assert select.select([read], [], [], 10)[0], log.decode()
            block = os.read(read, 65_536)
            assert block, log.decode()
            log += block
        os.kill(pid, signal.SIGTERM)
        while block := os.read(read, 65_536):
            log += block
    except BaseException:
        os.kill(pid, signal.SIGKILL)  # Whatever went wrong: nobody else would end it.
        os.waitpid(pid, 0)
        raise
    _, status = os.waitpid(pid, 0)
    os.close(read)
    assert os.waitstatus_to_exitcode(status) == 0, log.decode()
    assert b"Traceback" not in log
    assert not (tmp_path / "a.sock").exists()
