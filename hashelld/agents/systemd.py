"""Units of systemd (`systemd:UNIT`), driven through systemctl."""

from __future__ import annotations

from typing import Final

from hashelld.agents.kinds import (
    AgentRefused,
    Invocation,
    Surroundings,
    agent_type,
    base_environment,
    checked_environment,
    file_name,
    tail,
)
from hashelld.model.action import Action
from hashelld.model.history import (
    OCF_ERR_GENERIC,
    OCF_ERR_INSTALLED,
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
)
from hashelld.model.ids import NodeId


SYSTEMCTL: Final = "/usr/bin/systemctl"
UNIT_SUFFIXES: Final = (".service", ".socket", ".target", ".mount", ".timer", ".path", ".device", ".slice")
_NO_SUCH_UNIT: Final = 5
_ALIVE: Final = frozenset({"active", "reloading", "refreshing"})


def invocation(action: Action, node: NodeId, around: Surroundings) -> Invocation:
    """`systemctl start|stop|reload UNIT`, and `systemctl show` for monitor."""
    unit = unit_name(file_name(agent_type(action), "unit"))
    if action.operation in ("start", "stop", "reload"):
        argv: tuple[str, ...] = (SYSTEMCTL, action.operation, unit)
    elif action.operation in ("monitor", "status"):
        argv = (SYSTEMCTL, "show", "-p", "ActiveState,SubState,LoadState", unit)
    else:
        raise AgentRefused(f"units know no operation {action.operation!r}", rc=OCF_ERR_UNIMPLEMENTED)
    return Invocation(
        argv=argv, environment=checked_environment(base_environment(node, around)), timeout_ms=action.timeout_ms
    )


def unit_name(name: str) -> str:
    """The unit's full name: `nginx` is `nginx.service`."""
    return name if name.endswith(UNIT_SUFFIXES) else f"{name}.service"


def interpret(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    """The unit's state as an OCF code; a unit that does not exist is stopped already."""
    if action.operation in ("monitor", "status"):
        return _interpret_state(action, rc, stdout, stderr)
    if rc == 0 or (action.operation == "stop" and rc == _NO_SUCH_UNIT):
        return OCF_OK, ""
    return (OCF_ERR_INSTALLED if rc == _NO_SUCH_UNIT else OCF_ERR_GENERIC), tail(stderr) or tail(stdout)


def _interpret_state(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    told = dict(line.split("=", 1) for line in stdout.splitlines() if "=" in line)
    active, sub, load = (told.get(name, "") for name in ("ActiveState", "SubState", "LoadState"))
    if rc != 0 or not active:
        return OCF_ERR_GENERIC, tail(stderr) or "systemctl told no state"
    if load == "not-found":
        return OCF_ERR_INSTALLED, f"there is no unit {unit_name(agent_type(action))}"
    if active in _ALIVE:
        return OCF_OK, ""
    is_probe = action.interval_ms == 0
    state = f"{active} ({sub})"
    if active == "activating" and sub != "auto-restart":
        return OCF_OK, state
    if active == "deactivating":
        # A first look must not take for stopped what still runs; a recurring one found it going away.
        return (OCF_OK if is_probe else OCF_ERR_GENERIC), state
    if active == "failed" and not is_probe:
        return OCF_ERR_GENERIC, state
    return OCF_NOT_RUNNING, state if action.expected_rc != OCF_NOT_RUNNING else ""
