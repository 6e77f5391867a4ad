"""Checks of bundles, tags, fencing levels, alerts and access roles."""

from __future__ import annotations

from typing import Final

from hashelld.cib.findings import Findings
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.rights.xpath import XPathRefused, parse_xpath, unquoted_words
from hashelld.cib.verify_constraints import check_pattern
from hashelld.model.administration import AclRole, AclTarget, Alert, Permission, Topology
from hashelld.model.duration import parse_duration
from hashelld.model.resource import Bundle, Tag, pairs_of


LEVELS: Final = range(1, 10)
"""The numbers that fencing levels may have."""
_NUMBERS: Final = ("replicas", "replicas-per-host", "promoted-max", "masters")


def check_bundle(findings: Findings, found: Bundle) -> None:
    """An image, and numbers where numbers belong."""
    options = dict(found.options)
    if not options.get("image"):
        findings.error(found, "missing-image", f"{found.id}: the bundle names no image", found.container, "image=NAME")
    for name in _NUMBERS:
        value = options.get(name)
        if value is not None and not value.isdecimal():
            message = f"{found.id}: {name}={value}, but {name} expects a whole number"
            findings.error(found, "bad-value", message, value)
    if options.get("replicas") == "0":
        findings.objection(found, "bad-value", f"{found.id}: replicas=0, but one is the least", "replicas=0")
    _check_mappings(findings, found)
    network = dict(found.network or ())
    if found.child is not None and not (network.get("ip-range-start") or network.get("control-port")):
        message = (
            f"{found.id}: '{found.child}' is reached over the network, but the bundle has no address or port there"
        )
        hint = "network ip-range-start=ADDRESS, or control-port=PORT"
        findings.objection(found, "missing-network", message, found.child, hint)


def _check_mappings(findings: Findings, found: Bundle) -> None:
    """A port or a range of them; one directory of the host, and where it is in the containers."""
    for port in found.ports:
        if (port.port is None) == (port.range is None) or (port.internal_port is not None and port.port is None):
            message = f"{found.id}: a port-mapping has a port (and may have an internal-port), or a range"
            findings.error(found, "bad-mapping", message, port.id or "port-mapping")
    for storage in found.storage:
        if (storage.source_dir is None) == (storage.source_dir_root is None) or storage.target_dir is None:
            message = f"{found.id}: a storage-mapping has a source-dir (or source-dir-root) and a target-dir"
            findings.error(found, "bad-mapping", message, storage.id or "storage-mapping")


def check_tag(findings: Findings, found: Tag) -> None:
    """What is tagged should be there."""
    for member in found.members:
        if member == found.id:
            findings.error(found, "self-reference", f"{found.id} tags itself", member)
        elif not findings.has(member):
            hint = suggest(member, (o.id for o in findings.cib.objects))
            findings.objection(found, "unknown-object", f"{found.id}: no object '{member}'", member, hint)


def check_topology(findings: Findings, found: Topology) -> None:
    """Targets and devices should be there; a level has one number, and a number one level."""
    seen: set[tuple[str | None, ...]] = set()
    unknown: set[str] = set()
    for level in found.levels:
        if level.target is not None and not (findings.has_node(level.target) or level.target in unknown):
            unknown.add(level.target)
            findings.unknown_node(found, level.target)
        if level.pattern is not None:
            check_pattern(findings, found, level.pattern)
        if len(set(level.devices)) < len(level.devices):
            message = f"fencing level {level.index}: a device is listed twice"
            findings.objection(found, "duplicate-device", message, level.devices[0])
        for device in level.devices:
            if device not in unknown and not findings.is_device(device):
                unknown.add(device)
                _tell_device(findings, found, device)
        if not level.index.isdecimal() or int(level.index) not in LEVELS:
            message = f"fencing level '{level.index}': a level is a number from {LEVELS.start} to {LEVELS.stop - 1}"
            findings.error(found, "bad-value", message, level.index)
        key = (level.target, level.pattern, level.attribute, level.value, level.index)
        if key in seen:
            target = level.target or level.pattern or f"{level.attribute}={level.value}"
            findings.error(found, "duplicate-level", f"two fencing levels {level.index} for {target}", target)
        seen.add(key)


def _tell_device(findings: Findings, found: Topology, device: str) -> None:
    if device in findings.objects:
        findings.warning(found, "no-device", f"fencing levels: '{device}' is no fencing device", device)
        return
    hint = suggest(device, (r.id for r in findings.cib.resources))
    findings.warning(found, "unknown-device", f"fencing levels: no fencing device '{device}'", device, hint)


def check_alert(findings: Findings, found: Alert) -> None:
    """A program to run, and each recipient once."""
    if not found.path:
        findings.error(found, "missing-path", f"{found.id}: the alert names no program")
    elif not found.path.startswith("/"):
        message = f"{found.id}: '{found.path}' does not say from the root where the program is"
        findings.objection(found, "relative-path", message, found.path, "/usr/share/…")
    for pair in pairs_of((*found.meta, *(one for recipient in found.recipients for one in recipient.meta))):
        if pair.name == "timeout" and pair.value is not None and parse_duration(pair.value) is None:
            message = f"{found.id}: timeout={pair.value}, but timeout expects a time such as 10s"
            findings.objection(found, "bad-value", message, pair.value)
    values = [recipient.value for recipient in found.recipients]
    for value in {value for value in values if values.count(value) > 1}:
        findings.warning(found, "duplicate-recipient", f"{found.id} tells '{value}' more than once", value)


def check_role(findings: Findings, found: AclRole) -> None:
    """Each right is on one thing, which should be there."""
    for permission in found.permissions:
        if not _is_sound(permission):
            message = f"{found.id}: a right is on one of an XPath, a reference, and a type of elements"
            findings.error(found, "bad-right", message, permission.right)
        if permission.xpath is not None:
            _check_xpath(findings, found, permission.xpath)
        reference = permission.reference
        if reference is not None and not findings.has(reference):
            hint = suggest(reference, (o.id for o in findings.cib.objects))
            message = f"{found.id}: no object '{reference}'"
            findings.objection(found, "unknown-object", message, reference, hint)


def _check_xpath(findings: Findings, found: AclRole, xpath: str) -> None:
    """The part of XPath that rights are judged by; what a value without quotes is compared with does not exist."""
    try:
        paths = parse_xpath(xpath)
    except XPathRefused as refused:
        hint = "steps from the root with tests of attributes: //primitive[@id='ID']/meta_attributes"
        findings.error(found, "bad-xpath", f"{found.id}: xpath '{xpath}', {refused}", xpath, hint)
        return
    for word in unquoted_words(paths):
        message = f"{found.id}: xpath '{xpath}' selects nothing, because '{word}' is not quoted"
        findings.warning(found, "idle-right", message, xpath, f"write '{word}' in quotes")


def _is_sound(permission: Permission) -> bool:
    given = (permission.xpath, permission.reference, permission.object_type)
    is_one = sum(one is not None for one in given) == 1
    return is_one and (permission.attribute is None or permission.object_type is not None)


def check_acl_target(findings: Findings, found: AclTarget) -> None:
    """A user's roles must exist."""
    for role in found.roles:
        if not isinstance(findings.objects.get(role), AclRole):
            known = (o.id for o in findings.cib.objects if isinstance(o, AclRole))
            findings.error(found, "unknown-acl-role", f"{found.id}: no role '{role}'", role, suggest(role, known))
