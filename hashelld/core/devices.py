"""Which configured fencing devices can fence a node, in which order, with which delays and retries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeGuard

import msgspec

from hashelld.agents.fence import can_reboot, does_fence, ends_daemon, tells_status
from hashelld.cib.document import RSC_DEFAULTS, Cib, Object, Properties
from hashelld.core.topology import chosen_levels
from hashelld.model.device import FABRIC, FENCING_DEVICE, PROVIDES, is_unfencing
from hashelld.model.duration import parse_duration
from hashelld.model.ids import Millis, NodeId, ResourceId
from hashelld.model.resource import Agent, AttributeSet, Primitive, Template
from hashelld.model.score import parse_score


TRIES_DEFAULT: Final = 2
TRIES_MAX: Final = 100
TIMEOUT_DEFAULT_MS: Final = 60_000
AT_ONCE_DEFAULT: Final = 1
_SEPARATORS: Final = re.compile(r"[\s,;]+")
_MAP_ENTRY: Final = re.compile(r"(?:\\.|[^\s;\\])+")
_ESCAPED: Final = re.compile(r"\\(.)")


class Check(Enum):
    """How it is found out that a device can fence a node (`pcmk_host_check`)."""

    NONE = "none"
    """It can, or its list says so."""
    LIST = "dynamic-list"
    """The device is asked whom it knows."""
    STATUS = "status"
    """The device is asked for the state of the target: one that it can tell is one that it can fence."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One way to fence one target."""

    id: ResourceId
    agent: Agent
    parameters: dict[str, str]
    plug: str
    """The device's name for the target."""
    check: Check
    delay_base_ms: Millis
    delay_max_ms: Millis
    """Bound of the whole delay, the base included."""
    timeout_default_ms: Millis
    ends_daemon: bool
    """Does nothing run any more on a node that it has fenced?"""
    is_fabric: bool
    """Does it only take access from a node, which has to get it back before it may use it?"""
    at_once: int | None
    """At most so many agents of this device run at a time; None: any number."""

    def timeout_ms(self, operation: str) -> Millis:
        """How long one try of an operation may take."""
        return parse_duration(self.parameters.get(f"pcmk_{operation}_timeout", "")) or self.timeout_default_ms

    def tries(self, operation: str) -> int:
        """How often an operation is tried."""
        return _tries(self.parameters.get(f"pcmk_{operation}_retries", ""))


Level = tuple[Device, ...]
"""Devices that must all succeed; when one does not, the next level is tried."""


class Step(msgspec.Struct, frozen=True):
    """One device's turn in a level."""

    device: Device
    operation: str
    is_afterwards: bool = False
    """The target is off already, and is switched on again: whatever comes of it, the fencing has succeeded."""


def steps_of(level: Level, operation: str) -> tuple[Step, ...]:
    """What a level does: to restart a node that several devices hold, all cut it off before any restores it.

    A device that cannot restart anything only cuts off, and what such a device cut off is not restored here.
    """
    if operation != "reboot":
        return tuple(Step(device, operation) for device in level)
    rebooting = [device for device in level if can_reboot(device.agent, device.parameters)]
    if len(level) == 1:
        return (Step(level[0], "reboot" if rebooting else "off"),)
    off = tuple(Step(device, "off") for device in level)
    return (*off, *(Step(device, "on", is_afterwards=True) for device in rebooting))


def protecting(cib: Cib) -> frozenset[ResourceId]:
    """The devices that resources name as their own: each cuts a node from these resources, and from nothing else."""
    holders = [*(found.meta for found in cib.resources), *((o.set,) for o in cib.objects if _is_rsc_defaults(o))]
    pairs = (pair for sets in holders for one in sets for pair in one.pairs)
    return frozenset(ResourceId(pair.value) for pair in pairs if pair.name == FENCING_DEVICE and pair.value)


def _is_rsc_defaults(found: Object) -> TypeGuard[Properties]:
    return isinstance(found, Properties) and found.kind == RSC_DEFAULTS


def path_devices(cib: Cib, target: NodeId) -> tuple[Device, ...]:
    """The devices that can cut the target off while it goes on, and that have to give it access."""
    return tuple(device for _, device in _devices_for(cib, target) if device.is_fabric)


