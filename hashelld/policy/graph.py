"""The policy engine's output: an acyclic graph of actions."""

from __future__ import annotations

import msgspec

from hashelld.model.action import Action
from hashelld.model.history import Role
from hashelld.model.ids import NodeId, ResourceId


class Placed(msgspec.Struct, frozen=True):
    """Where an instance should be."""

    resource: ResourceId
    node: NodeId
    role: Role


class Blocked(msgspec.Struct, frozen=True):
    """Something that should happen and cannot, with the reason for people."""

    resource: ResourceId
    node: NodeId | None
    reason: str


class Transition(msgspec.Struct, frozen=True):
    """What leads from the view to the wanted state. No actions: there is nothing to do."""

    actions: tuple[Action, ...] = ()
    placement: tuple[Placed, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    wake_ms: int | None = None
    """Wall-clock moment at which the same view would be planned differently (failure-timeout, rules)."""
