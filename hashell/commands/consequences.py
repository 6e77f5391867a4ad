"""What a transition comes to, for people: what happens to each resource and node, in which step, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from hashell.outcomes import Change
from hashelld.model.action import Action, ActionKind
from hashelld.model.device import FENCING_DEVICE
from hashelld.policy.graph import Transition


_MOVES: Final = frozenset(
    {"stop", "start", "demote", "promote", "migrate_to", "migrate_from", "reload", "reload-agent"}
)
_RELOADS: Final = frozenset({"reload", "reload-agent"})
_FENCINGS: Final = {"on": "unfence", "off": "fence", "reboot": "fence"}

Placement = tuple[tuple[str, str, str], ...]


class _Told:
    """What is done with one resource on one node."""

    __slots__ = ("first", "last", "operations", "reasons")

    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.reasons: list[str] = []
        self.first = 0
        self.last = 0

    def add(self, action: Action, step: int) -> None:
        self.operations.add(action.operation)
        if action.reason:
            self.reasons.append(action.reason)
        self.first = min(self.first or step, step)
        self.last = max(self.last, step)

    @property
    def arrives(self) -> bool:
        return bool(self.operations & {"start", "migrate_from"}) and not self.operations & {"stop", "migrate_to"}

    @property
    def leaves(self) -> bool:
        return bool(self.operations & {"stop", "migrate_to"}) and "start" not in self.operations


def steps_of(transition: Transition) -> tuple[int, ...]:
    """For each action the step in which it is done at the earliest, from 1; nothing is done in a pseudo event's."""
    steps: list[int] = []
    for action in transition.actions:
        before = max((steps[first] for first in action.after), default=0)
        steps.append(before if action.kind is ActionKind.PSEUDO else before + 1)
    return tuple(steps)


def changes_of(transition: Transition, steps: Sequence[int]) -> tuple[Change, ...]:
    """What happens to nodes and resources, in the order of their first steps; equal things at several nodes are one."""
    found: list[Change] = []
    resources: dict[str, dict[str, _Told]] = {}
    for action, step in zip(transition.actions, steps, strict=True):
        if action.kind is ActionKind.FENCE:
            is_cut = FENCING_DEVICE in action.meta
            found.append(_of_node("cut off" if is_cut else _FENCINGS.get(action.operation, "fence"), action, step))
        elif action.kind is ActionKind.SHUTDOWN:
            found.append(_of_node("let go", action, step))
        elif action.resource is not None and action.node is not None and action.operation in _MOVES:
            of_resource = resources.setdefault(action.resource, {})
            of_resource.setdefault(action.node, _Told()).add(action, max(step, 1))
    for resource, told in resources.items():
        found += _of_resource(resource, told)
    return _merged(sorted(found, key=lambda change: change.first_step))


def _of_node(verb: str, action: Action, step: int) -> Change:
    return Change(
        verb=verb,
        nodes=(str(action.node),),
        detail=action.meta.get(FENCING_DEVICE, action.operation if action.operation in ("off", "reboot") else ""),
        reason=action.reason,
        first_step=step,
        last_step=step,
    )


def _of_resource(resource: str, told: dict[str, _Told]) -> list[Change]:
    leaving = [node for node in told if told[node].leaves]
    arriving = [node for node in told if told[node].arrives]
    if leaving and len(arriving) == 1:
        moved = [told[node] for node in (*leaving, arriving[0])]
        is_live = any("migrate_to" in one.operations for one in moved)
        rest = [_at(resource, node, told[node]) for node in told if node not in (*leaving, *arriving)]
        return [_change("migrate" if is_live else "move", resource, leaving, moved, to=arriving[0]), *rest]
    return [_at(resource, node, told[node]) for node in told]


def _at(resource: str, node: str, told: _Told) -> Change:
    done = told.operations
    if {"stop", "start"} <= done:
        verb = "restart"
    elif {"demote", "promote"} <= done:
        verb = "re-promote"
    elif done & _RELOADS:
        verb = "reload"
    else:
        verb = next(
            (name for name in ("start", "stop", "promote", "demote") if name in done),
            "migrate" if "migrate_to" in done else "finish migration of",
        )
    return _change(verb, resource, [node], [told])


def _change(verb: str, resource: str, nodes: Sequence[str], told: Sequence[_Told], to: str | None = None) -> Change:
    last = told[-1].operations
    is_up = "promote" in last and verb not in ("promote", "re-promote")
    return Change(
        verb=verb,
        resource=resource,
        nodes=tuple(nodes),
        to=to,
        detail="Promoted" if is_up else "",
        reason=next((reason for one in told for reason in one.reasons), ""),
        first_step=min(one.first for one in told),
        last_step=max(one.last for one in told),
    )


def _merged(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes that differ in nothing but the node, made one."""
    found: dict[tuple[object, ...], Change] = {}
    for change in changes:
        where = change.to if change.to is not None else ""
        key = (change.verb, change.resource, where, change.detail, change.reason)
        before = found.get(key)
        if before is None or change.to is not None:
            found[key if before is None else (*key, change.nodes)] = change
            continue
        found[key] = msgspec.structs.replace(
            before,
            nodes=(*before.nodes, *change.nodes),
            first_step=min(before.first_step, change.first_step),
            last_step=max(before.last_step, change.last_step),
        )
    return tuple(found.values())


def untouched(before: Placement, changes: Iterable[Change]) -> tuple[str, ...]:
    """The resources that are active and to which nothing happens, each once."""
    touched = {change.resource for change in changes}
    return tuple(dict.fromkeys(resource for resource, _node, _role in before if resource not in touched))
