"""Checks before a commit: the configuration in itself, and against what the installed agents say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import msgspec

from hashell.commands.changes import members_of
from hashell.commands.installed import agents_of
from hashell.commands.secret_references import findings
from hashell.errors import Refused
from hashell.grammar.secrecy import secrets_of
from hashell.session import Session
from hashelld.cib.document import OP_DEFAULTS, Cib, Properties
from hashelld.cib.edit import Edit, EditRefused
from hashelld.cib.lang.diagnostic import Diagnostic, errors, render
from hashelld.cib.lang.lower import Resolver, default_agent, locate
from hashelld.cib.lang.tree import Statement
from hashelld.cib.verify import verify
from hashelld.cib.verify_agents import verify_agents
from hashelld.model.metadata import Metadata
from hashelld.model.resource import Agent, Clone, Primitive, Template


DESCRIBED = ("ocf", "stonith")
"""The classes whose agents say of themselves what they take."""


class Origin(msgspec.Struct, frozen=True):
    """The text from which a change came, so that what is wrong with it can be shown in its place."""

    text: str
    statements: tuple[Statement, ...] = ()
    name: str = ""
    """The file's; empty for what was typed."""


TYPED = Origin("")


class Checked:
    """What the checks of a draft brought to light. `objections` are refused unless forced; errors always."""

    __slots__ = ("errors", "objections", "warnings")

    def __init__(self, errors: list[Diagnostic], objections: list[Diagnostic], warnings: list[Diagnostic]) -> None:
        self.errors = errors
        self.objections = objections
        self.warnings = warnings

    def settle(self, *, is_forced: bool, origin: Origin = TYPED) -> tuple[str, ...]:
        """The warnings, as texts; `Refused` with every error (and, unless forced, objection)."""
        refusing = self.errors if is_forced else [*self.errors, *self.objections]
        if refusing:
            advice = "" if self.errors else "\nNothing was changed; --force lets this pass."
            raise Refused(_shown(refusing, origin) + advice, line=_first_line(refusing, origin))
        return tuple(_shown([found], origin) for found in (*self.objections, *self.warnings))

    def foretold(self, origin: Origin = TYPED) -> tuple[str, ...]:
        """Everything that was found, as texts for whoever goes on with the draft, and what a commit will do of it."""
        refusing = [*self.errors, *self.objections]
        verdict = "commit will refuse this draft" + ("" if self.errors else " without --force")
        return (
            *(_shown([found], origin) for found in (*refusing, *self.warnings)),
            *((verdict,) if refusing else ()),
        )


def _shown(found: Sequence[Diagnostic], origin: Origin) -> str:
    located = locate(found, origin.statements)
    places = [f"{origin.name}:{d.line}:{d.column}: " if origin.name and d.line else "" for d in located]
    # That it is an error or a warning, the message's beginning says where it is shown.
    texts = [render(d, origin.text).removeprefix(d.severity.value) for d in located]
    return "\n".join(place + text for place, text in zip(places, texts, strict=True))


def _first_line(found: Sequence[Diagnostic], origin: Origin) -> int:
    return min((one.line for one in locate(found, origin.statements) if one.line), default=0)


def check_change(session: Session, before: Cib, after: Cib) -> Checked:
    """Everything that is wrong with `after`, and what is doubtful about what has changed since `before`."""
    known = {(found.code, found.message) for found in verify(before)}
    found = verify(after)
    old = {o.id: o for o in before.objects}
    changed = {o.id for o in after.objects if old.get(o.id) != o}
    agents = _agent_findings(session, after, _concerned(after, changed), _clones(after) & changed)
    both = (*found, *agents, *(d for d in _secret_findings(session, after) if d.object in changed))
    return Checked(
        errors=errors(found),
        objections=[d for d in both if d.is_objection and (d.code, d.message) not in known],
        warnings=[d for d in both if d.is_warning and (d.code, d.message) not in known],
    )


