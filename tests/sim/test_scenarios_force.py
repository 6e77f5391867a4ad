"""Going on by the operator's word, and the return of those who were left behind (SAFETY.md, force-start)."""

from __future__ import annotations

import pytest

from hashelld.model.ids import NodeId
from hashelld.wire.client import Answer, Done, ForceStart, Refused
from tests.sim.configuration import mark
from tests.sim.modes import Mode
from tests.sim.scenario import (
    confirmations,
    finish,
    ids_of,
    is_alone,
    mark_commit,
    other,
    pair,
    settled,
    shots,
    shown_by,
    stand_alone,
    status_of,
    was_acknowledged,
)
from tests.sim.test_scenarios_members import history, told
from tests.sim.test_scenarios_quorum import electorate, power_off, power_on, shrinks_to, voters
from tests.sim.world import SimWorld


def force(world: SimWorld, by: str) -> Answer:
    """Somebody vouches for all who are not heard. From here on nothing is promised of what they had."""
    world.is_unsafe = True
    return world.answer(by, ForceStart(), 20_000)


def notices(world: SimWorld, name: str) -> str:
    return "\n".join(status_of(world, name).notices)


def alone_with_a_mark(world: SimWorld) -> tuple[str, str]:
    """(who died with a commit that the other lacks, the other one, which needs both)."""
    sole, late = pair(world)
    world.boots_fenced = False
    power_off(world, late)
    stand_alone(world, sole)
    kept = mark_commit(world, sole, "mark-alone")
    world.until(lambda: was_acknowledged(kept), 5_000, "the sole node acknowledges")
    world.run(1_000)
    power_off(world, sole)
    power_on(world, late)
    world.run(20_000)
    assert world.dcs() == []
    return sole, late


def test_two_force_start_then_old_peer_returns() -> None:
    """The one with the newest configuration is dead; the other goes on without, and sets its entries aside later."""
    world = settled(2)
    gone, late = alone_with_a_mark(world)
    question = world.answer(late, ForceStart(is_question=True))
    assert isinstance(question, Done)
    assert f"{late} would vote alone" in question.text
    assert f"Taken to be off: {gone}" in question.text
    assert world.dcs() == [], "a question does nothing"
    number = world.host(late).disk.content.promised
    done = force(world, late)
    assert isinstance(done, Done), done
    assert is_alone(world, late)
    assert world.host(late).disk.content.promised >= number + 1_000
    assert any("force-start, vouched off" in text and gone in text for text in history(world, late))
    assert [one.node for one in confirmations(world, late)][-1] == gone
    mark_forced = mark_commit(world, late, "mark-forced")
    world.until(lambda: was_acknowledged(mark_forced), 5_000, "it acknowledges alone")
    world.until(lambda: world.active_on("alpha") == [late], 20_000, "it takes everything over")
    power_on(world, gone)
    present = ids_of(finish(world))
    assert "mark-forced" in present
    assert "mark-alone" not in present
    assert "history lost" in notices(world, gone)
    assert "history lost" not in notices(world, late)
    shrinks_to(world, *world.names)


def test_force_start_then_a_peer_without_more_returns() -> None:
    """Nothing was acknowledged by the one that was vouched off: nothing is lost, and nothing said to be."""
    world = settled(2)
    dc, late = pair(world)
    world.host(late).agents.broken |= {("*", "off"), ("*", "reboot"), (dc, "off"), (dc, "reboot")}
    power_off(world, dc)
    world.run(10_000)
    assert not is_alone(world, late)
    assert isinstance(force(world, late), Done)
    world.host(late).agents.broken.clear()
    power_on(world, dc)
    finish(world)
    assert "history lost" not in notices(world, dc)
    shrinks_to(world, *world.names)


@pytest.mark.parametrize("seed", range(1, 5))
def test_force_start_of_one_in_three_while_the_others_live(seed: int) -> None:
    """A false word: the others were cut off, and went on. When the cut heals one history is left, and it is told."""
    world = settled(3, seed=seed, stonith=False)
    minority = other(world, world.dc())
    rest = [name for name in world.names if name != minority]
    world.isolate(minority)
    kept = mark_commit(world, rest[0], "mark-majority")
    world.until(lambda: was_acknowledged(kept), 10_000, "the majority acknowledges")
    world.run(2_000)
    assert isinstance(force(world, minority), Done)
    forced = mark_commit(world, minority, "mark-forced")
    world.until(lambda: was_acknowledged(forced), 10_000, "the forced one acknowledges")
    present = ids_of(finish(world))
    assert "mark-forced" in present
    assert "mark-majority" not in present
    assert all("history lost" in notices(world, name) for name in rest)
    shrinks_to(world, *world.names)


