"""The commands of the level `ra`: which resource agents there are, and what they take."""

from __future__ import annotations

from hashell.errors import Refused
from hashell.grammar.kinds import AgentName
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import command
from hashell.grammar.scope import AgentFacts, AgentParameter
from hashell.outcomes import Listing, Outcome, Table
from hashell.session import Session


_HELP = {
    "ocf": "Open Cluster Framework: ocf:PROVIDER:TYPE",
    "stonith": "fencing devices: stonith:TYPE",
    "systemd": "units of systemd: systemd:NAME",
    "lsb": "init scripts: lsb:NAME",
    "service": "a unit or an init script, whichever there is: service:NAME",
    "heartbeat": "scripts of heartbeat 1: heartbeat:NAME",
}


@command("ra", "classes", examples=("ra classes",))
def ra_classes(session: Session) -> Outcome:
    """List the classes of agents that are installed, with their providers."""
    found: dict[str, dict[str, int]] = {}
    for name, _title in session.agents.offered():
        standard, provider, _type = _parts(name)
        providers = found.setdefault(standard, {})
        providers[provider] = providers.get(provider, 0) + 1
    rows = tuple(
        (standard, " ".join(sorted(filter(None, providers))), str(sum(providers.values())), _HELP.get(standard, ""))
        for standard, providers in sorted(found.items())
    )
    return Table(columns=("class", "providers", "agents", "what"), rows=rows, note="" if rows else "No agents.")


@command("ra", "list", examples=("ra list ocf", "ra list ocf heartbeat", "ra list stonith"))
def ra_list(session: Session, class_: str, provider: str | None = None) -> Outcome:
    """List the agents of a class, or of a class and provider."""
    offered = [(*_parts(name), title) for name, title in session.agents.offered()]
    rows = tuple(
        (":".join(filter(None, (standard, given, type_))), title)
        for standard, given, type_, title in sorted(offered)
        if standard == class_ and provider in (None, given)
    )
    if not rows:
        hint = did_you_mean(class_, {standard for standard, *_ in offered})
        which = f"{class_}:{provider}" if provider else class_
        raise Refused(f"There are no agents of '{which}' here. {hint or 'ra classes lists the classes.'}")
    return Table(columns=("agent", "what it is for"), rows=rows)


@command("ra", "providers", examples=("ra providers IPaddr2",))
def ra_providers(session: Session, type_: str) -> Outcome:
    """List who ships an agent of this type."""
    found = [_parts(name) for name, _title in session.agents.offered()]
    rows = tuple((standard, provider) for standard, provider, name in sorted(found) if name == type_)
    if not rows:
        raise Refused(f"There is no agent '{type_}' here. {did_you_mean(type_, {name for *_, name in found})}".strip())
    return Table(columns=("class", "provider"), rows=rows)


@command("ra", "info", aliases=("meta",), examples=("ra info ocf:heartbeat:IPaddr2", "ra info IPaddr2"))
def ra_info(session: Session, agent: AgentName) -> Outcome:
    """Show what an agent is for, its parameters (required ones marked *), and the operation times that it advises."""
    facts = session.agents.facts(agent)
    if facts is None:
        hint = did_you_mean(agent, (name for name, _title in session.agents.offered()))
        raise Refused(f"There is no agent '{agent}' here. {hint or 'ra classes and ra list show what there is.'}")
    return Listing(text=_described(agent, facts), language="text")


def _described(agent: str, facts: AgentFacts) -> str:
    lines = [f"{agent} - {facts.title}" if facts.title else agent, ""]
    if facts.parameters:
        lines.append("Parameters (* required, [] default):")
        for parameter in sorted(facts.parameters, key=lambda p: not p.is_required):
            lines += ["", *_parameter(parameter)]
    else:
        lines.append("It takes no parameters.")
    if facts.actions:
        lines += ["", "Operations with the times that it advises:", ""]
        for action in facts.actions:
            options = (("role", action.role), ("interval", action.interval), ("timeout", action.timeout))
            told = "".join(f" {name}={value}" for name, value in options if value)
            lines.append(f"    op {action.name}{told}")
    return "\n".join(lines) + "\n"


def _parameter(parameter: AgentParameter) -> list[str]:
    mark = "*" if parameter.is_required else ""
    default = f" [{parameter.default}]" if parameter.default is not None else ""
    kind = "|".join(parameter.values) if parameter.values else parameter.kind
    help_lines = [line.strip() for line in parameter.help.splitlines() if line.strip()]
    return [f"{parameter.name}{mark} ({kind}){default}", *(f"    {line}" for line in help_lines)]


def _parts(name: str) -> tuple[str, str, str]:
    """Class, provider and type of a full name."""
    standard, _, rest = name.partition(":")
    provider, separator, type_ = rest.partition(":") if standard == "ocf" else ("", "", rest)
    return (standard, provider, type_) if separator or provider == "" else (standard, "", provider)
