"""Rules, in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hashelld.cib.xml.naming import ID, ID_REF, Naming, Reading
from hashelld.cib.xml.scores import read_score, written_score
from hashelld.cib.xml.tree import Element, filled
from hashelld.model.rule import AttributeTest, Condition, DateSpan, DateTest, OperationTest, ResourceTest, Rule


RULE: Final = "rule"
_DATE_TAGS: Final = ("duration", "date_spec")
_CONDITION_TAGS: Final = (RULE, "expression", "date_expression", "rsc_expression", "op_expression")
_RULE_NAMES: Final = frozenset({ID, ID_REF, "score", "score-attribute", "boolean-op", "role"})
_ATTRIBUTE_NAMES: Final = frozenset({ID, "attribute", "operation", "value", "type", "value-source"})
_DATE_NAMES: Final = frozenset({ID, "operation", "start", "end"})
_RESOURCE_NAMES: Final = frozenset({ID, "class", "provider", "type"})
_OPERATION_NAMES: Final = frozenset({ID, "name", "interval"})


def read_rules(reading: Reading, parent: Element, owner: str) -> tuple[Rule, ...]:
    """The rules directly in an element; `owner` is the id that theirs are made from."""
    return tuple([_read_rule(reading, child, f"{owner}-rule") for child in parent.children if child.tag == RULE])


def _read_rule(reading: Reading, element: Element, generated: str) -> Rule:
    reading.complete(element, _RULE_NAMES, _CONDITION_TAGS)
    if (id_ref := element.get(ID_REF)) is not None:
        return Rule(id_ref=id_ref, role=element.get("role"))
    given = element.get(ID)
    return Rule(
        id=reading.chosen(given, generated),
        score=read_score(reading, element),
        score_attribute=element.get("score-attribute"),
        operator=element.get("boolean-op"),
        role=element.get("role"),
        conditions=tuple(_read_conditions(reading, element, given or generated)),
    )


def _read_conditions(reading: Reading, rule: Element, rule_id: str) -> Iterator[Condition]:
    generated = f"{rule_id}-expression"
    for child in rule.children:
        get = child.attributes.get
        match child.tag:
            case "expression":
                reading.complete(child, _ATTRIBUTE_NAMES)
                yield AttributeTest(
                    id=reading.chosen(get(ID), generated),
                    attribute=child.demand("attribute"),
                    operation=child.demand("operation"),
                    value=get("value"),
                    type=get("type"),
                    value_source=get("value-source"),
                )
            case "date_expression":
                yield _read_date(reading, child, generated)
            case "rsc_expression":
                reading.complete(child, _RESOURCE_NAMES)
                chosen = reading.chosen(get(ID), generated)
                yield ResourceTest(id=chosen, standard=get("class"), provider=get("provider"), type=get("type"))
            case "op_expression":
                reading.complete(child, _OPERATION_NAMES)
                chosen = reading.chosen(get(ID), generated)
                yield OperationTest(id=chosen, name=child.demand("name"), interval=get("interval"))
            case "rule":
                yield _read_rule(reading, child, f"{rule_id}-rule")
            case _:
                pass


def _read_date(reading: Reading, element: Element, generated: str) -> DateTest:
    reading.complete(element, _DATE_NAMES, _DATE_TAGS)
    given = element.get(ID)
    spans: dict[str, DateSpan] = {}
    chosen = reading.chosen(given, generated)
    for child in element.children:
        if child.tag not in _DATE_TAGS:
            continue
        reading.complete(child, frozenset(child.attributes))
        if child.tag in spans:
            child.refuse(f"<{element.tag}> has a second <{child.tag}>")
        fields = tuple([pair for pair in child.attributes.items() if pair[0] != ID])
        span_id = reading.chosen(child.get(ID), f"{given or generated}-{child.tag}")
        spans[child.tag] = DateSpan(fields=fields, id=span_id)
    return DateTest(
        id=chosen,
        operation=element.get("operation") or "in_range",
        start=element.get("start"),
        end=element.get("end"),
        duration=spans.get("duration"),
        spec=spans.get("date_spec"),
    )


def written_rules(naming: Naming, rules: tuple[Rule, ...], owner: str) -> list[Element]:
    """The elements of rules."""
    return [_written_rule(naming, rule, f"{owner}-rule") for rule in rules]


def _written_rule(naming: Naming, rule: Rule, generated: str) -> Element:
    if rule.id_ref is not None:
        return Element(RULE, filled({ID_REF: rule.id_ref, "role": rule.role}))
    rule_id = naming.name(rule.id, generated)
    attributes: dict[str, str | None] = {ID: rule_id, "boolean-op": rule.operator, "score": written_score(rule.score)}
    attributes |= {"score-attribute": rule.score_attribute, "role": rule.role}
    children = [_written_condition(naming, condition, rule_id) for condition in rule.conditions]
    return Element(RULE, filled(attributes), children=children)


def _written_condition(naming: Naming, condition: Condition, rule_id: str) -> Element:
    if isinstance(condition, Rule):
        return _written_rule(naming, condition, f"{rule_id}-rule")
    test_id = naming.name(condition.id, f"{rule_id}-expression")
    attributes: dict[str, str | None]
    match condition:
        case AttributeTest():
            attributes = {ID: test_id, "attribute": condition.attribute, "operation": condition.operation}
            attributes |= {"value": condition.value, "type": condition.type, "value-source": condition.value_source}
            return Element("expression", filled(attributes))
        case DateTest():
            attributes = {ID: test_id, "operation": condition.operation}
            attributes |= {"start": condition.start, "end": condition.end}
            spans = zip(_DATE_TAGS, (condition.duration, condition.spec), strict=True)
            children = [_written_span(naming, tag, span, test_id) for tag, span in spans if span is not None]
            return Element("date_expression", filled(attributes), children=children)
        case ResourceTest():
            attributes = {ID: test_id, "class": condition.standard}
            attributes |= {"provider": condition.provider, "type": condition.type}
            return Element("rsc_expression", filled(attributes))
        case OperationTest():
            return Element(
                "op_expression", filled({ID: test_id, "name": condition.name, "interval": condition.interval})
            )


def _written_span(naming: Naming, tag: str, span: DateSpan, test_id: str) -> Element:
    return Element(tag, {ID: naming.name(span.id, f"{test_id}-{tag}"), **dict(span.fields)})
