"""The commands that follow the cluster, and what they tell of it."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace

from hashell.errors import Usage
from hashell.grammar.run import run_line
from hashell.outcomes import StatusReport
from hashell.session import Session
from hashell.terminal.monitor import HOME_AND_CLEAR, watch
from hashell.views.happenings import Happening, happened, line_of, logged
from hashell.views.theme import Theme
from hashelld.cib.edit import Delete
from hashelld.model.ids import NodeId, Version
from hashelld.wire import client as wire
from hashelld.wire.log import Author
from tests.shell.memory import EPOCH, NOON_MS, MemoryClient


def report(client: MemoryClient) -> StatusReport:
    return run_line(Session(client), "status").outcome


def told(change) -> list[str]:
    """What is told of a change of the cluster's state."""
    client = MemoryClient()
    before = report(client)
    change(client)
    return [f"{one.what}: {one.text}{'!' if one.is_bad else ''}" for one in happened(before, report(client))]


def changing(**fields):
    def change(client: MemoryClient) -> None:
        client.status = replace(client.status, **fields)

    return change


def test_nothing_is_told_of_nothing():
    assert told(lambda _client: None) == []


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"dc": None}, "dc: there is no DC!"),
        ({"dc": NodeId("node2")}, "dc: node2 is the DC"),
        ({"in_flight": ("start web on node1",)}, "action: start web on node1 is under way"),
        ({"fencing": ("node3 is to be fenced",)}, "fencing: node3 is to be fenced!"),
        ({"blocked": ("stop web waits",)}, "blocked: stop web waits!"),
        ({"notices": ("history lost",)}, "notice: history lost"),
    ],
)
def test_what_the_cluster_says_is_told_once(fields, line):
    assert told(changing(**fields)) == [line]


def test_quorum_and_safety():
    quorum = wire.QuorumStatus(has_quorum=False, votes=1, total=3, reason="1 of 3 votes", unsafe=("no fencing",))
    assert told(changing(quorum=quorum)) == ["quorum: NO QUORUM: 1 of 3 votes!", "quorum: UNSAFE: no fencing!"]


def test_nodes_and_resources():
    def standby(client: MemoryClient) -> None:
        run_line(Session(client), "node standby node1 --yes")

    lines = told(standby)
    assert "node: node1 is standby" in lines
    assert "resource: web is no longer started on node1" in lines
    assert any(line.startswith("resource: web is started on node") for line in lines)


def test_what_the_log_says():
    version = Version(EPOCH, 7)
    author = Author(user="anna", node=NodeId("node2"), command="configure delete web")
    (typed,) = logged([wire.HistoryEntry(version=version, at_ms=1, kind="commit", text="", author=author)])
    assert (typed.what, typed.text) == ("commit", "anna on node2: configure delete web")
    (untold,) = logged([wire.HistoryEntry(version=version, at_ms=1, kind="commit", text="", edits=(Delete("web"),))])
    assert untold.text == "deleted web"


def test_a_line_of_it():
    event = Happening(at_ms=0, what="node", text="node2 is\n offline", is_bad=True)
    assert line_of(event, Theme(width=80)) == "--:--:--  node      node2 is offline"


def test_events_are_a_table_of_the_newest():
    client = MemoryClient()
    versions = [Version(EPOCH, at) for at in (1, 2)]
    client.entries = [
        wire.HistoryEntry(version=one, at_ms=NOON_MS, kind="commit", text=f"change of {one}") for one in versions
    ]
    rows = run_line(Session(client), "events --limit 5").outcome.rows
    assert [row[1:] for row in rows] == [("commit", str(one), f"change of {one}") for one in versions]


@pytest.mark.parametrize("line", ["events --limit 0", "mon"])
def test_what_cannot_be_shown_is_refused(line):
    with pytest.raises(Usage):
        run_line(Session(MemoryClient()), line)


class Twice(MemoryClient):
    """One event, then Ctrl-C."""

    def events(self, timeout_ms):
        yield None
        raise KeyboardInterrupt


def test_status_watch_draws_anew_until_it_is_interrupted():
    stream = io.StringIO()
    watch(Session(Twice()), "status", stream=stream)
    assert stream.getvalue().count("Resources") == 2
    assert HOME_AND_CLEAR not in stream.getvalue()
