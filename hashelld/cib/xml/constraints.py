"""Constraints, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hashelld.cib.xml.naming import ID, ID_REF, Naming, Reading
from hashelld.cib.xml.rules import RULE, read_rules, written_rules
from hashelld.cib.xml.scores import read_score, written_score
from hashelld.cib.xml.tree import Element, filled
from hashelld.model.constraint import (
    Colocation,
    Constraint,
    Location,
    Order,
    ResourceSet,
    TicketConstraint,
)
from hashelld.model.ids import ConstraintId, NodeId, ResourceId
from hashelld.model.options import parse_boolean
from hashelld.model.rule import Rule
from hashelld.model.score import parse_score


SET: Final = "resource_set"
MEMBER: Final = "resource_ref"
LIFETIME: Final = "lifetime"
_SET_NAMES: Final = frozenset({ID, ID_REF, "sequential", "require-all", "ordering", "role", "action", "score", "kind"})
_TAGS: Final = (SET, LIFETIME)
_BOOLEANS: Final = {None: None, True: "true", False: "false"}
_LOCATION_OPTIONS: Final = ("resource-discovery",)
_LOCATION_NAMES: Final = frozenset({ID, "rsc", "rsc-pattern", "node", "score", "role", *_LOCATION_OPTIONS})
_COLOCATION_OPTIONS: Final = ("node-attribute", "influence", "rsc-instance", "with-rsc-instance")
_COLOCATION_NAMES: Final = frozenset(
    {ID, "score", "rsc", "with-rsc", "rsc-role", "with-rsc-role", *_COLOCATION_OPTIONS}
)
_ORDER_OPTIONS: Final = ("require-all", "first-instance", "then-instance")
_ORDER_NAMES: Final = frozenset(
    {ID, "first", "then", "kind", "first-action", "then-action", "symmetrical", *_ORDER_OPTIONS}
)
_TICKET_OPTIONS: Final = ("rsc-instance",)
_TICKET_NAMES: Final = frozenset({ID, "ticket", "rsc", "rsc-role", "loss-policy", *_TICKET_OPTIONS})


def read_constraint(reading: Reading, element: Element) -> Constraint | None:
    """A constraint, None for an element that is none."""
    reader = _READERS.get(element.tag)
    return None if reader is None else reader(reading, element)


def _resource(element: Element, name: str) -> ResourceId | None:
    value = element.attributes.get(name)
    return None if value is None else ResourceId(value)


def _read_boolean(reading: Reading, element: Element, name: str) -> bool | None:
    text = element.attributes.get(name)
    if text is None:
        return None
    value = parse_boolean(text)
    if value is None and reading.is_strict:
        element.refuse(f"{name} is '{text}', neither true nor false")
    return value


def _read_parts(reading: Reading, element: Element) -> tuple[tuple[ResourceSet, ...], tuple[Rule, ...]]:
    """The resource sets and the lifetime of a constraint."""
    if not element.children:
        return (), ()
    owner = element.identity()
    reading.use(owner)
    sets = tuple([_read_resource_set(reading, child, owner) for child in element.all(SET)])
    rules: tuple[Rule, ...] = ()
    for lifetime in element.all(LIFETIME):
        reading.complete(lifetime, frozenset(), (RULE,))
        rules += read_rules(reading, lifetime, f"{owner}-{LIFETIME}")
    return sets, rules


def _read_resource_set(reading: Reading, element: Element, owner: str) -> ResourceSet:
    reading.complete(element, _SET_NAMES, (MEMBER,))
    if (id_ref := element.get(ID_REF)) is not None:
        return ResourceSet(id_ref=id_ref)
    members = element.all(MEMBER)
    for member in members:
        reading.complete(member, frozenset({ID}))
    return ResourceSet(
        id=reading.chosen(element.get(ID), owner),
        members=tuple([ResourceId(member.identity()) for member in members]),
        sequential=_read_boolean(reading, element, "sequential"),
        require_all=_read_boolean(reading, element, "require-all"),
        ordering=element.get("ordering"),
        role=element.get("role"),
        action=element.get("action"),
        score=read_score(reading, element),
        kind=element.get("kind"),
    )


def _read_location(reading: Reading, element: Element) -> Location:
    name = element.identity()
    node = element.get("node")
    sets, lifetime = _read_parts(reading, element)
    return Location(
        id=ConstraintId(name),
        resource=_resource(element, "rsc"),
        pattern=element.get("rsc-pattern"),
        sets=sets,
        node=None if node is None else NodeId(node),
        score=read_score(reading, element),
        rules=read_rules(reading, element, name),
        lifetime=lifetime,
        role=element.get("role"),
        options=element.picked(_LOCATION_OPTIONS),
        unknown=reading.unknown(element, _LOCATION_NAMES, (*_TAGS, RULE)),
    )


def _read_colocation(reading: Reading, element: Element) -> Colocation:
    sets, lifetime = _read_parts(reading, element)
    return Colocation(
        id=ConstraintId(element.identity()),
        score=read_score(reading, element),
        resource=_resource(element, "rsc"),
        with_resource=_resource(element, "with-rsc"),
        role=element.get("rsc-role"),
        with_role=element.get("with-rsc-role"),
        sets=sets,
        lifetime=lifetime,
        options=element.picked(_COLOCATION_OPTIONS),
        unknown=reading.unknown(element, _COLOCATION_NAMES, _TAGS),
    )


def _read_order(reading: Reading, element: Element) -> Order:
    sets, lifetime = _read_parts(reading, element)
    kind, score = element.get("kind"), element.get("score")
    names = _ORDER_NAMES
    if kind is None and score is not None:
        # The old way to say how strict an order is; only 0 means "when both happen anyway".
        read_score(reading, element)
        kind = "Optional" if parse_score(score) == 0 else "Mandatory"
        names |= {"score"}
    return Order(
        id=ConstraintId(element.identity()),
        first=_resource(element, "first"),
        then=_resource(element, "then"),
        kind=kind,
        first_action=element.get("first-action"),
        then_action=element.get("then-action"),
        symmetrical=_read_boolean(reading, element, "symmetrical"),
        sets=sets,
        lifetime=lifetime,
        options=element.picked(_ORDER_OPTIONS),
        unknown=reading.unknown(element, names, _TAGS),
    )


def _read_ticket(reading: Reading, element: Element) -> TicketConstraint:
    sets, lifetime = _read_parts(reading, element)
    return TicketConstraint(
        id=ConstraintId(element.identity()),
        ticket=element.demand("ticket"),
        resource=_resource(element, "rsc"),
        role=element.get("rsc-role"),
        loss_policy=element.get("loss-policy"),
        sets=sets,
        lifetime=lifetime,
        options=element.picked(_TICKET_OPTIONS),
        unknown=reading.unknown(element, _TICKET_NAMES, _TAGS),
    )


_READERS: Final[dict[str, Callable[[Reading, Element], Constraint]]] = {
    "rsc_location": _read_location,
    "rsc_colocation": _read_colocation,
    "rsc_order": _read_order,
    "rsc_ticket": _read_ticket,
}


_TAG_OF: Final[dict[type[Constraint], str]] = {
    Location: "rsc_location",
    Colocation: "rsc_colocation",
    Order: "rsc_order",
    TicketConstraint: "rsc_ticket",
}


def written_constraint(naming: Naming, found: Constraint) -> Element:
    """The element of a constraint."""
    children = [_written_set(naming, one, found.id) for one in found.sets]
    if found.lifetime:
        rules = written_rules(naming, found.lifetime, f"{found.id}-{LIFETIME}")
        children.append(Element(LIFETIME, {}, children=rules))
    attributes: dict[str, str | None] = {ID: found.id}
    match found:
        case Location():
            attributes |= {"rsc": found.resource, "rsc-pattern": found.pattern, "role": found.role}
            attributes |= {**dict(found.options), "score": written_score(found.score), "node": found.node}
            children = [*children, *written_rules(naming, found.rules, found.id)]
        case Colocation():
            attributes |= {"score": written_score(found.score), "rsc": found.resource, "rsc-role": found.role}
            attributes |= {"with-rsc": found.with_resource, "with-rsc-role": found.with_role, **dict(found.options)}
        case Order():
            attributes |= {"kind": found.kind, "first": found.first, "first-action": found.first_action}
            attributes |= {"then": found.then, "then-action": found.then_action}
            attributes |= {"symmetrical": _BOOLEANS[found.symmetrical], **dict(found.options)}
        case TicketConstraint():
            attributes |= {"ticket": found.ticket, "rsc": found.resource, "rsc-role": found.role}
            attributes |= {"loss-policy": found.loss_policy, **dict(found.options)}
    return Element(_TAG_OF[type(found)], filled(attributes), children=children)


def _written_set(naming: Naming, found: ResourceSet, owner: str) -> Element:
    if found.id_ref is not None:
        return Element(SET, {ID_REF: found.id_ref})
    attributes: dict[str, str | None] = {ID: naming.name(found.id, owner)}
    attributes |= {"sequential": _BOOLEANS[found.sequential], "require-all": _BOOLEANS[found.require_all]}
    attributes |= {"ordering": found.ordering, "role": found.role, "action": found.action}
    attributes |= {"score": written_score(found.score), "kind": found.kind}
    members = [Element(MEMBER, {ID: member}) for member in found.members]
    return Element(SET, filled(attributes), children=members)
