"""Checks of what needs fencing: devices where it is on, and nothing that relies on it where it is off."""

from __future__ import annotations

from typing import Final

from hashelld.cib.document import PROPERTY, Properties
from hashelld.cib.findings import Findings
from hashelld.cib.lang.diagnostic import suggest
from hashelld.model.constraint import TicketConstraint
from hashelld.model.device import FABRIC, FENCING_DEVICE, PROVIDES, is_unfencing
from hashelld.model.duration import parse_duration
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Primitive, Template, pairs_of


_SWITCHES: Final = ("stonith-enabled", "fencing-enabled")
_WATCHDOGS: Final = ("stonith-watchdog-timeout", "fencing-watchdog-timeout")
_ON: Final = "stonith-enabled=true, and a fencing device, make that possible"


def check_fencing(findings: Findings) -> None:
    """Fencing that is on without a device stops everything; what is to be fenced must be possible to fence."""
    cib = findings.cib
    given = next((value for name in _SWITCHES if (value := cib.property_value(name)) is not None), None)
    if parse_boolean(given or "true") is False:
        _check_without(findings)
        return
    primitives = [o for o in cib.objects if isinstance(o, Primitive)]
    _check_protection(findings)
    _check_pair(findings, primitives)
    if any(findings.is_device(one.id) for one in primitives):
        return
    asker, timeout = _watchdogs(findings)
    if asker is not None:
        text = f"there is no fencing device: a lost node counts as fenced by its own watchdog ({timeout})"
        hint = "every node's hashelld.toml needs [watchdog]; see what cluster health says of it"
        findings.warning(asker, "watchdog-fencing", text, timeout, hint)
        return
    message = "fencing is enabled, but there is no fencing device: resources will not start"
    hint = "configure a stonith: primitive, or set stonith-enabled=false and accept the risk"
    asked = next((o for o in cib.objects if isinstance(o, Properties) and _switches_on(o)), None)
    if asked is not None:
        findings.objection(asked, "no-fencing-device", message, given or "", hint)
    elif primitives:
        findings.warning(None, "no-fencing-device", message, hint=hint)


def _watchdogs(findings: Findings) -> tuple[Properties | None, str]:
    """Where stonith-watchdog-timeout is set, and to what."""
    for found in findings.cib.objects:
        if isinstance(found, Properties) and found.kind == PROPERTY:
            for pair in found.set.pairs:
                if pair.name in _WATCHDOGS and parse_duration((pair.value or "").lstrip("-")):
                    return found, f"{pair.name}={pair.value}"
    return None, ""


def _check_protection(findings: Findings) -> None:
    """What a resource names as its device has to be one; a device of resources alone fences no node."""
    for found in findings.cib.resources:
        for pair in pairs_of(found.meta):
            if pair.name == FENCING_DEVICE and pair.value and not findings.is_device(pair.value):
                message = f"{found.id}: {FENCING_DEVICE}={pair.value}, but that is no fencing device"
                hint = suggest(pair.value, (o.id for o in findings.cib.resources if findings.is_device(o.id)))
                findings.objection(found, "no-fencing-device", message, pair.value, hint)


def _check_pair(findings: Findings, primitives: list[Primitive]) -> None:
    """Of two nodes, one goes on alone only when the other's daemon is known to have ended."""
    devices = [one for one in primitives if findings.is_device(one.id)]
    if len(findings.cib.nodes) != 2 or not devices:
        return
    named = {p.value for o in findings.cib.resources for p in pairs_of(o.meta) if p.name == FENCING_DEVICE}
    if all(_leaves_running(findings, one, named) for one in devices):
        message = (
            "every fencing device only cuts a node off from something: with two_node, a node that loses the other may "
            "not claim, and freezes until `node fence NODE --confirm`"
        )
        findings.warning(devices[0], "fabric-only", message, hint="add a device that switches nodes off")


def _leaves_running(findings: Findings, device: Primitive, named: set[str | None]) -> bool:
    template = findings.objects.get(device.template) if device.template else None
    agent = device.agent or (template.agent if isinstance(template, Template) else None)
    metas = (*pairs_of(device.meta), *(pairs_of(template.meta) if isinstance(template, Template) else ()))
    provides = any(pair.name == PROVIDES and is_unfencing(pair.value) for pair in metas)
    return device.id in named or provides or (agent is not None and agent.type in FABRIC)


def _switches_on(found: Properties) -> bool:
    return found.kind == PROPERTY and any(
        pair.name in _SWITCHES and parse_boolean(pair.value or "") is True for pair in found.set.pairs
    )


def _check_without(findings: Findings) -> None:
    """What cannot happen while fencing is off."""
    for found in findings.cib.objects:
        match found:
            case Primitive() | Template():
                for operation in found.operations:
                    if operation.option("on-fail") == "fence":
                        message = f"{found.id} {operation.name}: on-fail=fence, but fencing is disabled"
                        findings.objection(found, "fencing-disabled", message, "on-fail=fence", _ON)
            case TicketConstraint(loss_policy="fence"):
                message = f"{found.id}: loss-policy=fence, but fencing is disabled"
                findings.objection(found, "fencing-disabled", message, "loss-policy=fence", _ON)
            case Properties(kind="property"):
                for pair in found.set.pairs:
                    if pair.name == "no-quorum-policy" and pair.value in ("suicide", "fence"):
                        message = f"no-quorum-policy={pair.value}, but fencing is disabled"
                        findings.objection(found, "fencing-disabled", message, pair.value, _ON)
            case _:
                pass
