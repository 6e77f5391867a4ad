"""Dates in rules: what holds now, and when that changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashelld.model.rule import DateSpan, DateTest
from hashelld.policy.dates import date_changes_ms, date_holds, parse_date


def at(text: str) -> int:
    """Milliseconds of a plain ISO text, by Python's own reader."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def span(**fields: str) -> DateSpan:
    return DateSpan(fields=tuple(fields.items()))


def spec(**fields: str) -> DateTest:
    return DateTest(operation="date_spec", spec=span(**fields))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2005-01-20", "2005-01-20T00:00:00"),
        ("20050120", "2005-01-20T00:00:00"),
        ("2005-020", "2005-01-20T00:00:00"),
        ("2005-W03-4", "2005-01-20T00:00:00"),
        ("2009-W01-1", "2008-12-29T00:00:00"),
        ("2009-W53-7", "2010-01-03T00:00:00"),
        ("2008-366", "2008-12-31T00:00:00"),
        ("2005-020T12:30", "2005-01-20T12:30:00"),
        ("2014-05-07 00:28:00", "2014-05-07T00:28:00"),
        ("2014-05-07T002800", "2014-05-07T00:28:00"),
        ("2014-05-07 00:28:00.75", "2014-05-07T00:28:00"),
        ("2019-09-20 15:15:52 +00:00", "2019-09-20T15:15:52"),
        ("2019-09-20T15:15:52Z", "2019-09-20T15:15:52"),
        ("2019-09-20T15:15:52+02", "2019-09-20T13:15:52"),
        ("2019-09-20T15:15:52 -0230", "2019-09-20T17:45:52"),
        ("2019-09-20T00:15+01:00", "2019-09-19T23:15:00"),
        ("2019-09-20T24:00:00", "2019-09-21T00:00:00"),
        (" 2005-1-2 ", "2005-01-02T00:00:00"),
        ("1969-12-31T23:59:59", "1969-12-31T23:59:59"),
    ],
)
def test_texts_that_are_dates(text: str, means: str):
    assert parse_date(text) == at(means)


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "2005", "2005-13-01", "2005-02-30", "2005-366", "2005-000", "2005-W54-1", "2005-W03-8"),
        *("0-01-01", "99999-01-01", "T12:30", "2005-01-20T25:00", "2005-01-20T12:60", "2005-01-20T24:00:01"),
        *("2005-01-20T12", "2005-01-20Tnoon", "2005-01-20T12:30+", "2005-01-20T12:30 CET", "2005-01-20T12:30:00Z0"),
    ],
)
def test_texts_that_are_no_dates(text: str):
    assert parse_date(text) is None


def test_the_epoch_has_a_name():
    assert parse_date("epoch") == 0


@given(st.datetimes(), st.integers(0, 3))
def test_every_day_is_read_back(moment: datetime, form: int):
    moment = moment.replace(microsecond=0)
    year, week, day = moment.isocalendar()
    texts = [
        f"{moment:%Y-%m-%d}" if moment.year > 999 else f"{moment.year}-{moment.month}-{moment.day}",
        f"{moment.year:04}-{moment.timetuple().tm_yday:03}",
        f"{year:04}-W{week:02}-{day}",
        f"{moment.year:04}{moment.month:02}{moment.day:02}",
    ]
    assert parse_date(f"{texts[form]}T{moment:%H:%M:%S}") == at(moment.isoformat())


@given(st.text(max_size=40))
def test_no_text_is_too_odd(text: str):
    parse_date(text)


def test_greater_is_strict():
    test = DateTest(operation="gt", start="2005-001")
    assert not date_holds(test, at("2005-01-01T00:00:00"))
    assert date_holds(test, at("2005-01-01T00:00:01"))
    assert date_changes_ms(test, at("2004-01-01T00:00:00")) == at("2005-01-01T00:00:01")
    assert date_changes_ms(test, at("2005-01-01T00:00:01")) is None


