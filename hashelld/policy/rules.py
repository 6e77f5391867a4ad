"""Rules: whether their conditions hold for a node, a resource, an operation and a moment.

A condition that cannot be judged from the facts at hand (of an operation where none is looked at, of a node in the
defaults of resources) does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from hashelld.model.duration import parse_duration
from hashelld.model.resource import Agent
from hashelld.model.rule import AttributeTest, Condition, DateTest, OperationTest, ResourceTest, Rule
from hashelld.policy.dates import date_changes_ms, date_holds


UNAME, ID, KIND, IS_DC, CLUSTER_NAME, SITE_NAME, ROLE = (
    "#uname",
    "#id",
    "#kind",
    "#is_dc",
    "#cluster-name",
    "#site-name",
    "#role",
)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_NO_RULES: Final[Mapping[str, Rule]] = MappingProxyType({})
_SUBMATCH: Final = re.compile(r"%(\d)", re.ASCII)
_INTEGER: Final = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)", re.ASCII)
_INTEGER_MAX: Final = 2**63 - 1

_Ordered = TypeVar("_Ordered", str, float, list[int])


class Facts:
    """What a rule is judged by. `attributes` None: no node is looked at; `agent` None: no resource; and so on."""

    __slots__ = ("agent", "attributes", "interval_ms", "meta", "now_ms", "operation", "params", "role", "submatches")

    def __init__(
        self,
        now_ms: int = 0,
        attributes: Mapping[str, str] | None = None,
        *,
        agent: Agent | None = None,
        params: Mapping[str, str] = _NOTHING,
        meta: Mapping[str, str] = _NOTHING,
        operation: str | None = None,
        interval_ms: int = 0,
        role: str | None = None,
        submatches: Sequence[str | None] = (),
    ) -> None:
        self.now_ms = now_ms
        self.attributes = attributes
        """Of the node: permanent and transient ones, and those of `builtin_attributes`."""
        self.agent = agent
        self.params = params
        """The resource's parameters, for comparisons with `value_source` param; `meta` likewise."""
        self.meta = meta
        self.operation = operation
        self.interval_ms = interval_ms
        self.role = role
        self.submatches = submatches
        """What a location constraint's pattern matched, whole and group by group: %0, %1…"""


def builtin_attributes(
    name: str,
    number: str,
    *,
    is_dc: bool,
    is_remote: bool = False,
    cluster_name: str | None = None,
    site_name: str | None = None,
) -> dict[str, str]:
    """The node attributes that every node has. `site_name` is its attribute `site-name`, for want of which the
    cluster's name counts.
    """
    found = {UNAME: name, ID: number, KIND: "remote" if is_remote else "cluster", IS_DC: "true" if is_dc else "false"}
    if cluster_name is not None:
        found[CLUSTER_NAME] = cluster_name
    site = cluster_name if site_name is None else site_name
    if site is not None:
        found[SITE_NAME] = site
    return found


def holds(rule: Rule, facts: Facts, named: Mapping[str, Rule] = _NO_RULES) -> bool:
    """Does a rule hold? `named` are the rules that others may refer to; a reference to none of them does not hold."""
    return _rule_holds(rule, facts, named, frozenset())


def next_change_ms(rule: Rule, now_ms: int, named: Mapping[str, Rule] = _NO_RULES) -> int | None:
    """The next moment at which a date in the rule may change whether it holds; None is never."""
    return _rule_changes(rule, now_ms, named, frozenset())


def compare_versions(left: str, right: str) -> int:
    """Negative, zero or positive, by the numbers between the dots; one that is missing is 0."""
    both = [[int(_integer(part) or 0) for part in text.split(".")] for text in (left, right)]
    longest = max(len(parts) for parts in both)
    first, second = ([*parts, *[0] * (longest - len(parts))] for parts in both)
    return _compare(first, second)


def _rule_holds(rule: Rule, facts: Facts, named: Mapping[str, Rule], within: frozenset[str]) -> bool:
    found, within = _referred(rule, named, within)
    if found is None:
        return False
    results = (_condition_holds(condition, facts, named, within) for condition in found.conditions)
    return any(results) if _is_or(found) else all(results)


def _rule_changes(rule: Rule, now_ms: int, named: Mapping[str, Rule], within: frozenset[str]) -> int | None:
    found, within = _referred(rule, named, within)
    if found is None:
        return None
    moments: list[int | None] = []
    for condition in found.conditions:
        if isinstance(condition, DateTest):
            moments.append(date_changes_ms(condition, now_ms))
        elif isinstance(condition, Rule):
            moments.append(_rule_changes(condition, now_ms, named, within))
    return min((moment for moment in moments if moment is not None), default=None)


