"""Reading rules: `rule [$id=ID] [$role=ROLE] [SCORE:] CONDITION {and|or CONDITION}`.

Beyond crmsh's language, conditions may be nested in parentheses, and test agents (`resource ocf:heartbeat:IPaddr2`) and
operations (`op monitor interval=10s`), and have ids (`$test=ID`): Pacemaker's XML can say so, and what XML says, text
must be able to say.
"""

from __future__ import annotations

import re
from typing import Final

from hashelld.cib.lang.cursor import Cursor
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.lang.tokens import Word
from hashelld.model.rule import AttributeTest, Condition, DateSpan, DateTest, OperationTest, ResourceTest, Rule
from hashelld.model.score import INFINITY, parse_score


RULE: Final = "rule"
OPERATORS: Final = ("and", "or")
EXISTENCE: Final = ("defined", "not_defined")
COMPARISONS: Final = ("lt", "gt", "lte", "gte", "eq", "ne")
TYPES: Final = ("string", "integer", "number", "version")
TEST_ID: Final = "$test"
"""In front of a condition: its id."""
VALUE_SOURCE: Final = re.compile(r"(literal|param|meta)\{(.*)\}\Z", re.DOTALL)
"""A value that says where it comes from: `param{ip}`."""
SPAN_FIELDS: Final = (
    "seconds",
    "minutes",
    "hours",
    "days",
    "monthdays",
    "weekdays",
    "yearsdays",
    "yeardays",
    "weeks",
    "months",
    "years",
    "weekyears",
    "moon",
)
"""What durations and date specifications are made of."""
_DATE_OPERATIONS: Final = {
    "lt": "lt",
    "gt": "gt",
    "in": "in_range",
    "in_range": "in_range",
    "spec": "date_spec",
    "date_spec": "date_spec",
}
_SCORE_WORDS: Final = ("inf", "infinity", "mandatory", "advisory")


def read_rules(cursor: Cursor) -> tuple[Rule, ...]:
    """All rules that come next; none is fine."""
    rules: list[Rule] = []
    while cursor.take_keyword((RULE,)):
        rules.append(_read_rule(cursor))
    return tuple(rules)


def _read_rule(cursor: Cursor) -> Rule:
    """What follows `rule`; without a score it is INFINITY."""
    id_ref = cursor.take_option("$id-ref")
    if id_ref is not None:
        return Rule(id_ref=id_ref, role=_take_role(cursor))
    rule = _read_header_and_conditions(cursor)
    return rule if rule.score or rule.score_attribute else _with_score(rule, "inf")


def _with_score(rule: Rule, score: str) -> Rule:
    return Rule(id=rule.id, role=rule.role, operator=rule.operator, conditions=rule.conditions, score=score)


def _read_header_and_conditions(cursor: Cursor) -> Rule:
    rule_id = cursor.take_option("$id")
    role = _take_role(cursor)
    rule_id = rule_id if rule_id is not None else cursor.take_option("$id")
    score, score_attribute = read_rule_score(cursor)
    conditions = [_read_condition(cursor)]
    operator: str | None = None
    while (word := cursor.next) is not None and (found := cursor.take_keyword(OPERATORS)) is not None:
        if operator is not None and operator != found:
            hint = "put conditions that belong together in parentheses: a and ( b or c )"
            cursor.report(word, "mixed-operators", f"'{found}' after '{operator}' is ambiguous", hint)
        operator = found
        conditions.append(_read_condition(cursor))
    return Rule(
        id=rule_id,
        role=role,
        score=score,
        score_attribute=score_attribute,
        operator=operator if operator == "or" else None,
        conditions=tuple(conditions),
    )


def _take_role(cursor: Cursor) -> str | None:
    for name in ("role", "$role"):
        word = cursor.next
        text = cursor.take_option(name)
        if text is not None and word is not None:
            return cursor.role(word, text)
    return None


def read_rule_score(cursor: Cursor) -> tuple[str | None, str | None]:
    """The score when `SCORE:` is next, or the node attribute that holds it when that is what is written."""
    word = cursor.next
    text = cursor.take_score()
    if text is None or word is None:
        return None, None
    if parse_score(text) is not None:
        return plain_score(text), None
    if not text or suggest(text.lstrip("+-"), _SCORE_WORDS):
        cursor.report(word, "bad-score", f"'{text}' is no score", "a whole number, inf or -inf")
    return None, text


def plain_score(text: str) -> str:
    """A score that is none but words (`mandatory`, `INFINITY`) in its usual spelling."""
    score = parse_score(text)
    if score is None or text.lstrip("+-").isdigit():
        return text
    return "inf" if score >= INFINITY else "-inf" if score <= -INFINITY else str(score)


