"""Cuts of live nodes, by the table in tests/cases/arbitration: who goes on, what each side says; nothing runs twice.

A resource signs ten times a second in a file that all nodes share, as a disk would be.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from hashelld.wire.sector import BLOCK_BYTES
from tests.core.test_quorum_matrix import DISK_SCHEME, FENCED, PING, TIE_BREAKER, rows
from tests.e2e.harness import status_of
from tests.e2e.netns import GATEWAY, Host, Network, file_of, ip
from tests.e2e.observers import Interval, intervals, overlaps
from tests.e2e.waiting import wait_until


pytestmark = [pytest.mark.slow, pytest.mark.needs("root", "ip")]

MAJORITY, ARBITER = "majority", "network arbiter"
DISK = '[quorum.disk]\npath = "{disk}"\ninterval = "500ms"\ntko = 6'
TIMING = ("--interval", "500ms", "--tko", "6")
QUORUM = {
    MAJORITY: "",
    ARBITER: "",
    TIE_BREAKER: "auto_tie_breaker = true",
    FENCED: "two_node = true",
    PING: f'two_node = true\ntakeover_delay = "6s"\n[quorum.ping]\naddresses = ["{GATEWAY}"]',
    DISK_SCHEME: DISK,
}
LIMIT_S = 60.0
STEP_S = 0.1
SILENCE_MS = 1_500
"""Who signs ten times a second and was silent for so long does not run."""


class Story(msgspec.Struct, frozen=True):
    """A cluster and the cuts that it lives through, one after the other; no node reaches one in another part."""

    scheme: str
    nodes: int
    home: str
    cuts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.scheme} {' '.join(self.cuts)}"


class Cluster:
    """Hosts on one switch, and the resource `tick` on them."""

    def __init__(self, network: Network, file: Path) -> None:
        self._network = network
        self._file = file
        self._disk = file.with_name("qdisk")
        """Seen by all hosts, as a shared one would be."""
        self._parts: set[str] = set()

    def __getitem__(self, digit: str) -> Host:
        return self._network[f"node{digit}"]

    def found(self, story: Story) -> None:
        """Start the daemons; wait until tick runs at home and all have quorum."""
        hosts = self._network.hosts
        arbiter = list(hosts)[-1] if story.scheme == ARBITER else ""
        for host in hosts.values():
            quorum = QUORUM[story.scheme].format(disk=self._disk)
            host.write("/etc/hashell/hashelld.toml", file_of(host, hosts, quorum, arbiter=arbiter))
            host.boot()
        first = self["1"]
        if story.scheme == DISK_SCHEME:
            first.shell("cluster", "qdisk", "create", str(self._disk), "--nodes", str(story.nodes), *TIMING).ok()
        first.run(sys.executable, "-m", "hashelld", "keygen", "/etc/hashell/cluster.key").ok()
        key = first.path("/etc/hashell/cluster.key").read_text()
        for host in hosts.values():
            host.write("/etc/hashell/cluster.key", key, 0o600)
            host.start_daemon("arbiter" if host.name == arbiter else "run")
        everybody = "".join(name.removeprefix("node") for name in hosts)
        self.await_verdicts({everybody: "quorum"})
        first.shell("--force", "configure", "load", "update", "-", text=configuration(story, self._file)).ok()
        wait_until(lambda: self.signer() == story.home, LIMIT_S, f"tick runs on {story.home}", STEP_S)
        assert self.intervals()[0].node == story.home

    def cut(self, parts: list[str]) -> None:
        """A switch for each part, and the ports moved there."""
        switch = self._network.switch
        for part in set(parts) - self._parts:
            ip(switch, f"link add part{part} type bridge forward_delay 0 mcast_snooping 0")
            ip(switch, f"link set part{part} up")
        self._parts.update(parts)
        for part in parts:
            for digit in part:
                ip(switch, f"link set {self[digit].port} master part{part}")

    def rejoin(self, digits: str) -> None:
        """Their ports are back on the switch on which the gateway is."""
        for digit in digits:
            ip(self._network.switch, f"link set {self[digit].port} master br0")

    def reaches_gateway(self, digit: str) -> bool:
        """What a node says of its ping node."""
        return bool(json.loads(self[digit].shell("--json", "cluster", "quorum").ok().out)["data"]["ping"][GATEWAY])

    def await_verdicts(self, wanted: dict[str, str]) -> None:
        """Wait until every node of every part says what is wanted of the part."""
        for part, verdict in wanted.items():
            for digit in part:
                wait_until(lambda d=digit, p=part, v=verdict: self.says(d, p, v), LIMIT_S, f"{digit}: {verdict}")

    def says(self, digit: str, part: str, verdict: str) -> bool:
        """Does a node count the votes of its part, and follow a DC of it if, and only if, that is a quorum?"""
        ran = self[digit].shell("--json", "cluster", "quorum")
        if ran.code:
            return False
        told = json.loads(ran.out)["data"]
        is_dc_right = told["dc"] in {f"node{one}" for one in part} if verdict == "quorum" else told["dc"] is None
        is_quorate = told["has_quorum"] is (verdict == "quorum")
        disks = told["expected"] - sum(told["voters"].values()) if verdict == "quorum" else 0
        return told["verdict"] == verdict and is_quorate and is_dc_right and told["votes"] == len(part) + disks

    def dc(self, digit: str) -> str:
        """The digit of the DC that a node hears."""
        told = json.loads(self[digit].shell("--json", "cluster", "quorum").ok().out)["data"]
        return str(told["dc"]).removeprefix("node")

    def notices(self, digit: str) -> str:
        """What a node's health says."""
        return self[digit].shell("cluster", "health").ok().out

    def put_header(self, block: bytes) -> bytes:
        """Replace the disk's header; without one it is no quorum disk. The one before."""
        with self._disk.open("r+b") as file:
            before = file.read(BLOCK_BYTES)
            file.seek(0)
            file.write(block)
        return before

    def intervals(self) -> list[Interval]:
        """When tick ran, and where; sorted."""
        return intervals(self._file.read_text() if self._file.exists() else "")

    def signer(self) -> str:
        """The node where tick runs; empty when it runs nowhere."""
        last = max(self.intervals(), key=lambda interval: interval.ended_ms, default=Interval(0, 0, ""))
        return last.node if time.time_ns() // 1_000_000 - last.ended_ms < SILENCE_MS else ""

    def await_signer(self, nodes: str) -> None:
        """Wait until tick runs on one of these, or, of none, nowhere."""
        wanted = {f"node{digit}" for digit in nodes} or {""}
        wait_until(lambda: self.signer() in wanted, LIMIT_S, f"tick runs on one of {sorted(wanted)}", STEP_S)

    def check(self) -> None:
        """Tick never ran twice at a time."""
        found = self.intervals()
        assert not overlaps(found), found
        for first, second in pairwise(found):
            print(f"{first.node} to {second.node}: {second.began_ms - first.ended_ms} ms")


