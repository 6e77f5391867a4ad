"""Real daemons: a pair grows to three and shrinks again, votes change, and one goes on by force."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.harness import Daemon, LoopbackCluster, Ran, status_of
from tests.e2e.waiting import stays, wait_until


pytestmark = pytest.mark.slow

LIMIT_S = 30.0
STEP_S = 0.2
PAIR = ("node1", "node2")
TWO_NODE = "two_node = true\n"


def quorum(cluster: LoopbackCluster, name: str) -> dict:
    """What a node tells of the votes; empty while it does not answer."""
    return data_of(cluster[name].shell("--json", "cluster", "quorum"))


def data_of(ran: Ran) -> dict:
    return json.loads(ran.out)["data"] if ran.code == 0 else {}


def await_voters(cluster: LoopbackCluster, *names: str) -> None:
    """Wait until these vote and no others, as each of them tells."""
    wait_until(
        lambda: all(set(quorum(cluster, seer).get("voters", {})) == set(names) for seer in names),
        LIMIT_S,
        f"{names} vote",
        STEP_S,
    )


def await_done(act: Callable[[], Ran], what: str) -> Ran:
    """Repeat a command until it succeeds: what it needs may take a moment."""
    return wait_until(lambda: (ran := act()).code == 0 and ran, LIMIT_S, what, STEP_S)


def only(text: str, names: tuple[str, ...]) -> str:
    """A hashelld.toml that names these nodes alone."""
    head, *nodes = text.partition("[quorum]")[0].split("[[nodes]]")
    kept = [part for part in nodes if any(f'"{name}"' in part for name in names)]
    return "[[nodes]]".join([head, *kept]) + "[quorum]\n" + text.partition("[quorum]\n")[2]


def start_pair(cluster: LoopbackCluster) -> None:
    """Two of the three founded a cluster; the file of neither names the third."""
    for name in PAIR:
        config = cluster[name].config
        config.write_text(only(config.read_text(), PAIR) + TWO_NODE)
        cluster[name].start()
    cluster.await_online(*PAIR)
    cluster["node1"].shell("configure", "property", "stonith-enabled=false").ok()


def restart(cluster: LoopbackCluster, *names: str) -> None:
    """One after another, in maintenance: what runs goes on running."""
    cluster["node1"].shell("maintenance", "on").ok()
    for name in names:
        assert cluster[name].end(signal.SIGTERM) == 0
        cluster[name].start()
        for seer in PAIR:
            cluster.await_online(*PAIR, seen_by=seer)
    await_done(lambda: cluster["node1"].shell("maintenance", "off"), "maintenance ends")


def grow(cluster: LoopbackCluster) -> None:
    """The documented steps."""
    address = f"node3={cluster.addresses['node3']}"
    for name in PAIR:
        cluster[name].shell("cluster", "add", address, "--dir", str(cluster[name].folder)).ok()
    restart(cluster, *PAIR)
    cluster["node3"].start()
    await_done(lambda: cluster["node1"].shell("configure", "node", "node3"), "node3 is configured")
    await_voters(cluster, "node1", "node2", "node3")
    cluster.await_online("node1", "node2", "node3")


def test_a_pair_grows_to_three_and_shrinks_again(tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as cluster:
        start_pair(cluster)
        cluster["node1"].shell("configure", "primitive", "one", "ocf:hashell:Dummy").ok()
        assert quorum(cluster, "node1")["modes"] == ["two_node"]
        grow(cluster)
        assert quorum(cluster, "node1")["modes"] == []
        refused = cluster["node1"].shell("cluster", "remove", "node3", "--yes", "--force")
        assert refused.code == 1
        assert "cluster stop node3" in refused.err
        assert cluster["node3"].end(signal.SIGTERM) == 0
        done = await_done(lambda: cluster["node1"].shell("cluster", "remove", "node3", "--yes"), "node3 is removed")
        assert "cluster quorum set two_node on" in done.out
        await_voters(cluster, *PAIR)
        cluster["node2"].shell("cluster", "quorum", "set", "two_node", "on").ok()
        assert quorum(cluster, "node1")["modes"] == ["two_node"]
        history = cluster["node1"].shell("history", "log").out + cluster["node1"].shell("history").out
        assert "node3 was deleted from the configuration" in history
        assert "two_node on" in history
        told = status_of(cluster["node1"].shell("--json", "status"))["status"]["notices"]
        assert any("names node3, which is no node of the cluster" in notice for notice in told), told
        cluster["node3"].start()
        stays(lambda: set(quorum(cluster, "node1").get("voters", {})) == set(PAIR), 3.0, "node3 does not vote")


def gives_two_votes(by: Daemon, node: str) -> Ran:
    """Refused at most as long as not everybody said that it votes, and then told to be tried again."""
    ran = by.shell("cluster", "quorum", "votes", node, "2")
    assert ran.code == 0 or "try again" in ran.err, ran.err
    return ran


def test_votes_are_changed_and_refused(tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as cluster:
        cluster.start()
        await_done(lambda: gives_two_votes(cluster["node2"], "node1"), "all are known to vote")
        wait_until(lambda: quorum(cluster, "node3").get("expected") == 4, LIMIT_S, "four votes", STEP_S)
        refused = cluster["node2"].shell("cluster", "quorum", "set", "two_node", "on")
        assert refused.code == 1
        assert "two nodes with a vote each" in refused.err
        refused = cluster["node2"].shell("cluster", "quorum", "force-start", "--yes")
        assert refused.code == 1
        assert "there is nothing to be forced" in refused.err


def asks_for_both(ran: Ran) -> Ran | None:
    """The question of a force-start, once both others are missed: they may be so one after the other."""
    return ran if "node2 (newest" in ran.err and "node3 (newest" in ran.err else None


def test_one_of_three_goes_on_by_force_and_the_others_return(tmp_path: Path) -> None:
    with LoopbackCluster(tmp_path) as cluster:
        cluster.start()
        cluster["node1"].shell("configure", "property", "stonith-enabled=false").ok()
        cluster["node1"].shell("configure", "primitive", "one", "ocf:hashell:Dummy").ok()
        for name in ("node2", "node3"):
            cluster[name].end(signal.SIGKILL)
        left = cluster["node1"]
        wait_until(lambda: quorum(cluster, "node1").get("has_quorum") is False, LIMIT_S, "no quorum", STEP_S)
        asked = wait_until(lambda: asks_for_both(left.shell("cluster", "quorum", "force-start")), LIMIT_S, "both lost")
        assert asked.code == 1
        assert "node1 would vote alone" in asked.err
        assert "Taken to be off: node2" in asked.err
        done = await_done(lambda: left.shell("cluster", "quorum", "force-start", "--yes"), "node1 goes on")
        assert "node1 goes on alone" in done.out
        await_voters(cluster, "node1")
        cluster.await_place("one", "node1")
        left.shell("configure", "primitive", "two", "ocf:hashell:Dummy").ok()
        for name in ("node2", "node3"):
            cluster[name].start()
        await_voters(cluster, "node1", "node2", "node3")
        cluster.await_online("node1", "node2", "node3")
        assert "primitive two" in cluster["node3"].shell("configure", "show").ok().out