def _referred(rule: Rule, named: Mapping[str, Rule], within: frozenset[str]) -> tuple[Rule | None, frozenset[str]]:
    """The rule that is meant, and the references that were followed to it; None: it is missing, or refers to itself."""
    if rule.id_ref is None:
        return rule, within
    if rule.id_ref in within:
        return None, within
    return named.get(rule.id_ref), within | {rule.id_ref}


def _is_or(rule: Rule) -> bool:
    return rule.operator is not None and rule.operator.lower() == "or"


def _condition_holds(condition: Condition, facts: Facts, named: Mapping[str, Rule], within: frozenset[str]) -> bool:
    match condition:
        case AttributeTest():
            return _attribute_holds(condition, facts)
        case DateTest():
            return date_holds(condition, facts.now_ms)
        case ResourceTest():
            return _resource_holds(condition, facts.agent)
        case OperationTest():
            return _operation_holds(condition, facts)
        case Rule():
            return _rule_holds(condition, facts, named, within)


def _resource_holds(test: ResourceTest, agent: Agent | None) -> bool:
    return (
        agent is not None
        and test.standard in (None, agent.standard)
        and test.provider in (None, agent.provider)
        and test.type in (None, agent.type)
    )


def _operation_holds(test: OperationTest, facts: Facts) -> bool:
    if facts.operation is None or test.name != facts.operation:
        return False
    return test.interval is None or parse_duration(test.interval) == facts.interval_ms


def _attribute_holds(test: AttributeTest, facts: Facts) -> bool:
    if facts.attributes is None:
        return False
    name = test.attribute
    if facts.submatches:
        name = _SUBMATCH.sub(lambda found: _submatch(facts.submatches, int(found[1])), name)
    actual = facts.attributes.get(name)
    if actual is None and name == ROLE:
        actual = facts.role
    operation = test.operation.lower()
    if operation in ("defined", "not_defined"):
        return (actual is None) == (operation == "not_defined")
    return _compares(operation, actual, _reference(test, facts), test.type)


def _submatch(submatches: Sequence[str | None], number: int) -> str:
    return (submatches[number] or "") if number < len(submatches) else ""


def _reference(test: AttributeTest, facts: Facts) -> str | None:
    """What the attribute is compared with; nothing, where the resource has no such parameter."""
    if not test.value:
        return None
    match (test.value_source or "").lower():
        case "param":
            return facts.params.get(test.value)
        case "meta":
            return facts.meta.get(test.value)
        case _:
            return test.value


def _compares(operation: str, actual: str | None, reference: str | None, kind: str | None) -> bool:
    if actual is None or reference is None:
        # What is missing equals only what is missing too, and is neither more nor less than anything.
        return (operation == "eq" and actual is reference) or (operation == "ne" and actual is not reference)
    order = _order(actual, reference, _kind(operation, actual, reference, kind))
    match operation:
        case "eq":
            return order == 0
        case "ne":
            return order != 0
        case "lt":
            return order < 0
        case "lte":
            return order <= 0
        case "gt":
            return order > 0
        case "gte":
            return order >= 0
        case _:
            return False


def _kind(operation: str, actual: str, reference: str, kind: str | None) -> str:
    if kind is not None:
        return kind.lower()
    if operation in ("eq", "ne"):
        return "string"
    return "number" if "." in actual or "." in reference else "integer"


def _order(left: str, right: str, kind: str) -> int:
    """Negative, zero or positive; what is no number is compared as text, and a kind unknown calls all equal."""
    match kind:
        case "integer":
            numbers = _integer(left), _integer(right)
        case "number":
            numbers = _number(left), _number(right)
        case "version":
            return compare_versions(left, right)
        case "string":
            return _compare(left.lower(), right.lower())
        case _:
            return 0
    if numbers[0] is None or numbers[1] is None:
        return _compare(left.lower(), right.lower())
    return _compare(numbers[0], numbers[1])


def _compare(left: _Ordered, right: _Ordered) -> int:
    return (left > right) - (left < right)


def _integer(text: str) -> float | None:
    """The integer that a text begins with."""
    found = _INTEGER.match(text)
    if found is None:
        return None
    value = int(found[1])
    return value if -_INTEGER_MAX - 1 <= value <= _INTEGER_MAX else None


def _number(text: str) -> float | None:
    """The number that a text begins with."""
    found = _NUMBER.match(text)
    return None if found is None else float(found[1])
