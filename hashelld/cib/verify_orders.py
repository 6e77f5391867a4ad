"""Checks of orders: resources that wait for each other never start."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

from hashelld.cib.document import Object
from hashelld.cib.findings import Findings
from hashelld.model.constraint import Order
from hashelld.model.resource import Group


Step = tuple[str, str]
"""A resource, and what is done with it."""
_START = "start"


def check_order_loops(findings: Findings) -> None:
    """Nothing waits for itself by way of mandatory orders and of the order in groups."""
    later: dict[Step, list[tuple[Step, Object]]] = {}
    for found in findings.cib.objects:
        for before, after in _pairs(found):
            if before == after:
                continue  # That is told where it is said.
            later.setdefault(before, []).append((after, found))
    done: set[Step] = set()
    for first in list(later):
        if first not in done:
            _walk(findings, later, first, done)


def _walk(findings: Findings, later: dict[Step, list[tuple[Step, Object]]], first: Step, done: set[Step]) -> None:
    """Go along all orders from a step, without recursion: chains of them may be long."""
    path: dict[Step, None] = {first: None}
    trail = [iter(later.get(first, ()))]
    while trail:
        following = next(trail[-1], None)
        if following is None:
            trail.pop()
            done.add(path.popitem()[0])
            continue
        step, order = following
        if step in path:
            loop = [*list(path)[list(path).index(step) :], step]
            told = ", then ".join(f"{action} {resource}" for resource, action in loop)
            message = f"{order.id} closes a loop: {told}"
            findings.objection(order, "order-loop", message, step[0], "kind Optional leaves it open")
        elif step not in done:
            path[step] = None
            trail.append(iter(later.get(step, ())))


def _pairs(found: Object) -> Iterator[tuple[Step, Step]]:
    """What must be done before what."""
    if isinstance(found, Group):
        yield from pairwise((member, _START) for member in found.members)
    if not isinstance(found, Order) or found.kind not in (None, "Mandatory"):
        return
    if found.first is not None and found.then is not None:
        first = (found.first, found.first_action or _START)
        yield first, (found.then, found.then_action or found.first_action or _START)
        return
    before: tuple[Step, ...] = ()
    for one in found.sets:
        steps = tuple((member, one.action or _START) for member in one.members)
        is_sequence = one.sequential is not False
        if is_sequence:
            yield from pairwise(steps)
        yield from product(before, steps[:1] if is_sequence else steps)
        # Of a set in which any one is enough, none is waited for in any case.
        before = () if one.require_all is False else steps[-1:] if is_sequence else steps
