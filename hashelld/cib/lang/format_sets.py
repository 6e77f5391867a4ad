"""Rules, attribute sets and operations as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

import msgspec

from hashelld.cib.lang.quoting import is_bare_word, quote_value, quote_word, quoted
from hashelld.cib.lang.rules import COMPARISONS, EXISTENCE, TEST_ID, VALUE_SOURCE
from hashelld.model.resource import AttributeSet, NvPair, Operation
from hashelld.model.rule import AttributeTest, Condition, DateSpan, DateTest, OperationTest, ResourceTest, Rule
from hashelld.model.score import INFINITY, parse_score


_CONDITION_WORDS: Final = frozenset({*EXISTENCE, "date", "resource", "op", "(", ")"})


class Ids(msgspec.Struct, frozen=True):
    """Which of the ids that somebody chose are printed: all of them, or only those that something refers to."""

    referred: frozenset[str] | None = None

    def shown(self, name: str | None) -> str | None:
        """The id when it is printed."""
        return name if self.referred is None or name in self.referred else None

    def option(self, name: str | None, option: str = "$id") -> tuple[str, ...]:
        """`$id=NAME` when it is printed."""
        return () if self.shown(name) is None or name is None else (f"{option}={quote_value(name)}",)


def format_rule(rule: Rule, ids: Ids) -> str:
    """A rule, its keyword included. A score of INFINITY, which a rule has without one, is left out."""
    role = () if rule.role is None else (f"$role={quote_value(rule.role)}",)
    if rule.id_ref is not None:
        return " ".join(("rule", f"$id-ref={quote_value(rule.id_ref)}", *role))
    is_infinite = rule.score is None or (parse_score(rule.score) or 0) >= INFINITY
    score = rule.score_attribute or ("" if is_infinite else rule.score)
    scored = (f"{score}:",) if score else ()
    return " ".join(("rule", *ids.option(rule.id), *role, *scored, *_conditions(rule, ids)))


def _conditions(rule: Rule, ids: Ids) -> Iterator[str]:
    for at, condition in enumerate(rule.conditions):
        if at:
            yield (rule.operator or "and").lower()
        yield from _condition(condition, ids)


def _condition(condition: Condition, ids: Ids) -> Iterator[str]:
    if isinstance(condition, Rule):
        role = () if condition.role is None else (f"$role={quote_value(condition.role)}",)
        score = condition.score_attribute or condition.score
        scored = () if score is None else (f"{score}:",)
        yield from ("(", *ids.option(condition.id), *role, *scored, *_conditions(condition, ids), ")")
        return
    yield from ids.option(condition.id, TEST_ID)
    match condition:
        case AttributeTest() if condition.operation in EXISTENCE:
            yield from (condition.operation, quote_word(condition.attribute))
        case AttributeTest():
            type_ = f"{condition.type}:" if condition.type is not None else ""
            yield from (_attribute(condition.attribute), f"{type_}{condition.operation}", _compared(condition))
        case DateTest():
            yield from ("date", *_date(condition, ids))
        case ResourceTest():
            parts = (condition.standard, condition.provider, condition.type)
            yield from ("resource", quote_word(":".join(part or "" for part in parts)))
        case OperationTest():
            yield from ("op", quoted(condition.name) if condition.name in COMPARISONS else quote_word(condition.name))
            if condition.interval is not None:
                yield f"interval={quote_value(condition.interval)}"
        case _:
            assert_never(condition)


def _attribute(name: str) -> str:
    """A node attribute where a condition begins."""
    is_plain = is_bare_word(name.removeprefix("#")) and not name.endswith(":")
    return name if is_plain and name.lower() not in _CONDITION_WORDS else quoted(name)


def _compared(test: AttributeTest) -> str:
    value = test.value or ""
    source = test.value_source or ("literal" if VALUE_SOURCE.match(value) else None)
    return quote_value(value) if source is None else quote_value(f"{source}{{{value}}}")


def _date(test: DateTest, ids: Ids) -> Iterator[str]:
    if test.operation in ("lt", "gt"):
        moment = (test.end or test.start) if test.operation == "lt" else (test.start or test.end)
        yield from (test.operation, quote_value(moment or ""))
        return
    yield "spec" if test.operation == "date_spec" else "in"
    bounds = (("start", test.start), ("end", test.end))
    yield from (f"{name}={quote_value(value)}" for name, value in bounds if value is not None)
    for span in (test.duration, test.spec):
        if span is not None:
            yield from _span(span, ids)


def _span(span: DateSpan, ids: Ids) -> Iterator[str]:
    yield from (f"{name}={quote_value(value)}" for name, value in span.fields)
    if span.id is not None and ids.shown(span.id) is not None:
        yield f"id={quote_value(span.id)}"


def format_sets(keyword: str, sets: tuple[AttributeSet, ...], ids: Ids) -> list[str]:
    """A line for each set."""
    return [" ".join((keyword, *set_words(attribute_set, ids))) for attribute_set in sets]


def set_words(attribute_set: AttributeSet, ids: Ids) -> Iterator[str]:
    """The words of a set behind its keyword."""
    if attribute_set.id_ref is not None:
        yield f"$id-ref={quote_value(attribute_set.id_ref)}"
    yield from ids.option(attribute_set.id)
    if attribute_set.score is not None:
        yield f"{attribute_set.score}:"
    yield from (format_rule(rule, ids) for rule in attribute_set.rules)
    yield from (format_pair(pair, ids) for pair in attribute_set.pairs)


def format_pair(pair: NvPair, ids: Ids) -> str:
    """One name and its value."""
    if pair.id_ref is not None:
        name = f"@{pair.id_ref}:{pair.name}" if pair.name else f"@{pair.id_ref}"
        return name if pair.value is None else f"{name}={quote_value(pair.value)}"
    chosen = ids.shown(pair.id)
    head = f"${chosen}:{pair.name}" if chosen is not None else pair.name
    if pair.value is None:
        return head if chosen is not None else quoted(head) if head.endswith(":") else quote_word(head)
    return f"{head}={quote_value(pair.value)}" if is_bare_word(pair.name) else quoted(f"{head}={pair.value}")


def format_operations(
    operations: tuple[Operation, ...], operations_id: str | None, operations_ref: str | None, ids: Ids
) -> list[str]:
    """A line for each operation, and for each set in one; in front of them the id of all, which is always printed."""
    lines: list[str] = []
    named = {"$id-ref": operations_ref, "$id": operations_id}
    options = [f"{name}={quote_value(value)}" for name, value in named.items() if value is not None]
    if options:
        lines.append(" ".join(("operations", *options)))
    for operation in operations:
        lines.extend(_operation(operation, ids))
    return lines


def _operation(operation: Operation, ids: Ids) -> Iterator[str]:
    name = (quote_word(operation.name),) if operation.name else ()
    if operation.id_ref is not None:
        yield " ".join(("op", *name, f"$id-ref={quote_value(operation.id_ref)}"))
        return
    words = ["op", *name, *(format_pair(option, ids) for option in operation.options)]
    if operation.id is not None and ids.shown(operation.id) is not None:
        words.append(f"id={quote_value(operation.id)}")
    yield " ".join(words)
    yield from format_sets("op_params", operation.params, ids)
    yield from format_sets("op_meta", operation.meta, ids)
