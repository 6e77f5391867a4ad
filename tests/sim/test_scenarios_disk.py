"""Stores that fail: crashes before a sync, flipped bytes, full disks, EIO, slow writes (RELIABILITY.md, storage)."""

from __future__ import annotations

import pytest

from hashelld.model.ids import NodeId
from hashelld.wire.client import Committed
from tests.sim.clients import Commission
from tests.sim.configuration import mark
from tests.sim.disk import Trouble
from tests.sim.modes import Mode
from tests.sim.scenario import (
    finish,
    ids_of,
    mark_commit,
    other,
    pair,
    settled,
    shots,
    starts,
    was_acknowledged,
)
from tests.sim.world import SimWorld


NAMES = ("alpha", "beta", "gamma", "service", "disk")


def may_vote(world: SimWorld, name: str) -> bool:
    """Does the store say so?"""
    content = world.host(name).disk.content
    return content.may_vote and not content.was_set_aside and content.electorate is not None


def voters(world: SimWorld, name: str) -> set[NodeId]:
    """Who votes, by a node's log."""
    electorate = world.host(name).disk.content.electorate
    return set(electorate.votes) if electorate is not None else set()


def test_unsynced_writes_are_lost_at_a_power_cut() -> None:
    """What no disk had written was told to nobody: all go dark, and nothing that was said is gone."""
    world = settled(3)
    kept = mark_commit(world, world.dc(), "mark-kept")
    world.until(lambda: was_acknowledged(kept), 5_000, "the first commit")
    for host in world.hosts.values():
        host.disk.slow_ms = 2_000
    asked = mark_commit(world, world.dc(), "mark-unsynced")
    world.run(1_000)
    assert not was_acknowledged(asked)
    for host in world.hosts.values():
        host.power_cut()
    world.run(1_000)
    assert "mark-kept" in ids_of(finish(world))


@pytest.mark.parametrize("is_dc", [True, False])
def test_flipped_bytes(is_dc: bool) -> None:
    """A corrupt store is set aside and filled again; the node votes when it was removed and added, not before."""
    world = settled(3)
    dc, member = pair(world)
    damaged = dc if is_dc else member
    world.boots_fenced = False
    world.checkers.excused.add(NodeId(damaged))
    world.host(damaged).disk.is_damaged = True
    world.host(damaged).power_cut()
    rest = [name for name in world.names if name != damaged]
    world.until(lambda: any(name in world.dcs() for name in rest), 20_000, "the others have a DC")
    keeper = world.dc()
    world.host(other(world, damaged, keeper)).power_cut()
    world.host(damaged).boot()
    world.run(2_000)
    began = world.timeline.now
    asked = mark_commit(world, keeper, "mark-alone")
    world.run(20_000)
    assert not was_acknowledged(asked), "a store that was set aside made a quorum"
    assert all(starts(world, name, began) == [] for name in NAMES)
    assert not may_vote(world, damaged)
    finish(world)
    assert may_vote(world, damaged)


def test_a_dc_beside_one_who_forgot_gives_up() -> None:
    """Who does not vote is heard, too: a DC with nobody else to store its barrier ends, and the policy acts."""
    world = settled(3)
    damaged = world.dc()
    world.boots_fenced = False
    world.checkers.excused.add(NodeId(damaged))
    world.host(damaged).disk.is_damaged = True
    world.host(damaged).power_cut()
    world.until(lambda: any(name in world.dcs() for name in world.names if name != damaged), 20_000, "another DC")
    keeper = world.dc()
    world.host(other(world, damaged, keeper)).power_cut()
    world.host(damaged).boot()
    world.run(20_000)
    assert world.dcs() == []
    assert not any(world.active_on(name) for name in NAMES)
    finish(world)


