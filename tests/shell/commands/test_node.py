"""The commands of the level `node`, against a cluster in memory."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashell.commands import founding
from hashell.errors import Refused, Usage
from hashell.outcomes import Planned, Said, Table
from hashelld.wire.client import Fenced, FenceNode
from tests.shell.memory import WEB, Shell


def states(shell: Shell) -> dict[str, str]:
    table = shell.run("node show")
    assert isinstance(table, Table)
    return {row[0]: row[1] for row in table.rows}


def test_standby_and_online() -> None:
    shell = Shell()
    shell.run("node standby node1")
    assert states(shell) == {"node1": "standby", "node2": "online", "node3": "online"}
    before = shell.client.cib
    shell.run("node online node1")
    assert states(shell)["node1"] == "online"
    assert shell.client.cib != before


def test_without_a_name_it_is_the_node_that_answers() -> None:
    shell = Shell()
    shell.run("node standby")
    assert states(shell)["node1"] == "standby"


def test_all_nodes_at_once_are_one_commit() -> None:
    shell = Shell()
    shell.run("node maintenance --all")
    assert set(states(shell).values()) == {"maintenance"}
    assert len(shell.client.entries) == 1
    shell.run("node ready --all")
    assert set(states(shell).values()) == {"online"}


def test_names_and_all_exclude_each_other() -> None:
    with pytest.raises(Usage, match="--all"):
        Shell().run("node standby node1 --all")


def test_an_unknown_node_is_usage() -> None:
    with pytest.raises(Usage, match="node9"):
        Shell().run("node standby node9")


def test_a_node_that_is_not_configured_is_added() -> None:
    shell = Shell("node node1\nproperty stonith-enabled=false\n")
    shell.run("node standby node2")
    assert states(shell)["node2"] == "standby"


def test_fencing_asks_first() -> None:
    shell = Shell(answers=True)
    said = shell.run("node fence node2")
    assert isinstance(said, Said)
    assert "Power node2 off?" in shell.questions[0]
    assert FenceNode("node2") in shell.client.asked


@pytest.mark.parametrize("line", ["node fence node2", "node fence node2 --confirm", "node clearstate node2"])
def test_fencing_without_an_answer_does_nothing(line: str) -> None:
    for shell in (Shell(answers=False), Shell()):
        with pytest.raises(Refused, match="Nothing was done"):
            shell.run(line)
        assert not any(isinstance(request, FenceNode) for request in shell.client.asked)


def test_vouching_for_a_node() -> None:
    shell = Shell()
    shell.run("node clearstate node2 --yes")
    assert FenceNode("node2", confirm=True) in shell.client.asked
    assert states(shell)["node2"] == "offline"


def test_attributes() -> None:
    shell = Shell()
    shell.run("node attribute node1 set rack 7")
    table = shell.run("node attribute node1 show rack")
    assert isinstance(table, Table)
    assert table.rows == (("rack", "7"),)
    shell.run("node attribute node1 delete rack")
    with pytest.raises(Refused, match="no attribute 'rack'"):
        shell.run("node attribute node1 delete rack")


@pytest.mark.parametrize("words", ["set rack", "set", "delete", "delete rack 7"])
def test_attributes_need_their_words(words: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"node attribute node1 {words}")


def test_a_bad_value_of_a_known_attribute_is_refused() -> None:
    with pytest.raises(Refused, match="standby"):
        Shell().run("node attribute node1 set standby perhaps")


@pytest.mark.parametrize("verb", ["standby", "maintenance", "online", "ready"])
def test_a_dry_run_changes_nothing(verb: str) -> None:
    shell = Shell()
    before = shell.client.cib
    outcome = shell.run(f"node {verb} node1 --dry-run")
    assert shell.client.cib == before
    if verb in ("standby", "maintenance"):
        assert isinstance(outcome, Planned)
        moved = [(change.verb, change.resource, change.to) for change in outcome.changes]
        assert moved == ([("move", "web", "node2")] if verb == "standby" else [])


def test_how_fencings_ended() -> None:
    shell = Shell()
    done = {"target": "node3", "operation": "reboot", "by": "node1", "device": "ipmi3", "ended_ms": 1_000_000_000_000}
    fenced = (
        Fenced(**{**done, "target": "node2"}, ok=False, reason="ipmi3: no route", times=3),
        Fenced(**done, ok=True, duration_ms=2_345),
    )
    shell.client.status = replace(shell.client.status, fenced=fenced)
    table = shell.run("node fence-history")
    assert isinstance(table, Table)
    assert [row[1:] for row in table.rows] == [
        ("node2", "reboot", "node", "failed", "ipmi3", "node1", "0.0s", "ipmi3: no route (3 times)"),
        ("node3", "reboot", "node", "done", "ipmi3", "node1", "2.3s", ""),
    ]
    assert table.rows[0][0].startswith("2001-09-")
    only = shell.run("node fence-history node3")
    assert isinstance(only, Table)
    assert [row[1] for row in only.rows] == ["node3"]


def test_without_any_fencing_it_says_so() -> None:
    table = Shell().run("node fence-history")
    assert isinstance(table, Table)
    assert (table.rows, table.note) == ((), "No node was fenced.")


def test_the_addresses_of_nodes() -> None:
    toml = '[[nodes]]\nname = "node1"\naddresses = ["192.0.2.1", "198.51.100.1"]\n'
    assert founding.addresses_in(toml) == {"node1": ("192.0.2.1", "198.51.100.1")}
    assert founding.addresses_in("") == {}
    with pytest.raises(Refused, match="not TOML"):
        founding.addresses_in("[")


def test_a_remote_node_is_where_its_connection_goes() -> None:
    shell = Shell(WEB + "primitive far ocf:pacemaker:remote params server=192.0.2.77\n")
    table = shell.run("node server")
    assert isinstance(table, Table)
    assert ("far", "192.0.2.77") in table.rows
