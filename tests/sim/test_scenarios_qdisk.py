"""The quorum disk: whom it gives its vote, what it remembers, and what happens without it (SAFETY.md, arbiter)."""

from __future__ import annotations

import pytest

from hashelld.core.disk_vote import NOTICE
from hashelld.model.ids import NO_VERSION, Epoch, NodeId
from hashelld.wire.log import DISK
from tests.core.test_quorum_matrix import DISK_SCHEME, Row, rows
from tests.sim.modes import WINDOW_MS, Mode
from tests.sim.qdisk import INTERVAL_MS, TKO, UUID, Path, QuorumDisk
from tests.sim.scenario import (
    finish,
    ids_of,
    leave,
    mark_commit,
    other,
    pair,
    settled,
    shots,
    starts,
    status_of,
    was_acknowledged,
)
from tests.sim.test_scenarios_quorum import power_off, power_on, shrinks_to
from tests.sim.world import SimWorld


LAPSE_MS = (TKO - 2) * INTERVAL_MS
LATER_MS = LAPSE_MS + 6_000
"""After so long a vote has lapsed, and whoever could be elected is."""


def disk_of(world: SimWorld) -> QuorumDisk:
    assert world.qdisk is not None
    return world.qdisk


def with_disk(nodes: int, *, seed: int = 1, mode: Mode = Mode.DISK, stonith: bool = True) -> SimWorld:
    world = settled(nodes, seed=seed, mode=mode, stonith=stonith)
    world.boots_fenced = False
    return world


def acknowledged(world: SimWorld, by: str, name: str) -> None:
    asked = mark_commit(world, by, name)
    world.until(lambda: was_acknowledged(asked), 10_000, f"{name} is acknowledged")


def elected(world: SimWorld, *names: str, within_ms: int = 20_000) -> None:
    world.until(lambda: len(world.dcs()) == 1 and world.dcs()[0] in names, within_ms, f"a DC of {names}")


def notices(world: SimWorld, name: str) -> str:
    return world.daemon(name).node.standing.notices.get(NOTICE, "")


def disk_rows() -> list[Row]:
    return [row for row in rows() if row["scheme"] == DISK_SCHEME]


@pytest.mark.parametrize("row", disk_rows(), ids=lambda row: f"{row['live_partitions']} {row['context']}")
def test_cut(row: Row) -> None:
    """The table says who goes on; of two halves that both see the disk it is the one where the DC is."""
    world = with_disk(int(row["nodes"]), seed=int(row["nodes"]))
    live = [[f"n{number}" for number in part] for part in row["live_partitions"].split("|")]
    chosen = [f"n{number}" for number in row["survivors"].strip("-")]
    if row["context"].startswith("side of node 1"):
        disk_of(world).set_path(Path.FAILS, *live[0])
    elif row["context"].startswith("nobody"):
        disk_of(world).set_path(Path.FAILS)
    elif len(live) == 2 and len(live[0]) == len(live[1]):
        chosen = next(part for part in live if world.dc() in part)
    world.run(2 * INTERVAL_MS)
    power_off(world, *(name for name in world.names if not any(name in part for part in live)))
    world.partition(*live)
    world.run(LATER_MS + 4_000)
    assert len(world.dcs()) == bool(chosen)
    assert set(world.dcs()) <= set(chosen)
    assert all(by in chosen for by, _ in shots(world))
    finish(world)


def test_a_pair_goes_on_without_its_dc() -> None:
    """The other node asks the disk as soon as the DC's counter stands still; nobody waits for a lease."""
    world = with_disk(2)
    dc, member = pair(world)
    world.host(dc).power_cut()
    elected(world, member, within_ms=6 * INTERVAL_MS + 2_000)
    assert "the quorum disk votes here" in status_of(world, member).quorum.verdict
    acknowledged(world, member, "mark-alone")
    world.until(lambda: world.active_on("alpha") == [member], 20_000, "it took over")
    assert "mark-alone" in ids_of(finish(world))


def test_a_pair_whose_member_dies_keeps_its_dc() -> None:
    """The DC holds the disk's vote all the time: it stays in office, and nothing is interrupted."""
    world = with_disk(2)
    dc, member = pair(world)
    epoch = world.daemon(dc).node.standing.epoch
    world.host(member).power_cut()
    world.run(5_000)
    assert world.dcs() == [dc]
    assert world.daemon(dc).node.standing.epoch == epoch
    assert shots(world) == [(dc, member)] * len(shots(world))
    finish(world)


