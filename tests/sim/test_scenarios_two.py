"""Two nodes: claims, their fencing, and who may go on alone (SAFETY.md, two nodes)."""

from __future__ import annotations

import pytest

from hashelld.wire.client import Committed, GetCib
from tests.sim.configuration import properties
from tests.sim.scenario import (
    confirm_off,
    confirmations,
    finish,
    ids_of,
    is_alone,
    leave,
    mark_commit,
    other,
    pair,
    settled,
    shots,
    shown_by,
    stand_alone,
    starts,
    status_of,
    was_acknowledged,
)


def test_two_commit_then_peer_claims() -> None:
    """One disk of two acknowledges nothing while the peer may be up: the peer may become DC without the commit."""
    world = settled(2)
    dc, peer = pair(world)
    world.host(dc).agents.slow_ms["*", "off"] = world.host(dc).agents.slow_ms["*", "reboot"] = 60_000
    world.isolate(dc)
    asked = mark_commit(world, dc, "mark-unsafe")
    stand_alone(world, peer)
    assert not was_acknowledged(asked)
    assert shots(world)[-1] in ((peer, dc), (dc, peer))
    mark = mark_commit(world, peer, "mark-safe")
    world.until(lambda: was_acknowledged(mark), 10_000, "the sole node acknowledges")
    present = ids_of(finish(world))
    assert "mark-safe" in present
    assert "mark-unsafe" not in present


def test_two_sole_commit_peer_boots_before_sync() -> None:
    """Having seen the peer is not being in sync: the newcomer may not claim with its old document."""
    world = settled(2)
    sole, late = pair(world)
    world.boots_fenced = False
    world.host(late).power_cut()
    stand_alone(world, sole)
    world.committed(sole, properties(stonith_enabled="true", stop_all_resources="false"))
    mark = mark_commit(world, sole, "mark-alone")
    world.until(lambda: was_acknowledged(mark), 5_000, "the sole node acknowledges")
    world.cut_way(sole, late, ("messages",))
    world.cut_way(late, sole, ("messages",))
    world.host(late).boot()
    world.run(1_500)
    began = world.timeline.now
    world.host(sole).power_cut()
    world.run(30_000)
    assert world.dcs() == []
    assert shots(world, began) == []
    assert "mark-alone" in ids_of(finish(world))


def test_two_survivor_power_cycles() -> None:
    """The peer is off for good; the survivor's disk says that it votes alone: it goes on alone."""
    world = settled(2)
    sole, gone = pair(world)
    world.boots_fenced = False
    world.host(gone).power_cut()
    stand_alone(world, sole)
    world.host(sole).power_cut()
    world.run(2_000)
    world.host(sole).boot()
    stand_alone(world, sole, 15_000)
    world.until(lambda: world.active_on("alpha") == [sole], 15_000, "its resources run again")
    finish(world)


def test_two_returning_peer_alone_waits() -> None:
    """The node that was fenced comes back alone: its electorate of both needs both."""
    world = settled(2)
    sole, fenced = pair(world)
    world.boots_fenced = False
    world.host(fenced).power_cut()
    stand_alone(world, sole)
    mark = mark_commit(world, sole, "mark-alone")
    world.until(lambda: was_acknowledged(mark), 5_000, "the sole node acknowledges")
    world.host(sole).power_cut()
    world.host(fenced).boot()
    began = world.timeline.now
    world.run(30_000)
    assert world.dcs() == []
    assert shots(world, began) == []
    assert world.checkers.starts[-1][0] < began
    assert "mark-alone" in ids_of(finish(world))


def test_two_both_cold_one_boots() -> None:
    """Both were off; one alone waits for the other, and fences nobody."""
    world = settled(2)
    world.host("n1").power_cut()
    world.host("n2").power_cut()
    world.run(1_000)
    began = world.timeline.now
    world.host("n1").boot()
    world.run(40_000)
    assert world.dcs() == []
    assert shots(world, began) == []
    assert world.active_on("alpha") == []
    finish(world)


@pytest.mark.parametrize("seed", range(1, 9))
def test_two_mutual_fence_race(seed: int) -> None:
    """Both lose each other and both fence: whoever survives keeps what was acknowledged."""
    world = settled(2, seed=seed)
    asked = [mark_commit(world, name, f"mark-{name}") for name in world.names]
    world.run(5)
    world.isolate("n1")
    world.run(20_000)
    assert len(world.dcs()) <= 1
    world.heal()
    world.run(5_000)
    assert asked[0].answer is None or asked[0].answers
    finish(world)


def test_two_fence_fails_freeze_then_confirm() -> None:
    """While fencing fails the survivor freezes: nothing stops, nothing is taken over, until somebody vouches."""
    world = settled(2)
    survivor, lost = pair(world)
    before = [name for name in ("alpha", "beta", "gamma", "service") if world.active_on(name) == [survivor]]
    theirs = [name for name in ("alpha", "beta", "gamma", "service") if world.active_on(name) == [lost]]
    world.host(survivor).agents.broken |= {("*", "off"), ("*", "reboot"), (lost, "off"), (lost, "reboot")}
    world.host(lost).power_cut()
    world.run(20_000)
    assert (survivor, lost) in shots(world)
    assert not is_alone(world, survivor)
    assert all(world.active_on(name) == [survivor] for name in before)
    assert all(world.active_on(name) == [] for name in theirs)
    confirm_off(world, survivor, lost)
    stand_alone(world, survivor, 5_000)
    world.until(lambda: all(world.active_on(name) == [survivor] for name in theirs), 20_000, "taken over")
    finish(world)


