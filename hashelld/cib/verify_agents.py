"""Checks of primitives against what their agents say of themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from hashelld.cib.document import OP_DEFAULTS, Cib
from hashelld.cib.lang.agents import format_agent
from hashelld.cib.lang.diagnostic import Diagnostic, Severity, suggest
from hashelld.model.duration import parse_duration
from hashelld.model.metadata import Metadata, Parameter
from hashelld.model.options import parse_boolean
from hashelld.model.resource import (
    Agent,
    AttributeSet,
    Clone,
    Group,
    Operation,
    Primitive,
    Resource,
    Template,
    pairs_of,
    value_of,
)
from hashelld.model.secret import referred


MetadataOf = Callable[[Agent], Metadata | None]

_WITH_PARAMETERS: Final = frozenset({"ocf", "stonith"})
_FILLED_IN: Final = frozenset({"action", "option", "plug", "port", "nodename"})
"""Parameters of fencing agents that are set for every call."""
_ANYWHERE: Final = frozenset({"OCF_CHECK_LEVEL", "trace_ra", "trace_file", "trace_dir", "provides", "stonith-timeout"})
_INTEGER: Final = re.compile(r"\s*[+-]?\d+\s*[a-zA-Z]*\s*\Z")
"""Agents say so of times, too."""
_PROMOTING: Final = frozenset({"promote", "demote"})
_DEFAULT_TIMEOUT: Final = "20s"


def verify_agents(cib: Cib, metadata_of: MetadataOf, known_agents: Iterable[str] = ()) -> list[Diagnostic]:
    """What agents object to: unknown or missing parameters, unknown operations, short time limits.

    `metadata_of` answers None for an agent that is not installed; `known_agents` are names to suggest then.
    """
    names = tuple(known_agents)
    default_timeout = cib.property_value("timeout", OP_DEFAULTS) or _DEFAULT_TIMEOUT
    found: list[Diagnostic] = []
    unique: dict[tuple[Agent, str, str], str] = {}
    templates = {o.id: o for o in cib.objects if isinstance(o, Template)}
    for template in templates.values():
        metadata = metadata_of(template.agent)
        if metadata is None:
            found.append(_unknown_agent(template, template.agent, names))
        else:
            found.extend(_check_parameters(template, template.agent, metadata))
    for primitive in cib.objects:
        if not isinstance(primitive, Primitive):
            continue
        inherited = None if primitive.template is None else templates.get(primitive.template)
        agent = primitive.agent or (inherited.agent if inherited is not None else None)
        if agent is None:
            continue  # The missing template is reported by verify.
        metadata = metadata_of(agent)
        if metadata is None:
            if primitive.agent is not None:
                found.append(_unknown_agent(primitive, agent, names))
            continue
        sets = (*primitive.params, *(inherited.params if inherited is not None else ()))
        operations = (*primitive.operations, *(inherited.operations if inherited is not None else ()))
        found.extend(_check_parameters(primitive, agent, metadata))
        found.extend(_check_missing(primitive, agent, metadata, sets))
        found.extend(_check_unique(primitive, agent, metadata, unique))
        found.extend(_check_operations(primitive, metadata, operations, default_timeout))
    inner: dict[str, Primitive | Group] = {o.id: o for o in cib.objects if isinstance(o, Primitive | Group)}
    for clone in cib.objects:
        if isinstance(clone, Clone):
            found.extend(_check_promotable(inner, clone, metadata_of))
    return found


def _check_promotable(
    objects: Mapping[str, Primitive | Group], clone: Clone, metadata_of: MetadataOf
) -> Iterator[Diagnostic]:
    """The agents in a promotable clone can promote; one that is not known may."""
    if not clone.is_master and parse_boolean(value_of(clone.meta, "promotable") or "") is not True:
        return
    inner = objects.get(clone.child)
    for member in inner.members if isinstance(inner, Group) else (clone.child,):
        primitive = objects.get(member)
        agent = primitive.agent if isinstance(primitive, Primitive) else None
        metadata = metadata_of(agent) if agent is not None else None
        actions = {action.name for action in metadata.actions} if metadata is not None else set()
        if agent is not None and actions and not actions >= _PROMOTING:
            message = f"{clone.id}: the agent {format_agent(agent)} of '{member}' cannot be promoted"
            yield _finding(Severity.OBJECTION, "not-promotable", message, clone, clone.child)


def _unknown_agent(primitive: Primitive | Template, agent: Agent, names: tuple[str, ...]) -> Diagnostic:
    hint = suggest(str(agent), names) or suggest(agent.type, (n.rpartition(":")[2] for n in names))
    message = f"{primitive.id}: the agent {agent} is not installed"
    return _finding(Severity.OBJECTION, "unknown-agent", message, primitive, format_agent(agent), hint)


def _check_parameters(primitive: Primitive | Template, agent: Agent, metadata: Metadata) -> Iterator[Diagnostic]:
    known = {p.name for p in metadata.parameters} | {p.obsoletes for p in metadata.parameters if p.obsoletes}
    given = {pair.name for pair in pairs_of(primitive.params)}
    if agent.standard not in _WITH_PARAMETERS:
        return
    for name in sorted(given - known - _ANYWHERE - {""}):
        if agent.standard == "stonith" and (name.startswith("pcmk_") or name in _FILLED_IN):
            continue
        message = f"{primitive.id}: the agent {format_agent(agent)} has no parameter '{name}'"
        yield _finding(Severity.OBJECTION, "unknown-parameter", message, primitive, name, suggest(name, known))
    for pair in pairs_of(primitive.params):
        parameter = metadata.parameter(pair.name)
        is_seen = pair.value is not None and referred(pair.value) is None  # What a secret says, its file knows.
        wanted = _wanted(parameter, pair.value or "") if parameter is not None and is_seen else None
        if wanted is not None:
            message = f"{primitive.id}: {pair.name}={pair.value}, but {pair.name} expects {wanted}"
            yield _finding(Severity.OBJECTION, "bad-value", message, primitive, pair.value or pair.name)


def _check_missing(
    primitive: Primitive, agent: Agent, metadata: Metadata, sets: tuple[AttributeSet, ...]
) -> Iterator[Diagnostic]:
    if agent.standard not in _WITH_PARAMETERS:
        return
    given = {pair.name for pair in pairs_of(sets)}
    if any(s.id_ref is not None or any(p.id_ref is not None for p in s.pairs) for s in sets):
        return  # What is referred to may hold what seems to be missing.
    for parameter in metadata.parameters:
        is_filled_in = agent.standard == "stonith" and parameter.name in _FILLED_IN
        is_given = parameter.name in given or (bool(parameter.obsoletes) and parameter.obsoletes in given)
        is_given = is_given or any(p.obsoletes == parameter.name and p.name in given for p in metadata.parameters)
        if parameter.required and not is_given and not is_filled_in and not parameter.default:
            message = f"{primitive.id}: the required parameter '{parameter.name}' is missing"
            yield _finding(Severity.OBJECTION, "missing-parameter", message, primitive, "", parameter.shortdesc)


def _wanted(parameter: Parameter, value: str) -> str | None:
    """What a value should be instead; None when it is fine, and where the agent does not say."""
    match parameter.type:
        case "boolean" if parse_boolean(value) is None:
            return "true or false"
        case "integer" if _INTEGER.match(value) is None:
            return "a whole number"
        case "select" if parameter.values and value not in parameter.values:
            return "one of " + ", ".join(parameter.values)
        case _:
            return None


def _check_unique(
    primitive: Primitive, agent: Agent, metadata: Metadata, seen: dict[tuple[Agent, str, str], str]
) -> Iterator[Diagnostic]:
    unique = {p.name for p in metadata.parameters if p.unique}
    for pair in pairs_of(primitive.params):
        if pair.name not in unique or not pair.value:
            continue
        other = seen.setdefault((agent, pair.name, pair.value), primitive.id)
        if other != primitive.id:
            message = f"{primitive.id}: {pair.name}={pair.value} must be unique, but '{other}' has it too"
            yield _finding(Severity.WARNING, "not-unique", message, primitive, pair.value)


def _check_operations(
    primitive: Primitive, metadata: Metadata, operations: tuple[Operation, ...], default_timeout: str
) -> Iterator[Diagnostic]:
    advised = {action.name for action in metadata.actions}
    for operation in operations:
        if advised and operation.name not in advised:
            message = f"{primitive.id}: the agent does not offer the operation '{operation.name}'"
            hint = suggest(operation.name, advised)
            yield _finding(Severity.WARNING, "unknown-operation", message, primitive, operation.name, hint)
            continue
        wanted = _advised_timeout_ms(metadata, operation)
        written = operation.option("timeout")
        timeout = parse_duration(written or default_timeout)
        if wanted is not None and timeout is not None and timeout < wanted[0]:
            source = written or f"{default_timeout} (the default)"
            message = f"{primitive.id}: the timeout {source} of {operation.name} is less than the {wanted[1]} advised"
            word = f"timeout={written}" if written else operation.name
            yield _finding(Severity.WARNING, "short-timeout", message, primitive, word)


def _advised_timeout_ms(metadata: Metadata, operation: Operation) -> tuple[int, str] | None:
    """The shortest time limit advised for an operation (monitors may have several, by role and depth)."""
    spans = [
        (span, action.timeout)
        for action in metadata.actions
        if action.name == operation.name and (span := parse_duration(action.timeout)) is not None
    ]
    return min(spans, default=None)


def _finding(
    severity: Severity, code: str, message: str, found: Resource, word: str = "", hint: str = ""
) -> Diagnostic:
    return Diagnostic(severity, code, message, hint=hint, object=found.id, word=word)
