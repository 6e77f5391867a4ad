"""Two links between the hosts: cutting one of them, and then the other, moves nothing, fences nobody, loses no word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.bmc import Bmcs
from tests.e2e.frames import CLEAR, Way
from tests.e2e.harness import TIMERS, status_of
from tests.e2e.netns import Watch, file_of
from tests.e2e.switched import SwitchedNetwork
from tests.e2e.test_fencing import SERVICE, Fenced
from tests.e2e.waiting import stays, wait_until


pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("root", "ip", "nginx", "heartbeat:IPaddr2", "fence_ipmilan", "ipmitool", "ipmi_sim"),
]

CUT_S = 4.0
"""Longer than any time-out of beats, messages and connections."""
LOSS = 0.3
"""All beats of a deadtime, on both links, are lost in one of thousands of runs; at a half, in a few of a hundred,
unless deadtime is longer."""
LIMIT_S = 30.0
NAMES = ("node1", "node2")


@contextmanager
def running(folder: Path, timers: Mapping[str, str]) -> Iterator[tuple[Fenced, SwitchedNetwork]]:
    """Two hosts whose files name both addresses of each; node1 serves."""
    with SwitchedNetwork(folder / "net", NAMES, links=2) as network, Bmcs(network, folder / "power") as bmcs:
        cluster = Fenced(network, bmcs)
        cluster.found("two_node = true", timers)
        for host in network.hosts.values():
            text = file_of(host, network.hosts, "two_node = true", timers)
            for other in network.hosts.values():
                both = ", ".join(f'"{address}"' for address in network.addresses(other))
                text = text.replace(f'addresses = ["{other.address}"]', f"addresses = [{both}]")
            host.write("/etc/hashell/hashelld.toml", text)
        cluster.start(SERVICE + bmcs.devices(power_wait="0"))
        dc = dc_of(cluster, "node1")
        yield cluster, network
        assert all(dc_of(cluster, name) == dc for name in NAMES)
        assert cluster.fencings("node1") == cluster.fencings("node2") == []
        for host in network.hosts.values():
            assert "event=peer.lost" not in host.path("/var/lib/hashell/log").read_text()


def dc_of(cluster: Fenced, name: str) -> str:
    return status_of(cluster.network[name].shell("--json", "status")).get("dc") or ""


def commits(cluster: Fenced, number: int) -> None:
    """What a node is told arrives at all."""
    for name in NAMES:
        stickiness = str(number) if name == "node1" else str(number + 1)
        host = cluster.network[name]
        host.shell("configure", "rsc_defaults", f"resource-stickiness={stickiness}").ok()
        for seer in NAMES:
            show = cluster.network[seer]
            told = f"resource-stickiness={stickiness}"
            wait_until(lambda s=show, t=told: t in s.shell("configure", "show").out, LIMIT_S, f"{seer} has {told}")


def lose(network: SwitchedNetwork, share: float) -> None:
    """A share of the frames on both links, each way."""
    for link in (0, 1):
        network.set_way_between(Way(loss=share), link=link)


def test_cutting_one_of_two_links_moves_nothing(tmp_path):
    with running(tmp_path, TIMERS) as (cluster, network), Watch(network) as watch:
        for link in (0, 1):
            network.set_way_between(Way(is_cut=True), link=link)
            stays(lambda: watch.changes == [], CUT_S, "the address stays where it is")
            commits(cluster, 100 * link + 10)
            network.set_way_between(CLEAR, link=link)
            stays(lambda: watch.changes == [], CUT_S, "the address stays where it is")
        lose(network, LOSS)
        stays(lambda: watch.changes == [], CUT_S, "frames are lost on both links")


def test_half_of_the_frames_are_enough_for_who_is_patient(tmp_path):
    with running(tmp_path, {**TIMERS, "deadtime": "1200ms"}) as (_, network), Watch(network) as watch:
        lose(network, 0.5)
        stays(lambda: watch.changes == [], CUT_S, "half of the frames on each link")
