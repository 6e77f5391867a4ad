"""Nodes that end themselves: with watchdogs, and no fencing device, nothing is ever active twice."""

from __future__ import annotations

import pytest

from hashelld.cib.edit import Put
from hashelld.core.settings import Watchdog
from hashelld.model.ids import Millis
from hashelld.wire.client import FenceNode
from tests.sim.configuration import primitive, properties, watched
from tests.sim.modes import Mode
from tests.sim.scenario import confirmations, finish, other, settled, shots, starts, status_of
from tests.sim.world import SimWorld


WATCHDOG = Watchdog(timeout_ms=2_000, stop_budget_ms=5_000)
ENDED_MS: Millis = 8_800
"""deadtime, two keepalives, the budget, the timeout, and a second for clocks."""
LIMIT_MS = 30_000


def made(nodes: int = 3, *, stonith: bool = True, seed: int = 1, **values: str) -> SimWorld:
    """A settled cluster without any fencing device; properties beside those that it has."""
    world = settled(
        nodes, seed=seed, stonith=stonith, watchdog=WATCHDOG, mode=Mode.TIE_BREAKER if nodes == 2 else Mode.PLAIN
    )
    world.has_stonith = True  # The checkers are to hold though there is no device.
    if values:
        change = watched(**values) if stonith else properties(stonith_enabled="false", **values)
        world.committed(world.dc(), change)
        world.run(2_000)
    return world


def home(world: SimWorld, resource: str = "alpha") -> str:
    """Where it runs."""
    found = world.active_on(resource)
    assert len(found) == 1
    return found[0]


def resets(world: SimWorld) -> list[str]:
    return [name for _, name in world.resets]


def restarted(world: SimWorld, *elsewhere_than: str) -> Millis:
    """Wait until alpha is started again; the moment."""
    began = world.timeline.now
    world.until(lambda: bool(set(starts(world, "alpha", began)) - set(elsewhere_than)), LIMIT_MS, "started again")
    return world.timeline.now


def test_a_node_that_is_cut_off_stops_in_time_and_is_not_reset() -> None:
    world = made()
    victim = home(world)
    world.isolate(victim)
    began = world.timeline.now
    assert restarted(world, victim) - began >= ENDED_MS
    assert resets(world) == []
    assert shots(world) == []
    assert [c.by for c in confirmations(world, other(world, victim)) if c.node == victim] == ["watchdog"]
    finish(world)
    assert resets(world) == []


@pytest.mark.parametrize("stonith", [True, False])
@pytest.mark.parametrize("way", ["pause", "stick"])
def test_a_daemon_that_hangs_is_reset_before_others_take_over(way: str, stonith: bool) -> None:
    """With takeover_delay=auto that is so without fencing, too."""
    world = made(stonith=stonith)
    victim = home(world)
    world.host(victim).is_wanted = False  # It does not boot again.
    began = world.timeline.now
    getattr(world.host(victim), way)()
    world.until(lambda: resets(world) == [victim], WATCHDOG.timeout_ms + 1_000, "reset")
    assert ENDED_MS <= restarted(world, victim) - began < ENDED_MS + 5_000
    assert resets(world) == [victim]
    world.host(victim).is_wanted = True
    finish(world)


@pytest.mark.parametrize("stonith", [True, False])
def test_a_stop_that_fails_without_quorum_ends_the_node(stonith: bool) -> None:
    world = made(stonith=stonith)
    victim = home(world)
    world.host(victim).agents.broken.add(("alpha", "stop"))
    world.isolate(victim)
    world.until(lambda: resets(world) == [victim], WATCHDOG.stop_budget_ms, "reset before the budget is spent")
    world.host(victim).agents.broken.clear()
    restarted(world)
    finish(world)


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_stop_that_hangs_without_quorum_ends_the_node(seed: int) -> None:
    world = made(seed=seed)
    victim = home(world)
    world.host(victim).agents.slow_ms["alpha", "stop"] = 9_000
    world.isolate(victim)
    began = world.timeline.now
    world.until(lambda: resets(world) == [victim], LIMIT_MS, "reset")
    assert world.timeline.now - began >= WATCHDOG.stop_budget_ms
    world.host(victim).agents.slow_ms.clear()
    restarted(world)
    finish(world)


@pytest.mark.parametrize("policy", ["suicide", "fence"])
def test_policy_suicide_waits_for_no_stop(policy: str) -> None:
    world = made(no_quorum_policy=policy)
    victim = home(world)
    world.host(victim).agents.slow_ms["*", "stop"] = 4_000
    world.isolate(victim)
    world.until(lambda: resets(world) == [victim], 3_500, "reset at once")
    restarted(world)
    finish(world)


def test_policy_suicide_ends_no_node_that_never_had_a_quorum() -> None:
    world = made(no_quorum_policy="suicide")
    world.boots_fenced = False
    for name in world.names:
        world.host(name).power_cut()
    world.boot("n1")
    world.run(30_000)
    assert resets(world) == []
    world.boot("n2", "n3")
    finish(world)


