"""Rules: comparisons, types, sources of values, and how conditions are combined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashelld.model.resource import Agent
from hashelld.model.rule import AttributeTest, Condition, DateTest, OperationTest, ResourceTest, Rule
from hashelld.policy.rules import Facts, builtin_attributes, holds, next_change_ms


DUMMY = Agent("ocf", "pacemaker", "Dummy")


def rule(*conditions: Condition, operator: str | None = None) -> Rule:
    return Rule(conditions=conditions, operator=operator)


def compares(actual: str | None, operation: str, value: str | None, kind: str | None = None) -> bool:
    attributes = {} if actual is None else {"a": actual}
    test = AttributeTest(attribute="a", operation=operation, value=value, type=kind)
    return holds(rule(test), Facts(attributes=attributes))


@pytest.mark.parametrize(
    ("actual", "operation", "value", "kind", "expected"),
    [
        ("node1", "eq", "node1", None, True),
        ("Node1", "eq", "node1", None, True),
        ("node1", "ne", "node2", None, True),
        ("1", "eq", "1.0", None, False),
        ("1", "eq", "1.0", "number", True),
        ("10", "gt", "3", None, True),
        ("10", "gt", "3", "string", False),
        ("10", "lt", "3", None, False),
        ("3", "gte", "3", None, True),
        ("3", "lte", "2", None, False),
        ("3.5", "gt", "3", None, True),
        ("3.5", "gt", "3", "integer", False),
        ("3.4", "eq", "3.6", "integer", True),
        ("3.4", "eq", "4.6", "integer", False),
        ("3.4", "eq", "3.6", "number", False),
        ("as2", "gt", "as10", "integer", True),
        ("as10.0", "gt", "as2.0", "number", False),
        ("as2", "gt", "as10", None, True),
        ("1e3", "eq", "1000", "number", True),
        ("-5", "lt", "+5", None, True),
        (" 7", "eq", "7 apples", "integer", True),
        ("1" * 30, "gt", "2", "integer", False),
        ("1.10", "gt", "1.9", "version", True),
        ("1.0.0", "eq", "1", "version", True),
        ("1.0.1", "gt", "1", "version", True),
        ("2", "lt", "10.0", "version", True),
        ("x", "eq", "y", "colour", True),
        ("x", "ne", "y", "colour", False),
        ("x", "like", "x", None, False),
        ("x", "EQ", "x", "STRING", True),
    ],
)
def test_comparisons(actual: str, operation: str, value: str, kind: str | None, expected: bool):
    assert compares(actual, operation, value, kind) is expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("eq", False), ("ne", True), ("lt", False), ("lte", False), ("gt", False), ("gte", False), ("defined", False)],
)
def test_a_missing_attribute_is_only_different(operation: str, expected: bool):
    assert compares(None, operation, "0") is expected


def test_defined_and_not_defined():
    assert compares("", "defined", None)
    assert not compares("", "not_defined", None)
    assert compares(None, "not_defined", None)


def test_what_is_missing_equals_what_is_missing():
    assert compares(None, "eq", None)
    assert not compares(None, "ne", None)
    assert compares("1", "ne", None)
    assert not compares("1", "lt", None)


@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from([None, "string", "integer", "number", "version"]))
def test_any_two_texts_are_in_one_order(left: str, right: str, kind: str | None):
    outcomes = [compares(left, operation, right, kind) for operation in ("lt", "gt")]
    assert not all(outcomes)
    if right:
        assert compares(left, "gte", right, kind) is not outcomes[0]
        assert compares(left, "lte", right, kind) is not outcomes[1]


def test_values_from_parameters_and_meta_attributes():
    facts = Facts(attributes={"a": "100"}, params={"size": "100"}, meta={"size": "200"})

    def test(source: str | None) -> bool:
        return holds(rule(AttributeTest(attribute="a", operation="eq", value="size", value_source=source)), facts)

    assert test("param")
    assert not test("meta")
    assert not test("literal")
    assert not test(None)


def test_submatches_are_put_into_attribute_names():
    test = rule(AttributeTest(attribute="%1-placement-%0%9", operation="eq", value="true"))
    facts = Facts(attributes={"fs-placement-fs-1": "true"}, submatches=("fs-1", "fs"))
    assert holds(test, facts)
    assert not holds(test, Facts(attributes={"fs-placement-fs-1": "true"}))
    assert holds(test, Facts(attributes={"-placement-x": "true"}, submatches=("x", None)))


def test_what_stays_as_written_without_a_pattern():
    test = rule(AttributeTest(attribute="%1", operation="defined"))
    assert holds(test, Facts(attributes={"%1": "x"}))


def test_roles():
    test = rule(AttributeTest(attribute="#role", operation="eq", value="Promoted"))
    assert holds(test, Facts(attributes={}, role="Promoted"))
    assert not holds(test, Facts(attributes={}))


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (ResourceTest(), True),
        (ResourceTest(standard="ocf"), True),
        (ResourceTest(standard="ocf", provider="pacemaker", type="Dummy"), True),
        (ResourceTest(provider="heartbeat"), False),
        (ResourceTest(type="dummy"), False),
    ],
)
def test_resources(test: ResourceTest, expected: bool):
    assert holds(rule(test), Facts(agent=DUMMY)) is expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (OperationTest(name="monitor"), True),
        (OperationTest(name="monitor", interval="10s"), True),
        (OperationTest(name="monitor", interval="10000ms"), True),
        (OperationTest(name="monitor", interval="20"), False),
        (OperationTest(name="monitor", interval="often"), False),
        (OperationTest(name="start"), False),
    ],
)
def test_operations(test: OperationTest, expected: bool):
    assert holds(rule(test), Facts(operation="monitor", interval_ms=10_000)) is expected


@pytest.mark.parametrize(
    "test",
    [
        AttributeTest(attribute="a", operation="not_defined"),
        AttributeTest(attribute="a", operation="ne", value="1"),
        ResourceTest(),
        OperationTest(name="monitor"),
    ],
)
def test_what_cannot_be_judged_does_not_hold(test: Condition):
    assert not holds(rule(test), Facts())


YES = DateTest(operation="lt", end="2005-001")
NO = DateTest(operation="gt", start="2005-001")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rule(YES, YES), True),
        (rule(YES, NO), False),
        (rule(YES, NO, operator="or"), True),
        (rule(NO, NO, operator="OR"), False),
        (rule(YES, NO, operator="xor"), False),
        (rule(), True),
        (rule(operator="or"), False),
        (rule(rule(NO, YES, operator="or"), rule(YES)), True),
        (rule(rule(NO), rule(NO, YES), operator="or"), False),
    ],
)
def test_how_conditions_are_combined(found: Rule, expected: bool):
    assert holds(found, Facts(now_ms=0)) is expected


def test_rules_elsewhere():
    named = {"yes": rule(YES), "no": rule(NO), "self": rule(YES, Rule(id_ref="self"))}
    assert holds(Rule(id_ref="yes"), Facts(), named)
    assert not holds(Rule(id_ref="no"), Facts(), named)
    assert not holds(Rule(id_ref="none"), Facts(), named)
    assert not holds(Rule(id_ref="self"), Facts(), named)
    assert holds(rule(Rule(id_ref="no"), Rule(id_ref="yes"), operator="or"), Facts(), named)


def test_the_next_change_is_that_of_the_first_date():
    early, late = DateTest(operation="lt", end="2005-001"), DateTest(operation="lt", end="2006-001")
    named = {"early": rule(early)}
    assert next_change_ms(rule(late, rule(early)), 0) == 1_104_537_600_000
    assert next_change_ms(rule(late, Rule(id_ref="early")), 0, named) == 1_104_537_600_000
    assert next_change_ms(rule(OperationTest(name="start")), 0) is None
    assert next_change_ms(Rule(id_ref="none"), 0) is None
    assert next_change_ms(rule(early), 1_104_537_600_000) is None


def test_the_attributes_that_every_node_has():
    assert builtin_attributes("n1", "1", is_dc=True) == {
        "#uname": "n1",
        "#id": "1",
        "#kind": "cluster",
        "#is_dc": "true",
    }
    found = builtin_attributes("r1", "r1", is_dc=False, is_remote=True, cluster_name="c", site_name="s")
    assert (found["#kind"], found["#is_dc"], found["#cluster-name"], found["#site-name"]) == (
        "remote",
        "false",
        "c",
        "s",
    )
    assert builtin_attributes("n1", "1", is_dc=True, cluster_name="c")["#site-name"] == "c"
