"""Who belongs to the cluster: nodes added and deleted on the live cluster, votes and modes changed (SAFETY.md)."""

from __future__ import annotations

import pytest

from hashelld.cib.edit import Delete, Put
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from hashelld.wire.client import Answer, ChangeQuorum, Committed, Done, GetHistory, HistoryIs, Refused
from hashelld.wire.log import Electorate
from tests.sim.modes import Mode, founding
from tests.sim.scenario import (
    finish,
    ids_of,
    is_alone,
    leave,
    mark_commit,
    other,
    pair,
    settled,
    shots,
    stand_alone,
    starts,
    status_of,
    was_acknowledged,
)
from tests.sim.test_scenarios_quorum import electorate, power_off, power_on, shrinks_to, voters
from tests.sim.world import SimWorld


def told(answer: Answer) -> str:
    """What a refusal says."""
    assert isinstance(answer, Refused), answer
    return " ".join((answer.text, *answer.details))


def changes(world: SimWorld, by: str, wish: ChangeQuorum) -> None:
    """Have the electorate changed, and wait until that is acknowledged."""
    answer = world.answer(by, wish)
    assert isinstance(answer, Done), answer


def history(world: SimWorld, name: str) -> list[str]:
    """What a node tells of the past."""
    answer = world.answer(name, GetHistory(limit=200))
    assert isinstance(answer, HistoryIs)
    return [entry.text for entry in answer.entries]


def deletion(name: str) -> Delete:
    return Delete(f"node:{name}")


def try_to_delete(world: SimWorld, by: str, name: str) -> Answer:
    """Ask for a node to be deleted; forced, which makes no difference."""
    asked = world.commit(by, deletion(name))
    world.until(lambda: asked.answer is not None, 10_000, "an answer")
    assert asked.answer is not None
    return asked.answer


def take_out(world: SimWorld, name: str) -> None:
    """A node leaves, and is deleted from the configuration."""
    world.host(name).is_wanted = False
    leave(world, name)
    world.outsiders.add(world.host(name).name)
    world.run(1_000)
    world.until(lambda: len(world.dcs()) == 1, 20_000, "a DC without it")
    world.committed(world.dc(), deletion(name))


def rewrite_files(world: SimWorld, file: Electorate) -> None:
    """Every node gets another file, one after another, and reads it."""
    for one in [name for name in world.names if name not in world.outsiders]:
        world.rewrite(one, file)
        world.host(one).crash_daemon()
        world.run(300)
        world.host(one).start_daemon()
        world.run(3_000)


def bring_in(world: SimWorld, name: str, file: Electorate) -> None:
    """Every node is told of a new one by its file; then it starts, and is configured."""
    rewrite_files(world, file)
    world.rewrite(name, file)
    world.outsiders.discard(world.host(name).name)
    world.host(name).is_wanted = True
    world.host(name).boot()
    world.host(name).start_daemon()
    world.until(lambda: len(world.dcs()) == 1, 20_000, "a DC")
    world.committed(world.dc(), Put(Node(id=NodeId(name))))


@pytest.mark.parametrize("nodes", [3, 4])
def test_remove_dc(nodes: int) -> None:
    """The DC leaves and is deleted: its vote is out, by an entry of the log; when it is back it is nobody's node."""
    world = settled(nodes)
    dc = world.dc()
    rest = [name for name in world.names if name != dc]
    began = world.timeline.now
    assert "cluster stop" in told(try_to_delete(world, rest[0], dc))
    take_out(world, dc)
    shrinks_to(world, *rest)
    assert all(f"{dc} was deleted" in " ".join(history(world, name)) for name in rest)
    world.host(dc).is_wanted = True
    world.host(dc).start_daemon()
    world.run(20_000)
    assert world.dc() in rest
    assert world.host(dc).agents.active() == []
    assert voters(world, rest[0]) == set(rest)
    assert starts(world, "alpha", began) == [] or dc not in starts(world, "alpha", began)
    assert shots(world, began) == []
    assert any(f"names {dc}, which is no node" in notice for notice in status_of(world, rest[0]).notices)
    leave(world, dc, 60_000)
    world.host(dc).is_wanted = False
    finish(world)