def test_a_clean_leave_stands_for_fencing() -> None:
    """Whoever of two leaves, the other goes on at once, with the disk; nobody is fenced."""
    for leaves_first in (True, False):
        world = with_disk(2)
        dc, member = pair(world)
        gone, left = (dc, member) if leaves_first else (member, dc)
        world.host(gone).is_wanted = False
        leave(world, gone)
        elected(world, left, within_ms=5_000)
        acknowledged(world, left, "mark-left")
        assert shots(world) == []
        assert "mark-left" in ids_of(finish(world))


@pytest.mark.parametrize("seed", range(1, 4))
def test_disk_commit_then_other_node(seed: int) -> None:
    """What one node and the disk acknowledged is not lost when that node dies and the other starts (SAFETY.md 3)."""
    world = with_disk(2, seed=seed)
    dc, member = pair(world)
    power_off(world, member)
    world.run(3_000)
    acknowledged(world, dc, "mark-with-disk")
    assert disk_of(world).vouched > NO_VERSION
    power_off(world, dc)
    power_on(world, member)
    world.run(LATER_MS)
    assert world.dcs() == []
    power_on(world, dc)
    elected(world, dc, member)
    assert "mark-with-disk" in ids_of(finish(world))


def test_an_entry_that_both_stored_needs_no_disk() -> None:
    """While both are in contact the disk vouches for nothing: the other goes on whenever one of them dies."""
    world = with_disk(2)
    dc, member = pair(world)
    before = disk_of(world).vouched
    acknowledged(world, dc, "mark-both")
    assert disk_of(world).vouched == before
    world.host(dc).power_cut()
    elected(world, member)
    assert "mark-both" in ids_of(finish(world))


@pytest.mark.parametrize("seed", range(1, 13))
def test_disk_bid_crosses_vouch(seed: int) -> None:
    """The DC's disk is slow, so that the other half bids while an entry is being vouched for: one of them sees it."""
    world = with_disk(2, seed=seed, stonith=False)
    dc, member = pair(world)
    disk = disk_of(world)
    disk.slow_ms[NodeId(dc)] = 900 + 130 * seed
    world.isolate(dc)
    world.run(500 + 97 * seed)
    asked = [mark_commit(world, dc, f"mark-{number}") for number in range(3)]
    world.run(1_000)
    asked += [mark_commit(world, name, f"mark-{name}") for name in (dc, member)]
    world.run(LATER_MS)
    kept = {one.request.id for one in asked if was_acknowledged(one)}  # type: ignore[union-attr]
    assert kept <= ids_of(finish(world))


@pytest.mark.parametrize("seed", range(1, 9))
def test_disk_both_bid_same_number(seed: int) -> None:
    """Two that cannot hear each other ask for the same number: at most one gets it, and one of them goes on."""
    world = with_disk(2, seed=seed)
    for name in world.names:
        world.host(name).power_cut()
    world.partition(["n1"], ["n2"])
    disk = disk_of(world)
    for name in world.names:
        disk.slow_ms[name] = 40  # So that both have written before one has read.
        world.host(name).boot()
    elected(world, "n1", "n2", within_ms=30_000)
    finish(world)


def test_both_refuse_each_other_when_both_have_written() -> None:
    """With the same number on the disk twice, neither gets the vote: both ask again, with higher ones."""
    world = with_disk(2, seed=3)
    for name in world.names:
        world.host(name).power_cut()
    world.partition(["n1"], ["n2"])
    disk = disk_of(world)
    world.boot()
    world.until(lambda: "n1" in world.dcs() or "n2" in world.dcs(), 30_000, "one of them")
    numbers = [found.promised.number for name in world.names if (found := disk.sector(name)) is not None]
    assert len(world.dcs()) == 1
    assert world.daemon(world.dc()).node.standing.promised == max(numbers)
    finish(world)


def test_a_promise_to_nobody_costs_no_service() -> None:
    """A node asked for the vote and died: a DC with a quorum of nodes goes on, with a higher number."""
    world = with_disk(4)
    dc = world.dc()
    gone = other(world, dc)
    power_off(world, gone)
    world.run(10_000)
    dc = world.dc()
    number = world.daemon(dc).node.standing.promised + 5
    began = world.timeline.now
    disk_of(world).put(gone, Epoch(number, NodeId(gone)))
    world.until(lambda: world.dcs() == [dc] and world.daemon(dc).node.standing.promised > number, 5_000, "it goes on")
    world.run(5_000)
    assert world.dcs() == [dc]
    assert world.daemon(dc).node.standing.disk.held
    assert [start for name in ("alpha", "beta", "gamma") for start in starts(world, name, began)] == []
    finish(world)


