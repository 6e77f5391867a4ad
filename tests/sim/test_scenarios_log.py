"""Log and votes: what was acknowledged stays, whoever becomes DC (SAFETY.md, log and votes)."""

from __future__ import annotations

import pytest

from hashelld.cib.edit import Delete, Put
from hashelld.model.constraint import Location
from hashelld.model.ids import NO_VERSION, ConstraintId, NodeId, ResourceId, Version
from hashelld.wire.client import AskCommit, Committed, Refused
from tests.sim.clients import Commission
from tests.sim.configuration import mark, primitive
from tests.sim.scenario import (
    finish,
    ids_of,
    mark_commit,
    other,
    pair,
    settled,
    shown_by,
    was_acknowledged,
)
from tests.sim.world import SimWorld


def newest(world: SimWorld, name: str) -> Version:
    return world.host(name).disk.content.version


def voters(world: SimWorld, name: str) -> set[NodeId]:
    electorate = world.host(name).disk.content.electorate
    return set(electorate.votes) if electorate is not None else set()


def lose_majority_with_a_tail(world: SimWorld, dc: str, *company: str) -> tuple[str, ...]:
    """Cut the DC and its company off just when it has ordered a commit that nobody else can have."""
    rest = tuple(name for name in world.names if name not in (dc, *company))
    world.partition([dc, *company], rest)
    asked = mark_commit(world, dc, "mark-tail")
    at = newest(world, dc)
    world.until(lambda: all(newest(world, name) > at for name in (dc, *company)), 500, "the tail is stored")
    assert not was_acknowledged(asked)
    return rest


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figure_eight(seed: int) -> None:
    """An entry of an older epoch is on a majority and may still be replaced: only own epochs acknowledge."""
    world = settled(5, seed=seed, stonith=False)
    first = world.dc()
    company = other(world, first)
    rest = lose_majority_with_a_tail(world, first, company)
    world.until(lambda: any(dc in rest for dc in world.dcs()), 10_000, "the rest elects")
    second = next(dc for dc in world.dcs() if dc in rest)
    world.isolate(second)
    world.host(second).crash_daemon()
    world.run(50)
    world.heal()
    world.isolate(second)
    world.until(lambda: len(world.dcs()) == 1, 15_000, "a third DC")
    third = world.dc()
    world.run(300)
    world.host(third).crash_daemon()
    world.heal()
    world.host(second).start_daemon()
    world.until(lambda: len(world.dcs()) == 1, 15_000, "a fourth DC")
    finish(world)


def test_shorter_log_may_not_lower_version() -> None:
    """A DC whose log is shorter replaces a member's tail together with its barrier: the version still rises."""
    world = settled(3)
    dc = world.dc()
    world.boots_fenced = False
    rest = lose_majority_with_a_tail(world, dc)
    before = newest(world, dc)
    world.until(lambda: any(name in rest for name in world.dcs()), 10_000, "the rest elects")
    present = ids_of(finish(world))
    assert "mark-tail" not in present
    assert newest(world, dc) > before


def test_vote_on_disk_before_answer() -> None:
    """A voter that dies while its vote is being written has not answered; it may vote for somebody else."""
    world = settled(3)
    dc = world.dc()
    voters = [name for name in world.names if name != dc]
    for name in voters:
        world.host(name).disk.stall(1_500)
    promised = [world.host(name).disk.content.promised for name in voters]
    world.host(dc).power_cut()
    world.run(1_600)
    world.host(voters[0]).crash_daemon(restart_after_ms=300)
    assert world.host(voters[0]).disk.content.promised >= promised[0]
    finish(world)


def test_blank_store_third_node() -> None:
    """A node whose disk was replaced neither votes nor counts until it was removed and added again."""
    world = settled(3)
    dc, keeper = pair(world)
    blank = other(world, dc, keeper)
    world.boots_fenced = False
    world.host(blank).power_cut()
    world.host(blank).disk.wipe(set_aside=True)
    world.checkers.forget(NodeId(blank))
    kept = mark_commit(world, keeper, "mark-kept")
    world.until(lambda: was_acknowledged(kept), 15_000, "two of three acknowledge")
    world.host(dc).power_cut()
    world.host(blank).boot()
    world.run(25_000)
    assert world.dcs() == [], "a blank store made a quorum"
    assert "mark-kept" in ids_of(finish(world))
    assert all(voters(world, name) == set(world.names) for name in world.names)


def test_blank_store_counts_incarnations_anew() -> None:
    """The counter of incarnations was on the disk that was replaced: the node's beats are no old ones for that."""
    world = settled(3)
    blank = other(world, world.dc())
    for _ in range(4):
        world.host(blank).crash_daemon()
        world.host(blank).start_daemon()
        world.run(4_000)
    world.boots_fenced = False
    world.host(blank).crash_daemon()
    world.host(blank).disk.wipe(set_aside=True)
    world.checkers.forget(NodeId(blank))
    world.host(blank).start_daemon()
    finish(world)


