"""The network arbiter: it votes, keeps the log, runs nothing, and nobody waits for it (SAFETY.md, arbiter)."""

from __future__ import annotations

import pytest

from hashelld.model.ids import NodeId
from hashelld.wire.client import FenceNode, Refused
from tests.sim.configuration import with_attribute
from tests.sim.modes import WINDOW_MS, Mode
from tests.sim.scenario import (
    finish,
    ids_of,
    leave,
    mark_commit,
    settled,
    shots,
    shown_by,
    starts,
    status_of,
    was_acknowledged,
)
from tests.sim.world import SimWorld


ARBITER = "n3"
"""Of two nodes and an arbiter."""


def power_off(world: SimWorld, *names: str) -> None:
    for name in names:
        world.host(name).is_wanted = False
        world.host(name).power_cut()


def power_on(world: SimWorld, *names: str) -> None:
    for name in names:
        world.host(name).is_wanted = True
        world.host(name).boot()


def led_by(world: SimWorld, *names: str, within_ms: int = 15_000) -> None:
    world.until(lambda: len(world.dcs()) == 1 and set(world.dcs()) <= set(names), within_ms, f"one of {names} is DC")


def acknowledged(world: SimWorld, by: str, name: str) -> None:
    mark = mark_commit(world, by, name)
    world.until(lambda: was_acknowledged(mark), 10_000, f"{by} acknowledges {name}")


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("stonith", [True, False])
def test_net_arbiter_supplies_log(seed: int, *, stonith: bool) -> None:
    """A commit that one node and the arbiter stored; that node dies, and the other one comes back without it."""
    world = settled(3, seed=seed, mode=Mode.ARBITER, stonith=stonith)
    world.boots_fenced = False
    power_off(world, "n2")
    led_by(world, "n1")
    acknowledged(world, "n1", "mark-with-the-arbiter")
    power_off(world, "n1")
    began = world.timeline.now
    power_on(world, "n2")
    world.until(lambda: world.active_on("alpha") == ["n2"], 30_000, "the other one goes on")
    assert "mark-with-the-arbiter" in ids_of(shown_by(world, "n2"))
    led_by(world, "n2")
    assert set(starts(world, "alpha", began)) == {"n2"}
    power_on(world, "n1")
    assert "mark-with-the-arbiter" in ids_of(finish(world))


@pytest.mark.parametrize("seed", range(1, 4))
def test_it_stands_last(seed: int) -> None:
    """Whoever can lead does, at the founding and after every loss."""
    world = settled(3, seed=seed, mode=Mode.ARBITER)
    world.boots_fenced = False
    assert world.dc() != ARBITER
    power_off(world, world.dc())
    led_by(world, "n1", "n2")
    world.until(lambda: len(world.active_on("alpha")) == 1, 20_000, "it takes over")
    assert not world.host(ARBITER).agents.active()
    power_on(world, "n1", "n2")
    finish(world)


@pytest.mark.parametrize("stonith", [True, False])
@pytest.mark.parametrize("loss", ["power", "daemon", "cable", "pause"])
def test_its_loss_costs_nothing(loss: str, *, stonith: bool) -> None:
    """Nobody fences it, waits for it, or has anything moved; a DC elected without it starts what is to be started."""
    world = settled(5, mode=Mode.ARBITER, stonith=stonith)
    began, arbiter = world.timeline.now, world.host("n5")
    match loss:
        case "power":
            power_off(world, "n5")
        case "daemon":
            arbiter.crash_daemon()
        case "cable":
            world.isolate("n5")
        case _:
            arbiter.pause()
    world.run(5_000)
    leaver = world.dc()
    world.host(leaver).is_wanted = False
    leave(world, leaver, 5_000)
    led_by(world, "n1", "n2", "n3", "n4")
    world.until(lambda: len(world.active_on("alpha")) == 1, 9_000, "long before initdead makes anybody lost")
    assert shots(world, began) == []
    finish(world)


def test_a_new_dc_starts_without_having_heard_it() -> None:
    """Both nodes boot, the arbiter is away: it runs nothing, so there is nothing to wait for, nor to be fenced."""
    world = settled(3, mode=Mode.ARBITER)
    power_off(world, *world.names)
    world.run(1_000)
    began = world.timeline.now
    power_on(world, "n1", "n2")
    world.until(lambda: len(world.active_on("alpha")) == 1, 9_000, "long before initdead makes it lost")
    assert shots(world, began) == []
    power_on(world, ARBITER)
    finish(world)