def _read_condition(cursor: Cursor) -> Condition:
    if cursor.take_keyword(("(",)):
        nested = _read_header_and_conditions(cursor)
        if not cursor.take_keyword((")",)):
            cursor.refuse(cursor.next or cursor.last, "unclosed-bracket", "the parenthesis ( is never closed")
        return nested
    test_id = cursor.take_option(TEST_ID)
    existence = cursor.take_keyword(EXISTENCE)
    if existence is not None:
        return AttributeTest(attribute=cursor.take("node attribute").text, operation=existence, id=test_id)
    if cursor.peek_keyword(("date",)) and cursor.peek_keyword(_DATE_OPERATIONS, 1):
        return _read_date(cursor, test_id)
    if cursor.peek_keyword(("resource", "op")) and not _is_comparison(cursor.peek(1)):
        return _read_agent_or_operation(cursor, test_id)
    return _read_comparison(cursor, test_id)


def _is_comparison(word: Word | None) -> bool:
    if word is None or word.is_quoted:
        return False
    type_, _, operation = word.text.lower().rpartition(":")
    return operation in COMPARISONS and type_ in ("", *TYPES)


def _read_comparison(cursor: Cursor, test_id: str | None) -> AttributeTest:
    attribute = cursor.take("condition")
    word = cursor.next
    if word is None:
        message = f"a comparison is missing after '{attribute.text}'"
        cursor.refuse(attribute, "incomplete", message, "ATTRIBUTE eq VALUE, or defined ATTRIBUTE")
    cursor.take("comparison")
    type_, colon, operation = word.text.lower().rpartition(":")
    if operation not in COMPARISONS:
        cursor.refuse_unknown(word, operation, "comparison", COMPARISONS)
    if colon and type_ not in TYPES:
        cursor.report_unknown(word, type_, "type of value", TYPES)
    value = cursor.take(f"value to compare {attribute.text} with").text
    source = VALUE_SOURCE.match(value)
    return AttributeTest(
        attribute=attribute.text,
        operation=operation,
        type=type_ or None,
        value=source[2] if source else value,
        value_source=source[1] if source else None,
        id=test_id,
    )


def _read_date(cursor: Cursor, test_id: str | None) -> DateTest:
    cursor.take_keyword(("date",))
    operation = _DATE_OPERATIONS[cursor.take_keyword(_DATE_OPERATIONS) or ""]
    word = cursor.last
    if operation == "lt":
        return DateTest(operation=operation, end=cursor.take("date and time").text, id=test_id)
    if operation == "gt":
        return DateTest(operation=operation, start=cursor.take("date and time").text, id=test_id)
    bounds = ("start", "end") if operation == "in_range" else ()
    fields = _take_fields(cursor, bounds)
    if not fields:
        hint = "start=… end=…, or start=… hours=…" if bounds else "for instance hours=9-16 weekdays=1-5"
        cursor.refuse(word, "incomplete", f"what date {word.text} means is missing", hint)
    span_fields = tuple((name, value) for name, value in fields.items() if name not in ("id", *bounds))
    span = DateSpan(fields=span_fields, id=fields.get("id")) if span_fields else None
    if operation == "date_spec":
        return DateTest(operation=operation, spec=span, id=test_id)
    return DateTest(operation=operation, start=fields.get("start"), end=fields.get("end"), duration=span, id=test_id)


def _take_fields(cursor: Cursor, bounds: tuple[str, ...]) -> dict[str, str]:
    """The `name=value` words that belong to a date; the first other word ends it."""
    fields: dict[str, str] = {}
    while (word := cursor.next) is not None:
        name, equals, value = word.text.partition("=")
        if not equals or name not in (*bounds, *SPAN_FIELDS, "id"):
            break
        cursor.take("field")
        if name in fields:
            cursor.report(word, "duplicate-name", f"'{name}' is given twice")
        fields[name] = value
    return fields


def _read_agent_or_operation(cursor: Cursor, test_id: str | None) -> ResourceTest | OperationTest:
    if cursor.take_keyword(("op",)):
        name = cursor.take("name of an operation").text
        return OperationTest(name=name, interval=cursor.take_option("interval"), id=test_id)
    cursor.take_keyword(("resource",))
    word = cursor.take("agent")
    parts = word.text.split(":")
    if len(parts) > 3 or not any(parts):
        cursor.report(word, "bad-agent", f"'{word.text}' is no agent", "CLASS:PROVIDER:TYPE; any part may be empty")
    standard, provider, type_ = {1: ["", "", *parts], 2: [parts[0], "", parts[-1]]}.get(len(parts), parts)[:3]
    return ResourceTest(standard=standard or None, provider=provider or None, type=type_ or None, id=test_id)
