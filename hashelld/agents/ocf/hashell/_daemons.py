"""The program behind the agents WebServer and Tick: small daemons that need no root, started and watched as OCF asks.

A daemon holds a lock on its pid file for as long as it lives, whatever ends it: the lock, not the pid, tells whether
it runs. Nothing of hashelld is imported, and few modules at all, for this runs at every monitor.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable


OK, GENERIC, UNIMPLEMENTED, CONFIGURED, NOT_RUNNING = 0, 1, 3, 6, 7
NODE_VARIABLE = "OCF_RESKEY_CRM_meta_on_node"
KILL_AFTER_S = 2.0
TICK_S = 0.1
ANSWER_TIMEOUT_S = 5.0
CLIENT_TIMEOUT_S = 0.5
REQUEST_LENGTH_MAX = 8192
PORT_MAX = 65535

METADATA = """<?xml version="1.0"?>
<resource-agent name="{name}" version="1.0">
<version>1.1</version>
<longdesc lang="en">{longdesc}</longdesc>
<shortdesc lang="en">{shortdesc}</shortdesc>
<parameters>{parameters}
<parameter name="state" unique-group="state">
<longdesc lang="en">The pid file, locked while the resource runs.</longdesc>
<shortdesc lang="en">Pid file</shortdesc>
<content type="string"/>
</parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="validate-all" timeout="20s"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
"""
PARAMETER = """
<parameter name="{name}" required="{required}">
<longdesc lang="en">{longdesc}</longdesc>
<shortdesc lang="en">{shortdesc}</shortdesc>
<content type="{type}"{default}/>
</parameter>"""


class Failed(Exception):
    """The operation ends with this return code and reason."""

    def __init__(self, rc: int, reason: str) -> None:
        super().__init__(reason)
        self.rc = rc


def parameter(name: str, default: str = "") -> str:
    """An instance attribute; an empty one is as good as none."""
    return os.environ.get(f"OCF_RESKEY_{name}") or default


def node() -> str:
    """The name of the node on which this runs."""
    return os.environ.get(NODE_VARIABLE) or os.uname().nodename


def send_signal(pid: int, number: int) -> None:
    """Signal a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def describe(name: str, type_: str, default: str | None, shortdesc: str, longdesc: str) -> str:
    """One parameter's meta-data; without a default it is required."""
    return PARAMETER.format(
        name=name,
        type=type_,
        required=int(default is None),
        default="" if default is None else f' default="{default}"',
        shortdesc=shortdesc,
        longdesc=longdesc,
    )


class Daemon:
    """What WebServer and Tick have in common."""

    name = ""

    def __init__(self) -> None:
        folder = os.environ.get("HA_RSCTMP") or "/run/resource-agents"
        instance = os.environ.get("OCF_RESOURCE_INSTANCE") or "default"
        self.path = parameter("state", f"{folder}/{self.name}-{instance}.pid")

    def metadata(self) -> str:
        """The XML that describes the agent."""
        raise NotImplementedError

    def validate(self) -> None:
        """Raise Failed if a parameter cannot be used."""
        if not self.path.startswith("/"):
            raise Failed(CONFIGURED, f"state must be an absolute path, not '{self.path}'")

    def prepare(self) -> None:
        """Do what may fail before the daemon is on its own; raise Failed or OSError."""
        raise NotImplementedError

    def run(self) -> None:
        """Work until a signal ends the process."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise Failed or OSError if the running daemon does not do its work."""

    def start(self) -> int:
        """Start it unless it runs; return when it works."""
        lock = self._locked(create=True)
        if lock is None:
            self.check()
            return OK
        self.prepare()
        child = os.fork()
        if child == 0:
            self._detach(lock)
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise Failed(GENERIC, f"cannot write {self.path}")
        return OK

    def stop(self) -> int:
        """End it if it runs; return when it is gone."""
        lock = self._locked(create=False)
        if lock is not None:
            return OK
        # The lock's holder writes its pid before the start operation returns; until then there is nobody to stop.
        with open(self.path, encoding="ascii") as file:  # noqa: PTH123 -- pathlib costs as much as all the rest
            text = file.read().strip()
        if not (text.isascii() and text.isdigit()):
            raise Failed(GENERIC, f"{self.path} holds no pid")
        pid = int(text)
        signal.signal(signal.SIGALRM, lambda _signal, _frame: send_signal(pid, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, KILL_AFTER_S)
        send_signal(pid, signal.SIGTERM)
        waiting = os.open(self.path, os.O_RDWR)
        fcntl.flock(waiting, fcntl.LOCK_EX)
        os.unlink(self.path)  # noqa: PTH108 -- as above
        return OK

    def monitor(self) -> int:
        """Does it run, and work?"""
        if self._locked(create=False) is not None:
            return NOT_RUNNING
        self.check()
        return OK

    def _locked(self, *, create: bool) -> int | None:
        """The locked pid file (or -1 without one): the daemon does not run. None: it does."""
        if create:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)  # noqa: PTH103, PTH120 -- as above
        try:
            file = os.open(self.path, os.O_RDWR | (os.O_CREAT if create else 0), 0o644)
        except FileNotFoundError:
            return -1
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        return file

    def _detach(self, lock: int) -> None:
        """In the child: leave the agent's process group and its pipes, note the pid, and work."""
        os.setsid()
        pid = os.fork()
        if pid:
            os.ftruncate(lock, 0)
            written = os.pwrite(lock, f"{pid}\n".encode(), 0)
            os._exit(0 if written else 1)
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.chdir("/")
        self.run()
        os._exit(0)


