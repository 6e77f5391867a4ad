"""Reads the status section of Pacemaker's CIB XML: which nodes are there, and what their operations came to."""

from __future__ import annotations

import re
from typing import Final

from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView, NodeView
from hashelld.cib.xml.read import read_xml
from hashelld.cib.xml.tree import Element, read_tree
from hashelld.model.history import ActionResult, FailureCount, NodeStatus, OpStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.options import parse_boolean
from hashelld.model.score import INFINITY, parse_score


_COUNT: Final = re.compile(r"(fail-count|last-failure)-(.+?)(?:#([a-z_-]+)_(\d+))?\Z")
_STATUSES: Final = {
    "-1": OpStatus.PENDING,
    "0": OpStatus.COMPLETE,
    "1": OpStatus.CANCELLED,
    "2": OpStatus.TIMED_OUT,
    # What was executed and failed tells so by its return code.
    "4": OpStatus.COMPLETE,
    "5": OpStatus.COMPLETE,
    "6": OpStatus.COMPLETE,
}
_GONE: Final = frozenset({"false", "no", "0", "offline", ""})


def read_view(text: str, now_ms: int) -> ClusterView:
    """Configuration and status of a `<cib>`; raises `XmlRefused`. The CIB's own time, if it has one, is now."""
    root = read_tree(text)
    cib = read_xml(text)
    states = {_uname(cib, state): state for state in _states(root)}
    names = dict.fromkeys([*(str(node.id) for node in cib.nodes), *states])
    made = root.get("execution-date")
    return ClusterView(
        cib=cib,
        nodes=tuple(_node(NodeId(name), states.get(name), cib) for name in names),
        has_quorum=parse_boolean(root.get("have-quorum") or "true") is not False,
        now_ms=int(made) * 1000 if made is not None and made.isdigit() else now_ms,
        dc=_dc(root, cib),
    )


def _states(root: Element) -> list[Element]:
    status = next((child for child in root.children if child.tag == "status"), None)
    return [] if status is None else [child for child in status.children if child.tag == "node_state"]


def _uname(cib: Cib, state: Element) -> str:
    return state.get("uname") or _name_of(cib, state.get("id")) or state.demand("id")


def _name_of(cib: Cib, number: str | None) -> str | None:
    return next((str(node.id) for node in cib.nodes if number in (node.number, node.id)), None)


def _dc(root: Element, cib: Cib) -> NodeId | None:
    name = _name_of(cib, root.get("dc-uuid"))
    return None if name is None else NodeId(name)


def _node(name: NodeId, state: Element | None, cib: Cib) -> NodeView:
    has_fencing = parse_boolean(cib.property_value("stonith-enabled") or "true") is not False
    if state is None:
        is_doubted = has_fencing and parse_boolean(cib.property_value("startup-fencing") or "true") is not False
        return NodeView(node=name, unclean=is_doubted, status=NodeStatus(node=name))
    is_member = (state.get("in_ccm") or "false") not in _GONE
    is_up = (state.get("crmd") or "offline") not in _GONE
    is_joined = state.get("join") == "member"
    is_expected = state.get("expected") == "member"
    is_online = is_member and is_up and is_joined
    is_clean = parse_boolean(state.get("node_fenced") or "") is True
    return NodeView(
        node=name,
        online=is_online,
        unclean=is_expected and not is_online and not is_clean,
        pending=not is_online and not is_expected and (is_member or is_up),
        is_leaving=(state.get("shutdown") or "0") != "0" or _transient(state).get("shutdown", "0") != "0",
        status=_status(name, state),
    )


def _status(name: NodeId, state: Element) -> NodeStatus:
    operations = tuple(
        _result(resource, operation)
        for lrm in state.children
        if lrm.tag == "lrm"
        for resources in lrm.children
        for resource in resources.children
        for operation in resource.children
        if operation.tag == "lrm_rsc_op"
    )
    transient = _transient(state)
    attributes = {key: value for key, value in transient.items() if not _COUNT.match(key)}
    return NodeStatus(node=name, operations=operations, failures=_failures(transient), attributes=attributes)


def _transient(state: Element) -> dict[str, str]:
    return {
        pair.demand("name"): pair.get("value") or ""
        for transient in state.children
        if transient.tag == "transient_attributes"
        for attributes in transient.children
        if attributes.tag == "instance_attributes"
        for pair in attributes.children
        if pair.tag == "nvpair"
    }


def _result(resource: Element, operation: Element) -> ActionResult:
    changed_ms = _number(operation, "last-rc-change", "last_rc_change") * 1000
    rc = _number(operation, "rc-code")
    key = (operation.get("transition-key") or "").split(":")
    return ActionResult(
        resource=ResourceId(resource.demand("id")),
        operation=operation.demand("operation"),
        interval_ms=_number(operation, "interval"),
        call=_number(operation, "call-id"),
        status=_STATUSES.get(operation.get("op-status") or "0", OpStatus.ERROR),
        rc=rc,
        expected_rc=int(key[2]) if len(key) > 2 and key[2].lstrip("-").isdigit() else 0,
        reason=operation.get("exit-reason") or "",
        started_ms=changed_ms,
        ended_ms=changed_ms,
        duration_ms=_number(operation, "exec-time", "exec_time"),
    )


def _failures(transient: dict[str, str]) -> tuple[FailureCount, ...]:
    found: list[FailureCount] = []
    for key, value in transient.items():
        match = _COUNT.match(key)
        if match is None or match[1] != "fail-count":
            continue
        count = parse_score(value)
        last = transient.get(key.replace("fail-count-", "last-failure-", 1), "0")
        found.append(
            FailureCount(
                resource=ResourceId(match[2]),
                operation=match[3] or "monitor",
                interval_ms=int(match[4] or 0),
                count=INFINITY if count is None else count,
                last_ms=int(last) * 1000 if last.isdigit() else 0,
            )
        )
    return tuple(found)


def _number(element: Element, *names: str) -> int:
    text = next((value for name in names if (value := element.get(name)) is not None), "0")
    return int(text) if text.lstrip("-").isdigit() else 0
