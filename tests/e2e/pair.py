"""The classic pair: heartbeat's files for two web servers, imported and run on two hosts."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from hashelld.cib.heartbeat import HeartbeatFiles, read
from tests.e2e.harness import places_of, status_of
from tests.e2e.netns import Host, Network, Probe
from tests.e2e.waiting import wait_until


HA_CF = """\
logfile /var/log/ha-log
mcast eth0 225.0.12.1 694 1 0
ping 10.211.55.1
node node1 node2
auto_failback on
{timers}
"""
FAST = "keepalive 100ms\nwarntime 300ms\ndeadtime 600ms\ninitdead 10\n"
AUTHKEYS = "auth 2\n1 crc\n2 sha1 HI!@@@\n3 md5 Hello!\n"
HARESOURCES = "node1 10.211.55.24/24/eth0/10.211.55.255 httpd\n"
START_LIMIT_S = 40.0
MOVE_LIMIT_S = 30.0
VIP = "ip-10.211.55.24"


class Pair:
    """Two hosts with the imported cluster, and how an administrator uses them."""

    __slots__ = ("network",)

    def __init__(self, network: Network) -> None:
        self.network = network

    def install(self, timers: str = FAST, monitor: str = "10s") -> str:
        """Import heartbeat's files, write every host's own; the configuration that is to be loaded."""
        files = HeartbeatFiles(ha_cf=HA_CF.format(timers=timers), authkeys=AUTHKEYS, haresources=HARESOURCES)
        hosts = self.network.hosts
        addresses = {name: host.address for name, host in hosts.items()}
        imported = {name: read(files, name, addresses) for name in hosts}
        first = next(iter(hosts.values()))
        for name, host in hosts.items():
            assert imported[name].errors == ()
            host.write("/etc/hashell/hashelld.toml", imported[name].toml)
            host.boot()
        first.run(sys.executable, "-m", "hashelld", "keygen", "/etc/hashell/cluster.key").ok()
        key = first.path("/etc/hashell/cluster.key").read_text()
        for host in hosts.values():
            host.write("/etc/hashell/cluster.key", key, 0o600)
        return imported[first.name].configuration.replace("interval=10s", f"interval={monitor}")

    def start(self, configuration: str) -> None:
        """Start both daemons, load the configuration, wait until node1 serves."""
        for host in self.network.hosts.values():
            host.start_daemon()
        first = self.network["node1"]
        wait_until(lambda: self.online(first) == set(self.network.hosts), START_LIMIT_S, "both nodes online", 0.1)
        first.shell("configure", "load", "update", "-", text=configuration).ok()
        wait_until(self.is_steady, START_LIMIT_S, "node1 serves", 0.1)

    def online(self, seer: Host) -> set[str]:
        report = status_of(seer.shell("--json", "status"))
        return {node["node"] for node in report.get("nodes", []) if node["state"] in ("online", "standby")}

    def place(self, seer: str, resource: str = VIP) -> list[str]:
        return places_of(status_of(self.network[seer].shell("--json", "status")), resource)

    def is_steady(self) -> bool:
        """Does node1 alone hold the address, and run everything?"""
        return (
            self.network.holders() == ["node1"]
            and self.place("node2") == ["node1"]
            and self.place("node1", "httpd") == ["node1"]
            and self.online(self.network["node2"]) == set(self.network.hosts)
        )

    def await_steady(self) -> None:
        wait_until(self.is_steady, START_LIMIT_S, "node1 alone serves, both are online", 0.1)

    def return_of(self, name: str) -> None:
        """Power on and start the daemon, as a boot would."""
        self.network[name].boot()
        self.network[name].start_daemon()

    def await_answer(self, probe: Probe, node: str, since: float = 0.0) -> None:
        """Wait until the client is answered by this node."""
        wait_until(
            lambda: probe.node == node and probe.answers[-1][0] > since, MOVE_LIMIT_S, f"the client hears from {node}"
        )

    def daemon_pid(self, name: str) -> int:
        """The machine's pid of a host's hashelld."""
        namespace = Path(f"/proc/{self.network[name].pid}/ns/pid").stat().st_ino
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"hashelld" in words and b"run" in words and (folder / "ns/pid").stat().st_ino == namespace:
                    return int(folder.name)
        raise AssertionError(f"no hashelld runs on {name}")
