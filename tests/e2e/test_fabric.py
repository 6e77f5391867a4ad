"""A switch port that really cuts: who is lost loses its way to the storage before another writes there."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.fabric import AGENT, Ports, Power
from tests.e2e.netns import Network, file_of
from tests.e2e.pair import Pair
from tests.e2e.waiting import stays, wait_until


pytestmark = [pytest.mark.slow, pytest.mark.needs("root", "ip", "fence_ifmib", "fence_dummy")]

LIMIT_S = 60.0
THREE = ("node1", "node2", "node3")
SERVICE = """\
primitive port stonith:fence_ifmib params ip={ports} pcmk_host_list="node1 node2 node3"
primitive power stonith:fence_dummy params ip={power} pcmk_host_list="node1 node2 node3"
primitive writer lsb:writer meta fencing-device=port op monitor interval=10s
location first writer 100: node1
property stonith-enabled=true stonith-action=off no-quorum-policy=freeze
"""


class Cluster(Pair):
    """Hosts with a way to one storage each, on which one of them writes."""

    __slots__ = ("ports", "power")

    def __init__(self, network: Network, ports: Ports, power: Power) -> None:
        super().__init__(network)
        self.ports = ports
        self.power = power

    def found(self) -> None:
        hosts = self.network.hosts
        for host in hosts.values():
            host.write("/etc/hashell/hashelld.toml", file_of(host, hosts, ""))
            host.write("/etc/init.d/writer", (AGENT.parent / "writer").read_text(), 0o755)
            with (host.disk / "binds").open("a") as binds:
                for mounted_over in ("/usr/sbin/fence_ifmib", "/usr/sbin/fence_dummy"):
                    host.write(mounted_over, AGENT.read_text(), 0o755)
                    binds.write(f"\n{mounted_over}")
            host.boot()
        first = self.network["node1"]
        first.run(sys.executable, "-m", "hashelld", "keygen", "/etc/hashell/cluster.key").ok()
        key = first.path("/etc/hashell/cluster.key").read_text()
        for host in hosts.values():
            host.write("/etc/hashell/cluster.key", key, 0o600)
        self.start(SERVICE.format(ports=self.ports.folder, power=self.power.folder))

    def is_steady(self) -> bool:
        is_written = self.ports.writers()[-1:] == ["node1"]
        told = {(row["node"], row["operation"], row["result"]) for row in self.fencings("node2")}
        return is_written and told >= {(name, "on", "done") for name in THREE}

    def fencings(self, seer: str) -> list[dict[str, str]]:
        """What a node tells of fencings that ended."""
        ran = self.network[seer].shell("--json", "node", "fence-history")
        rows: list[dict[str, str]] = json.loads(ran.out)["rows"] if ran.code == 0 else []
        return rows

    def runs_writer(self, name: str) -> bool:
        """Is its process there, whatever the cluster says?"""
        host = self.network[name]
        return host.run("sh", "-c", "kill -0 $(cat /var/lib/hashell/writer.pid)").code == 0


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    with Network(folder / "net", THREE) as network, ExitStack() as stack:
        ports = Ports(network, folder / "ports")
        power = Power(network, folder / "power")
        stack.enter_context(ports)
        stack.enter_context(power)
        cluster = Cluster(network, ports, power)
        cluster.found()
        yield cluster


def test_a_frozen_daemon_is_cut_off_from_the_storage_and_comes_back(tmp_path):
    """What it ran runs on and reaches nothing; it is stopped there before the port is switched on again."""
    with running(tmp_path) as cluster:
        hosts = cluster.network.hosts
        pids = {name: host.pid for name, host in hosts.items()}
        frozen = cluster.daemon_pid("node1")
        os.kill(frozen, signal.SIGSTOP)
        wait_until(lambda: len(cluster.ports.writers()) == 2, LIMIT_S, "another writes")
        assert cluster.ports.state("node1") == "off"
        assert cluster.runs_writer("node1"), "nobody stopped it"
        (second,) = cluster.ports.writers()[1:]
        stays(lambda: cluster.ports.writers() == ["node1", second], 2.0, "only one writes")
        told = cluster.network["node3"].shell("status").out
        assert "fenced on the resource level only: port cut it off" in " ".join(told.split())
        os.kill(frozen, signal.SIGCONT)
        wait_until(lambda: cluster.ports.state("node1") == "on", LIMIT_S, "node1 gets its access again")
        wait_until(lambda: cluster.online(hosts["node2"]) == set(THREE), LIMIT_S, "all are online")
        wait_until(lambda: cluster.ports.writers()[-1] == "node1", LIMIT_S, "it writes again, as it should")
        assert cluster.ports.writers() == ["node1", second, "node1"]
        assert {name: host.pid for name, host in hosts.items()} == pids, "nobody lost its power"
        levels = [(row["operation"], row["level"], row["result"]) for row in cluster.fencings("node2")]
        assert levels[-2:] == [("off", "resource", "done"), ("on", "resource", "done")]


def test_a_port_that_fails_has_the_node_switched_off(tmp_path):
    """Nothing is written by another before the node has no power."""
    with running(tmp_path) as cluster:
        cluster.ports.broken.add("node1")
        os.kill(cluster.daemon_pid("node1"), signal.SIGSTOP)
        wait_until(lambda: cluster.power.state("node1") == "off", LIMIT_S, "node1 lost its power")
        wait_until(lambda: len(cluster.ports.writers()) == 2, LIMIT_S, "another writes")
        assert cluster.ports.state("node1") == "on"
        told = [(row["operation"], row["level"], row["result"]) for row in cluster.fencings("node2")]
        assert told[-2:] == [("off", "resource", "failed"), ("off", "node", "done")]