def test_force_start_with_those_who_are_present() -> None:
    """Two of five are left: both have to vote, and the one that has more is asked to stand."""
    world = settled(5, stonith=False)
    dc = world.dc()
    behind, ahead, *gone = (name for name in world.names if name != dc)
    world.isolate(behind)
    kept = mark_commit(world, ahead, "mark-ahead")
    world.until(lambda: was_acknowledged(kept), 10_000, "four of five acknowledge")
    power_off(world, dc, *gone)
    world.heal()
    world.run(5_000)
    assert f"{ahead} is heard and has a newer configuration: do it there" in told(force(world, behind))
    done = force(world, ahead)
    assert isinstance(done, Done), done
    assert voters(world, ahead) == {behind, ahead}
    assert "mark-ahead" in ids_of(shown_by(world, ahead))
    world.until(lambda: len(world.active_on("alpha")) == 1, 30_000, "they go on")
    power_on(world, dc, *gone)
    assert "mark-ahead" in ids_of(finish(world))
    shrinks_to(world, *world.names)


def test_force_start_is_refused() -> None:
    """With a quorum, and on an empty store, there is nothing to be forced."""
    world = settled(3)
    world.boots_fenced = False
    assert "has a quorum: there is nothing to be forced" in told(force(world, other(world, world.dc())))
    assert "has a quorum" in told(force(world, world.dc()))
    power_off(world, *world.names)
    world.host("n1").disk.wipe(set_aside=True)
    world.checkers.forget(NodeId("n1"))
    power_on(world, "n1")
    world.run(3_000)
    assert "this node's store is empty" in told(world.answer("n1", ForceStart()))
    power_on(world, "n2", "n3")
    finish(world)


def test_force_start_with_somebody_who_does_not_vote() -> None:
    """One of those present stands still: it is said so, and nothing was done."""
    world = settled(4, stonith=False)
    power_off(world, "n3", "n4")
    world.run(5_000)
    world.host("n2").disk.stall(60_000)
    began = electorate(world, "n1")
    asked = world.ask("n1", ForceStart())
    world.until(lambda: asked.answer is not None, 20_000, "an answer")
    assert isinstance(asked.answer, Refused)
    assert "n1 n2" in asked.answer.text
    assert electorate(world, "n1") == began
    power_on(world, "n3", "n4")
    finish(world)


def test_force_start_overrides_wait_for_all() -> None:
    """Three of four are back after an outage, the fourth never will be: the operator need not wait for it."""
    world = settled(4, mode=Mode.WAIT_FOR_ALL)
    world.boots_fenced = False
    power_off(world, *world.names)
    power_on(world, "n1", "n2", "n3")
    world.run(15_000)
    assert world.dcs() == []
    began = world.timeline.now
    assert isinstance(force(world, "n2"), Done)
    world.until(lambda: len(world.active_on("alpha")) == 1, 30_000, "they go on")
    assert shots(world, began) == []
    assert voters(world, "n2") == {"n1", "n2", "n3"}
    power_on(world, "n4")
    finish(world)
    shrinks_to(world, *world.names)


def test_history_is_known_to_be_lost_after_a_long_time() -> None:
    """The log of those who went on was shortened meanwhile: its checkpoint says where it went another way."""
    world = settled(2)
    gone, late = alone_with_a_mark(world)
    assert isinstance(force(world, late), Done)
    for number in range(420):
        world.committed(late, mark(f"mark-same{number % 3}"), within_ms=3_000)
    checkpoint = world.host(late).disk.content.checkpoint
    assert checkpoint is not None
    assert len(checkpoint.forced) == 1
    power_on(world, gone)
    assert "mark-alone" not in ids_of(finish(world))
    assert "history lost" in notices(world, gone)


def test_who_was_away_for_a_long_time_lost_nothing() -> None:
    """It only has an old log: no force-start went another way."""
    world = settled(3)
    dc, away = pair(world)
    world.boots_fenced = False
    power_off(world, away)
    for number in range(420):
        world.committed(dc, mark(f"mark-same{number % 3}"), within_ms=3_000)
    power_on(world, away)
    finish(world)
    assert "history lost" not in notices(world, away)
