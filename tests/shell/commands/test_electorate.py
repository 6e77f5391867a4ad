"""The commands about who belongs to a cluster and who votes: quorum, add, remove."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from hashell.commands import founding
from hashell.errors import Refused, Usage
from hashell.grammar.complete import complete
from hashell.outcomes import Said
from hashelld.config import load
from hashelld.wire.client import ChangeQuorum, ForceStart
from tests.shell.memory import Shell


THREE = "node1=127.0.0.1 node2=127.0.0.2 node3=127.0.0.3"


def said(shell: Shell, line: str) -> Said:
    outcome = shell.run(line)
    assert isinstance(outcome, Said)
    return outcome


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("votes node1 2", ChangeQuorum(votes={"node1": 2})),
        ("votes node1 2 node3 0", ChangeQuorum(votes={"node1": 2, "node3": 0})),
        ("set two_node on", ChangeQuorum(two_node=True)),
        ("set two_node off", ChangeQuorum(two_node=False)),
        ("set wait_for_all on", ChangeQuorum(wait_for_all=True)),
        ("set auto_tie_breaker off", ChangeQuorum(tie_order=())),
        ("set auto_tie_breaker lowest", ChangeQuorum(tie_order=("lowest",))),
        ("set auto_tie_breaker node3 node1", ChangeQuorum(tie_order=("node3", "node1"))),
        ("set last_man_standing off", ChangeQuorum(last_man_standing=False)),
        ("set last_man_standing_window 2min", ChangeQuorum(last_man_standing_window_ms=120_000)),
    ],
)
def test_votes_and_modes_are_asked_for(words: str, wish: ChangeQuorum) -> None:
    shell = Shell()
    done = said(shell, f"cluster quorum {words}")
    assert wish in shell.client.asked
    assert done.text.startswith("changed.\nquorum   yes")
    assert done.data["done"] == "changed"


def test_the_votes_that_came_of_it_are_shown() -> None:
    done = said(Shell(), "cluster quorum votes node1 2")
    assert done.data["voters"] == {"node1": 2}


@pytest.mark.parametrize(
    "words",
    [
        "votes",
        "votes node1",
        "votes node1 many",
        "votes node1 2 node2",
        "votes node1 -1",
        "set",
        "set two_node",
        "set two_node perhaps",
        "set two_node on off",
        "set qdevice on",
        "set last_man_standing_window soon",
        "force-start now",
        "expected 2",
    ],
)
def test_wrong_words_ask_for_nothing(words: str) -> None:
    shell = Shell()
    with pytest.raises(Usage):
        shell.run(f"cluster quorum {words}")
    assert not any(isinstance(request, ChangeQuorum | ForceStart) for request in shell.client.asked)


def test_force_start_tells_what_may_be_lost_and_asks() -> None:
    shell = Shell(answers=True)
    done = said(shell, "cluster quorum force-start")
    assert done.text == "node1 goes on alone"
    assert shell.questions[0].startswith("node1 would vote alone.\nDo you vouch that")
    assert shell.client.asked[-2:] == [ForceStart(is_question=True), ForceStart()]


def test_force_start_without_an_answer_does_nothing() -> None:
    for shell in (Shell(answers=False), Shell()):
        with pytest.raises(Refused, match="Nothing was done"):
            shell.run("cluster quorum force-start")
        assert ForceStart() not in shell.client.asked


def test_force_start_goes_on_where_it_is_agreed_before() -> None:
    shell = Shell()
    said(shell, "cluster quorum force-start --yes")
    assert ForceStart() in shell.client.asked


def test_a_change_under_way_is_told() -> None:
    shell = Shell()
    shell.client.status = replace(shell.client.status, quorum=replace(shell.client.status.quorum, changing=True))
    found = said(shell, "cluster quorum")
    assert "changing the newest votes or modes are not known acknowledged" in found.text
    assert found.data["changing"] is True


def test_who_is_removed_votes_no_more() -> None:
    shell = Shell()
    shell.client.lose("node3")
    votes = {"node1": 1, "node2": 1}
    shell.client.status = replace(shell.client.status, quorum=replace(shell.client.status.quorum, voters=votes))
    done = said(shell, "node delete node3 --yes")
    assert "It votes no more." in done.text
    assert "cluster quorum set two_node on" in done.text
    assert (done.data["votes"], done.data["voters"]) == (False, votes)
    assert [node.id for node in shell.client.cib.nodes] == ["node1", "node2"]


def test_a_node_is_named_in_the_file_that_is_there(tmp_path: Path) -> None:
    said(Shell(), f"cluster init node1=127.0.0.1 node2=127.0.0.2 --own node1 --dir {tmp_path}")
    path = tmp_path / "hashelld.toml"
    path.write_text("# ours\n" + path.read_text())
    path.chmod(0o640)
    before = path.read_text()
    tried = said(Shell(), f"cluster add node3=127.0.0.3,10.0.0.3 --dir {tmp_path} --dry-run")
    assert path.read_text() == before
    assert tried.data["changed"] is False
    done = said(Shell(), f"cluster add node3=127.0.0.3,10.0.0.3 --dir {tmp_path}")
    assert "hashell configure node node3" in done.text
    config = load(str(path))
    assert [(one.name, one.addresses) for one in config.nodes][-1] == ("node3", ("127.0.0.3", "10.0.0.3"))
    assert not config.founding.two_node
    assert path.read_text().startswith("# ours\n")
    assert path.stat().st_mode & 0o777 == 0o640
    said(Shell(), f"cluster token --dir {tmp_path}")


def test_a_second_node_leaves_the_modes_alone() -> None:
    toml = '[[nodes]]\nname = "a"\naddresses = ["127.0.0.1"]\n\n[quorum]\nwait_for_all = true\n'
    after = founding.with_member(toml, founding.Member("b", ("127.0.0.2",)))
    assert tomllib.loads(after)["quorum"] == {"wait_for_all": True}
    assert founding.names_in(after) == ("a", "b")


@pytest.mark.parametrize("words", ["node3", "node3=", "node3=host.example", "3=127.0.0.3", "node3=127.0.0.3,"])
def test_add_needs_a_name_and_addresses(tmp_path: Path, words: str) -> None:
    said(Shell(), f"cluster init {THREE} --own node1 --dir {tmp_path}")
    with pytest.raises(Usage):
        Shell().run(f"cluster add {words} --dir {tmp_path}")


def test_what_cannot_be_added(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"hashelld\.toml"):
        Shell().run(f"cluster add node4=127.0.0.4 --dir {tmp_path}")
    said(Shell(), f"cluster init {THREE} --own node1 --dir {tmp_path}")
    with pytest.raises(Refused, match="names Node3 already"):
        Shell().run(f"cluster add Node3=127.0.0.4 --dir {tmp_path}")
    inline = 'nodes = [{ name = "a", addresses = ["127.0.0.1"] }]\n'
    with pytest.raises(Refused, match="by hand"):
        founding.with_member(inline, founding.Member("b", ("127.0.0.2",)))


def test_every_word_is_offered() -> None:
    session = Shell().session

    def offered(line: str) -> set[str]:
        return {one.text for one in complete(line, len(line), session)}

    assert {"votes", "set", "force-start"} <= offered("cluster quorum ")
    assert {"two_node", "auto_tie_breaker"} <= offered("cluster quorum set ")
    assert {"on", "off"} <= offered("cluster quorum set two_node ")
    assert {"lowest", "node2"} <= offered("cluster quorum set auto_tie_breaker ")
    assert {"node1", "node2"} <= offered("cluster quorum votes ")
