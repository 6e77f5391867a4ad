"""What parsing and completing a line may look at: the configuration, the nodes, the agents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from hashelld.cib.document import Cib
from hashelld.model.resource import Agent


if TYPE_CHECKING:
    # It reads XML, which a command that asks no agent should not have to load.
    from hashelld.model.metadata import Metadata


class AgentSource(Protocol):
    """The agents installed here; `hashell.client.agents.InstalledAgents` is one. None of it raises."""

    def offered(self) -> Iterable[tuple[str, str]]:
        """Full names (`ocf:heartbeat:IPaddr2`), each with a title, which may be empty."""

    def resolve(self, text: str) -> Agent | None:
        """The agent that a name means, written out or short; None when there is none."""

    def metadata(self, agent: Agent | str) -> Metadata | None:
        """What the agent says of itself; None when it says nothing, or is not here."""


class Scope(Protocol):
    """Satisfied by `hashell.session.Session`, and by the prompt's copy of what it last heard."""

    @property
    def level(self) -> str:
        """The level whose commands are meant; "" is the top."""

    def cib(self) -> Cib:
        """The draft where there is one, else the applied configuration."""

    def node_names(self) -> tuple[str, ...]:
        """Configured nodes and those that the cluster reports."""

    @property
    def agents(self) -> AgentSource:
        """The agents installed here."""

    def shadow_names(self) -> tuple[str, ...]:
        """The configurations that are kept beside the cluster's."""
