"""Acting: orders, agents in flight and fencing over a change of the DC (SAFETY.md, acting)."""

from __future__ import annotations

import pytest

from hashelld.cib.edit import Delete, Put
from hashelld.model.ids import ResourceId
from hashelld.model.resource import Agent, AttributeSet, NvPair, Primitive
from hashelld.wire.peer import LeaveGranted, Order
from tests.sim.configuration import device, primitive, properties
from tests.sim.disk import Trouble
from tests.sim.faults import Faults
from tests.sim.scenario import finish, leave, mark_commit, other, pair, settled, shots, starts, status_of
from tests.sim.world import SimWorld


SLOW_MS = 5_000


def slow_start(world: SimWorld, instance: str, span_ms: int = SLOW_MS) -> None:
    """Its start takes long, wherever it is."""
    for host in world.hosts.values():
        host.agents.slow_ms[instance, "start"] = span_ms


def begin_slow_start(world: SimWorld) -> str:
    """Add a resource whose start takes long; returns where it is being started."""
    slow_start(world, "slow")
    world.committed(world.dc(), Put(primitive("slow", timeout="60s")))
    world.until(lambda: bool(world.active_on("slow")), 10_000, "the slow start began")
    world.run(100)
    (where,) = world.active_on("slow")
    return where


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_start_in_flight_at_dc_change(seed: int) -> None:
    """The DC dies while a start is in flight elsewhere: the join tells of it, nobody starts it again."""
    world = settled(3, seed=seed)
    where = begin_slow_start(world)
    began = world.timeline.now
    dc = world.dc()
    if dc == where:
        world.host(dc).crash_daemon(restart_after_ms=2_000)
    else:
        world.host(dc).power_cut()
    world.run(SLOW_MS + 1_000)  # Until the start is done; when the old DC is back, load may be balanced anew.
    if dc != where:
        assert world.active_on("slow") == [where]
        assert starts(world, "slow", began) == []
    finish(world)


def test_order_unanswered_then_late() -> None:
    """An order that is not answered is pending: it is not given to somebody else, and carried out once."""
    world = settled(3)
    dc = world.dc()
    world.network.delayed = (Order,)
    for name in world.names:
        if name != dc:
            world.network.delay_ms[world.host(dc).name, world.host(name).name] = 1_500
    began = world.timeline.now
    world.commit(dc, Put(primitive("late")))
    world.run(15_000)
    assert len(starts(world, "late", began)) <= 1
    world.network.delay_ms.clear()
    finish(world)
    assert len(starts(world, "late", began)) >= 1


def test_order_after_reconnect_new_incarnation() -> None:
    """What the DC had queued for a daemon reaches its next incarnation, which refuses it."""
    world = settled(3, faults=Faults(late_for_next_incarnation=1.0))
    dc, target = pair(world)
    third = other(world, dc, target)
    world.cut_way(dc, target, ("messages",))
    began = world.timeline.now
    world.commit(dc, Put(primitive("one")), Put(primitive("two")), Put(primitive("three")))
    world.run(300)
    world.host(target).crash_daemon()
    world.heal()
    world.host(target).start_daemon()
    world.run(5_000)
    finish(world)
    for name in ("one", "two", "three"):
        assert set(starts(world, name, began)) <= {dc, target, third}


def test_dc_reelected_own_queue() -> None:
    """A DC that lost its office and won it again does not carry out what it had ordered to itself before."""
    world = settled(3)
    dc = world.dc()
    slow_start(world, "queued", 3_000)
    world.committed(dc, Put(primitive("queued", timeout="60s")))
    world.run(50)
    world.isolate(dc)
    world.run(700)
    world.heal()
    world.run(12_000)
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_daemon_killed_agent_survives(seed: int) -> None:
    """kill -9 while a start runs: the restarted daemon ends it before it joins, and looks before anybody starts."""
    world = settled(3, seed=seed)
    where = begin_slow_start(world)
    world.host(where).crash_daemon(restart_after_ms=400)
    world.run(SLOW_MS + 5_000)
    finish(world)


def test_never_reported_start_on_lost_node() -> None:
    """The old DC's last order went to a node that is lost with it: nothing starts before that node is off."""
    world = settled(5)
    slow_start(world, "hidden", 1_000)
    dc = world.dc()
    asked = world.commit(dc, Put(primitive("hidden", timeout="60s")))
    world.until(lambda: bool(world.active_on("hidden")), 10_000, "the start began")
    assert asked.answer is not None
    (where,) = world.active_on("hidden")
    lost = {dc, where}
    began = world.timeline.now
    world.partition(lost, set(world.names) - lost)
    world.run(15_000)
    assert lost <= {target for _, target in shots(world, began)}
    finish(world)


