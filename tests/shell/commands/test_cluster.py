"""The commands of the level `cluster`: founding, joining, importing, and what is found wrong."""

from __future__ import annotations

import tomllib
from base64 import b64decode
from pathlib import Path

import pytest
from msgspec.structs import replace

from hashell.commands import founding
from hashell.commands.advice import examine
from hashell.commands.votes import unresolved
from hashell.errors import Refused, Usage
from hashell.outcomes import Listing, Said, Table
from hashelld.cib.lang.lower import read_cib
from hashelld.config import load
from hashelld.io import keys
from hashelld.model.ids import NodeId
from hashelld.wire.client import LinkStatus, QuorumStatus, WatchdogStatus
from tests.shell.memory import Shell


THREE = "node1=127.0.0.1 node2=127.0.0.2,10.0.0.2 node3=::1"


def said(shell: Shell, line: str) -> Said:
    outcome = shell.run(line)
    assert isinstance(outcome, Said)
    return outcome


def test_init_writes_what_the_daemon_reads(tmp_path: Path) -> None:
    said(Shell(), f"cluster init {THREE} --name 'my \"web\"' --own node2 --dir {tmp_path} --port 6000")
    config = load(str(tmp_path / "hashelld.toml"))
    assert (config.node, config.cluster_name) == ("node2", 'my "web"')
    assert [(n.name, n.addresses, n.port) for n in config.nodes] == [
        ("node1", ("127.0.0.1",), 6000),
        ("node2", ("127.0.0.2", "10.0.0.2"), 6000),
        ("node3", ("::1",), 6000),
    ]
    assert not config.founding.two_node
    assert len(keys.load(config.keys)) == 1
    assert (tmp_path / "cluster.key").stat().st_mode & 0o777 == 0o600


def test_two_nodes_get_two_node(tmp_path: Path) -> None:
    said(Shell(), f"cluster init node1=127.0.0.1 node2=127.0.0.2 --own node1 --dir {tmp_path}")
    assert load(str(tmp_path / "hashelld.toml")).founding.two_node


