"""Checks of constraints."""

from __future__ import annotations

import re
from typing import Final

from hashelld.cib.document import Object
from hashelld.cib.findings import REMOTE, Findings
from hashelld.cib.lang.constraints import KINDS, LOSS_POLICIES
from hashelld.cib.lang.sets import ACTIONS
from hashelld.cib.verify_rules import check_rules
from hashelld.model.constraint import Colocation, Constraint, Location, Order, TicketConstraint
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Tag, Template


_OF_PROMOTABLE: Final = frozenset({"Promoted", "Unpromoted", "Master", "Slave", "promote", "demote"})
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
            findings.check_word(found, found.loss_policy, LOSS_POLICIES, "loss-policy")
            _check_loss(findings, found)
    _check_sets(findings, found)
    _check_roles(findings, found)
    _check_instances(findings, found)
    _check_ends(findings, found, *(member for one in found.sets for member in one.members), are_members=True)
    check_rules(findings, found, found.lifetime)


def _check_loss(findings: Findings, found: TicketConstraint) -> None:
    members = [member for one in found.sets for member in one.members]
    members += [] if found.resource is None else [found.resource]
    if found.loss_policy == "demote" and members and not any(findings.may_be_promoted(member) for member in members):
        message = f"{found.id}: loss-policy=demote, but nothing that needs the ticket is promotable"
        findings.objection(found, "not-promotable", message, "loss-policy=demote")


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
    attribute = dict(found.options).get("score-attribute")
    if attribute is not None:
        message = f"{found.id}: the score of a colocation is a number, not the node attribute '{attribute}'"
        findings.objection(found, "bad-score", message, f"{attribute}:", "a whole number, inf or -inf")
    _check_ends(findings, found, found.resource, found.with_resource)
    findings.check_roles(found, (found.role, found.with_role, *(one.role for one in found.sets)))
    members = (found.resource, found.with_resource, *(member for one in found.sets for member in one.members))
    for member in members:
        resource = None if member is None else findings.objects.get(member)
        if isinstance(resource, Primitive) and resource.agent == REMOTE:
            message = f"{found.id}: '{resource.id}' connects to a remote node, and cannot be placed with others"
            findings.error(found, "remote-resource", message, resource.id)


def _check_roles(findings: Findings, found: Constraint) -> None:
    """Only promotable resources are promoted."""
    pairs: list[tuple[str | None, str | None]] = [
        (m, one.role or one.action) for one in found.sets for m in one.members
    ]
    match found:
        case Location() | TicketConstraint():
            pairs += [(found.resource, found.role), *((m, found.role) for one in found.sets for m in one.members)]
        case Colocation():
            pairs += [(found.resource, found.role), (found.with_resource, found.with_role)]
        case Order():
            pairs += [(found.first, found.first_action), (found.then, found.then_action)]
    for resource, state in pairs:
        if resource is not None and state in _OF_PROMOTABLE and not findings.may_be_promoted(resource):
            message = f"{found.id}: '{resource}' is not promotable, so that {resource}:{state} never comes true"
            hint = "a clone with meta promotable=true is"
            findings.objection(found, "not-promotable", message, resource, hint)


def _check_instances(findings: Findings, found: Constraint) -> None:
    """Only clones have numbered instances."""
    ends: dict[str, str | None] = {}
    match found:
        case Colocation():
            ends = {"rsc-instance": found.resource, "with-rsc-instance": found.with_resource}
        case Order():
            ends = {"first-instance": found.first, "then-instance": found.then}
        case Location() | TicketConstraint():
            pass
    for option, number in found.options:
        resource = ends.get(option)
        if resource is not None and isinstance(findings.objects.get(resource), Primitive | Group | Template):
            message = f"{found.id}: '{resource}' is no clone, and has no instance {number}"
            findings.objection(found, "no-instance", message, f"{resource}:{number}")


def _check_order(findings: Findings, found: Order) -> None:
    if found.kind == "Serialize" and found.symmetrical:
        message = f"{found.id}: with kind Serialize an order cannot be symmetrical"
        findings.objection(found, "bad-value", message, "symmetrical=true", "leave symmetrical out")
    _check_ends(findings, found, found.first, found.then)
    for kind in (found.kind, *(one.kind for one in found.sets)):
        findings.check_word(found, kind, KINDS, "order-kind")
    for action in (found.first_action, found.then_action, *(one.action for one in found.sets)):
        findings.check_word(found, action, ACTIONS, "action")


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
