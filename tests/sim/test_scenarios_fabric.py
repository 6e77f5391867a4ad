"""Fabric devices: nodes get access before what needs it starts there, and lost ones are cut off instead of fenced."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from hashelld.cib.edit import Put
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import AttributeSet, NvPair
from hashelld.wire.log import PathChange, PathState
from tests.sim.agents import Running
from tests.sim.configuration import device, primitive, properties
from tests.sim.scenario import confirm_off, finish, pair, settled, shots, stand_alone, starts, status_of
from tests.sim.world import SimWorld


PRIMITIVES = ("alpha", "beta", "gamma", "disk", "service")


def protected(world: SimWorld, names: Iterable[str] = PRIMITIVES, **values: str) -> None:
    """A switch holds the access of these resources; nodes can be powered off as well."""
    switch = replace(device(world.names, "fence_ifmib"), id=ResourceId("switch"))
    meta = (AttributeSet((NvPair("fencing-device", "switch"),)),)
    edits = [Put(replace(primitive(name), meta=meta)) for name in names]
    world.protected = set(names)
    world.committed(world.dc(), Put(switch), *edits, properties(stonith_enabled="true", **values))
    world.until(lambda: has_rest(world) and switched(world, "on") == set(world.names), 30_000, "everybody has access")
    assert powered(world) == []


def has_rest(world: SimWorld) -> bool:
    return status_of(world, world.dc()).phase == "idle"


def switched(world: SimWorld, action: str, since_ms: int = 0) -> set[NodeId]:
    """Whom a device was told this about."""
    return {target for at, _, target, told in world.checkers.fencings if told == action and at >= since_ms}


def powered(world: SimWorld, since_ms: int = 0) -> list[NodeId]:
    """Who was fenced on the node level."""
    return [target for at, _, target, told in world.checkers.fencings if told == "reboot" and at >= since_ms]


def paths(world: SimWorld, name: str) -> list[tuple[str, PathState | None]]:
    """What a node's log says of the ways of all."""
    changes = (entry.change for entry in world.host(name).disk.content.entries)
    return [(change.node, change.state) for change in changes if isinstance(change, PathChange)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_node_gets_access_before_anything_starts_there(seed: int) -> None:
    """It is the node itself that calls the device; after a boot it has to do so again."""
    world = settled(3, seed=seed, device_agent="fence_scsi")
    called = [(by, target) for _, by, target, action in world.checkers.fencings if action == "on"]
    assert sorted(called) == [(name, name) for name in world.names]
    first_on = {target: at for at, _, target, action in reversed(world.checkers.fencings) if action == "on"}
    assert all(first_on[where] < at for at, where, _, _ in world.checkers.starts)
    _, target = pair(world)
    began = world.timeline.now
    world.host(target).power_cut()
    world.until(lambda: target in switched(world, "off", began), 20_000, "it is cut off")
    world.run(5_000)
    world.cut.add(NodeId(target))
    world.protected = set(PRIMITIVES)
    world.host(target).boot()
    world.until(lambda: target in switched(world, "on", began), 20_000, "it gets access again")
    finish(world)


def test_a_node_that_gets_no_access_runs_nothing_that_needs_it() -> None:
    """Its device fails there: the others go on, and it is tried again."""
    world = settled(3, device_agent="fence_scsi")
    dc, target = pair(world)
    world.host(target).agents.broken.add((target, "on"))
    began = world.timeline.now
    world.host(target).power_cut()
    world.until(lambda: target in switched(world, "off", began), 20_000, "it is cut off")
    world.host(target).boot()
    world.until(lambda: len([at for at, _, shot, act in world.checkers.fencings if at > began and act == "on"]) >= 4,
                40_000, "it was tried again")  # fmt: skip
    assert not [where for at, where, _, _ in world.checkers.starts if at >= began and where == target]
    told = status_of(world, dc)
    assert [(one.operation, one.ok, one.level) for one in told.fenced if one.target == target][-1] == (
        "on", False, "resource")  # fmt: skip
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_what_runs_goes_on_while_access_is_confirmed(seed: int) -> None:
    """A device is configured for what runs already, and a daemon is started anew: nothing is stopped for that."""
    world = settled(3, seed=seed)
    dc, target = pair(world)
    began = world.timeline.now
    protected(world)
    world.run(2_000)
    world.host(target).crash_daemon(restart_after_ms=500)
    world.run(15_000)
    assert target in switched(world, "on", began)
    assert [what for at, _, what, _ in world.checkers.starts if at >= began] == []
    assert dc in world.dcs()
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_lost_node_is_cut_off_and_not_fenced(seed: int) -> None:
    """All that it may run goes on elsewhere; it comes back without having been down, and gets its access again."""
    world = settled(3, seed=seed)
    protected(world)
    dc, target = pair(world)
    before = world.daemon(target)
    began = world.timeline.now
    world.isolate(target)
    world.until(lambda: all(world.active_on(name) and world.active_on(name) != [target] for name in PRIMITIVES), 30_000,
                "everything runs elsewhere")  # fmt: skip
    assert switched(world, "off", began) == {target}
    assert powered(world, began) == []
    assert world.cut == {target}
    assert any(f"{target} is lost" in notice for notice in status_of(world, dc).notices)
    finish(world)
    assert world.daemon(target) is before
    assert world.cut == set()
    told = [(one.operation, one.ok, one.level) for one in status_of(world, dc).fenced if one.target == target]
    assert told[-2:] == [("off", True, "resource"), ("on", True, "resource")]
    assert (target, PathState.CUT) in paths(world, dc)
    assert paths(world, dc)[-1] == (target, None)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_what_still_runs_on_a_node_stops_before_it_gets_access(seed: int) -> None:
    """It kept its resources while it was cut off; the checker sees when it reaches them too early."""
    world = settled(3, seed=seed)
    protected(world, no_quorum_policy="freeze")
    _, target = pair(world)
    kept = [name for name in PRIMITIVES if world.active_on(name) == [target]]
    world.isolate(target)
    world.until(lambda: world.cut == {target}, 20_000, "it is cut off")
    world.run(10_000)
    assert kept
    assert all(target in world.active_on(name) for name in kept)
    finish(world)
    assert world.cut == set()


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_what_a_new_daemon_does_not_know_of_is_looked_for_before_access_is_given(seed: int) -> None:
    """The daemon of a node that is cut off was started anew, and remembers nothing of what runs there."""
    world = settled(3, seed=seed)
    protected(world, no_quorum_policy="freeze")
    _, target = pair(world)
    kept = [name for name in PRIMITIVES if world.active_on(name) == [target]]
    world.isolate(target)
    world.until(lambda: world.cut == {target}, 20_000, "it is cut off")
    world.run(5_000)
    world.host(target).crash_daemon(restart_after_ms=500)
    world.run(1_000)
    assert kept
    assert all(world.host(target).agents.running[name] is Running.YES for name in kept)
    finish(world)
    assert world.cut == set()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_switch_that_fails_has_the_node_fenced(seed: int) -> None:
    world = settled(3, seed=seed)
    protected(world)
    _, target = pair(world)
    began = world.timeline.now
    for host in world.hosts.values():
        host.agents.broken.add((target, "off"))
    world.isolate(target)
    world.until(lambda: powered(world, began) == [target], 30_000, "it is fenced on the node level")
    assert switched(world, "off", began) == {target}
    finish(world)


def test_what_has_no_switch_waits_for_the_node_to_be_fenced() -> None:
    """Both levels are used at once; nothing of the rest starts before the node is off."""
    world = settled(3)
    protected(world, ("alpha", "beta", "disk", "service"))
    (target,) = world.active_on("gamma")
    began = world.timeline.now
    world.isolate(target)
    for host in world.hosts.values():
        host.agents.slow_ms[target, "reboot"] = 8_000
    world.until(lambda: world.cut == {target}, 20_000, "it is cut off")
    world.run(3_000)
    assert starts(world, "gamma", began) == []
    world.until(lambda: bool(starts(world, "gamma", began)), 30_000, "gamma runs elsewhere")
    assert target in powered(world, began)
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_next_dc_knows_who_is_cut_off(seed: int) -> None:
    """It neither cuts the node off again, nor forgets that it has to get its access back."""
    world = settled(5, seed=seed)
    protected(world)
    dc, target = pair(world)
    world.isolate(target)
    world.until(lambda: (target, PathState.CUT) in paths(world, dc), 20_000, "it is cut off")
    world.run(1_000)
    began = world.timeline.now
    world.host(dc).crash_daemon(restart_after_ms=1_500)
    world.until(lambda: dc not in world.dcs() and bool(world.dcs()), 20_000, "another DC is elected")
    world.run(15_000)
    assert shots(world, began) == [(dc, dc)]  # It gets its own access: its daemon is a new one.
    finish(world)
    assert world.cut == set()


def test_a_device_that_the_node_is_at_work_with_proves_nothing() -> None:
    """It is lost while it restores its access, which may still come: it is fenced on the node level."""
    world = settled(3)
    protected(world)
    dc, target = pair(world)
    world.host(target).agents.slow_ms[target, "on"] = 8_000
    world.host(target).crash_daemon(restart_after_ms=500)
    world.until(lambda: paths(world, dc)[-1] == (target, PathState.CONFIRMING), 20_000, "it is given access")
    world.until(lambda: any(p.operation == "on" for p in world.host(target).agents.processes), 5_000, "at work")
    began = world.timeline.now
    world.isolate(target)
    world.until(lambda: powered(world, began) == [target], 30_000, "it is fenced")
    assert switched(world, "off", began) == set()
    finish(world)


@pytest.mark.parametrize("heal_ms", [1_500, 3_000, 5_000])
def test_a_cut_that_is_still_under_way_does_not_cross_the_return(heal_ms: int) -> None:
    """It is heard again while a slow switch is at work against it: it gets its access after that, and keeps it."""
    world = settled(3)
    protected(world)
    dc, target = pair(world)
    began = world.timeline.now
    for host in world.hosts.values():
        host.agents.slow_ms[target, "off"] = 8_000
    world.isolate(target)
    world.until(lambda: target in switched(world, "off", began), 20_000, "it is about to be cut off")
    world.run(heal_ms)
    world.heal()
    world.until(lambda: target in switched(world, "on", began), 30_000, "it gets its access again")
    assert not any(p.target == target and p.operation.startswith("off") for p in world.host(dc).agents.processes)
    finish(world)
    assert world.cut == set()


def test_two_switched_only_may_not_claim() -> None:
    """A switch does not end the peer's daemon: neither of a pair goes on alone because of it."""
    world = settled(2)
    protected(world)
    survivor, lost = pair(world)
    for host in world.hosts.values():
        host.agents.broken.add((lost, "reboot"))
    world.host(lost).power_cut()
    world.run(20_000)
    assert world.dcs() == []
    confirm_off(world, survivor, lost)
    stand_alone(world, survivor, 5_000)
    finish(world)
