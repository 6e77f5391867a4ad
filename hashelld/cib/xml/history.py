"""The history of resources on one node: a `<node_state>` becomes a `NodeStatus`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hashelld.cib.xml.sets import PARAMS, UTILIZATION
from hashelld.cib.xml.tree import Element
from hashelld.model.duration import parse_duration
from hashelld.model.history import ActionResult, FailureCount, NodeStatus, OpStatus
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent
from hashelld.model.score import parse_score


_COUNT: Final = re.compile(r"(fail-count|last-failure)-(.+?)(?:#(.+)_(\d+))?\Z", re.DOTALL)
_STATUSES: Final = {
    "-1": OpStatus.PENDING,
    "0": OpStatus.COMPLETE,
    "1": OpStatus.CANCELLED,
    "2": OpStatus.TIMED_OUT,
    "3": OpStatus.NOT_SUPPORTED,
    # What was executed and failed tells so by its return code.
    "4": OpStatus.COMPLETE,
    "5": OpStatus.HARD,
    "6": OpStatus.FATAL,
    "7": OpStatus.NOT_INSTALLED,
    "8": OpStatus.NOT_CONNECTED,
    "9": OpStatus.INVALID,
    # No fencing device, no secrets: only another node may do better.
    "10": OpStatus.HARD,
    "11": OpStatus.HARD,
}
UNKNOWN_RC: Final = -1
"""The expected return code of an entry that does not say what was expected; no agent returns it."""
_KEY_PARTS: Final = 4
_DIGITS_MAX: Final = 18


def read_status(node: NodeId, state: Element) -> NodeStatus:
    """What the node reported: results in the order written, failure counts, and transient attributes."""
    operations: list[ActionResult] = []
    agents: dict[ResourceId, Agent] = {}
    locks: dict[ResourceId, int] = {}
    containers: dict[ResourceId, ResourceId] = {}
    for element in _resources(state):
        get = element.attributes.get
        resource = ResourceId(element.identity())
        if (agent_type := get("type")) is not None:
            agents[resource] = Agent(get("class") or "", get("provider") or "", agent_type)
        if lock := _number(get("shutdown-lock")):
            locks[resource] = lock * 1000
        if (container := get("container")) is not None:
            containers[resource] = ResourceId(container)
        # An entry that does not say what was done is passed over, as Pacemaker does.
        operations += [
            _read_result(resource, operation.attributes)
            for operation in element.children
            if operation.tag == "lrm_rsc_op" and "operation" in operation.attributes
        ]
    transient = transient_values(state)
    return NodeStatus(
        node=node,
        operations=tuple(operations),
        failures=_failures(transient),
        attributes={name: value for name, value in transient.items() if _COUNT.match(name) is None},
        utilization=transient_values(state, UTILIZATION),
        agents=agents,
        locks=locks,
        containers=containers,
    )


def _resources(state: Element) -> Iterator[Element]:
    for lrm in state.children:
        if lrm.tag == "lrm":
            for resources in lrm.children:
                if resources.tag == "lrm_resources":
                    for resource in resources.children:
                        if resource.tag == "lrm_resource":
                            yield resource


def transient_values(state: Element, kind: str = PARAMS) -> dict[str, str]:
    """The attributes (or utilization) that last until the node leaves; the set with the highest score wins."""
    sets = [
        found
        for transient in state.children
        if transient.tag == "transient_attributes"
        for found in transient.all(kind)
    ]
    if len(sets) > 1:
        sets.sort(key=lambda found: -(parse_score(found.get("score") or "0") or 0))
    values: dict[str, str] = {}
    for found in sets:
        for pair in found.children:
            if pair.tag == "nvpair" and (name := pair.get("name")) is not None:
                values.setdefault(name, pair.get("value") or "")
    return values


def _read_result(resource: ResourceId, attributes: dict[str, str]) -> ActionResult:
    get = attributes.get
    ended_ms = _number(get("last-rc-change") or get("last_rc_change")) * 1000
    started_ms = _number(get("last-run") or get("last_run")) * 1000
    source, target = get("migrate_source"), get("migrate_target")
    return ActionResult(
        resource=resource,
        operation=attributes["operation"],
        interval_ms=_interval_ms(get("interval")),
        call=_number(get("call-id")),
        # Pacemaker passes over entries whose status is missing or unheard of; so is what was cancelled.
        status=_STATUSES.get(get("op-status") or "", OpStatus.CANCELLED),
        rc=_number(get("rc-code")),
        expected_rc=_expected_rc(get("transition-key") or get("transition-magic")),
        reason=get("exit-reason") or "",
        started_ms=started_ms or ended_ms,
        ended_ms=ended_ms,
        duration_ms=_number(get("exec-time") or get("exec_time")),
        digest=get("op-digest") or "",
        restart_digest=get("op-restart-digest") or "",
        restart_params=get("op-force-restart") or "",
        secure_digest=get("op-secure-digest") or "",
        secure_params=get("op-secure-params") or "",
        migrate_source=None if source is None else NodeId(source),
        migrate_target=None if target is None else NodeId(target),
        version=get("crm_feature_set") or "",
    )


def _expected_rc(key: str | None) -> int:
    """The last field but one of `[STATUS:RC;]ACTION:TRANSITION:EXPECTED:UUID`."""
    parts = [] if key is None else key.rsplit(":", 3)
    return _number(parts[2], default=UNKNOWN_RC) if len(parts) == _KEY_PARTS else UNKNOWN_RC


def _interval_ms(text: str | None) -> int:
    """Milliseconds; only with a unit may it be anything else."""
    if text is None or text == "0":
        return 0
    if text.isdigit():
        return _number(text)
    return parse_duration(text) or 0


def _number(text: str | None, *, default: int = 0) -> int:
    """A whole number of reasonable size, else the default."""
    if text is None:
        return default
    if text.isdecimal() and len(text) <= _DIGITS_MAX:
        return int(text)
    digits = text[1:] if text[:1] == "-" else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX else default


def _failures(transient: dict[str, str]) -> tuple[FailureCount, ...]:
    found: list[FailureCount] = []
    for name, value in transient.items():
        match = _COUNT.match(name)
        if match is None or match[1] != "fail-count":
            continue
        found.append(
            FailureCount(
                resource=ResourceId(match[2]),
                operation=match[3] or "",
                interval_ms=_number(match[4]),
                count=parse_score(value) or 0,
                last_ms=_number(transient.get(name.replace("fail-count-", "last-failure-", 1))) * 1000,
            )
        )
    return tuple(found)
