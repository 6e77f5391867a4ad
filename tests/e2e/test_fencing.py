"""Hosts with real baseboard controllers: who does not answer is switched off, and only then replaced."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.bmc import Bmcs
from tests.e2e.harness import PATIENT, TIMERS, Ran, status_of
from tests.e2e.netns import FLOATING, Network, Probe, Watch, file_of
from tests.e2e.pair import Pair
from tests.e2e.waiting import stays, wait_until


pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("root", "ip", "nginx", "heartbeat:IPaddr2", "fence_ipmilan", "ipmitool", "ipmi_sim"),
]

START_LIMIT_S = 60.0
FENCING_LIMIT_S = 40.0
SERVICE = f"""\
primitive address ocf:heartbeat:IPaddr2 params ip={FLOATING} cidr_netmask=24 op monitor interval=10s
primitive httpd lsb:httpd op monitor interval=10s
group web address httpd
location first web 100: node1
property stonith-enabled=true stonith-timeout=30s
"""


class Fenced(Pair):
    """Hosts with controllers, and a cluster on them that serves from node1."""

    __slots__ = ("bmcs",)

    def __init__(self, network: Network, bmcs: Bmcs) -> None:
        super().__init__(network)
        self.bmcs = bmcs

    def found(self, quorum: str = "", timers: Mapping[str, str] = TIMERS) -> None:
        """Every host's own files; the daemons are not started."""
        hosts = self.network.hosts
        for host in hosts.values():
            host.write("/etc/hashell/hashelld.toml", file_of(host, hosts, quorum, timers))
            host.boot()
        first = self.network["node1"]
        first.run(sys.executable, "-m", "hashelld", "keygen", "/etc/hashell/cluster.key").ok()
        key = first.path("/etc/hashell/cluster.key").read_text()
        for host in hosts.values():
            host.write("/etc/hashell/cluster.key", key, 0o600)

    def is_steady(self) -> bool:
        return (
            self.network.holders() == ["node1"]
            and self.place("node2", "httpd") == ["node1"]
            and self.online(self.network["node2"]) == set(self.network.hosts)
        )

    def freeze(self, name: str) -> int:
        """The daemon of a host does nothing any more, while the host serves on; its pid."""
        pid = self.daemon_pid(name)
        os.kill(pid, signal.SIGSTOP)
        return pid

    def await_dead(self, name: str) -> float:
        """Wait until the host has no power, and take away what is left of it; when that was seen."""
        wait_until(lambda: self.bmcs.is_dead(name), FENCING_LIMIT_S, f"{name} is switched off")
        at = time.monotonic()
        self.network[name].kill()
        return at

    def is_off(self, name: str, seer: str) -> bool:
        """Does a node tell that another one is neither there nor to be fenced, and that nothing is left to do?"""
        told = status_of(self.network[seer].shell("--json", "status")).get("status", {})
        views = [view for view in told.get("nodes", ()) if view["node"] == name]
        is_gone = not any(view.get(state) for view in views for state in ("online", "pending", "unclean"))
        return told.get("phase") == "idle" and is_gone

    def fencings(self, seer: str) -> list[tuple[str, str, str]]:
        """What a node tells of fencings that ended: whom, the result, the device."""
        table = json.loads(self.network[seer].shell("--json", "node", "fence-history").ok().out)
        return [(row["node"], row["result"], row["device"]) for row in table["rows"]]


@contextmanager
def running(
    folder: Path,
    names: tuple[str, ...],
    supplies: int = 1,
    quorum: str = "",
    timers: Mapping[str, str] = TIMERS,
) -> Iterator[Fenced]:
    with Network(folder / "net", names) as network, Bmcs(network, folder / "power", supplies) as bmcs:
        made = Fenced(network, bmcs)
        made.found(quorum, timers)
        yield made


THREE = ("node1", "node2", "node3")


def test_a_frozen_daemon_is_fenced_and_its_service_taken_over(tmp_path):
    """Its host serves on: only the controller can end that. Switched on again, the host comes back as a member."""
    with running(tmp_path, THREE) as cluster:
        network = cluster.network
        cluster.start(SERVICE + cluster.bmcs.devices(power_wait="0") + "property stonith-action=reboot\n")
        with Probe(network) as probe, Watch(network) as watch:
            cluster.await_answer(probe, "node1")
            at = time.monotonic()
            host = network["node1"].pid
            cluster.freeze("node1")
            wait_until(lambda: network["node1"].pid != host, FENCING_LIMIT_S, "node1 lost its power")
            network["node1"].kill()
            cluster.await_answer(probe, "node2", since=at)
            assert watch.most_at_once(at) == 1, watch.changes
            wait_until(lambda: probe.outage(at) > 0, FENCING_LIMIT_S, "the outage is measured")
            print(f"outage {probe.outage(at):.2f} s")
            wait_until(lambda: cluster.bmcs.of["node1"][0].is_on, FENCING_LIMIT_S, "node1 is switched on again")
            cluster.return_of("node1")
            cluster.await_steady()
            assert watch.most_at_once(at) == 1, watch.changes
        assert cluster.fencings("node3") == [("node1", "done", "fence-node1-1")]
        assert all(cluster.bmcs.of[name][0].is_on for name in THREE)


