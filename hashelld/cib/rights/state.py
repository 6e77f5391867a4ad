"""The same for the state: what an account may read of nodes and operations, and which of it it may change.

The state is judged as Pacemaker's status section, with the elements `node_state`, `transient_attributes`, `lrm`,
`lrm_resource` and `lrm_rsc_op`; fail counts are transient attributes there.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hashelld.cib.document import Cib
from hashelld.cib.rights.rules import Access, Rights, access_of, narrowed, own_right
from hashelld.cib.view import NodeView
from hashelld.cib.xml.naming import Naming
from hashelld.cib.xml.resources import written_node
from hashelld.cib.xml.tree import Element
from hashelld.model.history import ActionResult, FailureCount, NodeStatus, fail_count_name
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.node import Node


_Chain = tuple[Element, ...]
_STATUS: _Chain = (Element("cib", {}), Element("status", {}))


def reads_cluster(rights: Rights) -> bool:
    """May what concerns no single node be read: membership, votes, the DC, what is under way?"""
    return access_of(rights, _STATUS) >= Access.READ


def visible_nodes(nodes: Sequence[NodeView], rights: Rights) -> tuple[NodeView, ...]:
    """The nodes' states without what may not be read. Of a node that is not readable itself, the rest is empty."""
    if rights.reads_all:
        return tuple(nodes)
    return tuple(seen for view in nodes if (seen := _seen(view, rights)) is not None)


def _seen(view: NodeView, rights: Rights) -> NodeView | None:
    state = _node_state(view.node)
    is_own = access_of(rights, state) >= Access.READ
    status = view.status
    reader = _Reader(state, rights)
    resources = frozenset(name for name in _resources(status) if reader.resource(name))
    seen = NodeStatus(
        node=status.node,
        serial=status.serial,
        operations=tuple(one for one in status.operations if reader.operation(one)),
        failures=tuple(one for one in status.failures if reader.attribute(_fail_count(one))),
        attributes={name: value for name, value in status.attributes.items() if reader.attribute(name)},
        agents={name: agent for name, agent in status.agents.items() if name in resources},
        locks={name: at for name, at in status.locks.items() if name in resources},
        containers={name: one for name, one in status.containers.items() if {name, one} <= resources},
        utilization=status.utilization if is_own else {},
    )
    if is_own:
        return replace(view, status=seen)
    is_empty = not (seen.operations or seen.failures or seen.attributes or seen.agents)
    return None if is_empty else NodeView(node=view.node, is_remote=view.is_remote, status=seen)


class _Reader:
    """What may be read within one node's state."""

    __slots__ = ("_attributes", "_of_attributes", "_of_resources", "_resources", "_rights")

    def __init__(self, state: _Chain, rights: Rights) -> None:
        self._rights = rights
        self._resources = _resource(state, "")[:-1]
        self._attributes = _attribute(state, "")[:-1]
        self._of_resources = access_of(rights, self._resources)
        self._of_attributes = access_of(rights, self._attributes)

    def resource(self, name: str) -> bool:
        """May the resource's history be read?"""
        return self._access_of_resource(name) >= Access.READ

    def attribute(self, name: str) -> bool:
        """May the transient attribute be read?"""
        chain = (*self._attributes, _nvpair(self._attributes[-1], name))
        return narrowed(self._of_attributes, own_right(self._rights, chain)) >= Access.READ

    def operation(self, one: ActionResult) -> bool:
        """May the result be read?"""
        name = f"{one.resource}_{one.operation}_{one.interval_ms}"
        own = Element("lrm_rsc_op", {"id": name, "operation": one.operation, "interval": str(one.interval_ms)})
        chain = (*self._resources, _lrm_resource(one.resource), own)
        return narrowed(self._access_of_resource(one.resource), own_right(self._rights, chain)) >= Access.READ

    def _access_of_resource(self, name: str) -> Access:
        return narrowed(self._of_resources, own_right(self._rights, (*self._resources, _lrm_resource(name))))


def _resources(status: NodeStatus) -> frozenset[ResourceId]:
    names = [one.resource for one in status.operations]
    return frozenset([*names, *status.agents, *status.locks, *status.containers, *status.containers.values()])


def _fail_count(one: FailureCount) -> str:
    return fail_count_name(one.resource, one.operation, one.interval_ms)


def _node_state(node: str) -> _Chain:
    return (*_STATUS, Element("node_state", {"id": node, "uname": node}))


def _resource(state: _Chain, name: str) -> _Chain:
    inner = (Element("lrm", {"id": state[-1].attributes["id"]}), Element("lrm_resources", {}))
    return (*state, *inner, _lrm_resource(name))


def _attribute(state: _Chain, name: str) -> _Chain:
    node = state[-1].attributes["id"]
    outer = (Element("transient_attributes", {"id": node}), Element("instance_attributes", {"id": f"status-{node}"}))
    return (*state, *outer, _nvpair(outer[-1], name))


def _lrm_resource(name: str) -> Element:
    return Element("lrm_resource", {"id": name})


def _nvpair(around: Element, name: str) -> Element:
    return Element("nvpair", {"id": f"{around.attributes['id']}-{name}", "name": name})


def may_clean_up(rights: Rights, nodes: Sequence[NodeId], resources: Sequence[ResourceId]) -> bool:
    """May the histories of these resources on these nodes be removed?

    Without a node, the whole status is meant; without a resource, all that is in the node's state but for exceptions.
    """
    states = [_node_state(node) for node in nodes] or [_STATUS]
    chains = [_resource(state, name) for state in states for name in resources] or states
    return all(access_of(rights, chain) is Access.WRITE for chain in chains)


def may_set_attribute(rights: Rights, node: NodeId, name: str) -> bool:
    """May a transient attribute of a node be set?"""
    return access_of(rights, _attribute(_node_state(node), name)) is Access.WRITE


def may_fence(cib: Cib, rights: Rights, node: NodeId) -> bool:
    """May a node be fenced, or be declared off? That needs write on its configuration and on its state."""
    entry = written_node(Naming(()), cib.node(node) or Node(id=node))
    configured = (Element("cib", {}), Element("configuration", {}), Element("nodes", {}), entry)
    chains = (configured, _node_state(node))
    return all(access_of(rights, chain) is Access.WRITE for chain in chains)
