"""What every agent class shares: the invocation of a program as a value, names that may be executed, reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec

from hashelld.model.action import Action
from hashelld.model.history import OCF_ERR_CONFIGURED
from hashelld.model.ids import Millis, NodeId


SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REASON_LENGTH_MAX: Final = 400
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:+\\-]*\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

Exists = Callable[[str], bool]
"""Is there a file of this path? Given by whoever may look at the disk."""


class Surroundings(Protocol):
    """What an invocation needs to know of the node's settings (`core.settings.Settings` has it all)."""

    @property
    def ocf_root(self) -> str:
        """Where OCF agents are installed."""

    @property
    def own_ocf_root(self) -> str:
        """The folder that contains `hashell/TYPE`, the agents of this package."""

    @property
    def shims_dir(self) -> str:
        """Where Pacemaker's commands for agents are; empty when there are none."""

    @property
    def state_dir(self) -> str:
        """Where agents keep state files; empty for the system's place."""

    @property
    def environment(self) -> dict[str, str]:
        """Added to every agent's environment."""


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an agent: a program without a shell, its whole environment, and what it reads."""

    argv: tuple[str, ...]
    environment: dict[str, str] = {}
    stdin: str = ""
    timeout_ms: Millis


class AgentRefused(Exception):
    """The agent must not or cannot be executed; `rc` is the OCF code that stands for the reason."""

    def __init__(self, reason: str, rc: int = OCF_ERR_CONFIGURED) -> None:
        super().__init__(reason)
        self.rc = rc


def exists_nowhere(path: str) -> bool:
    """The answer of somebody who may not look at the disk: every choice falls to its default."""
    assert path
    return False


def file_name(text: str, what: str) -> str:
    """The text, if it is a plain file name; raises AgentRefused for a path, `..` or control characters."""
    if _NAME.match(text) is None:
        raise AgentRefused(f"{what} {text!r} is no plain file name: give it without a path")
    return text


def checked_environment(parts: Mapping[str, str]) -> dict[str, str]:
    """The environment, if the kernel can pass it on; raises AgentRefused for NUL, or `=` in a name."""
    for name, value in parts.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise AgentRefused(f"parameter {name!r} cannot be passed in an environment: remove NUL and '=' from it")
    return dict(parts)


def agent_type(action: Action) -> str:
    """The type of the action's agent (an order for the lrm always has an agent)."""
    assert action.agent is not None, action.label
    return action.agent.type


def base_environment(node: NodeId, around: Surroundings) -> dict[str, str]:
    """What agents of all classes get."""
    state_dir = around.state_dir or "/run/resource-agents"
    return {
        "HA_CURHOST": node,
        "HA_RSCTMP": state_dir,
        "HA_LOGFACILITY": "none",
        "HA_DEBUGLOG": "/dev/null",
        "HA_debug": "0",
        **around.environment,
    }


def shim_environment(around: Surroundings) -> dict[str, str]:
    """What makes OCF agents call this daemon's own commands, also where Pacemaker's are installed."""
    if not around.shims_dir:
        return {}
    path = around.environment.get("PATH", SYSTEM_PATH)
    return {"PATH": f"{around.shims_dir}:{path}", "HA_SBIN_DIR": around.shims_dir}


def tail(text: str) -> str:
    """The last line that says something, without control characters, at most REASON_LENGTH_MAX characters."""
    for line in reversed(text.splitlines()):
        clean = _CONTROL.sub(" ", line).strip()
        if clean:
            return clean[:REASON_LENGTH_MAX]
    return ""
