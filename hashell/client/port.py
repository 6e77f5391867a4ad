"""The ports of the shell: to a cluster (a live daemon, or a CIB file), and to where drafts are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from hashelld.cib.document import Cib
from hashelld.model.ids import Version
from hashelld.model.resource import Agent
from hashelld.wire.client import Answer, Changed, Request


class Client(Protocol):
    """One back end. `ask` raises `errors.Unreachable` (exit 3) or `errors.TimedOut` (exit 4)."""

    @property
    def name(self) -> str:
        """What the prompt shows: `live`, or the file's name."""

    @property
    def has_cluster(self) -> bool:
        """Does somebody carry out what is committed? Of a file or a shadow, nobody: there is nothing to wait for."""

    def daemon_pid(self) -> int | None:
        """The process that listens where the daemon should, as the kernel says; None where nobody does."""

    def another(self) -> Client:
        """One more connection to the same, for another thread: clients are not shared between threads."""

    def ask(self, request: Request, timeout_ms: int = 10_000) -> Answer:
        """Send a request and wait for its answer."""

    def events(self, timeout_ms: int) -> Iterator[Changed | None]:
        """Subscribe; yields what changed, None whenever `timeout_ms` passed without an event."""

    def close(self) -> None:
        """Give sockets back."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that was put aside: what it was made from, and what it had become."""

    base: Version
    original: Cib
    cib: Cib
    at_ms: int
    """When it was changed last, wall clock."""
    serial: int = 0
    """Of a shadow: how often it was committed to."""


class Shelf(Protocol):
    """Where the draft of one cluster is kept while it is not committed. None of it raises."""

    def keep(self, base: Version, original: Cib, cib: Cib) -> None:
        """Put the draft there, in the place of the one before."""

    def kept(self) -> Kept | None:
        """The draft that is there."""

    def drop(self) -> None:
        """Take it away."""


class Shadows(Protocol):
    """Configurations beside the cluster's, by name. What cannot be read or written raises `errors.Refused`."""

    def names(self) -> tuple[str, ...]:
        """All that there are, sorted."""

    def find(self, name: str) -> Kept | None:
        """The shadow of this name."""

    def put(self, name: str, kept: Kept) -> None:
        """Write it, in the place of one before."""

    def remove(self, name: str) -> None:
        """Take it away."""

    def client(self, name: str, live: Client) -> Client:
        """A client of the shadow: commits go into it, the state is that of the cluster."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What a program came to. `code` is None when it could not be started or took too long; `err` says which."""

    code: int | None
    out: str = ""
    err: str = ""


class AgentCall(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent is run by hand: the program, its environment, and what it reads."""

    command: tuple[str, ...]
    environment: dict[str, str]
    text: str = ""


class Programs(Protocol):
    """Runs other programs for the user who runs the shell, and ends processes; none of it raises."""

    def run_agent(self, call: AgentCall) -> Ended:
        """Run an agent with the secrets that it is to be told; what it says does not repeat them."""

    def secret_flaw(self, name: str) -> str:
        """Why the file of a secret cannot be used on this machine; empty when it can, or is not for us to see."""

    def secret(self, name: str) -> tuple[str, str]:
        """A secret of this machine, or (second) why it cannot be read."""

    def keep_secret(self, name: str, value: str) -> tuple[str, str]:
        """Write the file of a secret on this machine: its path, or (second) why that was not possible."""

    def kill(self, pid: int, is_meant: Callable[[], bool]) -> str:
        """End a process by SIGKILL if, once nobody else can get its number, it is meant; else why it was not done."""

    def processes_of(self, resource: str, node: str, daemon: int | None) -> tuple[int, ...]:
        """What agents of a resource started on a node and left running; children of the daemon are at work, no more."""

    def run(
        self,
        command: Sequence[str],
        *,
        text: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> Ended:
        """Run a program with a text as its input, in an environment (by default ours), and wait for its end."""

    def agent_call(
        self, agent: Agent, operation: str, resource: str, parameters: Mapping[str, str]
    ) -> AgentCall | None:
        """How an operation of an agent is run here; None when the agent is not here, or is a unit of systemd."""
