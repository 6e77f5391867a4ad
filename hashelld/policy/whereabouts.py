"""What is active where, as a status lists it: resource, node and role."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView
from hashelld.model.history import Role
from hashelld.model.ids import NodeId, ResourceId
from hashelld.policy.state.expand import expand
from hashelld.policy.state.items import Item, Kind, Replica, Stage
from hashelld.policy.state.observation import without_number
from hashelld.policy.state.observe import observe
from hashelld.policy.state.situation import Situation


class Active(msgspec.Struct, frozen=True, order=True, array_like=True):
    """One active instance; instances of anonymous clones are called by the resource's id."""

    resource: ResourceId
    node: NodeId
    role: str


def whereabouts(view: ClusterView) -> tuple[Active, ...]:
    """Everything that is active, removed and failed resources included, sorted.

    Of a bundle each replica counts as one, in the role of what runs inside; the connections that guests have without
    being asked are left out.
    """
    situation = expand(view)
    observe(situation)
    return tuple(sorted(_found(situation)))


def plain_name(cib: Cib, resource: ResourceId) -> ResourceId:
    """What a resource of a history is called: the number of an instance says something only of what is configured."""
    base = without_number(resource)
    is_known = base == resource or any(found.id == base for found in cib.resources)
    return resource if is_known else ResourceId(base)


def _found(situation: Situation) -> Iterator[Active]:
    for item in situation.items:
        if item.kind is Kind.BUNDLE:
            for replica in item.replicas:
                yield from _of_replica(situation, replica)
        elif item.kind is Kind.PRIMITIVE and item.top.kind is not Kind.BUNDLE and not _is_implicit(item):
            role = _role(item)
            name = ResourceId(item.history_id)
            name = plain_name(situation.cib, name) if item.is_removed else name
            yield from (Active(name, situation.node_id(at), role) for at in item.active)


def _of_replica(situation: Situation, replica: Replica) -> Iterator[Active]:
    container, child = replica.container, replica.child
    shown = container if replica.connection is None else replica.connection
    inner = container if child is None else child
    if container.active and inner.active:
        yield Active(ResourceId(shown.id), situation.node_id(container.active[0]), _role(inner))


def _is_implicit(item: Item) -> bool:
    return item.is_remote_connection and item.container is not None and item.source is None


def _role(item: Item) -> str:
    clone = item.clone
    if item.stage is Stage.STARTED and clone is not None and clone.is_promotable:
        return Role.UNPROMOTED.value
    return item.stage.role.value
