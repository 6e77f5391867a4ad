"""The lexical rules of ha.cf: statements, values, times and booleans."""

from __future__ import annotations

import re
from typing import Final

import msgspec


HA_CF: Final = "ha.cf"

_WHOLE_LINE: Final = frozenset(
    {"mcast", "mcast6", "ucast", "ucast6", "stonith", "stonith_host", "apiauth", "respawn", "failfast"}
)
"""Directives whose values belong together; those of all others are applied one after the other."""

_TIME: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|)\Z")
_MS_PER_UNIT: Final = {"": 1000.0, "ms": 1.0, "us": 0.001}
_BOOLEANS: Final = {
    "true": True,
    "on": True,
    "yes": True,
    "y": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "n": False,
    "0": False,
}


class Statement(msgspec.Struct, frozen=True):
    """One directive with its values; `whole` ones are applied once, others once for each value."""

    name: str
    values: tuple[str, ...]
    line: int

    @property
    def where(self) -> str:
        """`ha.cf:LINE`."""
        return f"{HA_CF}:{self.line}"


def statements_of(text: str) -> tuple[Statement, ...]:
    """The directives in order; comments (from `#` to the end of the line) and empty lines are gone."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#", 1)[0].split(None, 1)
        if not words:
            continue
        name, rest = words[0], words[1] if len(words) > 1 else ""
        values = rest.split() if name in _WHOLE_LINE else rest.replace(",", " ").split()
        found.append(Statement(name, tuple(values), number))
    return tuple(found)


def parse_time(text: str) -> int | None:
    """Milliseconds of `2`, `1.7`, `1500ms` or `2000000us`; None for anything else (there are no minutes here)."""
    match = _TIME.match(text)
    return None if match is None else round(float(match[1]) * _MS_PER_UNIT[match[2]])


def parse_boolean(text: str) -> bool | None:
    """True for on, yes, y, true and 1, False for their opposites, in any case; None for anything else."""
    return _BOOLEANS.get(text.lower())