def test_less_is_strict():
    test = DateTest(operation="lt", end="2005-001")
    assert date_holds(test, at("2004-12-31T23:59:59") + 999)
    assert not date_holds(test, at("2005-01-01T00:00:00"))
    assert date_changes_ms(test, at("2004-01-01T00:00:00")) == at("2005-01-01T00:00:00")
    assert date_changes_ms(test, at("2005-01-01T00:00:00")) is None


def test_a_range_includes_both_ends():
    test = DateTest(operation="in_range", start="2005-020", end="2005-021T12:00")
    assert not date_holds(test, at("2005-01-19T23:59:59"))
    assert date_holds(test, at("2005-01-20T00:00:00"))
    assert date_holds(test, at("2005-01-21T12:00:00") + 999)
    assert not date_holds(test, at("2005-01-21T12:00:01"))


def test_a_range_changes_at_its_start_and_after_its_end():
    test = DateTest(operation="in_range", start="2005-020", end="2005-021")
    assert date_changes_ms(test, 0) == at("2005-01-20T00:00:00")
    assert date_changes_ms(test, at("2005-01-20T00:00:00")) == at("2005-01-21T00:00:01")
    assert date_changes_ms(test, at("2005-01-21T00:00:01")) is None


def test_a_range_may_be_open():
    assert date_holds(DateTest(operation="in_range", end="2005-001"), 0)
    assert date_holds(DateTest(operation="in_range", start="2005-001"), at("2020-01-01T00:00:00"))
    assert date_holds(DateTest(operation="", start="2005-001"), at("2020-01-01T00:00:00"))


@pytest.mark.parametrize(
    ("start", "duration", "last"),
    [
        ("2005-01-20", span(hours="1"), "2005-01-20T01:00:00"),
        ("2005-01-31", span(months="1"), "2005-02-28T00:00:00"),
        ("2004-11-30", span(months="15"), "2006-02-28T00:00:00"),
        ("2005-01-20", span(years="1", months="1", weeks="1", days="1"), "2006-02-28T00:00:00"),
        ("2005-01-20", span(minutes="2", seconds="3"), "2005-01-20T00:02:03"),
        ("2004-02-29", span(years="1"), "2005-03-01T00:00:00"),
        ("2004-12-31", span(years="1"), "2006-01-01T00:00:00"),
        ("2005-01-20", span(days="x", hours="2"), "2005-01-20T02:00:00"),
    ],
)
def test_a_duration_ends_a_range(start: str, duration: DateSpan, last: str):
    test = DateTest(operation="in_range", start=start, duration=duration)
    assert date_holds(test, at(last))
    assert not date_holds(test, at(last) + 1000)


def test_an_end_counts_before_a_duration():
    test = DateTest(operation="in_range", start="2005-001", end="2005-002", duration=span(years="5"))
    assert not date_holds(test, at("2005-01-03T00:00:00"))


def test_a_duration_beyond_all_dates_has_no_end():
    test = DateTest(operation="in_range", start="2005-001", duration=span(years="99999"))
    assert date_holds(test, at("2020-01-01T00:00:00"))


