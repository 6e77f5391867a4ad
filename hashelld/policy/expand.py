"""Configuration and nodes as planning sees them: items and nodes with integer indexes and parsed options.

An item is a primitive or a group; `children` and `parent` connect them. All tables of the later phases are
keyed by these indexes.
"""

from __future__ import annotations

from enum import IntEnum

from hashelld.cib.digest import digest
from hashelld.cib.document import OP_DEFAULTS, RSC_DEFAULTS, Cib
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent, Clone, Group, Operation, Primitive, Template
from hashelld.model.score import INFINITY, Score, parse_score
from hashelld.policy.attributes import Attributes
from hashelld.policy.settings import DEFAULT_TIMEOUT_MS, Settings, read_settings, span_ms, truth


NOWHERE = -1


class Kind(IntEnum):
    """What an item is; later kinds are processed first where priorities are equal."""

    PRIMITIVE = 0
    GROUP = 1


class Op:
    """One operation of an item with its options parsed."""

    __slots__ = ("digest", "interval_ms", "is_enabled", "meta", "name", "on_fail", "params", "role", "start_delay_ms",
                 "timeout_ms")  # fmt: skip

    def __init__(self, name: str, interval_ms: int, options: dict[str, str], params: dict[str, str]) -> None:
        self.name = name
        self.interval_ms = interval_ms
        self.timeout_ms = span_ms(options.get("timeout"), default=DEFAULT_TIMEOUT_MS) or DEFAULT_TIMEOUT_MS
        self.start_delay_ms = span_ms(options.get("start-delay"), default=0)
        self.role = options.get("role", "")
        self.on_fail = options.get("on-fail", "")
        self.is_enabled = truth(options.get("enabled"), default=True)
        self.params = params
        self.meta = options
        self.digest = ""


class Item:
    """A primitive or a group, with its meta attributes parsed."""

    __slots__ = ("agent", "children", "digest", "failure_timeout_ms", "id", "index", "is_collocated", "is_critical",
                 "is_device", "is_maintenance", "is_managed", "is_ordered", "is_removed", "kind", "meta",
                 "multiple_active", "operations", "ops", "params", "parent", "priority", "requires_fencing",
                 "requires_quorum", "stickiness", "target_role", "threshold")  # fmt: skip

    def __init__(self, index: int, resource: ResourceId, kind: Kind, meta: dict[str, str], settings: Settings) -> None:
        self.index = index
        self.id = resource
        self.kind = kind
        self.parent = NOWHERE
        self.children: list[int] = []
        self.meta = meta
        self.agent: Agent | None = None
        self.params: dict[str, str] = {}
        self.operations: tuple[Op, ...] = ()
        self.ops: dict[str, Op] = {}
        self.digest = ""
        self.is_removed = False
        self.priority = _score(meta.get("priority"), 0)
        self.stickiness = _score(meta.get("resource-stickiness"), 0)
        self.threshold = _score(meta.get("migration-threshold"), INFINITY)
        self.failure_timeout_ms = span_ms(meta.get("failure-timeout"), default=0)
        self.is_critical = truth(meta.get("critical"), default=True)
        self.is_maintenance = settings.is_maintenance or truth(meta.get("maintenance"), default=False)
        self.is_managed = truth(meta.get("is-managed"), default=True) and not self.is_maintenance
        self.target_role = meta.get("target-role", "").strip().lower()
        self.multiple_active = meta.get("multiple-active", "stop_start").strip().lower()
        self.is_ordered = truth(meta.get("ordered"), default=True)
        self.is_collocated = truth(meta.get("collocated"), default=True)
        self.is_device = False
        self.requires_fencing = settings.has_fencing
        self.requires_quorum = True
        self._require(meta.get("requires", "").strip().lower())

    def _require(self, word: str) -> None:
        if word == "nothing":
            self.requires_fencing = self.requires_quorum = False
        elif word == "quorum":
            self.requires_fencing = False

    def op(self, name: str) -> Op:
        """The configured or default options of an operation that is not recurring."""
        return self.ops[name] if name in self.ops else self.ops[""]

    def recurring(self, name: str, interval_ms: int) -> Op | None:
        """The configured recurring operation of this name and interval."""
        return next((op for op in self.operations if op.interval_ms == interval_ms and op.name == name), None)


