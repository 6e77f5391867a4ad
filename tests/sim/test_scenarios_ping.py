"""Ping nodes keep the side that is cut off from taking over, and do nothing else (SAFETY.md 34, arbiter)."""

from __future__ import annotations

import pytest

from hashelld.core.settings import Watchdog
from tests.sim.modes import Mode
from tests.sim.scenario import (
    confirm_off,
    finish,
    ids_of,
    is_alone,
    leave,
    mark_commit,
    pair,
    settled,
    shots,
    stand_alone,
    starts,
    status_of,
    was_acknowledged,
)
from tests.sim.world import SimWorld


def running(world: SimWorld, name: str) -> list[str]:
    return world.host(name).agents.active()


@pytest.mark.parametrize("seed", range(1, 5))
def test_ping_both_sides_see(seed: int) -> None:
    """A filter between the nodes alone: ping excludes nobody, fencing does. One goes on with all of the log."""
    world = settled(2, seed=seed, mode=Mode.PING)
    mark = mark_commit(world, "n1", "mark-both")
    world.until(lambda: was_acknowledged(mark), 5_000, "both acknowledge")
    world.isolate("n1")
    world.until(lambda: any(is_alone(world, name) for name in world.names), 20_000, "one stands alone")
    assert shots(world)
    assert "mark-both" in ids_of(finish(world))


def test_ping_gives_no_vote() -> None:
    """Both halves of four reach the ping node: the one with the tie-breaker goes on, and only that one."""
    world = settled(4, mode=Mode.PING)
    world.boots_fenced = False
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(8_000)
    assert set(world.dcs()) < {"n1", "n2"}
    assert {by for by, _ in shots(world)} <= {"n1", "n2"}
    finish(world)


@pytest.mark.parametrize("cut_off", ["n1", "n2"])
@pytest.mark.parametrize("stonith", [True, False])
def test_the_side_without_a_gateway_neither_fences_nor_takes_over(cut_off: str, *, stonith: bool) -> None:
    """Its cable is pulled: it stops what it runs, and the other one goes on, with fencing and without."""
    world = settled(2, mode=Mode.PING, stonith=stonith)
    world.boots_fenced = False
    winner = "n2" if cut_off == "n1" else "n1"
    began = world.timeline.now
    world.host(winner).agents.broken |= {(cut_off, "off"), (cut_off, "reboot")}
    world.lose_gateway(cut_off)
    world.isolate(cut_off)
    world.until(lambda: not running(world, cut_off), 10_000, f"{cut_off} stops everything")
    assert "may be the one that is cut off" in " ".join(status_of(world, cut_off).notices)
    world.host(winner).agents.broken.clear()
    stand_alone(world, winner, 20_000)
    world.until(lambda: world.active_on("alpha") == [winner], 20_000, f"{winner} took over")
    assert all(by == winner for by, _ in shots(world, began))
    assert starts(world, "alpha", began) in ([], [winner])
    finish(world)


def test_nobody_reaches_the_gateway() -> None:
    """Neither side takes over; the first that reaches it again does."""
    world = settled(2, mode=Mode.PING)
    world.boots_fenced = False
    began = world.timeline.now
    world.lose_gateway("n1", "n2")
    world.run(5_000)
    assert len(world.dcs()) == 1, "it is asked only when the peer is lost"
    world.isolate("n1")
    world.run(15_000)
    assert world.dcs() == []
    assert shots(world, began) == []
    assert not running(world, "n1")
    assert not running(world, "n2")
    world.find_gateway("n2")
    stand_alone(world, "n2", 20_000)
    assert {by for by, _ in shots(world, began)} == {"n2"}
    finish(world)


