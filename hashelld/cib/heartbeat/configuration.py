"""The cluster's configuration in the configure language: groups, preferences, fencing devices and properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hashelld.cib.document import DEFAULT_SETS, PROPERTY, RSC_DEFAULTS, Cib, Object, Properties
from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.hacf import FenceLine, HaCf
from hashelld.cib.heartbeat.haresources import HARESOURCES, GroupLine
from hashelld.cib.heartbeat.lexer import HA_CF
from hashelld.cib.heartbeat.primitives import Names, Pairs, attributes, operation, primitive_of
from hashelld.cib.heartbeat.twins import STONITH_PARAMETERS, TESTING_DEVICES
from hashelld.cib.lang.format import format_cib
from hashelld.model.constraint import Location
from hashelld.model.ids import ConstraintId, NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, Group, NvPair, Primitive


HOME_SCORE: Final = "100"
"""The preference of a group for the node of its line: moves it home, and gives way to everything stronger."""


def configuration_of(ha: HaCf, lines: tuple[GroupLine, ...], findings: Findings) -> str:
    """The configuration in the configure language; to be loaded into an empty one."""
    names = Names()
    objects: list[Object] = [Node(id=NodeId(node)) for node in ha.nodes]
    for number, line in enumerate(lines, start=1):
        objects += _group(number, line, names, findings)
    objects += _fencing(ha, names, findings)
    objects.append(_setting(PROPERTY, "stonith-enabled", "true" if ha.fencing else "false"))
    objects.append(_setting(RSC_DEFAULTS, "resource-stickiness", "0" if ha.returns_home else "INFINITY"))
    if lines:
        findings.notice(HARESOURCES, "every resource gets a monitor each 10s and time limits; heartbeat had neither")
    return format_cib(Cib(tuple(objects)))


def _setting(kind: str, name: str, value: str) -> Properties:
    return Properties(id=DEFAULT_SETS[kind], kind=kind, set=AttributeSet((NvPair(name, value),)))


def _group(number: int, line: GroupLine, names: Names, findings: Findings) -> Iterator[Object]:
    found = [primitive_of(word, line, names, findings) for word in line.words]
    members = [member for member in found if member is not None]
    yield from members
    group = ResourceId(names.new(f"group{number}"))
    yield Group(id=group, members=tuple(member.id for member in members))
    yield _location(f"prefer-{line.node}-{group}", group, HOME_SCORE, line.node)


def _location(name: str, resource: ResourceId, score: str, node: str) -> Location:
    return Location(id=ConstraintId(name), resource=resource, node=NodeId(node), score=score)


def _fencing(ha: HaCf, names: Names, findings: Findings) -> list[Object]:
    """Each host used the last line that applied to it; so devices are kept off the nodes that did not use them."""
    if not ha.fencing:
        findings.notice(
            HA_CF,
            "UNSAFE: there is no stonith line, so stonith-enabled=false: two nodes that lose each other will both run"
            " everything, as with heartbeat; set up fencing devices",
        )
        return []
    chosen = {node: _line_of(node, ha.fencing) for node in ha.nodes}
    objects: list[Object] = []
    for line in ha.fencing:
        if line in chosen.values():
            others = [node for node in ha.nodes if chosen[node] != line]
            objects += _device(line, others, names, findings)
        else:
            findings.notice(line.where, "a later stonith_host line replaces this one; it is not imported")
    for node in (node for node, line in chosen.items() if line is None):
        findings.notice(HA_CF, f"no stonith_host line applies on {node}: it cannot fence by itself")
    return objects


def _line_of(node: str, lines: tuple[FenceLine, ...]) -> FenceLine | None:
    return next((line for line in reversed(lines) if line.host in ("*", node)), None)


def _device(line: FenceLine, others: list[str], names: Names, findings: Findings) -> list[Object]:
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
    device = ResourceId(names.new(f"fence-{line.type.rpartition('/')[2]}"))
    primitive = Primitive(
        id=device,
        agent=Agent("stonith", "", line.type),
        params=attributes(params),
        operations=(operation("monitor", "60s", "60s"),),
    )
    return [primitive, *(_location(f"{device}-not-on-{node}", device, "-inf", node) for node in others)]


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
