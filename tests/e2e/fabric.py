"""A storage network beside that of the cluster: a wire from each host to one storage, through a switch with ports.

A port that is off is a link that is down, so nothing that the host still does arrives. Power is a switch of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.e2e.harness import environment
from tests.e2e.netns import Network, ip
from tests.e2e.waiting import wait_until


AGENT = Path(__file__).resolve().parent / "fence_port"
STORAGE = "10.77.0.254"
STORE = """
import socket, sys, time
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.bind(("10.77.0.254", 7000))
with open(sys.argv[1], "a", buffering=1) as written:
    while True:
        written.write(wire.recv(100).decode() + "\\n")
"""
LIMIT_S = 20.0


class Switch:
    """What `fence_port` talks to; a context manager. One port for each host."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.folder = folder
        self.broken: set[str] = set()
        """Hosts whose port does not do what it is told."""
        self._pipe = -1
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Switch:
        self.folder.mkdir(parents=True)
        os.mkfifo(self.folder / "requests")
        self._pipe = os.open(self.folder / "requests", os.O_RDWR)
        for name in self.network.hosts:
            self._show(name, "on")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._pipe, b"end -\n")
        self._thread.join()
        os.close(self._pipe)

    def state(self, name: str) -> str:
        """`on` or `off`: what the switch shows of the port."""
        return (self.folder / name).read_text()

    def _show(self, name: str, state: str) -> None:
        fresh = self.folder / f".{name}"
        fresh.write_text(state)
        fresh.rename(self.folder / name)

    def _serve(self) -> None:
        with os.fdopen(os.dup(self._pipe), "r") as lines:
            for line in lines:
                action, name = line.split()
                if action == "end":
                    return
                if name not in self.broken:
                    self.turn(name, action)
                    self._show(name, action)

    def turn(self, name: str, action: str) -> None:
        """Do it."""
        raise NotImplementedError


class Ports(Switch):
    """The storage network's switch, and the storage: who wrote to it, one line a time."""

    def __init__(self, network: Network, folder: Path) -> None:
        super().__init__(network, folder)
        self._written = folder / "written"
        self._store: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Ports:
        super().__enter__()
        switch = self.network.switch
        ip(switch, "link add san0 type bridge forward_delay 0 mcast_snooping 0")
        ip(switch, "link set san0 up")
        ip(switch, f"address add {STORAGE}/24 dev san0")
        for number, host in enumerate(self.network.hosts.values(), start=1):
            ip(switch, f"link add {self._port(host.name)} type veth peer san netns {host.namespace}")
            ip(switch, f"link set {self._port(host.name)} master san0 up")
            ip(host.namespace, "link set san up")
            ip(host.namespace, f"address add 10.77.0.{number}/24 dev san")
        self._store = subprocess.Popen(
            ["ip", "netns", "exec", switch, sys.executable, "-c", STORE, str(self._written)], env=environment()
        )
        wait_until(self._written.exists, LIMIT_S, "the storage listens")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._store is not None
        self._store.kill()
        self._store.wait()
        super().__exit__()

    @staticmethod
    def _port(name: str) -> str:
        return f"san-{name}"

    def turn(self, name: str, action: str) -> None:
        """The link goes up or down."""
        ip(self.network.switch, f"link set {self._port(name)} {'up' if action == 'on' else 'down'}")

    def writers(self) -> list[str]:
        """Who wrote, one after the other, without repeats."""
        found: list[str] = []
        for name in self._written.read_text().split("\n")[:-1]:
            if found[-1:] != [name]:
                found.append(name)
        return found


class Power(Switch):
    """Sockets that the hosts are plugged into."""

    def turn(self, name: str, action: str) -> None:
        """Cut the power; to give it again only readies the socket."""
        if action == "off" and self.network[name].pid:
            self.network[name].cut_power()
