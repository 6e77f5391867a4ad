"""Constraints and their resource sets as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hashelld.cib.lang.format_sets import Ids, format_rule
from hashelld.cib.lang.quoting import quote_value, quote_word
from hashelld.cib.lang.sets import FORCE_SETS
from hashelld.model.constraint import Colocation, Constraint, Location, Order, ResourceSet, TicketConstraint


_OPENINGS: Final = frozenset({"(", "["})
_INSTANCES: Final = ("rsc-instance", "with-rsc-instance", "first-instance", "then-instance")
_SCORE_ATTRIBUTE: Final = "score-attribute"


def constraint_lines(found: Constraint, ids: Ids) -> list[str]:
    """The lines of a constraint's statement: rules stand on their own."""
    lines = [" ".join(_words(found, ids))]
    if isinstance(found, Location):
        lines.extend(format_rule(rule, ids) for rule in found.rules)
    if found.lifetime:
        lines.append(" ".join(("lifetime", *(format_rule(rule, ids) for rule in found.lifetime))))
    return lines


def _words(found: Constraint, ids: Ids) -> Iterator[str]:
    match found:
        case Location():
            return _location(found, ids)
        case Colocation():
            return _colocation(found, ids)
        case Order():
            return _order(found, ids)
        case TicketConstraint():
            return _ticket(found, ids)


def _location(found: Location, ids: Ids) -> Iterator[str]:
    yield from ("location", found.id)
    if found.sets:
        yield from ("{", *_set_words(found.sets, ids), "}")
    elif found.pattern is not None:
        yield quote_word(f"/{found.pattern}/")
    else:
        yield quote_word(found.resource or "")
    if found.role is not None:
        yield f"role={quote_value(found.role)}"
    yield from _options(found.options)
    if found.node is not None:
        yield from (f"{found.score or '0'}:", quote_word(found.node))


def _colocation(found: Colocation, ids: Ids) -> Iterator[str]:
    options = dict(found.options)
    yield from ("colocation", found.id, f"{options.pop(_SCORE_ATTRIBUTE, None) or found.score or 'inf'}:")
    if found.sets:
        yield from _forced(found.sets, ids, 2)
    else:
        yield _end(found.resource, found.role, options, "rsc-instance")
        yield _end(found.with_resource, found.with_role, options, "with-rsc-instance")
    yield from _options(tuple(options.items()))


def _order(found: Order, ids: Ids) -> Iterator[str]:
    options = dict(found.options)
    yield from ("order", found.id)
    if found.kind is not None:
        yield f"{found.kind}:"
    if found.sets:
        yield from _forced(found.sets, ids, 2)
    else:
        yield _end(found.first, found.first_action, options, "first-instance")
        yield _end(found.then, found.then_action, options, "then-instance")
    if found.symmetrical is not None:
        yield f"symmetrical={str(found.symmetrical).lower()}"
    yield from _options(tuple(options.items()))


def _ticket(found: TicketConstraint, ids: Ids) -> Iterator[str]:
    options = dict(found.options)
    yield from ("rsc_ticket", found.id, quote_word(f"{found.ticket}:"))
    if found.sets:
        yield from _forced(found.sets, ids, 1)
    else:
        yield _end(found.resource, found.role, options, "rsc-instance")
    if found.loss_policy is not None:
        yield f"loss-policy={quote_value(found.loss_policy)}"
    yield from _options(tuple(options.items()))


def _end(resource: str | None, detail: str | None, options: dict[str, str], instance: str) -> str:
    """A resource, and its role or action, or (taken out of the options) the number of its instance."""
    detail = detail if detail is not None else options.pop(instance, None)
    return f"{resource or ''}:{detail}" if detail is not None else resource or ""


def _options(options: tuple[tuple[str, str], ...]) -> Iterator[str]:
    return (f"{name}={quote_value(value)}" for name, value in options)


def _forced(sets: tuple[ResourceSet, ...], ids: Ids, plain_count: int) -> Iterator[str]:
    """The sets, with a word in front of them where they would be taken for plain resources."""
    words = list(_set_words(sets, ids))
    if len(words) <= plain_count and not _OPENINGS & set(words):
        yield FORCE_SETS
    yield from words


def _set_words(sets: tuple[ResourceSet, ...], ids: Ids) -> Iterator[str]:
    before: ResourceSet | None = None
    for one in sets:
        is_glued = before is not None and _is_plain(before, ids) and _detail(before) == _detail(one)
        yield from _members(one) if _is_plain(one, ids) and not is_glued else _bracketed(one, ids)
        before = one


def _is_plain(one: ResourceSet, ids: Ids) -> bool:
    """Can it be written without brackets?"""
    is_default = one.sequential is not False and one.require_all is not False
    return is_default and bool(one.members) and not any(_details(one, ids))


def _bracketed(one: ResourceSet, ids: Ids) -> Iterator[str]:
    any_will_do = one.require_all is False
    yield "[" if any_will_do else "("
    yield from _members(one)
    if one.sequential is not False and one.id_ref is None:
        yield "sequential=true"
    yield from _details(one, ids)
    yield "]" if any_will_do else ")"


def _details(one: ResourceSet, ids: Ids) -> Iterator[str]:
    options = (("score", one.score), ("kind", one.kind), ("ordering", one.ordering), ("$id-ref", one.id_ref))
    yield from (f"{name}={quote_value(value)}" for name, value in options if value is not None)
    yield from ids.option(one.id)


def _members(one: ResourceSet) -> Iterator[str]:
    detail = _detail(one)
    return (f"{member}:{detail}" if detail is not None else str(member) for member in one.members)


def _detail(one: ResourceSet) -> str | None:
    return one.role if one.role is not None else one.action
