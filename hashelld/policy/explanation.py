"""Why a resource is, or is not, on each node: the answer's shape, apart so that who shows it need not plan."""

from __future__ import annotations

import msgspec

from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.score import Score


class Contribution(msgspec.Struct, frozen=True):
    """One source of a score: `location prefer-node1`, `stickiness`, `3 failures, threshold 3`."""

    source: str
    score: Score


class NodeScore(msgspec.Struct, frozen=True):
    """A node's total for a resource, and what it is made of."""

    node: NodeId
    total: Score
    contributions: tuple[Contribution, ...] = ()
    note: str = ""
    """What does not count yet: `2 failures, threshold 3`."""
    why_not: str = ""
    """Why it is not to be on this node; empty where it is, or is to be nowhere for no fault of the node."""


class PartExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One primitive of a group, clone or bundle: what it is now, what it is to be, and why."""

    resource: ResourceId
    """Instances of anonymous clones by the resource's id; `node` tells them apart."""
    now: NodeId | None = None
    now_role: str = "Stopped"
    node: NodeId | None = None
    """Where it is to be."""
    role: str = "Stopped"
    summary: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """`summary` is one sentence, the shortest true reason; scores are sorted best first."""

    resource: ResourceId
    running_on: tuple[NodeId, ...]
    planned_on: tuple[NodeId, ...]
    summary: str
    scores: tuple[NodeScore, ...]
    parts: tuple[PartExplained, ...] = ()
    """Of a group, clone or bundle."""
    promotion: tuple[NodeScore, ...] = ()
    """Of a promotable clone: what speaks for the promoted role on each node that has an instance."""
