"""What a configuration says about fencing, for those who advise and those who drill. Pure."""

from __future__ import annotations

from hashelld.cib.document import Cib
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Primitive, Template, value_of


def is_fencing_on(cib: Cib) -> bool:
    """Are nodes fenced at all? By default they are."""
    given = cib.property_value("stonith-enabled") or cib.property_value("fencing-enabled") or "true"
    return parse_boolean(given) is not False


def fencing_devices(cib: Cib) -> tuple[str, ...]:
    """The configured devices that are not stopped."""
    return tuple(
        found.id
        for found in cib.resources
        if isinstance(found, Primitive)
        and _standard(cib, found) == "stonith"
        and (value_of(found.meta, "target-role") or "").lower() != "stopped"
    )


def _standard(cib: Cib, found: Primitive) -> str:
    template = cib.find(found.template or "")
    agent = found.agent or (template.agent if isinstance(template, Template) else None)
    return "" if agent is None else agent.standard
