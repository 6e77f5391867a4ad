"""Hosts made of namespaces on one switch, whose power can be cut and whose cables can be pulled. Needs root.

node1 is 10.211.55.45, node2 .46, and so on; the switch is the gateway .1, a client .100 asks the floating .24.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from tests.e2e.harness import SHELL_LIMIT_S, TIMERS, Ran, environment
from tests.e2e.waiting import wait_until


HERE = Path(__file__).resolve().parent
NET = "10.211.55"
GATEWAY, FLOATING, CLIENT = f"{NET}.1", f"{NET}.24", f"{NET}.100"
SWITCH_MAC = "02:00:0a:d3:37:01"
SHARED_FOLDERS = ("/etc/hashell", "/var/lib/hashell", "/etc/init.d")
SHARED_FILES = ("/etc/hosts",)
BOOT_LIMIT_S = 20.0
OFF_LIMIT_S = 60.0


def command(*arguments: str, check: bool = True) -> str:
    """Run a program of the system; its output."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60, env=environment())
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def ip(namespace: str, words: str, *, check: bool = True) -> str:
    """`ip WORDS…` in a network namespace; its output."""
    return command("ip", "-n", namespace, *words.split(), check=check)


def file_of(
    host: Host, hosts: dict[str, Host], quorum: str, timers: Mapping[str, str] = TIMERS, arbiter: str = ""
) -> str:
    """The text of a host's hashelld.toml."""
    lines = ["[node]", f'name = "{host.name}"', "[cluster]", 'name = "web"', 'key = "/etc/hashell/cluster.key"']
    lines += [f'{timer} = "{span}"' for timer, span in timers.items()]
    for other in hosts.values():
        lines += ["[[nodes]]", f'name = "{other.name}"', f'addresses = ["{other.address}"]']
        lines += ["arbiter = true"] * (other.name == arbiter)
    return "\n".join([*lines, "[quorum]", quorum, ""])


