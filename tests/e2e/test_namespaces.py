"""Two hosts, one floating address, one client: power is cut, cables are pulled, nodes are put on standby."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.netns import FLOATING, Network, Probe, Watch
from tests.e2e.pair import Pair
from tests.e2e.waiting import let_pass, stays, wait_until


pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("root", "ip", "nginx", "heartbeat:IPaddr2"),
]

DETECTION_LIMIT_S = 10.0
CONFIRMATIONS_MAX = 8
"""Of one node in two partitions, with room for repeats; a loop makes hundreds a second."""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """The imported pair with monitors each second; node1 serves."""
    with Network(tmp_path) as network:
        made = Pair(network)
        made.start(made.install(monitor="1s"))
        yield made


def test_power_cut_and_return(pair):
    with Probe(pair.network) as probe, Watch(pair.network) as watch:
        pair.await_answer(probe, "node1")
        at = pair.network["node1"].cut_power()
        pair.await_answer(probe, "node2", since=at)
        let_pass(0.5)
        assert probe.outage(at) < DETECTION_LIMIT_S
        pair.return_of("node1")
        pair.await_answer(probe, "node1", since=at)
        pair.await_steady()
        assert watch.most_at_once(at) == 1, watch.changes


def test_a_second_power_cut_is_survived_like_the_first(pair):
    """After the first one node2 is DC: now it is not the DC that is lost, but only the node that serves."""
    with Probe(pair.network) as probe, Watch(pair.network) as watch:
        for _ in range(2):
            pair.await_answer(probe, "node1")
            at = pair.network["node1"].cut_power()
            pair.await_answer(probe, "node2", since=at)
            pair.return_of("node1")
            pair.await_steady()
        assert watch.most_at_once() == 1, watch.changes


def test_standby_and_online(pair):
    network = pair.network
    with Probe(network) as probe, Watch(network) as watch:
        pair.await_answer(probe, "node1")
        network["node2"].shell("node", "standby", "node1").ok()
        pair.await_answer(probe, "node2")
        assert network.holders() == ["node2"]
        network["node2"].shell("node", "online", "node1").ok()
        pair.await_answer(probe, "node1")
        wait_until(lambda: network.holders() == ["node1"], DETECTION_LIMIT_S, "node1 alone holds the address")
        assert watch.most_at_once() == 1, watch.changes


def test_a_killed_server_is_started_again(pair):
    host = pair.network["node1"]
    with Probe(pair.network) as probe:
        pair.await_answer(probe, "node1")
        at = time.monotonic()
        for pid in host.pids_of("nginx"):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: probe.outage(at) > 0, DETECTION_LIMIT_S, "the client is answered again")
        assert probe.node in ("node1", "node2")


def test_after_each_partition_exactly_one_holds_the_address(pair):
    network = pair.network
    with Watch(network) as watch:
        for _ in range(2):
            network.cut()
            wait_until(lambda: len(watch.held) == 2, DETECTION_LIMIT_S, "both hold it: an unsafe pair without fencing")
            assert "UNSAFE" in network["node2"].shell("status").out
            network.heal()
            wait_until(lambda: len(watch.held) == 1, DETECTION_LIMIT_S, "one of them gave it up")
            pair.await_steady()
            stays(lambda: len(network.holders()) == 1, 2.0, "exactly one holder")
    for host in network.hosts.values():
        confirmed = host.path("/var/lib/hashell/log").read_text().count("event=fence.done")
        assert confirmed <= CONFIRMATIONS_MAX, f"{host.name} confirmed a loss {confirmed} times"


def test_a_clean_stop_of_the_holder_is_a_short_gap(pair):
    network = pair.network
    with Probe(network) as probe, Watch(network) as watch:
        pair.await_answer(probe, "node1")
        at = time.monotonic()
        daemon = pair.daemon_pid("node1")
        os.kill(daemon, signal.SIGTERM)
        pair.await_answer(probe, "node2", since=at)
        wait_until(lambda: not Path(f"/proc/{daemon}").exists(), DETECTION_LIMIT_S, "the daemon ended")
        assert not network["node1"].has(FLOATING)
        assert watch.most_at_once(at) == 1, watch.changes
