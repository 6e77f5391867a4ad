"""Completion inside the statements of `configure`: a function a statement, from the words given to candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from hashell.grammar.kinds import agent_candidates, object_candidates
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate
from hashelld.model.options import (
    CLUSTER_PROPERTIES,
    META_ATTRIBUTES,
    NODE_ATTRIBUTES,
    OPERATION_ATTRIBUTES,
    OPERATION_NAMES,
    Option,
    OptionKind,
)
from hashelld.model.resource import Group, Primitive, Template


if TYPE_CHECKING:
    # It reads XML, which bash's completion of a resource's name should not have to load.
    from hashelld.model.metadata import AdvisedAction, Metadata, Parameter


Statement = Callable[[Scope, tuple[str, ...], str], Iterable[Candidate]]
"""(scope, words after the statement's name, the word at the cursor) -> candidates."""

SECTIONS: Final = {
    "params": "parameters of the agent",
    "meta": "how the cluster treats the resource",
    "op": "an operation: monitor, start, stop…",
    "utilization": "what it needs of a node's capacity",
}
_ROLES: Final = (
    Candidate("Started", "wherever it runs"),
    Candidate("Promoted", "where it is promoted"),
    Candidate("Unpromoted", "where it runs and is not promoted"),
    Candidate("Stopped", "where it does not run"),
)
_OLDER_ROLES: Final = frozenset({"Master", "Slave"})
"""Understood, and not offered."""
_ACTIONS: Final = (Candidate("start"), Candidate("stop"), Candidate("promote"), Candidate("demote"))
_BOOLEANS: Final = (Candidate("true"), Candidate("false"))
_SCORES: Final = (
    Candidate("inf:", "always"),
    Candidate("-inf:", "never"),
    Candidate("100:", "prefer"),
    Candidate("-100:", "avoid"),
)
_ORDER_KINDS: Final = (
    Candidate("Mandatory:", "the second needs the first"),
    Candidate("Optional:", "only when both start or stop at once"),
    Candidate("Serialize:", "never both at once, in any order"),
)
_DURATIONS: Final = ("10s", "20s", "30s", "60s")


def complete_statement(name: str, scope: Scope, words: tuple[str, ...], partial: str) -> list[Candidate]:
    """Candidates at the cursor inside a statement."""
    return list(STATEMENTS[name](scope, words, partial))


def _primitive(scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
    if not words:
        return ()
    if len(words) == 1:
        templates = (found for found in scope.cib().resources if isinstance(found, Template))
        return [
            *agent_candidates(scope),
            *(Candidate(f"@{one.id}", f"template of {one.agent}") for one in templates),
        ]
    return _resource_body(_metadata_of(scope, words[1]), words[2:], partial)


def _metadata_of(scope: Scope, name: str) -> Metadata | None:
    if name.startswith("@"):
        template = scope.cib().find(name[1:])
        name = str(template.agent) if isinstance(template, Template) else name
    return scope.agents.metadata(name)


def _resource_body(metadata: Metadata | None, words: tuple[str, ...], partial: str) -> list[Candidate]:
    section, since = _section(words)
    given = {word.partition("=")[0] for word in since}
    keywords = [Candidate(word, text) for word, text in SECTIONS.items()]
    if section == "op":
        return _operation(metadata, since, given, partial, keywords)
    if section == "meta":
        return [*_options(META_ATTRIBUTES, given, partial), *keywords]
    if section == "utilization":
        return keywords
    return [*_parameters(metadata, given, partial), *keywords]


def _section(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The section that the cursor is in, and its words so far."""
    for at in range(len(words) - 1, -1, -1):
        if words[at] in SECTIONS:
            return words[at], words[at + 1 :]
    return "params", words


def _parameters(metadata: Metadata | None, given: set[str], partial: str) -> list[Candidate]:
    parameters = () if metadata is None else metadata.parameters
    name, equals, _value = partial.partition("=")
    if equals:
        known = next((one for one in parameters if one.name == name), None)
        return [] if known is None else _parameter_values(known)
    ordered = sorted(parameters, key=lambda one: not one.required)
    return [Candidate(f"{one.name}=", _marked(one)) for one in ordered if one.name not in given and not one.deprecated]


def _marked(parameter: Parameter) -> str:
    mark = "required" if parameter.required else ""
    if not mark and parameter.default:
        mark = f"default {parameter.default}"
    return ": ".join(part for part in (mark, parameter.shortdesc) if part)


def _parameter_values(parameter: Parameter) -> list[Candidate]:
    values = parameter.values or (("true", "false") if parameter.type == "boolean" else ())
    if parameter.default and parameter.default not in values:
        values = (*values, parameter.default)
    return [
        Candidate(f"{parameter.name}={value}", "default" if value == parameter.default else parameter.shortdesc)
        for value in values
    ]


def _options(options: tuple[Option, ...], given: set[str], partial: str) -> list[Candidate]:
    name, equals, _value = partial.partition("=")
    if equals:
        option = next((one for one in options if name in (one.name, *one.aliases)), None)
        return [] if option is None else _option_values(option, name)
    return [
        Candidate(
            f"{one.name}=", ": ".join(p for p in (f"default {one.default}" if one.default else "", one.help) if p)
        )
        for one in options
        if one.name not in given and not one.deprecated
    ]


def _option_values(option: Option, name: str) -> list[Candidate]:
    values = [value for value in option.values if value not in _OLDER_ROLES]
    if option.kind is OptionKind.BOOLEAN:
        values = ["true", "false", *values]
    if option.default is not None and option.default not in values:
        values.append(option.default)
    return [Candidate(f"{name}={value}", "default" if value == option.default else "") for value in values]


def _operation(
    metadata: Metadata | None, words: tuple[str, ...], given: set[str], partial: str, keywords: list[Candidate]
) -> list[Candidate]:
    actions = () if metadata is None else metadata.actions
    if not words:
        advised = {one.name: one for one in actions}
        names = advised or dict.fromkeys(OPERATION_NAMES[:5])
        return [
            Candidate(name, _advice(advised.get(name))) for name in names if name not in ("meta-data", "validate-all")
        ]
    name, equals, _value = partial.partition("=")
    action = next((one for one in actions if one.name == words[0]), None)
    advice = {} if action is None else {"timeout": action.timeout, "interval": action.interval}
    if equals and name in ("interval", "timeout"):
        values = [advice[name]] if advice.get(name) else []
        offered = dict.fromkeys([*values, *_DURATIONS])
        return [Candidate(f"{name}={one}", "advised by the agent" if one in values else "") for one in offered]
    return [*_options(OPERATION_ATTRIBUTES, given, partial), *([] if equals else keywords)]


def _advice(action: AdvisedAction | None) -> str:
    if action is None:
        return ""
    told = [f"{name} {value}" for name, value in (("interval", action.interval), ("timeout", action.timeout)) if value]
    return f"advised: {', '.join(told)}" if told else ""


def _container(*kinds: type[Primitive | Group]) -> Statement:
    is_many = len(kinds) == 1

    def complete(scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
        if not words:
            return ()
        section, since = _section(words)
        if "meta" in words or "params" in words:
            given = {word.partition("=")[0] for word in since}
            return _options(META_ATTRIBUTES, given, partial) if section == "meta" else ()
        keywords = [Candidate(word, SECTIONS[word]) for word in ("meta", "params")] if len(words) > 1 else []
        if len(words) > 1 and not is_many:
            return keywords
        cib = scope.cib()
        free = [
            Candidate(one.id, "primitive" if isinstance(one, Primitive) else "group")
            for one in cib.resources
            if isinstance(one, kinds) and cib.parent_of(one.id) is None and one.id not in words
        ]
        return [*free, *keywords]

    return complete


def _placeable(scope: Scope) -> list[str]:
    return [one.id for one in scope.cib().resources if not isinstance(one, Template)]


def _location(scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
    if len(words) == 1:
        return [Candidate(name, "resource") for name in _placeable(scope)]
    if len(words) >= 2 and words[-1].endswith(":"):
        return [Candidate(name, "node") for name in scope.node_names()]
    if partial.startswith("role="):
        return [Candidate(f"role={one.text}", one.description) for one in _ROLES]
    if partial.startswith("resource-discovery="):
        return [Candidate(f"resource-discovery={one}") for one in ("always", "never", "exclusive")]
    if len(words) < 2 or any(word.endswith(":") for word in words[2:]):
        return ()
    options = (
        Candidate("role=", "only in this role"),
        Candidate("resource-discovery=", "where its state is looked for"),
    )
    return (*_SCORES, *options)


def _colocation(scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
    if len(words) == 1:
        return _SCORES
    notes = {2: "follows the other", 3: "placed first"}
    return _members(scope, words, partial, _ROLES, notes) if len(words) >= 2 else ()


def _order(scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
    if not words:
        return ()
    if partial.startswith("symmetrical="):
        return [Candidate(f"symmetrical={one.text}") for one in _BOOLEANS]
    has_kind = len(words) > 1 and words[1].endswith(":")
    members = _members(scope, words, partial, _ACTIONS, {2: "first", 3: "then"})
    kinds = _ORDER_KINDS if len(words) == 1 else ()
    options = (Candidate("symmetrical=", "stop in the reverse order"),) if len(words) >= 3 + has_kind else ()
    return (*kinds, *members, *options)


def _members(
    scope: Scope, words: tuple[str, ...], partial: str, marks: tuple[Candidate, ...], notes: dict[int, str]
) -> list[Candidate]:
    """Resources; behind a colon, their roles or actions."""
    name, colon, _mark = partial.partition(":")
    if colon:
        known = name in _placeable(scope)
        return [Candidate(f"{name}:{one.text}", one.description) for one in marks] if known else []
    said = {word.partition(":")[0] for word in words[1:]}
    return [Candidate(one, notes.get(len(words), "resource")) for one in _placeable(scope) if one not in said]


def _settings(options: tuple[Option, ...]) -> Statement:
    def complete(_scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
        return _options(options, {word.partition("=")[0] for word in words}, partial)

    return complete


def _node(scope: Scope, words: tuple[str, ...], partial: str) -> Iterable[Candidate]:
    if not words:
        return [Candidate(name, "node") for name in scope.node_names()]
    given = {word.partition("=")[0] for word in words}
    keywords = (
        Candidate("attributes", "of the node, for rules and the cluster"),
        Candidate("utilization", "its capacity"),
    )
    if "utilization" in words:
        return ()
    if "attributes" in words:
        return _options(NODE_ATTRIBUTES, given, partial)
    return keywords


def _monitor(scope: Scope, words: tuple[str, ...], _partial: str) -> Iterable[Candidate]:
    if not words:
        return [Candidate(one.id, str(one.agent)) for one in scope.cib().resources if isinstance(one, Primitive)]
    return [Candidate(f"{one}:20s", "interval:timeout") for one in _DURATIONS] if len(words) == 1 else ()


def _fencing(scope: Scope, words: tuple[str, ...], _partial: str) -> Iterable[Candidate]:
    targets = [Candidate(f"{name}:", "levels for this node") for name in scope.node_names() if f"{name}:" not in words]
    devices = [
        Candidate(one.id, str(one.agent))
        for one in scope.cib().resources
        if isinstance(one, Primitive) and one.agent is not None and one.agent.standard == "stonith"
    ]
    return [*devices, *targets]


def _tag(scope: Scope, words: tuple[str, ...], _partial: str) -> Iterable[Candidate]:
    return object_candidates(scope, words) if words else ()


STATEMENTS: Final[dict[str, Statement]] = {
    "primitive": _primitive,
    "rsc_template": _primitive,
    "group": _container(Primitive),
    "clone": _container(Primitive, Group),
    "ms": _container(Primitive, Group),
    "location": _location,
    "colocation": _colocation,
    "order": _order,
    "property": _settings(CLUSTER_PROPERTIES),
    "rsc_defaults": _settings(META_ATTRIBUTES),
    "op_defaults": _settings(OPERATION_ATTRIBUTES),
    "node": _node,
    "monitor": _monitor,
    "fencing_topology": _fencing,
    "tag": _tag,
}
"""Statement -> its completion."""

KEYWORDS: Final = frozenset(
    {*SECTIONS, "attributes", "operations", "rule", "and", "or", "op_params", "op_meta", "select", "to"}
)
"""Words with a meaning of their own inside statements."""
