"""Makes items of resources: primitives, groups and clones with all of their instances."""

from __future__ import annotations

from typing import Final

from hashelld.cib.document import RSC_DEFAULTS
from hashelld.model.device import FABRIC, FENCING_DEVICE, PROVIDES, is_unfencing
from hashelld.model.ids import ResourceId
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Clone,
    Group,
    Primitive,
    Resource,
    Template,
    value_of,
)
from hashelld.policy.attributes import META_SUFFIX, UTILIZATION_SUFFIX
from hashelld.policy.rules import Facts
from hashelld.policy.settings import span_ms
from hashelld.policy.state.items import Item, Kind, Needs
from hashelld.policy.state.meta import DEVICE, REMOTE_AGENT, settle, settle_clone, settle_group
from hashelld.policy.state.nodes import whole_numbers
from hashelld.policy.state.operations import read_operations
from hashelld.policy.state.ops import Op
from hashelld.policy.state.parameters import parameters
from hashelld.policy.state.situation import Situation


_DISTINCT: Final = frozenset({"ocf", DEVICE})
"""Standards of agents whose instances can differ from each other."""


class Shared:
    """What all instances of a primitive have in common."""

    __slots__ = ("agent", "has_node_params", "meta", "ops", "params", "sets", "utilization")

    def __init__(self, agent: Agent | None, meta: dict[str, str]) -> None:
        self.agent = agent
        self.meta = meta
        self.ops: dict[tuple[str, int], Op] | None = None
        self.sets: tuple[tuple[AttributeSet, ...], ...] = ()
        self.params: dict[int | None, dict[str, str]] = {}
        self.has_node_params = False
        self.utilization: dict[str, int] = {}