class NodeState:
    """One node, with what its view and its attributes say."""

    __slots__ = ("attributes", "fence_reason", "id", "index", "is_leaving", "is_maintenance", "is_online", "is_pending",
                 "is_standby", "is_unclean", "standby_reason", "view")  # fmt: skip

    def __init__(self, index: int, view: NodeView, attributes: dict[str, str]) -> None:
        self.index = index
        self.id: NodeId = view.node
        self.view = view
        self.attributes = {**attributes, **view.status.attributes}
        self.is_online = view.online and not view.pending
        self.is_unclean = view.unclean or view.fence_requested
        self.is_pending = view.pending
        self.is_leaving = view.is_leaving and view.online
        self.is_standby = truth(self.attributes.get("standby"), default=False)
        self.standby_reason = f"{self.id} in standby"
        self.is_maintenance = truth(self.attributes.get("maintenance"), default=False)
        self.fence_reason = ""
        if view.unclean:
            self.fence_reason = f"{self.id} is lost"
        elif view.fence_requested:
            self.fence_reason = "requested by the administrator"

    def condemn(self, reason: str) -> None:
        """The node has to be fenced."""
        self.is_unclean = True
        self.fence_reason = self.fence_reason or reason

    @property
    def is_usable(self) -> bool:
        """May it be given resources?"""
        return self.is_online and not (self.is_unclean or self.is_standby or self.is_leaving or self.is_maintenance)

    @property
    def trouble(self) -> str:
        """Why it cannot be given resources, in few words; empty when it can."""
        if self.is_unclean:
            return self.fence_reason
        if self.is_pending:
            return f"{self.id} is joining"
        if not self.is_online:
            return f"{self.id} is offline"
        if self.is_leaving:
            return f"{self.id} is leaving"
        if self.is_standby:
            return self.standby_reason
        return f"{self.id} in maintenance" if self.is_maintenance else ""


class Situation:
    """The view, expanded. Later phases add removed resources as further items and condemn nodes."""

    __slots__ = ("by_id", "has_device", "items", "known_ids", "node_by_id", "nodes", "settings", "top", "view")

    def __init__(self, view: ClusterView, settings: Settings) -> None:
        self.view = view
        self.settings = settings
        self.items: list[Item] = []
        self.by_id: dict[str, Item] = {}
        self.known_ids: set[str] = set()
        """Primitives that are configured but not planned for."""
        self.nodes: list[NodeState] = []
        self.node_by_id: dict[str, int] = {}
        self.top: list[int] = []
        self.has_device = False

    def primitives(self) -> list[Item]:
        """All primitives, in document order."""
        return [item for item in self.items if item.kind is Kind.PRIMITIVE]

    def add(self, item: Item) -> None:
        """Take an item in; its index must be the next one."""
        assert item.index == len(self.items)
        self.items.append(item)
        self.by_id[item.id] = item

    def add_removed(self, resource: ResourceId) -> Item:
        """A placeholder for a resource that is in the status and not in the configuration."""
        item = Item(len(self.items), resource, Kind.PRIMITIVE, {}, self.settings)
        item.is_removed = True
        item.is_managed = self.settings.stops_removed and not self.settings.is_maintenance
        item.ops = {"": Op("", 0, {}, {})}
        self.add(item)
        self.top.append(item.index)
        return item

    def bearers(self, item: Item) -> list[Item]:
        """The item itself when it is a primitive, otherwise its members."""
        return [self.items[child] for child in item.children] if item.children else [item]


def _score(text: str | None, default: Score) -> Score:
    parsed = None if text is None else parse_score(text)
    return default if parsed is None else parsed


