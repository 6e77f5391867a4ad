"""The commands of the level `resource`, against a cluster in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from hashell.client.offline import OfflineClient
from hashell.errors import Refused, Usage
from hashell.grammar.run import run_line
from hashell.outcomes import Planned, Said, Table, Why
from hashell.session import Session
from hashelld.wire import client as wire
from tests.shell.memory import WEB, Shell, TestAgents


def places(shell: Shell) -> dict[str, str]:
    table = shell.run("resource locate")
    assert isinstance(table, Table)
    return {row[0]: row[1] for row in table.rows}


def locations(shell: Shell) -> list[str]:
    return [c.id for c in shell.client.cib.constraints]


def test_stop_and_start() -> None:
    shell = Shell()
    said = shell.run("resource stop web cache")
    assert isinstance(said, Said)
    assert said.text == "web and cache is to stop."
    assert places(shell) == {"web": "nowhere", "cache": "nowhere", "queue": "nowhere"}
    shell.run("resource start web cache")
    assert places(shell)["web"] == "node1"


def test_starting_a_group_starts_members_that_were_stopped_by_themselves() -> None:
    shell = Shell()
    shell.run("resource stop queue")
    shell.run("resource stop apps")
    shell.run("resource start apps")
    assert places(shell)["queue"] == places(shell)["cache"] != "nowhere"


def test_starting_a_member_of_a_stopped_group_says_what_holds_it_back() -> None:
    shell = Shell()
    shell.run("resource stop apps")
    said = shell.run("resource start queue")
    assert isinstance(said, Said)
    assert "held back by apps" in said.text
    assert "resource start apps" in said.text


def test_a_second_stop_changes_nothing() -> None:
    shell = Shell()
    shell.run("resource stop web")
    version = shell.client.version
    said = shell.run("resource stop web")
    assert isinstance(said, Said)
    assert said.data == {"changed": False}
    assert shell.client.version == version


def test_restart_puts_the_target_role_back() -> None:
    shell = Shell()
    before = shell.client.cib
    said = shell.run("resource restart web")
    assert isinstance(said, Said)
    assert "node1" in said.text
    assert shell.client.cib == before
    assert places(shell)["web"] == "node1"


def test_a_stopped_resource_is_not_restarted() -> None:
    shell = Shell()
    shell.run("resource stop web")
    with pytest.raises(Refused, match="resource start web"):
        shell.run("resource restart web")


def test_move_to_a_node_and_clear() -> None:
    shell = Shell()
    shell.run("resource move web node3")
    assert places(shell)["web"] == "node3"
    assert "cli-prefer-web" in locations(shell)
    shell.run("resource clear web")
    assert locations(shell) == ["web-prefers-node1"]
    assert places(shell)["web"] == "node1"


def test_where_nobody_moves_anything_a_move_does_not_wait_and_its_constraint_stays(tmp_path: Path) -> None:
    path = tmp_path / "cib.crm"
    path.write_text(WEB)
    session = Session(OfflineClient(str(path)), agents=TestAgents())
    said = run_line(session, "resource move web node2 --wait").outcome
    assert isinstance(said, Said)
    assert said.text == "web is to move to node2, and stays there until: resource clear web"
    assert "location cli-prefer-web web inf: node2" in path.read_text()
    with pytest.raises(Refused, match=r"cib\.crm is no cluster"):
        run_line(session, "resource restart web")
    assert "target-role" not in path.read_text()


def test_move_without_a_node_bans_the_node_where_it_runs() -> None:
    shell = Shell()
    shell.run("resource move web")
    assert "cli-ban-web-on-node1" in locations(shell)
    assert places(shell)["web"] != "node1"


def test_a_move_to_a_banned_node_lifts_the_ban() -> None:
    shell = Shell()
    shell.run("resource ban web node2")
    shell.run("resource move web node2")
    assert places(shell)["web"] == "node2"
    assert "cli-ban-web-on-node2" not in locations(shell)


def test_a_move_to_where_it_runs_is_refused() -> None:
    with pytest.raises(Refused, match="runs on node1 already"):
        Shell().run("resource move web node1")


def test_a_ban_of_what_runs_nowhere_needs_a_node() -> None:
    shell = Shell()
    shell.run("resource stop web")
    with pytest.raises(Refused, match="runs nowhere: name the node"):
        shell.run("resource ban web")


def test_clear_of_one_node_leaves_the_others() -> None:
    shell = Shell()
    shell.run("resource ban web node1")
    shell.run("resource ban web node2")
    shell.run("resource clear web node1")
    assert "cli-ban-web-on-node1" not in locations(shell)
    assert "cli-ban-web-on-node2" in locations(shell)


def test_clear_without_leftovers_changes_nothing() -> None:
    said = Shell().run("resource clear web")
    assert isinstance(said, Said)
    assert said.data == {"changed": False}


@pytest.mark.parametrize("line", ["resource start wbe", "resource move web node9", "resource stop", "resource why"])
def test_unknown_names_are_usage(line: str) -> None:
    with pytest.raises(Usage):
        Shell().run(line)


def test_meta_set_show_and_delete() -> None:
    shell = Shell()
    shell.run("resource meta web set priority 5")
    table = shell.run("resource meta web show")
    assert isinstance(table, Table)
    assert table.rows == (("priority", "5"),)
    shell.run("resource meta web delete priority")
    table = shell.run("resource meta web show")
    assert isinstance(table, Table)
    assert table.rows == ()


def test_a_meta_attribute_with_a_bad_value_is_refused() -> None:
    shell = Shell()
    before = shell.client.cib
    with pytest.raises(Refused, match="priority"):
        shell.run("resource meta web set priority high")
    assert shell.client.cib == before


def test_an_unknown_meta_attribute_is_a_warning() -> None:
    said = Shell().run("resource meta web set prioritty 5")
    assert isinstance(said, Said)
    assert "prioritty" in said.warnings[0]


@pytest.mark.parametrize(
    "line", ["resource meta web set priority", "resource meta web delete", "resource param web set"]
)
def test_meta_and_param_need_their_words(line: str) -> None:
    with pytest.raises(Usage):
        Shell().run(line)


@pytest.mark.parametrize("line", ["resource meta web delete priority", "resource param web show nothing"])
def test_what_is_not_set_is_told(line: str) -> None:
    with pytest.raises(Refused):
        Shell().run(line)


def test_a_changed_parameter() -> None:
    shell = Shell()
    shell.run("resource param web set port 81")
    table = shell.run("resource param web show port")
    assert isinstance(table, Table)
    assert table.rows == (("port", "81"),)


def test_an_unknown_parameter_is_refused_unless_forced() -> None:
    shell = Shell()
    with pytest.raises(Refused, match="did you mean 'port'"):
        shell.run("resource param web set prt 81")
    said = shell.run("resource param web set prt 81 --force")
    assert isinstance(said, Said)
    assert said.data["changed"] is True
    assert "prt" in said.warnings[0]


def test_a_fail_count_is_set() -> None:
    shell = Shell()

    def asked() -> list[tuple[str, str | None]]:
        return [(one.name, one.value) for one in shell.client.asked if isinstance(one, wire.SetAttribute)]

    said = shell.run("resource failcount web set node1 3")
    assert isinstance(said, Said)
    assert said.text == "monitor of web counts as failed 3 times on node1."
    shell.run("resource failcount web set node1 inf start")
    shell.run("resource failcount web delete node1 monitor 20s")
    assert asked() == [
        ("fail-count-web#monitor_10000", "3"),
        ("fail-count-web#start_0", "inf"),
        ("fail-count-web#monitor_20000", None),
    ]


@pytest.mark.parametrize("words", ["set node1", "set node1 often", "set node1 -1", "set node1 1 a 1s b", "set"])
def test_a_fail_count_that_is_none(words: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"resource failcount web {words}")


def test_a_group_does_not_fail_itself() -> None:
    with pytest.raises(Refused, match="no primitive"):
        Shell().run("resource failcount apps set node1 1")


def test_failcount_and_cleanup() -> None:
    shell = Shell()
    shell.client.fail("web", "node1", 3)
    table = shell.run("resource failcount web show")
    assert isinstance(table, Table)
    assert table.rows == (("web", "node1", "monitor", "3"),)
    shell.run("resource cleanup web node2")
    table = shell.run("resource failcount web show node1")
    assert isinstance(table, Table)
    assert table.rows
    shell.run("resource failcount web delete node1")
    table = shell.run("resource failcount web show")
    assert isinstance(table, Table)
    assert table.rows == ()


def test_why() -> None:
    shell = Shell()
    why = shell.run("resource why web")
    assert isinstance(why, Why)
    assert why.explanation.running_on == ("node1",)
    assert {score.node for score in why.explanation.scores} == {"node1", "node2", "node3"}


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("version", "not on node2: prefers node1 (110 > 0)"),
        ("resource ban web node2", "not on node2: location cli-ban-web-on-node2"),
        ("node standby node2", "not on node2: node2 in standby"),
        ("configure delete web-prefers-node1", "not on node2: prefers node1 (10 > 0)"),
        ("resource stop web", "stopped: target-role is Stopped"),
    ],
)
def test_why_not_on_a_node(before: str, told: str) -> None:
    shell = Shell()
    shell.run(before)
    why = shell.run("resource why web node2")
    assert isinstance(why, Why)
    assert told in why.explanation.summary


PROMOTABLE = """
node node1
node node2
property stonith-enabled=false
primitive db ocf:test:Dummy op monitor interval=10s role=Promoted
clone dbs db meta promotable=true
location best dbs rule $role=Promoted 10: #uname eq node2
"""


def test_only_promotable_clones_are_promoted() -> None:
    for line in ("resource promote web", "resource demote apps"):
        with pytest.raises(Refused, match="no promotable clone"):
            Shell().run(line)
    for line in ("resource demote dbs", "resource promote db"):
        assert isinstance(Shell(PROMOTABLE).run(line), Said)


def test_why_of_a_promotable_clone() -> None:
    why = Shell(PROMOTABLE).run("resource why dbs")
    assert isinstance(why, Why)
    found = why.explanation
    assert found.summary == "3 of 3 instances run, promoted on node2"
    assert {(part.resource, part.node, part.role) for part in found.parts} == {
        ("db", "node1", "Unpromoted"),
        ("db", "node2", "Promoted"),
        ("db", "node3", "Unpromoted"),
    }
    assert [(score.node, score.total) for score in found.promotion] == [("node2", 9), ("node1", -1), ("node3", -1)]
    assert [part.source for part in found.promotion[0].contributions] == [
        "no promotion score set by the agent",
        "location best for the role",
    ]


def test_why_of_a_promotable_clone_on_one_node() -> None:
    why = Shell(PROMOTABLE).run("resource why db node1")
    assert isinstance(why, Why)
    assert why.explanation.summary == "stays unpromoted on node1: no promotion score"
    assert [score.node for score in why.explanation.promotion] == ["node1"]


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("resource stop web", [("stop", "web", ("node1",), None)]),
        ("resource move web node2", [("move", "web", ("node1",), "node2")]),
        ("resource ban web", [("move", "web", ("node1",), "node2")]),
        ("resource promote apps --force", []),
    ],
)
def test_a_dry_run_tells_what_would_be_done(line: str, changes: list[object]) -> None:
    shell = Shell()
    before = shell.client.cib
    planned = shell.run(f"{line} --dry-run")
    assert isinstance(planned, Planned)
    assert planned.diff.startswith("--- applied\n+++ with this")
    assert [(change.verb, change.resource, change.nodes, change.to) for change in planned.changes] == changes
    assert shell.client.cib == before


def test_constraints_of_a_member_are_those_of_its_group_too() -> None:
    shell = Shell()
    shell.run("configure location apps-home apps 50: node2")
    shell.run("configure order first-cache cache web")
    table = shell.run("resource constraints queue")
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["apps-home"]
    table = shell.run("resource constraints cache")
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["apps-home", "first-cache"]


@pytest.mark.parametrize(
    ("line", "option", "value"),
    [
        ("resource unmanage web", "is-managed", "false"),
        ("resource maintenance web", "maintenance", "true"),
        ("resource maintenance web on", "maintenance", "true"),
        ("resource demote web --force", "target-role", "Unpromoted"),
    ],
)
def test_other_meta_attributes(line: str, option: str, value: str) -> None:
    shell = Shell()
    shell.run(line)
    table = shell.run(f"resource meta web show {option}")
    assert isinstance(table, Table)
    assert table.rows == ((option, value),)


@pytest.mark.parametrize(
    ("first", "then"),
    [("resource unmanage web", "resource manage web"), ("resource maintenance web on", "resource maintenance web off")],
)
def test_managing_again_leaves_nothing(first: str, then: str) -> None:
    shell = Shell()
    before = shell.client.cib
    shell.run(first)
    shell.run(then)
    assert shell.client.cib == before


def test_operations_show_what_was_done() -> None:
    table = Shell().run("resource operations web node1")
    assert isinstance(table, Table)
    assert {"start", "monitor every 10000 ms"} <= {row[2] for row in table.rows}


def test_status_of_a_group_shows_its_members() -> None:
    table = Shell().run("resource status apps")
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["cache", "queue"]
