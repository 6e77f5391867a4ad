"""The `Cib` value: everything that is configured, as one immutable document."""

from __future__ import annotations

import msgspec

from hashelld.model.constraint import Colocation, Constraint, Location, Order
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from hashelld.model.resource import AttributeSet, Clone, Group, Primitive, Resource, Template


class Properties(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="property"):
    """One set of cluster properties, resource defaults or operation defaults.

    `id` is the set's id (`cib-bootstrap-options`, `rsc-options`, `op-options` unless the user chose another).
    """

    id: str
    kind: str
    """`property`, `rsc_defaults` or `op_defaults`."""
    set: AttributeSet = AttributeSet()


Object = Node | Primitive | Group | Clone | Template | Location | Colocation | Order | Properties
"""Anything that has an id of its own and can be edited by itself."""

PROPERTY, RSC_DEFAULTS, OP_DEFAULTS = "property", "rsc_defaults", "op_defaults"
DEFAULT_SETS = {
    PROPERTY: "cib-bootstrap-options",
    RSC_DEFAULTS: "rsc-options",
    OP_DEFAULTS: "op-options",
}


class Cib(msgspec.Struct, frozen=True, omit_defaults=True):
    """The configuration: objects in the order in which the user wrote them (the order breaks ties)."""

    objects: tuple[Object, ...] = ()

    def find(self, object_id: str) -> Object | None:
        """The object with this id."""
        return next((o for o in self.objects if o.id == object_id), None)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The configured nodes."""
        return tuple(o for o in self.objects if isinstance(o, Node))

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Primitives, groups, clones and templates."""
        return tuple(o for o in self.objects if isinstance(o, Primitive | Group | Clone | Template))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """Location, colocation and order constraints."""
        return tuple(o for o in self.objects if isinstance(o, Location | Colocation | Order))

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

    def parent_of(self, resource: str) -> Group | Clone | None:
        """The group or clone that contains a resource."""
        for found in self.objects:
            if isinstance(found, Group) and resource in found.members:
                return found
            if isinstance(found, Clone) and found.child == resource:
                return found
        return None
