"""Walking a transition: what begins when, and what never does."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.core.execution import Execution, under_first_look
from hashelld.model.action import Action, ActionKind
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.graph import Transition


def step(*after: int, kind: ActionKind = ActionKind.RESOURCE) -> Action:
    return Action(kind=kind, node=NodeId("n"), resource=ResourceId("r"), operation="start", after=after)


def execution(*actions: Action, at_once: int = 30) -> Execution:
    return Execution(Transition(actions=actions), at_once)


def indexes(walk: Execution) -> list[int]:
    return [index for index, _ in walk.ready()]


def test_nothing_to_do_is_finished():
    walk = execution()
    assert walk.ready() == []
    assert walk.is_finished
    assert walk.remaining == 0


def test_actions_begin_when_those_before_are_done():
    walk = execution(step(), step(0), step(0), step(1, 2))
    assert indexes(walk) == [0]
    assert indexes(walk) == []
    assert walk.in_flight == {0}
    walk.on_done(0, True)
    assert indexes(walk) == [1, 2]
    walk.on_done(2, True)
    assert indexes(walk) == []
    walk.on_done(1, True)
    assert indexes(walk) == [3]
    assert not walk.is_finished
    walk.on_done(3, True)
    assert walk.is_finished
    assert not walk.is_aborted


def test_nothing_ends_on_a_node_that_is_looked_at():
    look = msgspec.structs.replace(step(), operation="monitor")
    stop = msgspec.structs.replace(step(), operation="stop")
    there = msgspec.structs.replace(stop, node=NodeId("m"))
    walk = execution(stop, look, there, step())
    assert indexes(walk) == [1, 2, 3]
    assert not walk.is_finished
    walk.on_done(1, True)
    assert [index for index, _ in walk.ready(under_first_look([there, look]))] == []
    assert indexes(walk) == [0]
    assert under_first_look([stop, msgspec.structs.replace(look, interval_ms=10_000)]) == frozenset()


def test_a_node_has_a_limit_of_its_own():
    there = msgspec.structs.replace(step(), node=NodeId("m"))
    walk = Execution(Transition(actions=(step(), step(), step(), there, step())), 3, 1)
    assert indexes(walk) == [0, 3]
    assert indexes(walk) == []
    walk.on_done(3, True)
    assert indexes(walk) == []
    walk.on_done(0, True)
    assert indexes(walk) == [1]
    walk.on_done(1, True)
    assert indexes(walk) == [2]


def test_an_action_may_stand_before_what_it_waits_for():
    walk = execution(step(1), step())
    assert indexes(walk) == [1]


def test_pseudo_actions_complete_by_being_reached():
    pseudo = ActionKind.PSEUDO
    walk = execution(step(kind=pseudo), step(0, kind=pseudo), step(1), step(2, kind=pseudo))
    assert indexes(walk) == [2]
    assert walk.remaining == 2
    walk.on_done(2, True)
    assert indexes(walk) == []
    assert walk.is_finished


def test_a_failure_ends_the_dispatching_and_what_is_in_flight_is_waited_for():
    walk = execution(step(), step(), step(0), step(1))
    assert indexes(walk) == [0, 1]
    walk.on_done(0, False)
    assert walk.is_aborted
    assert not walk.is_finished
    walk.on_done(1, True)
    assert indexes(walk) == []
    assert walk.is_finished
    assert walk.remaining == 3


def test_abort():
    walk = execution(step(), step())
    walk.abort()
    assert indexes(walk) == []
    assert walk.is_finished


def test_only_so_many_resource_actions_are_in_flight():
    walk = execution(step(), step(), step(), step(kind=ActionKind.FENCE), at_once=2)
    assert indexes(walk) == [0, 1, 3]
    walk.on_done(3, True)
    assert indexes(walk) == []
    walk.on_done(0, True)
    assert indexes(walk) == [2]


def test_a_pseudo_action_passes_those_that_wait_for_room():
    walk = execution(step(), step(), step(kind=ActionKind.PSEUDO), step(2, kind=ActionKind.FENCE), at_once=1)
    assert indexes(walk) == [0, 3]


def test_results_that_come_again_or_were_not_asked_for_are_ignored():
    walk = execution(step(), step(0))
    walk.on_done(1, True)
    assert walk.remaining == 2
    indexes(walk)
    walk.on_done(0, True)
    walk.on_done(0, False)
    assert not walk.is_aborted
    assert indexes(walk) == [1]


def test_the_same_predecessor_twice_is_one():
    walk = execution(step(), step(0, 0))
    indexes(walk)
    walk.on_done(0, True)
    assert indexes(walk) == [1]


@pytest.mark.parametrize("actions", [(step(0),), (step(1), step(0)), (step(7),), (step(), step(0, 2), step(1))])
def test_actions_that_wait_for_each_other_or_for_nothing_are_our_bug(actions):
    with pytest.raises(AssertionError):
        execution(*actions)


def test_a_large_transition_is_walked_in_linear_time():
    size = 20_000
    walk = execution(step(), *(step(0) for _ in range(size)), step(*range(1, size + 1)), at_once=size + 2)
    assert indexes(walk) == [0]
    walk.on_done(0, True)
    for index in indexes(walk):
        walk.on_done(index, True)
    assert indexes(walk) == [size + 1]


def notify(kind: str, *after: int) -> Action:
    meta = {"notify_type": kind}
    return Action(
        kind=ActionKind.RESOURCE, node=NodeId("n"), resource=ResourceId("r"), operation="notify", meta=meta, after=after
    )


def test_what_is_done_when_a_transition_is_given_up_is_notified_of():
    walk = execution(step(), step(0, kind=ActionKind.PSEUDO), notify("post", 1), step(0), notify("pre"), at_once=1)
    assert walk.has_notifications
    assert indexes(walk) == [0]
    walk.abort()
    assert not walk.is_finished
    assert indexes(walk) == []
    walk.on_done(0, True)
    assert indexes(walk) == [2], "neither the next action nor the announcement of one that does not come"
    walk.on_done(2, True)
    assert walk.is_finished
    assert walk.is_aborted


def test_what_failed_is_not_notified_of():
    walk = execution(step(), notify("post", 0), step(), notify("post", 2))
    assert indexes(walk) == [0, 2]
    walk.on_done(0, False)
    walk.on_done(2, True)
    assert indexes(walk) == [3]
    walk.on_done(3, True)
    assert walk.is_finished


def test_notifications_alone_have_no_effects():
    assert not execution(notify("pre"), step(0, kind=ActionKind.PSEUDO)).has_effects
    assert execution(notify("pre"), step(0)).has_effects
    assert not execution(step()).has_notifications