@pytest.mark.parametrize("seed", range(1, 4))
def test_between_two_that_do_not_hear_each_other_it_leads(seed: int) -> None:
    """A bridge: who is heard by a quorum is not fenced for another's broken link; the arbiter orders for both."""
    world = settled(3, seed=seed, mode=Mode.ARBITER)
    began = world.timeline.now
    world.partition(["n1"], ["n2"])
    world.run(20_000)
    assert world.dcs() == [ARBITER]
    assert shots(world, began) == []
    assert sorted(len(world.active_on(name)) for name in ("alpha", "beta", "gamma")) == [1, 1, 1]
    acknowledged(world, "n1", "mark-over-the-bridge")
    finish(world)


@pytest.mark.parametrize("survivor", ["n1", "n2"])
def test_a_cut_goes_to_the_side_of_the_arbiter(survivor: str) -> None:
    world = settled(3, mode=Mode.ARBITER)
    world.boots_fenced = False
    other = "n2" if survivor == "n1" else "n1"
    began = world.timeline.now
    world.isolate(other)
    led_by(world, survivor)
    world.until(lambda: bool(shots(world, began)), 10_000, "the other one is fenced")
    world.until(lambda: world.active_on("alpha") == [survivor], 20_000, "the arbiter's side took over")
    assert {by for by, _ in shots(world, began)} == {survivor}
    finish(world)


def test_four_halves_go_to_the_side_of_the_arbiter() -> None:
    world = settled(5, mode=Mode.ARBITER, stonith=False)
    world.partition(["n1", "n2"], ["n3", "n4", "n5"])
    led_by(world, "n3", "n4")
    acknowledged(world, "n3", "mark-of-three")
    assert "mark-of-three" in ids_of(finish(world))


def test_an_odd_number_of_nodes_needs_no_arbiter() -> None:
    """Its vote follows from the others': of three it has none, and one node with it is nothing."""
    world = settled(4, mode=Mode.ARBITER, stonith=False)
    quorum = status_of(world, "n1").quorum
    assert (quorum.arbiter, quorum.total, quorum.voters[NodeId("n4")]) == ("n4", 3, 0)
    world.partition(["n1", "n4"], ["n2", "n3"])
    led_by(world, "n2", "n3")
    world.run(3_000)
    assert world.active_on("alpha") in (["n2"], ["n3"])
    finish(world)


def test_last_man_standing_ends_with_one_node_and_no_vote_of_the_arbiter() -> None:
    """Four nodes lost one after another; the last one votes alone, and goes on when the arbiter is lost, too."""
    world = settled(5, mode=Mode.SHRINKING_ARBITER)
    world.boots_fenced = False
    for lost in ("n4", "n3", "n2"):
        power_off(world, lost)
        world.run(WINDOW_MS + 6_000)
    found = world.host("n1").disk.content.settled_electorate
    assert found is not None
    assert found.votes == {"n1": 1, "n5": 0}
    power_off(world, "n5")
    acknowledged(world, "n1", "mark-alone")
    power_on(world, "n2", "n3", "n4", "n5")
    assert "mark-alone" in ids_of(finish(world))
    led_by(world, *world.names)
    assert status_of(world, "n1").quorum.total == 5


def test_it_leaves_at_once_in_office_and_out_of_it() -> None:
    world = settled(3, mode=Mode.ARBITER)
    world.host(ARBITER).is_wanted = False
    leave(world, ARBITER, 5_000)
    world.run(1_000)
    assert [link.presence for link in status_of(world, "n1").links if link.node == ARBITER] == ["left"]
    world.host(ARBITER).is_wanted = True
    finish(world)
    world.partition(["n1"], ["n2"])
    led_by(world, ARBITER)
    world.host(ARBITER).is_wanted = False
    leave(world, ARBITER, 5_000)
    world.heal()
    led_by(world, "n1", "n2")
    finish(world)


def test_it_is_no_place_and_nobody_fences_it() -> None:
    """Whoever asks for either is told why not."""
    world = settled(3, mode=Mode.ARBITER)
    assert [view.node for view in status_of(world, ARBITER).nodes] == ["n1", "n2"]
    for confirm in (False, True):
        answer = world.answer("n1", FenceNode(node=NodeId(ARBITER), confirm=confirm))
        assert isinstance(answer, Refused)
        assert "it runs nothing" in answer.text
    asked = world.commit("n1", with_attribute(world.known_cib, NodeId(ARBITER), "standby", "on"))
    world.until(lambda: asked.answer is not None, 5_000, "an answer")
    assert isinstance(asked.answer, Refused)
    assert "it votes and runs nothing" in asked.answer.text
    finish(world)
