"""Clones and promotable clones on three real daemons: roles, promotion scores, notifications, a lost promoted node."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.harness import PATIENT, LoopbackCluster, status_of
from tests.e2e.waiting import stays, wait_until


pytestmark = pytest.mark.slow

NODES = ("node1", "node2", "node3")
SETTLE_LIMIT_S = 30.0
MONITORS = "op monitor interval=1s role=Promoted timeout=10s op monitor interval=2s role=Unpromoted timeout=10s"


@pytest.fixture
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LoopbackCluster]:
    """Three daemons that follow one DC; agents of each find a /var/run of their node's own."""
    with LoopbackCluster(tmp_path, timers=getattr(request, "param", {})) as made:
        for daemon in made.daemons.values():
            own = daemon.folder / "run"
            own.mkdir()
            with daemon.config.open("a") as config:
                config.write(f'[agents]\nenvironment = {{ HA_VARRUN = "{own}" }}\n')
        made.start()
        yield made


def configure(cluster: LoopbackCluster, *lines: str, on: str = "node1") -> None:
    script = "\n".join(["configure", "property stonith-enabled=false", *lines, "commit", ""])
    cluster[on].shell("-f", "-", text=script).ok()


def roles(cluster: LoopbackCluster, resource: str, seer: str) -> dict[str, str]:
    """Where the instances of a resource are, and in which role."""
    report = status_of(cluster[seer].shell("--json", "status"))
    return {
        node: instance["role"]
        for instance in report.get("instances", [])
        if instance["resource"] == resource
        for node in instance.get("nodes", [])
    }


def await_roles(cluster: LoopbackCluster, resource: str, wanted: list[str], seer: str) -> dict[str, str]:
    """Wait until the instances have these roles, wherever they are."""
    wait_until(
        lambda: sorted(roles(cluster, resource, seer).values()) == sorted(wanted),
        SETTLE_LIMIT_S,
        f"{resource} in roles {sorted(wanted)}",
        0.2,
    )
    return roles(cluster, resource, seer)


def promoted(found: dict[str, str]) -> str:
    (node,) = [node for node, role in found.items() if role == "Promoted"]
    return node


def test_a_clone_runs_on_every_node(cluster):
    configure(cluster, "primitive web ocf:hashell:Dummy op monitor interval=1s", "clone webs web")
    assert await_roles(cluster, "web", ["Started"] * 3, "node2").keys() == set(NODES)
    stays(lambda: len(roles(cluster, "web", "node1")) == 3, 2.0, "three instances of web")
    cluster["node1"].shell("node", "standby", "node2").ok()
    assert await_roles(cluster, "web", ["Started"] * 2, "node1").keys() == {"node1", "node3"}


PROMOTABLE = [
    "ocf:hashell:Stateful",
    pytest.param("ocf:pacemaker:Stateful", marks=pytest.mark.needs("pacemaker:Stateful")),
    pytest.param("ocf:heartbeat:Stateful", marks=pytest.mark.needs("heartbeat:Stateful")),
]


@pytest.mark.parametrize("agent", PROMOTABLE)
def test_of_a_lost_promoted_node_another_takes_the_role(cluster, agent):
    configure(cluster, f"primitive db {agent} {MONITORS}", "clone dbs db meta promotable=true notify=true")
    first = promoted(await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node1"))
    stays(lambda: roles(cluster, "db", "node2").get(first) == "Promoted", 2.0, f"db promoted on {first}")
    lose(cluster, first)
    seer = next(name for name in NODES if name != first)
    second = promoted(await_roles(cluster, "db", ["Promoted", "Unpromoted"], seer))
    assert second != first
    cluster[first].start()
    found = await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], seer)
    assert promoted(found) == second, "the one that comes back is the lesser one"


def lose(cluster: LoopbackCluster, name: str) -> None:
    """The daemon is gone, and with it what its agents ran."""
    cluster[name].end(signal.SIGKILL)
    states = list(cluster[name].folder.rglob("Stateful-db*.state"))
    assert states
    for state in states:
        state.unlink()


def told_of(log: Path, kind: str, operation: str) -> list[dict[str, str]]:
    """The notifications of one kind: the node that was told as `by`, and the lists of nodes."""
    found = []
    for line in log.read_text().splitlines() if log.exists() else ():
        by, _instance, what, of, *lists = line.split()
        if (what, of) == (kind, operation):
            found.append({"by": by} | dict(words.split("=") for words in lists))
    return found


