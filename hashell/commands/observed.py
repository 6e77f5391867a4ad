"""What the cluster reports, as the status shows it: nodes, resources, failures, what `move` left behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hashell.commands.changes import CLI_BAN, leftovers_of, members_of, node_of
from hashell.outcomes import Instance, Leftover, NodeLine, StatusReport
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.lang.agents import format_agent
from hashelld.cib.view import NodeView
from hashelld.model.history import Role
from hashelld.model.ids import NodeId
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Template, value_of
from hashelld.model.score import INFINITY


if TYPE_CHECKING:
    from hashelld.policy.state.report import InstanceState


REMOVED = "not in the configuration"


def report(session: Session, words: tuple[str, ...] = ()) -> StatusReport:
    """Everything that the status shows; with words, what they ask for."""
    shows_operations = "ops" in words or "timing" in words
    details = import_module("hashell.commands.details") if shows_operations or "tickets" in words else None
    found = instances(session)
    return StatusReport(
        status=session.status(),
        nodes=node_lines(session, found),
        instances=found,
        leftovers=tuple(
            Leftover(
                constraint=c.id,
                resource=c.resource or "",
                node=node_of(c) or NodeId(""),
                is_ban=c.id.startswith(CLI_BAN),
            )
            for c in leftovers_of(session.applied().cib)
        ),
        words=words,
        operations=details.operations(session) if details is not None and shows_operations else (),
        tickets=details.tickets(session) if details is not None and "tickets" in words else (),
    )


def node_lines(session: Session, active: Iterable[Instance] | None = None) -> tuple[NodeLine, ...]:
    """Every node that is configured, reported or heard of; `active` is what `instances` found."""
    status, cib = session.status(), session.applied().cib
    views = {view.node: view for view in status.nodes}
    presence = {link.node: link.presence for link in status.links}
    names = dict.fromkeys([*(n.id for n in cib.nodes), *views, status.node, *presence])
    attributes = import_module("hashelld.policy.attributes").Attributes(cib, status.wall_ms)
    facts = import_module("hashelld.policy.rules").Facts(status.wall_ms)
    given = {n.id: attributes.resolve(n.attributes, facts) for n in cib.nodes}
    load: dict[NodeId, int] = {}
    for instance in instances(session) if active is None else active:
        for node in instance.nodes:
            load[node] = load.get(node, 0) + 1
    return tuple(
        NodeLine(
            node=name,
            state=_arbiter_state(presence.get(name, "alive"))
            if name == status.quorum.arbiter
            else _state(views.get(name), given.get(name, {}), presence.get(name, "alive")),
            is_dc=name == status.dc,
            resources=load.get(name, 0),
        )
        for name in sorted(names)
        if name
    )


def _arbiter_state(presence: str) -> str:
    """It runs nothing, so that only its vote is there or not."""
    return "arbiter" if presence in ("alive", "suspect") else "arbiter lost"


def _state(view: NodeView | None, given: Mapping[str, str], presence: str) -> str:
    if view is None:
        return "pending" if presence == "alive" else "offline"
    if view.unclean:
        return "UNCLEAN"
    if view.pending:
        return "pending"
    if not view.online:
        return "offline"
    for state in ("maintenance", "standby"):
        if parse_boolean(view.status.attributes.get(state) or given.get(state, "")) is True:
            return state
    return "online"


def instances(session: Session) -> tuple[Instance, ...]:
    """Every primitive, in the order of the configuration: once for each role that it has somewhere, or once stopped."""
    cib = session.applied().cib
    found: dict[str, list[InstanceState]] = {}
    policy = import_module("hashelld.policy.state.report")  # Whoever only completes a name does without it.
    for state in policy.instances(replace(session.view(), cib=cib)):
        found.setdefault(state.resource.partition(":")[0], []).append(state)
    shown: list[Instance] = []
    for name in _displayed(cib):
        shown += _of_primitive(session, name, found.pop(name, []))
    for name, states in found.items():
        shown += [
            _instance(cib, name, states, role, note=REMOVED) for role in dict.fromkeys(state.role for state in states)
        ]
    return tuple(shown)


def _displayed(cib: Cib) -> list[str]:
    """Primitives by themselves where they stand; members where their container stands."""
    inside = {m for r in cib.resources for m in members_of(cib, r.id)}
    names: list[str] = []
    for found in cib.resources:
        if found.id in inside or isinstance(found, Template):
            continue
        within = (found.id, *members_of(cib, found.id))
        names += [n for n in within if isinstance(cib.find(n), Primitive)]
    return names


def _of_primitive(session: Session, name: str, states: list[InstanceState]) -> list[Instance]:
    cib = session.applied().cib
    note = _note(cib, name)
    roles = dict.fromkeys(state.role for state in states if state.node is not None)
    first, *others = [_instance(cib, name, states, role, note=note) for role in roles or (Role.STOPPED,)]
    return [replace(first, fail_counts=_fail_counts(session, name)), *others]


def _fail_counts(session: Session, name: str) -> tuple[tuple[NodeId, int], ...]:
    """How often a primitive failed on each node, whatever the operation."""
    counts: dict[NodeId, int] = {}
    for view in session.status().nodes:
        for failed in view.status.failures:
            if failed.resource.partition(":")[0] == name:
                counts[view.node] = min(counts.get(view.node, 0) + failed.count, INFINITY)
    return tuple(counts.items())


def _instance(cib: Cib, name: str, states: list[InstanceState], role: Role, *, note: str) -> Instance:
    group, container = _container(cib, name)
    busy = next((state.busy for state in states if state.busy), "")
    failures = dict.fromkeys(failure for state in states for failure in state.failures)
    primitive = cib.find(name)
    agent = _agent(cib, primitive) if isinstance(primitive, Primitive) else ""
    return Instance(
        resource=name,
        agent=agent,
        group=group,
        container=container,
        role=role.value,
        nodes=tuple(state.node for state in states if state.node is not None and state.role is role),
        is_managed=all(state.is_managed for state in states),
        failures=tuple(failures),
        note=f"{busy} is under way" if busy else note,
    )


def _agent(cib: Cib, primitive: Primitive) -> str:
    if primitive.agent is not None:
        return format_agent(primitive.agent)
    template = cib.find(primitive.template or "")
    return format_agent(template.agent) if isinstance(template, Template) else ""


def _container(cib: Cib, name: str) -> tuple[str, str]:
    """The outermost container, and what it is."""
    outer = cib.parent_of(name)
    inner = outer
    while outer is not None and (next_outer := cib.parent_of(outer.id)) is not None:
        inner, outer = outer, next_outer
    match outer:
        case None:
            return "", ""
        case Group():
            return outer.id, "group"
        case Clone():
            word = "promotable clone" if parse_boolean(value_of(outer.meta, "promotable") or "") else "clone"
            return outer.id, f"{word} of group {inner.id}" if isinstance(inner, Group) else word
        case Bundle():
            return outer.id, "bundle"


def _note(cib: Cib, name: str) -> str:
    """Why it is not running, if the configuration says so."""
    place: str | None = name
    while place is not None:
        found = cib.find(place)
        role = value_of(found.meta, "target-role") if isinstance(found, Primitive | Group | Clone | Bundle) else None
        if role is not None and role.lower() == "stopped":
            return "to be stopped" if place == name else f"{place} is to be stopped"
        parent = cib.parent_of(place)
        place = parent.id if parent is not None else None
    return ""


def active_nodes(session: Session, name: str) -> tuple[NodeId, ...]:
    """The nodes on which a resource, or anything inside it, is active."""
    within = {name, *members_of(session.applied().cib, name)}
    nodes = (node for i in instances(session) if i.resource in within for node in i.nodes)
    return tuple(dict.fromkeys(nodes))
