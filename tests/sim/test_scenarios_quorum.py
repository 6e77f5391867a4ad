"""Who goes on after a cut or a loss, by each mode of [quorum] (SAFETY.md, electorate)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hashelld.model.ids import NodeId
from hashelld.wire.log import Electorate
from tests.sim.configuration import properties
from tests.sim.modes import WINDOW_MS, Mode
from tests.sim.scenario import (
    finish,
    ids_of,
    is_alone,
    leave,
    mark_commit,
    pair,
    settled,
    shots,
    starts,
    status_of,
    was_acknowledged,
)
from tests.sim.test_scenarios_roles import add_database, promote, promoted_on
from tests.sim.world import SimWorld


MATRIX = Path(__file__).parent.parent / "cases" / "arbitration" / "matrix.tsv"
SCHEMES = {"majority": Mode.WAIT_FOR_ALL, "auto_tie_breaker lowest": Mode.TIE_BREAKER}
"""wait_for_all has no part in who goes on after a cut; a plain pair would be `two_node`."""


def cuts() -> list[tuple[int, str, str, str]]:
    """(nodes, scheme, live partitions, survivors) of the rows that differ without an arbiter."""
    lines = [line for line in MATRIX.read_text().splitlines() if not line.startswith("#")]
    rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["context"].startswith("all see")]
    return [
        (int(r["nodes"]), r["scheme"], r["live_partitions"], r["survivors"]) for r in rows if r["scheme"] in SCHEMES
    ]


def electorate(world: SimWorld, name: str) -> Electorate:
    found = world.host(name).disk.content.settled_electorate
    assert found is not None
    return found


def voters(world: SimWorld, name: str) -> set[NodeId]:
    return set(electorate(world, name).votes)


def power_off(world: SimWorld, *names: str) -> None:
    for name in names:
        world.host(name).is_wanted = False
        world.host(name).power_cut()


def power_on(world: SimWorld, *names: str) -> None:
    for name in names:
        world.host(name).is_wanted = True
        world.host(name).boot()


def shrinks_to(world: SimWorld, *names: str, within_ms: int = 30_000) -> None:
    """Wait until these are the only voters, acknowledged on all of them."""
    wanted = set(map(NodeId, names))
    world.until(lambda: all(voters(world, name) == wanted for name in names), within_ms, f"only {names} vote")


@pytest.mark.parametrize(("nodes", "scheme", "parts", "survivors"), cuts())
def test_cut(nodes: int, scheme: str, parts: str, survivors: str) -> None:
    """The table says which side has a DC after the cut, and fences; a node that is in no part is off."""
    live = [[f"n{number}" for number in part] for part in parts.split("|")]
    chosen = [f"n{number}" for number in survivors.strip("-")]
    world = settled(nodes, mode=SCHEMES[scheme])
    world.boots_fenced = False
    power_off(world, *(name for name in world.names if not any(name in part for part in live)))
    world.partition(*live)
    world.run(8_000)
    dcs = world.dcs()
    assert len(dcs) == bool(chosen)
    assert set(dcs) <= set(chosen)
    assert all(by in chosen for by, _ in shots(world))
    finish(world)


def test_tie_breaker_crash() -> None:
    """Only one node breaks ties: without it the other half waits, also when it was the larger part a moment ago."""
    world = settled(4, mode=Mode.TIE_BREAKER)
    world.boots_fenced = False
    world.partition(["n1", "n2"], ["n3", "n4"])
    power_off(world, "n1")
    world.run(10_000)
    assert world.dcs() == []
    assert shots(world) == []
    assert "n1 is not here" in status_of(world, "n3").quorum.verdict
    world.heal()
    world.until(lambda: len(world.dcs()) == 1, 10_000, "three of four")
    power_on(world, "n1")
    finish(world)


def test_lms_four_to_one() -> None:
    """Four nodes lost one after another: each loss is an entry of the log; the tie-breaker allows the last step."""
    world = settled(4, mode=Mode.SHRINKING_TIE_BREAKER)
    world.boots_fenced = False
    for lost, left in (("n4", ("n1", "n2", "n3")), ("n3", ("n1", "n2")), ("n2", ("n1",))):
        power_off(world, lost)
        world.run(WINDOW_MS // 2)
        assert lost in voters(world, "n1")
        shrinks_to(world, *left)
    assert is_alone(world, "n1")
    mark = mark_commit(world, "n1", "mark-last")
    world.until(lambda: was_acknowledged(mark), 5_000, "the last one acknowledges")
    world.until(lambda: world.active_on("alpha") == ["n1"], 20_000, "it took everything over")
    power_off(world, "n1")
    power_on(world, "n2", "n3", "n4")
    world.run(15_000)
    assert world.dcs() == []
    power_on(world, "n1")
    assert "mark-last" in ids_of(finish(world))
    shrinks_to(world, *world.names)


def test_last_man_standing_ends_with_two() -> None:
    """Without a tie-breaker one of two is no quorum, and neither is half that is lost at once."""
    world = settled(4, mode=Mode.SHRINKING)
    world.boots_fenced = False
    power_off(world, "n4")
    shrinks_to(world, "n1", "n2", "n3")
    power_off(world, "n3")
    shrinks_to(world, "n1", "n2")
    power_off(world, "n2")
    world.run(WINDOW_MS + 10_000)
    assert world.dcs() == []
    assert voters(world, "n1") == {"n1", "n2"}
    power_on(world, "n2", "n3", "n4")
    finish(world)
    shrinks_to(world, *world.names)
    power_off(world, "n1", "n2")
    world.run(WINDOW_MS + 10_000)
    assert world.dcs() == []
    assert voters(world, "n3") == set(world.names)
    power_on(world, "n1", "n2")
    finish(world)


@pytest.mark.parametrize("seed", range(1, 5))
def test_lms_stale_pair_meets(seed: int) -> None:
    """Two that were lost one after another are no quorum by any electorate that they know (SAFETY.md 5)."""
    world = settled(4, seed=seed, mode=Mode.SHRINKING, stonith=False)
    world.isolate("n4")
    shrinks_to(world, "n1", "n2", "n3")
    world.partition(["n1", "n2"], ["n3"], ["n4"])
    shrinks_to(world, "n1", "n2")
    mark = mark_commit(world, "n1", "mark-pair")
    world.until(lambda: was_acknowledged(mark), 5_000, "the pair acknowledges")
    world.heal()
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(10_000)
    assert set(world.dcs()) <= {"n1", "n2"}
    power_off(world, "n1", "n2")
    world.run(10_000)
    assert world.dcs() == []
    power_on(world, "n1", "n2")
    assert "mark-pair" in ids_of(finish(world))


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_dc_cut_off_removes_nobody(seed: int) -> None:
    """It loses the others one after another, and has no quorum of the electorate with them to be without them."""
    world = settled(5, seed=seed, mode=Mode.SHRINKING, stonith=False)
    dc = world.dc()
    companion, *rest = (name for name in world.names if name != dc)
    world.partition([dc, companion], rest)
    world.run(WINDOW_MS)
    minority, majority = (mark_commit(world, name, f"mark-{name}") for name in (dc, rest[0]))
    world.run(WINDOW_MS)
    assert set(world.dcs()) < set(rest)
    assert was_acknowledged(majority)
    assert not was_acknowledged(minority)
    assert f"mark-{rest[0]}" in ids_of(finish(world))


def test_nobody_is_removed_before_it_is_off() -> None:
    """While fencing fails the lost node still votes: it may run what it ran, and nothing forgets it."""
    world = settled(3, mode=Mode.SHRINKING)
    world.boots_fenced = False
    world.run(1_000)
    for name in ("n1", "n2"):
        world.host(name).agents.broken |= {("n3", "off"), ("n3", "reboot")}
    world.isolate("n3")
    world.run(WINDOW_MS + 10_000)
    assert voters(world, "n1") == set(world.names)
    for name in ("n1", "n2"):
        world.host(name).agents.broken.clear()
    shrinks_to(world, "n1", "n2")
    finish(world)
    shrinks_to(world, *world.names)


def test_who_returns_within_the_window_stays() -> None:
    world = settled(3, mode=Mode.SHRINKING)
    world.host("n3").power_cut()
    world.run(1_500)
    world.host("n3").boot()
    finish(world)
    assert all(voters(world, name) == set(world.names) for name in world.names)
    assert electorate(world, "n1") == world.founding


def test_tie_breaker_moves_with_the_electorate() -> None:
    """`lowest` is the lowest of those who vote: when n1 is gone for good, n2 breaks ties, by an entry of the log."""
    world = settled(4, mode=Mode.SHRINKING_TIE_BREAKER)
    world.boots_fenced = False
    power_off(world, "n1")
    shrinks_to(world, "n2", "n3", "n4")
    assert electorate(world, "n2").tie_breaker == "n2"
    power_off(world, "n4")
    shrinks_to(world, "n2", "n3")
    world.partition(["n2"], ["n3"])
    world.run(8_000)
    assert world.dcs() == ["n2"]
    power_on(world, "n1", "n4")
    finish(world)
    shrinks_to(world, *world.names)
    assert electorate(world, "n1").tie_breaker == "n1"


def test_leave_half() -> None:
    """Half of four nodes leave cleanly: what is left is no quorum, stops everything and fences nobody."""
    world = settled(4)
    leaving = [name for name in world.names if name != world.dc()][:2]
    for name in leaving:
        world.host(name).is_wanted = False
        leave(world, name)
    world.run(10_000)
    assert world.dcs() == []
    assert [name for host in world.hosts.values() for name in host.agents.active()] == []
    assert shots(world) == []
    finish(world)


def test_leave_lowers_with_last_man_standing_only() -> None:
    """Two of three leave cleanly: the last goes on, for each left an electorate without it; nobody is fenced."""
    world = settled(3, mode=Mode.SHRINKING)
    first, second = (name for name in world.names if name != world.dc())
    last = world.dc()
    for name in (first, second):
        world.host(name).is_wanted = False
        leave(world, name)
    assert voters(world, last) == {last}
    assert is_alone(world, last)
    assert shots(world) == []
    world.until(lambda: world.active_on("alpha") == [last], 10_000, "everything moved")
    finish(world)
    shrinks_to(world, *world.names)
    plain = settled(3)
    first, second = (name for name in plain.names if name != plain.dc())
    for name in (first, second):
        plain.host(name).is_wanted = False
        leave(plain, name)
    plain.run(10_000)
    assert plain.dcs() == []
    finish(plain)


def test_the_dc_leaves_with_last_man_standing() -> None:
    """It hands over first; its successor orders the electorate without it."""
    world = settled(4, mode=Mode.SHRINKING)
    for _ in range(2):
        dc = world.dc()
        world.host(dc).is_wanted = False
        leave(world, dc)
        world.until(lambda: len(world.dcs()) == 1, 10_000, "a successor")
        assert dc not in voters(world, world.dc())
    assert len(voters(world, world.dc())) == 2
    assert shots(world) == []
    finish(world)
    shrinks_to(world, *world.names)


@pytest.mark.parametrize("seed", range(1, 7))
def test_dc_dies_while_it_removes_a_node(seed: int) -> None:
    """Whether or not the smaller electorate was acknowledged: who is left needs a quorum of both."""
    world = settled(5, seed=seed, mode=Mode.SHRINKING)
    world.boots_fenced = False
    dc = world.dc()
    gone = [name for name in world.names if name != dc][:1]
    power_off(world, *gone)

    def is_ordered() -> bool:
        newest = world.host(dc).disk.content.electorate
        return newest is not None and gone[0] not in newest.votes

    while not is_ordered():
        assert world.timeline.now < 120_000
        world.run(1)
    world.run(seed)
    power_off(world, dc)
    world.until(lambda: len(world.dcs()) == 1, 10_000, "three go on")
    power_on(world, dc, *gone)
    finish(world)
    shrinks_to(world, *world.names)


def test_weights() -> None:
    """Of two, one and one votes half is no quorum on either side; two and one are."""
    world = settled(3, mode=Mode.WEIGHTED)
    world.boots_fenced = False
    world.isolate("n1")
    world.run(8_000)
    assert world.dcs() == []
    assert shots(world) == []
    assert status_of(world, "n2").quorum.verdict == "without quorum: 2 <= 4/2"
    finish(world)
    world.partition(["n1", "n2"], ["n3"])
    world.run(8_000)
    assert set(world.dcs()) < {"n1", "n2"}
    finish(world)


def test_wait_for_all_founds_with_all() -> None:
    """A new cluster is not founded by a majority of its nodes where all are to be waited for."""
    world = SimWorld(4, mode=Mode.WAIT_FOR_ALL)
    world.boot("n1", "n2", "n3")
    world.run(15_000)
    assert world.dcs() == []
    assert status_of(world, "n1").quorum.verdict == "without quorum: wait_for_all, not seen since the start: n4"
    world.boot("n4")
    world.until(lambda: len(world.dcs()) == 1, 10_000, "all four found")


def cut_in_halves(policy: str, broken: tuple[str, ...] = ()) -> SimWorld:
    """Four nodes with a promotable clone, promoted on the DC; then two and two, for long enough to retreat."""
    world = settled(4)
    add_database(world)
    dc = world.dc()
    promote(world, dc, 10)
    world.committed(dc, properties(stonith_enabled="true", no_quorum_policy=policy))
    world.run(2_000)
    for operation in broken:
        world.host(dc).agents.broken.add(("db", operation))
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(20_000)
    assert world.dcs() == []
    assert promoted_on(world) == []
    assert all(world.active_on(name) == [] for name in ("alpha", "beta", "gamma", "disk", "service"))
    return world


def test_policy_demote() -> None:
    """What has roles goes on unpromoted, everything else stops; after healing one is promoted again."""
    world = cut_in_halves("demote")
    assert world.active_on("db") == list(world.names)
    began = world.timeline.now
    world.run(10_000)
    assert starts(world, "db", began) == []
    assert shots(world, began) == []
    world.heal()
    world.until(lambda: len(promoted_on(world)) == 1, 20_000, "promoted again")
    world.until(lambda: len(world.active_on("alpha")) == 1, 20_000, "started again")


def test_policy_demote_stops_what_cannot_be_demoted() -> None:
    """Where a demotion fails, nothing that is active there is left so."""
    world = cut_in_halves("demote", ("demote",))
    places = world.active_on("db")
    assert len(places) == 3


@pytest.mark.parametrize("policy", ["stop", "suicide", "fence"])
def test_policy_suicide_stops(policy: str) -> None:
    """No daemon arms a watchdog, and without a DC nobody fences: a partition that ends itself stops everything."""
    world = cut_in_halves(policy)
    assert world.active_on("db") == []
    assert shots(world) == []


def test_a_node_without_quorum_rests() -> None:
    """When nothing is left to stop, or to be looked at, the loop sleeps until something happens."""
    world = settled(4)
    world.partition(["n1", "n2"], ["n3", "n4"])
    world.run(20_000)
    host = world.host("n1")
    turns = []
    for _ in range(20):
        deadline = world.daemon("n1").node.deadline()
        assert deadline is not None
        turns.append(deadline - host.local_now)
        world.run(7)
    assert max(turns) > 20
    assert min(turns) >= 0


@pytest.mark.parametrize("mode", [Mode.SHRINKING, Mode.SHRINKING_TIE_BREAKER])
def test_who_left_and_forgot_is_added_again(mode: Mode) -> None:
    """The other votes alone; one who comes back with an empty store has to acknowledge its own admission with it."""
    world = settled(2, mode=mode)
    stays, leaver = pair(world)
    world.host(leaver).is_wanted = False
    leave(world, leaver)
    world.until(lambda: is_alone(world, stays), 10_000, "the other votes alone")
    world.host(leaver).disk.wipe(set_aside=True)
    world.checkers.forget(world.host(leaver).name)
    finish(world)
    for name in world.names:
        electorate = world.host(name).disk.content.electorate
        assert electorate is not None
        assert set(electorate.votes) == set(world.names)
        assert world.host(name).disk.content.may_vote
