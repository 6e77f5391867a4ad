"""The commands of the level `ra`: which resource agents there are, and what they take."""

from __future__ import annotations

from typing import Annotated

from hashell.commands.agentwork import validate
from hashell.commands.installed import agents_of
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import AgentName, choice
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import command
from hashell.outcomes import Listing, Outcome, Said, Table
from hashell.session import Session
from hashelld.model.metadata import Metadata, Parameter


_HELP = {
    "ocf": "Open Cluster Framework: ocf:PROVIDER:TYPE",
    "stonith": "fencing devices: stonith:TYPE",
    "systemd": "units of systemd: systemd:NAME",
    "lsb": "init scripts: lsb:NAME",
    "service": "a unit or an init script, whichever there is: service:NAME",
    "heartbeat": "scripts of heartbeat 1: heartbeat:NAME",
}


AgentClass = Annotated[str, choice(*(f"{name}:{what}" for name, what in _HELP.items()))]


@command("ra", "classes", examples=("ra classes",))
def ra_classes(session: Session) -> Outcome:
    """List the classes of agents that are installed, with their providers."""
    rows = []
    for standard, what in _HELP.items():
        agents = agents_of(session, standard)
        if agents:
            providers = " ".join(sorted({agent.provider for agent in agents if agent.provider}))
            rows.append((standard, providers, str(len(agents)), what))
    note = "" if rows else "No agents are installed here."
    return Table(columns=("class", "providers", "agents", "what"), rows=tuple(rows), note=note)


@command("ra", "list", examples=("ra list ocf", "ra list ocf heartbeat", "ra list stonith"))
def ra_list(session: Session, class_: AgentClass, provider: str | None = None) -> Outcome:
    """List the agents of a class, or of a class and provider."""
    agents = agents_of(session, class_)
    chosen = sorted((str(agent), title) for agent, title in agents.items() if provider in (None, agent.provider))
    if not chosen:
        hint = did_you_mean(provider or "", {agent.provider for agent in agents})
        which = f"{class_}:{provider}" if provider else class_
        raise Refused(f"There are no agents of '{which}' here. {hint or 'ra classes lists what there is.'}")
    return Table(columns=("agent", "what it is for"), rows=tuple(chosen))


@command("ra", "providers", examples=("ra providers IPaddr2",))
def ra_providers(session: Session, type_: str) -> Outcome:
    """List who ships an OCF agent of this type."""
    agents = agents_of(session, "ocf")
    rows = tuple((agent.provider, str(agent)) for agent in agents if agent.type == type_)
    if not rows:
        hint = did_you_mean(type_, {agent.type for agent in agents})
        raise Refused(f"There is no OCF agent '{type_}' here. {hint}".strip())
    return Table(columns=("provider", "agent"), rows=rows)


@command("ra", "info", aliases=("meta",), examples=("ra info ocf:heartbeat:IPaddr2", "ra info IPaddr2"))
def ra_info(session: Session, agent: AgentName) -> Outcome:
    """Show what an agent is for, its parameters (required ones marked *), and the operation times that it advises."""
    found = session.agents.resolve(agent)
    metadata = None if found is None else session.agents.metadata(found)
    if metadata is None:
        hint = did_you_mean(agent, {one.type for one in agents_of(session, "ocf")})
        what = (
            f"{found} does not describe itself."
            if found is not None and found.standard not in ("ocf", "stonith")
            else ""
        )
        raise Refused(
            what or f"There is no agent '{agent}' here. {hint or 'ra classes and ra list show what there is.'}"
        )
    return Listing(text=_described(str(found), metadata), language="text")


@command("ra", "validate", examples=("ra validate ocf:heartbeat:IPaddr2 ip=10.0.0.9",))
def ra_validate(session: Session, agent: AgentName, *parameters: str) -> Outcome:
    """Let an agent check parameters (NAME=VALUE …), on this machine."""
    found = session.agents.resolve(agent)
    if found is None:
        raise Refused(f"There is no agent '{agent}' here. ra classes and ra list show what there is.")
    pairs = dict(word.partition("=")[::2] for word in parameters)
    if not all("=" in word for word in parameters):
        raise Usage("ra validate AGENT NAME=VALUE …")
    objection = validate(session, found, "validate", pairs)
    if objection:
        raise Refused(objection)
    return Said(text=f"{found} has no objection.", data={"agent": str(found), "objections": []})


def _described(agent: str, metadata: Metadata) -> str:
    lines = [f"{agent} - {metadata.shortdesc}" if metadata.shortdesc else agent, ""]
    if metadata.longdesc and metadata.longdesc != metadata.shortdesc:
        lines += [*(line.strip() for line in metadata.longdesc.strip().splitlines()), ""]
    if metadata.parameters:
        lines.append("Parameters (* required, [] default):")
        for parameter in sorted((p for p in metadata.parameters if not p.deprecated), key=lambda p: not p.required):
            lines += ["", *_parameter(parameter)]
    else:
        lines.append("It takes no parameters.")
    if metadata.actions:
        lines += ["", "Operations with the times that it advises:", ""]
        for action in metadata.actions:
            options = (("role", action.role), ("interval", action.interval), ("timeout", action.timeout))
            told = "".join(f" {name}={value}" for name, value in options if value)
            lines.append(f"    op {action.name}{told}")
    return "\n".join(lines) + "\n"


def _parameter(parameter: Parameter) -> list[str]:
    mark = "*" if parameter.required else ""
    default = f" [{parameter.default}]" if parameter.default is not None else ""
    kind = "|".join(parameter.values) if parameter.values else parameter.type
    help_lines = [line.strip() for line in (parameter.longdesc or parameter.shortdesc).splitlines() if line.strip()]
    return [f"{parameter.name}{mark} ({kind}){default}", *(f"    {line}" for line in help_lines)]
