"""Secrets at the edge: read when an agent is executed, told to it alone, and refused where others could read them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hashelld.agents.classes import invocation
from hashelld.agents.fence import fencing
from hashelld.core.effects import RunAgent
from hashelld.core.events import AgentEnded
from hashelld.io.journal import Journal
from hashelld.io.process import Processes
from hashelld.io.secrets import Secrets
from hashelld.model.ids import NodeId
from hashelld.model.secret import SECRET_BYTES_MAX, SecretRefused
from tests.agents.build import NODE, Around, action, agent
from tests.io.build import CLOCK, script, until


VALUE = "s3cret-of-the-bmc"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    made.mkdir()
    put(made, "bmc", VALUE + "\n")
    return made


def put(folder: Path, name: str, text: str, mode: int = 0o600) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(mode)


def effect(**fields: object) -> RunAgent:
    return RunAgent(**{"run": 1, "argv": ("/bin/true",), "timeout_ms": 20_000, **fields})  # type: ignore[arg-type]


def execute(tmp_path: Path, folder: Path, what: RunAgent) -> AgentEnded:
    """What an agent came to in a daemon with these secrets."""
    (tmp_path / "state").mkdir(exist_ok=True)
    journal = Journal(str(tmp_path / "state"), CLOCK)
    processes = Processes(journal, Secrets(str(folder)))
    found: list[AgentEnded] = []
    try:
        failed = processes.spawn(CLOCK.now(), what)
        if failed is not None:
            return failed
        until(lambda: found.extend(processes.on_ready(CLOCK.now())) or bool(found))
    finally:
        processes.close()
        journal.close()
    return found[0]


def test_an_ocf_agent_gets_it_in_its_environment_and_cannot_repeat_it(tmp_path: Path, folder: Path) -> None:
    called = invocation(action("ocf:x:A", "start", password="secret:bmc", user="eve"), NODE, Around())
    assert called.environment["OCF_RESKEY_password"] == "secret:bmc"
    program = script(tmp_path, 'cat >/dev/null; echo "got $OCF_RESKEY_password of $OCF_RESKEY_user"; echo "$1" >&2')
    ended = execute(tmp_path, folder, effect(argv=(program,), environment=called.environment))
    assert (ended.rc, ended.stdout) == (0, "got ****** of eve\n")
    count = script(tmp_path, 'test "$OCF_RESKEY_password" = "' + VALUE + '"')
    assert execute(tmp_path, folder, effect(argv=(count,), environment=called.environment)).rc == 0


def test_a_fence_agent_gets_it_on_its_standard_input(tmp_path: Path, folder: Path) -> None:
    parameters = {"ip": "192.0.2.1", "username": "hafence", "password": "secret:bmc"}
    called = fencing(agent("stonith:fence_x"), parameters, "off", NodeId("n2"), "n2", NODE, Around(), 20_000)
    assert VALUE not in called.stdin
    program = script(tmp_path, f'read="$(cat)"; case "$read" in *password={VALUE}*) exit 0;; *) exit 4;; esac')
    assert execute(tmp_path, folder, effect(argv=(program,), stdin=called.stdin)).rc == 0
    loud = script(tmp_path, "cat >&2; exit 1")
    ended = execute(tmp_path, folder, effect(argv=(loud,), stdin=called.stdin))
    assert "password=******\n" in ended.stderr
    assert "username=hafence\n" in ended.stderr
    assert VALUE not in repr(ended)


def test_a_plug_in_gets_it_in_its_environment(folder: Path) -> None:
    parameters = {"hostname": "n2", "password": "secret:bmc"}
    called = fencing(agent("stonith:external/x"), parameters, "off", NodeId("n2"), "n2", NODE, Around(), 20_000)
    told = Secrets(str(folder)).resolve(effect(environment=called.environment))
    assert told.environment["password"] == VALUE
    assert told.secrets == (VALUE,)


def test_what_is_no_reference_is_left_alone(folder: Path) -> None:
    plain = effect(environment={"A": "my secret:bmc", "B": ""}, stdin="action=off\npassword=x\nno line")
    same = Secrets(str(folder)).resolve(plain)
    assert (same.environment, same.stdin, same.secrets) == (plain.environment, plain.stdin, ())
    assert Secrets("/nosuch").resolve(plain).secrets == ()


def spoil_mode(folder: Path) -> None:
    (folder / "bmc").chmod(0o640)


def spoil_link(folder: Path) -> None:
    (folder / "bmc").rename(folder / "real")
    (folder / "bmc").symlink_to(folder / "real")


def spoil_fifo(folder: Path) -> None:
    (folder / "bmc").unlink()
    os.mkfifo(folder / "bmc", 0o600)


SPOILT: tuple[tuple[str, Callable[[Path], object], str], ...] = (
    ("secret:nosuch", lambda _folder: None, "No such file"),
    ("secret:../key", lambda _folder: None, "names no secret"),
    ("secret:", lambda _folder: None, "names no secret"),
    ("secret:bmc", spoil_mode, "mode is 0640, chmod 0600"),
    ("secret:bmc", spoil_link, "symbolic links"),
    ("secret:bmc", spoil_fifo, "no file"),
    ("secret:bmc", lambda folder: put(folder, "bmc", "x" * (SECRET_BYTES_MAX + 1)), "more than"),
    ("secret:bmc", lambda folder: put(folder, "bmc", "one\ntwo\n"), "one line"),
    ("secret:bmc", lambda folder: put(folder, "bmc", "\n"), "one line"),
    ("secret:bmc", lambda folder: (folder / "bmc").write_bytes(b"\xff\xfe"), "not UTF-8"),
)


@pytest.mark.parametrize(("reference", "spoil", "expected"), SPOILT)
def test_what_cannot_be_trusted_fails_the_action_and_says_why(
    tmp_path: Path, folder: Path, reference: str, spoil: Callable[[Path], object], expected: str
) -> None:
    spoil(folder)
    ended = execute(tmp_path, folder, effect(environment={"OCF_RESKEY_password": reference}))
    assert ended.rc is None
    assert expected in ended.error
    assert VALUE not in ended.error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_file_of_somebody_else_is_refused(folder: Path) -> None:
    os.chown(folder / "bmc", 65534, 65534)
    with pytest.raises(SecretRefused, match="belong to root"):
        Secrets(str(folder)).resolve(effect(environment={"p": "secret:bmc"}))


def test_a_command_line_is_no_place_for_it(folder: Path) -> None:
    with pytest.raises(SecretRefused, match="command line"):
        Secrets(str(folder)).resolve(effect(argv=("/bin/true", "secret:bmc")))


@pytest.mark.needs("fence_dummy")
def test_a_real_fence_agent(tmp_path: Path, folder: Path) -> None:
    """fence_dummy refuses what it does not know: a whole line that it understands has arrived."""
    status = tmp_path / "power"
    put(folder, "place", str(status) + "\n")
    parameters = {"status_file": "secret:place", "type": "file"}
    for operation in ("off", "on"):
        called = fencing(
            agent("stonith:fence_dummy"), parameters, operation, NodeId("n2"), "n2", NODE, Around(), 20_000
        )
        told = Secrets(str(folder)).resolve(effect(argv=called.argv, stdin=called.stdin))
        ended = subprocess.run(called.argv, input=told.stdin, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    assert "on" in status.read_text()
