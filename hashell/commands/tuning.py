"""The commands of the level `resource` that look into it: values of its sets, traces of its agent, its scores."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from hashell.commands.agentwork import PrimitiveRef
from hashell.commands.changes import resource_of
from hashell.commands.drafting import set_at_once
from hashell.commands.secrets import shown_values
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import ResourceRef, choice
from hashell.grammar.registry import command
from hashell.grammar.secrecy import repeated
from hashell.outcomes import Outcome, Table
from hashell.session import Session
from hashelld.cib.edit import Edit, Put
from hashelld.model.duration import parse_duration
from hashelld.model.ids import ResourceId
from hashelld.model.resource import (
    AttributeSet,
    NvPair,
    Operation,
    Primitive,
    Resource,
    Template,
    pairs_of,
    value_of,
    with_value,
)
from hashelld.model.score import format_score


Verb = Annotated[str, choice("set:change it", "delete:remove it", "show:print it")]
TRACE: Final = "trace_ra"
_TRACED: Final = ("start", "monitor", "stop")


class _Kind(msgspec.Struct, frozen=True):
    """One kind of a resource's sets: the command's word, what one of its values is called, and its field."""

    word: str
    called: str
    field: str

    def sets_of(self, found: Resource) -> tuple[AttributeSet, ...]:
        """Its sets; of what has none of this kind, none."""
        sets: tuple[AttributeSet, ...] = getattr(found, self.field, ())
        return sets

    def with_sets(self, found: Resource, name: str, value: str | None) -> Resource:
        """The resource with a value set, or (None) removed."""
        return replace(found, **{self.field: with_value(self.sets_of(found), name, value)})


META: Final = _Kind("meta", "meta attribute", "meta")
PARAM: Final = _Kind("param", "parameter", "params")
UTILIZATION: Final = _Kind("utilization", "utilization", "utilization")


@command(
    "resource",
    "meta",
    examples=(
        "resource meta web set resource-stickiness 100",
        "resource meta web show",
        "resource meta web delete priority",
    ),
)
def resource_meta(
    session: Session, resource: ResourceRef, verb: Verb, name: str | None = None, value: str | None = None
) -> Outcome:
    """Set, delete or show a meta attribute of a resource."""
    return _tuned(session, resource, META, verb, name, value)


@command(
    "resource",
    "param",
    examples=("resource param web set port 8080", "resource param web show", "resource param web delete port"),
)
def resource_param(
    session: Session, resource: ResourceRef, verb: Verb, name: str | None = None, value: str | None = None
) -> Outcome:
    """Set, delete or show an instance parameter of a resource; a changed parameter restarts it."""
    return _tuned(session, resource, PARAM, verb, name, value)


@command(
    "resource",
    "utilization",
    examples=("resource utilization web set memory 512", "resource utilization web show"),
)
def resource_utilization(
    session: Session, primitive: PrimitiveRef, verb: Verb, name: str | None = None, value: str | None = None
) -> Outcome:
    """Set, delete or show what a primitive needs of its node's capacities."""
    return _tuned(session, primitive, UTILIZATION, verb, name, value)


@command(
    "resource", "trace", examples=("resource trace web", "resource trace web monitor", "resource trace web monitor 10s")
)
def resource_trace(
    session: Session, primitive: PrimitiveRef, operation: str | None = None, interval: str | None = None
) -> Outcome:
    """Have an agent written in shell log every step of an operation (by default of start, monitor and stop).

    OCF agents write their traces below /var/lib/heartbeat/trace_ra. `resource untrace` ends it.
    """
    found = _primitive(session, primitive)
    operations = list(found.operations)
    for name in (operation,) if operation else _TRACED:
        if not any(one.name == name for one in operations):
            operations.append(Operation(name, (NvPair("interval", interval or "0"),)))
    traced = tuple(_with_trace(one, "1") if _is_meant(one, operation, interval) else one for one in operations)
    if not any(_is_meant(one, operation, interval) for one in operations):
        raise Refused(f"{primitive} has no {operation} with interval {interval}.")
    changed = replace(found, operations=traced)
    what = operation or "start, monitor and stop"
    return set_at_once(session, (Put(changed),) if changed != found else (), f"{what} of {primitive} is traced.")


