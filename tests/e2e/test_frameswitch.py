"""The switch between real namespaces: what it does to pings, and that it ends with who drives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.frames import CLEAR, Way
from tests.e2e.harness import ROOT, environment
from tests.e2e.netns import CLIENT, command
from tests.e2e.switched import SwitchedNetwork
from tests.e2e.waiting import wait_until


pytestmark = [pytest.mark.slow, pytest.mark.needs("root", "ip", "ping")]

LIMIT_S = 20.0


def answers(namespace: str, address: str, count: int = 20) -> int:
    """How many of so many pings were answered; duplicates count."""
    out = command(
        "ip", "netns", "exec", namespace, "ping", "-c", str(count), "-i", "0.01", "-W", "2", address, check=False
    )
    return out.count(" bytes from ")


def test_hosts_and_client_reach_each_other_through_it(tmp_path):
    with SwitchedNetwork(tmp_path, ("node1", "node2"), links=2) as network:
        one, other = network.hosts.values()
        for host in (one, other):
            host.boot()
        for address in (*network.addresses(other), CLIENT, f"{network.power_net}.46"):
            wait_until(lambda a=address: answers(one.namespace, a) == 20, LIMIT_S, f"node1 reaches {address}")
        network.set_way_between(Way(loss=0.3))
        assert 100 < answers(one.namespace, other.address, 400) < 300
        network.set_way_between(Way(duplicate=1.0))
        wait_until(lambda: answers(one.namespace, other.address, 5) > 5, LIMIT_S, "answers come more than once")
        network.frames.set_ways({("node1", "node2"): Way(is_cut=True), ("node2", "node1"): CLEAR})
        assert answers(one.namespace, other.address, 3) == 0
        assert answers(one.namespace, network.addresses(other)[1], 3) == 3, "the other link is another switch"
        assert answers(one.namespace, CLIENT, 3) == 3
        one.cut_power()
        assert answers(network.client, one.address, 1) == 0
        one.boot()
        wait_until(lambda: answers(network.client, one.address, 3) == 3, LIMIT_S, "it is back at its port")
        network.frames.set_carrier("node1", is_on=False)
        assert answers(network.client, one.address, 1) == 0
        network.frames.set_carrier("node1", is_on=True)
        wait_until(lambda: answers(network.client, one.address, 3) == 3, LIMIT_S, "its cable is in again")
        pids = [link.pid for link in network.links]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_it_ends_with_who_drives_it():
    reader, writer = os.pipe()
    switch = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.frameswitch", "1"], stdin=reader, cwd=ROOT, env=environment()
    )
    os.close(reader)
    os.close(writer)
    try:
        assert switch.wait(LIMIT_S) == 0
    finally:
        switch.kill()
        switch.wait()
