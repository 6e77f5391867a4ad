"""Junk at every socket of a running daemon: the service goes on, memory does not grow, and all of it is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hashelld.io.keys import load
from hashelld.wire.client import DROPS
from tests.e2e.harness import LoopbackCluster
from tests.e2e.hostile import Attacker, rss_kib, span_s
from tests.e2e.test_loopback import add_tick, signatures
from tests.e2e.waiting import wait_until


pytestmark = pytest.mark.slow

SEED = 7
GROWTH_KIB_MAX = 10 * 1024
SEEN = {
    "forged_beats",
    "unheard_datagrams",
    "replayed_beats",
    "strangers",
    "broken_handshakes",
    "malformed_messages",
    "malformed_requests",
}


def drops(cluster: LoopbackCluster) -> dict[str, int]:
    """What the daemon says that it dropped, by kind, as `cluster health --json` tells."""
    told = json.loads(cluster["node1"].shell("--json", "cluster", "health").ok().out)
    texts = [row["what"] for row in told.get("rows", [])]
    words = [text.split() for text in texts if " dropped by " in text]
    return {kind: int(count) for count, kind, *_ in words}


def test_junk_interrupts_nothing_and_is_counted(tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as cluster:
        cluster.start()
        ticks = add_tick(cluster)
        (key,) = load((str(cluster.key),))
        node, pid = cluster["node1"], cluster["node1"].pid
        before = signatures(ticks)
        with Attacker(cluster.addresses["node1"], node.socket, key, "node2", "node1", SEED) as attacker:
            attacker.throw(1.0)  # What the first junk of each kind costs once is no growth.
            rss_before = rss_kib(pid)
            thrown = attacker.throw(span_s())
        rss_after = rss_kib(pid)
        print({"thrown": thrown, "rss_kib": (rss_before, rss_after)})
        assert rss_after - rss_before <= GROWTH_KIB_MAX
        assert node.is_running()
        wait_until(lambda: drops(cluster).keys() >= SEEN, 20.0, f"{sorted(SEEN)} are counted", 0.5)
        found = drops(cluster)
        print(found)
        assert found.keys() <= DROPS.keys()
        text = node.shell("cluster", "health").ok().out
        assert all(kind in text for kind in SEEN)
        cluster.await_online("node1", "node2", "node3")
        assert signatures(ticks) == before, "the resource was restarted or moved"
        for name in cluster.daemons:
            assert cluster.places("tick", name) == ["node1"]
        log = node.log.read_text()
        assert "event=io.dropped" in log
        assert not [line for line in log.splitlines() if "Traceback" in line or "event=peer.lost" in line]
        node.shell("configure", "property", "cluster-recheck-interval=10min").ok()
