"""Dates in rules: durations, and whether a date expression holds at a moment.

Moments are wall-clock milliseconds since 1970; comparisons are made in whole
seconds, as in Pacemaker, so that a range includes its last second.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from hashelld.model.moment import Seconds, read_moment
from hashelld.model.rule import DateSpan, DateTest


_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_NUMBER: Final = re.compile(r"\s*([+-]?\d+)")
_RANGE: Final = re.compile(r"\s*(\d+)?(-)?(\d+)?\Z")
_LOOKS_MAX: Final = 500
"""Steps that the search for a `date_spec`'s next change takes before it settles for looking again."""


def parse_date(text: str) -> int | None:
    """Milliseconds since 1970 of `2005-01-20`, `2005-020T12:30`, `2005-W03-4 12:30:00 +02:00`, `epoch`; else None."""
    found = read_moment(text)
    return None if found is None else found * 1000


def date_holds(test: DateTest, now_ms: int) -> bool:
    """Does a date expression hold now? One that cannot be read does not."""
    now = now_ms // 1000
    match test.operation.lower():
        case "gt":
            start = _given(test.start)
            return start is not None and now > start
        case "lt":
            end = _given(test.end)
            return end is not None and now < end
        case "date_spec":
            return test.spec is not None and _fits(test.spec, now)
        case "in_range" | "":
            start, end = _range(test)
            if start is None and end is None:
                return False
            return (start is None or start <= now) and (end is None or now <= end)
        case _:
            return False


def date_changes_ms(test: DateTest, now_ms: int) -> int | None:
    """When a date expression may next hold where it did not, or the reverse; None is never."""
    now = now_ms // 1000
    moments: tuple[Seconds | None, ...]
    match test.operation.lower():
        case "gt":
            start = _given(test.start)
            moments = (None if start is None else start + 1,)
        case "lt":
            moments = (_given(test.end),)
        case "date_spec":
            moments = (None if test.spec is None else _next_fit(test.spec, now),)
        case "in_range" | "":
            start, end = _range(test)
            moments = (start, None if end is None else end + 1)
        case _:
            moments = ()
    return min((moment * 1000 for moment in moments if moment is not None and moment > now), default=None)


def _given(text: str | None) -> Seconds | None:
    return None if text is None else read_moment(text)


def _range(test: DateTest) -> tuple[Seconds | None, Seconds | None]:
    start, end = _given(test.start), _given(test.end)
    if end is None and start is not None and test.duration is not None:
        end = _after(start, test.duration)
    return start, end


def _after(start: Seconds, duration: DateSpan) -> Seconds | None:
    """The end of a duration; None when it is beyond what dates can say."""
    amounts = {name: int(found[1]) for name, text in duration.fields if (found := _NUMBER.match(text))}

    def amount(name: str) -> int:
        return amounts.get(name, 0)

    days, time = divmod(start, _DAY_S)
    try:
        day = date.fromordinal(days + _EPOCH)
        # A year later is the same day of the year, which is another date after a 29th of February.
        in_year = day.toordinal() - date(day.year, 1, 1).toordinal()
        day = date.fromordinal(date(day.year + amount("years"), 1, 1).toordinal() + in_year)
        day = _months_later(day, amount("months"))
    except (ValueError, OverflowError):
        return None
    days = day.toordinal() - _EPOCH + 7 * amount("weeks") + amount("days")
    return days * _DAY_S + time + 3600 * amount("hours") + 60 * amount("minutes") + amount("seconds")


