"""Other programs: filters of the configuration, agents that are tried by hand, ssh to other nodes, drills."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the shell runs what its user asks for; there is no daemon to do it
from collections.abc import Callable, Mapping, Sequence

from hashell.client.agents import InstalledAgents
from hashell.client.port import AgentCall, Ended
from hashell.client.processes import kill, processes_of
from hashell.client.secret_files import keep_secret, read_secret, secret_flaw
from hashelld.model.resource import Agent
from hashelld.model.secret import SecretRefused, told


class LocalPrograms:
    """The programs of this machine."""

    __slots__ = ()

    def run(
        self,
        command: Sequence[str],
        *,
        text: str = "",
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> Ended:
        """Run a program with a text as its input, in an environment (by default ours), and wait for its end."""
        try:
            ended = subprocess.run(  # noqa: S603 - what the user named, without a shell
                list(command), input=text.encode(), env=environment, capture_output=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            return Ended(code=None, err=f"{command[0]} has not ended within {timeout_s:g} s")
        except OSError as error:
            return Ended(code=None, err=f"{command[0]}: {error.strerror}")
        return Ended(
            code=ended.returncode,
            out=ended.stdout.decode(errors="replace"),
            err=ended.stderr.decode(errors="replace"),
        )

    def run_agent(self, call: AgentCall) -> Ended:
        """Run an agent with the secrets that it is to be told; what it says does not repeat them."""
        try:
            meant = told(call.environment, call.text, read_secret)
        except (SecretRefused, PermissionError) as refusal:
            return Ended(code=None, err=str(refusal))
        ended = self.run(call.command, text=meant.stdin, environment=meant.environment)
        return Ended(code=ended.code, out=meant.without_secrets(ended.out), err=meant.without_secrets(ended.err))

    def secret_flaw(self, name: str) -> str:
        """Why the file of a secret cannot be used on this machine."""
        return secret_flaw(name)

    def secret(self, name: str) -> tuple[str, str]:
        """A secret of this machine, or (second) why it cannot be read."""
        try:
            return read_secret(name), ""
        except (SecretRefused, PermissionError) as refusal:
            return "", str(refusal)

    def keep_secret(self, name: str, value: str) -> tuple[str, str]:
        """Write the file of a secret on this machine: its path, or (second) why that was not possible."""
        return keep_secret(name, value)

    def kill(self, pid: int, is_meant: Callable[[], bool]) -> str:
        """End a process by SIGKILL if it is the one that is meant; why that was not done, or nothing."""
        return kill(pid, is_meant)

    def processes_of(self, resource: str, node: str, daemon: int | None) -> tuple[int, ...]:
        """What agents of a resource started on a node and left running."""
        return processes_of(resource, node, daemon)

    def agent_call(
        self, agent: Agent, operation: str, resource: str, parameters: Mapping[str, str]
    ) -> AgentCall | None:
        """How an operation of an agent is run here; None when the agent is not here, or is a unit of systemd."""
        return InstalledAgents().call(agent, operation, resource, parameters)
