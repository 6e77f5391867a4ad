"""A node as the configuration describes it."""

from __future__ import annotations

from hashelld.model.ids import NodeId
from hashelld.model.resource import AttributeSet, Unknown
from hashelld.model.written import Arranged


class Node(Arranged, frozen=True, omit_defaults=True, kw_only=True, tag="node"):
    """One configured node. Standby and maintenance are permanent attributes of these names."""

    id: NodeId
    """The node's name (`uname`)."""
    number: str | None = None
    """The numeric id in front of the name (`1: node1`), kept for Pacemaker's XML."""
    kind: str | None = None
    description: str | None = None
    score: str | None = None
    """What the node is worth to every resource, beside the resources' own preferences."""
    attributes: tuple[AttributeSet, ...] = ()
    utilization: tuple[AttributeSet, ...] = ()
    unknown: Unknown | None = None
