"""The `Cib` value: everything that is configured, as one immutable document."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec

from hashelld.model.administration import AclRole, AclTarget, Alert, Topology, Unmodelled
from hashelld.model.constraint import Colocation, Constraint, Location, Order, TicketConstraint
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Bundle, Clone, Group, Primitive, Resource, Tag, Template, Unknown
from hashelld.model.written import Written


class Properties(Written, frozen=True, omit_defaults=True, kw_only=True, tag="property"):
    """One set of cluster properties, resource defaults or operation defaults.

    `id` is the set's id (`cib-bootstrap-options`, `rsc-options`, `op-options` unless the user chose another).
    """

    id: str
    kind: str
    """`property`, `rsc_defaults` or `op_defaults`."""
    set: AttributeSet = AttributeSet()
    unknown: Unknown | None = None


Object = (
    Node
    | Primitive
    | Group
    | Clone
    | Bundle
    | Template
    | Tag
    | Location
    | Colocation
    | Order
    | TicketConstraint
    | Properties
    | Topology
    | Alert
    | AclRole
    | AclTarget
    | Unmodelled
)
"""Anything that has an id of its own and can be edited by itself."""

_KEY_PREFIXES: Final = ("node:", "acl_target:")


def key_of(found: Object) -> str:
    """What tells an object from all others of a configuration.

    It is the id, but names of nodes and of users are theirs alone: a node may have the name of the resource that
    connects to it. Their keys begin with `node:` and `acl_target:`, which no id contains.
    """
    if isinstance(found, Node):
        return f"node:{found.id}"
    return f"acl_target:{found.id}" if isinstance(found, AclTarget) else found.id


def candidate_keys(name: str) -> tuple[str, ...]:
    """The keys that a name given without its kind may stand for, the likeliest first."""
    return (name, *(prefix + name for prefix in _KEY_PREFIXES))


PROPERTY, RSC_DEFAULTS, OP_DEFAULTS = "property", "rsc_defaults", "op_defaults"
DEFAULT_SETS = {
    PROPERTY: "cib-bootstrap-options",
    RSC_DEFAULTS: "rsc-options",
    OP_DEFAULTS: "op-options",
}


class Cib(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """The configuration: objects in the order in which the user wrote them (the order breaks ties)."""

    objects: tuple[Object, ...] = ()

    def find(self, name: str) -> Object | None:
        """The object with this key or id; where a node or user has the id of something else, it is that."""
        return self._named.get(name)

    @cached_property
    def _named(self) -> dict[str, Object]:
        """By every name that finds something: who has it as key and id comes before who has it as id, or as key."""
        by_key = {key_of(found): found for found in reversed(self.objects)}
        by_id = {found.id: found for found in reversed(self.objects)}
        exact = {name: found for name, found in by_key.items() if found.id == name}
        return by_key | by_id | exact

    @cached_property
    def _parents(self) -> dict[str, Group | Clone | Bundle]:
        parents: dict[str, Group | Clone | Bundle] = {}
        for found in self.objects:
            if isinstance(found, Group):
                for member in found.members:
                    parents.setdefault(member, found)
            elif isinstance(found, Clone | Bundle) and found.child is not None:
                parents.setdefault(found.child, found)
        return parents

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The configured nodes."""
        return tuple(o for o in self.objects if isinstance(o, Node))

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Primitives, groups, clones, bundles and templates."""
        return tuple(o for o in self.objects if isinstance(o, Primitive | Group | Clone | Bundle | Template))

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """Location, colocation, order and ticket constraints."""
        return tuple(o for o in self.objects if isinstance(o, Location | Colocation | Order | TicketConstraint))

    def property_value(self, name: str, kind: str = PROPERTY) -> str | None:
        """The configured value of a cluster property (or default of another kind), None when it is not set."""
        for found in self.objects:
            if isinstance(found, Properties) and found.kind == kind:
                for pair in found.set.pairs:
                    if pair.name == name:
                        return pair.value
        return None

    def node(self, node: NodeId) -> Node | None:
        """The configured node of this name."""
        return next((o for o in self.nodes if o.id == node), None)

    def parent_of(self, resource: str) -> Group | Clone | Bundle | None:
        """The group, clone or bundle that contains a resource."""
        return self._parents.get(resource)
