"""Pacemaker's commands for agents as programs: they reach the daemon, print what it says, and win over Pacemaker's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest
import zmq

import hashelld
from hashelld.agents import shims
from hashelld.agents.classes import invocation
from hashelld.cib.document import Cib
from hashelld.core.events import ClientAsked
from hashelld.io.clients import ClientSocket
from hashelld.io.shims import write_shims
from hashelld.io.sockets import Context
from hashelld.model.ids import NO_VERSION, NodeId
from hashelld.wire.client import AgentAsk, AgentTold, Answer, Committed, Conflict, Done, Refused
from hashelld.wire.log import Author
from tests.agents.build import NODE, Around, action
from tests.io.build import until


OWN: Final = Path(hashelld.__file__).parent / "agents" / "ocf"
CONFLICT: Final = Conflict(NO_VERSION, Cib(), ("a",), Author(user="root", uid=0, node=NodeId("n")))


class Desk:
    """A daemon's entrance that gives prepared answers, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "it's"
        self.asked: list[ClientAsked] = []
        self._context: Context = zmq.Context()
        self._socket = ClientSocket(self._context, str(folder / "run" / "s"), NodeId("n"))
        write_shims(self.folder, str(folder / "run" / "s"))

    def close(self) -> None:
        self._socket.close()
        self._context.destroy(linger=0)

    def call(self, *words: str, answers: tuple[Answer, ...] = (), **environment: str) -> tuple[int, str, str]:
        """Run one of the programs by its full name; what it came to."""
        path = self.folder / words[0]
        with subprocess.Popen(
            [path, *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as process:
            left = list(answers)
            until(lambda: self._serve(left) or process.poll() is not None)
            out, err = process.communicate(timeout=20)
        return process.returncode, out, err

    def _serve(self, left: list[Answer]) -> bool:
        for event in self._socket.receive():
            if isinstance(event, ClientAsked):
                self.asked.append(event)
                self._socket.send(event.client, event.ticket, left.pop(0))
        return not left


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def test_the_daemon_is_told_the_words_and_whose_agent_asks(desk):
    code = desk.call("crm_attribute", "-p", "-v", "", "it's ü", answers=(Done(),), OCF_RESOURCE_INSTANCE="db:1")
    assert code == (0, "", "")
    (asked,) = desk.asked
    assert asked.request == AgentAsk(("crm_attribute", "-p", "-v", "", "it's ü"), "db:1")
    assert asked.author.uid == os.geteuid()


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        (AgentTold(), (0, "", "")),
        (AgentTold(105, "ü" * 70_000, "why\n"), (105, "ü" * 70_000, "why\n")),
        (Done("x" * 300), (0, "", "")),
        (Committed(NO_VERSION), (0, "", "")),
        (Refused("no-quorum", "no DC", ("a", "b")), (1, "", "crm_node: no DC\n")),
    ],
)
def test_what_is_told_is_printed(desk, answer, came):
    assert desk.call("crm_node", answers=(answer,)) == came


def test_after_a_conflict_it_asks_again(desk):
    assert desk.call("crm_attribute", answers=(CONFLICT, CONFLICT, Committed(NO_VERSION))) == (0, "", "")
    assert len(desk.asked) == 3


def test_without_a_daemon_it_says_so(desk, tmp_path):
    write_shims(desk.folder, str(tmp_path / "nobody"))
    code, out, err = desk.call("attrd_updater", "-n", "x", "-Q")
    assert (code, out) == (102, "")
    assert err.startswith("attrd_updater: Error connecting to the cluster")


def test_programs_that_ask_nobody(desk):
    assert desk.call("ha_logger", "-t", "Dummy", "-D", "ha-debug", "hello", "you") == (0, "", "hello you\n")
    assert desk.call("pacemakerd", "-$")[1].startswith("Pacemaker 2.")
    assert desk.call("cibadmin", "-R", "--scope", "nodes")[0] == 64


def test_what_is_in_the_way_is_replaced_and_the_same_is_left(tmp_path):
    write_shims(tmp_path, "/run/a")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name, what in (("crm_mon", b"#!/bin/sh\nexit 0\n"), ("crm_node", b"\xff")):
        (tmp_path / name).write_bytes(what)
    (tmp_path / "crm_master").unlink()
    (tmp_path / "crm_master").symlink_to(victim)
    (tmp_path / "crm_resource").chmod(0o600)
    before = (tmp_path / "crm_attribute").stat().st_mtime_ns
    write_shims(tmp_path, "/run/a")
    assert victim.read_text() == "mine"
    assert (tmp_path / "crm_attribute").stat().st_mtime_ns == before
    assert all(os.access(tmp_path / name, os.X_OK) and not (tmp_path / name).is_symlink() for name in shims.NAMES)
    assert b"/run/a" in (tmp_path / "crm_master").read_bytes()


