"""The demo for real: three daemons on loopback, a failover, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "hashell", "--json", "demo"]


def left_behind(folder: Path) -> list[str]:
    """Files in the folder for temporary files, and processes that were started with it."""
    mark = f"TMPDIR={folder}".encode()
    found = [str(path) for path in folder.iterdir()]
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in process.read_bytes().split(b"\0"):
                found.append(str(process))
        except OSError:
            continue
    return found


def test_the_failover_script(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*COMMAND, "--script", "failover"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)["data"]
    assert 0 < measured["standby_gap_ms"] < measured["total_ms"] < 40_000
    assert measured["failover_gap_ms"] > measured["standby_gap_ms"]
    assert "kill -9" in done.stderr
    assert left_behind(tmp_path) == []


def test_the_demo_reads_commands_where_there_is_no_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hashell", "demo"],
        input="resource locate web\n",
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "web       node1  Started" in done.stdout
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_it_nothing_is_left(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "--script", "failover"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stderr is not None
        next(line for line in demo.stderr if "started" in line)
        demo.send_signal(number)
        demo.stderr.read()
        assert demo.wait(30) == 130
    assert left_behind(tmp_path) == []