def test_two_nodes_and_an_arbiter_need_no_two_node(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    made = said(Shell(), f"cluster init {THREE} --arbiter node3 --own node1 --dir {here}")
    assert "(on node3: hashelld arbiter)" in made.text
    founded = load(str(here / "hashelld.toml")).founding
    assert (founded.network_arbiter, founded.two_node) == ("node3", False)
    joined = said(Shell(), f"cluster join {made.data['token']} --own node3 --dir {there}")
    assert "hashelld arbiter --config" in joined.text
    assert load(str(there / "hashelld.toml")).own.is_arbiter


def test_a_token_makes_the_same_cluster_elsewhere(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    token = said(Shell(), f"cluster init {THREE} --own node1 --dir {first}").data["token"]
    said(Shell(), f"cluster join {token} --own node3 --dir {second}")
    one, other = load(str(first / "hashelld.toml")), load(str(second / "hashelld.toml"))
    assert other.node == "node3"
    assert (one.nodes, one.founding, one.cluster_name) == (other.nodes, other.founding, other.cluster_name)
    assert (first / "cluster.key").read_text() == (second / "cluster.key").read_text()
    assert other.keys == (str(second / "cluster.key"),)


def test_the_token_can_be_printed_again_and_read_from_a_file(tmp_path: Path) -> None:
    token = said(Shell(), f"cluster init {THREE} --own node1 --dir {tmp_path / 'a'}").data["token"]
    again = said(Shell(), f"cluster token --dir {tmp_path / 'a'}")
    assert again.data["token"] == token
    (tmp_path / "token").write_text(again.text + "\n")
    said(Shell(), f"cluster join --file {tmp_path / 'token'} --own node2 --dir {tmp_path / 'b'}")


def test_existing_files_are_replaced_only_by_force(tmp_path: Path) -> None:
    line = f"cluster init {THREE} --own node1 --dir {tmp_path}"
    said(Shell(), line)
    key = (tmp_path / "cluster.key").read_text()
    with pytest.raises(Refused, match="--force"):
        Shell().run(line)
    assert (tmp_path / "cluster.key").read_text() == key
    said(Shell(), f"{line} --force")
    assert (tmp_path / "cluster.key").read_text() != key
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cluster.key", "hashelld.toml"]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "node1",
        "node1=host.example",
        "node1=",
        "1node=127.0.0.1",
        "node1=127.0.0.1 node1=127.0.0.2",
        "a=127.0.0.1 --port 70000",
        "a=127.0.0.1 b=127.0.0.2 --arbiter c",
        "a=127.0.0.1 --arbiter a",
    ],
)
def test_init_with_wrong_words_writes_nothing(tmp_path: Path, words: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"cluster init {words} --dir {tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_is_not_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="node9"):
        Shell().run(f"cluster init {THREE} --own node9 --dir {tmp_path}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token", ["", "x", "hashell1-", "hashell1-!!!!", "hashell1-e30", "hashell1-" + "A" * 300_000])
def test_a_damaged_token_is_refused(token: str) -> None:
    with pytest.raises(Refused, match="token"):
        founding.read_token(token)


def test_a_token_with_a_short_key_is_refused() -> None:
    with pytest.raises(Refused, match="key"):
        founding.read_token(founding.make_token("[node]\n", "c2hvcnQ=\n"))


@pytest.mark.parametrize("words", ["", "TOKEN --file x"])
def test_join_needs_one_token(words: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"cluster join {words}")


def test_a_new_key_is_32_bytes() -> None:
    assert len(b64decode(founding.new_key())) == 32
    assert founding.new_key() != founding.new_key()


def test_the_node_part_is_taken_out_wherever_it_is() -> None:
    toml = '[cluster]\nname = "a"\n\n[node] # here\nname = "x"\nstate = "/y"\n\n[[nodes]]\nname = "x"\naddresses = []\n'
    rest = tomllib.loads(founding.without_node_part(toml))
    assert "node" not in rest
    assert rest["cluster"] == {"name": "a"}
    assert founding.names_in(toml) == ("x",)


HA_CF = "node node1 node2\nucast eth0 192.0.2.1\nucast eth0 192.0.2.2\nauto_failback on\n"


ADDRESSES = "node1=192.0.2.1 node2=192.0.2.2"


def heartbeat(tmp_path: Path) -> Path:
    folder = tmp_path / "ha.d"
    folder.mkdir()
    (folder / "ha.cf").write_text(HA_CF)
    (folder / "authkeys").write_text("auth 1\n1 sha1 secret\n")
    (folder / "authkeys").chmod(0o600)
    (folder / "haresources").write_text("node1 192.0.2.9 apache\n")
    return folder


def test_import_dry_run_prints_and_writes_nothing(tmp_path: Path) -> None:
    folder, out = heartbeat(tmp_path), tmp_path / "out"
    listing = Shell().run(f"cluster import heartbeat {folder} {ADDRESSES} --own node1 --dir {out} --dry-run")
    assert isinstance(listing, Listing)
    assert "[[nodes]]" in listing.text
    assert "192.0.2.9" in listing.text
    assert not out.exists()


def test_import_writes_what_the_daemon_and_the_shell_read(tmp_path: Path) -> None:
    folder, out = heartbeat(tmp_path), tmp_path / "out"
    told = said(Shell(), f"cluster import heartbeat {folder} {ADDRESSES} --own node1 --dir {out}")
    config = load(str(out / "hashelld.toml"))
    assert [n.addresses for n in config.nodes] == [("192.0.2.1",), ("192.0.2.2",)]
    assert len(keys.load(config.keys)) == 1
    assert told.warnings
    shell = Shell("node node1\nnode node2\n")
    shell.session.options.force = True  # The agents that it names are not those of this test.
    shell.run(f"configure load update {out}/heartbeat.crm")
    assert shell.client.cib.resources


def test_import_without_addresses_tells_what_is_missing(tmp_path: Path) -> None:
    folder, out = heartbeat(tmp_path), tmp_path / "out"
    (folder / "ha.cf").write_text(HA_CF.replace("node node1 node2", "node one.invalid two.invalid"))
    with pytest.raises(Refused):
        Shell().run(f"cluster import heartbeat {folder} --own one.invalid --dir {out}")
    assert not out.exists()


def test_import_of_nothing_tells_why(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"ha\.cf"):
        Shell().run(f"cluster import heartbeat {tmp_path} --own node1 --dir {tmp_path / 'out'}")
    assert list(tmp_path.iterdir()) == []


def test_status_and_quorum() -> None:
    table = Shell().run("cluster status")
    assert isinstance(table, Table)
    assert table.rows[0] == ("node1", "online", "DC")


def test_quorum_as_text_and_as_data() -> None:
    shell = Shell()
    plain = said(shell, "cluster quorum")
    assert plain.text == "quorum   yes, the DC is node1\nverdict  3 of 3 votes\nvotes    3 of 3 expected"
    voters = {NodeId(f"node{number}"): 1 for number in range(1, 5)}
    shell.client.status = replace(
        shell.client.status,
        dc=None,
        quorum=QuorumStatus(
            has_quorum=False,
            votes=2,
            total=4,
            reason="2 of 4 votes",
            unsafe=("no fencing",),
            needed=3,
            rule="majority",
            decision="none",
            verdict="without quorum: 2 <= 4/2",
            voters=voters,
            modes=("wait_for_all", "last_man_standing 10s"),
            arbiter=NodeId("node4"),
            pings={"10.0.0.9": True, "routers": False},
        ),
    )
    found = said(shell, "cluster quorum")
    assert found.text.splitlines() == [
        "quorum   NO",
        "verdict  without quorum: 2 <= 4/2",
        "votes    2 of 4 expected, 3 needed",
        "rule     majority",
        "voters   node1 1, node2 1, node3 1, node4 1 (arbiter)",
        "modes    wait_for_all, last_man_standing 10s",
        "ping     10.0.0.9 answers, routers SILENT",
        "UNSAFE   no fencing",
    ]
    assert found.data == {
        "has_quorum": False,
        "dc": None,
        "votes": 2,
        "expected": 4,
        "needed": 3,
        "rule": "majority",
        "verdict": "none",
        "reason": "without quorum: 2 <= 4/2",
        "voters": voters,
        "modes": ["wait_for_all", "last_man_standing 10s"],
        "arbiter": "node4",
        "ping": {"10.0.0.9": True, "routers": False},
        "disk": "",
        "changing": False,
        "unsafe": ["no fencing"],
        "watchdog": None,
    }


def test_the_watchdog_is_told_where_there_is_one() -> None:
    shell = Shell()
    assert "watchdog" not in said(shell, "cluster quorum").text
    armed = WatchdogStatus(mode="supervisor", timeout_ms=5_000, stop_budget_ms=20_000, is_armed=True)
    shell.client.status = replace(shell.client.status, watchdog=armed)
    found = said(shell, "cluster quorum")
    assert found.text.splitlines()[-1] == "watchdog supervisor, armed, 5s, 20s to stop without quorum"
    assert found.data["watchdog"]["is_armed"] is True
    counted = replace(armed, fenced_after_ms=26_800)
    shell.client.status = replace(shell.client.status, watchdog=counted)
    assert said(shell, "cluster quorum").text.endswith("; a lost node counts as fenced after 26.8s")
    shell.client.cib = read_cib("primitive a Dummy\nproperty stonith-watchdog-timeout=10s")[0]
    texts = [one.text for one in examine(shell.client.status, shell.client.cib)]
    assert any("mode=supervisor ends processes alone" in text for text in texts)
    assert not any("there is no device" in text for text in texts)
    ended = replace(counted, ended="without quorum")
    shell.client.status = replace(shell.client.status, watchdog=ended)
    assert "ENDS THIS NODE: without quorum" in said(shell, "cluster quorum").text
    assert examine(shell.client.status, shell.client.cib)[0].text.startswith("node1 is being ended by its watchdog")


@pytest.mark.parametrize(
    ("has_quorum", "decision", "said_so"),
    [(True, "none", "which has it"), (False, "quorum", "no DC is elected"), (True, "quorum", "3 > 4/2")],
)
def test_votes_and_the_dc_may_disagree(has_quorum: bool, decision: str, said_so: str) -> None:
    """The nodes in contact and the DC's word are two things: both are told."""
    shell = Shell()
    quorum = QuorumStatus(
        has_quorum=has_quorum, votes=3, total=4, reason="", decision=decision, verdict="with quorum: 3 > 4/2"
    )
    shell.client.status = replace(shell.client.status, quorum=quorum)
    assert said(shell, "cluster quorum").text.splitlines()[1].endswith(said_so)


def found_in(quorum: QuorumStatus, unresolved: tuple[str, ...] = ()) -> str:
    shell = Shell()
    found = examine(replace(shell.session.status(), quorum=quorum), shell.client.cib, unresolved=unresolved)
    return "\n".join(one.text for one in found)


def test_votes_that_tie_or_rule_are_doubted() -> None:
    def votes(*counts: int, modes: tuple[str, ...] = ()) -> QuorumStatus:
        voters = {NodeId(f"node{at}"): count for at, count in enumerate(counts, start=1)}
        total = sum(counts)
        return QuorumStatus(has_quorum=True, votes=total, total=total, reason="", voters=voters, modes=modes)

    assert "could tie" in found_in(votes(1, 1, 1, 1))
    assert "could tie" in found_in(votes(2, 1, 1))
    assert "could tie" not in found_in(votes(3, 1))
    assert "could tie" not in found_in(votes(1, 1, 1, 1, modes=("auto_tie_breaker node1 (lowest)",)))
    assert "node1 has 3 of 4 votes" in found_in(votes(3, 1))
    assert "of 1 votes" not in found_in(votes(1))


def test_names_without_an_address_are_doubted() -> None:
    quorum = QuorumStatus(has_quorum=True, votes=3, total=3, reason="")
    assert "no address" not in found_in(quorum)
    assert "for the names of node2, node3" in found_in(quorum, ("node2", "node3"))
    assert unresolved(["localhost", "a..b"]) == ("a..b",)


def test_a_healthy_cluster_without_fencing_is_doubted() -> None:
    table = Shell().run("cluster health")
    assert isinstance(table, Table)
    assert {row[0] for row in table.rows} == {"doubt"}
    doubts = [row[1] for row in table.rows if "no address" not in row[1]]  # As this machine's names are.
    assert len(doubts) == 1
    assert "fencing is switched off" in doubts[0]


def test_a_lost_arbiter_is_a_problem_and_one_that_is_there_is_none() -> None:
    """It is no place of resources: that the DC's nodes are without it is as it should be."""
    shell = Shell()
    quorum = QuorumStatus(has_quorum=True, votes=3, total=3, reason="", arbiter=NodeId("third"))
    for presence, state, is_told in (("alive", "arbiter", False), ("lost", "arbiter lost", True)):
        links = (LinkStatus(node=NodeId("third"), presence=presence, silence_ms=900),)
        shell.client.status = replace(shell.client.status, quorum=quorum, links=links)
        table = shell.run("cluster status")
        assert isinstance(table, Table)
        assert [row[1] for row in table.rows if row[0] == "third"] == [state]
        told = "\n".join(one.text for one in examine(shell.client.status, shell.client.cib))
        assert ("third is lost" in told) is is_told
        assert "third is heard, and has not joined" not in told


def test_what_is_wrong_comes_first_with_advice() -> None:
    shell = Shell()
    status = replace(
        shell.session.status(),
        dc=None,
        quorum=QuorumStatus(has_quorum=False, votes=1, total=4, reason="1 of 4 votes", unsafe=("no fencing",)),
        links=(
            LinkStatus(node="node2", presence="lost", silence_ms=4200),
            LinkStatus(node="node3", presence="never"),
            LinkStatus(node="node4", presence="left"),
        ),
        notices=("history lost",),
        blocked=("web: nowhere to run",),
    )
    found = examine(status, shell.client.cib)
    assert all(one.text and one.advice for one in found)
    levels = [one.level for one in found]
    assert levels == sorted(levels, reverse=True)
    told = "\n".join(one.text for one in found)
    for expected in (
        "no quorum",
        "no DC",
        "4 votes",
        "lost: nothing heard for 4.2 s",
        "never heard",
        "node4 left",
        "history lost",
    ):
        assert expected in told
    assert told.count("fencing") == 1


def test_clocks_that_are_apart_are_doubted() -> None:
    shell = Shell()
    links = tuple(
        LinkStatus(node=name, presence="alive", clock_ahead_ms=ahead)
        for name, ahead in (("node2", 90_000), ("node3", -5_000), ("node4", 40))
    )
    told = [one.text for one in examine(replace(shell.session.status(), links=links), shell.client.cib)]
    assert "the clock of node2 is 90s ahead of that of node1" in told
    assert "the clock of node3 is 5s behind that of node1" in told
    assert not any("clock of node4" in text for text in told)


def test_a_device_that_is_missing_is_a_problem() -> None:
    shell = Shell("primitive web ocf:test:Dummy\n")
    found = examine(shell.session.status(), shell.client.cib)
    assert [one.level for one in found if "there is no device" in one.text] == ["problem"]
