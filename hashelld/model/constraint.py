"""Constraints: where a resource may run, with whom, and in what sequence."""

from __future__ import annotations

import msgspec

from hashelld.model.ids import ConstraintId, NodeId, ResourceId


class Location(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="location"):
    """A preference of a resource for a node. `score` is text, as written (`inf`, `-100`)."""

    id: ConstraintId
    resource: ResourceId
    node: NodeId
    score: str
    role: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """resource-discovery and the like, in the order written."""


class Colocation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="colocation"):
    """`resource` (the dependent) is placed by `with_resource` (the primary)."""

    id: ConstraintId
    score: str
    resource: ResourceId
    with_resource: ResourceId
    role: str | None = None
    with_role: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """node-attribute, influence."""


class Order(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="order"):
    """`first` does its action before `then` does its own. `kind` is Mandatory, Optional or Serialize."""

    id: ConstraintId
    first: ResourceId
    then: ResourceId
    kind: str | None = None
    first_action: str | None = None
    then_action: str | None = None
    symmetrical: bool | None = None


Constraint = Location | Colocation | Order
