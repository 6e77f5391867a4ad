"""Init scripts (`lsb:NAME`): /etc/init.d/NAME with start, stop and status."""

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
    OCF_ERR_PERM,
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
)
from hashelld.model.ids import NodeId


INIT_DIR: Final = "/etc/init.d"
_ARGUMENT: Final = {"start": "start", "stop": "stop", "monitor": "status", "status": "status", "reload": "reload"}
_STATUS: Final = {0: OCF_OK, 3: OCF_NOT_RUNNING, 150: OCF_ERR_INSTALLED, 151: OCF_ERR_PERM}


def argument(action: Action) -> str:
    """The script's word for the operation; raises AgentRefused for those that init scripts do not have."""
    word = _ARGUMENT.get(action.operation)
    if word is None:
        raise AgentRefused(f"init scripts know no operation {action.operation!r}", rc=OCF_ERR_UNIMPLEMENTED)
    return word


def invocation(action: Action, node: NodeId, around: Surroundings) -> Invocation:
    """`/etc/init.d/NAME start|stop|status`; parameters are not passed, init scripts have none."""
    return Invocation(
        argv=(f"{INIT_DIR}/{file_name(agent_type(action), 'init script')}", argument(action)),
        environment=checked_environment(base_environment(node, around)),
        timeout_ms=action.timeout_ms,
    )


def interpret(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    """LSB result codes as OCF's; a stop that finds nothing running (7) has reached its aim."""
    if action.operation in ("monitor", "status"):
        mapped = _STATUS.get(rc, OCF_ERR_GENERIC)
    elif action.operation == "stop" and rc == OCF_NOT_RUNNING:
        mapped = OCF_OK
    else:
        mapped = rc if 0 <= rc <= OCF_NOT_RUNNING else OCF_ERR_GENERIC
    reason = "" if mapped in (OCF_OK, action.expected_rc) else (tail(stderr) or tail(stdout) or f"script said {rc}")
    return mapped, reason
