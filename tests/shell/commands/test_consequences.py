"""What a transition comes to: moves, restarts, promotions, in which steps, and why."""

from __future__ import annotations

import pytest

from hashell.commands.consequences import changes_of, steps_of, untouched
from hashell.outcomes import Change
from hashelld.model.action import Action, ActionKind
from hashelld.policy.graph import Transition


def do(operation: str, node: str | None = "n1", *after: int, resource: str = "a", reason: str = "") -> Action:
    return Action(
        kind=ActionKind.RESOURCE, node=node, resource=resource, operation=operation, after=after, reason=reason
    )


def event(operation: str, *after: int, node: str | None = None, resource: str | None = "a") -> Action:
    return Action(kind=ActionKind.PSEUDO, node=node, resource=resource, operation=operation, after=after)


def fence(node: str, operation: str = "reboot") -> Action:
    return Action(kind=ActionKind.FENCE, node=node, operation=operation, reason=f"{node} is lost")


def changes(*actions: Action) -> tuple[Change, ...]:
    transition = Transition(actions)
    return changes_of(transition, steps_of(transition))


def told(*actions: Action) -> list[tuple[str, ...]]:
    return [
        (c.verb, ",".join(c.nodes), *([c.to] if c.to else []), *([c.detail] if c.detail else []))
        for c in changes(*actions)
    ]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([do("start")], [("start", "n1")]),
        ([do("stop")], [("stop", "n1")]),
        ([do("stop"), do("start", "n1", 0)], [("restart", "n1")]),
        ([do("stop"), do("start", "n2", 0)], [("move", "n1", "n2")]),
        ([do("start"), do("promote", "n1", 0)], [("start", "n1", "Promoted")]),
        ([do("promote")], [("promote", "n1")]),
        ([do("demote")], [("demote", "n1")]),
        ([do("demote"), do("stop", "n1", 0)], [("stop", "n1")]),
        ([do("demote"), do("promote", "n1", 0)], [("re-promote", "n1")]),
        ([do("demote"), do("promote", "n2", 0)], [("demote", "n1"), ("promote", "n2")]),
        ([do("reload-agent")], [("reload", "n1")]),
        ([do("stop"), do("stop", "n2"), do("start", "n3", 0, 1)], [("move", "n1,n2", "n3")]),
        ([do("stop"), do("start", "n1", 0), do("stop", "n2")], [("restart", "n1"), ("stop", "n2")]),
        ([do("start"), do("start", "n2")], [("start", "n1,n2")]),
        (
            [do("migrate_to"), do("migrate_from", "n2", 0), do("stop", "n1", 1), event("start", 1, node="n2")],
            [("migrate", "n1", "n2")],
        ),
        (
            [fence("n1"), event("stop", 0, node="n1"), do("start", "n2", 1)],
            [("fence", "n1", "reboot"), ("move", "n1", "n2")],
        ),
        ([fence("n1", "on")], [("unfence", "n1")]),
        ([Action(kind=ActionKind.SHUTDOWN, node="n1", operation="do_shutdown")], [("let go", "n1")]),
        ([do("monitor"), event("running"), do("notify")], []),
    ],
)  # fmt: skip
def test_what_happens(actions: list[Action], expected: list[tuple[str, ...]]):
    assert told(*actions) == expected


def test_steps_count_real_actions_only():
    transition = Transition((do("stop"), event("stopped", 0), do("start", "n2", 1), do("start", "n3", resource="b")))
    assert steps_of(transition) == (1, 1, 2, 1)


def test_changes_come_in_the_order_of_their_steps_with_the_first_reason():
    found = changes(
        do("stop", "n1", resource="b"),
        do("start", "n2", 0, resource="b", reason="because"),
        do("start", "n2", 1, resource="a"),
    )
    assert [(c.resource, c.first_step, c.last_step, c.reason) for c in found] == [
        ("b", 1, 2, "because"),
        ("a", 3, 3, ""),
    ]


def test_what_is_untouched():
    before = (("a", "n1", "Started"), ("b", "n1", "Promoted"), ("b", "n2", "Unpromoted"))
    assert untouched(before, changes(do("stop"))) == ("b",)
