"""Planes and time: pauses, one-way links, planes that fail alone, slow disks (SAFETY.md, planes and time)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.sim.configuration import properties
from tests.sim.convergence import converge
from tests.sim.faults import Faults
from tests.sim.modes import Mode
from tests.sim.network import BEATS, MESSAGES
from tests.sim.runs import configure
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
from tests.sim.test_scenarios_quorum import electorate
from tests.sim.world import SimWorld


NAMES = ("alpha", "beta", "gamma", "service", "disk")


@pytest.mark.parametrize("fencing_works", [True, False])
def test_pause_dc_60s_then_resume(fencing_works: bool) -> None:
    """A DC that stood still for a minute wakes up without its office: it orders and starts nothing."""
    world = settled(3)
    dc = world.dc()
    for host in world.hosts.values():
        if not fencing_works:
            host.agents.broken |= {("*", "off"), ("*", "reboot"), (dc, "off"), (dc, "reboot")}
    world.host(dc).pause()
    world.run(60_000)
    assert len(world.dcs()) >= 1
    began = world.timeline.now
    world.host(dc).resume()
    world.run(2_000)
    assert all(dc not in starts(world, name, began) for name in NAMES)
    finish(world)


def test_pause_beats_drained_on_wake() -> None:
    """Beats that lay in the socket prove nothing: the sleeper does not believe that it is heard."""
    world = settled(3)
    dc = world.dc()
    for host in world.hosts.values():
        host.agents.broken |= {("*", "off"), ("*", "reboot"), (dc, "off"), (dc, "reboot")}
    world.host(dc).pause()
    world.run(20_000)
    world.isolate(dc)
    world.host(dc).resume()
    assert dc not in world.dcs(), "it woke up and kept its office"
    world.run(100)
    assert not status_of(world, dc).quorum.has_quorum
    world.run(5_000)
    finish(world)


@pytest.mark.parametrize("fencing_works", [True, False])
def test_suspend_resume(fencing_works: bool) -> None:
    """A machine that sleeps as a whole (its kernel heard nothing, its clock went on) wakes up without an office."""
    world = settled(3)
    dc = world.dc()
    for host in world.hosts.values():
        if not fencing_works:
            host.agents.broken |= {("*", "off"), ("*", "reboot"), (dc, "off"), (dc, "reboot")}
    commit = mark_commit(world, dc, "mark-asleep")
    world.host(dc).pause()
    world.isolate(dc)
    world.run(60_000)
    assert [name for name in world.dcs() if name != dc], "nobody took over"
    began = world.timeline.now
    world.heal()
    world.host(dc).resume()
    assert dc not in world.dcs(), "it woke up and kept its office"
    world.run(2_000)
    if not fencing_works:  # Else it booted meanwhile, and gets its share again.
        assert all(dc not in starts(world, name, began) for name in NAMES)
    shown = finish(world)
    assert not was_acknowledged(commit) or "mark-asleep" in ids_of(shown)


@pytest.mark.parametrize("rates", [(1_000_000, 1_100_000, 900_000), (900_000, 1_100_000, 1_000_000)])
def test_clock_rate_apart(rates: tuple[int, ...]) -> None:
    """Clocks that run a tenth too fast or too slow make nobody look dead; who dies is lost as ever."""
    world = SimWorld(3)
    for name, rate in zip(world.names, rates, strict=True):
        world.host(name).clock_rate_ppm = rate
    world.boot()
    configure(world)
    converge(world, 40_000)
    dc, began = world.dc(), world.timeline.now
    for at in range(10):
        asked = mark_commit(world, world.names[at % 3], f"mark{at}")
        world.run(3_000)
        assert was_acknowledged(asked)
    assert (world.dc(), shots(world, began)) == (dc, [])
    world.host(dc).power_cut()
    world.until(lambda: any(name != dc for name in world.dcs()), 10_000, "the others elect")
    finish(world)


@pytest.mark.parametrize("is_deaf", [True, False])
def test_one_way_each_direction(is_deaf: bool) -> None:
    """A link that works one way is no link: whoever is cut off that way is lost, the others elect."""
    world = settled(3)
    dc = world.dc()
    for name in world.names:
        if name != dc:
            world.cut_way(*((name, dc) if is_deaf else (dc, name)))
    world.until(lambda: any(name != dc for name in world.dcs()), 15_000, "the others elect")
    world.until(lambda: dc not in world.dcs(), 15_000, "the cut-off DC steps down")
    finish(world)


def test_bridge_partition() -> None:
    """Two nodes do not hear each other, the third hears both: somebody is DC, and nothing runs twice."""
    world = settled(3)
    one, two = pair(world)
    world.partition([one], [two])
    world.run(20_000)
    assert len(world.dcs()) == 1
    mark = mark_commit(world, world.dc(), "mark-bridge")
    world.until(lambda: was_acknowledged(mark), 10_000, "the bridge's side acknowledges")
    finish(world)


def test_bridge_partition_of_five_fences_nobody() -> None:
    """The DC does not hear a node that the other three hear: the fault may be its own, the office moves."""
    world = settled(5)
    dc, lost = pair(world)
    began = world.timeline.now
    world.partition([dc], [lost])
    world.run(20_000)
    assert shots(world, began) == []
    assert world.dc() != lost or world.dc() != dc
    finish(world)


def test_dc_bad_nic() -> None:
    """The DC's own link fails: it is the one that is lost, nobody else is fenced."""
    world = settled(5)
    dc = world.dc()
    began = world.timeline.now
    world.isolate(dc)
    world.run(20_000)
    assert {target for _, target in shots(world, began)} <= {dc}
    finish(world)