class Host:
    """A machine: a network namespace, a folder as its disk, and (while it is on) a PID 1."""

    __slots__ = ("_mac", "_network", "_plug", "address", "disk", "name", "namespace", "port")

    def __init__(self, network: Network, name: str, number: int) -> None:
        self._network = network
        self.name = name
        self.address = f"{NET}.{44 + number}"
        self.namespace = f"{network.prefix}-{name}"
        self.port = f"port{number}"
        self.disk = network.folder / name
        self._mac = f"02:68:73:00:00:{number:02x}"
        self._plug: subprocess.Popen[bytes] | None = None

    def format(self) -> None:
        """An empty disk: the folders that are this host's own, init scripts, and the names of all hosts."""
        for folder in SHARED_FOLDERS:
            self.path(folder).mkdir(parents=True)
        shutil.copy2(HERE / "httpd", self.path("/etc/init.d/httpd"))
        names = [f"{host.address} {host.name}\n" for host in self._network.hosts.values()]
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{''.join(names)}")
        (self.disk / "binds").write_text("\n".join((*SHARED_FOLDERS, *SHARED_FILES)))

    def path(self, path: str) -> Path:
        """Where a path of the host is on the machine; also while the host is off."""
        return self.disk / f"root{path}"

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file on the host's disk."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    @property
    def pid(self) -> int:
        """PID 1, as the machine numbers it; 0 while the host is off."""
        with suppress(OSError, ValueError):
            pid = int((self.disk / "booted").read_text())
            if "pid1.py" in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
        return 0

    def boot(self) -> None:
        """Plug it in and wait for its PID 1; nothing of the cluster is started."""
        assert not self.pid, f"{self.name} is on already"
        (self.disk / "booted").unlink(missing_ok=True)
        self._network.plug(self)
        ip(self.namespace, f"link set eth0 address {self._mac} up")
        ip(self.namespace, f"address add {self.address}/24 broadcast + dev eth0")
        ip(self.namespace, f"route add default via {GATEWAY}")
        alone = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--kill-child"]
        pid1 = [sys.executable, str(HERE / "pid1.py"), self.name, str(self.disk)]
        with (self.disk / "console").open("ab") as console:
            self._plug = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *alone, *pid1],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment(),
                start_new_session=True,
            )
        wait_until(lambda: self.pid, BOOT_LIMIT_S, f"{self.name} has booted")

    @property
    def wire(self) -> tuple[str, str]:
        """The namespace and the name of the device whose end is the end of this host's network."""
        return self._network.wire_of(self)

    def cut_power(self) -> float:
        """Off, at once; when it was. The port goes dead first: a namespace's kernel answers ARP without any process."""
        at = time.monotonic()
        namespace, port = self.wire
        ip(namespace, f"link set {port} down", check=False)
        self.kill()
        ip(namespace, f"link delete {port}", check=False)
        return at

    def kill(self) -> None:
        """End all its processes, and wait until the kernel has taken them away."""
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGKILL)
        elif self._plug is not None:
            self._plug.kill()
        if self._plug is not None:
            self._plug.wait(OFF_LIMIT_S)
            self._plug = None

    def inside(self, *arguments: str) -> list[str]:
        """The command line that runs a program on this host."""
        pid = self.pid
        assert pid, f"{self.name} is off"
        return ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/", *arguments]

    def run(self, *arguments: str, text: str = "") -> Ran:
        """Run a program on this host to its end."""
        done = subprocess.run(
            self.inside(*arguments),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=SHELL_LIMIT_S,
            env=environment(),
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def shell(self, *words: str, text: str = "") -> Ran:
        """`hashell WORDS…` on this host."""
        return self.run(sys.executable, "-m", "hashell", *words, text=text)

    def start_daemon(self, command: str = "run") -> None:
        """`hashelld run` (or `arbiter`), as a child of PID 1, logging to the disk."""
        line = f'setsid "{sys.executable}" -m hashelld {command} </dev/null >>/var/lib/hashell/log 2>&1 &'
        self.run("sh", "-c", line).ok()

    def has(self, address: str) -> bool:
        """Does it hold this address now?"""
        return f" {address}/" in ip(self.namespace, "-4 -o address show", check=False)

    def pids_of(self, name: str) -> list[int]:
        """The machine's pids of this host's processes of that name."""
        found = []
        own = Path(f"/proc/{self.pid}/ns/pid").stat().st_ino
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (folder / "ns/pid").stat().st_ino == own and (folder / "comm").read_text().strip() == name:
                    found.append(int(folder.name))
        return found


class Network:
    """The switch, the hosts and the client; a context manager that removes all of them."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("node1", "node2")) -> None:
        self.folder = folder
        self.prefix = f"hs{os.getpid()}"
        self.switch = f"{self.prefix}-switch"
        self.client = f"{self.prefix}-client"
        self.hosts: dict[str, Host] = {}
        for number, name in enumerate(names, start=1):
            self.hosts[name] = Host(self, name, number)
        self.power_net, self.power_bridge = NET, "br0"
        self._is_cut = False
        self._made: list[Path] = []

    def __enter__(self) -> Network:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        print(self.logs())  # Shown when the test failed.
        self._remove()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def _build(self) -> None:
        for folder in map(Path, SHARED_FOLDERS):
            if not folder.exists():
                folder.mkdir(parents=True)
                self._made.append(folder)
            self._keeper(folder).touch()
        for namespace in self._namespaces():
            command("ip", "netns", "add", namespace)
            ip(namespace, "link set lo up")
        # A bridge without an address of its own takes a port's, and another one when that port is gone: to hosts that
        # know the old one, what lives on the switch (gateway, controllers) would be dead for half a minute.
        ip(self.switch, f"link add br0 address {SWITCH_MAC} type bridge forward_delay 0 mcast_snooping 0")
        ip(self.switch, "link set br0 up")
        ip(self.switch, f"address add {GATEWAY}/24 dev br0")
        ip(self.switch, f"link add client type veth peer eth0 netns {self.client}")
        ip(self.switch, "link set client master br0 up")
        ip(self.client, "link set eth0 up")
        ip(self.client, f"address add {CLIENT}/24 dev eth0")
        for host in self.hosts.values():
            host.format()

    def _keeper(self, folder: Path) -> Path:
        """A file that keeps others from removing a mount point: that would unmount it on every host."""
        return folder / f".kept-for-{self.prefix}"

    def _namespaces(self) -> list[str]:
        return [self.switch, self.client, *(host.namespace for host in self.hosts.values())]

    def _remove(self) -> None:
        for host in self.hosts.values():
            host.kill()
        for namespace in self._namespaces():
            command("ip", "netns", "delete", namespace, check=False)
        for folder in map(Path, SHARED_FOLDERS):
            self._keeper(folder).unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()

    def plug(self, host: Host) -> None:
        """Give a host that boots its `eth0`."""
        ip(self.switch, f"link add {host.port} type veth peer eth0 netns {host.namespace}")
        ip(self.switch, f"link set {host.port} master br0 up")
        self.apply_cut(host)

    def wire_of(self, host: Host) -> tuple[str, str]:
        """The namespace and the name of the device whose end is the end of a host's network."""
        return self.switch, host.port

    def cut(self) -> float:
        """Pull the cable between the hosts: none reaches another, the client and the gateway reach all. When it was."""
        return self._set_cut(is_cut=True)

    def heal(self) -> float:
        """Plug it in again. When it was."""
        return self._set_cut(is_cut=False)

    def _set_cut(self, *, is_cut: bool) -> float:
        self._is_cut = is_cut
        at = time.monotonic()
        for host in self.hosts.values():
            if host.pid:
                self.apply_cut(host)
        return at

    def apply_cut(self, host: Host) -> None:
        """Isolated ports of a bridge do not reach each other."""
        state = "on" if self._is_cut else "off"
        ip(self.switch, f"link set {host.port} type bridge_slave isolated {state}")

    def holders(self) -> list[str]:
        """Hosts that hold the floating address now."""
        return [name for name, host in self.hosts.items() if host.pid and host.has(FLOATING)]

    def logs(self, lines: int = 60) -> str:
        """The end of every daemon's log."""
        parts = []
        for host in self.hosts.values():
            log = host.path("/var/lib/hashell/log")
            text = log.read_text(errors="replace") if log.exists() else "no log"
            parts += [f"--- {host.name}", *text.splitlines()[-lines:]]
        return "\n".join(parts)


class Gap(msgspec.Struct, frozen=True):
    """A time without an answer (seconds of CLOCK_MONOTONIC), and who answered before and after it."""

    began: float
    ended: float
    before: str
    after: str

    @property
    def length(self) -> float:
        return self.ended - self.began


class ClientProgram(ABC):
    """One of our programs on the client's machine, which tells what it sees, a list a line; a context manager."""

    def __init__(self, network: Network, program: str, *words: str) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", network.client, sys.executable, str(HERE / program), *words],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                kind, *words = json.loads(line)
                self.on_told(kind, words)

    @abstractmethod
    def on_told(self, kind: str, words: list) -> None:
        """A line; called by a thread."""


class Probe(ClientProgram):
    """The client at work: who answers, and the gaps."""

    def __init__(self, network: Network) -> None:
        self.gaps: list[Gap] = []
        self.answers: list[tuple[float, str]] = []
        """(when, node) of every change of the answering node."""
        super().__init__(network, "probe.py", FLOATING)

    def on_told(self, kind: str, words: list) -> None:
        if kind == "gap":
            self.gaps.append(Gap(*words))
        elif kind == "node":
            self.answers.append((words[0], words[1]))

    @property
    def node(self) -> str:
        """Who answered last."""
        return self.answers[-1][1] if self.answers else ""

    def outage(self, since: float) -> float:
        """The longest gap that ended after this moment; 0 when there was none."""
        return max((gap.length for gap in self.gaps if gap.ended > since), default=0.0)


class Watch:
    """Every change of who holds the floating address, as the kernels tell it."""

    def __init__(self, network: Network) -> None:
        self.held = set(network.holders())
        self.changes: list[tuple[float, frozenset[str]]] = []
        """(when, holders from then on)."""
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []
        for name, host in network.hosts.items():
            process = subprocess.Popen(
                ["ip", "-n", host.namespace, "-o", "monitor", "address"],
                stdout=subprocess.PIPE,
                text=True,
                env=environment(),
            )
            self._processes.append(process)
            self._threads.append(threading.Thread(target=self._read, args=(name, process), daemon=True))
            self._threads[-1].start()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
            process.wait()
        for thread in self._threads:
            thread.join()

    def _read(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if f" {FLOATING}/" not in line:
                    continue
                with self._lock:
                    self.held = self.held - {name} if "Deleted" in line else self.held | {name}
                    self.changes.append((time.monotonic(), frozenset(self.held)))

    def most_at_once(self, since: float = 0.0) -> int:
        """The largest number of holders at any moment after this one."""
        return max((len(held) for at, held in self.changes if at > since), default=len(self.held))