class Builder:
    """Adds items to a situation."""

    __slots__ = ("_has_unfencing", "_shared", "_templates", "counted", "resources", "situation")

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.resources: dict[str, Resource] = {}
        self._templates: dict[str, Template] = {}
        for resource in situation.cib.resources:
            if isinstance(resource, Template):
                self._templates[resource.id] = resource
            else:
                self.resources[resource.id] = resource
        self._has_unfencing = any(self._unfences(found) for found in self.resources.values())
        self._shared: dict[str, Shared] = {}
        self.counted = self._counted()
        """The nodes that clones count: nodes of bundles only once these were added."""

    def add_top(self, resource: Resource) -> Item | None:
        """What stands in no collective; None for templates and the like. Bundles are added by `bundles`."""
        item: Item | None = None
        if isinstance(resource, Primitive):
            item = self.add_primitive(resource, None)
        elif isinstance(resource, Group):
            item = self.add_group(resource, None)
        elif isinstance(resource, Clone):
            item = self.add_clone(resource, None)
        if item is not None:
            self.situation.top.append(item)
        return item

    def add_primitive(self, source: Primitive, parent: Item | None, number: int | None = None) -> Item:
        """A primitive, or (with a number) the part of an instance that is made of it."""
        shared = self._shared.get(source.id)
        if shared is None:
            shared = self._shared[source.id] = self._share(source, parent)
        item = self.new(source.id, Kind.PRIMITIVE, parent, shared.meta, number)
        item.source = source
        item.agent = shared.agent
        item.is_device = shared.agent is not None and shared.agent.standard == DEVICE
        item.is_remote_connection = shared.agent == REMOTE_AGENT and self.situation.view.can_reach
        item.param_sets, item.params_by_node = shared.sets, shared.params
        item.has_node_params = shared.has_node_params
        item.utilization = shared.utilization
        self.settle(item)
        if parent is not None and item.clone is not None:
            item.allows_migration = False  # Its copies are everywhere; there is nothing to move.
        if shared.ops is None:
            device = parameters(self.situation, item) if item.is_device else None
            shared.ops = read_operations(self.situation.attributes, source, shared.agent, device)
        item.ops = shared.ops
        if item.is_device:
            self.situation.has_device = True
        if item.is_remote_connection:
            self.read_reconnect(item)
        return item

    def add_group(self, source: Group, parent: Item | None, number: int | None = None) -> Item:
        """A group and its members."""
        item = self.new(source.id, Kind.GROUP, parent, self.meta_of(source.meta, None, parent), number)
        item.source = source
        item.param_sets = self._sets_around(source.params, parent)
        self.settle(item)
        settle_group(item, self.meta_of(source.meta, None, None))
        for name in source.members:
            member = self.resources.get(name)
            if isinstance(member, Primitive):
                self.add_primitive(member, item, number)
                self._note_base(name, item)
        item.is_device = any(member.is_device for member in item.children)
        return item

    def add_clone(self, source: Clone, parent: Item | None, *, is_isolated: bool = False) -> Item:
        """A clone and its instances; without any, one surplus instance that histories can be attached to.

        `is_isolated`: it is the content of a bundle.
        """
        item = self.new(source.id, Kind.CLONE, parent, self.meta_of(source.meta, None, parent))
        if "resource-stickiness" not in item.meta and self.situation.settings.stickiness is None:
            item.meta["resource-stickiness"] = "1"
        item.source = source
        item.is_isolated = is_isolated
        item.param_sets = self._sets_around(source.params, parent)
        child = self.resources.get(source.child)
        is_known = isinstance(child, Primitive | Group)
        can_be_unique = is_known and all(agent is None or agent.standard in _DISTINCT for agent in self._agents(child))
        settle_clone(item, len(self.counted), is_master=source.is_master, can_be_unique=can_be_unique)
        self.settle(item)
        self._note_base(source.child, item)
        for _ in range(max(1, item.instance_max) if is_known else 0):
            self.add_instance(item)
        item.is_device = any(instance.is_device for instance in item.children)
        return item

    def add_instance(self, clone: Item) -> Item:
        """One more instance; those beyond clone-max are surplus."""
        number = len(clone.children)
        assert isinstance(clone.source, Clone)
        child = self.resources[clone.source.child]
        if isinstance(child, Group):
            instance = self.add_group(child, clone, number)
        else:
            assert isinstance(child, Primitive)
            instance = self.add_primitive(child, clone, number)
        if number >= clone.instance_max:
            instance.is_surplus = True
            for part in instance.children:
                part.is_surplus = True
        return instance

    def add_removed(self, name: str, agent: Agent | None) -> Item:
        """A placeholder for a resource that is in the status and not in the configuration."""
        situation = self.situation
        facts = Facts(situation.now_ms, agent=agent)
        item = self.new(name, Kind.PRIMITIVE, None, dict(situation.attributes.defaults(RSC_DEFAULTS, facts)))
        item.is_removed = True
        item.agent = agent
        item.is_device = agent is not None and agent.standard == DEVICE
        item.is_remote_connection = agent == REMOTE_AGENT and situation.view.can_reach
        self.settle(item)
        if not situation.settings.stops_removed:
            item.is_managed = False
        situation.top.append(item)
        return item

    def new(self, name: str, kind: Kind, parent: Item | None, meta: dict[str, str], number: int | None = None) -> Item:
        """An item with its identity and place in the tree; a number makes it (part of) an instance."""
        item_id = name if number is None else f"{name}:{number}"
        item = Item(len(self.situation.items), item_id, kind, parent, meta)
        item.base_id = name
        if parent is not None:
            parent.children.append(item)
            clone = parent if parent.kind is Kind.CLONE else parent.clone
            if clone is not None:
                item.is_unique = clone.is_unique
                item.is_promotable = clone.is_promotable
                item.is_isolated = clone.is_isolated
                if not clone.is_unique:
                    item.history_id = name
        self.situation.add(item)
        return item

    def settle(self, item: Item) -> None:
        """Parse its meta attributes."""
        settle(item, self.situation.settings, has_unfencing=self._has_unfencing, is_promotable=item.is_promotable)
        item.fencing_device = self._fencing_device(item)
        if item.fencing_device:
            item.needs = Needs.UNFENCING

    def _fencing_device(self, item: Item) -> str:
        """The device that cuts a node from the item, where there is such a device and fencing at all."""
        name = item.meta.get(FENCING_DEVICE, "").strip()
        found = self.resources.get(name)
        is_usable = name and self.situation.view.can_unfence and self.situation.settings.has_fencing
        if not is_usable or not isinstance(found, Primitive) or item.is_device:
            return ""
        agent = self._agents(found)[0]
        return name if agent is not None and agent.standard == DEVICE else ""

    def read_reconnect(self, item: Item) -> None:
        """How long a failed connection waits; failures then expire with it."""
        item.reconnect_ms = span_ms(parameters(self.situation, item).get("reconnect_interval"), default=0)
        if item.reconnect_ms:
            item.failure_timeout_ms = item.reconnect_ms

    def meta_of(self, own: tuple[AttributeSet, ...], agent: Agent | None, parent: Item | None) -> dict[str, str]:
        """Meta attributes: own ones, those of the collective around it, defaults."""
        attributes = self.situation.attributes
        facts = Facts(self.situation.now_ms, agent=agent)
        meta = dict(attributes.defaults(RSC_DEFAULTS, facts))
        if parent is not None:
            meta.update(parent.meta)
        if own:
            meta.update(attributes.resolve(own, facts, kind=META_SUFFIX))
        return meta

    def _counted(self) -> set[str]:
        found = {str(node.id) for node in self.situation.nodes if not node.is_remote}
        found.update(node.id for node in self.situation.cib.nodes)
        for resource in self.resources.values():
            if isinstance(resource, Primitive):
                guest = value_of(resource.meta, "remote-node")
                if guest:
                    found.add(guest)
                if self._agents(resource)[0] == REMOTE_AGENT:
                    found.add(resource.id)
        return found

    def _share(self, source: Primitive, parent: Item | None) -> Shared:
        template = self._templates.get(source.template) if source.template else None
        agent = source.agent or (None if template is None else template.agent)
        own_meta, own_params, capacity = source.meta, source.params, source.utilization
        if template is not None:
            own_meta = (*template.meta, *own_meta)
            own_params = (*template.params, *own_params)
            capacity = (*template.utilization, *capacity)
        shared = Shared(agent, self.meta_of(own_meta, agent, parent))
        shared.sets = self._sets_around(own_params, parent)
        attributes = self.situation.attributes
        shared.has_node_params = any(attributes.is_conditional(sets) for sets in shared.sets)
        if capacity:
            facts = Facts(self.situation.now_ms, agent=agent)
            shared.utilization = whole_numbers(attributes.resolve(capacity, facts, kind=UTILIZATION_SUFFIX))
        return shared

    def _sets_around(self, own: tuple[AttributeSet, ...], parent: Item | None) -> tuple[tuple[AttributeSet, ...], ...]:
        around = () if parent is None else parent.param_sets
        return (own, *around) if own else around

    def _note_base(self, name: ResourceId, item: Item) -> None:
        """Inside clones a configured name means the outermost of them."""
        top = item.top
        if top.kind in {Kind.CLONE, Kind.BUNDLE}:
            self.situation.by_base[name] = top

    def _agents(self, child: Resource | None) -> list[Agent | None]:
        if isinstance(child, Group):
            return [agent for name in child.members for agent in self._agents(self.resources.get(name))]
        if not isinstance(child, Primitive):
            return []
        template = self._templates.get(child.template) if child.template else None
        return [child.agent or (None if template is None else template.agent)]

    def _unfences(self, found: Resource) -> bool:
        if not isinstance(found, Primitive) or not self.situation.view.can_unfence:
            return False
        agent = self._agents(found)[0]
        if agent is None or agent.standard != DEVICE:
            return False
        is_fabric = agent.type in FABRIC and not self.situation.view.feature_set
        return is_fabric or is_unfencing(value_of(found.meta, PROVIDES))
