"""`simulate`: recorded CIBs, this cluster, what if, and graphs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hashell.errors import Refused, Usage
from hashell.grammar.run import run_line
from hashell.outcomes import Listing, Outcome, Simulated, Simulation
from hashell.views.record import to_json
from hashell.views.render import render
from hashell.views.theme import Theme
from tests.shell.memory import Shell


DIGEST = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
CIB = f"""<cib have-quorum="true" crm_feature_set="3.19.0" execution-date="1800000000"><configuration><crm_config>
<cluster_property_set id="o"><nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="b" class="ocf" provider="heartbeat" type="Dummy"/></resources>
<constraints><rsc_ticket id="t" rsc="b" ticket="T"/></constraints></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources>
<lrm_resource id="a" class="ocf" provider="heartbeat" type="Dummy">
<lrm_rsc_op id="a_last_0" operation="start" call-id="2" rc-code="0" op-status="0" interval="0" op-digest="{DIGEST}"
 transition-key="2:0:0:u" transition-magic="0:0;2:0:0:u"/></lrm_resource></lrm_resources></lrm></node_state>
<node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>"""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "a.xml"
    path.write_text(CIB)
    return path


def simulated(line: str, shell: Shell | None = None) -> Simulated:
    found = (shell or Shell()).run(f"simulate {line}")
    assert isinstance(found, Simulation)
    return found.files[0]


def screen(outcome: Outcome, width: int = 100) -> str:
    return "\n".join(render(outcome, Theme(width=width)))


# Recorded CIBs.


def test_a_recorded_cib(recorded: Path) -> None:
    found = simulated(f"{recorded}")
    assert found.placement == (("a", "n1", "Started"),)
    assert sorted(found.actions) == ["a_monitor_0@n2", "b_monitor_0@n1", "b_monitor_0@n2"]
    assert found.about == "2 nodes online; quorum; 2027-01-15 08:00:00 UTC"


def test_files_that_cannot_be_read_are_told_and_the_others_answered(recorded: Path, tmp_path: Path) -> None:
    bad, binary = tmp_path / "bad.xml", tmp_path / "binary.xml"
    bad.write_text("<cib>")
    binary.write_bytes(b"\xff\xfe")
    ran = run_line(Shell().session, f"simulate {bad} {recorded} {tmp_path}/none.xml {binary}")
    assert isinstance(ran.outcome, Simulation)
    broken, good, absent, odd = ran.outcome.files
    assert ran.exit_code == 1
    assert "line 1" in broken.error
    assert (good.error, bool(good.actions)) == ("", True)
    assert absent.error == "No such file or directory"
    assert "UTF-8" in odd.error


def test_all_files_read_is_success(recorded: Path) -> None:
    assert run_line(Shell().session, f"simulate {recorded}").exit_code == 0


def test_json_has_an_object_a_line(recorded: Path, tmp_path: Path) -> None:
    ran = run_line(Shell().session, f"simulate --json {recorded} {tmp_path}/none.xml")
    assert ran.outcome is not None
    first, second = map(json.loads, to_json(ran.outcome).splitlines())
    assert first["file"] == str(recorded)
    assert first["placement"] == [["a", "n1", "Started"]]
    assert len(first["actions"]) == len(first["reasons"])
    assert first["edges"] == []
    assert second == {"file": f"{tmp_path}/none.xml", "error": "No such file or directory"}


def test_edges_are_between_real_actions(recorded: Path) -> None:
    found = simulated(f"{recorded} --ticket-grant T")
    order = {(found.actions[first], found.actions[then]) for first, then in found.edges}
    start = next(label for label in found.actions if label.startswith("b_start"))
    assert {("b_monitor_0@n1", start), ("b_monitor_0@n2", start)} <= order


# What if.


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ("--node-down node1", "web_start_0@node2"),
        ("--node-fail node1", "web_start_0@node2"),
        ("--op-inject web_monitor_10000@node1=7", "web_stop_0@node1"),
        ("--op-inject web_monitor_0@node2=0", "web_stop_0@node2"),
        ("--node-down node1 --node-down node2", "web_start_0@node3"),
        ("--quorum no", "web_stop_0@node1"),
    ],
)
def test_what_if(options: str, action: str) -> None:
    found = simulated(options)
    assert action in found.actions
    assert found.assumed


def test_nothing_is_to_be_done_in_a_settled_cluster() -> None:
    found = simulated("")
    assert found.actions == ()
    assert found.file == "memory"
    assert found.plans[0].unchanged == ("cache", "queue", "web")


def test_a_node_comes_back() -> None:
    shell = Shell()
    shell.client.lose("node3")
    assert "web_monitor_0@node3" in simulated("--node-up node3", shell).actions


def test_tickets(recorded: Path) -> None:
    assert not any("b_start" in label for label in simulated(f"{recorded}").actions)
    assert any("b_start" in label for label in simulated(f"{recorded} --ticket-grant T").actions)
    assert not any("b_start" in label for label in simulated(f"{recorded} --ticket-grant T --ticket-standby T").actions)
    text = screen(Shell().run(f"simulate {recorded} --ticket-revoke T --ticket-activate T"))
    assert "if ticket T is revoked" in text
    assert "if ticket T is active" in text


def test_another_time(recorded: Path) -> None:
    found = simulated(f"{recorded} --date '2030-02-03 04:05:06'")
    assert "2030-02-03 04:05:06 UTC" in found.about


@pytest.mark.parametrize(
    "text", ["2005-020", "2005-020T12:30", "2014-05-07 00:28:00", "2014-05-07 02:28:00+02:00", "1399422480"]
)
def test_moments(text: str, recorded: Path) -> None:
    assert simulated(f"{recorded} --date '{text}'").error == ""


@pytest.mark.parametrize("text", ["", "now", "2005-13-01", "2005-00-01", "2005-01-01 25:00", "2005-999", "12345"])
def test_no_moments(text: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"simulate x.xml --date '{text}'")


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ("--node-down nod1", "did you mean 'node1'?"),
        ("--op-inject wbe_start_0@node1=1", "did you mean 'web'?"),
        ("--op-fail web_start_0@nodee1=1", "did you mean 'node1'?"),
        ("--ticket-grant T", "there is no ticket 'T'"),
    ],
)
def test_names_that_nobody_has(options: str, hint: str) -> None:
    with pytest.raises(Refused, match="there is no") as refused:
        Shell().run(f"simulate {options}")
    assert hint in str(refused.value)


def test_names_that_a_file_does_not_have(recorded: Path) -> None:
    assert "there is no node 'n3'" in simulated(f"{recorded} --node-fail n3").error


def test_nothing_ends_on_a_node_that_is_off() -> None:
    with pytest.raises(Refused, match="node1 is off"):
        Shell().run("simulate --node-down node1 --op-inject web_monitor_10000@node1=7")


@pytest.mark.parametrize("options", ["--op-inject web", "--op-inject web_start_0@node1", "--quorum maybe", "--node-up"])
def test_options_that_say_nothing(options: str) -> None:
    with pytest.raises(Usage):
        Shell().run(f"simulate {options}")


# What goes wrong while it is carried out.


def test_an_action_that_fails_stops_what_waits_for_it_and_is_planned_for() -> None:
    found = simulated("--node-down node1 --op-fail web_start_0@node2=1 --op-fail web_stop_0@node3=1")
    assert found.failed == ("web_start_0@node2",)
    assert "web_monitor_10000@node2" in found.skipped
    assert found.missed == ("web_stop_0@node3",)
    text = screen(Simulation(files=(found,)))
    assert "Then it would" in text
    assert "which was to fail" in text


def test_instances_may_be_numbered() -> None:
    text = """
    node node1
    node node2
    property stonith-enabled=false
    primitive ping ocf:test:Dummy op monitor interval=10s
    clone pings ping
    """
    assert "ping_stop_0@node1" in simulated("--op-inject ping:0_monitor_10000@node1=7", Shell(text)).actions


# The screen.


def test_the_screen_tells_why_and_in_which_order() -> None:
    text = screen(Shell().run("simulate --op-inject web_monitor_10000@node1=7"))
    assert "if monitor of web on node1 ended with 7" in text
    assert "restart  web" in text
    assert "monitor failed on node1: not running" in text
    steps = text[text.index("Step by step") :]
    assert steps.index("stop web on node1") < steps.index("start web on node1") < steps.index("monitor web on node1")
    assert "node1  web" in text[text.index("Afterwards") :]


def test_what_is_done_often_is_told_once() -> None:
    text = "\n".join(["node node1", "node node2", *(f"primitive p{n} ocf:test:Dummy" for n in range(20))])
    shell = Shell(f"{text}\nproperty stonith-enabled=false")
    shell.client.lose("node2")
    assert "probe 20 resources on node2" in screen(shell.run("simulate --node-up node2"))


# Graphs.


def test_the_graph_as_text() -> None:
    found = Shell().run("simulate --node-down node1 --graph -")
    assert isinstance(found, Listing)
    lines = found.text.splitlines()
    assert lines[0].split()[:2] == ["1", "start"]
    assert "after 1" in found.text
    text = Shell().run("simulate --graph -")
    assert isinstance(text, Listing)
    assert text.text == "nothing to do\n"


def test_graphs_are_written(tmp_path: Path) -> None:
    shell = Shell()
    for ending in ("dot", "txt"):
        path = tmp_path / f"plan.{ending}"
        assert isinstance(shell.run(f"simulate --node-down node1 --graph {path}"), Simulation)
        assert "start web on node2" in path.read_text()


@pytest.mark.parametrize(("name", "error"), [("plan.png", Usage), ("none/plan.dot", Refused)])
def test_graphs_that_cannot_be_written(name: str, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        Shell().run(f"simulate --graph {tmp_path}/{name}")


def test_a_graph_is_of_one_file(recorded: Path) -> None:
    with pytest.raises(Usage, match="one file"):
        Shell().run(f"simulate {recorded} {recorded} --graph -")