STATUS: Final = """{"nodes": [{"node": "n1", "state": "online", "is_dc": true}, {"node": "n2", "state": "UNCLEAN"}],
"instances": [{"resource": "db", "agent": "ocf:x:Y", "role": "Promoted", "nodes": ["n1"], "failures": []},
{"resource": "db", "agent": "ocf:x:Y", "role": "Unpromoted", "nodes": ["n2", "n3"], "failures": ["why"]},
{"resource": "a\\"<b", "agent": "", "role": "Stopped", "is_managed": false, "note": "not in the configuration"}]}"""


def shown(*words: str) -> str:
    program = Path(shims.__file__).parent / "show"
    done = subprocess.run(
        [sys.executable, "-I", "-S", program, *words], input=STATUS, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(("words", "root"), [(("-1", "--as-xml"), "crm_mon"), (("-1X",), "crm_mon"),
                                             (("-1", "--output-as=xml"), "pacemaker-result")])  # fmt: skip
def test_the_status_is_told_as_crm_mon_does(words, root):
    text = shown(*words)
    tree = ET.fromstring(text)
    assert tree.tag == root
    assert [(n.get("name"), n.get("online"), n.get("unclean")) for n in tree.iterfind("nodes/node")] == [
        ("n1", "true", "false"),
        ("n2", "false", "true"),
    ]
    told = [[r.get(name) for name in ("id", "role", "active", "orphaned", "failed", "managed")]
            for r in tree.iterfind("resources/resource")]  # fmt: skip
    assert told == [
        ["db", "Promoted", "true", "false", "false", "true"],
        ["db", "Unpromoted", "true", "false", "true", "true"],
        ["db", "Unpromoted", "true", "false", "true", "true"],
        ['a"<b', "Stopped", "false", "true", "false", "false"],
    ]
    # What ocf:heartbeat:redis and pgsql look for.
    pattern = r'resource.*id="db".* role="(Promoted|Master)".* active="true".* orphaned="false".* failed="false"'
    assert len([line for line in text.splitlines() if re.search(pattern, line)]) == 1
    assert re.search(r'<node name="n1" .* online="true"', text)


def test_the_status_is_told_to_people():
    assert "  * db\t(ocf:x:Y):\t Promoted n1\n" in shown("-1")


def score_of(desk: Desk, agent: str, operation: str, folder: Path, **parameters: str) -> list[tuple[str, ...]]:
    """What an agent asks the daemon while it carries out an operation."""
    around = Around(own_ocf_root=str(OWN), shims_dir=str(desk.folder), state_dir=str(folder))
    called = invocation(action(agent, operation, state=str(folder / "state"), **parameters), NODE, around)
    desk.asked.clear()
    with subprocess.Popen(called.argv, env=called.environment, stderr=subprocess.DEVNULL) as process:
        left: list[Answer] = [Done()] * 100
        until(lambda: desk._serve(left) or process.poll() is not None)
    return [event.request.words[:1] + event.request.words[2:] for event in desk.asked]


@pytest.mark.parametrize(
    "agent",
    [
        "ocf:hashell:Stateful",
        pytest.param("ocf:pacemaker:Stateful", marks=pytest.mark.needs("pacemaker:Stateful")),
        pytest.param("ocf:heartbeat:Stateful", marks=pytest.mark.needs("heartbeat:Stateful")),
    ],
)
def test_promotable_agents_say_how_well_they_would_do(desk, tmp_path, agent):
    said = {o: score_of(desk, agent, o, tmp_path) for o in ("start", "promote", "demote", "stop")}
    assert said == {
        "start": [("crm_attribute", "-v", "5")],
        "promote": [("crm_attribute", "-v", "10")],
        "demote": [("crm_attribute", "-v", "5")],
        "stop": [("crm_attribute", "-D")],
    }


def test_a_first_look_says_the_score_again_and_other_looks_do_not(desk, tmp_path):
    scores = {"promoted_score": "70", "unpromoted_score": "7"}
    assert score_of(desk, "ocf:hashell:Stateful", "start", tmp_path, **scores) == [("crm_attribute", "-v", "7")]
    assert score_of(desk, "ocf:hashell:Stateful", "promote", tmp_path, **scores) == [("crm_attribute", "-v", "70")]
    assert score_of(desk, "ocf:hashell:Stateful", "monitor", tmp_path, **scores) == [("crm_attribute", "-v", "70")]