def test_disk_torn_sector() -> None:
    """A sector of which nothing is readable may have vouched for anything: nobody gets the vote (SAFETY.md 38)."""
    world = with_disk(2)
    dc, member = pair(world)
    power_off(world, member)
    world.run(3_000)
    acknowledged(world, dc, "mark-vouched")
    power_off(world, dc)
    disk_of(world).damage(dc, is_whole=True)
    power_on(world, member)
    world.run(LATER_MS)
    assert world.dcs() == []
    assert "unreadable" in notices(world, member)
    power_on(world, dc)
    elected(world, dc, member)
    assert "mark-vouched" in ids_of(finish(world))
    assert notices(world, member) == notices(world, dc) == ""


def test_a_torn_copy_leaves_the_one_before() -> None:
    """A daemon that died while it wrote: the other copy counts, and the other node goes on."""
    world = with_disk(2)
    dc, member = pair(world)
    world.host(dc).power_cut()
    disk_of(world).damage(dc, is_whole=False)
    elected(world, member)
    finish(world)


@pytest.mark.parametrize("path", [Path.HANGS, Path.FAILS])
def test_disk_hangs(path: Path) -> None:
    """A DC whose disk hangs keeps its office while the nodes are enough; of a half, until its vote has lapsed."""
    world = with_disk(4)
    dc = world.dc()
    half = [dc, other(world, dc)]
    rest = [name for name in world.names if name not in half]
    disk_of(world).set_path(path, *half)
    world.run(LATER_MS)
    assert world.dcs() == [dc]
    assert "has no vote here" in notices(world, dc)
    assert status_of(world, dc).quorum.disk == notices(world, dc)
    world.partition(half, rest)
    elected(world, *rest)
    assert all(by in rest for by, _ in shots(world))
    finish(world)
    assert notices(world, dc) == ""


