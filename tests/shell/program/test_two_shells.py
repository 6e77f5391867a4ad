"""Shells side by side, and shells that are killed: the configuration is as it was, or as it was committed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from hashell.client.offline import OfflineClient
from hashell.client.quick import QuickClient
from hashell.demo.cluster import Watcher, configuration
from hashell.demo.nodes import DemoCluster
from hashell.errors import Refused
from hashell.grammar.run import run_line
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.wire.client import CibIs, GetCib
from tests.shell.memory import TestAgents


ROOT = Path(__file__).resolve().parents[3]
SMALL = "node n1\nproperty stonith-enabled=false\nprimitive web systemd:nginx params port=80\n"
MANY = 150
LIVE = 60
DELAYS_MS = (150, 300, 450, 600, 900)


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    own = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path), "TERM": "dumb"}
    return {**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1", **more}


def start(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hashell", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _out, err = process.communicate(timeout=60)
    return process.returncode, err


def kill_after(process: subprocess.Popen[str], milliseconds: int) -> None:
    """SIGKILL, unless it has ended by then."""
    try:
        process.communicate(timeout=milliseconds / 1000)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def big() -> str:
    return SMALL + "".join(f"primitive r{at} systemd:r{at} params a={at}\n" for at in range(MANY))


def kill_when(process: subprocess.Popen[str], is_time: Callable[[], bool]) -> None:
    """SIGKILL as soon as it is time, unless the process has ended by then."""
    while process.poll() is None and not is_time():
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


@pytest.mark.parametrize("way", ["load replace", "apply", "load push"])
def test_a_shell_that_is_killed_commits_all_or_nothing(tmp_path: Path, way: str) -> None:
    file, loaded = tmp_path / "cib.crm", tmp_path / "big.crm"
    loaded.write_text(big())
    whole = format_cib(read_cib(big())[0])
    moments: dict[str, Callable[[], bool]] = {
        "begun": lambda: True,
        "writing": lambda: any(path.name.startswith(".cib.crm.") for path in tmp_path.iterdir()),
        "written": lambda: file.read_text() != SMALL,
    }
    seen = {}
    for moment, is_time in moments.items():
        for left in tmp_path.glob(".cib.crm.*"):
            left.unlink()
        file.write_text(SMALL)
        shell = start(tmp_path, "--cib", str(file), "--force", "configure", *way.split(), str(loaded))
        kill_when(shell, is_time)
        seen[moment] = file.read_text()
    assert set(seen.values()) <= {SMALL, whole}
    assert (seen["begun"], seen["written"]) == (SMALL, whole)


@pytest.mark.slow
def test_a_shell_that_is_killed_while_it_edits_keeps_its_draft(tmp_path: Path) -> None:
    file, editor = tmp_path / "cib.crm", tmp_path / "editor"
    file.write_text(SMALL)
    editor.write_text('#!/bin/sh\nsed -i s/80/81/ "$1"\n')
    editor.chmod(0o755)

    def prompt() -> pexpect.spawn:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "hashell", "--cib", str(file)],
            env=environment(tmp_path, VISUAL=str(editor)),
            encoding="utf-8",
            timeout=20,
        )
        child.expect(r"hashell\(cib\.crm\)")
        child.send("configure\r")
        child.expect("configure#")
        return child

    first = prompt()
    first.send("edit web\r")
    first.expect("as you edited it")
    first.kill(signal.SIGKILL)
    first.close()
    assert file.read_text() == SMALL
    second = prompt()
    assert "resume goes on with it" in second.before
    second.send("resume\r")
    second.expect(r"\*#")
    second.send("commit --force\r")
    second.expect("Committed")
    second.close(force=True)
    assert "port=81" in file.read_text()


def test_shells_that_commit_at_once_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "cib.crm"
    file.write_text(SMALL)
    for lap in range(3):
        shells = [
            start(tmp_path, "--cib", str(file), "configure", "node", f"m{lap}{at}", "attributes", f"a={at}")
            for at in range(3)
        ]
        assert [end(one) for one in shells] == [(0, "")] * 3
    assert {node.id for node in read_cib(file.read_text())[0].nodes} == {
        "n1",
        *(f"m{lap}{at}" for lap in range(3) for at in range(3)),
    }


class Side:
    """One of two sessions on the same configuration."""

    def __init__(self, make: Callable[[], OfflineClient | QuickClient]) -> None:
        self.session = Session(make(), agents=TestAgents())
        self.session.options.force = True
        self.session.level = "configure"

    def __enter__(self) -> Side:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.session.client.close()

    def run(self, line: str) -> None:
        run_line(self.session, line)

    def cib(self) -> Cib:
        answer = self.session.client.ask(GetCib())
        assert isinstance(answer, CibIs)
        return answer.cib


def check_two(make: Callable[[], OfflineClient | QuickClient], resource: str) -> None:
    """Unrelated edits merge; related ones are named and refused, and what was refused is still in its draft."""
    with Side(make) as one, Side(make) as other:
        check_sides(one, other, resource)


def check_sides(one: Side, other: Side, resource: str) -> None:
    one.run(f"set {resource}.meta.priority 1")
    other.run("tag both: web")
    other.run("property cluster-delay=61s")
    one.run("property batch-limit=7")
    one.run("commit")
    other.run("commit")
    text = format_cib(one.cib())
    for expected in ("priority=1", "tag both web", "cluster-delay=61s", "batch-limit=7"):
        assert expected in text
    one.run(f"set {resource}.meta.priority 2")
    other.run(f"set {resource}.meta.priority 3")
    other.run("delete both")
    one.run("commit")
    with pytest.raises(Refused) as refused:
        other.run("commit")
    assert f"{resource}, theirs:" in str(refused.value)
    assert "both" not in str(refused.value)
    assert "priority=2" in format_cib(one.cib())
    assert "tag both" in format_cib(one.cib())
    assert other.session.is_dirty
    other.run("merge --mine")
    other.run("commit")
    assert "priority=3" in format_cib(one.cib())
    assert "tag both" not in format_cib(one.cib())


def test_two_shells_on_a_file(tmp_path: Path) -> None:
    file = tmp_path / "cib.crm"
    file.write_text(SMALL)
    check_two(lambda: OfflineClient(str(file)), "web")


@pytest.fixture
def cluster() -> Iterator[DemoCluster]:
    """Three daemons."""
    with DemoCluster() as made:
        made.start()
        with Watcher(made, made.nodes[0]) as watcher:
            watcher.wait_founded()
            watcher.configure(configuration(made.web_port))
            watcher.wait_idle()
        yield made


@pytest.mark.slow
def test_a_live_cluster_has_all_of_a_commit_or_nothing(cluster: DemoCluster, tmp_path: Path) -> None:
    path = cluster.nodes[0].socket
    names = [f"r{at}" for at in range(LIVE)]
    loaded = tmp_path / "big.crm"
    loaded.write_text("".join(f"primitive {name} systemd:nothing meta target-role=Stopped\n" for name in names))
    counts = set()
    with Side(lambda: QuickClient(path)) as side:
        for delay_ms in DELAYS_MS:
            kill_after(
                start(tmp_path, "--socket", path, "--force", "configure", "load", "update", str(loaded)), delay_ms
            )
            there = {found.id for found in side.cib().resources} & set(names)
            counts.add(len(there))
            if there:
                side.session.forget()
                side.run(f"delete {' '.join(sorted(there))}")
                side.run("commit")
    assert counts <= {0, LIVE}


@pytest.mark.slow
def test_two_shells_on_a_live_cluster(cluster: DemoCluster) -> None:
    path = cluster.nodes[0].socket
    check_two(lambda: QuickClient(path), "cache")
