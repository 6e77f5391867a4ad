"""Checks of ids: those of objects and of their parts are all different, and can be written in XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from hashelld.cib.document import Object
from hashelld.cib.findings import Findings
from hashelld.model.administration import AclTarget, Topology, Unmodelled
from hashelld.model.node import Node


_ELSEWHERE: Final = (Node, AclTarget, Topology, Unmodelled)
"""What has no id, or one that need not differ from the ids of anything else."""
_XML_ID: Final = re.compile(r"[^\W\d][\w.-]*\Z")


def check_ids(findings: Findings) -> None:
    """Every id that somebody chose is legal and used once; nodes have numbers of their own."""
    owners: dict[str, Object] = {o.id: o for o in findings.cib.objects if not isinstance(o, _ELSEWHERE)}
    numbers: dict[str, Object] = {}
    for found in findings.cib.objects:
        for name in _inside(found):
            if _XML_ID.match(name) is None:
                message = f"{found.id}: '{name}' is no legal id"
                findings.error(found, "bad-id", message, name, "a letter or _, then letters, digits, _ . -")
            _claim(findings, owners, name, found)
        if isinstance(found, Node):
            _claim(findings, numbers, found.number or found.id, found)


def _claim(findings: Findings, owners: dict[str, Object], name: str, found: Object) -> None:
    owner = owners.get(name)
    owners.setdefault(name, found)
    if owner is not None:
        where = "in it" if owner is found else f"by '{owner.id}'"
        message = f"{found.id}: the id '{name}' is already used {where}"
        findings.error(found, "duplicate-id", message, name, "all ids of a configuration are different")


def _inside(found: msgspec.Struct) -> Iterator[str]:
    """The ids that were chosen for the parts of something."""
    for field in found.__struct_fields__:
        value = getattr(found, field)
        if isinstance(value, msgspec.Struct):
            yield from _of_part(value)
        elif isinstance(value, tuple):
            for item in value:
                if isinstance(item, msgspec.Struct):
                    yield from _of_part(item)
        elif field == "operations_id" and value is not None:
            yield value


def _of_part(part: msgspec.Struct) -> Iterator[str]:
    name = getattr(part, "id", None)
    if isinstance(name, str):
        yield name
    yield from _inside(part)