def test_instances_are_told_before_and_after(cluster):
    log = cluster.folder / "told"
    configure(
        cluster,
        f"primitive db ocf:hashell:Stateful params notify_log={log} {MONITORS}",
        "clone dbs db meta promotable=true notify=true",
    )
    first = promoted(await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node1"))
    wait_until(lambda: len(told_of(log, "post", "promote")) == 3, SETTLE_LIMIT_S, "all told of the promotion", 0.2)
    started = told_of(log, "post", "start")
    assert {told["by"] for told in started} == set(NODES)
    assert all(set(told["start"].split(",")) == set(NODES) for told in started)
    for kind in ("pre", "post"):
        told = told_of(log, kind, "promote")
        assert {t["by"] for t in told} == set(NODES)
        assert {t["promote"] for t in told} == {first}
    lose(cluster, first)
    seer = next(name for name in NODES if name != first)
    second = promoted(await_roles(cluster, "db", ["Promoted", "Unpromoted"], seer))
    wait_until(lambda: len(told_of(log, "post", "promote")) == 5, SETTLE_LIMIT_S, "both told of the promotion", 0.2)
    assert told_of(log, "post", "promote")[-1]["promote"] == second
    assert first not in told_of(log, "post", "promote")[-1]["active"].split(",")


@pytest.mark.parametrize("cluster", [PATIENT], indirect=True, ids=["patient"])
def test_a_killed_daemon_finds_its_promoted_instance_untouched(cluster):
    configure(cluster, f"primitive db ocf:hashell:Stateful {MONITORS}", "clone dbs db meta promotable=true")
    before = await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node1")
    first = promoted(before)
    seer = next(name for name in NODES if name != first)
    (state,) = cluster[first].folder.rglob("Stateful-db.state")
    written = state.stat().st_mtime_ns
    cluster.bring_back(first, seer)
    wait_until(lambda: roles(cluster, "db", seer) == before, SETTLE_LIMIT_S, "the same roles", 0.2)
    stays(lambda: roles(cluster, "db", seer) == before, 3.0, "the same roles")
    assert state.stat().st_mtime_ns == written, "it was not touched"


def test_a_role_is_taken_and_given_by_hand(cluster):
    configure(cluster, f"primitive db ocf:hashell:Stateful {MONITORS}", "clone dbs db meta promotable=true")
    await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node1")
    cluster["node2"].shell("resource", "demote", "dbs").ok()
    await_roles(cluster, "db", ["Unpromoted"] * 3, "node2")
    cluster["node2"].shell("resource", "promote", "dbs").ok()
    await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node2")


def command(cluster: LoopbackCluster, node: str, *words: str) -> str:
    """What one of the commands for agents prints on a node; it needs nothing of the environment."""
    path = cluster[node].folder / "state" / "shims" / words[0]
    ran = subprocess.run(
        [path, *words[1:]], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_agents_move_the_promoted_role_by_their_scores(cluster):
    configure(cluster, f"primitive db ocf:hashell:Stateful {MONITORS}", "clone dbs db meta promotable=true")
    found = await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node1")
    first = promoted(found)
    heir, asker = sorted(set(found) - {first})
    assert command(cluster, first, "crm_attribute", "--promotion=db", "-G", "-q") == "10\n"
    command(cluster, asker, "crm_attribute", "--promotion=db", "-N", heir, "-v", "1000")
    wait_until(lambda: roles(cluster, "db", asker).get(heir) == "Promoted", SETTLE_LIMIT_S, f"{heir} promoted", 0.2)
    assert command(cluster, asker, "crm_node", "-p").split() == list(NODES)


def test_agents_see_who_is_promoted(cluster):
    configure(cluster, f"primitive db ocf:hashell:Stateful {MONITORS}", "clone dbs db meta promotable=true")
    first = promoted(await_roles(cluster, "db", ["Promoted", "Unpromoted", "Unpromoted"], "node1"))
    shown = ET.fromstring(command(cluster, "node2", "crm_mon", "-1", "--output-as=xml"))
    assert {node.get("name") for node in shown.iterfind("nodes/node[@online='true']")} == set(NODES)
    (found,) = shown.iterfind("resources/resource[@id='db'][@role='Promoted'][@active='true'][@failed='false']")
    assert [node.get("name") for node in found.iterfind("node")] == [first]
    assert ET.fromstring(command(cluster, "node3", "crm_mon", "-1X")).tag == "crm_mon"
    assert f"Promoted {first}" in command(cluster, "node3", "crm_mon", "-1")
    assert ET.fromstring(command(cluster, "node3", "cibadmin", "-Q")).find(".//primitive[@id='db']") is not None