def levels_for(cib: Cib, target: NodeId, *, has_to_end: bool = False) -> tuple[Level, ...]:
    """How the target is fenced: by its levels of the topology; without any, by every device that can, best first.

    A device that resources name as their own fences nobody, unless the topology says so: it would cut a node from these
    resources alone. A level with a device that is absent, stopped, or lists others than the target can never succeed,
    and is left out; so is one whose devices do nothing, or, where the target's daemon has to end, leave that running.
    """
    found = _devices_for(cib, target)
    chosen = chosen_levels(cib, target)
    by_name = {device.id: device for _, device in found}
    levels: list[Level]
    if chosen is None:
        own = protecting(cib)
        levels = [(device,) for _, device in sorted(found, key=lambda pair: -pair[0]) if device.id not in own]
    else:
        levels = [tuple(by_name[n] for n in names) for names in chosen if all(n in by_name for n in names)]
    return tuple(level for level in levels if any(_does(device, has_to_end=has_to_end) for device in level))


def _does(device: Device, *, has_to_end: bool) -> bool:
    return device.ends_daemon if has_to_end else does_fence(device.agent)


def _devices_for(cib: Cib, target: NodeId) -> list[tuple[int, Device]]:
    """Every device that can fence the target, as far as the configuration tells; with its priority."""
    own = protecting(cib)
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
            is_fabric = resource.id in own or agent.type in FABRIC or is_unfencing(meta.get(PROVIDES))
            found.append((priority, _device(cib, resource.id, agent, params, plug, target, is_fabric=is_fabric)))
    return found


def plug_of(agent: Agent, parameters: Mapping[str, str], target: NodeId) -> str | None:
    """The device's name for the target; None when it cannot fence it. Without any list it can fence everybody."""
    check = parameters.get("pcmk_host_check", "static-list").lower()
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
    """`node1:1;node2:2,3` by lower-cased names. What would separate may stand in a plug's name behind a backslash."""
    pairs = (re.split("[:=]", entry, maxsplit=1) for entry in _MAP_ENTRY.findall(text))
    return {pair[0].lower(): _ESCAPED.sub(r"\1", pair[1]) for pair in pairs if len(pair) == 2 and all(pair)}


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
    *,
    is_fabric: bool,
) -> Device:
    base = _delay(parameters.get("pcmk_delay_base", "0"), target)
    return Device(
        id=resource,
        agent=agent,
        parameters=parameters,
        plug=plug,
        check=_check(agent, parameters),
        delay_base_ms=base,
        delay_max_ms=max(base, _delay(parameters.get("pcmk_delay_max", "0"), target)),
        timeout_default_ms=parse_duration(cib.property_value("stonith-timeout") or "") or TIMEOUT_DEFAULT_MS,
        ends_daemon=ends_daemon(agent) and not is_fabric,
        is_fabric=is_fabric,
        at_once=_at_once(parameters.get("pcmk_action_limit", "")),
    )


def _check(agent: Agent, parameters: Mapping[str, str]) -> Check:
    """What has to be asked before the device is used. (A plug-in's `status` is the device's own, not its target's.)"""
    word = parameters.get("pcmk_host_check", "").lower()
    if word == Check.LIST.value:
        return Check.LIST
    if word == Check.STATUS.value and tells_status(agent, parameters):
        return Check.STATUS
    return Check.NONE


def _at_once(text: str) -> int | None:
    """`pcmk_action_limit`: -1 is no limit."""
    if text.strip() == "-1":
        return None
    return max(1, int(text)) if text.isascii() and text.isdigit() else AT_ONCE_DEFAULT


def _tries(text: str) -> int:
    return max(1, min(TRIES_MAX, int(text))) if text.isascii() and text.isdigit() else TRIES_DEFAULT


def _delay(text: str, target: NodeId) -> Millis:
    """A duration, or `node1:0s;node2:5s` with one for each node."""
    if ":" in text:
        text = _host_map(text).get(target.lower(), "0")
    return parse_duration(text) or 0