@pytest.mark.parametrize("stonith", [True, False])
def test_the_gateway_answers_a_moment_before_the_peer_is_heard(*, stonith: bool) -> None:
    """A cable is put back: the node that was cut off neither fences the one that took over nor starts beside it."""
    world = settled(2, mode=Mode.PING, stonith=stonith)
    world.boots_fenced = False
    world.lose_gateway("n1")
    world.isolate("n1")
    stand_alone(world, "n2", 20_000)
    world.run(15_000)
    if stonith:
        world.host("n1").boot()
        world.run(15_000)
    began = world.timeline.now
    world.find_gateway("n1")
    world.until(lambda: any(status_of(world, "n1").quorum.pings.values()), 5_000, "the gateway answers n1")
    world.run(300)
    assert world.active_on("alpha") == ["n2"]
    world.heal()
    world.until(lambda: len(world.dcs()) == 1, 20_000, "one DC")
    finish(world)
    assert shots(world, began) == []


@pytest.mark.parametrize("seed", range(1, 4))
def test_ping_lost_after_claim(seed: int) -> None:
    """A DC whose peer is off is not unmade by a silent gateway, and may come back after a crash of its own."""
    world = settled(2, seed=seed, mode=Mode.PING)
    world.boots_fenced = False
    sole, gone = pair(world)
    world.host(gone).power_cut()
    stand_alone(world, sole)
    world.lose_gateway(sole)
    began = world.timeline.now
    world.run(20_000)
    assert is_alone(world, sole)
    assert world.active_on("alpha") == [sole]
    assert "no answer" in " ".join(status_of(world, sole).notices)
    world.host(sole).crash_daemon(500)
    world.run(1_000)
    stand_alone(world, sole)
    assert shots(world, began) == []
    finish(world)


def test_gateway_and_peer_die_together() -> None:
    """The price: nobody takes over by itself. The administrator may say that the peer is off."""
    world = settled(2, mode=Mode.PING)
    world.boots_fenced = False
    sole, gone = pair(world)
    world.lose_gateway(sole, gone)
    world.host(gone).power_cut()
    world.run(20_000)
    assert world.dcs() == []
    confirm_off(world, sole, gone)
    stand_alone(world, sole)
    finish(world)


def test_a_clean_leave_asks_nobody() -> None:
    """What is known to be off contests nothing, whether or not a gateway answers."""
    world = settled(2, mode=Mode.PING)
    stays, leaver = pair(world)
    world.lose_gateway(stays)
    world.host(leaver).is_wanted = False
    leave(world, leaver)
    stand_alone(world, stays)
    assert world.active_on("alpha") == [stays]
    finish(world)


def test_a_half_that_is_cut_off_does_not_stand() -> None:
    """The tie-breaker's half does not reach the ping node: nobody goes on, until it does."""
    world = settled(4, mode=Mode.PING, stonith=False)
    world.lose_gateway("n1", "n2")
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(15_000)
    assert world.dcs() == []
    world.find_gateway("n1", "n2")
    world.until(lambda: len(world.dcs()) == 1, 10_000, "a DC of the tie-breaker's half")
    assert set(world.dcs()) < {"n1", "n2"}
    finish(world)


def test_a_majority_asks_nobody() -> None:
    world = settled(4, mode=Mode.PING)
    world.lose_gateway(*world.names)
    world.host(world.dc()).power_cut()
    world.until(lambda: len(world.dcs()) == 1, 10_000, "three of four elect another")
    finish(world)


def test_one_of_a_half_reaches_it_and_leads() -> None:
    """Each asks for itself: of two that are half of the votes the one leads that is not cut off."""
    world = settled(4, mode=Mode.PING, stonith=False)
    world.lose_gateway("n1")
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.until(lambda: world.dcs() == ["n2"], 15_000, "n2 leads")
    finish(world)


def test_who_is_cut_off_and_cannot_stop_is_ended_by_its_watchdog() -> None:
    """Of a pair, the side without a gateway does not freeze: what it does not get stopped, its watchdog ends."""
    watchdog = Watchdog(timeout_ms=2_000, stop_budget_ms=4_000)
    world = settled(2, mode=Mode.PING, stonith=False, watchdog=watchdog)
    world.boots_fenced = False
    world.host("n1").agents.broken.add(("*", "stop"))
    world.lose_gateway("n1")
    world.isolate("n1")
    stand_alone(world, "n2", 20_000)
    assert [name for _, name in world.resets] == ["n1"]
    finish(world)