def configuration(story: Story, file: Path) -> str:
    """With fencing, there is a device of which no node has the agent: it never says that anybody is off."""
    fencing = "primitive fence stonith:fence_missing\nproperty stonith-enabled=true"
    return f"""\
{fencing if story.scheme == FENCED else "property stonith-enabled=false"}
primitive tick ocf:hashell:Tick params file={file} op monitor interval=5s timeout=20s
location prefer-home tick 100: {story.home}
"""


def survivors_of(story: Story, cut: str) -> str:
    """The digits of the nodes that go on, as the table says; empty when nobody does."""
    wanted = (story.scheme, str(story.nodes), cut)
    found = [r["survivors"] for r in rows() if (r["scheme"], r["nodes"], r["live_partitions"]) == wanted]
    assert found
    assert len(set(found)) == 1
    return found[0].strip("-")


@contextmanager
def running(folder: Path, story: Story) -> Iterator[Cluster]:
    names = tuple(f"node{number}" for number in range(1, story.nodes + 1))
    with Network(folder / "net", names) as network:
        cluster = Cluster(network, folder / "ticks")
        cluster.found(story)
        yield cluster


STORIES = (
    Story(MAJORITY, 3, "node1", ("1|23", "1|2|3")),
    Story(MAJORITY, 4, "node2", ("1|234", "12|34")),
    Story(TIE_BREAKER, 4, "node4", ("12|34", "1|2|34")),
)


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_cuts(tmp_path, story):
    with running(tmp_path, story) as cluster:
        for cut in story.cuts:
            parts, survivors = cut.split("|"), survivors_of(story, cut)
            cluster.cut(parts)
            cluster.await_verdicts({part: "quorum" if part == survivors else "none" for part in parts})
            cluster.await_signer(survivors)
        cluster.check()


def test_of_two_that_lose_each_other_both_wait_until_one_is_known_to_be_off(tmp_path):
    """Without a device that answers it is the administrator who knows; the one that ran tick is the one that dies."""
    story = Story(FENCED, 2, "node2", ("1|2",))
    with running(tmp_path, story) as cluster:
        assert survivors_of(story, "1|2") == "1"
        cluster.cut(["1", "2"])
        cluster.await_verdicts({"1": "claim", "2": "claim"})
        assert cluster.signer() == "node2", "it is frozen, not stopped"
        cluster["2"].cut_power()
        cluster["1"].shell("--yes", "node", "fence", "node2", "--confirm").ok()
        cluster.await_verdicts({"1": "quorum"})
        cluster.await_signer("1")
        cluster.check()


