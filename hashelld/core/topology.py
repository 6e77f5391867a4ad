"""Which levels of the fencing topology are a node's."""

from __future__ import annotations

import re

from hashelld.cib.document import Cib
from hashelld.model.administration import FencingLevel, Topology
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import value_of


def chosen_levels(cib: Cib, target: NodeId) -> tuple[tuple[ResourceId, ...], ...] | None:
    """The devices of the target's levels, in the order of their numbers; None where the topology has none for it.

    Levels that name the node win over patterns, these over attributes, and all of them over levels for every node. Of
    several patterns or attributes that fit, the one that is configured first counts, with all of its levels.
    """
    levels = [level for topology in cib.objects if isinstance(topology, Topology) for level in topology.levels]
    fitting = [level for level in levels if _fits(cib, target, level)]
    if not fitting:
        return None
    first = min(fitting, key=_rank)
    own = [level for level in fitting if _selector(level) == _selector(first) and level.index.isdecimal()]
    return tuple(level.devices for level in sorted(own, key=lambda level: int(level.index)))


def _fits(cib: Cib, target: NodeId, level: FencingLevel) -> bool:
    if level.target is not None:
        return level.target.lower() == target.lower()
    if level.pattern is not None:
        try:
            return re.search(level.pattern, target) is not None
        except re.error:  # Told when the configuration was verified; it fits nobody.
            return False
    if level.attribute is not None:
        node = cib.node(target)
        value = None if node is None else value_of(node.attributes, level.attribute)
        return value is not None and value == level.value
    return True


def _rank(level: FencingLevel) -> int:
    kinds = (level.target, level.pattern, level.attribute)
    return next((rank for rank, given in enumerate(kinds) if given is not None), len(kinds))


def _selector(level: FencingLevel) -> tuple[str | None, ...]:
    return (level.target, level.pattern, level.attribute, level.value)
