"""What a random fault run does to a cluster: one deed after another, each undone by itself after a while."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import msgspec

from tests.e2e.bmc import Bmcs
from tests.e2e.frames import CLEAR, Way
from tests.e2e.netns import FLOATING, GATEWAY, Host, ip
from tests.e2e.switched import SwitchedNetwork


AGENT_FAULT: Final = """\
if read -r verb way 2>/dev/null </etc/init.d/fault && [ "$1" = "$verb" ]; then
    [ "$way" = hangs ] && exec sleep 60
    exit 1
fi
"""
"""For the init script: it fails or hangs as a file beside it says."""
FAULT_FILE: Final = "/etc/init.d/fault"
SPANS_S: Final = ((0.2, 1.0), (1.0, 4.0), (4.0, 12.0))
"""Some faults are shorter than the time-outs, some as long, some much longer."""
PAUSE_S: Final = (0.5, 6.0)
SUPERVISOR_S: Final = (0.0, 5.0)
FLAP_S: Final = 0.3
SMALL_FILE_BYTES: Final = 4_096
HANDLES_MAX: Final = 8
Undo = Callable[[], None]


class Ground(Protocol):
    """What is disturbed."""

    network: SwitchedNetwork
    bmcs: Bmcs

    def daemon_pid(self, name: str) -> int:
        """Of hashelld on a host; 0 while there is none."""

    def rest(self, name: str, until: float) -> None:
        """Neither boot the host nor start its daemon before this moment."""

    def record(self, text: str) -> None:
        """Note in the timeline."""


class Deed(msgspec.Struct, frozen=True):
    """A fault that lasts until a moment (seconds of CLOCK_MONOTONIC), and what ends it; the host that it weakens."""

    until: float
    undo: Undo
    text: str
    host: str = ""


def nothing() -> None:
    """It ended by itself."""


class Nemesis:
    """Draws faults by a seed. At most one host at a time is weakened by itself; of links, any may be."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self._ground = ground
        self._chance = random.Random(seed)
        self._deeds: list[Deed] = []
        self._next = 0.0
        self._kinds: tuple[tuple[int, Callable[[], Deed | None]], ...] = (
            (5, self._lossy),
            (4, self._isolate),
            (3, self._cut_pair),
            (3, self._cut_one_way),
            (2, self._flap),
            (2, self._link_down),
            (4, self._kill_daemon),
            (4, self._stop_daemon),
            (3, self._cut_power),
            (3, self._break_agent),
            (2, self._kill_server),
            (2, self._fill_disk),
            (1, self._take_handles),
            (2, self._leave),
            (2, self._kill_controller),
            (2, self._slow_controller),
        )

    def act(self, now: float) -> None:
        """Undo what is over; do what is due."""
        for deed in [deed for deed in self._deeds if deed.until <= now]:
            self._end(deed)
        if now < self._next:
            return
        self._next = now + self._chance.uniform(*PAUSE_S)
        kinds = [kind for _, kind in self._kinds]
        deed = self._chance.choices(kinds, [weight for weight, _ in self._kinds])[0]()
        if deed is not None:
            self._ground.record(deed.text)
            self._deeds.append(deed)

    def heal(self) -> None:
        """End everything."""
        while self._deeds:
            self._end(self._deeds[0])

    def _end(self, deed: Deed) -> None:
        self._deeds.remove(deed)
        deed.undo()
        self._ground.record(f"over: {deed.text}")

    def _span(self) -> float:
        return self._chance.uniform(*self._chance.choice(SPANS_S))

    def _deed(self, text: str, undo: Undo, host: str = "") -> Deed:
        span = self._span()
        return Deed(time.monotonic() + span, undo, f"{text} for {span:.1f} s", host)

    def _victim(self) -> Host | None:
        """A host whose daemon runs, while no other one is weakened."""
        if any(deed.host for deed in self._deeds):
            return None
        names = list(self._ground.network.hosts)
        host = self._ground.network[self._chance.choice(names)]
        if all(self._ground.daemon_pid(name) for name in names):
            return host
        return None

    # -- links

    def _set(self, text: str, ways: dict[tuple[str, str], Way]) -> Deed:
        frames = self._ground.network.frames
        frames.set_ways(ways)
        return self._deed(text, lambda: frames.set_ways(dict.fromkeys(ways, CLEAR)))

    def _pair(self) -> tuple[str, str]:
        one, other = self._chance.sample(list(self._ground.network.hosts), 2)
        return one, other

    def _lossy(self) -> Deed:
        chance = self._chance
        way = Way(
            loss=chance.choice((0.02, 0.1, 0.3, 0.5)),
            duplicate=chance.choice((0.0, 0.1)),
            reorder=chance.choice((0.0, 0.1)),
            corrupt=chance.choice((0.0, 0.05)),
            delay=chance.choice((0.0, 0.02, 0.1)),
            jitter=chance.choice((0.0, 0.02)),
        )
        names = list(self._ground.network.hosts)
        pairs = [(one, other) for one in names for other in names if one != other]
        chosen = chance.sample(pairs, chance.randint(1, len(pairs)))
        ways = " ".join(f"{one}>{other}" for one, other in chosen)
        return self._set(f"lossy {ways}: {way}", dict.fromkeys(chosen, way))

    def _isolate(self) -> Deed:
        names = list(self._ground.network.hosts)
        alone = self._chance.choice(names)
        others = [name for name in names if name != alone]
        ways = {pair: Way(is_cut=True) for other in others for pair in ((alone, other), (other, alone))}
        return self._set(f"{alone} is cut off", ways)

    def _cut_pair(self) -> Deed:
        one, other = self._pair()
        return self._set(f"{one} and {other} are cut", dict.fromkeys(((one, other), (other, one)), Way(is_cut=True)))

    def _cut_one_way(self) -> Deed:
        one, other = self._pair()
        return self._set(f"{one} to {other} is cut", {(one, other): Way(is_cut=True)})

    def _flap(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        frames = self._ground.network.frames
        frames.set_carrier(host.name, is_on=False)
        at = time.monotonic() + FLAP_S
        return Deed(at, lambda: frames.set_carrier(host.name, is_on=True), f"the cable of {host.name} flaps", host.name)

    def _link_down(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        ip(host.namespace, "link set eth0 down", check=False)

        def up() -> None:
            ip(host.namespace, "link set eth0 up", check=False)
            ip(host.namespace, f"route replace default via {GATEWAY}", check=False)

        return self._deed(f"eth0 of {host.name} is down", up, host.name)

    # -- hosts and daemons

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def _kill_daemon(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        back = time.monotonic() + self._chance.uniform(*SUPERVISOR_S)
        self._ground.rest(host.name, back)
        self._signal(self._ground.daemon_pid(host.name), signal.SIGKILL)
        return Deed(back, nothing, f"hashelld of {host.name} is killed", host.name)

    def _stop_daemon(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        pid = self._ground.daemon_pid(host.name)
        self._signal(pid, signal.SIGSTOP)
        return self._deed(f"hashelld of {host.name} stands still", lambda: self._signal(pid, signal.SIGCONT), host.name)

    def _cut_power(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        deed = self._deed(f"{host.name} has no power", nothing, host.name)
        self._ground.rest(host.name, deed.until)
        host.cut_power()
        return deed

    def _leave(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        deed = self._deed(f"hashelld of {host.name} is to end", nothing, host.name)
        self._ground.rest(host.name, deed.until)
        self._signal(self._ground.daemon_pid(host.name), signal.SIGTERM)
        return deed

    def _limit(self, host: Host, which: int, value: int, text: str) -> Deed | None:
        pid = self._ground.daemon_pid(host.name)
        try:
            before = resource.prlimit(pid, which)
            resource.prlimit(pid, which, (value, before[1]))
        except (OSError, ValueError):
            return None

        def restore() -> None:
            with suppress(OSError):
                resource.prlimit(pid, which, before)

        return self._deed(text, restore, host.name)

    def _fill_disk(self) -> Deed | None:
        """No file of the daemon can grow: its store fails, and it leaves."""
        host = self._victim()
        if host is None:
            return None
        return self._limit(host, resource.RLIMIT_FSIZE, SMALL_FILE_BYTES, f"the disk of {host.name} is full")

    def _take_handles(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        return self._limit(host, resource.RLIMIT_NOFILE, HANDLES_MAX, f"hashelld of {host.name} may open no files")

    # -- agents and controllers

    def _break_agent(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        verb, way = self._chance.choice(("start", "stop", "status")), self._chance.choice(("hangs", "fails"))
        host.write(FAULT_FILE, f"{verb} {way}\n")
        undo = host.path(FAULT_FILE).unlink
        return self._deed(f"httpd {verb} of {host.name} {way}", undo, host.name)

    def _kill_server(self) -> Deed | None:
        host = self._victim()
        if host is None:
            return None
        for pid in host.pids_of("nginx"):
            self._signal(pid, signal.SIGKILL)
        return Deed(0.0, nothing, f"the web server of {host.name} is killed")

    def _kill_controller(self) -> Deed:
        bmc = self._ground.bmcs.of[self._chance.choice(list(self._ground.network.hosts))][0]
        bmc.end()
        return self._deed(f"the controller of {bmc.host.name} is dead", bmc.start)

    def _slow_controller(self) -> Deed | None:
        bmc = self._ground.bmcs.of[self._chance.choice(list(self._ground.network.hosts))][0]
        pid = bmc.pid
        if not pid:
            return None
        self._signal(pid, signal.SIGSTOP)
        return self._deed(f"the controller of {bmc.host.name} hangs", lambda: self._signal(pid, signal.SIGCONT))


def prepare(host: Host) -> None:
    """Let the host's init script fail when it is told to."""
    path = host.path("/etc/init.d/httpd")
    mark = "### END INIT INFO\n"
    host.write("/etc/init.d/httpd", path.read_text().replace(mark, mark + AGENT_FAULT), 0o755)


def service(ticks: Path) -> str:
    """A group of an address and a web server, and a resource that signs in a file that all hosts share.

    Unless IPaddr2 is told the interface it looks for a route, and while the link is down it finds none: its stop then
    says that it is done, and the address stays (resource-agents 4.12).
    """
    params = f"params ip={FLOATING} cidr_netmask=24 nic=eth0"
    return f"""\
primitive address ocf:heartbeat:IPaddr2 {params} op monitor interval=2s timeout=10s
primitive httpd lsb:httpd op start timeout=5s op stop timeout=5s op monitor interval=2s timeout=5s
group web address httpd
primitive tick ocf:hashell:Tick params file={ticks} op monitor interval=2s timeout=10s
location first web 100: node1
location other tick 50: node2
property stonith-enabled=true stonith-timeout=20s
"""
