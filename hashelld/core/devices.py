"""Which configured fencing devices can fence a node, in which order, with which delays and retries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.model.duration import parse_duration
from hashelld.model.ids import Millis, NodeId, ResourceId
from hashelld.model.resource import Agent, AttributeSet, Primitive, Template
from hashelld.model.score import parse_score


TRIES_DEFAULT: Final = 2
TRIES_MAX: Final = 100
TIMEOUT_DEFAULT_MS: Final = 60_000
_SEPARATORS: Final = re.compile(r"[\s,;]+")
_MAP_SEPARATORS: Final = re.compile(r"[\s;]+")


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One way to fence one target."""

    id: ResourceId
    agent: Agent
    parameters: dict[str, str]
    plug: str
    """The device's name for the target."""
    tries: int
    timeout_ms: Millis
    delay_base_ms: Millis
    delay_max_ms: Millis
    """Bound of the whole delay, the base included."""


Level = tuple[Device, ...]
"""Devices that must all succeed; when one does not, the next level is tried."""


def levels_for(cib: Cib, target: NodeId, operation: str) -> tuple[Level, ...]:
    """How the target is fenced: without a topology every device that can is a level of its own, best first."""
    found: list[tuple[int, Device]] = []
    for resource in cib.resources:
        if not isinstance(resource, Primitive):
            continue
        agent, params, meta = _resolved(cib, resource)
        if agent is None or agent.standard != "stonith" or meta.get("target-role", "").lower() == "stopped":
            continue
        plug = plug_of(agent, params, target)
        if plug is not None:
            priority = parse_score(meta.get("priority", params.get("priority", "0"))) or 0
            found.append((priority, _device(cib, resource.id, agent, params, plug, target, operation)))
    found.sort(key=lambda pair: -pair[0])
    return tuple((device,) for _, device in found)


def plug_of(agent: Agent, parameters: Mapping[str, str], target: NodeId) -> str | None:
    """The device's name for the target; None when it cannot fence it. Without any list it can fence everybody."""
    check = parameters.get("pcmk_host_check", "static-list")
    plugs = _host_map(parameters.get("pcmk_host_map", ""))
    hosts = _SEPARATORS.split(parameters.get("pcmk_host_list", "").strip())
    if agent.type.startswith("external/"):
        # These plug-ins fence whom they are configured for, whatever name they are given.
        hosts += _SEPARATORS.split(parameters.get("hostlist", parameters.get("hostname", "")).strip())
    known = {host.lower() for host in hosts if host} | plugs.keys()
    wanted = target.lower()
    if wanted in known:
        return plugs.get(wanted, target)
    is_listed = bool(known) and check == "static-list"
    return None if is_listed else target


def _host_map(text: str) -> dict[str, str]:
    """`node1:1;node2:2,3` by lower-cased names."""
    pairs = (re.split("[:=]", entry, maxsplit=1) for entry in _MAP_SEPARATORS.split(text.strip()) if entry)
    return {pair[0].lower(): pair[1] for pair in pairs if len(pair) == 2 and all(pair)}


def _resolved(cib: Cib, primitive: Primitive) -> tuple[Agent | None, dict[str, str], dict[str, str]]:
    """Agent, parameters and meta attributes; the primitive's own win over its template's."""
    template = cib.find(primitive.template) if primitive.template else None
    if not isinstance(template, Template):
        return primitive.agent, _values(cib, primitive.params), _values(cib, primitive.meta)
    return (
        primitive.agent or template.agent,
        _values(cib, template.params) | _values(cib, primitive.params),
        _values(cib, template.meta) | _values(cib, primitive.meta),
    )


def _values(cib: Cib, sets: tuple[AttributeSet, ...]) -> dict[str, str]:
    """The values in force: of sets that name the same attribute, the one with the higher score wins.

    A set under rules is left out: a device must not change with the hour at which it is needed.
    """
    plain = [_referred(cib, one) for one in sets]
    ordered = sorted((s for s in plain if not s.rules), key=lambda s: parse_score(s.score or "0") or 0)
    values: dict[str, str] = {}
    for attribute_set in ordered:
        values |= {pair.name: pair.value for pair in reversed(attribute_set.pairs) if pair.value is not None}
    return values


def _referred(cib: Cib, attribute_set: AttributeSet) -> AttributeSet:
    """The set itself, or the one of another resource that it refers to."""
    if attribute_set.id_ref is None:
        return attribute_set
    for resource in cib.resources:
        for candidate in (*resource.params, *resource.meta):
            if candidate.id == attribute_set.id_ref:
                return candidate
    return AttributeSet()


def _device(
    cib: Cib,
    resource: ResourceId,
    agent: Agent,
    parameters: dict[str, str],
    plug: str,
    target: NodeId,
    operation: str,
) -> Device:
    timeout = parameters.get(f"pcmk_{operation}_timeout") or cib.property_value("stonith-timeout") or ""
    base = _delay(parameters.get("pcmk_delay_base", "0"), target)
    return Device(
        id=resource,
        agent=agent,
        parameters=parameters,
        plug=plug,
        tries=_tries(parameters.get(f"pcmk_{operation}_retries", "")),
        timeout_ms=parse_duration(timeout) or TIMEOUT_DEFAULT_MS,
        delay_base_ms=base,
        delay_max_ms=max(base, _delay(parameters.get("pcmk_delay_max", "0"), target)),
    )


def _tries(text: str) -> int:
    return max(1, min(TRIES_MAX, int(text))) if text.isascii() and text.isdigit() else TRIES_DEFAULT


def _delay(text: str, target: NodeId) -> Millis:
    """A duration, or `node1:0s;node2:5s` with one for each node."""
    if ":" in text:
        text = _host_map(text).get(target.lower(), "0")
    return parse_duration(text) or 0
