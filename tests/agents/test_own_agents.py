"""The agents of this package, executed: they need no root, keep to OCF, and leave nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import msgspec
import pytest

import hashelld
from hashelld.agents.classes import invocation
from hashelld.model.metadata import parse_metadata
from tests.agents.build import NODE, Around, action


OWN = Path(hashelld.__file__).parent / "agents" / "ocf"
TYPES = ("Dummy", "Stateful", "Tick", "WebServer")


class Ran:
    """Runs operations of one agent in a folder of its own."""

    def __init__(self, folder: Path, type_: str, node: str = NODE, **parameters: str) -> None:
        self._type = type_
        self._parameters = parameters
        self._node = node
        self._around = Around(own_ocf_root=str(OWN), state_dir=str(folder / node))
        self.meta: dict[str, str] = {}
        self.errors = ""
        self.output = ""

    def __call__(self, operation: str) -> int:
        wanted = action(f"ocf:hashell:{self._type}", operation, **self._parameters)
        called = invocation(msgspec.structs.replace(wanted, meta=self.meta), self._node, self._around)
        ended = subprocess.run(
            called.argv,
            env=called.environment | {"PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        self.output, self.errors = ended.stdout, ended.stderr
        return ended.returncode


@pytest.fixture
def port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def page(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5) as server:
        server.sendall(b"GET / HTTP/1.0\r\n\r\n")
        received = b""
        while piece := server.recv(4096):
            received += piece
    return received.decode().partition("\r\n\r\n")[2]


@pytest.mark.parametrize("type_", TYPES)
def test_every_agent_describes_itself(tmp_path, type_):
    run = Ran(tmp_path, type_)
    assert run("meta-data") == 0
    metadata = parse_metadata(run.output)
    assert metadata.agent == type_
    assert metadata.shortdesc
    assert {"start", "stop", "monitor", "validate-all", "meta-data"} <= {a.name for a in metadata.actions}
    assert all(p.shortdesc and p.longdesc for p in metadata.parameters)


@pytest.mark.parametrize("type_", TYPES)
def test_every_agent_refuses_what_it_does_not_know(tmp_path, type_):
    assert Ran(tmp_path, type_)("explode") == 3


@pytest.mark.parametrize("type_", TYPES)
def test_every_agent_is_idempotent(tmp_path, type_, port):
    parameters = {"port": port} if type_ == "WebServer" else {}
    run = Ran(tmp_path, type_, **parameters)
    assert run("monitor") == 7
    assert run("stop") == 0
    try:
        assert run("start") == 0, run.errors
        assert run("start") == 0, run.errors
        assert run("monitor") == 0, run.errors
    finally:
        assert run("stop") == 0, run.errors
    assert run("stop") == 0
    assert run("monitor") == 7


@pytest.mark.parametrize("type_", TYPES)
def test_a_state_file_must_be_an_absolute_path(tmp_path, type_):
    run = Ran(tmp_path, type_, state="relative")
    assert run("validate-all") == 6
    assert run("start") == 6
    assert "absolute path" in run.errors


@pytest.mark.parametrize(
    ("type_", "parameters"),
    [
        ("Dummy", {"op_sleep": "long"}),
        ("WebServer", {"port": "0"}),
        ("WebServer", {"port": "65536"}),
        ("WebServer", {"port": "http"}),
        ("Tick", {"file": "relative"}),
    ],
)
def test_bad_parameters_are_a_configuration_error(tmp_path, type_, parameters):
    run = Ran(tmp_path, type_, **parameters)
    assert run("start") == 6
    assert run.errors.startswith("ocf-exit-reason:")


def test_a_state_that_cannot_be_written_fails_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    for type_ in ("Dummy", "Stateful", "Tick"):
        run = Ran(tmp_path, type_, state=str(tmp_path / "file" / "state"))
        assert run("start") == 1, type_
        assert run.errors.startswith("ocf-exit-reason:")


def test_stateful_changes_its_role(tmp_path):
    run = Ran(tmp_path, "Stateful")
    assert run("promote") == 7
    assert run("demote") == 7
    assert [run(o) for o in ("start", "monitor", "promote", "promote", "monitor")] == [0, 0, 0, 0, 8]
    assert [run(o) for o in ("demote", "monitor", "notify", "promote", "start", "monitor")] == [0, 0, 0, 0, 0, 0]
    assert [run(o) for o in ("promote", "stop", "monitor")] == [0, 0, 7]


def test_stateful_writes_down_what_it_is_told(tmp_path):
    log = tmp_path / "told"
    run = Ran(tmp_path, "Stateful", notify_log=str(log))
    lists = {"start_uname": " ", "promote_uname": "n1", "active_uname": "n1 n2", "unpromoted_uname": "n1 n2"}
    run.meta = {"notify_type": "pre", "notify_operation": "promote"} | {f"notify_{k}": v for k, v in lists.items()}
    assert [run("notify"), run("notify")] == [0, 0]
    line = "node1 rsc:0 pre promote start= stop= promote=n1 demote= active=n1,n2 promoted= unpromoted=n1,n2"
    assert log.read_text().splitlines() == [line, line]


def test_stateful_needs_a_log_that_it_can_write(tmp_path):
    assert Ran(tmp_path, "Stateful", notify_log="told")("validate-all") == 6
    run = Ran(tmp_path, "Stateful", notify_log=str(tmp_path / "nowhere" / "told"))
    assert run("start") == 0
    assert run("notify") == 1
    assert run.errors.startswith("ocf-exit-reason:cannot write")


def test_the_web_server_says_where_it_is(tmp_path, port):
    run = Ran(tmp_path, "WebServer", port=port)
    plain = Ran(tmp_path, "WebServer", node="node2", port=port, content="on %n, indeed")
    try:
        assert run("start") == 0
        assert page(port) == "node1\n"
        assert plain("monitor") == 7, "another node's server is not this node's"
        assert plain("start") == 1
        assert "cannot listen" in plain.errors
        assert run("stop") == 0
        assert plain("start") == 0
        assert page(port) == "on node2, indeed\n"
    finally:
        run("stop")
        plain("stop")


def test_a_killed_daemon_is_not_running(tmp_path):
    run = Ran(tmp_path, "Tick", state=str(tmp_path / "pid"))
    assert run("start") == 0
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 9)
    assert run("stop") == 0
    assert run("monitor") == 7


def test_tick_writes_node_time_and_incarnation_before_start_returns(tmp_path):
    log = tmp_path / "ticks"
    run = Ran(tmp_path, "Tick", file=str(log))
    try:
        assert run("start") == 0
        node, milliseconds, incarnation = log.read_text().splitlines()[0].split()
    finally:
        assert run("stop") == 0
    assert node == "node1"
    assert milliseconds.isdigit()
    assert len(incarnation) == 8


def test_a_damaged_pid_file_is_not_followed(tmp_path):
    state = tmp_path / "pid"
    run = Ran(tmp_path, "Tick", state=str(state))
    assert run("start") == 0
    pid = state.read_text()
    state.write_text("-1")
    assert run("stop") == 1
    assert "no pid" in run.errors
    state.write_text(pid)
    assert run("stop") == 0