@command("resource", "untrace", examples=("resource untrace web", "resource untrace web monitor"))
def resource_untrace(
    session: Session, primitive: PrimitiveRef, operation: str | None = None, interval: str | None = None
) -> Outcome:
    """End the tracing of an agent's operations; those that were there for it alone go."""
    found = _primitive(session, primitive)
    kept = []
    for one in found.operations:
        if value_of(one.params, TRACE) is None or not _is_meant(one, operation, interval, is_any=operation is None):
            kept.append(one)
            continue
        plain = _with_trace(one, None)
        is_own = (
            plain.params or plain.meta or plain.id or any(pair != NvPair("interval", "0") for pair in plain.options)
        )
        if is_own:
            kept.append(plain)
    changed = replace(found, operations=tuple(kept))
    return set_at_once(session, (Put(changed),) if changed != found else (), f"{primitive} is not traced any more.")


@command("resource", "scores", examples=("resource scores", "resource scores web"))
def resource_scores(session: Session, *resources: ResourceRef) -> Outcome:
    """Show what every node is worth to resources; `resource why` says how each score is made up."""
    explain = import_module("hashelld.policy.explain").explain
    view = session.view()
    names = resources or tuple(r.id for r in session.cib().resources if not isinstance(r, Template))
    rows = [
        (name, score.node, format_score(score.total), "chosen" if score.node in found.planned_on else "")
        for name in names
        for found in (explain(view, name),)
        for score in found.scores
    ]
    return Table(columns=("resource", "node", "score", "placed"), rows=tuple(rows))


def _primitive(session: Session, name: str) -> Primitive:
    found = resource_of(session.applied().cib, name)
    assert isinstance(found, Primitive)
    return found


def _is_meant(found: Operation, operation: str | None, interval: str | None, *, is_any: bool = False) -> bool:
    if interval is not None and found.interval_ms != (parse_duration(interval) or 0):
        return False
    return is_any or found.name == operation or (operation is None and found.name in _TRACED)


def _with_trace(found: Operation, value: str | None) -> Operation:
    return replace(found, params=with_value(found.params, TRACE, value))


def _tuned(
    session: Session, resource: ResourceId, kind: _Kind, verb: str, name: str | None, value: str | None
) -> Outcome:
    """`set NAME VALUE`, `delete NAME` or `show [NAME]` of one kind of a resource's sets."""
    if verb == "show":
        sets = kind.sets_of(resource_of(session.cib(), resource))
        given = shown_values(session, {p.name: p.value or "" for p in pairs_of(sets)})
        return _pairs(resource, tuple(given.items()), name)
    if name is None or (verb == "set") != (value is not None):
        raise Usage(f"resource {kind.word} RESOURCE set NAME VALUE | delete NAME | show [NAME]")
    found = resource_of(session.applied().cib, resource)
    before = value_of(kind.sets_of(found), name)
    if verb == "delete" and before is None:
        raise Refused(f"{resource} has no {kind.called} '{name}'.")
    edits: tuple[Edit, ...] = () if before == value else (Put(kind.with_sets(found, name, value)),)
    return set_at_once(session, edits, _told(resource, name, value))


def _pairs(resource: str, pairs: tuple[tuple[str, str], ...], name: str | None) -> Table:
    chosen = tuple(pair for pair in pairs if name in (None, pair[0]))
    if name is not None and not chosen:
        raise Refused(f"{resource} has no '{name}'.")
    return Table(columns=("name", "value"), rows=chosen)


def _told(resource: str, option: str, value: str | None) -> str:
    if value is None:
        return f"{resource} has no {option} any more."
    return f"{option} of {resource} is {repeated(option, value)}."
