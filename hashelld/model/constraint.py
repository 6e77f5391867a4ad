"""Constraints: where a resource may run, with whom, in what sequence, and what it may do without a ticket.

A constraint names its resources one by one, or in `sets`; it never does both. A resource here may also be a tag or a
template, which stands for all that it covers.
"""

from __future__ import annotations

import msgspec

from hashelld.model.ids import ConstraintId, NodeId, ResourceId
from hashelld.model.resource import Unknown
from hashelld.model.rule import Rule
from hashelld.model.written import Written


class ResourceSet(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Resources that a constraint treats alike; options are None unless written."""

    members: tuple[ResourceId, ...] = ()
    sequential: bool | None = None
    require_all: bool | None = None
    role: str | None = None
    action: str | None = None
    score: str | None = None
    kind: str | None = None
    """Of an order constraint's set, instead of the constraint's own."""
    ordering: str | None = None
    """Of a colocation's set, in old schemas: `group` or `listed`."""
    id: str | None = None
    id_ref: str | None = None


class _Constraint(Written, frozen=True, omit_defaults=True, kw_only=True):
    id: ConstraintId
    sets: tuple[ResourceSet, ...] = ()
    lifetime: tuple[Rule, ...] = ()
    """The constraint counts only while these rules hold."""
    unknown: Unknown | None = None


class Location(_Constraint, frozen=True, omit_defaults=True, kw_only=True, tag="location"):
    """A preference of a resource for a node, or by rules. `score` is text, as written (`inf`, `-100`)."""

    resource: ResourceId | None = None
    pattern: str | None = None
    """A regular expression (POSIX extended) on resource ids, instead of one resource; `!` in front inverts it."""
    node: NodeId | None = None
    score: str | None = None
    rules: tuple[Rule, ...] = ()
    role: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """resource-discovery and the like, in the order written."""


class Colocation(_Constraint, frozen=True, omit_defaults=True, kw_only=True, tag="colocation"):
    """`resource` (the dependent) is placed by `with_resource` (the primary)."""

    score: str | None = None
    """None, which only XML can say, means INFINITY."""
    resource: ResourceId | None = None
    with_resource: ResourceId | None = None
    role: str | None = None
    with_role: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """node-attribute, influence, and the numbers of instances (rsc-instance, with-rsc-instance)."""


class Order(_Constraint, frozen=True, omit_defaults=True, kw_only=True, tag="order"):
    """`first` does its action before `then` does its own. `kind` is Mandatory, Optional or Serialize."""

    first: ResourceId | None = None
    then: ResourceId | None = None
    kind: str | None = None
    first_action: str | None = None
    then_action: str | None = None
    symmetrical: bool | None = None
    options: tuple[tuple[str, str], ...] = ()
    """require-all, and the numbers of instances (first-instance, then-instance)."""


class TicketConstraint(_Constraint, frozen=True, omit_defaults=True, kw_only=True, tag="rsc_ticket"):
    """The resource runs (or has the role) only where the cluster holds the ticket."""

    ticket: str
    resource: ResourceId | None = None
    role: str | None = None
    loss_policy: str | None = None
    """What happens when the ticket is lost: `stop` (the default), `demote`, `fence` or `freeze`."""
    options: tuple[tuple[str, str], ...] = ()


Constraint = Location | Colocation | Order | TicketConstraint