class Tick(Daemon):
    """Writes a line into a file ten times a second: two incarnations at once are seen in it."""

    name = "Tick"

    def __init__(self) -> None:
        super().__init__()
        self.file = parameter("file")
        self.incarnation = os.urandom(4).hex()
        self.out = -1

    def metadata(self) -> str:
        """The XML that describes the agent."""
        return METADATA.format(
            name=self.name,
            shortdesc="Writes its node and the time into a file, for tests",
            longdesc="Appends a line 'NODE MILLISECONDS INCARNATION' to a file every 100 ms. "
            "Lines of two incarnations that mingle tell that the resource was active twice.",
            parameters=describe("file", "string", None, "File to append to", "The file; it may be shared by nodes."),
        )

    def validate(self) -> None:
        """Raise Failed if a parameter cannot be used."""
        super().validate()
        if not self.file.startswith("/"):
            raise Failed(CONFIGURED, f"file must be an absolute path, not '{self.file}'")

    def prepare(self) -> None:
        """Write the first line, so that it has ticked when start returns."""
        self.out = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._tick()

    def run(self) -> None:
        """Tick until a signal ends the process."""
        while True:
            time.sleep(TICK_S)
            self._tick()

    def _tick(self) -> None:
        os.write(self.out, f"{node()} {time.time_ns() // 1_000_000} {self.incarnation}\n".encode())


class WebServer(Daemon):
    """Answers every HTTP request with one page that says which node it is on."""

    name = "WebServer"

    def __init__(self) -> None:
        super().__init__()
        self.address = parameter("address", "127.0.0.1")
        self.port = parameter("port", "8080")
        self.page = parameter("content", "%n").replace("%n", node()) + "\n"
        self.served_by = f"{node()} {os.environ.get('OCF_RESOURCE_INSTANCE', '')}"

    def metadata(self) -> str:
        """The XML that describes the agent."""
        return METADATA.format(
            name=self.name,
            shortdesc="A web server with one page",
            longdesc="Answers every HTTP request with one page, which says on which node the server runs. "
            "For demonstrations and tests; it needs no root and no other program.",
            parameters=describe("address", "string", "127.0.0.1", "IP address", "The address on which it listens.")
            + describe("port", "integer", "8080", "TCP port", "The port on which it listens.")
            + describe("content", "string", "%n", "Text of the page", "%n stands for the name of the node."),
        )

    def validate(self) -> None:
        """Raise Failed if a parameter cannot be used."""
        super().validate()
        if not (self.port.isascii() and self.port.isdigit()) or not 0 < int(self.port) <= PORT_MAX:
            raise Failed(CONFIGURED, f"port must be a number from 1 to {PORT_MAX}, not '{self.port}'")

    def prepare(self) -> None:
        """Listen, so that it answers when start returns."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.listener.bind((self.address, int(self.port)))
        except OSError as error:
            raise Failed(GENERIC, f"cannot listen on {self.address} port {self.port}: {error.strerror}") from error
        self.listener.listen(64)

    def run(self) -> None:
        """Answer until a signal ends the process."""
        body = self.page.encode()
        head = (
            "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nServer: hashell\r\n"
            f"X-Served-By: {self.served_by}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        answer = head.encode() + body
        while True:
            client, _ = self.listener.accept()
            with client:
                client.settimeout(CLIENT_TIMEOUT_S)
                try:
                    client.recv(REQUEST_LENGTH_MAX)
                    client.sendall(answer)
                except OSError:
                    continue  # That client went away; the next one is served.

    def check(self) -> None:
        """Fetch the page; another server that answers at this address is a failure of this one."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104 -- compared only
        received = b""
        with socket.create_connection((here, int(self.port)), timeout=ANSWER_TIMEOUT_S) as server:
            server.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while piece := server.recv(REQUEST_LENGTH_MAX):
                received += piece
                if len(received) > REQUEST_LENGTH_MAX:
                    break
        if f"X-Served-By: {self.served_by}\r\n".encode() not in received:
            raise Failed(GENERIC, f"another server answers at {here} port {self.port}")


def perform(daemon: Daemon, action: str) -> int:
    """Carry out one operation; the return code is OCF's."""
    if action == "meta-data":
        sys.stdout.write(daemon.metadata())
        return OK
    operations: dict[str, Callable[[], int]] = {
        "start": daemon.start,
        "stop": daemon.stop,
        "monitor": daemon.monitor,
        "validate-all": lambda: OK,
    }
    if action not in operations:
        sys.stderr.write(f"usage: {daemon.name} {'|'.join(operations)}|meta-data\n")
        return UNIMPLEMENTED
    try:
        if action in ("start", "validate-all"):  # What runs can be stopped and watched whatever the parameters say now.
            daemon.validate()
        return operations[action]()
    except Failed as failure:
        sys.stderr.write(f"ocf-exit-reason:{failure}\n")
        return failure.rc
    except OSError as error:
        sys.stderr.write(f"ocf-exit-reason:{error}\n")
        return GENERIC


if __name__ == "__main__":
    chosen = {"Tick": Tick, "WebServer": WebServer}[sys.argv[1]]
    sys.exit(perform(chosen(), sys.argv[2] if len(sys.argv) > 2 else ""))
