"""Nodes end themselves: a parent process kills everything of a daemon that hangs, and nothing ever runs twice."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, Daemon, LoopbackCluster
from tests.e2e.waiting import wait_until


pytestmark = pytest.mark.slow

WATCHDOG = """\
[watchdog]
mode = "supervisor"
timeout = "3s"
stop_budget = "3s"
[agents]
ocf_root = "{root}"
"""
LIMIT_S = 60.0
STUBBORN = f"""\
#!/bin/sh
# Tick, which cannot be stopped.
[ "$1" != stop ] || exec sleep 600
exec {ROOT}/hashelld/agents/ocf/hashell/Tick "$@"
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackCluster]:
    """Three daemons with parents, `tick` on node1; no fencing device."""
    agent = tmp_path / "ocf" / "resource.d" / "test" / "Stubborn"
    agent.parent.mkdir(parents=True)
    agent.write_text(STUBBORN)
    agent.chmod(0o755)
    with LoopbackCluster(tmp_path, quorum=WATCHDOG.format(root=tmp_path / "ocf")) as made:
        made.start()
        yield made


def add_tick(cluster: LoopbackCluster, agent: str = "ocf:hashell:Tick") -> None:
    script = f"""\
configure
property stonith-enabled=true stonith-watchdog-timeout=6s
primitive tick {agent} params file={ticks(cluster)} op monitor interval=2s timeout=20s op stop timeout=60s
location prefer-home tick 100: node1
commit
"""
    cluster["node1"].shell("--force", "-f", "-", text=script).ok()
    cluster.await_place("tick", "node1")


def ticks(cluster: LoopbackCluster) -> Path:
    return cluster.folder / "ticks"


def daemon_below(parent: Daemon) -> int:
    """The pid of the daemon itself."""
    words = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    found = [int(word) for word in words if b"hashelld" in Path(f"/proc/{word}/cmdline").read_bytes().split(b"\0")]
    assert len(found) == 1
    return found[0]


def processes_of(daemon: Daemon) -> list[int]:
    """What agents of this node left running."""
    mark = os.fsencode(f"HASHELL_STATE={daemon.folder / 'state'}")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def intervals(cluster: LoopbackCluster) -> list[tuple[int, int, str]]:
    """First and last signature (milliseconds) of each process of tick, and its node; sorted."""
    found: dict[str, tuple[int, int, str]] = {}
    for line in ticks(cluster).read_text().splitlines():
        node, at, incarnation = line.split()
        began = found[incarnation][0] if incarnation in found else int(at)
        found[incarnation] = (began, int(at), node)
    return sorted(found.values())


def check(cluster: LoopbackCluster) -> None:
    """Tick never ran twice at a time."""
    found = intervals(cluster)
    for first, second in pairwise(found):
        assert first[1] < second[0], found


def await_end(daemon: Daemon) -> None:
    """The parent has ended everything."""
    wait_until(lambda: not daemon.is_running(), LIMIT_S, f"the watchdog of {daemon.name} fires", 0.1)
    assert processes_of(daemon) == []
    assert daemon.end(signal.SIGKILL) == 1
    assert "everything that it ran was ended" in daemon.tail(400)


def test_a_daemon_that_hangs_is_ended_with_its_resources_before_they_run_elsewhere(cluster):
    add_tick(cluster)
    victim = cluster["node1"]
    assert processes_of(victim) != []
    os.kill(daemon_below(victim), signal.SIGSTOP)
    await_end(victim)
    wait_until(lambda: cluster.places("tick", "node2") in (["node2"], ["node3"]), LIMIT_S, "tick elsewhere", 0.2)
    assert "watchdog" in cluster["node2"].shell("node", "fence-history").ok().out
    victim.start()
    cluster.await_online(*cluster.daemons, seen_by="node2")
    cluster.await_place("tick", "node1", seer="node2", limit_s=LIMIT_S)
    check(cluster)


def test_a_stop_that_hangs_without_quorum_ends_the_node(cluster):
    add_tick(cluster, "ocf:test:Stubborn")
    victim = cluster["node1"]
    for name in ("node2", "node3"):
        cluster[name].end(signal.SIGKILL)
    await_end(victim)
    assert "not everything was stopped in time" in victim.tail(400)
    cluster.start()
    cluster.await_place("tick", "node1", limit_s=LIMIT_S)
    check(cluster)
    ended = cluster["node1"]  # It cannot be stopped: the test's own end is by force.
    os.kill(daemon_below(ended), signal.SIGKILL)
    await_end(ended)


def test_a_daemon_that_leaves_takes_nothing_with_it(cluster):
    """In maintenance resources go on; they are found by the next daemon, and by its parent."""
    add_tick(cluster)
    leaver = cluster["node1"]
    cluster["node2"].shell("maintenance", "on").ok()
    before = intervals(cluster)
    assert leaver.end(signal.SIGTERM) == 0
    assert processes_of(leaver) != []
    cluster.start_again("node1", seer="node2")
    cluster["node2"].shell("maintenance", "off").ok()
    cluster.await_place("tick", "node1", seer="node2", limit_s=LIMIT_S)
    assert [(began, node) for began, _, node in intervals(cluster)] == [(began, node) for began, _, node in before]
    os.kill(daemon_below(leaver), signal.SIGSTOP)
    await_end(leaver)
    wait_until(lambda: cluster.places("tick", "node2") in (["node2"], ["node3"]), LIMIT_S, "tick elsewhere", 0.2)
    check(cluster)


def test_status_and_quorum_tell_of_the_watchdog(cluster):
    node = cluster["node1"]
    told = json.loads(node.shell("--json", "cluster", "quorum").ok().out)["data"]["watchdog"]
    assert (told["mode"], told["is_armed"], told["fenced_after_ms"]) == ("supervisor", True, None)
    refused = node.shell("configure", "property", "stonith-watchdog-timeout=5s")
    assert refused.code == 1
    assert "below twice the watchdog's timeout (3s)" in refused.err
