"""`status`, `history`, `version`, the level `ra`, and what the demo is made of."""

from __future__ import annotations

import socket

import pytest
from msgspec.structs import replace

from hashell.demo.cluster import configuration
from hashell.demo.nodes import ADDRESS, free_ports
from hashell.demo.polling import Move, Seen, node_of
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Said, StatusReport, Table
from hashelld.cib.lang.lower import read_cib
from hashelld.cib.verify import verify
from hashelld.cib.view import NodeView
from hashelld.model.history import NodeStatus
from hashelld.wire.client import LinkStatus
from tests.shell.memory import Shell


def report(shell: Shell, line: str = "status") -> StatusReport:
    outcome = shell.run(line)
    assert isinstance(outcome, StatusReport)
    return outcome


def test_status_of_a_settled_cluster() -> None:
    found = report(Shell())
    assert [(n.node, n.state, n.is_dc) for n in found.nodes] == [
        ("node1", "online", True),
        ("node2", "online", False),
        ("node3", "online", False),
    ]
    assert [(i.resource, i.group, i.container, i.role) for i in found.instances] == [
        ("web", "", "", "Started"),
        ("cache", "apps", "group", "Started"),
        ("queue", "apps", "group", "Started"),
    ]
    assert found.leftovers == ()


def test_status_tells_why_something_is_stopped_and_what_was_moved() -> None:
    shell = Shell()
    shell.run("resource stop apps")
    shell.run("resource ban web node1")
    found = report(shell, "status bynode full")
    assert found.words == ("bynode", "full")
    assert {i.resource: i.note for i in found.instances}["cache"] == "apps is to be stopped"
    assert [(left.resource, left.node, left.is_ban) for left in found.leftovers] == [("web", "node1", True)]


@pytest.mark.parametrize(
    ("view", "state"),
    [
        ({"online": True}, "online"),
        ({"online": True, "unclean": True}, "UNCLEAN"),
        ({"pending": True}, "pending"),
        ({}, "offline"),
    ],
)
def test_states_of_nodes(view: dict[str, bool], state: str) -> None:
    shell = Shell()
    shell.client.views = (
        *shell.client.views[:1],
        NodeView(node="node2", status=NodeStatus(node="node2"), **view),
        *shell.client.views[2:],
    )
    assert {n.node: n.state for n in report(shell).nodes}["node2"] == state


def test_what_is_shown_only_when_it_is_asked_for() -> None:
    shell = Shell()
    shell.client.fail("cache", "node2", 2)
    shell.client.fail("cache", "node2", 1_000_000)
    shell.run("configure rsc_ticket db-needs-a ticketA: web loss-policy=stop")
    plain_status = report(shell)
    assert plain_status.operations == plain_status.tickets == ()
    found = report(shell, "status ops timing tickets failcounts")
    assert {i.resource: i.fail_counts for i in found.instances}["cache"] == (("node2", 1_000_000),)
    assert [(one.ticket, one.state) for one in found.tickets] == [("ticketA", "revoked")]
    starts = [(one.node, one.operation, one.outcome) for one in found.operations if one.resource == "queue"]
    assert ("node2", "start", "done") in starts
    assert not any(one.is_failed for one in found.operations)


def test_a_transient_standby_counts() -> None:
    shell = Shell()
    first = shell.client.views[0]
    shell.client.views = (
        replace(first, status=replace(first.status, attributes={"standby": "on"})),
        *shell.client.views[1:],
    )
    assert report(shell).nodes[0].state == "standby"


def test_without_a_dc_contact_tells_the_state() -> None:
    shell = Shell()
    shell.client.views = ()
    shell.client.status = replace(
        shell.client.status,
        dc=None,
        links=(LinkStatus(node="node2", presence="alive"), LinkStatus(node="node3", presence="lost")),
    )
    assert {n.node: n.state for n in report(shell).nodes} == {
        "node1": "pending",
        "node2": "pending",
        "node3": "offline",
    }


def test_an_unknown_word_is_usage() -> None:
    with pytest.raises(Usage):
        Shell().run("status bynodes")


def test_version() -> None:
    said = Shell().run("version")
    assert isinstance(said, Said)
    assert said.data["daemon"] == "0.1.0"


def test_agents_are_listed_and_described() -> None:
    shell = Shell()
    table = shell.run("ra list ocf test")
    assert isinstance(table, Table)
    assert table.rows == (("ocf:test:Dummy", "Does nothing"), ("ocf:test:Web", "A web server"))
    classes = shell.run("ra classes")
    assert isinstance(classes, Table)
    assert [row[0] for row in classes.rows] == ["ocf", "systemd"]
    providers = shell.run("ra providers Web")
    assert isinstance(providers, Table)
    assert providers.rows == (("test", "ocf:test:Web"),)
    info = shell.run("ra info ocf:test:Web")
    assert isinstance(info, Listing)
    assert info.text.index("port* (integer)") < info.text.index("page (string) [index.html]")
    assert "op monitor interval=10s timeout=20s" in info.text


@pytest.mark.parametrize(
    "line", ["ra list ocf heartbeat", "ra list lsb", "ra providers Webb", "ra info Nothing", "ra info systemd:nginx"]
)
def test_agents_that_are_not_there(line: str) -> None:
    with pytest.raises(Refused):
        Shell().run(line)


def test_the_demos_configuration_is_sound() -> None:
    cib, found = read_cib(configuration(8080))
    assert found == []
    assert [d for d in verify(cib) if d.is_error] == []


@pytest.mark.parametrize(
    ("answer", "node"),
    [
        (b"HTTP/1.0 200 OK\r\nX-Served-By: node2 web\r\n\r\nnode2\n", "node2"),
        (b"HTTP/1.0 200 OK\r\nx-served-by:node2\r\n\r\n", "node2"),
        (b"HTTP/1.0 500 Broken\r\nX-Served-By: node2 web\r\n\r\n", None),
        (b"HTTP/1.0 200 OK\r\nX-Served-By: node2 web\r\n", None),
        (b"HTTP/1.0 200 OK\r\n\r\nX-Served-By: node2\r\n", None),
        (b"", None),
    ],
)
def test_who_answered(answer: bytes, node: str | None) -> None:
    assert node_of(answer) == node


def test_the_gap_is_between_two_answers() -> None:
    assert Move(Seen(1.0, "node1"), Seen(1.75, "node2")).gap_ms == 750


def test_free_ports_are_free() -> None:
    with socket.socket() as taken:
        taken.bind((ADDRESS, 0))
        ports = free_ports(4)
    assert len(set(ports)) == 4
    for port in ports:
        with socket.socket() as probe:
            probe.bind((ADDRESS, port))
