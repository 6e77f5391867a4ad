"""haresources: lines of a preferred node and its resources, checked against the nodes of ha.cf."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.heartbeat.findings import Findings


HARESOURCES: Final = "haresources"
_CONTINUES: Final = "\\"


class GroupLine(msgspec.Struct, frozen=True):
    """One logical line: resources that run together, in order, best on `node`."""

    node: str
    words: tuple[str, ...]
    line: int

    @property
    def where(self) -> str:
        """`haresources:LINE`."""
        return f"{HARESOURCES}:{self.line}"


def read_haresources(text: str, nodes: tuple[str, ...], findings: Findings) -> tuple[GroupLine, ...]:
    """The groups in order; what heartbeat refuses is reported."""
    groups: list[GroupLine] = []
    keys: dict[str, int] = {}
    for number, line in _logical_lines(text):
        node, *words = line.split()
        group = GroupLine(node.lower(), tuple(words), number)
        if group.node not in nodes:
            findings.error(
                group.where, f"Bad nodename in {HARESOURCES} [{node}]; the nodes of ha.cf are {', '.join(nodes)}"
            )
        if not words:
            findings.error(group.where, "names no resource; write NODE RESOURCE…")
            continue
        if words[0] in keys:
            findings.error(group.where, f"begins with {words[0]}, as line {keys[words[0]]} does; lines must differ")
        keys.setdefault(words[0], number)
        groups.append(group)
    return tuple(groups)


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """(number of the first line, text) with continuations joined and comments gone."""
    found: list[tuple[int, str]] = []
    begun: tuple[int, str] | None = None
    for number, physical in enumerate(text.splitlines(), start=1):
        body = physical.split("#", 1)[0].rstrip()
        first, joined = begun or (number, "")
        joined = f"{joined} {body.removesuffix(_CONTINUES)}"
        if body.endswith(_CONTINUES):
            begun = (first, joined)
            continue
        begun = None
        if joined.strip():
            found.append((first, joined))
    if begun is not None and begun[1].strip():
        found.append(begun)
    return found
