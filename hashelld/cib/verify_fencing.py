"""Checks of what needs fencing: devices where it is on, and nothing that relies on it where it is off."""

from __future__ import annotations

from typing import Final

from hashelld.cib.document import PROPERTY, Properties
from hashelld.cib.findings import Findings
from hashelld.model.constraint import TicketConstraint
from hashelld.model.duration import parse_duration
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Primitive, Template


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