def test_beats_ok_messages_dead() -> None:
    """A node whose messages stand still is not heard, however well its beats flow."""
    world = settled(3)
    dc = world.dc()
    for name in world.names:
        if name != dc:
            world.cut_way(name, dc, (MESSAGES,))
            world.cut_way(dc, name, (MESSAGES,))
    world.until(lambda: any(name != dc for name in world.dcs()), 20_000, "the others elect")
    mark = mark_commit(world, other(world, dc), "mark-others")
    world.until(lambda: was_acknowledged(mark), 20_000, "the others acknowledge")
    finish(world)


def test_messages_ok_beats_dead() -> None:
    """Without beats a node is lost, though its messages still arrive."""
    world = settled(3)
    dc = world.dc()
    for name in world.names:
        if name != dc:
            world.cut_way(name, dc, (BEATS,))
            world.cut_way(dc, name, (BEATS,))
    world.until(lambda: any(name != dc for name in world.dcs()), 15_000, "the others elect")
    world.until(lambda: dc not in world.dcs(), 5_000, "the cut-off DC steps down")
    finish(world)


def test_loop_stuck() -> None:
    """A loop that does not turn silences the beat: the node is lost, although its thread lives."""
    world = settled(3)
    dc = world.dc()
    world.host(dc).stick()
    world.until(lambda: any(name != dc for name in world.dcs()), 10_000, "the others elect")
    finish(world)


@pytest.mark.parametrize("nodes", [2, 3])
def test_fsync_stall_1s(nodes: int) -> None:
    """A disk that takes a second for one write makes nobody look dead."""
    world = settled(nodes)
    began = world.timeline.now
    for _ in range(3):
        for name in world.names:
            world.host(name).disk.stall(1_000)
        asked = mark_commit(world, world.dc(), f"mark{world.timeline.now}")
        world.run(4_000)
        assert was_acknowledged(asked)
    assert shots(world, began) == []
    assert all(starts(world, name, began) == [] for name in NAMES)
    finish(world)


def test_flapping_node_prevote() -> None:
    """A node that is cut off again and again raises no numbers and unseats nobody."""
    world = settled(5)
    dc, flapping = pair(world)
    world.boots_fenced = False
    for host in world.hosts.values():
        host.agents.broken |= {("*", "off"), ("*", "reboot"), (flapping, "off"), (flapping, "reboot")}
    number = world.host(dc).disk.content.promised
    for _ in range(8):
        world.isolate(flapping)
        world.run(1_500)
        world.heal()
        world.run(1_500)
    assert world.dc() == dc
    assert world.host(dc).disk.content.promised == number
    finish(world)


def test_policy_freeze_both() -> None:
    """Four nodes, two and two, freeze: everybody keeps what it runs, nobody starts anything."""
    world = settled(4)
    world.committed(world.dc(), properties(stonith_enabled="true", no_quorum_policy="freeze"))
    world.run(2_000)
    before = {name: world.active_on(name) for name in NAMES}
    began = world.timeline.now
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(20_000)
    assert world.dcs() == []
    assert {name: world.active_on(name) for name in NAMES} == before
    assert all(starts(world, name, began) == [] for name in NAMES)
    assert shots(world, began) == []
    finish(world)


