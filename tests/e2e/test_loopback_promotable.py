"""Clones and promotable clones on three real daemons: roles, promotion scores, notifications, a lost promoted node."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import LoopbackCluster, status_of
from tests.e2e.waiting import stays, wait_until


pytestmark = pytest.mark.slow

NODES = ("node1", "node2", "node3")
SETTLE_LIMIT_S = 30.0
MONITORS = "op monitor interval=1s role=Promoted timeout=10s op monitor interval=2s role=Unpromoted timeout=10s"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackCluster]:
    """Three daemons that follow one DC; agents of each find a /var/run of their node's own."""
    with LoopbackCluster(tmp_path) as made:
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


def take_over(cluster: LoopbackCluster, resource: str) -> None:
    """One of three is promoted; when it is lost, one of the others; when its daemon is back, it is unpromoted."""
    first = promoted(await_roles(cluster, resource, ["Promoted", "Unpromoted", "Unpromoted"], "node1"))
    stays(lambda: roles(cluster, resource, "node2").get(first) == "Promoted", 2.0, f"{resource} promoted on {first}")
    cluster[first].end(signal.SIGKILL)
    seer = next(name for name in NODES if name != first)
    second = promoted(await_roles(cluster, resource, ["Promoted", "Unpromoted"], seer))
    assert second != first


def test_the_promoted_instance_of_a_lost_node_is_promoted_elsewhere(cluster):
    configure(cluster, f"primitive db ocf:hashell:Stateful {MONITORS}", "clone dbs db meta promotable=true notify=true")
    take_over(cluster, "db")
