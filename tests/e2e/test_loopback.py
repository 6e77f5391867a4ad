"""Three real daemons on loopback: they agree, move resources, refuse what they must, and leave cleanly."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashell.client.zmq import ZmqClient
from hashelld.cib.document import Properties
from hashelld.cib.edit import Put
from hashelld.model.resource import AttributeSet, NvPair
from hashelld.wire.client import CibIs, Committed, Conflict, GetCib, MakeCommit
from tests.e2e.harness import PATIENT, LoopbackCluster, run_program, status_of
from tests.e2e.waiting import stays, wait_until


pytestmark = pytest.mark.slow

SETTLE_LIMIT_S = 20.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LoopbackCluster]:
    """Three daemons that follow one DC."""
    with LoopbackCluster(tmp_path) as made:
        made.start()
        yield made


def add_tick(cluster: LoopbackCluster, home: str = "node1") -> Path:
    """A resource `tick`, at home on a node; the file, shared by all nodes, in which it signs ten times a second."""
    file = cluster.folder / "ticks"
    script = f"""\
configure
property stonith-enabled=false
primitive tick ocf:hashell:Tick params file={file} op monitor interval=1s timeout=10s
location prefer-home tick 100: {home}
commit
"""
    cluster["node1"].shell("-f", "-", text=script).ok()
    cluster.await_place("tick", home)
    return file


def signatures(file: Path) -> list[str]:
    """`NODE INCARNATION` of the processes that signed, each time that another one did."""
    found: list[str] = []
    for line in file.read_text().splitlines():
        node, _, incarnation = line.split()
        if [f"{node} {incarnation}"] != found[-1:]:
            found.append(f"{node} {incarnation}")
    return found


def test_what_is_committed_on_one_node_runs_and_is_seen_by_all(cluster):
    add_tick(cluster, home="node2")
    for name in cluster.daemons:
        assert cluster.places("tick", seer=name) == ["node2"]
        assert "prefer-home" in cluster[name].shell("configure", "show").ok().out


def test_standby_moves_and_online_brings_back(cluster):
    file = add_tick(cluster, home="node1")
    cluster["node3"].shell("node", "standby", "node1").ok()
    wait_until(
        lambda: cluster.places("tick", "node3") in (["node2"], ["node3"]), SETTLE_LIMIT_S, "tick away from node1", 0.1
    )
    cluster["node3"].shell("node", "online", "node1").ok()
    cluster.await_place("tick", "node1", seer="node3")
    first, second, third = signatures(file)
    assert (first.split()[0], third.split()[0]) == ("node1", "node1")
    assert second.split()[0] in ("node2", "node3")


def test_a_killed_daemon_that_comes_back_in_time_finds_its_resources_untouched(tmp_path):
    with LoopbackCluster(tmp_path, timers=PATIENT) as cluster:
        cluster.start()
        file = add_tick(cluster, home="node1")
        before = signatures(file)
        cluster.bring_back("node1", seer="node2")
        cluster.await_place("tick", "node1", seer="node2")
        stays(lambda: signatures(file) == before, 3.0, "the same process of tick")


def test_of_two_changes_to_one_object_the_second_is_shown_the_first(cluster):
    first, second = (ZmqClient(str(cluster[name].socket)) for name in ("node1", "node2"))
    try:
        base = first.ask(GetCib())
        assert isinstance(base, CibIs)
        answer = first.ask(commit("first", base, "20"))
        assert isinstance(answer, Committed), answer
        assert isinstance(first.ask(commit("first", base, "20")), Committed), "the same commit again, the same answer"
        conflict = second.ask(commit("second", base, "30"))
        assert isinstance(conflict, Conflict), conflict
        assert conflict.objects == ("rsc-options",)
        assert conflict.theirs.property_value("resource-stickiness", "rsc_defaults") == "20"
    finally:
        first.close()
        second.close()


def commit(name: str, base: CibIs, stickiness: str) -> MakeCommit:
    pairs = (NvPair("resource-stickiness", stickiness),)
    edit = Put(Properties(id="rsc-options", kind="rsc_defaults", set=AttributeSet(pairs)))
    return MakeCommit(id=name, base=base.version, edits=(edit,))


def test_a_node_with_another_key_gets_no_word_in(tmp_path):
    with LoopbackCluster(tmp_path) as cluster:
        other = tmp_path / "other.key"
        run_program("hashelld", "keygen", str(other)).ok()
        stranger = cluster["node3"]
        stranger.config.write_text(cluster.file_of("node3", other))
        for daemon in cluster.daemons.values():
            daemon.start()
        cluster.await_online("node1", "node2")
        stays(lambda: cluster.online(cluster["node1"]) == {"node1", "node2"}, 2.0, "two nodes online")
        refused = stranger.shell("configure", "property", "stonith-enabled=false")
        assert refused.code in (1, 3, 4), refused


def test_without_quorum_nothing_is_changed(cluster):
    cluster["node2"].end(signal.SIGKILL)
    cluster["node3"].end(signal.SIGKILL)
    left = cluster["node1"]
    wait_until(lambda: refusal(left) != "", SETTLE_LIMIT_S, "a refusal for want of quorum", 0.2)
    assert "stonith-enabled" not in left.shell("configure", "show").out


def refusal(left) -> str:
    """The error text of a change that was refused (exit 1); empty after anything else."""
    ran = left.shell("configure", "property", "stonith-enabled=false")
    assert ran.code != 0, "a change without quorum was taken"
    return ran.err if ran.code == 1 and "quorum" in ran.err else ""


def test_terminate_moves_resources_away_and_leaves(cluster):
    add_tick(cluster, home="node1")
    assert cluster["node1"].end(signal.SIGTERM) == 0
    wait_until(
        lambda: cluster.places("tick", "node2") in (["node2"], ["node3"]), SETTLE_LIMIT_S, "tick away from node1", 0.1
    )
    assert cluster.online(cluster["node2"]) == {"node2", "node3"}


@pytest.mark.parametrize("leaver", ["node1", "the DC"])
def test_in_maintenance_a_daemon_ends_and_finds_its_resources_untouched(cluster, leaver):
    dc = status_of(cluster["node1"].shell("--json", "status"))["status"]["dc"]
    home = dc if leaver == "the DC" else next(name for name in cluster.daemons if name != dc)
    seer = next(name for name in cluster.daemons if name != home)
    file = add_tick(cluster, home=home)
    cluster[seer].shell("maintenance", "on").ok()
    before = signatures(file)
    assert cluster[home].end(signal.SIGTERM) == 0
    cluster.start_again(home, seer)
    cluster[seer].shell("maintenance", "off").ok()
    cluster.await_place("tick", home, seer=seer)
    stays(lambda: signatures(file) == before, 3.0, "the same process of tick")


def test_who_runs_what_is_not_managed_cannot_leave_and_says_so(cluster):
    add_tick(cluster, home="node2")
    cluster["node1"].shell("resource", "unmanage", "tick").ok()
    leaver = cluster["node2"]
    os.kill(leaver.pid, signal.SIGTERM)
    wait_until(
        lambda: "node2: cannot leave: tick runs there" in cluster["node1"].shell("status").out,
        SETTLE_LIMIT_S,
        "a notice",
        0.2,
    )
    assert leaver.is_running()
    cluster["node1"].shell("resource", "manage", "tick").ok()
    wait_until(lambda: not leaver.is_running(), SETTLE_LIMIT_S, "node2 ended", 0.1)
    wait_until(
        lambda: cluster.places("tick", "node1") in (["node1"], ["node3"]), SETTLE_LIMIT_S, "tick away from node2", 0.1
    )


def test_a_lost_node_s_resources_start_elsewhere(cluster):
    add_tick(cluster, home="node1")
    cluster["node1"].end(signal.SIGKILL)
    wait_until(
        lambda: cluster.places("tick", "node2") in (["node2"], ["node3"]), SETTLE_LIMIT_S, "tick taken over", 0.1
    )


def test_a_cluster_that_was_stopped_knows_its_configuration(cluster):
    add_tick(cluster, home="node1")
    for daemon in cluster.daemons.values():
        daemon.end(signal.SIGKILL)
    cluster.start()
    assert "prefer-home" in cluster["node2"].shell("configure", "show").ok().out
    cluster.await_place("tick", "node1")