def test_fence_delay_target_returns() -> None:
    """The target is heard again before the fencing delay is over: no device is called."""
    world = settled(3)
    dc, target = pair(world)
    known = device(world.names)
    params = AttributeSet((*known.params[0].pairs, NvPair("pcmk_delay_base", "8s")))
    world.committed(dc, Put(type(known)(id=known.id, agent=known.agent, params=(params,))))
    world.run(3_000)
    began = world.timeline.now
    world.isolate(target)
    world.run(3_000)
    world.heal()
    world.run(12_000)
    assert shots(world, began) == []
    finish(world)


def test_deposed_dc_fence_retry() -> None:
    """A DC whose device fails loses its quorum: it does not try again."""
    world = settled(3)
    dc, target = pair(world)
    world.host(dc).agents.broken |= {("*", "off"), ("*", "reboot"), (target, "off"), (target, "reboot")}
    world.host(target).power_cut()
    world.until(lambda: (dc, target) in shots(world), 10_000, "the first try")
    world.isolate(dc)
    world.run(1_000)
    began = world.timeline.now
    world.run(10_000)
    assert dc not in {by for by, _ in shots(world, began)}
    finish(world)


def test_new_dc_status_rebuild_under_load() -> None:
    """A new DC learns from the joins what runs: nothing is started, stopped or moved that need not be."""
    world = settled(3)
    dc = world.dc()
    names = ("alpha", "beta", "gamma", "service", "disk")
    before = {name: world.active_on(name) for name in names}
    began = world.timeline.now
    for number in range(20):
        mark_commit(world, other(world, dc), f"mark{number}")
        world.run(20)
    world.host(dc).crash_daemon(restart_after_ms=300)
    world.run(15_000)
    finish(world)
    assert {name: world.active_on(name) for name in names} == before
    assert all(starts(world, name, began) == [] for name in names)
    assert shots(world, began) == []


def test_maintenance_over_dc_change() -> None:
    """In maintenance-mode nothing is touched, whoever is DC."""
    world = settled(3)
    dc = world.dc()
    names = ("alpha", "beta", "gamma", "service", "disk")
    world.committed(dc, properties(stonith_enabled="true", maintenance_mode="true"))
    world.run(2_000)
    before = {name: world.active_on(name) for name in names}
    began = world.timeline.now
    world.host(dc).crash_daemon(restart_after_ms=8_000)
    world.run(5_000)
    for host in world.hosts.values():
        host.agents.running.pop("alpha", None)
    world.run(15_000)
    assert shots(world, began) == []
    assert all(starts(world, name, began) == [] for name in names)
    assert {name: world.active_on(name) for name in names if name != "alpha"} == {
        name: places for name, places in before.items() if name != "alpha"
    }
    world.committed(world.dc(), properties(stonith_enabled="true"))
    finish(world)
    assert status_of(world, world.dc()).blocked == ()


def test_what_no_daemon_can_do_holds_up_nothing_else() -> None:
    """A remote node is configured: its connection is asked of nobody, everything else goes on."""
    world = settled(3)
    agent = Agent("ocf", "pacemaker", "remote")
    world.committed(world.dc(), Put(Primitive(id=ResourceId("far"), agent=agent)), Put(primitive("later")))
    world.until(lambda: bool(world.active_on("later")), 10_000, "another resource is started")
    world.committed(world.dc(), Delete("far"))
    finish(world)


def test_a_leave_granted_in_the_log_is_granted() -> None:
    """The DC's word for it is lost: the departure is an entry of the log, and the leaving node reads that."""
    world = settled(3)
    dc, leaver = pair(world)
    world.network.delayed = (LeaveGranted,)
    world.network.delay_ms[world.host(dc).name, world.host(leaver).name] = 120_000
    world.host(leaver).is_wanted = False
    leave(world, leaver, 15_000)
    finish(world)


@pytest.mark.parametrize("slow", ["service", "disk"])
def test_what_is_being_looked_at_stops_before_what_it_needs(slow: str) -> None:
    """A daemon that was started anew loses the quorum while a first look hangs: it may find what needs the rest."""
    world = settled(3)
    (where,) = world.active_on("disk")
    world.host(where).agents.slow_ms[slow, "monitor"] = 8_000
    world.host(where).crash_daemon(300)
    world.run(2_000)
    world.isolate(where)
    world.until(lambda: not world.host(where).agents.active(), 30_000, f"{where} stops everything")
    finish(world)


def test_a_node_with_a_broken_store_that_stands_still_stops_what_waited_for_its_turn() -> None:
    """A stop waits behind a slow start when the daemon stands still: what waits is dropped, and ordered again."""
    world = settled(3)
    where = begin_slow_start(world)
    for host in world.hosts.values():
        host.agents.broken |= {(where, "off"), (where, "reboot")}
    world.checkers.excused.add(world.host(where).name)
    world.host(where).disk.trouble = Trouble.SYNC_FAILS
    mark_commit(world, world.dc(), "mark-broken")
    world.run(500)
    world.host(where).pause()
    world.run(900)
    world.host(where).resume()
    world.until(lambda: not world.host(where).agents.active(), 30_000, f"{where} stops everything")
    finish(world)
