"""Necessity and impossibility spread along the edges until nothing changes."""

from __future__ import annotations

from hashelld.model.constraint import Order
from hashelld.model.ids import ConstraintId, ResourceId
from hashelld.model.score import INFINITY
from hashelld.policy.acting.orderings import add_orderings
from hashelld.policy.acting.propagate import propagate
from hashelld.policy.acting.steps import BUSY, MIGRATABLE, OPTIONAL, RUNNABLE, Edge
from hashelld.policy.state.items import Item, Kind, Stage
from hashelld.policy.state.ties import Tie
from tests.policy.graphs import World


def after(first: str, then: str, **fields: object) -> Order:
    name = ConstraintId(f"{first}-{then}")
    return Order(id=name, first=ResourceId(first), then=ResourceId(then), **fields)  # type: ignore[arg-type]


def settle(world: World) -> set[str]:
    add_orderings(world.situation, world.graph)
    propagate(world.situation, world.graph)
    return world.required()


def clone_of(world: World, name: str, part: str, count: int) -> tuple[Item, list[Item]]:
    clone = world.item(name, Kind.CLONE)
    clone.is_ordered = False
    return clone, [world.item(f"{part}:{number}", parent=clone) for number in range(count)]


def test_a_restart_spreads_to_what_depends_on_it() -> None:
    world = World(after("a", "b"))
    world.runs(world.item("a"), 0, to=1)
    world.runs(world.item("b"), 0)
    assert settle(world) == {"stop a", "start a", "stop b", "start b"}


def test_an_optional_order_spreads_nothing() -> None:
    world = World(after("a", "b", kind="Optional"))
    world.runs(world.item("a"), 0, to=1)
    world.runs(world.item("b"), 0)
    assert settle(world) == {"stop a", "start a"}


def test_what_depends_on_something_that_goes_nowhere_stops() -> None:
    world = World(after("a", "b"))
    world.item("a")
    world.runs(world.item("b"), 0)
    assert settle(world) == {"stop b"}


def test_an_asymmetric_order_keeps_down_and_does_not_stop() -> None:
    world = World(after("a", "b", symmetrical=False), after("a", "c", symmetrical=False))
    world.item("a")
    world.runs(world.item("b"), 0)
    world.starts(world.item("c"), 0)
    assert settle(world) == set()


def test_a_later_member_stops_with_an_earlier_one() -> None:
    world = World()
    group = world.item("g", Kind.GROUP)
    world.runs(world.item("a", parent=group), 0, to=1)
    world.runs(world.item("b", parent=group), 0, to=1)
    assert settle(world) == {"stop a", "stop b", "start a", "start b"}


def test_a_restarting_instance_concerns_only_what_is_on_its_node() -> None:
    world = World(after("c", "b"), after("c", "d"), nodes=3)
    _clone, instances = clone_of(world, "c", "x", 2)
    for at, instance in enumerate(instances):
        world.runs(instance, at)
    for task in ("stop", "start"):
        world.the(instances[0], task).flags &= ~OPTIONAL
    world.runs(world.item("b"), 0)
    world.runs(world.item("d"), 1)
    assert settle(world) == {"stop x:0", "start x:0", "stop b", "start b"}


def test_a_clone_is_there_as_long_as_one_instance_can_be() -> None:
    world = World(after("c", "b"))
    _clone, instances = clone_of(world, "c", "x", 2)
    for at, instance in enumerate(instances):
        world.starts(instance, at)
    world.the(instances[0], "start").flags &= ~RUNNABLE
    world.starts(world.item("b"), 0)
    assert settle(world) == {"start x:1", "start b"}


def test_one_of_a_clone_may_be_enough() -> None:
    world = World(after("c", "b", options=(("require-all", "false"),)))
    _clone, instances = clone_of(world, "c", "x", 2)
    for instance in instances:
        world.starts(instance, 0)
    for instance in instances:
        world.the(instance, "start").flags &= ~RUNNABLE
    world.starts(world.item("b"), 0)
    assert settle(world) == set()


def test_interleaved_instances_restart_by_themselves() -> None:
    world = World(after("c", "d"))
    _first, firsts = clone_of(world, "c", "x", 2)
    then, thens = clone_of(world, "d", "y", 2)
    then.is_interleaved = True
    for at in range(2):
        world.runs(firsts[at], at)
        world.runs(thens[at], at)
    for task in ("stop", "start"):
        world.the(firsts[1], task).flags &= ~OPTIONAL
    assert settle(world) == {"stop x:1", "start x:1", "stop y:1", "start y:1"}


def test_without_interleaving_all_instances_restart() -> None:
    world = World(after("c", "d"))
    _first, firsts = clone_of(world, "c", "x", 2)
    _then, thens = clone_of(world, "d", "y", 2)
    for at in range(2):
        world.runs(firsts[at], at)
        world.runs(thens[at], at)
    for task in ("stop", "start"):
        world.the(firsts[1], task).flags &= ~OPTIONAL
    assert {"stop y:0", "start y:0", "stop y:1", "start y:1"} <= settle(world)


def test_what_is_with_something_that_cannot_start_does_not_either() -> None:
    world = World()
    a, b = world.starts(world.item("a"), 0), world.starts(world.item("b"), 0)
    a.ties_of.append(Tie("t", b, a, INFINITY))
    world.the(a, "start").flags &= ~RUNNABLE
    assert settle(world) == set()


def test_a_blocked_stop_holds_what_waits_for_it() -> None:
    world = World(after("a", "b"))
    a, b = world.stops(world.item("a"), 0), world.stops(world.item("b"), 0)
    b.is_managed, b.is_blocked = False, True
    world.the(b, "stop").flags &= ~RUNNABLE
    assert settle(world) == set()
    assert world.the(a, "stop").is_required


def test_a_demotion_comes_with_the_stop_of_what_is_promoted() -> None:
    world = World()
    _clone, (instance,) = clone_of(world, "c", "x", 1)
    world.stops(instance, 0)
    instance.stage = Stage.PROMOTED
    demote = world.step(instance, "demote", 0, is_required=False)
    world.graph.link(demote, world.the(instance, "stop"), Edge.SEQUENCE | Edge.PROMOTED_THEN_IMPLIES_FIRST)
    assert settle(world) == {"stop x:0", "demote x:0"}


def test_a_migration_spares_what_depends_on_it() -> None:
    world = World(after("a", "b"))
    a = world.runs(world.item("a"), 0, to=1)
    world.the(a, "start").flags |= MIGRATABLE
    world.the(a, "stop").flags |= MIGRATABLE
    world.runs(world.item("b"), 0)
    assert settle(world) == {"stop a", "start a"}


def test_what_is_under_way_holds_what_comes_after() -> None:
    world = World(after("a", "b"))
    a = world.starts(world.item("a"), 0)
    world.the(a, "start").flags = BUSY
    world.starts(world.item("b"), 0)
    assert settle(world) == set()


def test_a_long_chain_is_no_problem() -> None:
    count = 3000
    world = World(*(after(f"r{number}", f"r{number + 1}") for number in range(count)))
    items = [world.runs(world.item(f"r{number}"), 0) for number in range(count + 1)]
    for task in ("stop", "start"):
        world.the(items[0], task).flags &= ~OPTIONAL
    assert len(settle(world)) == 2 * (count + 1)
