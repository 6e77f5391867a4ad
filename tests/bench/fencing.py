"""From the loss of a node to service elsewhere, with fencing: `python -m tests.bench.fencing [--runs N]`, as root.

Three hosts in namespaces and a fencing device that answers in 50 ms; the power of the host that serves is cut, a client
asks every 5 ms. Measured with the default timers and with the fast ones of hashelld.toml(5).
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from tests.e2e.harness import TIMERS
from tests.e2e.netns import FLOATING, Network, Probe, file_of
from tests.e2e.pair import Pair
from tests.e2e.waiting import let_pass, wait_until


AGENT: Final = Path(__file__).resolve().parent / "fence_quick"
MOUNTED_OVER: Final = "/usr/sbin/fence_dummy"
"""Agents are where the system has them: every host sees ours in place of this one."""
FAST: Final = {**TIMERS, "keepalive": "50ms", "warntime": "150ms", "deadtime": "250ms"}
GOALS_S: Final = {"default": 1.4, "fast": 0.6}
THREE: Final = ("node1", "node2", "node3")
LIMIT_S: Final = 60.0
QUIET_S: Final = 1.0
SERVICE: Final = f"""\
primitive address ocf:heartbeat:IPaddr2 params ip={FLOATING} cidr_netmask=24 op monitor interval=10s
primitive httpd lsb:httpd op monitor interval=10s
group web address httpd
location first web 100: node1
primitive switch stonith:fence_dummy params ip="{{folder}}" pcmk_host_list="node1 node2 node3"
property stonith-enabled=true stonith-action=off
"""


class Outage(msgspec.Struct, frozen=True):
    """Seconds from the power cut to service elsewhere, as the client saw it, and what the survivors tell of it."""

    seconds: float
    steps: str


class PowerSwitch:
    """What the agent talks to: it cuts the power of a host, and says so when that is done. A context manager."""

    def __init__(self, network: Network, folder: Path) -> None:
        self._network = network
        self.folder = folder
        self._pipe = -1
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> PowerSwitch:
        self.folder.mkdir(parents=True)
        os.mkfifo(self.folder / "requests")
        self._pipe = os.open(self.folder / "requests", os.O_RDWR)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._pipe, b"end\n")
        self._thread.join()
        os.close(self._pipe)

    def _serve(self) -> None:
        with os.fdopen(os.dup(self._pipe), "r") as lines:
            for line in lines:
                if line.strip() == "end":
                    return
                if self._network[line.strip()].pid:
                    self._network[line.strip()].cut_power()
                (self.folder / f"{line.strip()}.off").touch()

    def on(self, name: str) -> None:
        """Give the host power again."""
        (self.folder / f"{name}.off").unlink(missing_ok=True)


class Rig(Pair):
    """Three hosts and their power switch."""

    __slots__ = ("switch",)

    def __init__(self, network: Network, switch: PowerSwitch) -> None:
        super().__init__(network)
        self.switch = switch

    def found(self, timers: Mapping[str, str]) -> None:
        """Boot the hosts with these timers, start the cluster on them."""
        hosts = self.network.hosts
        for host in hosts.values():
            host.write("/etc/hashell/hashelld.toml", file_of(host, hosts, "", timers))
            host.write(MOUNTED_OVER, AGENT.read_text(), 0o755)
            with (host.disk / "binds").open("a") as binds:
                binds.write(f"\n{MOUNTED_OVER}\n")
            host.boot()
        first = self.network["node1"]
        first.run(sys.executable, "-m", "hashelld", "keygen", "/etc/hashell/cluster.key").ok()
        for host in hosts.values():
            host.write("/etc/hashell/cluster.key", first.path("/etc/hashell/cluster.key").read_text(), 0o600)
        self.start(SERVICE.format(folder=self.switch.folder))

    def is_steady(self) -> bool:
        return (
            self.network.holders() == ["node1"]
            and self.place("node2", "httpd") == ["node1"]
            and self.online(self.network["node2"]) == set(self.network.hosts)
        )

    def lose_node1(self, probe: Probe) -> Outage:
        """Cut its power, wait for service elsewhere."""
        self.await_answer(probe, "node1")
        marks = {name: len(self.log(name)) for name in ("node2", "node3")}
        at = self.network["node1"].cut_power()
        wall = time.time()
        wait_until(lambda: probe.node != "node1" and probe.answers[-1][0] > at, LIMIT_S, "service elsewhere")
        wait_until(lambda: time.monotonic() > max(g.ended for g in probe.gaps) + QUIET_S, LIMIT_S, "no further gap")
        told = "\n".join(self.log(name)[mark:] for name, mark in marks.items())
        return Outage(probe.outage(at), steps_of(told, wall))

    def log(self, name: str) -> str:
        return self.network[name].path("/var/lib/hashell/log").read_text(errors="replace")

    def restore(self, probe: Probe) -> None:
        """Switch on again who is off (a machine too busy for fast timers has others fenced too); node1 serves."""
        at = time.monotonic()

        def is_back() -> bool:
            for name, host in self.network.hosts.items():
                if not host.pid:
                    self.switch.on(name)
                    self.return_of(name)
            return self.is_steady()

        wait_until(is_back, LIMIT_S, "node1 alone serves, all are online", 0.1)
        self.await_answer(probe, "node1", since=at)


def steps_of(told: str, wall: float) -> str:
    """When (seconds after the cut) what was told first."""
    found: dict[str, float] = {}
    for line in told.splitlines():
        fields = dict(word.partition("=")[::2] for word in line.split() if "=" in word)
        with suppress(KeyError, ValueError):
            clock = fields["time"].partition("T")[2].rstrip("Z").split(":")
            seconds = int(clock[0]) * 3600 + int(clock[1]) * 60 + float(clock[2]) - wall % 86_400
            found.setdefault(fields.get("action", fields["event"]), seconds)
    wanted = (
        "peer.lost",
        "dc.elected",
        "fence.called",
        "fence.asked",
        "fence.done",
        "address_start_0@node2",
        "httpd_start_0@node2",
    )
    return ", ".join(f"{name} {found[name]:.2f}" for name in wanted if name in found)


def measure(profile: str, timers: Mapping[str, str], runs: int) -> list[float]:
    """The outages, in seconds."""
    chance, found = random.Random(os.getpid()), []
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as name:
        folder = Path(name)
        with Network(folder / "net", THREE) as network, PowerSwitch(network, folder / "power") as switch:
            rig = Rig(network, switch)
            rig.found(timers)
            with Probe(network) as probe:
                for number in range(1, runs + 1):
                    let_pass(QUIET_S + chance.random())  # No fixed phase to anybody's timer.
                    outage = rig.lose_node1(probe)
                    found.append(outage.seconds)
                    print(f"{profile} {number}: {outage.seconds:.2f} s ({outage.steps})", file=sys.stderr)
                    rig.restore(probe)
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fencing", description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--profile", choices=tuple(GOALS_S), action="append")
    options = parser.parse_args(argv)
    if os.geteuid():
        print("needs root: it makes network namespaces", file=sys.stderr)
        return 1
    for profile in options.profile or GOALS_S:
        found = measure(profile, FAST if profile == "fast" else TIMERS, options.runs)
        print(f"{profile}: {statistics.median(found):.2f} s, from {min(found):.2f} to {max(found):.2f}, goal", end=" ")
        print(f"{GOALS_S[profile]} s; median of {options.runs}, {load()}")
    return 0


def load() -> str:
    return f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