def test_policy_ignore_two_sides() -> None:
    """Four nodes, two and two, with `ignore`: everybody goes on with what it runs, nobody is DC or acknowledges."""
    world = settled(4)
    world.committed(world.dc(), properties(stonith_enabled="true", no_quorum_policy="ignore"))
    world.run(2_000)
    world.ignores_quorum = True
    before = {name: world.active_on(name) for name in NAMES}
    began = world.timeline.now
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(3_000)
    asked = [mark_commit(world, name, f"mark-{name}") for name in world.names]
    world.run(20_000)
    assert world.dcs() == []
    assert not any(was_acknowledged(one) for one in asked)
    assert {name: world.active_on(name) for name in NAMES} == before
    assert all(starts(world, name, began) == [] for name in NAMES)
    assert shots(world, began) == []
    finish(world)


def test_policy_stop_both() -> None:
    """Four nodes, two and two, with the default policy: everything stops, and comes back after healing."""
    world = settled(4)
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(20_000)
    assert world.dcs() == []
    assert all(world.active_on(name) == [] for name in NAMES)
    finish(world)


def test_toml_differs() -> None:
    """A node with other timings does not join, and is told of; one whose file names other nodes does."""
    world = SimWorld(3, 1, Faults(), file_digests={"n3": "another"})
    world.rewrite("n3", world.founding, timings="slow")
    world.boot("n1", "n2")
    configure(world)
    world.boot("n3")
    world.run(15_000)
    assert world.dc() in ("n1", "n2")
    assert not any(world.host("n3").agents.active())
    assert "hashelld.toml of n3 has other timings: it cannot join" in status_of(world, world.dc()).notices
    world.host("n3").crash_daemon()
    world.rewrite("n3", replace(world.founding, wait_for_all=True))
    world.host("n3").start_daemon()
    finish(world)
    assert electorate(world, "n3") == world.founding
    assert "hashelld.toml here says wait_for_all on, in the cluster it is off" in status_of(world, "n3").notices


def test_toml_differs_nobody_founds() -> None:
    """Two of three files differ: there is no quorum of equal files to found with."""
    world = SimWorld(3, 1, Faults(), file_digests={"n2": "second", "n3": "third"})
    world.boot()
    world.run(30_000)
    assert world.dcs() == []
    assert all(host.disk.content.electorate is None for host in world.hosts.values())


def test_wfa_not_rearmed() -> None:
    """wait_for_all holds at a start only: three of four that met again after losing quorum go on."""
    world = settled(4, mode=Mode.WAIT_FOR_ALL)
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(5_000)
    assert world.dcs() == []
    world.boots_fenced = False
    world.host("n4").power_cut()
    world.heal()
    world.until(lambda: len(world.dcs()) == 1, 15_000, "three of four elect")
    mark = mark_commit(world, world.dc(), "mark-three")
    world.until(lambda: was_acknowledged(mark), 10_000, "they acknowledge")
    finish(world)


def test_wfa_cold_start_waits_for_all() -> None:
    """With wait_for_all three of four that start cold wait for the fourth."""
    world = settled(4, mode=Mode.WAIT_FOR_ALL)
    for name in world.names:
        world.host(name).power_cut()
    world.boot("n1", "n2", "n3")
    world.run(25_000)
    assert world.dcs() == []
    world.boot("n4")
    world.until(lambda: len(world.dcs()) == 1, 15_000, "all four are there")
    finish(world)


def test_leave_late_for_next_incarnation() -> None:
    """A leave binds one incarnation: the next one, up at once, is a member like any other."""
    world = settled(3, faults=Faults(late_for_next_incarnation=1.0))
    dc, leaver = pair(world)
    began = world.timeline.now
    world.cut_way(dc, leaver, (MESSAGES,))
    leave(world, leaver, 60_000)
    world.heal()
    world.host(leaver).start_daemon()
    world.run(10_000)
    assert shots(world, began) == []
    finish(world)
    assert set(world.running()) == set(world.names)


@pytest.mark.parametrize("nodes", [2, 3])
def test_losses_and_delays_alone_fence_nobody(nodes: int) -> None:
    """A network that loses 30 % and takes 50 ms, more or less, for ten minutes: nobody is lost, nothing moves (L3)."""
    world = settled(nodes, faults=Faults(loss=0.3, latency_min_ms=30, latency_max_ms=70))
    dc, began = world.dc(), world.timeline.now
    world.run(600_000)
    assert shots(world, began) == []
    assert not [start for start in world.checkers.starts if start[0] > began]
    assert world.dc() == dc
    finish(world)
