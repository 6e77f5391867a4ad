"""What holds for every command that there is: help, JSON, and exit codes. A command that is not listed here fails."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from hashell.client.shadow import FileShadows
from hashell.errors import HashellError, Refused, Unreachable, Usage
from hashell.grammar.registry import EVERYWHERE, Command, all_commands
from hashell.grammar.run import run_line
from hashell.outcomes import Listing, Outcome, Planned, Said, Simulation, StatusReport, Table, Why
from hashell.session import Session
from hashell.views.record import SCHEMA, to_json
from hashelld.wire import client as wire
from tests.shell.memory import Shell as MemoryShell
from tests.shell.memory import TestAgents


TYPES: Final = {
    "said": Said,
    "table": Table,
    "listing": Listing,
    "status": StatusReport,
    "plan": Planned,
    "why": Why,
}
TICKET = "ticketA"
NEEDS_TERMINAL: Final = {"mon": Usage, "configure edit": Refused}
NOT_RUN: Final = {"demo"}
"""Three daemons are started by its own test."""
SHADOW: Final = ("cib new s", "configure set web.port 81")
DRAFT: Final = ("configure", "set web.port 81")
CHANGED: Final = ("configure set web.port 81",)
DIRECTORY: Final = "--dir {tmp}/etc"
INIT: Final = f"cluster init node1=127.0.0.1 node2=127.0.0.2 --own node1 {DIRECTORY}"

LINES: Final[dict[str, tuple[str, ...]]] = {
    "status": ("status full",),
    "verify": ("verify",),
    "version": ("version",),
    "events": (*CHANGED, "events"),
    "report": ("report {tmp}/report.tar.gz",),
    "simulate": ("cib export {tmp}/cib.xml", "simulate {tmp}/cib.xml"),
    # Everywhere.
    "up": ("up",),
    "cd": ("cd resource",),
    "ls": ("ls",),
    "quit": ("quit",),
    "help": ("help resource move",),
    # Resources.
    "resource status": ("resource status web",),
    "resource locate": ("resource locate",),
    "resource start": ("resource start web",),
    "resource stop": ("resource stop web",),
    "resource restart": ("resource restart web",),
    "resource promote": ("resource promote web --force",),
    "resource demote": ("resource demote web --force",),
    "resource manage": ("resource manage web",),
    "resource unmanage": ("resource unmanage web",),
    "resource maintenance": ("resource maintenance web on",),
    "resource move": ("resource move web node2",),
    "resource ban": ("resource ban web",),
    "resource clear": ("resource clear web",),
    "resource cleanup": ("resource cleanup",),
    "resource secret": ("resource secret web stash port --yes",),
    "resource failcount": ("resource failcount web show",),
    "resource meta": ("resource meta web set priority 5",),
    "resource param": ("resource param web set port 81",),
    "resource utilization": ("resource utilization web set memory 1",),
    "resource constraints": ("resource constraints web",),
    "resource operations": ("resource operations web",),
    "resource scores": ("resource scores",),
    "resource trace": ("resource trace web",),
    "resource untrace": ("resource trace web", "resource untrace web"),
    "resource why": ("resource why web",),
    # Nodes.
    "node show": ("node show",),
    "node standby": ("node standby node1 for 30min",),
    "node online": ("node online node1",),
    "node maintenance": ("node maintenance node1",),
    "node ready": ("node ready node1",),
    "node fence": ("node fence node2 --yes",),
    "node fence-history": ("node fence-history",),
    "node clearstate": ("node clearstate node2 --yes",),
    "node delete": ("node fence node3 --yes", "node delete node3 --yes"),
    "node attribute": ("node attribute node1 set a 1",),
    "node server": ("node server",),
    "node status-attr": ("node status-attr node1 set a 1",),
    "node utilization": ("node utilization node1 set cpu 1",),
    # The configuration: statements.
    "configure node": ("configure node node1 attributes a=1",),
    "configure primitive": ("configure primitive x ocf:test:Dummy",),
    "configure rsc_template": ("configure rsc_template t ocf:test:Dummy",),
    "configure group": ("configure primitive x ocf:test:Dummy", "configure group g x"),
    "configure clone": ("configure clone c web",),
    "configure ms": ("configure ms c web --force",),
    "configure promotable": ("configure promotable c web --force",),
    "configure bundle": ("configure bundle b podman image=web",),
    "configure location": ("configure location l web 5: node2",),
    "configure colocation": ("configure colocation l inf: web cache",),
    "configure order": ("configure order l web cache",),
    "configure rsc_ticket": (f"configure rsc_ticket l {TICKET}: web",),
    "configure tag": ("configure tag l: web cache",),
    "configure fencing_topology": (
        "configure primitive f stonith:fence_x --force",
        "configure fencing_topology node1: f",
    ),
    "configure alert": ("configure alert a /bin/true",),
    "configure role": ("configure role r read xpath:/cib",),
    "configure acl_target": ("configure role r read xpath:/cib", "configure acl_target anna r"),
    "configure acl_group": ("configure role r read xpath:/cib", "configure acl_group staff r"),
    "configure xml": ('configure xml \'<tag id="t"><obj_ref id="web"/></tag>\'',),
    "configure monitor": ("configure monitor cache 10s",),
    "configure property": ("configure property no-quorum-policy=stop",),
    "configure rsc_defaults": ("configure rsc_defaults resource-stickiness=1",),
    "configure op_defaults": ("configure op_defaults timeout=60s",),
    # The configuration: actions.
    "configure show": ("configure show",),
    "configure diff": (*DRAFT, "diff"),
    "configure verify": ("configure verify",),
    "configure preview": (*DRAFT, "preview"),
    "configure graph": ("configure graph",),
    "configure commit": (*DRAFT, "commit"),
    "configure set": ("configure set web.port 81",),
    "configure unset": ("configure unset web.monitor.timeout",),
    "configure modgroup": ("configure modgroup apps remove queue",),
    "configure ungroup": ("configure ungroup apps",),
    "configure delete": ("configure delete web-prefers-node1",),
    "configure rename": ("configure rename web www",),
    "configure undo": (*DRAFT, "undo"),
    "configure redo": (*DRAFT, "undo", "redo"),
    "configure refresh": (*DRAFT, "refresh --yes"),
    "configure erase": ("configure erase --yes",),
    "configure load": ("configure save {tmp}/a.crm", "configure load update {tmp}/a.crm"),
    "configure save": ("configure save {tmp}/a.crm",),
    "configure apply": ("configure save {tmp}/a.crm", "configure apply {tmp}/a.crm"),
    "configure upgrade": ("configure upgrade",),
    "configure filter": ("configure filter cat",),
    "configure merge": (*DRAFT, "merge"),
    "configure resume": ("configure", "resume"),
    "configure get-property": ("configure get-property",),
    "configure validate-all": ("configure validate-all web",),
    "configure rsctest": ("configure rsctest web",),
    "configure default-timeouts": ("configure default-timeouts cache",),
    # The cluster.
    "cluster status": ("cluster status",),
    "cluster quorum": ("cluster quorum",),
    "cluster add": (INIT, f"cluster add node3=127.0.0.3 {DIRECTORY}"),
    "cluster links": ("cluster links",),
    "cluster health": ("cluster health",),
    "cluster init": (INIT,),
    "cluster token": (INIT, f"cluster token {DIRECTORY}"),
    "cluster join": (INIT, "cluster join --file {tmp}/token --own node2 --dir {tmp}/other"),
    "cluster qdisk": ("cluster qdisk create {tmp}/qdisk --nodes 2", "cluster qdisk dump {tmp}/qdisk"),
    "cluster import": ("cluster import heartbeat {tmp}/ha.d node1=127.0.0.1 node2=127.0.0.2 --dry-run --own node1",),
    "cluster start": ("cluster start",),
    "cluster stop": ("cluster stop",),
    "cluster restart": ("cluster restart",),
    "cluster enable": ("cluster enable",),
    "cluster disable": ("cluster disable",),
    "cluster run": ("cluster run true",),
    "cluster copy": ("cluster copy {tmp}/token",),
    "cluster diff": ("cluster diff /etc/hosts",),
    "cluster crash-test": ("cluster crash-test fence node2 --yes",),
    "cluster wait_for_startup": ("cluster wait_for_startup 0s",),
    "cluster remove": ("node fence node3 --yes", "cluster remove node3 --yes"),
    # Shadows.
    "cib new": ("cib new s",),
    "cib use": ("cib new s", "cib use"),
    "cib list": (*SHADOW, "cib list"),
    "cib diff": (*SHADOW, "cib diff"),
    "cib preview": (*SHADOW, "cib preview"),
    "cib commit": (*SHADOW, "cib commit"),
    "cib reset": (*SHADOW, "cib reset --yes"),
    "cib delete": (*SHADOW, "cib delete s --yes"),
    "cib import": ("cib export {tmp}/c.xml", "cib import {tmp}/c.xml"),
    "cib export": ("cib export {tmp}/c.xml",),
    # Maintenance, history, agents, preferences.
    "maintenance on": ("maintenance on",),
    "maintenance off": ("maintenance off web",),
    "maintenance action": ("maintenance action web monitor",),
    "history log": (*CHANGED, "history log"),
    "history events": (*CHANGED, "history events"),
    "history resource": (*CHANGED, "history resource web"),
    "history node": ("history node node1",),
    "history show": (*CHANGED, "history show -1"),
    "history diff": (*CHANGED, "history diff -1"),
    "history transitions": (*CHANGED, "history transitions"),
    "history transition": (*CHANGED, "history transition"),
    "history latest": (*CHANGED, "history latest"),
    "history info": ("history info",),
    "history limit": ("history limit 2h",),
    "history exclude": ("history exclude monitor",),
    "ra classes": ("ra classes",),
    "ra list": ("ra list ocf",),
    "ra providers": ("ra providers Web",),
    "ra info": ("ra info Web",),
    "ra validate": ("ra validate Web port=1",),
    "script list": ("script list",),
    "script show": ("script show virtual-ip",),
    "script verify": ("script verify service id=www unit=nginx ip=10.0.0.9 --force",),
    "script run": ("script run service id=www unit=nginx ip=10.0.0.9 --force",),
    "options show": ("options show",),
    "options set": ("options", "set theme default"),
    "options save": ("options", "save"),
    "options reset": ("options", "reset"),
    "options editor": ("options", "editor vi"),
    "options pager": ("options", "pager more"),
    "options output": ("options", "output color"),
    "options wait": ("options", "wait off"),
    "options sort-elements": ("options", "sort-elements off"),
    "options user": ("options", "user admin"),
}
"""Lines that lead to each command, which is the last of them."""

REFUSED_HERE: Final = {
    "cluster crash-test": "fencing is switched off",
    "configure rsctest": "--yes",
    "configure resume": "No draft",
}
"""What is refused in this scene, and with what word; what follows is checked elsewhere."""

LOCAL: Final = (
    {"version", "simulate", "demo", "mon", "configure edit", "verify"}
    | {"up", "cd", "ls", "quit", "help"}
    | {"history exclude", "configure undo", "configure redo", "configure refresh", "configure resume"}
    | {"configure filter"}
    | {"cluster init", "cluster token", "cluster join", "cluster import", "cluster qdisk", "cluster add"}
    | {f"cluster {verb}" for verb in ("start", "stop", "restart", "enable", "disable", "run", "copy", "diff")}
)
"""Commands that do something, or refuse something else, where no cluster answers."""
LOCAL_LEVELS: Final = {"ra", "options", "cib", "script"}

COMMANDS: Final = {one.path: one for one in all_commands()}


class Silence:
    """Nobody answers."""

    name = "live"
    has_cluster = True

    def daemon_pid(self) -> int | None:
        return None

    def another(self) -> Silence:
        return self

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        raise Unreachable("nobody answers")

    def events(self, timeout_ms: int) -> Iterator[wire.Changed | None]:
        raise Unreachable("nobody answers")

    def close(self) -> None:
        pass


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[MemoryShell]:
    """A cluster in memory, files in a folder, and an environment that is put back."""
    before = dict(os.environ)
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path)
    made = MemoryShell(shadows=FileShadows(tmp_path / "shadows"))
    (tmp_path / "token").touch()
    (tmp_path / "ha.d").mkdir()
    (tmp_path / "ha.d" / "authkeys").write_text("auth 1\n1 sha1 key\n")
    (tmp_path / "ha.d" / "authkeys").chmod(0o600)
    (tmp_path / "ha.d" / "ha.cf").write_text("node node1\nnode node2\nucast eth0 127.0.0.2\n")
    (tmp_path / "ha.d" / "haresources").write_text("node1 10.0.0.9\n")
    yield made
    os.environ.clear()
    os.environ.update(before)


def placed(line: str, tmp_path: Path) -> str:
    return line.replace("{tmp}", str(tmp_path))


def carry_out(shell: MemoryShell, tmp_path: Path, lines: tuple[str, ...]) -> Outcome | None:
    """Run lines; the outcome of the last one, for which JSON is asked."""
    *first, last = (placed(line, tmp_path) for line in lines)
    for line in first:
        found = run_line(shell.session, line).outcome
        if isinstance(found, Said) and "token" in found.data:
            (tmp_path / "token").write_text(str(found.data["token"]))
    ran = run_line(shell.session, f"{last} --json")
    assert ran.as_json
    assert ran.exit_code == 0
    return ran.outcome


def check_json(outcome: Outcome | None) -> None:
    """One object with its schema, its type, and exactly the fields of the type; of a simulation, one a file."""
    assert outcome is not None
    body = json.loads(to_json(outcome))
    if isinstance(outcome, Simulation):
        assert {"file", "placement", "actions", "edges"} <= set(body)
        return
    assert body.pop("schema") == SCHEMA
    kind = TYPES[body.pop("type")]
    assert set(body) == set(kind.__struct_fields__)
    if kind is Table:
        assert all(list(row) == body["columns"] for row in body["rows"])
        assert all(isinstance(value, str) for row in body["rows"] for value in row.values())


def exit_code(session: Session, line: str) -> int:
    try:
        return run_line(session, line).exit_code
    except HashellError as error:
        return error.exit_code if str(error).strip() else -1


def test_every_command_is_listed() -> None:
    assert set(COMMANDS) == set(LINES) | set(NEEDS_TERMINAL) | NOT_RUN


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command(command: Command, shell: MemoryShell, tmp_path: Path) -> None:
    check_help(command, shell)
    assert exit_code(shell.session, f"{command.path} --nosuch") == 2
    if command.path in NEEDS_TERMINAL:
        assert exit_code(shell.session, command.path) == NEEDS_TERMINAL[command.path].exit_code
    if command.path not in LINES:
        return
    lines = LINES[command.path]
    if command.path in REFUSED_HERE:
        with pytest.raises(Refused, match=REFUSED_HERE[command.path]):
            carry_out(shell, tmp_path, lines)
    else:
        check_json(carry_out(shell, tmp_path, lines))
    check_silence(command, shell, placed(lines[-1], tmp_path))


def check_help(command: Command, shell: MemoryShell) -> None:
    for line in (f"{command.path} --help", f"help {command.path}" if command.level != EVERYWHERE else "help help"):
        found = run_line(shell.session, line).outcome
        assert isinstance(found, Listing)
        check_json(found)
    text = run_line(shell.session, f"{command.path} --help").outcome
    assert isinstance(text, Listing)
    assert text.text.startswith(f"usage: {command.usage}")
    assert command.summary in text.text
    for option in command.options:
        assert f"--{option.name}" in text.text
    if not any(one.kind.is_rest or one.is_optional for one in command.positionals) and command.positionals:
        assert exit_code(shell.session, command.path) == 2


def check_silence(command: Command, shell: MemoryShell, line: str) -> None:
    """Where no cluster answers, what needs one says so with exit code 3."""
    silent = Session(Silence(), agents=TestAgents(), programs=shell.programs, shadows=shell.session.shadows)
    silent.level = shell.session.level
    code = exit_code(silent, line)
    if command.path in LOCAL or command.level in LOCAL_LEVELS:
        assert code in (0, 1, 2, 3)
    else:
        assert code == (4 if command.name == "wait_for_startup" else 3), line