def test_policy_suicide_without_fencing_stops() -> None:
    """As Pacemaker: it is a kind of fencing."""
    world = made()
    world.committed(world.dc(), properties(stonith_enabled="false"))
    world.run(1_000)
    victim = other(world, world.dc())
    world.isolate(victim)
    world.run(ENDED_MS)
    assert resets(world) == []
    assert all(world.active_on(name) != [victim] for name in ("alpha", "beta", "gamma"))


@pytest.mark.parametrize("policy", ["freeze", "ignore", "demote"])
def test_a_node_that_would_run_on_does_not_count_as_fenced(policy: str) -> None:
    world = made(no_quorum_policy=policy)
    world.ignores_quorum = policy == "ignore"
    victim = home(world)
    seer = other(world, victim)
    world.isolate(victim)
    world.run(2 * ENDED_MS)
    assert resets(world) == []
    assert [c for c in confirmations(world, seer) if c.node == victim] == []
    notices = status_of(world, seer).notices
    assert any("counts for nothing" in text and policy in text for text in notices), notices
    finish(world)


def test_a_cut_that_heals_in_time_ends_nobody() -> None:
    world = made()
    victim = home(world)
    world.host(victim).agents.slow_ms["alpha", "stop"] = 4_500
    world.isolate(victim)
    world.run(3_000)
    world.heal()
    finish(world)
    assert resets(world) == []
    assert [c for c in confirmations(world, other(world, victim)) if c.node == victim] == []


def test_a_daemon_that_dies_while_it_is_cut_off_leaves_the_machine_to_the_watchdog() -> None:
    """The next one is alone, cannot know what runs, and must not pet what is to end it."""
    world = made()
    victim = home(world)
    world.isolate(victim)
    world.run(700)
    world.host(victim).crash_daemon(restart_after_ms=300)
    world.until(lambda: resets(world) == [victim], WATCHDOG.timeout_ms + 100, "reset")
    restarted(world)
    finish(world)


def test_a_daemon_that_is_killed_and_comes_back_finds_its_resources() -> None:
    world = made()
    victim = home(world)
    began = world.timeline.now
    world.host(victim).crash_daemon(restart_after_ms=300)
    world.run(10_000)
    assert resets(world) == []
    assert starts(world, "alpha", began) == []
    assert home(world) == victim


def test_a_member_whose_stop_fails_is_told_to_end_itself() -> None:
    """Without a device nobody else can; what it ran goes on elsewhere when it must have ended."""
    world = made()
    dc = world.dc()
    victim, resource = next((home(world, name), name) for name in ("alpha", "beta", "gamma") if home(world, name) != dc)
    world.host(victim).agents.broken.add((resource, "stop"))
    world.host(victim).agents.broken.add((resource, "monitor"))
    world.until(lambda: resets(world) == [victim], LIMIT_MS, "reset")
    world.host(victim).agents.broken.clear()
    finish(world)


def test_the_administrator_has_a_member_or_the_dc_end_itself() -> None:
    world = made()
    dc = world.dc()
    for target in (other(world, dc), dc):
        world.resets.clear()
        world.ask(other(world, target), FenceNode(node=world.host(target).name))
        world.until(lambda name=target: resets(world) == [name], LIMIT_MS, f"{target} is reset")  # type: ignore[misc]
        finish(world)


def test_of_two_nodes_neither_counts_on_the_other() -> None:
    """Nothing is started that nobody could recover; the notice says why."""
    world = SimWorld(2, stonith=False, watchdog=WATCHDOG)
    world.boot()
    world.until(lambda: len(world.dcs()) == 1, LIMIT_MS, "founded")
    world.committed(world.dc(), watched(), Put(primitive("alpha")))
    world.run(5_000)
    assert world.active_on("alpha") == []
    assert any("of two nodes that lose each other" in text for text in status_of(world, "n1").notices)
    world.isolate("n1")
    world.run(2 * ENDED_MS)
    assert world.dcs() == []


def test_a_dc_that_is_new_waits_as_long_as_the_one_before() -> None:
    """It may have missed the node for longer than that one did."""
    world = made(5)
    dc = world.dc()
    victim = next(
        name
        for name in world.names
        if name != dc and any(world.active_on(r) == [name] for r in ("alpha", "beta", "gamma", "disk"))
    )
    world.isolate(victim)
    world.run(ENDED_MS - 3_000)
    world.host(dc).power_cut()
    world.until(lambda: len(world.dcs()) == 1, LIMIT_MS, "another DC")
    finish(world)


@pytest.mark.parametrize("seed", range(1, 5))
def test_two_of_four_lose_each_other(seed: int) -> None:
    """Neither half has a quorum: everything stops everywhere, and nothing has to be reset for it."""
    world = made(4, seed=seed)
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(2 * ENDED_MS)
    assert all(world.active_on(name) == [] for name in ("alpha", "beta", "gamma", "disk"))
    assert resets(world) == []
    finish(world)
