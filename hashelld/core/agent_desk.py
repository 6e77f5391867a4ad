"""What agents ask with Pacemaker's commands: answers, and the changes that they wish for as requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hashelld.agents.shims.wishes import (
    ERROR,
    NO_SUCH,
    NOT_FOUND,
    Ban,
    Fact,
    Get,
    Place,
    Said,
    Set,
    Slot,
    Style,
    Tell,
)
from hashelld.agents.shims.words import understand
from hashelld.cib.document import DEFAULT_SETS, OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Cib, Properties
from hashelld.cib.edit import Edit, Put
from hashelld.model.constraint import Location
from hashelld.model.ids import ConstraintId, NodeId, ResourceId
from hashelld.model.node import Node as ConfiguredNode
from hashelld.model.resource import AttributeSet, Bundle, Clone, Group, Primitive, value_of, with_value
from hashelld.wire.client import AgentAsk, AgentTold, MakeCommit, SetAttribute


if TYPE_CHECKING:
    from hashelld.core.node import Node


_KINDS: Final = {Place.CRM_CONFIG: PROPERTY, Place.RSC_DEFAULTS: RSC_DEFAULTS, Place.OP_DEFAULTS: OP_DEFAULTS}
_NODE_FIELDS: Final = {Place.NODES: "attributes", Place.NODE_UTILIZATION: "utilization"}
_RESOURCE_FIELDS: Final = {Place.PARAMS: "params", Place.META: "meta", Place.UTILIZATION: "utilization"}
_Sets = tuple[AttributeSet, ...]
_Owner = ConfiguredNode | Primitive | Group | Clone | Bundle


class AgentDesk:
    """Turns an agent's words into an answer, or into the request that carries out what they wish."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._commits = 0

    def resolve(self, ask: AgentAsk) -> AgentTold | SetAttribute | MakeCommit:
        """The answer, or the request to be made in its place."""
        program = ask.words[0] if ask.words else ""
        match understand(ask.words, ask.resource):
            case Said(code=code, out=out, err=err):
                return AgentTold(code, out, err)
            case Get() as wish:
                return self._get(program, wish)
            case Tell(fact=fact, number=number):
                return self._tell(fact, number)
            case Ban(resource=resource, node=node):
                return self._ban(ask, resource, node)
            case Set(slot=slot, value=value, delay_ms=delay_ms):
                if slot.place is Place.STATUS:
                    node = NodeId(slot.owner) or self._own
                    return SetAttribute(node=node, name=slot.name, value=value, delay_ms=delay_ms)
                return self._set(ask, slot, value)

    @property
    def _own(self) -> NodeId:
        return self._node.standing.node

    @property
    def _cib(self) -> Cib:
        return self._node.standing.log.cib

    # Queries.

    def _get(self, program: str, wish: Get) -> AgentTold:
        slot = wish.slot
        found = self._values(slot, is_everywhere=wish.is_everywhere)
        if not found and wish.default is not None:
            found = {self._own: wish.default}
        if not found:
            text = f"Error performing operation: {NO_SUCH}"
            if slot.place in _RESOURCE_FIELDS:
                text = f"Attribute '{slot.name}' not found for '{slot.owner}'"
            return AgentTold(NOT_FOUND, err=f"{program}: {text}\n")
        return AgentTold(out="".join(_line(wish, owner, value) for owner, value in found.items()))

    def _values(self, slot: Slot, *, is_everywhere: bool = False) -> dict[str, str]:
        """The values of a name by their owners."""
        if slot.place is Place.STATUS:
            told = self._transient()
            owners = tuple(told) if is_everywhere else (NodeId(slot.owner) or self._own,)
            return {owner: told[owner][slot.name] for owner in owners if slot.name in told.get(owner, {})}
        if slot.place in _KINDS:
            value = self._property(slot)
        elif slot.place in _NODE_FIELDS:
            node = self._cib.node(NodeId(slot.owner) or self._own)
            value = None if node is None else value_of(_sets(node, _NODE_FIELDS[slot.place]) or (), slot.name)
        else:
            found = _resource(self._cib, slot.owner)
            value = None if found is None else value_of(_sets(found, _RESOURCE_FIELDS[slot.place]) or (), slot.name)
        return {} if value is None else {slot.owner or self._own: value}

    def _transient(self) -> dict[NodeId, dict[str, str]]:
        """The transient attributes of all nodes, this one's as they are at this moment."""
        told = {view.node: view.status.attributes for view in self._node.picture}
        told[self._own] = self._node.lrm.attributes()
        return told

    def _property(self, slot: Slot) -> str | None:
        if not slot.owner:
            return self._cib.property_value(slot.name, _KINDS[slot.place])
        found = self._cib.find(slot.owner)
        return value_of((found.set,), slot.name) if isinstance(found, Properties) else None

    def _tell(self, fact: Fact, number: str) -> AgentTold:
        lines = self._lines(fact, number)
        if not lines:
            return AgentTold(NOT_FOUND, err=f"crm_node: no node has the number {number}\n")
        return AgentTold(out="".join(f"{line}\n" for line in lines))

    def _lines(self, fact: Fact, number: str) -> list[str]:
        numbers = _numbers(self._cib, self._own)
        present = {self._own, *self._node.standing.membership.heard}
        match fact:
            case Fact.NAME:
                return [self._own]
            case Fact.NUMBER:
                return [numbers[self._own]]
            case Fact.NAME_OF:
                return [name for name, known in numbers.items() if known == number]
            case Fact.LIST:
                return [f"{at} {name} {'member' if name in present else 'lost'}" for name, at in numbers.items()]
            case Fact.MEMBERS:
                return [" ".join(sorted(present))]
            case Fact.QUORUM:
                return [str(int(self._node.heard_dc is not None))]

    # Changes.

    def _set(self, ask: AgentAsk, slot: Slot, value: str | None) -> AgentTold | MakeCommit:
        if self._values(slot).get(slot.owner or self._own) == value:
            return AgentTold()
        edit = self._edit(slot, value)
        if edit is None:
            return AgentTold(NOT_FOUND, err=f"{ask.words[0]}: no '{slot.owner}' in the configuration: {NO_SUCH}\n")
        return self._commit(ask, edit)

    def _edit(self, slot: Slot, value: str | None) -> Edit | None:
        """The edit that changes a permanent value; None when its owner is not configured."""
        if slot.place in _KINDS:
            return self._edit_option(slot, value)
        owner: _Owner | None
        if slot.place in _NODE_FIELDS:
            field, owner = _NODE_FIELDS[slot.place], self._cib.node(NodeId(slot.owner) or self._own)
        else:
            field, owner = _RESOURCE_FIELDS[slot.place], _resource(self._cib, slot.owner)
        sets = None if owner is None else _sets(owner, field)
        if owner is None or sets is None:
            return None
        return Put(msgspec.structs.replace(owner, **{field: with_value(sets, slot.name, value)}))

    def _edit_option(self, slot: Slot, value: str | None) -> Edit:
        """The same of a cluster option or default, in the set that is named or in the usual one."""
        kind = _KINDS[slot.place]
        name = slot.owner or DEFAULT_SETS[kind]
        found = self._cib.find(name)
        known = found if isinstance(found, Properties) else Properties(id=name, kind=kind)
        (changed,) = with_value((known.set,), slot.name, value) or (AttributeSet(),)
        return Put(msgspec.structs.replace(known, set=changed))

    def _ban(self, ask: AgentAsk, resource: str, node: str) -> AgentTold | MakeCommit:
        found = _resource(self._cib, resource)
        if found is None:
            return AgentTold(NOT_FOUND, err=f"crm_resource: Resource '{resource}' not found\n")
        name = found.id
        while (parent := self._cib.parent_of(name)) is not None and not isinstance(parent, Group):
            name = parent.id
        at = NodeId(node) or self._own
        banned = ConstraintId(f"cli-ban-{name}-on-{at}")
        return self._commit(ask, Put(Location(id=banned, resource=ResourceId(name), node=at, score="-INFINITY")))

    def _commit(self, ask: AgentAsk, edit: Edit) -> AgentTold | MakeCommit:
        """Agents know what they set, whatever names hashell knows: the commit is forced."""
        if self._node.standing.log.is_empty:
            return AgentTold(ERROR, err=f"{ask.words[0]}: there is no configuration yet\n")
        self._commits += 1
        return MakeCommit(
            id=f"agent-{self._own}-{self._node.standing.incarnation.token}-{self._commits}",
            base=self._node.standing.log.acknowledged,
            edits=(edit,),
            command=" ".join(ask.words),
            force=True,
        )


def _line(wish: Get, owner: str, value: str) -> str:
    match wish.style:
        case Style.PLAIN:
            return f"{value}\n"
        case Style.QUOTED:
            return f'name="{wish.slot.name}" host="{owner}" value="{value}"\n'
        case Style.SCOPED:
            place = Place.NODES if wish.slot.place is Place.NODE_UTILIZATION else wish.slot.place
            return f"scope={place.value}  name={wish.slot.name} value={value}\n"


def _sets(owner: _Owner, field: str) -> _Sets | None:
    """The attribute sets in a field of an object; None when it has no such field."""
    found: _Sets | None = getattr(owner, field, None)
    return found


def _resource(cib: Cib, name: str) -> Primitive | Group | Clone | Bundle | None:
    """A configured resource by its id, or by that of one of its instances."""
    found = cib.find(name) or cib.find(name.rpartition(":")[0])
    return found if isinstance(found, Primitive | Group | Clone | Bundle) else None


def _numbers(cib: Cib, own: NodeId) -> dict[NodeId, str]:
    """The number of each node: as configured, else its place among the nodes."""
    names = {node.id: node.number for node in cib.nodes}
    names.setdefault(own, None)
    return {name: number or str(at) for at, (name, number) in enumerate(names.items(), start=1)}
