"""Fencing devices: several for one node, one for several nodes, and targets that come back meanwhile."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashelld.cib.edit import Put
from hashelld.model.administration import FencingLevel, Topology
from hashelld.model.ids import ResourceId
from hashelld.model.resource import AttributeSet, NvPair, Primitive
from hashelld.wire.client import Done, FenceNode
from tests.sim.configuration import device, primitive, properties, with_attribute
from tests.sim.scenario import finish, pair, settled, shots, stand_alone
from tests.sim.world import SimWorld


def slow_devices(world: SimWorld, target: str, span_ms: int) -> None:
    """Whoever fences this node waits so long for its devices."""
    for host in world.hosts.values():
        for action in ("off", "reboot"):
            host.agents.slow_ms[target, action] = span_ms


def with_parameter(known: Primitive, name: str, value: str) -> Primitive:
    pairs = (*known.params[0].pairs, NvPair(name, value))
    return replace(known, params=(AttributeSet(pairs),))


@pytest.mark.parametrize("restart_ms", [400, 1_500, 2_800])
def test_daemon_that_a_supervisor_brings_back_is_not_fenced(restart_ms: int) -> None:
    """Its host answers that the daemon is gone: for restart_grace it is waited for, and its resources run on."""
    world = settled(3)
    _, target = pair(world)
    active = world.host(target).agents.active()
    assert active
    began = world.timeline.now
    world.host(target).crash_daemon(restart_after_ms=restart_ms)
    world.run(10_000)
    assert shots(world, began) == []
    assert world.host(target).agents.active() == active
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_fence_device_called_then_daemon_restarts(seed: int) -> None:
    """A slow device was called for a lost daemon; the next one must not be shot by it: it is ended before it acts."""
    world = settled(3, seed=seed)
    _, target = pair(world)
    slow_devices(world, target, 9_000)
    began = world.timeline.now
    world.host(target).crash_daemon(restart_after_ms=6_500)
    world.run(6_000)
    assert [shot for _, shot in shots(world, began)] == [target]
    world.run(1_500)
    restarted = world.host(target).daemon
    assert restarted is not None
    world.run(20_000)
    assert world.host(target).daemon is restarted
    finish(world)


def test_fence_device_called_then_target_returns() -> None:
    """The same incarnation is heard again while a device is at work: it is waited for, and no other one is called."""
    world = settled(3)
    _, target = pair(world)
    slow_devices(world, target, 6_000)
    began = world.timeline.now
    world.isolate(target)
    world.run(2_000)
    world.heal()
    world.run(15_000)
    assert [shot for _, shot in shots(world, began)] == [target]
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_supplies_are_off_before_either_is_on(seed: int) -> None:
    """A restart by two devices: both cut it off, then both switch it on, and it comes back."""
    world = settled(3, seed=seed)
    dc, target = pair(world)
    second = replace(device(world.names), id=ResourceId("second"))
    level = FencingLevel(index="1", devices=(ResourceId("fencing"), ResourceId("second")), pattern="^n")
    world.committed(dc, Put(second), Put(Topology(levels=(level,))))
    world.run(3_000)
    world.boots_fenced = False
    began = world.timeline.now
    world.host(target).power_cut()
    world.until(lambda: world.host(target).is_running, 30_000, "it was switched on again")
    told = [action for at, _, shot, action in world.checkers.fencings if at >= began and shot == target]
    assert told[:4] == ["off", "off", "on", "on"] or told[:3] == ["off", "off", "on"]
    world.boots_fenced = True
    finish(world)


@pytest.mark.parametrize(("limit", "most"), [("1", 1), ("-1", 2)])
def test_one_device_for_two_lost_nodes(limit: str, most: int) -> None:
    """It fences one after the other, unless it is said to be able to do more."""
    world = settled(5)
    dc = world.dc()
    world.committed(dc, Put(with_parameter(device(world.names), "pcmk_action_limit", limit)))
    world.run(3_000)
    lost = [name for name in world.names if name != dc][:2]
    for name in lost:
        slow_devices(world, name, 2_000)
        world.host(name).power_cut()
    seen: list[int] = []

    def is_over() -> bool:
        seen.append(sum(p.is_fence and p.target in lost for p in world.host(dc).agents.processes))
        return {shot for _, shot in shots(world)} >= set(lost)

    world.until(is_over, 20_000, "both were fenced")
    assert max(seen) == most or seen[-1] == most
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_of_a_pair_the_one_with_more_at_stake_shoots_first(seed: int) -> None:
    """priority-fencing-delay: who runs what matters is not shot, though both lose each other at once."""
    world = settled(2, seed=seed)
    (holder,) = world.active_on("alpha")
    (peer,) = (name for name in world.names if name != holder)
    precious = replace(primitive("alpha"), meta=(AttributeSet((NvPair("priority", "10"),)),))
    world.committed(world.dc(), Put(precious), properties(stonith_enabled="true", priority_fencing_delay="5s"))
    world.run(3_000)
    began = world.timeline.now
    world.partition([holder], [peer])
    world.run(12_000)
    assert shots(world, began)[0] == (holder, peer)
    assert all(shot == peer for _, shot in shots(world, began))
    finish(world)


@pytest.mark.parametrize(("action", "expected"), [("off", "off"), ("reboot", "reboot"), (None, "reboot")])
def test_a_claim_fences_as_the_configuration_says(action: str | None, expected: str) -> None:
    world = settled(2)
    dc, target = pair(world)
    values = {"stonith_enabled": "true"} | ({"stonith_action": action} if action else {})
    world.committed(dc, properties(**values))
    began = world.timeline.now
    world.host(target).power_cut()
    stand_alone(world, dc)
    assert [told for at, _, shot, told in world.checkers.fencings if at >= began and shot == target] == [expected]
    finish(world)


@pytest.mark.parametrize("nodes", [2, 3])
def test_the_dc_can_be_fenced_by_a_word(nodes: int) -> None:
    """It calls the device for itself; whoever takes over makes sure, and its resources run elsewhere."""
    world = settled(nodes)
    dc, by = pair(world)
    world.checkers.excused.add(world.host(dc).name)
    began = world.timeline.now
    assert isinstance(world.answer(by, FenceNode(node=world.host(dc).name)), Done)
    world.until(lambda: dc not in world.dcs() and bool(world.dcs()), 20_000, "another DC is elected")
    assert (dc, dc) in shots(world, began)
    finish(world)


@pytest.mark.parametrize(("nodes", "device_ms"), [(2, 2_000), (3, 30), (3, 500), (3, 2_000)])
def test_who_is_fenced_while_it_is_heard_is_fenced_once(nodes: int, device_ms: int) -> None:
    """Its last beats came before: they do not unsay that it is off."""
    world = settled(nodes)
    world.boots_fenced = False
    dc, target = pair(world)
    world.checkers.excused.add(world.host(target).name)
    slow_devices(world, target, device_ms)
    began = world.timeline.now
    assert isinstance(world.answer(dc, FenceNode(node=world.host(target).name)), Done)
    world.run(10_000)
    assert shots(world, began) == [(dc, target)]
    assert target not in world.active_on("alpha")
    finish(world)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_came_back_is_not_off_for_those_who_never_heard_it(seed: int) -> None:
    """All who heard it end at once, and it hangs: what was confirmed of its life before counts for nobody."""
    world = settled(3, seed=seed)
    dc, target = pair(world)
    others = [name for name in world.names if name != target]
    world.committed(dc, *(with_attribute(world.known_cib, name, "standby", "on") for name in others))
    world.run(5_000)
    world.host(target).power_cut()
    world.until(lambda: target in {shot for _, shot in shots(world)}, 20_000, "it is fenced")
    world.until(lambda: world.active_on("alpha") == [target], 30_000, "it is back and runs what it ran")
    world.host(target).stick()
    world.isolate(target)
    for name in others:
        world.host(name).crash_daemon(300)
    began = world.timeline.now
    world.until(lambda: len(world.dcs()) == 1, 20_000, "one of the others is elected")
    world.committed(world.dc(), *(with_attribute(world.known_cib, name, "standby", None) for name in others))
    world.until(lambda: bool(world.active_on("alpha")) and target not in world.active_on("alpha"), 30_000, "elsewhere")
    assert target in {shot for _, shot in shots(world, began)}
    finish(world)


def test_who_lives_on_after_it_was_told_to_be_off_is_fenced_when_it_is_lost() -> None:
    """A device said that it is off, and it was not: a beat that echoes a later one unsays it."""
    world = settled(3)
    world.boots_fenced = False
    dc, target = pair(world)
    host = world.host(target)
    world.checkers.excused.add(host.name)
    slow_devices(world, target, 30)
    world.committed(dc, with_attribute(world.known_cib, target, "standby", "on"))
    world.run(3_000)
    began = world.timeline.now
    world.devices_lie = True
    assert isinstance(world.answer(dc, FenceNode(node=host.name)), Done)
    world.run(2_000)
    world.devices_lie = False
    host.power_cut()
    world.run(5_000)
    assert shots(world, began) == [(dc, target)] * 2
    finish(world)


def test_who_was_never_heard_is_fenced_after_initdead() -> None:
    """All were off, and one does not come back: a DC that never heard it has nothing but time to tell it by."""
    world = settled(3)
    world.boots_fenced = False
    for name in world.names:
        world.host(name).power_cut()
    world.run(1_000)
    began = world.timeline.now
    for name in ("n1", "n2"):
        world.host(name).boot()
    world.until(lambda: len(world.active_on("alpha")) == 1, 20_000, "what ran before runs again")
    assert {target for _, target in shots(world, began)} == {"n3"}
    finish(world)