def _months_later(day: date, months: int) -> date:
    """The same day of another month, or its last."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first.replace(day=min(day.day, following.toordinal() - first.toordinal()))


class _Moment:
    """A moment's fields as `date_spec` knows them, and when each unit of time ends."""

    __slots__ = ("day", "time")

    def __init__(self, moment: Seconds) -> None:
        days, self.time = divmod(moment, _DAY_S)
        self.day = date.fromordinal(days + _EPOCH)

    def year_day(self) -> int:
        return self.day.toordinal() - date(self.day.year, 1, 1).toordinal() + 1

    def moon(self) -> int:
        """The phase from 0 (new) to 7, by the cycle of 19 years after which it falls on the same days."""
        golden = self.day.year % 19 + 1
        epact = (11 * golden + 18) % 30
        if epact == 24 or (epact == 25 and golden > 11):
            epact += 1
        return (((self.year_day() + epact) * 6 + 11) % 177) // 22 % 8

    def _start_of(self, day: date) -> Seconds:
        return (day.toordinal() - _EPOCH) * _DAY_S

    def end_of_time(self, unit: Seconds) -> Seconds:
        return self._start_of(self.day) + (self.time // unit + 1) * unit

    def end_of_day(self) -> Seconds:
        return self._start_of(self.day) + _DAY_S

    def end_of_week(self) -> Seconds:
        return self._start_of(self.day) + (8 - self.day.isoweekday()) * _DAY_S

    def end_of_month(self) -> Seconds:
        return self._start_of(_months_later(self.day.replace(day=1), 1))

    def end_of_year(self) -> Seconds:
        return self._start_of(date(self.day.year + 1, 1, 1))


class _Field:
    """A field of `date_spec`: its value at a moment, and when that value ends."""

    __slots__ = ("ends", "value")

    def __init__(self, value: Callable[[_Moment], int], ends: Callable[[_Moment], Seconds]) -> None:
        self.value = value
        self.ends = ends


_FIELDS: Final = {
    "years": _Field(lambda at: at.day.year, _Moment.end_of_year),
    "months": _Field(lambda at: at.day.month, _Moment.end_of_month),
    "monthdays": _Field(lambda at: at.day.day, _Moment.end_of_day),
    "hours": _Field(lambda at: at.time // 3600, lambda at: at.end_of_time(3600)),
    "minutes": _Field(lambda at: at.time // 60 % 60, lambda at: at.end_of_time(60)),
    "seconds": _Field(lambda at: at.time % 60, lambda at: at.end_of_time(1)),
    "yeardays": _Field(_Moment.year_day, _Moment.end_of_day),
    "weekyears": _Field(lambda at: at.day.isocalendar().year, _Moment.end_of_week),
    "weeks": _Field(lambda at: at.day.isocalendar().week, _Moment.end_of_week),
    "weekdays": _Field(lambda at: at.day.isoweekday(), _Moment.end_of_day),
    "moon": _Field(_Moment.moon, _Moment.end_of_day),
}


class _Limit:
    """The values that a `date_spec` allows to one field."""

    __slots__ = ("field", "high", "low")

    def __init__(self, field: _Field, low: int | None, high: int | None) -> None:
        self.field = field
        self.low = low
        self.high = high

    def allows(self, at: _Moment) -> bool:
        value = self.field.value(at)
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


def _limits(spec: DateSpan) -> list[_Limit]:
    """The fields that a `date_spec` limits; a range that cannot be read limits nothing."""
    limits = []
    for name, text in spec.fields:
        field, found = _FIELDS.get(name), _RANGE.match(text)
        if field is None or found is None or (found[1] is None and found[3] is None):
            continue
        low = None if found[1] is None else int(found[1])
        high = None if found[3] is None else int(found[3])
        limits.append(_Limit(field, low, high if found[2] else low))
    return limits


def _fits(spec: DateSpan, now: Seconds) -> bool:
    at = _Moment(now)
    return all(limit.allows(at) for limit in _limits(spec))


def _next_fit(spec: DateSpan, now: Seconds) -> Seconds | None:
    """When a `date_spec` begins or ceases to fit, or a moment before it at which to look again."""
    limits = _limits(spec)
    if not limits:
        return None
    at = _Moment(now)
    fitted = all(limit.allows(at) for limit in limits)
    try:
        for _ in range(_LOOKS_MAX):
            # It fits on while no field's value ends; it cannot fit before all the values that do not fit have ended.
            ends = (limit.field.ends(at) for limit in limits if fitted or not limit.allows(at))
            now = min(ends) if fitted else max(ends)
            at = _Moment(now)
            if all(limit.allows(at) for limit in limits) is not fitted:
                break
    except (ValueError, OverflowError):
        return None
    return now
