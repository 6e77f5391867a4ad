"""The cluster's configuration in the configure language: groups, preferences, fencing devices and properties."""

from __future__ import annotations

import re
from typing import Final

from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.hacf import FenceLine, HaCf
from hashelld.cib.heartbeat.haresources import HARESOURCES, GroupLine
from hashelld.cib.heartbeat.lexer import HA_CF
from hashelld.cib.heartbeat.primitives import Imported, Names, Pairs, primitive_of
from hashelld.cib.heartbeat.twins import STONITH_PARAMETERS, TESTING_DEVICES


HOME_SCORE: Final = 100
"""The preference of a group for the node of its line: moves it home, and gives way to everything stronger."""
_BARE: Final = re.compile(r"[\w.-]+\Z")
_INDENT: Final = " \\\n    "


def configuration_of(ha: HaCf, lines: tuple[GroupLine, ...], findings: Findings) -> str:
    """The statements, one an object; to be loaded into an empty configuration."""
    names = Names()
    statements = [f"node {node}" for node in ha.nodes]
    for number, line in enumerate(lines, start=1):
        statements += _group(number, line, names, findings)
    statements += _fencing(ha, names, findings)
    statements.append(f"property stonith-enabled={'true' if ha.fencing else 'false'}")
    statements.append(f"rsc_defaults resource-stickiness={0 if ha.returns_home else 'INFINITY'}")
    if lines:
        findings.notice(HARESOURCES, "every resource gets a monitor each 10s and time limits; heartbeat had neither")
    return "".join(f"{statement}\n" for statement in statements)


def _group(number: int, line: GroupLine, names: Names, findings: Findings) -> list[str]:
    found = [primitive_of(word, line, names, findings) for word in line.words]
    members = [member for member in found if member is not None]
    group = names.new(f"group{number}")
    statements = [_primitive(member) for member in members]
    statements.append(f"group {group} {' '.join(member.id for member in members)}")
    statements.append(f"location prefer-{line.node}-{group} {group} {HOME_SCORE}: {line.node}")
    return statements


def _primitive(found: Imported) -> str:
    parts = [f"primitive {found.id} {found.agent}"]
    if found.params:
        parts.append(f"params {_pairs(found.params)}")
    return _INDENT.join((*parts, *found.operations))


def _pairs(pairs: Pairs) -> str:
    return " ".join(f"{name}={_quoted(value)}" for name, value in pairs)


def _quoted(value: str) -> str:
    if _BARE.match(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _fencing(ha: HaCf, names: Names, findings: Findings) -> list[str]:
    """Each host used the last line that applied to it; so devices are kept off the nodes that did not use them."""
    if not ha.fencing:
        findings.notice(
            HA_CF,
            "UNSAFE: there is no stonith line, so stonith-enabled=false: two nodes that lose each other will both run"
            " everything, as with heartbeat; set up fencing devices",
        )
        return []
    users: dict[str, list[str]] = {}
    lines: dict[str, FenceLine] = {}
    for node in ha.nodes:
        line = next((line for line in reversed(ha.fencing) if line.host in ("*", node)), None)
        if line is None:
            findings.notice(HA_CF, f"no stonith_host line applies on {node}: it cannot fence by itself")
            continue
        lines[line.where] = line
        users.setdefault(line.where, []).append(node)
    for line in ha.fencing:
        if line.where not in lines:
            findings.notice(line.where, "a later stonith_host line replaces this one; it is not imported")
    statements = []
    for where, line in lines.items():
        statements += _device(line, [node for node in ha.nodes if node not in users[where]], names, findings)
    return statements


def _device(line: FenceLine, others: list[str], names: Names, findings: Findings) -> list[str]:
    known = STONITH_PARAMETERS.get(line.type)
    if known is None:
        findings.error(
            line.where,
            f"the parameters of the stonith device '{line.type}' have no known names; remove the line to import"
            " without fencing, and configure a fence agent afterwards",
        )
        return []
    params = _device_params(known, line, findings)
    hosts = dict(params).get("hostlist")
    if hosts:
        params = (*params, ("pcmk_host_list", hosts))
    if line.type in TESTING_DEVICES:
        findings.notice(
            line.where, f"UNSAFE: stonith:{line.type} is for tests, it does not make sure that a node is off"
        )
    device = names.new(f"fence-{line.type.rpartition('/')[2]}")
    parts = [f"primitive {device} stonith:{line.type}", f"params {_pairs(params)}" if params else ""]
    parts.append("op monitor interval=60s timeout=60s")
    statements = [_INDENT.join(part for part in parts if part)]
    statements += [f"location {device}-not-on-{node} {device} -inf: {node}" for node in others]
    return statements


def _device_params(known: tuple[str, ...], line: FenceLine, findings: Findings) -> Pairs:
    """Positional values by name; a host list takes all that are left."""
    if known[-1:] == ("hostlist",) and len(line.values) >= len(known):
        head = line.values[: len(known) - 1]
        return (*zip(known, head, strict=False), ("hostlist", " ".join(line.values[len(known) - 1 :])))
    if len(line.values) > len(known):
        findings.error(line.where, f"{line.type} takes {len(known)} parameters ({', '.join(known)})")
    elif len(line.values) < len(known):
        missing = ", ".join(known[len(line.values) :])
        findings.error(line.where, f"{line.type} lacks parameters: {missing}")
    return tuple(zip(known, line.values, strict=False))