def test_a_node_that_is_lost_is_deleted_once_it_is_off() -> None:
    """While nobody knows that it is off it is refused, whatever is forced; fenced or confirmed, it goes."""
    world = settled(3)
    dc, gone = pair(world)
    world.boots_fenced = False
    for name in world.names:
        world.host(name).agents.broken |= {(gone, "off"), (gone, "reboot")}
    power_off(world, gone)
    world.run(3_000)
    assert "nobody knows that it is off" in told(try_to_delete(world, dc, gone))
    for name in world.names:
        world.host(name).agents.broken.clear()
    world.until(lambda: status_of(world, dc).links[0].presence in ("off", "alive"), 30_000, "fenced")
    world.run(10_000)
    world.outsiders.add(NodeId(gone))
    world.committed(dc, deletion(gone))
    shrinks_to(world, *(name for name in world.names if name != gone))
    finish(world)


@pytest.mark.parametrize("seed", range(1, 7))
def test_dc_dies_while_it_removes_a_deleted_node(seed: int) -> None:
    """Whether or not the smaller electorate was acknowledged: who is left needs a quorum of both, and ends it."""
    world = settled(5, seed=seed)
    world.boots_fenced = False
    dc, gone = pair(world)
    world.host(gone).is_wanted = False
    leave(world, gone)
    world.outsiders.add(NodeId(gone))
    world.run(2_000)
    world.commit(dc, deletion(gone))

    def is_ordered() -> bool:
        newest = world.host(dc).disk.content.electorate
        return newest is not None and gone not in newest.votes

    while not is_ordered():
        assert world.timeline.now < 120_000
        world.run(1)
    world.run(seed - 1)
    power_off(world, dc)
    world.until(lambda: len(world.dcs()) == 1, 10_000, "three go on")
    power_on(world, dc)
    finish(world)
    if gone not in {node.id for node in world.known_cib.nodes}:
        shrinks_to(world, *(name for name in world.names if name != gone))


def test_two_grow_to_three() -> None:
    """The third votes once it has stored the log; two_node ends in the same step. Nobody is fenced or stopped."""
    world = settled(3, founders=2)
    file = founding(world.names, Mode.PLAIN)
    began = world.timeline.now
    world.committed(world.dc(), Put(Node(id=NodeId("n3"))))
    world.run(20_000)
    assert shots(world, began) == [], "a node that was never there was fenced"
    assert any("n3 is configured, and is added once" in notice for notice in status_of(world, "n1").notices)
    world.committed(world.dc(), deletion("n3"))
    began = world.timeline.now
    bring_in(world, "n3", file)
    shrinks_to(world, *world.names)
    assert not electorate(world, "n1").two_node
    assert shots(world, began) == []
    assert any("n3 stored the log; two_node is for two and ends" in text for text in history(world, "n1"))
    finish(world)
    assert status_of(world, "n1").notices == ()
    gone = other(world, world.dc())
    mark = mark_commit(world, world.dc(), "mark-three")
    world.until(lambda: was_acknowledged(mark), 5_000, "three acknowledge")
    world.boots_fenced = False
    power_off(world, gone)
    world.run(5_000)
    assert len(world.dcs()) == 1, "two of three go on without a claim"
    power_on(world, gone)
    assert "mark-three" in ids_of(finish(world))


def test_who_was_never_added_is_deleted_as_it_is() -> None:
    """The files name it, it was configured, and it never came: nobody has to know that it is off."""
    world = settled(3, founders=2)
    began = world.timeline.now
    rewrite_files(world, founding(world.names, Mode.PLAIN))
    world.until(lambda: len(world.dcs()) == 1, 20_000, "a DC")
    world.committed(world.dc(), Put(Node(id=NodeId("n3"))))
    world.run(15_000)
    world.committed(world.dc(), deletion("n3"))
    assert voters(world, "n1") == {"n1", "n2"}
    assert shots(world, began) == []
    finish(world)


