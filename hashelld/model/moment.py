"""Moments as users write them, in the forms of ISO 8601; a text without an offset means UTC."""

from __future__ import annotations

import re
from datetime import date
from typing import Final


Seconds = int
"""Since 1970."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_CALENDAR: Final = re.compile(r"(\d+)-(\d{1,2})-(\d{1,2})|(\d{4})(\d{2})(\d{2})")
_ORDINAL: Final = re.compile(r"(\d+)-(\d{1,3})")
_WEEK: Final = re.compile(r"(\d+)-W(\d{1,2})-([1-7])")
_TIME: Final = re.compile(
    r"(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?|(\d{2})(\d{2})(\d{2})?)(?:[.,]\d+)?"
    r"(?:\s*(?:Z|([+-])(\d{1,2})(?::?(\d{2}))?))?\Z",
    re.IGNORECASE,
)


def read_moment(text: str) -> Seconds | None:
    """Seconds since 1970 of `2005-01-20`, `2005-020T12:30`, `2005-W03-4 12:30:00 +02:00`, `epoch`; None for others."""
    text = text.strip()
    if text.lower() == "epoch":
        return 0
    day_text, time_text = _split(text)
    day = _day(day_text)
    if day is None:
        return None
    time = 0 if time_text == "" else _time(time_text)
    return None if time is None else (day - _EPOCH) * _DAY_S + time


def _split(text: str) -> tuple[str, str]:
    end = next((at for at, char in enumerate(text) if char in "Tt" or char.isspace()), len(text))
    return text[:end], text[end + 1 :].strip()


def _day(text: str) -> int | None:
    """The day as Python counts days, None when there is no such day."""
    try:
        if found := _WEEK.fullmatch(text):
            return date.fromisocalendar(int(found[1]), int(found[2]), int(found[3])).toordinal()
        if found := _CALENDAR.fullmatch(text):
            year, month, day = (int(part) for part in found.groups() if part is not None)
            return date(year, month, day).toordinal()
        if found := _ORDINAL.fullmatch(text):
            year, day = int(found[1]), int(found[2])
            counted = date(year, 1, 1).toordinal() + day - 1
            return counted if date.fromordinal(counted).year == year else None
    except (ValueError, OverflowError):
        return None
    return None


def _time(text: str) -> Seconds | None:
    """Seconds since midnight UTC (negative or more than a day when an offset says so)."""
    found = _TIME.match(text)
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in (found.group(1, 2, 3) if found[1] else found.group(4, 5, 6)))
    time = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or time > _DAY_S:
        return None
    offset = int(found[8] or 0) * 3600 + int(found[9] or 0) * 60
    return time + offset if found[7] == "-" else time - offset
