"""Edges between the steps of different items: constraints, groups, clones, sets, remote connections."""

from __future__ import annotations

from hashelld.model.constraint import Order, ResourceSet
from hashelld.model.ids import ConstraintId, ResourceId
from hashelld.model.score import INFINITY
from hashelld.policy.acting.orderings import add_orderings
from hashelld.policy.acting.steps import Edge
from hashelld.policy.state.items import Kind, Stage
from hashelld.policy.state.ties import Tie
from tests.policy.graphs import World, before


A, B, C = ResourceId("a"), ResourceId("b"), ResourceId("c")


def order(**fields: object) -> Order:
    return Order(id=ConstraintId("o"), **fields)  # type: ignore[arg-type]


def edges(world: World) -> None:
    add_orderings(world.situation, world.graph)


def test_a_constraint_orders_starts_and_the_inverse_stops() -> None:
    world = World(order(first=A, then=B))
    a, b = world.runs(world.item("a"), 0), world.runs(world.item("b"), 1)
    edges(world)
    assert before(world.the(b, "start")) == {"start a", "stop b"}
    assert before(world.the(a, "stop")) == {"stop b"}


def test_serialized_and_asymmetric_constraints_have_no_inverse() -> None:
    for one in (order(first=A, then=B, kind="Serialize"), order(first=A, then=B, symmetrical=False)):
        world = World(one)
        a, b = world.runs(world.item("a"), 0), world.runs(world.item("b"), 1)
        edges(world)
        assert "start a" in before(world.the(b, "start"))
        assert before(world.the(a, "stop")) == set()


def test_members_of_a_group_follow_each_other() -> None:
    world = World()
    group = world.item("g", Kind.GROUP)
    first, second = (world.runs(world.item(name, parent=group), 0) for name in "ab")
    edges(world)
    assert "start a" in before(world.the(second, "start"))
    assert "stop b" in before(world.the(first, "stop"))


def test_who_waits_for_a_clone_waits_for_all_of_it() -> None:
    world = World(order(first=ResourceId("c"), then=B))
    clone = world.item("c", Kind.CLONE)
    clone.is_ordered = False
    for number in range(2):
        world.starts(world.item(f"x:{number}", parent=clone), number)
    b = world.starts(world.item("b"), 0)
    edges(world)
    assert before(world.the(b, "start")) == {"start x:0", "start x:1"}


def test_one_instance_can_be_meant_by_its_number() -> None:
    world = World(order(first=ResourceId("c"), then=B, options=(("first-instance", "1"),)))
    clone = world.item("c", Kind.CLONE)
    for number in range(2):
        world.starts(world.item(f"x:{number}", parent=clone), number)
    b = world.starts(world.item("b"), 0)
    edges(world)
    assert before(world.the(b, "start")) == {"start x:1"}


def test_interleaved_instances_have_edges_of_their_own() -> None:
    world = World(order(first=ResourceId("c"), then=ResourceId("d")))
    first, then = world.item("c", Kind.CLONE), world.item("d", Kind.CLONE)
    first.is_ordered = then.is_ordered = False
    then.is_interleaved = True
    firsts = [world.starts(world.item(f"x:{number}", parent=first), number) for number in range(2)]
    thens = [world.starts(world.item(f"y:{number}", parent=then), number) for number in range(2)]
    edges(world)
    direct = [(s.item, edge) for s, edge in world.the(thens[1], "start").before if s.item in firsts]
    assert direct == [(firsts[1], Edge.SEQUENCE | Edge.FIRST_IMPLIES_THEN | Edge.UNRUNNABLE_BLOCKS)]


def test_an_instance_without_a_partner_stays_down() -> None:
    world = World(order(first=ResourceId("c"), then=ResourceId("d")))
    first, then = world.item("c", Kind.CLONE), world.item("d", Kind.CLONE)
    then.is_interleaved = True
    world.starts(world.item("x:0", parent=first), 0)
    lonely = world.starts(world.item("y:1", parent=then), 1)
    edges(world)
    assert lonely.home is None
    assert not world.the(lonely, "start").is_runnable


def test_sets_follow_each_other_and_may_need_only_one() -> None:
    sets = (
        ResourceSet(members=(A, B), sequential=False, require_all=False, id="s"),
        ResourceSet(members=(C,), sequential=False),
    )
    world = World(order(sets=sets))
    for name in "ab":
        world.starts(world.item(name), 0)
    c = world.starts(world.item("c"), 1)
    edges(world)
    assert before(world.the(c, "start")) == {"start a", "start b"}
    (event,) = {step.task for step in world.graph.steps if step.item is None}
    assert event == "one-or-more:s"


def test_what_must_not_be_together_leaves_before_the_other_comes() -> None:
    world = World()
    a, b = world.stops(world.item("a"), 0), world.starts(world.item("b"), 0)
    tie = Tie("t", b, a, -INFINITY)
    b.ties_with.append(tie)
    a.ties_of.append(tie)
    edges(world)
    assert (world.the(a, "stop"), Edge.REQUIRED_SAME_NODE) in world.the(b, "start").before


def test_what_waits_for_a_stop_waits_for_the_probes() -> None:
    world = World(order(first=A, then=B))
    a, b = world.runs(world.item("a"), 0), world.starts(world.item("b"), 1)
    probe = world.probe(b, 0)
    edges(world)
    assert (probe, Edge.SEQUENCE) in world.the(a, "stop").before


def test_demotions_come_before_promotions_of_the_whole_clone() -> None:
    world = World()
    clone = world.item("c", Kind.CLONE)
    clone.is_ordered, clone.is_promotable = False, True
    old, new = (world.item(f"x:{number}", parent=clone) for number in range(2))
    for item, stage in ((old, Stage.PROMOTED), (new, Stage.UNPROMOTED)):
        world.runs(item, item.index - 1)
        item.stage = stage
    world.step(old, "demote", 0, is_required=True)
    promote = world.step(new, "promote", 1, is_required=True)
    edges(world)
    assert "demote x:0" in before(promote)


def test_everything_on_a_remote_node_needs_its_connection() -> None:
    world = World()
    connection = world.starts(world.item("r"), 0)
    connection.is_remote_connection, connection.remote_node = True, 1
    node = world.situation.nodes[1]
    node.is_remote, node.connection = True, connection
    a = world.starts(world.item("a"), 1)
    edges(world)
    assert (world.the(connection, "start"), Edge.SEQUENCE | Edge.UNRUNNABLE_BLOCKS) in world.the(a, "start").before
