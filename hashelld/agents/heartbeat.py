"""Legacy heartbeat resource scripts (`heartbeat:NAME`): arguments before the action, text decides the status."""

from __future__ import annotations

from typing import Final

from hashelld.agents import lsb
from hashelld.agents.kinds import (
    AgentRefused,
    Exists,
    Invocation,
    Surroundings,
    agent_type,
    base_environment,
    checked_environment,
    file_name,
    shim_environment,
    tail,
)
from hashelld.model.action import Action
from hashelld.model.history import OCF_ERR_CONFIGURED, OCF_ERR_GENERIC, OCF_NOT_RUNNING, OCF_OK
from hashelld.model.ids import NodeId


HA_DIR: Final = "/etc/ha.d"


def invocation(action: Action, node: NodeId, around: Surroundings, exists: Exists) -> Invocation:
    """`NAME ARG1 ARG2… start|stop|status` in /etc/ha.d/resource.d, or in /etc/init.d if it is only there."""
    name = file_name(agent_type(action), "resource script")
    path = f"{HA_DIR}/resource.d/{name}"
    if not exists(path) and exists(f"{lsb.INIT_DIR}/{name}"):
        path = f"{lsb.INIT_DIR}/{name}"
    environment = base_environment(node, around) | shim_environment(around)
    environment |= {
        "HA_DIR": HA_DIR,
        "HA_FUNCS": f"{HA_DIR}/shellfuncs",
        "HA_RESOURCEDIR": f"{HA_DIR}/resource.d",
        "HA_DATEFMT": "%Y/%m/%d_%T ",
    }
    return Invocation(
        argv=(path, *_arguments(action), lsb.argument(action)),
        environment=checked_environment(environment),
        timeout_ms=action.timeout_ms,
    )


def _arguments(action: Action) -> tuple[str, ...]:
    """The values of the parameters 1, 2, 3… in their order."""
    foreign = [name for name in action.parameters if not (name.isascii() and name.isdigit())]
    if foreign:
        raise AgentRefused(f"heartbeat scripts take the parameters 1, 2, 3…, not {foreign[0]!r}", rc=OCF_ERR_CONFIGURED)
    return tuple(action.parameters[name] for name in sorted(action.parameters, key=int))


def interpret(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    """For monitor the text decides whatever the return code; start and stop say 0 for done."""
    if action.operation in ("monitor", "status"):
        return (OCF_OK if is_running(stdout) else OCF_NOT_RUNNING), ""
    return (OCF_OK, "") if rc == 0 else (OCF_ERR_GENERIC, tail(stderr) or tail(stdout) or f"script said {rc}")


def is_running(text: str) -> bool:
    """Does a status text mean running? Silence does not."""
    lowered = text.lower()
    if "not running" in lowered or "stopped" in lowered:
        return False
    return "running" in lowered or "OK" in text