def check_all(session: Session, cib: Cib) -> Checked:
    """Everything that is wrong or doubtful in a configuration."""
    found = verify(cib)
    all_: set[str] = {p.id for p in cib.resources if isinstance(p, Primitive | Template)}
    agents = _agent_findings(session, cib, all_, _clones(cib))
    both = (*found, *agents, *_secret_findings(session, cib))
    return Checked(
        errors=errors(found),
        objections=[d for d in both if d.is_objection],
        warnings=[d for d in both if d.is_warning],
    )


def _secret_findings(session: Session, cib: Cib) -> list[Diagnostic]:
    """What is wrong with the secrets that a configuration refers to; of a file's, this machine need not have any."""
    if not any("secret:" in value for found in cib.objects for value in secrets_of(found, lambda _name: True).values()):
        return []
    is_here = session.client.has_cluster or bool(session.shadow)
    return findings(cib, session.programs.secret_flaw if is_here else lambda _name: "")


def attempt(change: Callable[[], tuple[Edit, ...]]) -> tuple[Edit, ...]:
    """The edits of a change; what the document refuses is `Refused`."""
    try:
        return change()
    except EditRefused as refusal:
        raise Refused(f"{refusal}") from None


def refuse(found: Iterable[Diagnostic], origin: Origin) -> None:
    """`Refused` with all errors and objections among the findings, each with its place in the text."""
    wrong = [d for d in found if not d.is_warning]
    if wrong:
        raise Refused(_shown(wrong, origin), line=_first_line(wrong, origin))


def told(found: Iterable[Diagnostic], origin: Origin) -> tuple[str, ...]:
    """The warnings among the findings, as texts."""
    return tuple(_shown([one], origin) for one in found if one.is_warning)


def resolver(session: Session) -> Resolver:
    """Finds the agent that a bare type means, among those that are installed; else the language's own guess."""

    def resolve(type_: str) -> Agent | None:
        return session.agents.resolve(type_) or default_agent(type_)

    return resolve


def _concerned(cib: Cib, changed: set[str]) -> set[str]:
    """Whose agents have a say: what has changed, and primitives whose template or defaults changed."""
    defaults = {o.id for o in cib.objects if isinstance(o, Properties) and o.kind == OP_DEFAULTS}
    primitives = [r for r in cib.resources if isinstance(r, Primitive)]
    templates: set[str] = {r.id for r in cib.resources if isinstance(r, Template)}
    if changed & defaults:
        return templates | {p.id for p in primitives}
    return (templates & changed) | {p.id for p in primitives if p.id in changed or p.template in changed}


def _clones(cib: Cib) -> set[str]:
    return {r.id for r in cib.resources if isinstance(r, Clone)}


def _agent_findings(session: Session, cib: Cib, concerned: set[str], clones: set[str]) -> list[Diagnostic]:
    """What the agents of primitives, and of what is in clones, object to."""
    if not concerned and not clones:
        return []
    wanted = concerned | {inner for name in clones for inner in members_of(cib, name)}
    asked = {_agent_of(cib, p) for p in cib.resources if isinstance(p, Primitive | Template) and p.id in wanted}

    @cache
    def types_of(standard: str) -> frozenset[str]:
        return frozenset(one.type for one in agents_of(session, standard))

    def metadata_of(agent: Agent) -> Metadata | None:
        if agent not in asked:
            return None  # Nobody changed anything of it; what it lacks is not reported below.
        return session.agents.metadata(agent) or _of_silent_agent(agent, types_of)

    names = [str(agent) for agent in agents_of(session, "ocf")]
    return [d for d in verify_agents(cib, metadata_of, names) if d.object in concerned or d.object in clones]


def _agent_of(cib: Cib, primitive: Primitive | Template) -> Agent | None:
    template = cib.find(getattr(primitive, "template", None) or "")
    return primitive.agent or (template.agent if isinstance(template, Template) else None)


def _of_silent_agent(agent: Agent, types_of: Callable[[str], frozenset[str]]) -> Metadata | None:
    """Units and init scripts describe nothing; they are there if they are listed, or if nobody lists any."""
    if agent.standard in DESCRIBED:
        return None
    listed = types_of(agent.standard)
    is_there = not listed or agent.type in listed or agent.type.removesuffix(".service") in listed
    return Metadata(agent=agent.type) if is_there else None
