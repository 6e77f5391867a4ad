"""Checks of constraints and rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hashelld.cib.document import Object
from hashelld.cib.findings import REMOTE, Findings
from hashelld.cib.lang.constraints import KINDS, LOSS_POLICIES
from hashelld.cib.lang.diagnostic import suggest
from hashelld.cib.lang.rules import COMPARISONS, EXISTENCE, TYPES
from hashelld.cib.lang.sets import ACTIONS
from hashelld.model.constraint import Colocation, Constraint, Location, Order, TicketConstraint
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Tag, Template
from hashelld.model.rule import AttributeTest, Condition, DateTest, Rule


_CONSTRAINABLE: Final = Primitive | Group | Clone | Bundle | Template | Tag


def check_constraint(findings: Findings, found: Constraint) -> None:
    """Everything that is wrong with a constraint by itself and with what it names."""
    match found:
        case Location():
            _check_location(findings, found)
        case Colocation():
            _check_colocation(findings, found)
        case Order():
            _check_order(findings, found)
        case TicketConstraint():
            _check_ends(findings, found, found.resource)
            findings.check_roles(found, (found.role, *(one.role for one in found.sets)))
            _check_word(findings, found, found.loss_policy, LOSS_POLICIES, "loss-policy")
    _check_sets(findings, found)
    _check_ends(findings, found, *(member for one in found.sets for member in one.members), are_members=True)
    check_rules(findings, found, found.lifetime)


def _check_sets(findings: Findings, found: Constraint) -> None:
    for one in found.sets:
        findings.check_score(found, one.score)
    count = sum(len(one.members) for one in found.sets)
    is_relation = isinstance(found, Colocation | Order) and all(one.id_ref is None for one in found.sets)
    if found.sets and is_relation and count < 2:
        findings.warning(found, "lonely-member", f"{found.id} relates one resource to nothing")


def _check_location(findings: Findings, found: Location) -> None:
    findings.check_score(found, found.score)
    _check_ends(findings, found, found.resource)
    findings.check_roles(found, (found.role, *(one.role for one in found.sets)))
    check_rules(findings, found, found.rules)
    if found.pattern is not None:
        check_pattern(findings, found, found.pattern.removeprefix("!"))
    if found.node is not None and not findings.has_node(found.node):
        findings.unknown_node(found, found.node)


def _check_colocation(findings: Findings, found: Colocation) -> None:
    findings.check_score(found, found.score)
    _check_ends(findings, found, found.resource, found.with_resource)
    findings.check_roles(found, (found.role, found.with_role, *(one.role for one in found.sets)))
    members = (found.resource, found.with_resource, *(member for one in found.sets for member in one.members))
    for member in members:
        resource = None if member is None else findings.objects.get(member)
        if isinstance(resource, Primitive) and resource.agent == REMOTE:
            message = f"{found.id}: '{resource.id}' connects to a remote node, and cannot be placed with others"
            findings.error(found, "remote-resource", message, resource.id)


def _check_order(findings: Findings, found: Order) -> None:
    _check_ends(findings, found, found.first, found.then)
    for kind in (found.kind, *(one.kind for one in found.sets)):
        _check_word(findings, found, kind, KINDS, "order-kind")
    for action in (found.first_action, found.then_action, *(one.action for one in found.sets)):
        _check_word(findings, found, action, ACTIONS, "action")


def _check_word(findings: Findings, found: Object, word: str | None, known: tuple[str, ...], what: str) -> None:
    if word is not None and word not in known:
        message = f"{found.id}: '{word}' is no {what.replace('-', ' ')}"
        findings.error(found, f"unknown-{what}", message, word, suggest(word, known))


def _check_ends(findings: Findings, found: Constraint, *ends: str | None, are_members: bool = False) -> None:
    resources = [end for end in ends if end is not None]
    for resource in resources:
        if not isinstance(findings.objects.get(resource), _CONSTRAINABLE):
            findings.unknown_resource(found, resource)
            continue
        parent = findings.parent_of(resource)
        if parent is not None:
            message = f"{found.id}: '{resource}' is inside '{parent}'"
            findings.warning(found, "inner-resource", message, resource, f"constrain '{parent}' instead")
    if len(resources) > 1 and resources[0] == resources[1] and not are_members:
        findings.error(found, "self-reference", f"{found.id} relates '{resources[0]}' to itself", resources[0])


def check_pattern(findings: Findings, found: Object, pattern: str) -> None:
    """A regular expression that cannot be one matches nothing."""
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"{found.id}: the pattern '{pattern}' is no regular expression: {error}"
        findings.warning(found, "bad-pattern", message, pattern)


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
            _check_word(findings, found, condition.operation, (*COMPARISONS, *EXISTENCE), "comparison")
            _check_word(findings, found, condition.type, TYPES, "type-of-value")
        case DateTest(start=None, end=None, spec=None):
            findings.error(found, "empty-rule", f"{found.id}: a date in a rule says neither start nor end", "date")
        case _:
            pass