@pytest.mark.parametrize(
    "test",
    [
        DateTest(operation="gt"),
        DateTest(operation="gt", start="soon"),
        DateTest(operation="lt"),
        DateTest(operation="lt", end="2005-13-01"),
        DateTest(operation="in_range"),
        DateTest(operation="in_range", start="x", end="y"),
        DateTest(operation="in_range", duration=span(days="1")),
        DateTest(operation="date_spec"),
        DateTest(operation="eq", start="2005-001"),
    ],
)
def test_what_cannot_be_read_does_not_hold(test: DateTest):
    assert not date_holds(test, at("2010-01-01T00:00:00"))
    assert date_changes_ms(test, at("2010-01-01T00:00:00")) is None


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"hours": "9-16"}, True),
        ({"hours": "9"}, False),
        ({"hours": "-11"}, False),
        ({"hours": "12-"}, True),
        ({"hours": "13-16"}, False),
        ({"minutes": "34", "seconds": "56"}, True),
        ({"weekdays": "1-5"}, True),
        ({"weekdays": "6-7"}, False),
        ({"monthdays": "1-20", "months": "1"}, True),
        ({"yeardays": "20"}, True),
        ({"weeks": "3", "weekyears": "2005"}, True),
        ({"weeks": "4"}, False),
        ({"years": "2006-"}, False),
        ({"years": "2005"}, True),
        ({"moon": "0-7"}, True),
        ({"hours": "nine"}, True),
        ({"hours": "-"}, True),
        ({"hours": "9-10-11"}, True),
        ({"parsecs": "12"}, True),
        ({}, True),
    ],
)
def test_specs_on_a_thursday_in_january(fields: dict[str, str], holds: bool):
    assert date_holds(spec(**fields), at("2005-01-20T12:34:56")) is holds


def test_the_moon_of_known_nights():
    # Full on the 21st and new on the 5th: the days of a year are counted from 1 where the cycle means 0.
    full, new = at("2000-01-20T12:00:00"), at("2000-02-04T12:00:00")
    assert date_holds(spec(moon="4"), full)
    assert date_holds(spec(moon="0"), new)


@pytest.mark.parametrize(
    ("fields", "now", "change"),
    [
        ({"hours": "9-16"}, "2005-01-20T08:30:00", "2005-01-20T09:00:00"),
        ({"hours": "9-16"}, "2005-01-20T09:00:00", "2005-01-20T17:00:00"),
        ({"hours": "9-16", "weekdays": "1-5"}, "2005-01-21T17:00:00", "2005-01-24T09:00:00"),
        ({"monthdays": "29", "months": "2"}, "2005-01-20T00:00:00", "2008-02-29T00:00:00"),
        ({"years": "2030"}, "2005-01-20T00:00:00", "2030-01-01T00:00:00"),
        ({"years": "2005-"}, "2004-12-31T23:59:59", "2005-01-01T00:00:00"),
        ({"weeks": "1-10"}, "2005-01-20T12:00:00", "2005-03-14T00:00:00"),
        ({"minutes": "0", "seconds": "30-"}, "2005-01-20T12:00:00", "2005-01-20T12:00:30"),
        ({"seconds": "30-40"}, "2005-01-20T12:00:35", "2005-01-20T12:00:41"),
        ({"months": "12"}, "2005-12-20T12:00:35", "2006-01-01T00:00:00"),
    ],
)
def test_when_specs_change(fields: dict[str, str], now: str, change: str):
    assert date_changes_ms(spec(**fields), at(now)) == at(change)


def test_specs_that_never_change_again():
    now = at("2005-01-20T12:00:00")
    assert date_changes_ms(spec(), now) is None
    assert date_changes_ms(spec(years="2000-"), now) is None or date_changes_ms(spec(years="2000-"), now) > now
    assert date_changes_ms(spec(years="2000"), now) is None or date_changes_ms(spec(years="2000"), now) > now


FIELDS = {"hours": 23, "monthdays": 31, "weekdays": 7, "yeardays": 366, "months": 12, "weeks": 53, "minutes": 59}


@given(st.data(), st.integers(0, 2_000_000_000))
def test_nothing_changes_before_it_was_said(data: st.DataObject, now: int):
    names = data.draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=3, unique=True))
    fields = {name: data.draw(limits(FIELDS[name])) for name in names}
    test = spec(**fields)
    change = date_changes_ms(test, now * 1000)
    assert change is None or change > now * 1000
    if change is not None:
        moment = data.draw(st.integers(now, change // 1000 - 1))
        assert date_holds(test, moment * 1000) is date_holds(test, now * 1000)


def limits(high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(0, high)
    return st.one_of(
        numbers.map(str), numbers.map("{}-".format), st.tuples(numbers, numbers).map(lambda r: f"{min(r)}-{max(r)}")
    )
