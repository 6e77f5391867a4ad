"""What parsing and completing a line may look at: the configuration, the nodes, the agents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from hashelld.cib.document import Cib


if TYPE_CHECKING:
    # It reads XML, which a command that asks no agent should not have to load.
    from hashelld.model.metadata import Metadata


class AgentSource(Protocol):
    """The agents that are installed; never raises for an agent that is not."""

    def offered(self) -> Iterable[tuple[str, str]]:
        """Full names (`ocf:heartbeat:IPaddr2`) with a title, which may be empty."""

    def metadata(self, name: str) -> Metadata | None:
        """Of an agent by its full name, or by its type alone; None when it is not installed."""


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
