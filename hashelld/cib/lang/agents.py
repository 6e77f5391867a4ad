"""How agents are written; apart from the formatter, which whoever only names an agent does without."""

from __future__ import annotations

from hashelld.model.resource import Agent


def format_agent(agent: Agent) -> str:
    """The agent as it is written: `ocf:heartbeat:` is left out where the bare type means the same."""
    is_default = (agent.standard, agent.provider) in (("ocf", "heartbeat"), ("", ""))
    return agent.type if is_default and not agent.type.startswith("fence_") else str(agent)
