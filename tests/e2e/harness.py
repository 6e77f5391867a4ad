"""Real daemons on loopback addresses, and the shell run against them as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType

import msgspec

from tests.e2e.waiting import wait_until


ROOT = Path(__file__).resolve().parents[2]
TIMERS = {"keepalive": "100ms", "warntime": "300ms", "deadtime": "600ms", "initdead": "3s", "restart_grace": "3s"}
PATIENT = {"restart_grace": "30s"}
"""For tests that bring a killed daemon back: however slow the machine is, it comes in time."""
START_LIMIT_S = 30.0
STOP_LIMIT_S = 30.0
SHELL_LIMIT_S = 60.0


class Ran(msgspec.Struct, frozen=True):
    """What a command came to."""

    code: int
    out: str
    err: str

    def ok(self) -> Ran:
        """Itself, if it succeeded."""
        assert self.code == 0, f"exit {self.code}\n{self.out}{self.err}"
        return self


def environment(**more: str) -> dict[str, str]:
    """For programs of ours: the tree under test first, no colour, system directories on the path."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HASHELL", "PYTEST", "COV"))}
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", **more}


def run_program(*arguments: str, text: str = "", more: Mapping[str, str] | None = None) -> Ran:
    """Run `python -m ARGUMENTS…` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=SHELL_LIMIT_S,
        env=environment(**(more or {})),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Daemon:
    """One node: its folder, its file, and its process while it runs."""

    __slots__ = ("_process", "folder", "name")

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "hashelld.toml"

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        assert self._process is None, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hashelld", "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,
            )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def supervise(self) -> None:
        """Once it has ended by itself, start it again, as a supervisor does."""
        assert self._process is not None
        self._process.wait(STOP_LIMIT_S)
        self._process = None
        self.start()

    def end(self, number: signal.Signals, limit_s: float = STOP_LIMIT_S) -> int:
        """Signal it, wait for its end; its exit code (negative: killed by that signal)."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self.name} did not end on {number.name}\n{self.tail()}") from None
        self._process = None
        return code

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        if not self.log.exists():
            return f"{self.name} has no log"
        return "\n".join([f"--- {self.name}", *self.log.read_text(errors="replace").splitlines()[-lines:]])

    def shell(self, *words: str, text: str = "") -> Ran:
        """`hashell --socket … WORDS…`."""
        return run_program("hashell", "--socket", str(self.socket), *words, text=text)


class LoopbackCluster:
    """Daemons on addresses of 127/8 that no other run uses; a context manager that leaves nothing behind."""

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...] = ("node1", "node2", "node3"),
        quorum: str = "",
        timers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self._quorum = quorum
        self._timers = {**TIMERS, **timers}
        pid = os.getpid()
        net = f"127.{64 + pid % 128}.{pid // 128 % 256}"
        self.addresses = {name: f"{net}.{at}" for at, name in enumerate(names, start=1)}
        self.daemons = {name: Daemon(name, folder / name) for name in names}
        self.key = folder / "cluster.key"

    def __enter__(self) -> LoopbackCluster:
        run_program("hashelld", "keygen", str(self.key)).ok()
        for daemon in self.daemons.values():
            daemon.folder.mkdir(parents=True)
            daemon.config.write_text(self.file_of(daemon.name, self.key))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stuck = []
        for daemon in self.daemons.values():
            if daemon.is_running():
                try:
                    daemon.end(signal.SIGTERM if error is None else signal.SIGKILL)
                except AssertionError as failure:
                    stuck.append(str(failure))
        end_agents(self.folder)
        print(*(daemon.tail() for daemon in self.daemons.values()), sep="\n")  # Shown when the test failed.
        assert error is not None or not stuck, "\n".join(stuck)

    def file_of(self, name: str, key: Path) -> str:
        """The text of a node's hashelld.toml."""
        lines = ["[node]", f'name = "{name}"', f'state = "{self.daemons[name].folder / "state"}"']
        lines += [f'socket = "{self.daemons[name].socket}"', "realtime = false"]
        lines += ["[cluster]", 'name = "test"', f'key = "{key}"']
        lines += [f'{timer} = "{span}"' for timer, span in self._timers.items()]
        for node, address in self.addresses.items():
            lines += ["[[nodes]]", f'name = "{node}"', f'addresses = ["{address}"]']
        lines += ["[quorum]", 'takeover_delay = "0s"', self._quorum]  # Here nodes die, and are never cut off.
        return "\n".join([*lines, ""])

    def __getitem__(self, name: str) -> Daemon:
        return self.daemons[name]

    def start(self) -> None:
        """Start every daemon and wait for a DC that all of them follow."""
        for daemon in self.daemons.values():
            daemon.start()
        self.await_online(*self.daemons)

    def bring_back(self, name: str, seer: str) -> None:
        """Kill a daemon and start it at once."""
        self.daemons[name].end(signal.SIGKILL)
        self.start_again(name, seer)

    def start_again(self, name: str, seer: str) -> None:
        """Start a daemon that has ended; wait until another node has seen that it is a new one, and all are online."""
        told = f"event=peer.restarted peer={name}"
        before = self.daemons[seer].log.read_text().count(told)
        self.daemons[name].start()
        wait_until(
            lambda: self.daemons[seer].log.read_text().count(told) > before, START_LIMIT_S, f"{name} restarted", 0.1
        )
        self.await_online(*self.daemons, seen_by=seer)

    def await_online(self, *names: str, seen_by: str | None = None) -> None:
        """Wait until these nodes, and no others, are online."""
        seer = self.daemons[seen_by or names[0]]
        wait_until(
            lambda: self.online(seer) == set(names),
            START_LIMIT_S,
            f"{sorted(names)} online as {seer.name} sees it",
            0.1,
        )

    def online(self, seer: Daemon) -> set[str]:
        return {node["node"] for node in status_of(seer.shell("--json", "status")).get("nodes", []) if is_online(node)}

    def places(self, resource: str, seer: str) -> list[str]:
        """Where the resource runs, as that node tells."""
        return places_of(status_of(self.daemons[seer].shell("--json", "status")), resource)

    def await_place(self, resource: str, node: str, seer: str | None = None, limit_s: float = START_LIMIT_S) -> None:
        """Wait until it runs there, and is not only being started."""
        teller = self.daemons[seer or node]

        def is_there() -> bool:
            report = status_of(teller.shell("--json", "status"))
            return places_of(report, resource) == [node] and not is_starting(report, resource)

        wait_until(is_there, limit_s, f"{resource} on {node}", 0.1)


def end_agents(folder: Path) -> None:
    """Kill what agents left running: processes whose OCF environment names this folder."""
    mark = f"{folder}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (process / "environ").read_bytes()
            if mark in variables and b"OCF_RESOURCE_INSTANCE=" in variables:
                os.kill(int(process.name), signal.SIGKILL)


def status_of(ran: Ran) -> dict:
    """The status report as JSON; empty while the daemon does not answer."""
    return json.loads(ran.out) if ran.code == 0 else {}


def is_online(node: Mapping[str, object]) -> bool:
    return node["state"] in ("online", "standby", "maintenance")


def places_of(report: Mapping, resource: str) -> list[str]:
    """Nodes on which the instances of a resource are active."""
    return sorted(
        node
        for instance in report.get("instances", [])
        if instance["resource"] == resource
        for node in instance.get("nodes", [])
    )


def is_starting(report: Mapping, resource: str) -> bool:
    """Where a start is under way the resource counts as active: it may be."""
    found = [instance for instance in report.get("instances", []) if instance["resource"] == resource]
    return any(instance.get("note") == "start is under way" for instance in found)
