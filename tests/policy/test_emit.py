"""From the graph to the transition: what is taken, in which sequence, and what is told of the rest."""

from __future__ import annotations

from hashelld.model.action import Action, ActionKind
from hashelld.model.constraint import Order
from hashelld.model.ids import ConstraintId, ResourceId
from hashelld.policy.acting.emit import emit
from hashelld.policy.acting.orderings import add_orderings
from hashelld.policy.acting.propagate import propagate
from hashelld.policy.acting.steps import MIGRATABLE, OPTIONAL, PSEUDO, RUNNABLE, Edge
from hashelld.policy.graph import Transition
from hashelld.policy.state.items import Kind
from tests.policy.graphs import World


def transition_of(world: World) -> Transition:
    add_orderings(world.situation, world.graph)
    propagate(world.situation, world.graph)
    return emit(world.situation, world.graph)


def labels(transition: Transition) -> list[str]:
    return [action.label for action in transition.actions]


def after(transition: Transition, label: str) -> set[str]:
    names = labels(transition)
    return {names[at] for at in transition.actions[names.index(label)].after}


def test_steps_follow_each_other_and_events_that_save_nothing_are_left_out() -> None:
    world = World()
    group = world.item("g", Kind.GROUP)
    for name in "ab":
        world.starts(world.item(name, parent=group), 1)
    found = transition_of(world)
    assert labels(found) == ["a_start_0@n1", "b_start_0@n1"]
    assert after(found, "b_start_0@n1") == {"a_start_0@n1"}


def test_instances_go_by_their_names_in_histories_and_are_told_of_their_clone() -> None:
    world = World()
    clone = world.item("c", Kind.CLONE)
    clone.instance_max = 2
    for number in range(2):
        world.starts(world.item(f"x:{number}", parent=clone), number)
    clone.children[1].history_id = "x"
    action = next(a for a in transition_of(world).actions if a.node == "n1")
    assert action.label == "x_start_0@n1"
    assert (action.meta["clone"], action.meta["clone_max"], action.meta["globally_unique"]) == ("1", "2", "false")


def test_notifications_have_labels_of_their_own() -> None:
    meta = {"notify_type": "post", "notify_operation": "start"}
    action = Action(kind=ActionKind.RESOURCE, resource=ResourceId("x"), operation="notify", meta=meta)
    assert action.label == "x_post_notify_start_0"


def test_circles_are_cut() -> None:
    one = Order(id=ConstraintId("1"), first=ResourceId("a"), then=ResourceId("b"), kind="Optional")
    two = Order(id=ConstraintId("2"), first=ResourceId("b"), then=ResourceId("a"), kind="Optional")
    world = World(one, two)
    for name in "ab":
        world.starts(world.item(name), 0)
    assert len(transition_of(world).actions) == 2


def test_unmanaged_resources_are_left_alone_but_for_monitors() -> None:
    world = World()
    a = world.stops(world.item("a"), 0)
    a.is_managed = False
    monitor = world.step(a, "monitor", 0, is_required=True)
    monitor.interval_ms = 10_000
    assert labels(transition_of(world)) == ["a_monitor_10000@n0"]


def test_the_stop_of_a_migration_is_not_waited_for_where_sequence_is_optional() -> None:
    world = World()
    a, b = world.stops(world.item("a"), 0), world.starts(world.item("b"), 0)
    world.the(a, "stop").flags |= MIGRATABLE
    world.graph.link(world.the(a, "stop"), world.the(b, "start"), Edge.SEQUENCE)
    assert after(transition_of(world), "b_start_0@n0") == set()


def test_anti_colocation_counts_only_on_one_node() -> None:
    for home, waits in ((0, {"a_stop_0@n0"}), (1, set())):
        world = World()
        a, b = world.stops(world.item("a"), 0), world.starts(world.item("b"), home)
        world.graph.link(world.the(a, "stop"), world.the(b, "start"), Edge.REQUIRED_SAME_NODE)
        assert after(transition_of(world), f"b_start_0@n{home}") == waits


def test_starts_are_held_until_they_are_allowed() -> None:
    world = World(Order(id=ConstraintId("o"), first=ResourceId("a"), then=ResourceId("b")), may_start=False)
    a, b = world.starts(world.item("a"), 0), world.starts(world.item("b"), 0)
    world.stops(world.item("c"), 1)
    found = transition_of(world)
    assert labels(found) == ["c_stop_0@n1"]
    assert [(b.resource, b.node) for b in found.blocked] == [(a.id, "n0"), (b.id, "n0")]


def test_actions_on_remote_nodes_name_the_host_that_carries_them_out() -> None:
    world = World(nodes=3)
    connection = world.runs(world.item("r"), 0, to=1)
    connection.is_remote_connection, connection.remote_node = True, 2
    node = world.situation.nodes[2]
    node.is_remote, node.connection = True, connection
    world.stops(world.item("a"), 2)
    world.starts(world.item("b"), 2)
    hosts = {action.label: action.host for action in transition_of(world).actions}
    assert (hosts["a_stop_0@n2"], hosts["b_start_0@n2"], hosts["r_start_0@n1"]) == ("n0", "n1", None)


def test_an_implied_stop_is_an_event_on_its_node() -> None:
    world = World()
    a = world.stops(world.item("a"), 0)
    world.the(a, "stop").flags |= PSEUDO | RUNNABLE
    (action,) = transition_of(world).actions
    assert (action.kind, action.node, action.operation) == (ActionKind.PSEUDO, "n0", "stop")


def test_what_cannot_be_done_is_told() -> None:
    world = World(Order(id=ConstraintId("o"), first=ResourceId("a"), then=ResourceId("b")))
    world.item("a").why_stopped = "target-role is Stopped"
    world.starts(world.item("b"), 0)
    (blocked,) = transition_of(world).blocked
    assert (blocked.resource, blocked.reason) == ("b", "cannot start: waits for a: target-role is Stopped")


def test_a_start_that_is_impossible_is_told_where_nothing_runs() -> None:
    world = World()
    a = world.starts(world.item("a"), 0)
    start = world.the(a, "start")
    start.flags = (start.flags & ~RUNNABLE) | OPTIONAL
    (blocked,) = transition_of(world).blocked
    assert (blocked.resource, blocked.node) == ("a", "n0")