def test_two_confirmation_after_reboot() -> None:
    """The victim is back before its fencing is confirmed: the confirmation is of another incarnation, and void."""
    world = settled(2)
    survivor, victim = pair(world)
    slow = world.host(survivor).agents.slow_ms
    slow["*", "off"] = slow["*", "reboot"] = 9_000
    world.boots_fenced = False
    world.isolate(survivor)
    world.host(victim).agents.broken |= {("*", "off"), ("*", "reboot")}
    world.until(lambda: not world.host(victim).is_powered, 20_000, "the device acts")
    world.heal()
    world.host(victim).boot()
    again = world.daemon(victim).incarnation
    world.run(20_000)
    assert all(c.incarnation < again for name in world.names for c in confirmations(world, name))
    assert not is_alone(world, victim)
    finish(world)


def test_two_fabric_only_may_not_claim() -> None:
    """Cutting the peer off its storage does not end its daemon: no claim comes of it."""
    world = settled(2, device_agent="fence_scsi")
    survivor, lost = pair(world)
    world.host(lost).power_cut()
    world.run(20_000)
    assert not is_alone(world, survivor)
    confirm_off(world, survivor, lost)
    stand_alone(world, survivor, 5_000)
    finish(world)


def test_two_maintenance_peer_lost() -> None:
    """In maintenance-mode no device is called; a confirmation ends the claim, and then maintenance can be ended."""
    world = settled(2)
    survivor, lost = pair(world)
    world.committed(survivor, properties(stonith_enabled="true", maintenance_mode="true"))
    began = world.timeline.now
    world.host(lost).power_cut()
    world.run(15_000)
    assert shots(world, began) == []
    assert not is_alone(world, survivor)
    confirm_off(world, survivor, lost)
    stand_alone(world, survivor, 5_000)
    world.committed(survivor, properties(stonith_enabled="true"))
    world.until(lambda: world.active_on("alpha") == [survivor], 20_000, "taken over")
    finish(world)


@pytest.mark.parametrize("leaver_is_dc", [False, True])
def test_two_clean_leave_stands_for_fencing(leaver_is_dc: bool) -> None:
    """A node that left cleanly need not be fenced: the other goes on alone."""
    world = settled(2)
    dc, peer = pair(world)
    leaver, stays = (dc, peer) if leaver_is_dc else (peer, dc)
    began = world.timeline.now
    world.host(leaver).is_wanted = False
    leave(world, leaver)
    assert world.host(leaver).agents.active() == []
    stand_alone(world, stays, 15_000)
    world.until(lambda: world.active_on("alpha") == [stays], 15_000, "moved")
    assert shots(world, began) == []
    mark = mark_commit(world, stays, "mark-alone")
    world.until(lambda: was_acknowledged(mark), 5_000, "the sole node acknowledges")
    assert "mark-alone" in ids_of(finish(world))


@pytest.mark.parametrize("is_fenced", [True, False])
def test_two_blank_peer_readmitted(is_fenced: bool) -> None:
    """A peer whose disk was replaced is removed, filled and added again; its join stands for its fencing."""
    world = settled(2)
    stays, blank = pair(world)
    world.boots_fenced = False
    if is_fenced:
        world.host(blank).power_cut()
        stand_alone(world, stays)
    else:
        world.host(blank).crash_daemon()
    world.host(blank).disk.wipe(set_aside=True)
    world.checkers.forget(world.host(blank).name)
    if is_fenced:
        world.host(blank).boot()
    else:
        world.host(blank).start_daemon()
    world.boots_fenced = True
    finish(world)
    electorate = world.host(stays).disk.content.electorate
    assert electorate is not None
    assert set(electorate.votes) == {"n1", "n2"}
    assert world.host(blank).disk.content.may_vote


def test_two_unsafe_heal_history_lost() -> None:
    """Without fencing both sides go on; after healing one history is kept, the other is set aside and told."""
    world = settled(2, stonith=False)
    world.isolate("n1")
    for name in world.names:
        stand_alone(world, name)
    both = {name: mark_commit(world, name, f"mark-{name}") for name in world.names}
    world.until(lambda: all(map(was_acknowledged, both.values())), 5_000, "both acknowledge")
    assert all(isinstance(a.answer, Committed) and a.answer.warning for a in both.values())
    assert status_of(world, "n1").quorum.unsafe
    present = ids_of(finish(world))
    assert len(present & {"mark-n1", "mark-n2"}) == 1
    loser = "n1" if "mark-n2" in present else "n2"
    assert any("history" in notice for notice in status_of(world, loser).notices)


def test_two_peer_dies_and_returns() -> None:
    """The plainest failover: the peer's resources are taken over after its fencing, once."""
    world = settled(2)
    survivor, lost = pair(world)
    theirs = [name for name in ("alpha", "beta", "gamma", "service") if world.active_on(name) == [lost]]
    began = world.timeline.now
    world.host(lost).power_cut()
    stand_alone(world, survivor, 5_000)
    world.until(lambda: all(world.active_on(name) == [survivor] for name in theirs), 10_000, "taken over")
    assert all(starts(world, name, began) == [survivor] for name in theirs)
    assert shown_by(world, survivor).version.epoch.node == survivor
    assert world.ask(other(world, survivor), GetCib()).answer is None
    finish(world)
