"""Durations as users write them (`10s`, `300ms`, `2min`, `PT5M`) and milliseconds."""

from __future__ import annotations

import re
from typing import Final


_UNITS_MS: Final = {
    "ms": 1,
    "msec": 1,
    "s": 1000,
    "sec": 1000,
    "": 1000,
    "m": 60_000,
    "min": 60_000,
    "h": 3_600_000,
    "hr": 3_600_000,
    "d": 86_400_000,
}
_PLAIN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)\Z")
_ISO: Final = re.compile(r"(?!P[^T]*M)P(?:(\d+)W)?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?\Z")
"""The T may be missing, as Pacemaker has it (`P10S`), but not before minutes: those would be months."""
_LENGTH_MAX: Final = 64
_MICROSECONDS: Final = frozenset({"us", "usec"})


def parse_duration(text: str) -> int | None:
    """Milliseconds of `10s`, `250ms`, `1.5min`, `PT1H30M`; a bare number is seconds. None when it is no duration."""
    body = text.strip()
    if len(body) > _LENGTH_MAX:
        return None
    iso = _ISO.match(body.upper()) if body[:1] in "pP" and len(body) > 1 else None
    if iso is not None:
        weeks, days, hours, minutes, seconds = (float(g or 0) for g in iso.groups())
        return int(((weeks * 7 + days) * 86_400 + hours * 3600 + minutes * 60 + seconds) * 1000)
    plain = _PLAIN.match(body.lower())
    if plain is None:
        return None
    number, unit = float(plain[1]), plain[2]
    if unit in _MICROSECONDS:
        return int(number / 1000)
    factor = _UNITS_MS.get(unit)
    return None if factor is None else int(number * factor)


def format_duration(span_ms: int) -> str:
    """The shortest exact spelling: `10s`, `300ms`, `2min`, `1h`."""
    for unit, factor in (("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if span_ms and span_ms % factor == 0:
            return f"{span_ms // factor}{unit}"
    return f"{span_ms}ms" if span_ms else "0s"
