"""The commands of `cluster` that act on machines: what is run where, and what becomes of failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hashell.client.port import Ended
from hashell.errors import Refused, TimedOut, Usage
from hashell.outcomes import Listing, Said, Table
from hashelld.wire import client as wire
from tests.shell.memory import Shell


def ran(shell: Shell) -> list[tuple[str, str]]:
    """Where, and what."""
    return [("here" if words[0] == "sh" else words[-2], words[-1]) for words in shell.programs.ran]


@pytest.mark.parametrize("verb", ["start", "enable", "disable"])
def test_the_daemon_of_this_node_or_of_others(verb: str) -> None:
    shell = Shell()
    shell.run(f"cluster {verb}")
    shell.run(f"cluster {verb} node2")
    shell.run(f"cluster {verb} --all")
    assert [where for where, _ in ran(shell)] == ["here", "node2", "here", "node2", "node3"]
    (line,) = {line for _, line in ran(shell)}
    assert line.endswith(f"systemctl {verb} hashelld.service")
    assert ("hashelld unit >/etc/systemd/system/hashelld.service.new" in line) is (verb != "disable")


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_stopping_asks_when_the_rest_has_no_quorum(verb: str) -> None:
    shell = Shell()
    shell.run(f"cluster {verb} node3")
    with pytest.raises(Refused, match="no quorum, and 2 resources"):
        shell.run(f"cluster {verb} node2 node3")
    with pytest.raises(Refused, match="Stop all nodes"):
        shell.run(f"cluster {verb} --all")
    shell.run(f"cluster {verb} --all --yes")
    assert len(ran(shell)) == 4


def test_names_and_all_exclude_each_other() -> None:
    with pytest.raises(Usage):
        Shell().run("cluster start node1 --all")


def test_a_command_on_every_node() -> None:
    shell = Shell()
    shell.programs.answers["uname -r"] = Ended(code=0, out="6.1\n6.2\n")
    table = shell.run("cluster run 'uname -r'")
    assert isinstance(table, Table)
    assert table.rows[:3] == (("node1", "0", "6.1"), ("node1", "0", "6.2"), ("node2", "0", "6.1"))
    shell.programs.answers["false"] = Ended(code=1, err="no\n")
    with pytest.raises(Refused, match="node2: no"):
        shell.run("cluster run false node2")
    shell.programs.answers["ssh"] = Ended(code=None, err="ssh: not found")
    with pytest.raises(Refused, match="It was done on node1"):
        shell.run("cluster run true")


def test_a_file_is_copied_to_the_others(tmp_path: Path) -> None:
    shell = Shell()
    (tmp_path / "x").write_text("")
    shell.run(f"cluster copy {tmp_path}/x")
    assert [words[-1] for words in shell.programs.ran] == [f"node2:{tmp_path}/x", f"node3:{tmp_path}/x"]
    with pytest.raises(Refused, match="no such file"):
        shell.run(f"cluster copy {tmp_path}/y")


def test_a_file_is_compared() -> None:
    shell = Shell()
    shell.programs.answers["cat -- /etc/hosts"] = Ended(code=0, out="a\nb\n")
    said = shell.run("cluster diff /etc/hosts")
    assert isinstance(said, Said)
    assert said.text == "/etc/hosts is the same on node1, node2, node3."
    shell.programs.answers["ssh"] = Ended(code=0, out="a\nc\n")
    listing = shell.run("cluster diff /etc/hosts node1 node2")
    assert isinstance(listing, Listing)
    assert "--- node1:/etc/hosts\n+++ node2:/etc/hosts" in listing.text
    assert "-b\n+c\n" in listing.text
    shell.programs.answers = {"sha256sum -- /etc/hosts": Ended(code=0, out="abc  /etc/hosts\n")}
    table = shell.run("cluster diff /etc/hosts --checksum")
    assert isinstance(table, Table)
    assert table.rows[0] == ("node1", "abc")


def test_waiting_for_the_cluster() -> None:
    shell = Shell()
    said = shell.run("cluster wait_for_startup")
    assert isinstance(said, Said)
    assert said.data == {"dc": "node1"}
    shell.client.status = replace(shell.client.status, dc=None)
    with pytest.raises(TimedOut, match="there is no DC"):
        shell.run("cluster wait 0s")


def test_a_node_is_removed_when_it_is_gone() -> None:
    shell = Shell()
    with pytest.raises(Refused, match="cluster stop node3"):
        shell.run("cluster remove node3 --yes --force")
    shell.client.lose("node3")
    with pytest.raises(Refused, match="--yes"):
        shell.run("cluster remove node3")
    shell.run("cluster remove node3 --yes")
    assert [node.id for node in shell.client.cib.nodes] == ["node1", "node2"]


def test_what_names_a_removed_node_goes_only_when_it_is_said() -> None:
    shell = Shell()
    shell.client.lose("node1")
    with pytest.raises(Refused, match="web-prefers-node1"):
        shell.run("cluster remove node1 --yes")
    shell.run("cluster remove node1 --yes --cascade")
    assert shell.client.cib.constraints == ()


def test_links() -> None:
    table = Shell().run("cluster links")
    assert isinstance(table, Table)
    assert table.rows[0] == ("node2", "alive", "20 ms ago", "")


def test_without_a_daemon_the_file_says_who_the_nodes_are() -> None:
    shell = Shell()
    shell.client.status = replace(shell.client.status, node="")
    shell.run("cluster start")
    ((where, line),) = ran(shell)
    assert (where, line.rpartition(" && ")[2]) == ("here", "systemctl start hashelld.service")
    assert isinstance(shell.client.ask(wire.GetStatus()), wire.StatusIs)