def test_one_grows_to_two_and_to_three() -> None:
    """The second is needed to acknowledge that it was added: it counts from the entry on that adds it."""
    world = settled(3, founders=1)
    bring_in(world, "n2", founding(world.names[:2], Mode.TIE_BREAKER))
    shrinks_to(world, "n1", "n2")
    finish(world)
    assert world.host("n2").disk.content.may_vote
    bring_in(world, "n3", founding(world.names, Mode.TIE_BREAKER))
    shrinks_to(world, *world.names)
    finish(world)
    assert any("auto_tie_breaker lowest, in the cluster it is off" in n for n in status_of(world, "n1").notices)


def test_three_shrink_to_a_pair() -> None:
    """Two are left; with two_node switched on the survivor of them claims."""
    world = settled(3)
    take_out(world, "n3")
    shrinks_to(world, "n1", "n2")
    assert "two nodes with a vote each" not in told(world.answer("n1", ChangeQuorum(votes={NodeId("n3"): 2})))
    changes(world, "n1", ChangeQuorum(two_node=True))
    world.until(lambda: electorate(world, "n1").two_node and electorate(world, "n2").two_node, 5_000, "two_node")
    finish(world)
    sole, gone = [name for name in ("n1", "n2") if name == world.dc()] + [n for n in ("n1", "n2") if n != world.dc()]
    world.boots_fenced = False
    power_off(world, gone)
    stand_alone(world, sole)
    power_on(world, gone)
    finish(world)


def test_a_dead_peer_of_a_pair_is_replaced() -> None:
    """The survivor stands alone, the dead one is deleted, another machine takes its place: a pair again."""
    world = settled(3, founders=2)
    sole, gone = ("n1", "n2") if world.dc() == "n1" else ("n2", "n1")
    world.boots_fenced = False
    power_off(world, gone)
    stand_alone(world, sole)
    world.outsiders.add(NodeId(gone))
    world.run(5_000)
    world.committed(sole, deletion(gone))
    file = Electorate(votes={NodeId(sole): 1, NodeId("n3"): 1}, two_node=True)
    bring_in(world, "n3", file)
    shrinks_to(world, sole, "n3")
    assert electorate(world, sole).two_node
    finish(world)
    assert status_of(world, sole).notices == ()


@pytest.mark.parametrize("seed", range(1, 7))
def test_new_node_is_added_while_the_dc_dies(seed: int) -> None:
    """The DC dies within milliseconds of the entry that adds a node: it votes, or it does not yet, for all alike."""
    world = settled(4, seed=seed, founders=3)
    file = founding(world.names, Mode.PLAIN)
    bring_in(world, "n4", file)
    world.run(10 * seed)
    dc = world.dc()
    world.host(dc).crash_daemon(2_000)
    world.until(lambda: any(name != dc for name in world.dcs()) or dc in world.dcs(), 20_000, "a DC")
    finish(world)
    shrinks_to(world, *world.names)
    finish(world)


def test_who_was_deleted_may_return() -> None:
    """It left, was deleted, is configured again: it stores what it lacks, and votes as before."""
    world = settled(3)
    changes(world, "n1", ChangeQuorum(votes={NodeId("n1"): 2, NodeId("n3"): 2}))
    take_out(world, "n3")
    shrinks_to(world, "n1", "n2")
    bring_in(world, "n3", world.founding)
    shrinks_to(world, *world.names)
    assert electorate(world, "n1").votes == {"n1": 2, "n2": 1, "n3": 1}, "who is new has the votes of the file"
    finish(world)


