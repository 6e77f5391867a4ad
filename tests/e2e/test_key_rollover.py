"""A cluster's key is rolled over daemon by daemon, while everything runs: nobody is lost, nothing moves."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hashelld.io.keys import load
from tests.e2e.harness import Daemon, LoopbackCluster, run_program
from tests.e2e.hostile import Attacker
from tests.e2e.test_hostile import drops
from tests.e2e.test_loopback import add_tick, signatures
from tests.e2e.waiting import wait_until


pytestmark = pytest.mark.slow

LIMIT_S = 30.0
BAD = ("Traceback", "event=peer.lost", "event=fence.", "event=dc.ended", "event=peer.restarted")


def key_of(daemon: Daemon) -> Path:
    return daemon.folder / "key"


def write_keys(path: Path, *lines: str) -> None:
    path.touch(0o600)
    path.write_text("".join(f"{line}\n" for line in lines))


def read_again(daemon: Daemon, event: str = "event=io.keys-read") -> None:
    """Signal a daemon, and wait until it has read its keys."""
    before = daemon.log.read_text().count(event)
    os.kill(daemon.pid, signal.SIGUSR1)
    wait_until(lambda: daemon.log.read_text().count(event) > before, LIMIT_S, f"{daemon.name} read its keys", 0.05)


def new_key(folder: Path) -> str:
    run_program("hashelld", "keygen", str(folder / "new.key")).ok()
    return (folder / "new.key").read_text().strip()


def test_keys_are_rolled_over_while_everything_runs(tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as cluster:
        old, new = cluster.key.read_text().strip(), new_key(tmp_path)
        for daemon in cluster.daemons.values():
            write_keys(key_of(daemon), old)
            daemon.config.write_text(cluster.file_of(daemon.name, key_of(daemon)))
        cluster.start()
        ticks = add_tick(cluster)
        before = signatures(ticks)
        for number, lines in enumerate(((old, new), (new, old), (new,))):
            for daemon in cluster.daemons.values():
                write_keys(key_of(daemon), *lines)
                read_again(daemon)
                teller = cluster["node1" if daemon.name != "node1" else "node2"]
                value = f"{number}-{daemon.name}"
                teller.shell("configure", "property", f"cluster-name={value}").ok()
                await_value(daemon, value)
                cluster.await_online(*cluster.daemons, seen_by=daemon.name)
        assert signatures(ticks) == before, "the resource was restarted or moved"
        for daemon in cluster.daemons.values():
            assert cluster.places("tick", daemon.name) == ["node1"]
            found = [line for line in daemon.log.read_text().splitlines() if any(word in line for word in BAD)]
            assert not found
        expect_stranger(cluster, tmp_path, old)


def await_value(daemon: Daemon, value: str) -> None:
    """What was committed after the change of a key comes to the node whose key it was."""
    wait_until(
        lambda: value in daemon.shell("configure", "show", "cib-bootstrap-options").ok().out,
        LIMIT_S,
        f"{daemon.name} shows {value}",
        0.1,
    )


def expect_stranger(cluster: LoopbackCluster, folder: Path, old: str) -> None:
    """The owner of the old key is nobody any more."""
    write_keys(folder / "old.key", old)
    (key,) = load((str(folder / "old.key"),))
    (active,) = load((str(key_of(cluster["node1"])),))
    assert key != active
    before = drops(cluster).get("strangers", 0)
    node = cluster["node1"]
    with Attacker(cluster.addresses["node1"], node.socket, active, "node2", "node1", 1) as attacker:
        attacker.connect_as(key)
        wait_until(lambda: drops(cluster).get("strangers", 0) > before, LIMIT_S, "the old key is refused", 0.2)


def test_a_bad_key_file_changes_nothing(tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as cluster:
        daemon = cluster["node1"]
        write_keys(key_of(daemon), cluster.key.read_text().strip())
        daemon.config.write_text(cluster.file_of("node1", key_of(daemon)))
        cluster.start()
        key_of(daemon).write_text("no key\n")
        read_again(daemon, "event=io.keys-unread")
        daemon.shell("configure", "property", "cluster-name=still").ok()
        cluster.await_online(*cluster.daemons)