@pytest.mark.parametrize("seed", range(4))
def test_add_node_during_election(seed: int) -> None:
    """The DC dies when its log, and nobody's else, adds a node again: who is elected counts by what it holds."""
    world = settled(5, seed=seed + 1)
    dc, damaged = pair(world)
    world.boots_fenced = False
    world.checkers.excused.add(NodeId(damaged))
    world.host(damaged).disk.is_damaged = True
    world.host(damaged).crash_daemon(300)
    assert voters(world, dc) == set(world.names)
    while damaged in voters(world, dc):
        world.run(1)
    while damaged not in voters(world, dc):
        world.run(1)
    world.isolate(dc)
    world.until(lambda: any(name != dc for name in world.dcs()), 20_000, "the others elect")
    finish(world)
    assert all(voters(world, name) == set(world.names) for name in world.names)


@pytest.mark.parametrize("is_dc", [True, False])
def test_full_disk(is_dc: bool) -> None:
    """A node that cannot write stops what it runs and ends; it is back when the disk is mended."""
    world = settled(3)
    dc, member = pair(world)
    failing = dc if is_dc else member
    world.checkers.excused.add(NodeId(failing))
    world.host(failing).disk.trouble = Trouble.UNWRITABLE
    commission = Commission(world, "mark-meanwhile", (mark("mark-meanwhile"),))
    world.until(lambda: isinstance(commission.outcome, Committed), 30_000, "two of three acknowledge")
    world.until(lambda: world.host(failing).daemon is None, 30_000, "the node ends")
    world.run(20_000)
    assert world.host(failing).daemon is None, "it came up with a disk that cannot be written"
    assert world.host(failing).agents.active() == []
    world.host(failing).disk.mend()
    assert "mark-meanwhile" in ids_of(finish(world))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_dc", [True, False])
def test_fsync_eio(is_dc: bool, seed: int) -> None:
    """One fsync fails: nobody knows what is there, so the node ends and starts from what it finds."""
    world = settled(3, seed=seed + 1)
    dc, member = pair(world)
    failing = dc if is_dc else member
    world.checkers.excused.add(NodeId(failing))
    before = world.daemon(failing).incarnation
    world.host(failing).disk.trouble = Trouble.SYNC_FAILS
    commission = Commission(world, "mark-eio", (mark("mark-eio"),))
    world.until(lambda: isinstance(commission.outcome, Committed), 30_000, "the commit is acknowledged in the end")
    assert "mark-eio" in ids_of(finish(world))
    assert world.daemon(failing).incarnation != before


@pytest.mark.parametrize("nodes", [2, 3])
def test_slow_disks(nodes: int) -> None:
    """Every write takes most of a deadtime: all is slower, nobody is lost, nothing moves."""
    world = settled(nodes)
    began = world.timeline.now
    for host in world.hosts.values():
        host.disk.slow_ms = 450
    asked = [mark_commit(world, name, f"mark-{name}") for name in world.names]
    world.run(20_000)
    assert all(was_acknowledged(one) for one in asked)
    assert shots(world, began) == []
    assert all(starts(world, name, began) == [] for name in NAMES)
    finish(world)


def test_nobody_is_removed_by_too_few() -> None:
    """A heavy voter's disk fails while another node is off: who is left cannot settle an electorate without it.

    Ordered all the same, the change would block every election until the third node is back: the one who stored it
    refuses whoever did not, and needs a quorum of both electorates itself.
    """
    world = settled(3, mode=Mode.WEIGHTED, stonith=False, seed=6)
    heavy, dc = world.names[0], world.dc()
    assert dc != heavy
    absent = other(world, dc, heavy)
    world.boots_fenced = False
    world.host(absent).power_cut()
    world.run(10_000)
    before = world.daemon(heavy).incarnation
    world.checkers.excused.add(heavy)
    world.host(heavy).disk.trouble = Trouble.SYNC_FAILS
    commission = Commission(world, "mark-eio", (mark("mark-eio"),))
    world.until(lambda: isinstance(commission.outcome, Committed), 30_000, "two of three acknowledge")
    assert world.daemon(heavy).incarnation != before
    assert not world.host(absent).is_powered
    assert "mark-eio" in ids_of(finish(world))