def test_who_was_gone_has_its_votes_again() -> None:
    """A file that disagrees is not followed: who is added again after last_man_standing votes as the log had it."""
    world = settled(4, mode=Mode.SHRINKING)
    changes(world, "n1", ChangeQuorum(votes={NodeId("n4"): 2}))
    world.boots_fenced = False
    power_off(world, "n4")
    shrinks_to(world, "n1", "n2", "n3")
    power_on(world, "n4")
    finish(world)
    shrinks_to(world, *world.names)
    assert electorate(world, "n1").votes == {"n1": 1, "n2": 1, "n3": 1, "n4": 2}
    assert any("gives n4 1 votes, in the cluster it has 2" in notice for notice in status_of(world, "n1").notices)


@pytest.mark.parametrize("seed", range(1, 9))
def test_votes_changed_and_cut(seed: int) -> None:
    """Votes move from one half to the other, and the cut falls into that: never two quorums, whatever was stored."""
    world = settled(4, seed=seed, mode=Mode.WEIGHTED)
    dc = world.dc()
    wish = ChangeQuorum(votes={NodeId("n1"): 1, NodeId("n3"): 3})
    asked = world.ask(dc, wish)
    world.run(seed)
    world.partition(["n1", "n2"], ["n3", "n4"])
    marks = [mark_commit(world, name, f"mark-{name}") for name in world.names]
    world.run(12_000)
    assert len(world.dcs()) <= 1
    acknowledged = {f"mark-{mark.node}" for mark in marks if was_acknowledged(mark)}
    assert not acknowledged & {"mark-n1", "mark-n2"} or not acknowledged & {"mark-n3", "mark-n4"}
    assert acknowledged <= ids_of(finish(world))
    again = electorate(world, "n1").votes
    assert again in (world.founding.votes, {"n1": 1, "n2": 1, "n3": 3, "n4": 0})
    if isinstance(asked.answer, Done):
        assert again["n3"] == 3


@pytest.mark.parametrize("seed", range(1, 9))
def test_tie_breaker_moved_by_commit(seed: int) -> None:
    """Another node breaks ties, and the halves part just then: at most one of them goes on, and it loses nothing."""
    world = settled(4, seed=seed, mode=Mode.TIE_BREAKER)
    asked = world.ask(world.dc(), ChangeQuorum(tie_order=("n3",)))
    world.run(seed)
    world.partition(["n1", "n2"], ["n3", "n4"])
    marks = {name: mark_commit(world, name, f"mark-{name}") for name in world.names}
    world.run(12_000)
    assert len(world.dcs()) <= 1
    kept = {f"mark-{name}" for name, mark in marks.items() if was_acknowledged(mark)}
    assert kept <= ids_of(finish(world))
    if isinstance(asked.answer, Done):
        assert electorate(world, "n1").tie_breaker == "n3"
        world.partition(["n1", "n2"], ["n3", "n4"])
        world.run(8_000)
        assert set(world.dcs()) <= {"n3", "n4"}
        assert len(world.dcs()) == 1
        finish(world)


def test_what_electorates_may_not_be() -> None:
    """What the file could not say is refused, and what would leave those who are here without a quorum."""
    world = settled(3)
    power_off(world, other(world, "n1", world.dc()))
    world.run(5_000)
    by = world.dc()
    absent = next(name for name in world.names if not world.host(name).is_powered)
    wrong = {
        "two nodes with a vote each": ChangeQuorum(two_node=True),
        "0 to 100 votes": ChangeQuorum(votes={NodeId("n1"): 101}),
        "no node would have a vote": ChangeQuorum(votes=dict.fromkeys(world.names, 0)),
        "n9 does not vote now": ChangeQuorum(votes={NodeId("n9"): 1}),
        "is no node with a vote": ChangeQuorum(tie_order=("n9",)),
        "each once": ChangeQuorum(tie_order=("lowest", "highest")),
        "those who are here would have no quorum": ChangeQuorum(votes={NodeId(absent): 5}),
        "last_man_standing is off": ChangeQuorum(last_man_standing_window_ms=5_000),
    }
    before = electorate(world, by)
    for reason, wish in wrong.items():
        assert reason in told(world.answer(by, wish))
    assert electorate(world, by) == before
    same = world.answer(by, ChangeQuorum(wait_for_all=False))
    assert same == Done("the votes and modes are so already")