class _Expander:
    def __init__(self, view: ClusterView) -> None:
        self._cib: Cib = view.cib
        self._attributes = Attributes(view.cib)
        self._situation = Situation(view, read_settings(self._attributes))
        self._defaults = self._attributes.cluster(RSC_DEFAULTS)
        self._op_defaults = self._attributes.cluster(OP_DEFAULTS)
        resources = view.cib.resources
        self._primitives = {r.id: r for r in resources if isinstance(r, Primitive)}
        self._templates = {r.id: r for r in resources if isinstance(r, Template)}

    def run(self) -> Situation:
        situation = self._situation
        self._add_nodes()
        cloned = {r.child for r in self._cib.resources if isinstance(r, Clone)}
        members = {m for r in self._cib.resources if isinstance(r, Group) for m in r.members}
        situation.known_ids = set(self._primitives)
        for resource in self._cib.resources:
            if resource.id in cloned or isinstance(resource, Clone | Template):
                continue
            if isinstance(resource, Group):
                self._add_group(resource)
            elif resource.id not in members:
                self._add_primitive(resource, None)
        situation.top.sort(key=lambda index: -situation.items[index].priority)
        return situation

    def _add_nodes(self) -> None:
        configured = {node.id: node for node in self._cib.nodes}
        for at, view in enumerate(self._situation.view.nodes):
            node = configured.get(view.node)
            attributes = self._attributes.resolve(node.attributes) if node else {}
            self._situation.nodes.append(NodeState(at, view, attributes))
            self._situation.node_by_id[view.node] = at

    def _add_group(self, group: Group) -> None:
        situation = self._situation
        own = self._attributes.resolve(group.meta)
        item = Item(len(situation.items), group.id, Kind.GROUP, {**self._defaults, **own}, situation.settings)
        situation.add(item)
        situation.top.append(item.index)
        for member in group.members:
            if member in self._primitives:
                self._add_primitive(self._primitives[member], item, own)
        item.is_device = any(situation.items[child].is_device for child in item.children)

    def _add_primitive(
        self, primitive: Primitive, parent: Item | None, inherited: dict[str, str] | None = None
    ) -> None:
        situation = self._situation
        template = self._templates.get(primitive.template) if primitive.template else None
        own = self._attributes.resolve(primitive.meta)
        given = self._attributes.resolve(template.meta) if template else {}
        meta = {**self._defaults, **(inherited or {}), **given, **own}
        item = Item(len(situation.items), primitive.id, Kind.PRIMITIVE, meta, situation.settings)
        item.agent = primitive.agent or (template.agent if template else None)
        item.is_device = item.agent is not None and item.agent.standard == "stonith"
        if item.is_device:
            situation.has_device = True
            item.requires_fencing = False
        params = self._attributes.resolve(primitive.params)
        item.params = {**(self._attributes.resolve(template.params) if template else {}), **params}
        item.digest = digest((item.agent, item.params))
        self._add_operations(item, primitive.operations, template.operations if template else ())
        situation.add(item)
        if parent is None:
            situation.top.append(item.index)
        else:
            item.parent = parent.index
            parent.children.append(item.index)

    def _add_operations(self, item: Item, own: tuple[Operation, ...], given: tuple[Operation, ...]) -> None:
        found: dict[tuple[str, int], Op] = {}
        for operation in (*own, *given):
            key = (operation.name, operation.interval_ms)
            if key not in found:
                found[key] = self._operation(operation, item)
        item.ops = {op.name: op for op in found.values() if op.interval_ms == 0}
        item.ops[""] = Op("", 0, self._op_defaults, {})
        item.operations = tuple(op for op in found.values() if op.interval_ms > 0)

    def _operation(self, operation: Operation, item: Item) -> Op:
        written = {pair.name: pair.value for pair in operation.options if pair.value is not None}
        options = {**self._op_defaults, **self._attributes.resolve(operation.meta), **written}
        params = self._attributes.resolve(operation.params)
        op = Op(operation.name, operation.interval_ms, options, params)
        if op.interval_ms:
            op.digest = digest((item.digest, op.name, op.interval_ms, op.timeout_ms, op.start_delay_ms, params))
        return op


def expand(view: ClusterView) -> Situation:
    """Items and nodes of a view."""
    return _Expander(view).run()