def test_a_drill_of_fencing_tells_how_it_went(tmp_path):
    with running(tmp_path, THREE) as cluster:
        network = cluster.network
        cluster.start(SERVICE + cluster.bmcs.devices(power_wait="0") + "property stonith-action=reboot\n")
        wait_until(cluster.is_steady, START_LIMIT_S, "node1 serves", 0.1)
        words = ("--json", "--yes", "cluster", "crash-test", "fence", "node1", "--within", "40s")
        ran: list[Ran] = []
        host = network["node1"].pid
        thread = threading.Thread(target=lambda: ran.append(network["node3"].shell(*words)))
        thread.start()
        try:
            wait_until(lambda: network["node1"].pid != host or ran, FENCING_LIMIT_S, "node1 lost its power")
            network["node1"].kill()
            wait_until(lambda: cluster.place("node3", "httpd") == ["node2"], FENCING_LIMIT_S, "node2 serves")
            wait_until(lambda: cluster.is_off("node1", "node3"), FENCING_LIMIT_S, "node1 is known to be off", 0.2)
            cluster.return_of("node1")
        finally:
            thread.join()
        data = json.loads(ran[0].out)["data"]
        assert (ran[0].code, data["passed"], data["wrong"]) == (0, True, []), ran[0]
        told = [step["text"] for step in data["steps"]]
        assert told[0].startswith("fence-node1-1 says that node1 is off (reboot, called by node")
        assert "httpd, which ran on node1, is active on node2" in told


def test_a_daemon_that_is_brought_back_at_once_costs_nothing(tmp_path):
    """Its host says that it is gone: for a while it is waited for, and nobody is fenced."""
    with running(tmp_path, THREE, timers={**TIMERS, **PATIENT}) as cluster:
        network = cluster.network
        cluster.start(SERVICE + cluster.bmcs.devices(power_wait="0"))
        with Watch(network) as watch:
            os.kill(cluster.daemon_pid("node1"), signal.SIGKILL)
            wait_until(lambda: cluster.online(network["node2"]) == {"node2", "node3"}, FENCING_LIMIT_S, "it is missed")
            network["node1"].start_daemon()
            cluster.await_steady()
            assert watch.changes == []
        assert cluster.fencings("node2") == []
        assert all(cluster.bmcs.of[name][0].is_on for name in THREE)


def test_a_host_with_two_supplies_is_restarted_by_both(tmp_path):
    """Off, on of one and then of the other would leave it running all the time: both are off before one is on."""
    with running(tmp_path, THREE, supplies=2) as cluster:
        network, supplies = cluster.network, cluster.bmcs.of["node1"]
        levels = "fencing_topology node1: fence-node1-1,fence-node1-2\n"
        cluster.start(SERVICE + cluster.bmcs.devices(power_wait="0") + levels)
        with Watch(network) as watch:
            at = time.monotonic()
            host = network["node1"].pid
            cluster.freeze("node1")
            wait_until(lambda: network["node1"].pid != host, FENCING_LIMIT_S, "node1 lost its power")
            network["node1"].kill()
            wait_until(lambda: network.holders() == ["node2"], FENCING_LIMIT_S, "node2 serves")
            assert watch.most_at_once(at) == 1, watch.changes
            wait_until(lambda: all(bmc.is_on for bmc in supplies), FENCING_LIMIT_S, "both supplies are on again")
        done = [("node1", "done", "fence-node1-1,fence-node1-2")]
        wait_until(lambda: cluster.fencings("node2") == done, FENCING_LIMIT_S, "node2 tells of it", 0.2)


def test_nothing_is_taken_over_before_a_silent_controller_was_replaced_by_a_word(tmp_path):
    """The host may still serve: without an answer of its controller only the administrator can say that it does not."""
    with running(tmp_path, THREE) as cluster:
        network = cluster.network
        devices = cluster.bmcs.devices(power_wait="0", power_timeout="2", pcmk_off_timeout="4s", pcmk_off_retries="1")
        cluster.start(SERVICE + devices + "property stonith-action=off\n")
        cluster.bmcs.of["node1"][0].end()
        network["node1"].cut_power()
        wait_until(lambda: len(cluster.fencings("node2")) == 1, FENCING_LIMIT_S, "the first fencing failed", 0.2)
        assert cluster.fencings("node2")[0][:2] == ("node1", "failed")
        assert "fencing of node1 failed" in network["node2"].shell("status").out
        assert network.holders() == []
        seen = network["node2"].shell("node", "fence", "node1", "--confirm")
        assert seen.code == 1, "nothing is vouched for without --yes"
        stays(lambda: not network.holders(), 1.0, "nothing was taken over")
        network["node2"].shell("--yes", "node", "fence", "node1", "--confirm").ok()
        wait_until(lambda: network.holders() == ["node2"], FENCING_LIMIT_S, "node2 serves")


def test_of_two_that_lose_each_other_the_favoured_one_survives(tmp_path):
    """Both want to fence: the delay of the device of one lets it win the race, and only one ever serves."""
    with running(tmp_path, ("node1", "node2"), quorum="two_node = true") as cluster:
        network = cluster.network
        devices = cluster.bmcs.devices(power_wait="0", pcmk_delay_base="node1:4s;node2:0s")
        cluster.start(SERVICE + devices + "property stonith-action=off\n")
        with Probe(network) as probe, Watch(network) as watch:
            cluster.await_answer(probe, "node1")
            at = network.cut()
            cluster.await_dead("node2")
            stays(lambda: network.holders() == ["node1"], 5.0, "node1 serves on")
            assert cluster.bmcs.of["node1"][0].is_on
            assert watch.most_at_once(at) == 1, watch.changes
            assert probe.outage(at) < 1.0
