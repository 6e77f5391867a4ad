"""Reads a whole CIB, status section included: which nodes are there, and what their operations came to."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView, NodeView, TicketState
from hashelld.cib.xml.history import read_status
from hashelld.cib.xml.naming import ID
from hashelld.cib.xml.presence import Presence, Watch, judge, read_report, unseen, watch_of
from hashelld.cib.xml.read import read_configuration
from hashelld.cib.xml.tree import Element, read_tree
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NodeId
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Agent, Bundle, Primitive, Template, value_of


_REMOTE: Final = Agent("ocf", "pacemaker", "remote")
_REMOTE_NODE: Final = "remote-node"
_DIGITS_MAX: Final = 12
_TICKET_NAMES: Final = frozenset({ID, "granted", "standby"})


def read_view(text: str, now_ms: int | None) -> ClusterView:
    """Configuration and status of a `<cib>`; raises `XmlRefused`.

    `now_ms` (wall-clock milliseconds; None: 1970) holds where the CIB does not say when it was made. What the model
    has no place for is left out.
    """
    root = read_tree(text)
    return view_of(root, read_configuration(root, is_strict=False), now_ms)


def view_of(root: Element, cib: Cib, now_ms: int | None) -> ClusterView:
    """The same of a tree whose configuration was read."""
    status = root.child("status") or Element("status", {})
    states = _states(cib, status)
    made = root.get("execution-date") or ""
    now = int(made) * 1000 if made.isascii() and made.isdigit() and len(made) <= _DIGITS_MAX else now_ms or 0
    has_quorum = _is_true(root.get("have-quorum"))
    nodes = _nodes(cib, states, now)
    known = {view.node for view in nodes}
    return ClusterView(
        can_unfence=True,
        can_reach=True,
        cib=cib,
        nodes=nodes,
        reported=tuple([name for name in states if name in known]),
        has_quorum=has_quorum,
        was_quorate=has_quorum or _is_true(root.get("no-quorum-panic")),
        now_ms=now,
        dc=_dc(root, cib),
        tickets=_tickets(status),
        feature_set=root.get("crm_feature_set") or "0",
    )


def _is_true(text: str | None) -> bool:
    return text is not None and parse_boolean(text) is True


def _dc(root: Element, cib: Cib) -> NodeId | None:
    number = root.get("dc-uuid")
    return next((node.id for node in cib.nodes if number in (node.number or node.id, node.id)), None)


def _tickets(status: Element) -> dict[str, TicketState]:
    found: dict[str, TicketState] = {}
    for section in status.all("tickets"):
        for state in section.all("ticket_state"):
            found[state.identity()] = TicketState(
                is_granted=_is_true(state.get("granted")),
                is_standby=_is_true(state.get("standby")),
                attributes={name: value for name, value in state.attributes.items() if name not in _TICKET_NAMES},
            )
    return found


def _nodes(cib: Cib, states: dict[NodeId, Element], now_ms: int) -> tuple[NodeView, ...]:
    """Configured nodes in the order written, then remote nodes that resources make, then others known to be remote.

    The state of a node that was removed from the configuration says nothing any more.
    """
    statuses = {name: read_status(name, state) for name, state in states.items()}
    made = _made_by_resources(cib)
    configured = [node.id for node in cib.nodes]
    connected = _connected(cib, statuses)
    remote = {*(node.id for node in cib.nodes if node.kind == "remote"), *made, *connected}
    idle = {node.id for node in cib.nodes if node.kind == "ping"}
    watch = watch_of(cib)
    views: list[NodeView] = []
    for name in dict.fromkeys([*configured, *made, *connected]):
        status_of = statuses.get(name) or NodeStatus(node=name)
        view = NodeView(node=name, is_remote=name in remote, status=status_of)
        is_judged = name not in remote and name not in idle
        views.append(_judged(view, states.get(name), watch if is_judged else None, now_ms // 1000))
    return tuple(views)


def _states(cib: Cib, status: Element) -> dict[NodeId, Element]:
    """The states by the name of the node, in the order written; its number counts more than the name in it."""
    numbers = {node.number or str(node.id): node.id for node in cib.nodes}
    states: dict[NodeId, Element] = {}
    for state in status.all("node_state"):
        name = numbers.get(state.get(ID) or "") or state.get("uname") or state.get(ID)
        if name:
            states.setdefault(NodeId(name), state)
    return states


def _made_by_resources(cib: Cib) -> list[NodeId]:
    """Remote nodes (their connection is a primitive) and guests (a resource has the meta attribute `remote-node`)."""
    agents = {found.id: found.agent for found in cib.objects if isinstance(found, Template)}
    names: list[NodeId] = []
    for found in cib.resources:
        if isinstance(found, Primitive) and (found.agent or agents.get(found.template or found.id)) == _REMOTE:
            names.append(NodeId(found.id))
        guest = value_of(found.meta, _REMOTE_NODE)
        if guest:
            names.append(NodeId(guest))
    return names


def _connected(cib: Cib, statuses: dict[NodeId, NodeStatus]) -> list[NodeId]:
    """Nodes with a state whose connection is a bundle's, or was found in some node's history."""
    bundles = {str(found.id) for found in cib.objects if isinstance(found, Bundle)}
    connections = {
        str(name) for status in statuses.values() for name, agent in status.agents.items() if agent == _REMOTE
    }
    found: list[NodeId] = []
    for name in statuses:
        bundle, _, number = name.rpartition("-")
        if name in connections or (bundle in bundles and number.isdigit()):
            found.append(name)
    return found


def _judged(view: NodeView, state: Element | None, watch: Watch | None, now_s: int) -> NodeView:
    """The node with its state; without a watch (remote and ping nodes) it is not said whether it is up."""
    if state is None:
        return view if watch is None else _present(view, unseen(watch))
    report = read_report(state, view.status.attributes)
    presence = Presence() if watch is None else judge(report, watch, now_s)
    return msgspec.structs.replace(
        _present(view, presence),
        is_leaving=report.is_leaving,
        fence_requested=report.fence_requested and presence.unclean,
        was_fenced=_is_nonzero(state.get("node_fenced")),
        was_in_maintenance=_is_nonzero(state.get("node_in_maintenance")),
    )


def _present(view: NodeView, presence: Presence) -> NodeView:
    return msgspec.structs.replace(
        view,
        online=presence.online,
        unclean=presence.unclean,
        pending=presence.pending,
        fence_reason=presence.reason,
    )


def _is_nonzero(text: str | None) -> bool:
    return _is_true(text) or (text is not None and text.isdigit() and text.strip("0") != "")