def test_snapshot_restored() -> None:
    """A store that was put back does not vote: it lost what it had promised and acknowledged."""
    comes_back_older(is_lying=False)


def test_lying_disk_power_cut() -> None:
    """Nor does one whose disk had said that all was written."""
    comes_back_older(is_lying=True)


def comes_back_older(*, is_lying: bool) -> None:
    """A store that is older than others remember neither votes nor counts."""
    world = settled(3)
    dc, keeper = pair(world)
    old = other(world, dc, keeper)
    world.boots_fenced = False
    content = world.host(old).disk.snapshot()
    world.host(old).disk.is_lying = is_lying
    world.isolate(keeper)
    kept = mark_commit(world, dc, "mark-kept")
    world.until(lambda: was_acknowledged(kept), 15_000, "two of three acknowledge")
    world.host(old).power_cut()
    if not is_lying:
        world.host(old).disk.restore(content)
    world.host(old).disk.is_lying = False
    world.checkers.forget(NodeId(old))
    world.heal()
    if not world.host(keeper).is_powered:
        world.host(keeper).boot()
    world.host(old).boot()
    assert "mark-kept" in ids_of(finish(world))
    assert all(voters(world, name) == set(world.names) for name in world.names)


def test_commit_retry_after_dc_death() -> None:
    """The DC dies while a commit is under way; sent again with its id it is made once."""
    world = settled(3)
    dc, asker = pair(world)
    asked = mark_commit(world, asker, "mark-retried")
    world.run(3)
    world.host(dc).power_cut()
    retried = Commission(world, "mark-retried", (mark("mark-retried"),), NodeId(asker))
    world.until(lambda: retried.outcome is not None, 20_000, "the retry is answered")
    assert isinstance(retried.outcome, Committed)
    again = mark_commit(world, asker, "mark-retried")
    world.until(lambda: again.answer is not None, 5_000, "a third time")
    assert again.answer == retried.outcome
    assert not isinstance(asked.answer, Committed) or asked.answer.version == retried.outcome.version
    told = world.answer(asker, AskCommit(id="mark-retried"))
    assert isinstance(told, Committed)
    assert told.version == retried.outcome.version
    assert "mark-retried" in ids_of(finish(world))


def test_unknown_commit_is_said_to_be_unknown() -> None:
    world = settled(3)
    told = world.answer("n1", AskCommit(id="never-sent"))
    assert isinstance(told, Refused)
    assert told.code == "unknown-commit"


def test_crossing_commits_invalid_together() -> None:
    """One deletes a resource, the other refers to it: each is fine on the base, not both."""
    world = settled(3)
    world.committed("n1", Put(primitive("doomed")))
    base = shown_by(world, "n1").version
    refers = Location(id=ConstraintId("near"), resource=ResourceId("doomed"), node=NodeId("n1"), score="100")
    first = world.commit("n1", Delete("doomed"), base=base)
    second = world.commit("n1", Put(refers), base=base)
    world.until(lambda: first.answer is not None and second.answer is not None, 10_000, "both are answered")
    assert sorted(was_acknowledged(asked) for asked in (first, second)) == [False, True]
    present = ids_of(finish(world))
    assert not ("near" in present and "doomed" not in present)


def test_unacknowledged_tail_replaced() -> None:
    """What a cut-off DC ordered and nobody stored is replaced when it returns; the shell was told nothing false."""
    world = settled(5)
    dc = world.dc()
    world.boots_fenced = False
    rest = lose_majority_with_a_tail(world, dc, other(world, dc))
    world.until(lambda: any(name in rest for name in world.dcs()), 10_000, "the rest elects")
    kept = Commission(world, "mark-kept", (mark("mark-kept"),), NodeId(rest[0]))
    world.until(lambda: isinstance(kept.outcome, Committed), 15_000, "the rest acknowledges")
    present = ids_of(finish(world))
    assert "mark-kept" in present
    assert "mark-tail" not in present


def test_checkpoint_keeps_electorate() -> None:
    """A long log is shortened; a node that was away gets the checkpoint, and everybody knows who votes."""
    world = settled(3)
    dc, away = pair(world)
    world.boots_fenced = False
    world.host(away).power_cut()
    first = world.committed(dc, mark("mark-first"), commit="mark-first")
    for number in range(450):
        world.committed(dc, mark(f"mark-same{number % 3}"), within_ms=3_000)
    checkpoint = world.host(dc).disk.content.checkpoint
    assert checkpoint is not None
    assert checkpoint.version.serial > first.serial
    world.host(away).boot()
    world.until(lambda: newest(world, away) == newest(world, dc), 20_000, "the newcomer has the log")
    for name in world.names:
        world.host(name).power_cut()
    world.boot()
    assert "mark-first" in ids_of(finish(world))
    assert all(voters(world, name) == set(world.names) for name in world.names)
    told = world.answer(away, AskCommit(id="mark-first"))
    assert isinstance(told, Committed)
    assert told.version == first
    assert told.version > NO_VERSION
