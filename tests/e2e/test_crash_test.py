"""`cluster crash-test` on real daemons: what is broken on purpose, and what the drill says of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import PATIENT, LoopbackCluster, Ran
from tests.e2e.test_loopback import add_tick, signatures
from tests.e2e.waiting import wait_until


pytestmark = pytest.mark.slow

LIMIT_S = 60.0
WITHIN = "50s"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackCluster]:
    """Three daemons that follow one DC; node1 runs `tick`."""
    with LoopbackCluster(tmp_path, timers=PATIENT) as made:
        made.start()
        yield made


def drill(cluster: LoopbackCluster, *words: str) -> Ran:
    return cluster["node1"].shell("--json", "--yes", "cluster", "crash-test", *words, "--within", WITHIN)


def passed(ran: Ran) -> dict:
    assert ran.code == 0, f"{ran.out}{ran.err}"
    data = json.loads(ran.out)["data"]
    assert data["passed"]
    assert data["wrong"] == []
    assert data["node"] == "node1"
    return data


def told(data: dict) -> str:
    return "\n".join(step["text"] for step in data["steps"])


def test_a_killed_daemon(cluster):
    file = add_tick(cluster)
    before = signatures(file)
    ran: list[Ran] = []
    thread = threading.Thread(target=lambda: ran.append(drill(cluster, "kill")))
    thread.start()
    try:
        wait_until(lambda: not cluster["node1"].is_running() or ran, LIMIT_S, "hashelld of node1 is killed")
        cluster["node1"].supervise()
    finally:
        thread.join()
    assert "nothing was started, stopped or moved" in told(passed(ran[0]))
    assert signatures(file) == before


def test_a_node_that_is_cut_off(cluster):
    add_tick(cluster)
    data = passed(drill(cluster, "split", "--for", "5s"))
    text = told(data)
    assert "no other node is heard" in text
    assert "node1 has no quorum" in text
    assert "all nodes are heard again" in text
    cluster.await_online("node1", "node2", "node3")


def test_a_resource_that_is_ended(cluster):
    file = add_tick(cluster)
    assert len(signatures(file)) == 1
    data = passed(drill(cluster, "resource", "tick"))
    assert "its monitor on node1 failed" in told(data)
    assert len(signatures(file)) == 2
    assert cluster["node1"].shell("cluster", "crash-test", "resource", "tick").code == 1  # Nobody agreed.
    assert cluster.places("tick", "node1") == ["node1"]


def test_what_is_not_fit_for_a_drill_is_refused(cluster):
    add_tick(cluster)
    refused = drill(cluster, "fence", "node2")
    assert refused.code == 1
    assert "no fencing device is configured" in refused.err
    refused = cluster["node2"].shell("--yes", "cluster", "crash-test", "resource", "tick")
    assert refused.code == 1
    assert "but on node1" in refused.err
