"""OCF resource agents (`ocf:PROVIDER:TYPE`), version 1.1: environment, arguments and result codes."""

from __future__ import annotations

import sys
from typing import Final

from hashelld.agents.kinds import (
    AgentRefused,
    Invocation,
    Surroundings,
    base_environment,
    checked_environment,
    file_name,
    shim_environment,
    tail,
)
from hashelld.model.action import Action
from hashelld.model.history import OCF_ERR_GENERIC, OCF_OK, OCF_RUNNING_PROMOTED
from hashelld.model.ids import NodeId


OWN_PROVIDER: Final = "hashell"
FEATURE_SET: Final = "3.16.2"
"""What agents compare with to learn the names of roles (3.10 brought Promoted and Unpromoted)."""

OCF_DEGRADED: Final = 190
OCF_DEGRADED_PROMOTED: Final = 191
_DEGRADED: Final = {OCF_DEGRADED: OCF_OK, OCF_DEGRADED_PROMOTED: OCF_RUNNING_PROMOTED}
_RC_MAX: Final = 255
_REASON_PREFIX: Final = "ocf-exit-reason:"


def invocation(action: Action, node: NodeId, around: Surroundings) -> Invocation:
    """`TYPE OPERATION` with the OCF environment.

    Agents of this package are all started through /bin/sh, so that they run whatever mode bits an installer
    left, and learn this interpreter as HASHELL_PYTHON; their OCF_ROOT is the system's, as for any other agent.
    """
    path = agent_path(action, around)
    environment = base_environment(node, around) | shim_environment(around) | _environment(action, node, around)
    argv: tuple[str, ...] = (path, action.operation)
    if action.agent is not None and action.agent.provider == OWN_PROVIDER:
        argv = ("/bin/sh", *argv)
        environment["HASHELL_PYTHON"] = sys.executable
    return Invocation(argv=argv, environment=checked_environment(environment), timeout_ms=action.timeout_ms)


def agent_path(action: Action, around: Surroundings) -> str:
    """Where the agent of an action is installed; raises AgentRefused for names that are paths."""
    assert action.agent is not None, action.label
    provider = file_name(action.agent.provider, "provider")
    kind = file_name(action.agent.type, "agent")
    if provider != OWN_PROVIDER:
        return f"{around.ocf_root}/resource.d/{provider}/{kind}"
    if not around.own_ocf_root:
        raise AgentRefused("the place of the ocf:hashell agents is not known: set own_ocf_root", rc=5)
    return f"{around.own_ocf_root}/{provider}/{kind}"


def _environment(action: Action, node: NodeId, around: Surroundings) -> dict[str, str]:
    assert action.agent is not None, action.label
    meta = dict(action.meta) | {
        "name": action.operation,
        "timeout": str(action.timeout_ms),
        "interval": str(action.interval_ms),
        "on_node": node,
        "on_node_uuid": node,
        "op_target_rc": str(action.expected_rc),
    }
    return {
        "OCF_ROOT": around.ocf_root,
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_INSTANCE": action.resource or "",
        "OCF_RESOURCE_TYPE": action.agent.type,
        "OCF_RESOURCE_PROVIDER": action.agent.provider,
        "OCF_EXIT_REASON_PREFIX": _REASON_PREFIX,
        "OCF_CHECK_LEVEL": action.parameters.get("OCF_CHECK_LEVEL", action.meta.get("OCF_CHECK_LEVEL", "0")),
        "OCF_RESKEY_crm_feature_set": FEATURE_SET,
        **{f"OCF_RESKEY_CRM_meta_{name.replace('-', '_')}": value for name, value in meta.items()},
        **{f"OCF_RESKEY_{name}": value for name, value in action.parameters.items()},
    }


def interpret(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    """The result code, and the reason when it is not what was expected.

    A degraded instance runs: it counts as running, and the reason tells of it.
    """
    if rc in _DEGRADED:
        return _DEGRADED[rc], _reason(stdout, stderr) or "degraded"
    if rc < 0 or rc > _RC_MAX:
        return OCF_ERR_GENERIC, f"ended by signal {-rc}" if rc < 0 else f"impossible return code {rc}"
    return rc, "" if rc in (OCF_OK, action.expected_rc) else _reason(stdout, stderr)


def _reason(stdout: str, stderr: str) -> str:
    """The agent's own `ocf-exit-reason`, else the end of what it wrote."""
    given = [line for line in stderr.splitlines() if line.startswith(_REASON_PREFIX)]
    if given:
        return tail(given[-1].removeprefix(_REASON_PREFIX))
    return tail(stderr) or tail(stdout)