def test_a_hanging_disk_stops_a_half_when_its_vote_lapses() -> None:
    """Nobody sees the disk any more: the half that held its vote goes on until it lapses, and then waits."""
    world = with_disk(2, stonith=False)
    dc, _ = pair(world)
    world.isolate(dc)
    world.run(3_000)
    assert world.dcs() == [dc]
    disk_of(world).set_path(Path.HANGS)
    world.run(LAPSE_MS // 2)
    assert world.dcs() == [dc]
    asked = mark_commit(world, dc, "mark-hanging")
    world.run(LAPSE_MS)
    assert world.dcs() == []
    assert not was_acknowledged(asked)
    assert status_of(world, dc).quorum.has_quorum is False
    finish(world)


def test_what_hung_is_not_believed_later() -> None:
    """The DC's vouching hangs until the other half was elected: it sees that, and acknowledges nothing."""
    world = with_disk(2, stonith=False)
    dc, member = pair(world)
    disk_of(world).set_path(Path.HANGS, dc)
    world.isolate(dc)
    asked = mark_commit(world, dc, "mark-late")
    elected_by_member = mark_commit(world, member, "mark-other")
    world.until(lambda: member in world.dcs(), 20_000, "the other half is elected")
    disk_of(world).set_path(Path.WELL, dc)
    world.run(2_000)
    assert world.dcs() == [member]
    assert not was_acknowledged(asked)
    shown = ids_of(finish(world))
    assert "mark-late" not in shown
    assert was_acknowledged(elected_by_member) is ("mark-other" in shown)


def test_disk_replaced() -> None:
    """Another uuid is another arbiter: it is reported, not written, and has no vote on any side (SAFETY.md 9)."""
    world = with_disk(4)
    disk_of(world).replace("another")
    world.run(2_000)
    blank = bytes(disk_of(world).data)
    world.run(2_000)
    assert bytes(disk_of(world).data) == blank
    assert "it is another disk" in notices(world, world.dc())
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(LATER_MS)
    assert world.dcs() == []
    assert shots(world) == []
    world.heal()
    elected(world, *world.names)


def test_disk_local_store_first() -> None:
    """The disk never vouches for what its node may not have: the other one would wait for it in vain (SAFETY.md 4)."""
    world = with_disk(2)
    dc, member = pair(world)
    world.isolate(dc)
    world.run(3_000)
    before = disk_of(world).vouched
    world.host(dc).disk.stall(3_000)
    asked = mark_commit(world, dc, "mark-stalled")
    world.run(1_000)
    assert disk_of(world).vouched == before
    world.host(dc).power_cut()
    stored = world.host(dc).disk.content.version
    assert disk_of(world).vouched <= stored
    assert not was_acknowledged(asked)
    finish(world)
    del member


@pytest.mark.parametrize("seed", range(1, 5))
def test_four_halves_with_disk(seed: int) -> None:
    """Two and two: the half of the DC goes on, the other one waits; without the disk it is the other one's turn."""
    world = with_disk(4, seed=seed, stonith=False)
    dc = world.dc()
    half = [dc, other(world, dc)]
    rest = [name for name in world.names if name not in half]
    world.partition(half, rest)
    world.run(LATER_MS)
    assert world.dcs() == [dc]
    acknowledged(world, dc, "mark-half")
    began = world.timeline.now
    disk_of(world).set_path(Path.FAILS, *half)
    world.run(LATER_MS)
    assert world.dcs() == []  # The other half lacks what the disk vouches for.
    assert starts(world, "alpha", began) == []
    world.heal()
    elected(world, *world.names)
    world.run(5_000)
    dc = world.dc()
    half = [dc, other(world, dc)]
    rest = [name for name in world.names if name not in half]
    disk_of(world).set_path(Path.FAILS, *half)
    world.partition(half, rest)
    elected(world, *rest)
    acknowledged(world, world.dc(), "mark-rest")
    assert {"mark-half", "mark-rest"} <= ids_of(finish(world))


def test_parity_change_with_disk() -> None:
    """The disk votes while the nodes are even: of three it has no vote, of two it has, and so one goes on alone."""
    world = with_disk(4, mode=Mode.SHRINKING_DISK)
    power_off(world, "n4")
    shrinks_to(world, "n1", "n2", "n3")
    assert status_of(world, "n1").quorum.total == 3
    power_off(world, "n3")
    shrinks_to(world, "n1", "n2")
    assert status_of(world, "n1").quorum.total == 3
    power_off(world, "n2")
    shrinks_to(world, "n1")
    assert status_of(world, "n1").quorum.total == 1
    acknowledged(world, "n1", "mark-last")
    power_off(world, "n1")
    power_on(world, "n2", "n3", "n4")
    world.run(LATER_MS + WINDOW_MS)
    assert world.dcs() == []
    power_on(world, "n1")
    assert "mark-last" in ids_of(finish(world))
    shrinks_to(world, *world.names)
    assert status_of(world, "n1").quorum.total == 5


def test_a_restored_store_is_older_than_its_sector() -> None:
    """Its own sector remembers what a node stored, promised and counted: with an older store it does not vote."""
    world = with_disk(2)
    dc, member = pair(world)
    snapshot = world.host(dc).disk.snapshot()
    power_off(world, member)
    world.run(3_000)
    acknowledged(world, dc, "mark-after")
    power_off(world, dc)
    kept = world.host(dc).disk.snapshot()
    world.checkers.forget(NodeId(dc))
    world.host(dc).disk.restore(snapshot)
    power_on(world, dc)
    world.run(LATER_MS)
    assert world.dcs() == []
    assert world.daemon(dc).node.standing.may_vote is False
    power_off(world, dc)
    world.host(dc).disk.restore(kept)
    world.checkers.forget(NodeId(dc))
    finish(world)


def test_nobody_founds_on_a_disk_that_remembers() -> None:
    """All stores are wiped, and the disk is not: its cluster existed, so another one needs a new disk."""
    world = with_disk(2)
    for name in world.names:
        world.host(name).power_cut()
        world.host(name).disk.wipe(set_aside=False)
        world.checkers.forget(name)
        world.host(name).boot()
    world.run(15_000)
    assert world.dcs() == []


def test_nobody_founds_without_the_disk() -> None:
    """Its uuid is part of the first electorate, so it has to be read; one that hangs is waited for."""
    world = SimWorld(2, mode=Mode.DISK)
    disk_of(world).set_path(Path.HANGS)
    world.boot()
    world.run(10_000)
    assert world.dcs() == []
    disk_of(world).set_path(Path.WELL)
    elected(world, *world.names)
    found = world.daemon("n1").node.standing.electorate
    assert found.arbiter == DISK + UUID
    half = SimWorld(2, mode=Mode.DISK)
    half.boot("n1")
    half.run(15_000)
    assert half.dcs() == []
