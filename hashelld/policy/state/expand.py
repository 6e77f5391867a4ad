"""A view expanded to nodes and items: everything that is configured, before any history is read."""

from __future__ import annotations

from hashelld.cib.document import PROPERTY
from hashelld.cib.view import ClusterView
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Tag
from hashelld.policy.attributes import Attributes
from hashelld.policy.settings import read_settings
from hashelld.policy.state.building import Builder
from hashelld.policy.state.bundles import add_bundle
from hashelld.policy.state.connections import add_guests, link_connections, link_containers
from hashelld.policy.state.nodes import add_nodes
from hashelld.policy.state.situation import Ledger, Situation


def expand(view: ClusterView, ledger: Ledger | None = None) -> Situation:
    """Nodes and items of a view; the ledger is told of contributions to scores by later phases."""
    attributes = Attributes(view.cib, view.now_ms)
    situation = Situation(view, attributes, read_settings(attributes, has_watchdog=view.has_watchdog), ledger)
    add_nodes(situation, attributes.cluster(PROPERTY))
    _read_names(situation)
    builder = Builder(situation)
    inside = _inside(situation)
    for resource in builder.resources.values():
        if resource.id in inside:
            continue
        if isinstance(resource, Bundle):
            if view.can_reach:
                add_bundle(builder, resource)
        else:
            builder.add_top(resource)
    if view.can_reach:
        add_guests(builder)
        link_connections(situation)
    link_containers(situation)
    situation.top.sort(key=lambda item: -item.priority)
    situation.wake_at(attributes.wake_ms)
    return situation


def _inside(situation: Situation) -> set[str]:
    """Ids of the resources that are part of others."""
    found: set[str] = set()
    for resource in situation.cib.resources:
        if isinstance(resource, Group):
            found.update(resource.members)
        elif isinstance(resource, Clone | Bundle) and resource.child is not None:
            found.add(resource.child)
    return found


def _read_names(situation: Situation) -> None:
    """What stands for several resources in constraints."""
    users: dict[str, list[str]] = {}
    for found in situation.cib.objects:
        if isinstance(found, Tag):
            situation.tags[found.id] = found.members
        elif isinstance(found, Primitive) and found.template:
            users.setdefault(found.template, []).append(found.id)
    situation.templates = {template: tuple(primitives) for template, primitives in users.items()}