def test_who_is_cut_off_from_the_gateway_stops_and_the_other_one_takes_over(tmp_path):
    """Without fencing. When neither reaches the gateway, nobody runs it; the first that does again takes over."""
    with running(tmp_path, Story(PING, 2, "node1", ())) as cluster:
        cluster.cut(["1"])
        cluster.await_verdicts({"1": "claim", "2": "quorum"})
        cluster.await_signer("2")
        wait_until(lambda: not cluster.reaches_gateway("1"), LIMIT_S, "node1 tells that the gateway is silent", STEP_S)
        assert cluster.reaches_gateway("2")
        assert "it may be the one that is cut off" in " ".join(cluster["1"].shell("cluster", "health").out.split())
        cluster.rejoin("1")
        cluster.await_verdicts({"12": "quorum"})
        cluster.await_signer("1")
        cluster.cut(["1", "2"])
        cluster.await_verdicts({"1": "claim", "2": "claim"})
        cluster.await_signer("")
        cluster.rejoin("2")
        cluster.await_verdicts({"1": "claim", "2": "quorum"})
        cluster.await_signer("2")
        cluster.check()


def test_two_nodes_and_an_arbiter(tmp_path):
    """The side of the arbiter goes on, which itself runs nothing; without it the two are enough."""
    with running(tmp_path, Story(ARBITER, 3, "node1", ())) as cluster:
        cluster.cut(["1", "23"])
        cluster.await_verdicts({"1": "none", "23": "quorum"})
        cluster.await_signer("2")
        nodes = status_of(cluster["3"].shell("--json", "status"))["nodes"]
        assert {node["node"]: node["state"] for node in nodes} == {
            "node1": "offline",
            "node2": "online",
            "node3": "arbiter",
        }
        cluster.rejoin("123")
        cluster.await_verdicts({"123": "quorum"})
        cluster.await_signer("1")
        cluster.cut(["12", "3"])
        cluster.await_verdicts({"12": "quorum", "3": "none"})
        assert cluster.signer() == "node1"
        assert "arbiter lost" in cluster["1"].shell("status").out
        assert {interval.node for interval in cluster.intervals()} == {"node1", "node2"}
        cluster.check()


@pytest.mark.parametrize("nodes", [2, 4])
def test_of_two_halves_the_one_that_has_the_disk_goes_on(tmp_path, nodes):
    """It is the half of the DC, which holds the disk's vote; when it dies, nobody else has what it acknowledged."""
    story = Story(DISK_SCHEME, nodes, "node1", ())
    everybody = "1234"[:nodes]
    halves = [everybody[: nodes // 2], everybody[nodes // 2 :]]
    with running(tmp_path, story) as cluster:
        dc = cluster.dc("1")
        ours, theirs = halves if dc in halves[0] else reversed(halves)
        cluster.cut(halves)
        cluster.await_verdicts({ours: "quorum", theirs: "none"})
        cluster.await_signer(ours)
        cluster[dc].shell("--yes", "configure", "property", "batch-limit=7").ok()
        for digit in ours:
            cluster[digit].cut_power()
        cluster.await_signer("")
        cluster.await_verdicts({theirs: "none"})
        for digit in ours:
            cluster[digit].boot()
            cluster[digit].start_daemon()
        cluster.cut([everybody])
        cluster.await_verdicts({everybody: "quorum"})
        assert "batch-limit=7" in cluster[theirs[0]].shell("configure", "show").ok().out
        cluster.await_signer(everybody)
        cluster.check()


def test_the_disk_goes_on_with_whoever_is_left_of_two(tmp_path):
    """The DC dies, and everything that it acknowledged is on the other node as well: that one goes on, alone."""
    story = Story(DISK_SCHEME, 2, "node1", ())
    with running(tmp_path, story) as cluster:
        dc = cluster.dc("1")
        other = "12".replace(dc, "")
        cluster[dc].cut_power()
        cluster.await_verdicts({other: "quorum"})
        cluster.await_signer(other)
        cluster.check()


def test_a_disk_that_is_gone_is_told_and_missed_when_it_decides(tmp_path):
    story = Story(DISK_SCHEME, 2, "node1", ())
    with running(tmp_path, story) as cluster:
        assert "quorum disk" not in cluster.notices("1")
        header = cluster.put_header(bytes(BLOCK_BYTES))
        wait_until(lambda: all("has no vote here" in cluster.notices(d) for d in "12"), LIMIT_S, "both tell of it")
        wait_until(lambda: cluster.dc("1") in "12", LIMIT_S, "two of three votes are a quorum")
        cluster.cut(["1", "2"])
        cluster.await_verdicts({"1": "none", "2": "none"})
        cluster.await_signer("")
        cluster.put_header(header)
        cluster.cut(["12"])
        cluster.await_verdicts({"12": "quorum"})
        cluster.await_signer("12")
        cluster.check()
