"""Setting how often an operation of a resource failed: for `resource failcount`."""

from __future__ import annotations

from hashell.commands.changes import resource_of
from hashell.errors import Refused, Usage
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.model.duration import parse_duration
from hashelld.model.history import fail_count_name
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Primitive, Template
from hashelld.model.score import format_score, parse_score
from hashelld.wire.client import Done, SetAttribute


USAGE = "resource failcount RESOURCE set NODE COUNT [OPERATION [INTERVAL]] | delete [NODE [OPERATION [INTERVAL]]]"


def set_count(
    session: Session, resource: ResourceId, node: NodeId | None, verb: str, words: tuple[str, ...]
) -> Outcome:
    """`set NODE COUNT [OPERATION [INTERVAL]]`, or `delete NODE OPERATION [INTERVAL]`."""
    count, more = (words[0], words[1:]) if verb == "set" and words else ("0", words)
    if node is None or len(more) > 2 or (verb == "set" and not words):
        raise Usage(USAGE)
    failures = parse_score(count)
    if failures is None or failures < 0:
        raise Usage(f"'{count}' is no count: a number from 0, or INFINITY")
    operation, interval_ms = _operation(session.applied().cib, resource, more)
    name = fail_count_name(resource, operation, interval_ms)
    session.expect(SetAttribute(node=node, name=name, value=format_score(failures) if failures else None), Done)
    what = f"{operation} of {resource}"
    told = f"{what} counts as failed {format_score(failures)} times on {node}."
    return Said(
        text=told if failures else f"{what} does not count as failed on {node} any more.",
        data={
            "resource": resource,
            "node": node,
            "operation": operation,
            "interval_ms": interval_ms,
            "count": failures,
        },
    )


def _operation(cib: Cib, resource: ResourceId, words: tuple[str, ...]) -> tuple[str, int]:
    """Which operation is meant: a monitor where nothing is said, with the interval that is configured for it."""
    found = resource_of(cib, resource)
    if not isinstance(found, Primitive):
        raise Refused(f"{resource} is no primitive: what fails is one of those that it contains.")
    operation = words[0] if words else "monitor"
    if len(words) == 2:
        interval_ms = parse_duration(words[1])
        if interval_ms is None:
            raise Usage(f"'{words[1]}' is no interval: such as 10s")
        return operation, interval_ms
    template = cib.find(found.template or "")
    inherited = template.operations if isinstance(template, Template) else ()
    intervals = (one.interval_ms for one in (*found.operations, *inherited) if one.name == operation)
    return operation, next((span for span in intervals if span), 0)
