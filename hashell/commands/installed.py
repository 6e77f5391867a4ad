"""The agents that are installed here, by class."""

from __future__ import annotations

from hashell.session import Session
from hashelld.model.resource import Agent


def agents_of(session: Session, standard: str) -> dict[Agent, str]:
    """The agents of a class with their titles."""
    return {agent_of(n): title for n, title in session.agents.offered() if n.partition(":")[0] == standard}


def agent_of(name: str) -> Agent:
    """The agent of a full name: `ocf:heartbeat:IPaddr2`, `systemd:nginx`."""
    standard, _, rest = name.partition(":")
    provider, _, type_ = rest.partition(":") if standard == "ocf" else ("", "", rest)
    return Agent(standard, provider, type_)