def test_modes_of_a_running_cluster() -> None:
    """Each is one entry of the log, and is told."""
    world = settled(4)
    by = other(world, world.dc())
    changes(world, by, ChangeQuorum(tie_order=("highest",)))
    changes(world, by, ChangeQuorum(last_man_standing=True, last_man_standing_window_ms=3_000))
    changes(world, by, ChangeQuorum(wait_for_all=True))
    finish(world)
    status = status_of(world, by)
    assert status.quorum.modes == ("wait_for_all", "auto_tie_breaker n4 (highest)", "last_man_standing 3s")
    assert any("auto_tie_breaker highest" in text for text in history(world, by))
    assert any("hashelld.toml here says wait_for_all off" in notice for notice in status.notices)
    changes(world, by, ChangeQuorum(tie_order=(), last_man_standing=False, wait_for_all=False))
    finish(world)
    assert electorate(world, by) == world.founding
    assert status_of(world, by).notices == ()


def test_one_change_at_a_time() -> None:
    """While the newest electorate is not known acknowledged another is refused, and said to be."""
    world = settled(3)
    dc = world.dc()
    for name in world.names:
        if name != dc:
            world.host(name).disk.stall(1_500)
    first = world.ask(dc, ChangeQuorum(votes={NodeId("n1"): 2}))
    world.run(20)
    assert "not known acknowledged" in told(world.answer(dc, ChangeQuorum(votes={NodeId("n2"): 2})))
    world.until(lambda: first.answer is not None, 10_000, "the first is acknowledged")
    assert isinstance(first.answer, Done)
    finish(world)


def test_toml_differs_by_nodes() -> None:
    """Files that name other nodes, votes and modes than the log: nobody is refused for that, and it is told."""
    world = settled(3)
    world.rewrite("n2", Electorate(votes={NodeId("n2"): 3, NodeId("n1"): 1}, two_node=True))
    world.rewrite("n3", founding(world.names, Mode.EVERYTHING))
    for name in ("n2", "n3"):
        world.host(name).crash_daemon()
        world.run(200)
        world.host(name).start_daemon()
        world.run(5_000)
    assert electorate(world, "n1") == world.founding
    notices = status_of(world, "n2").notices
    assert any("does not name n3" in notice for notice in notices)
    assert any("gives n2 3 votes, in the cluster it has 1" in notice for notice in notices)
    assert any("says two_node on, in the cluster it is off" in notice for notice in notices)
    world.rewrite("n2", world.founding)
    world.host("n2").crash_daemon()
    world.host("n2").start_daemon()
    finish(world)
    assert electorate(world, "n1") == world.founding


def test_committed_nodes_are_known_after_a_restart() -> None:
    """All of them power-cycled: who belongs to the cluster is on disk, whatever the files say."""
    world = settled(3)
    take_out(world, "n3")
    shrinks_to(world, "n1", "n2")
    power_off(world, "n1", "n2")
    power_on(world, "n1", "n2")
    finish(world)
    assert voters(world, "n1") == {"n1", "n2"}
    world.host("n3").is_wanted = True
    world.host("n3").boot()
    power_off(world, "n2")
    world.run(10_000)
    assert world.dcs() == [], "a node that was deleted voted"
    world.host("n3").is_wanted = False
    world.host("n3").power_cut()
    power_on(world, "n2")
    finish(world)
    assert not is_alone(world, "n1")


def test_a_commit_while_a_node_is_added() -> None:
    """Commits go on while somebody is added."""
    world = settled(3, founders=2)
    bring_in(world, "n3", founding(world.names, Mode.PLAIN))
    marks = [mark_commit(world, "n1", f"mark-{at}") for at in range(3)]
    world.until(lambda: all(isinstance(mark.answer, Committed) for mark in marks), 10_000, "acknowledged")
    assert {"mark-0", "mark-1", "mark-2"} <= ids_of(finish(world))
