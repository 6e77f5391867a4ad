"""The level `maintenance`, agents that are run by hand, and changes that end by themselves."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashell.client.port import Ended
from hashell.errors import Refused, Usage
from hashell.outcomes import Planned, Said, Table
from hashell.session import Options
from hashelld.model.constraint import Location
from hashelld.model.resource import Primitive, value_of
from hashelld.wire.client import SetAttribute
from tests.shell.memory import WEB, Shell


def text(shell: Shell, line: str) -> str:
    found = shell.run(line)
    assert isinstance(found, Said)
    return found.text


def states(shell: Shell) -> dict[str, str]:
    table = shell.run("node show")
    assert isinstance(table, Table)
    return {row[0]: row[1] for row in table.rows}


def places(shell: Shell) -> dict[str, str]:
    table = shell.run("resource locate")
    assert isinstance(table, Table)
    return {row[0]: row[1] for row in table.rows}


def later(shell: Shell, minutes: int) -> None:
    """The cluster looks again when its clock says so."""
    shell.client.now_ms += minutes * 60_000
    shell.client.status = replace(shell.client.status, wall_ms=shell.client.now_ms)
    shell.client.settle()


def test_maintenance_of_the_cluster_and_of_resources() -> None:
    shell = Shell()
    before = shell.client.cib
    assert text(shell, "maintenance on") == "The cluster is in maintenance."
    assert shell.client.cib.property_value("maintenance-mode") == "true"
    assert text(shell, "maintenance on") == "Nothing to change: it is so already."
    shell.run("maintenance off")
    assert shell.client.cib == before
    assert text(shell, "maintenance on web apps") == "web and apps are in maintenance."
    assert len(shell.client.entries) == 3
    shell.run("maintenance off web apps")
    assert shell.client.cib == before


def test_maintenance_can_be_foreseen() -> None:
    shell = Shell()
    assert isinstance(shell.run("maintenance on --dry-run"), Planned)
    assert shell.client.cib.property_value("maintenance-mode") is None


def test_an_action_by_hand_needs_maintenance_unless_it_only_looks() -> None:
    shell = Shell()
    shell.programs.answers["monitor"] = Ended(code=7)
    assert text(shell, "maintenance action web monitor") == "monitor of web: not running"
    with pytest.raises(Refused, match="maintenance on web"):
        shell.run("maintenance action web stop")
    assert [words[-1] for words in shell.programs.ran] == ["monitor"]
    shell.run("maintenance on web")
    assert text(shell, "maintenance action web stop") == "stop of web: done (done)"
    shell.programs.answers["start"] = Ended(code=5, err="no web server\n")
    with pytest.raises(Refused, match="not installed \\(no web server\\)"):
        shell.run("maintenance action web start")


def test_maintenance_of_the_group_is_enough() -> None:
    shell = Shell()
    shell.run("maintenance on apps")
    text(shell, "maintenance action cache stop")


def test_agents_check_their_parameters() -> None:
    shell = Shell()
    assert "no objection" in text(shell, "configure validate-all web cache")
    shell.programs.answers["validate-all"] = Ended(code=2, err="port 80 is taken\n")
    with pytest.raises(Refused, match="web: ocf:test:Web: a parameter is wrong \\(port 80 is taken\\)"):
        shell.run("configure validate-all web")
    with pytest.raises(Refused, match="port 80 is taken"):
        shell.run("ra validate ocf:test:Web port=80")
    with pytest.raises(Usage):
        shell.run("ra validate ocf:test:Web port")
    with pytest.raises(Refused, match="no agent"):
        shell.run("ra validate ocf:test:Nothing")


def test_a_trial_of_a_resource_outside_the_cluster() -> None:
    shell = Shell()
    with pytest.raises(Refused, match="--yes"):
        shell.run("configure rsctest web")
    with pytest.raises(Refused, match="The cluster has run web"):
        shell.run("configure rsctest web --yes")
    shell.enter("configure")
    shell.run("primitive new ocf:test:Web params port=1")
    with pytest.raises(Refused, match="WRONG"):
        shell.run("rsctest new --yes")
    assert [words[-1] for words in shell.programs.ran] == ["monitor"]


DEVICE = WEB + "primitive f stonith:fence_x params ip=192.0.2.1\n"


def test_a_trial_of_a_fencing_device_only_asks_it() -> None:
    shell = Shell(DEVICE, options=Options(yes=True, force=True))
    table = shell.run("configure rsctest f")
    assert isinstance(table, Table)
    assert [row[1:] for row in table.rows] == [
        ("start", "done", "right"),
        ("monitor", "done", "right"),
        ("stop", "done", "right"),
    ]
    assert shell.programs.ran == [("stonith:fence_x", "start"), ("stonith:fence_x", "monitor")]


def test_a_device_that_is_stopped_by_hand_is_left_alone() -> None:
    shell = Shell(DEVICE, options=Options(yes=True, force=True))
    assert text(shell, "maintenance action f stop") == "stop of f: done"
    assert shell.programs.ran == []


def test_timeouts_that_the_agent_advises() -> None:
    shell = Shell()
    shell.run("configure default-timeouts cache")
    found = shell.client.cib.find("cache")
    assert isinstance(found, Primitive)
    assert {(one.name, one.option("timeout")) for one in found.operations} == {("monitor", "20s"), ("start", "20s")}
    assert text(shell, "configure default-timeouts cache") == "Nothing to change: it is so already."


@pytest.mark.parametrize(
    ("verb", "state", "back"), [("standby", "standby", "online"), ("maintenance",) * 2 + ("ready",)]
)
def test_one_grammar_for_many_nodes(verb: str, state: str, back: str) -> None:
    shell = Shell()
    shell.run(f"node {verb} node1 node2")
    assert states(shell) == {"node1": state, "node2": state, "node3": "online"}
    assert len(shell.client.entries) == 1
    shell.run(f"node {verb} node1 off")
    assert states(shell) == {"node1": "online", "node2": state, "node3": "online"}
    shell.run(f"node {back} --all")
    assert set(states(shell).values()) == {"online"}
    shell.run(f"node {verb} --all on")
    assert set(states(shell).values()) == {state}
    shell.run(f"node {verb} --all off")
    assert set(states(shell).values()) == {"online"}


def test_a_standby_for_a_time_ends_by_itself() -> None:
    shell = Shell()
    assert text(shell, "node standby node1 for 30min") == "node1 is in standby for 30min."
    assert places(shell)["web"] != "node1"
    assert states(shell)["node1"] == "standby"
    later(shell, 31)
    assert states(shell)["node1"] == "online"
    assert places(shell)["web"] == "node1"
    before = shell.client.cib
    shell.run("node standby node1 for 2h")
    assert len(shell.client.cib.nodes[0].attributes) == len(before.nodes[0].attributes)
    shell.run("node online node1")
    assert states(shell)["node1"] == "online"
    assert shell.client.cib.nodes[0].attributes == ()


def test_a_standby_until_the_daemon_ends() -> None:
    shell = Shell()
    shell.run("node standby node1 for reboot")
    assert isinstance(shell.client.asked[-1], SetAttribute)
    assert shell.client.entries == []
    assert states(shell)["node1"] == "standby"
    shell.run("node online node1")
    assert states(shell)["node1"] == "online"


def test_a_move_for_a_time() -> None:
    shell = Shell()
    assert text(shell, "resource move web node2 for 2h") == "web is to move to node2, and stays there for 2h."
    assert places(shell)["web"] == "node2"
    later(shell, 121)
    assert places(shell)["web"] == "node1"
    assert text(shell, "resource clear web") == "Removed cli-prefer-web."


def test_a_ban_for_a_time() -> None:
    shell = Shell()
    shell.run("resource ban web for 10min")
    assert places(shell)["web"] != "node1"
    found = next(c for c in shell.client.cib.constraints if c.id == "cli-ban-web-on-node1")
    assert isinstance(found, Location)
    assert found.rules
    later(shell, 11)
    assert places(shell)["web"] == "node1"


@pytest.mark.parametrize(
    "line",
    [
        "node standby node1 for",
        "node standby node1 for ever",
        "node standby node1 off for 10min",
        "resource move web node1 node2",
        "resource move web node2 for reboot",
        "node standby node1 up",
    ],
)
def test_lifetimes_that_make_no_sense(line: str) -> None:
    with pytest.raises(Usage):
        Shell().run(line)


def test_a_move_removes_its_own_constraint_when_the_resource_stays() -> None:
    shell = Shell("node node1\nnode node2\nproperty stonith-enabled=false\nrsc_defaults resource-stickiness=10\n"
                  "primitive web ocf:test:Web params port=80\n")  # fmt: skip
    assert text(shell, "resource move web node2") == "web runs on node2; no constraint was left behind."
    assert shell.client.cib.constraints == ()
    assert places(shell)["web"] == "node2"
    shell.run("resource move web node1 --keep")
    assert [c.id for c in shell.client.cib.constraints] == ["cli-prefer-web"]


def test_utilization_and_attributes() -> None:
    shell = Shell()
    for subject in ("resource utilization web", "node utilization node1", "node attribute node1"):
        shell.run(f"{subject} set memory 512")
        table = shell.run(f"{subject} show")
        assert isinstance(table, Table)
        assert table.rows == (("memory", "512"),)
        shell.run(f"{subject} delete memory")
        with pytest.raises(Refused):
            shell.run(f"{subject} delete memory")
        with pytest.raises(Refused):
            shell.run(f"{subject} show memory")
        with pytest.raises(Usage):
            shell.run(f"{subject} set memory")
    shell.run("node status-attr node1 set pingd 100")
    table = shell.run("node status-attr node1 show pingd")
    assert isinstance(table, Table)
    assert table.rows == (("pingd", "100"),)
    shell.run("node status-attr node1 delete pingd")
    with pytest.raises(Refused):
        shell.run("node status-attr node1 show pingd")


def test_a_trace_is_taken_away_without_a_trace() -> None:
    shell = Shell()
    before = shell.client.cib
    shell.run("resource trace web")
    found = shell.client.cib.find("web")
    assert isinstance(found, Primitive)
    assert {one.name: value_of(one.params, "trace_ra") for one in found.operations} == dict.fromkeys(
        ("start", "monitor", "stop"), "1"
    )
    shell.run("resource untrace web")
    assert shell.client.cib == before
    shell.run("resource trace web monitor 10s")
    with pytest.raises(Refused, match="no monitor with interval 7s"):
        shell.run("resource trace web monitor 7s")
    shell.run("resource untrace web monitor")
    assert shell.client.cib == before


def test_scores_of_every_node() -> None:
    shell = Shell()
    table = shell.run("resource scores web")
    assert isinstance(table, Table)
    assert table.rows[0][:2] == ("web", "node1")
    assert table.rows[0][3] == "chosen"
    everything = shell.run("verify scores")
    assert isinstance(everything, Table)
    assert {row[0] for row in everything.rows} == {"web", "cache", "queue", "apps"}
    assert text(shell, "verify").startswith("10 objects, no errors")
