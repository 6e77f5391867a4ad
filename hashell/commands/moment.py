"""Moments as people write them, as milliseconds since 1970; a moment without a zone is UTC."""

from __future__ import annotations

import re
from calendar import timegm
from typing import Final


_DATE: Final = re.compile(
    r"(?P<year>\d{4})-(?:(?P<day_of_year>\d{3})|(?P<month>\d{2})-(?P<day>\d{2}))"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?"
    r"(?:Z|(?P<zone>[+-]\d{2}):?(?P<zone_minute>\d{2}))?\Z"
)


def moment_ms(text: str) -> int | None:
    """`2026-07-01`, `2026-07-01 12:00:30`, `2026-182T12:00`, `…+02:00`, or seconds since 1970; None when it is none."""
    word = text.strip()
    if word.isascii() and word.isdigit() and len(word) > 8:
        return int(word) * 1000
    found = _DATE.match(word)
    if found is None:
        return None
    parts = {name: int(value) for name, value in found.groupdict().items() if value is not None}
    month, day = (1, parts["day_of_year"]) if "day_of_year" in parts else (parts["month"], parts["day"])
    if not (1 <= month <= 12 and 1 <= day <= 366 and parts.get("hour", 0) < 24 and parts.get("minute", 0) < 60):
        return None
    clock = (parts.get("hour", 0), parts.get("minute", 0), parts.get("second", 0))
    # A day beyond the month's end is counted on, which makes a day of the year a day of January.
    seconds = timegm((parts["year"], month, 1, *clock)) + (day - 1) * 86_400
    zone = parts.get("zone", 0)
    offset_min = abs(zone) * 60 + parts.get("zone_minute", 0)
    return (seconds - (-offset_min if (found["zone"] or "").startswith("-") else offset_min) * 60) * 1000
