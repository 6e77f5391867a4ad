"""The demo's nodes: daemons of their own, each with a file, a folder and a port; started, killed, stopped, removed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess  # noqa: TID251 - the demo is the supervisor of its daemons, as systemd is elsewhere
import sys
import time
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import Final

from hashell.errors import Refused
from hashelld.model.ids import NodeId


NAMES: Final = (NodeId("node1"), NodeId("node2"), NodeId("node3"))
ADDRESS: Final = "127.0.0.1"
MARK: Final = "HASHELL_DEMO_NODE"
"""In the environment of every process of a node: the node's folder."""
PORTS: Final = range(20_000, 30_000)
"""Below those that the kernel gives to outgoing connections: a poll must never hold the web server's port."""
LEAVE_S: Final = 6.0
"""How long the daemons may take to stop their resources and leave before they are killed."""
LOG_LINES: Final = 12
PLACE_LENGTH_MAX: Final = 50
"""The path of a socket cannot be long: where temporary files go far down, the demo does not follow."""


class DemoNode:
    """One node: its daemon's process, and where its files are."""

    __slots__ = ("folder", "name", "port", "process")

    def __init__(self, name: NodeId, folder: Path, port: int) -> None:
        self.name = name
        self.folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        """Where the shell talks to it."""
        return str(self.folder / "hashelld.sock")

    @property
    def log(self) -> Path:
        """What the daemon wrote to its standard error."""
        return self.folder / "hashelld.log"

    def pids(self) -> list[int]:
        """Every process of the node: the daemon, running agents, and what agents started."""
        mark = f"{MARK}={self.folder}".encode()
        return [
            int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_marked(entry, mark)
        ]


def _is_marked(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False  # It ended, or it is somebody else's.


class DemoCluster:
    """Three nodes in a temporary folder. Use it as a context: leaving it stops and removes everything."""

    __slots__ = ("folder", "nodes", "web_port")

    def __init__(self) -> None:
        ports = free_ports(len(NAMES) + 1)
        self.web_port = ports[-1]
        place = gettempdir() if len(gettempdir()) <= PLACE_LENGTH_MAX else "/tmp"  # noqa: S108 - mkdtemp makes it safe
        self.folder = Path(mkdtemp(prefix="hashell-demo-", dir=place))
        self.nodes = [DemoNode(name, self.folder / name, port) for name, port in zip(NAMES, ports, strict=False)]

    def __enter__(self) -> DemoCluster:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stop()
        rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where the demo's web server answers, whatever node it is on."""
        return f"http://{ADDRESS}:{self.web_port}/"

    def start(self) -> None:
        """Write the files and start the daemons."""
        key = self.folder / "cluster.key"
        key.touch(mode=0o600)
        key.write_bytes(b64encode(os.urandom(32)) + b"\n")
        for node in self.nodes:
            node.folder.mkdir()
            file = node.folder / "hashelld.toml"
            file.write_text(self._toml(node), encoding="utf-8")
            with node.log.open("wb") as log:
                node.process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
                    [sys.executable, "-m", "hashelld", "run", "--config", str(file)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=_environment(node),
                    start_new_session=True,  # Ctrl-C at the demo's terminal is not for the daemons.
                )

    def check_alive(self, nodes: Iterable[DemoNode]) -> None:
        """`Refused`, with the end of its log, when the daemon of one of these nodes has ended."""
        for node in nodes:
            if node.process is not None and node.process.poll() is not None:
                raise Refused(f"hashelld of {node.name} ended with code {node.process.returncode}:\n{tail(node)}")

    def kill(self, node: DemoNode) -> int:
        """End every process of a node with SIGKILL, as a power failure would; how many there were."""
        count = 0
        while pids := node.pids():
            for pid in pids:
                _signal(pid, signal.SIGKILL)
            count += len(pids)
            if node.process is not None:
                node.process.wait()
        return count

    def stop(self) -> None:
        """Let the daemons leave; end by force what is left after a while."""
        running = [node for node in self.nodes if node.process is not None and node.process.poll() is None]
        for node in running:
            assert node.process is not None
            _signal(node.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + LEAVE_S
        for node in running:
            assert node.process is not None
            try:
                node.process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                continue
        for node in self.nodes:
            self.kill(node)

    def _toml(self, own: DemoNode) -> str:
        nodes = "".join(
            f'[[nodes]]\nname = "{n.name}"\naddresses = ["{ADDRESS}"]\nport = {n.port}\n' for n in self.nodes
        )
        return (
            f'[node]\nname = "{own.name}"\nstate = "{own.folder}/state"\nsocket = "{own.socket}"\nrealtime = false\n'
            f'[cluster]\nname = "demo"\nkey = "{self.folder}/cluster.key"\nport = {own.port}\n'
            # Nobody restarts a killed daemon here, so that nobody waits for it.
            'restart_grace = "600ms"\n'
            f"{nodes}"
            # What is killed here is dead: nobody has to be given time to stop.
            '[quorum]\ntakeover_delay = "0s"\n'
            f'[agents.environment]\n{MARK} = "{own.folder}"\n'
        )


def tails(cluster: DemoCluster) -> str:
    """The end of every node's log."""
    return "\n".join(f"{node.log}:\n{tail(node)}" for node in cluster.nodes if node.log.exists())


def _environment(node: DemoNode) -> dict[str, str]:
    """Ours, with the mark, and with the place where this very package is."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, MARK: str(node.folder), "PYTHONPATH": os.pathsep.join(paths)}


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def tail(node: DemoNode) -> str:
    """The last lines that a daemon wrote."""
    lines = node.log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-LOG_LINES:])


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens, neither TCP nor UDP."""
    found: list[int] = []
    start = int.from_bytes(os.urandom(2), "big")
    for at in range(len(PORTS)):
        port = PORTS[(start + at) % len(PORTS)]
        if _is_free(port, socket.SOCK_STREAM) and _is_free(port, socket.SOCK_DGRAM):
            found.append(port)
            if len(found) == count:
                return found
    raise Refused(f"There are no {count} free ports on {ADDRESS}.")


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
        return True
