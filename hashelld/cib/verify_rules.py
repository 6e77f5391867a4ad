"""Checks of rules: what they consist of, and whether they can ever hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hashelld.cib.document import Object
from hashelld.cib.findings import Findings
from hashelld.cib.lang.rules import COMPARISONS, EXISTENCE, TYPES
from hashelld.model.moment import read_moment
from hashelld.model.rule import AttributeTest, Condition, DateSpan, DateTest, Rule


_NUMERIC: Final = ("number", "integer")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)\Z")
_WHOLE: Final = re.compile(r"[+-]?\d+\Z")
_RANGE: Final = re.compile(r"(\d{1,9})?(-)?(\d{1,9})?\Z")
_LIMITS: Final = {
    "seconds": (0, 59),
    "minutes": (0, 59),
    "hours": (0, 23),
    "monthdays": (1, 31),
    "weekdays": (1, 7),
    "yeardays": (1, 366),
    "yearsdays": (1, 366),
    "weeks": (1, 53),
    "months": (1, 12),
    "moon": (0, 7),
}
"""The values that a part of a date may have."""


def check_rules(findings: Findings, found: Object, rules: Iterable[Rule]) -> None:
    """Scores, roles, comparisons of rules, and what they consist of."""
    for rule in rules:
        findings.check_score(found, rule.score)
        findings.check_roles(found, (rule.role,))
        if rule.id_ref is None and not rule.conditions:
            findings.error(found, "empty-rule", f"{found.id}: a rule has no condition", "rule")
        for condition in _conditions(rule):
            _check_condition(findings, found, condition)


def _conditions(rule: Rule) -> Iterator[Condition]:
    for condition in rule.conditions:
        yield condition
        if isinstance(condition, Rule):
            yield from _conditions(condition)


def _check_condition(findings: Findings, found: Object, condition: Condition) -> None:
    match condition:
        case AttributeTest():
            findings.check_word(found, condition.operation, (*COMPARISONS, *EXISTENCE), "comparison")
            findings.check_word(found, condition.type, TYPES, "type-of-value")
            _check_number(findings, found, condition)
        case DateTest(start=None, end=None, spec=None):
            findings.error(found, "empty-rule", f"{found.id}: a date in a rule says neither start nor end", "date")
        case DateTest():
            _check_date(findings, found, condition)
        case _:
            pass


def _check_number(findings: Findings, found: Object, test: AttributeTest) -> None:
    value = test.value or ""
    is_literal = test.value_source in (None, "literal")
    if test.type in _NUMERIC and test.operation in COMPARISONS and is_literal and _NUMBER.match(value) is None:
        message = f"{found.id}: '{value}' is no number, and {test.attribute} is compared with it as one"
        findings.objection(found, "bad-number", message, value)


def _check_date(findings: Findings, found: Object, test: DateTest) -> None:
    start, end = (_moment(findings, found, text) for text in (test.start, test.end))
    if start is not None and end is not None and start > end:
        message = f"{found.id}: {test.start} is later than {test.end}, so that it never is between them"
        findings.objection(found, "empty-range", message, test.end or "")
    bounds = (test.start, test.end, test.duration)
    if test.operation == "in_range" and sum(bound is not None for bound in bounds) < 2:
        word = test.start or test.end or "date"
        message = f"{found.id}: a range of dates has two ends, or a start and a duration"
        findings.objection(found, "open-range", message, word, "date gt START, or date lt END")
    for name, value in test.duration.fields if test.duration is not None else ():
        if _WHOLE.match(value) is None:
            message = f"{found.id}: {name}={value}, but {name} expects a whole number"
            findings.objection(found, "bad-date", message, value)
    if test.spec is not None:
        _check_spec(findings, found, test.spec)


def _moment(findings: Findings, found: Object, text: str | None) -> int | None:
    if text is None:
        return None
    moment = read_moment(text)
    if moment is None:
        hint = "for instance 2030-12-31, or 2030-12-31T18:00:00"
        findings.objection(found, "bad-date", f"{found.id}: '{text}' is no date", text, hint)
    return moment


def _check_spec(findings: Findings, found: Object, spec: DateSpan) -> None:
    for name, value in spec.fields:
        span = _RANGE.match(value)
        low, high = _LIMITS.get(name, (0, 9999))
        given = [] if span is None else [int(one) for one in span.group(1, 3) if one is not None]
        if not given or any(not low <= one <= high for one in given) or given != sorted(given):
            message = f"{found.id}: {name}={value}, but {name} expects a number or a range from {low} to {high}"
            findings.objection(found, "bad-date", message, value)
