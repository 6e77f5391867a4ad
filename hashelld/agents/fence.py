"""Fencing agents: fence-agents' standard input (`stonith:fence_X`), and cluster-glue's `stonith:external/X`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hashelld.agents.kinds import (
    SYSTEM_PATH,
    AgentRefused,
    Invocation,
    Surroundings,
    base_environment,
    checked_environment,
    file_name,
    tail,
)
from hashelld.model.action import Action
from hashelld.model.history import OCF_ERR_CONFIGURED, OCF_ERR_GENERIC, OCF_ERR_INSTALLED, OCF_OK
from hashelld.model.ids import Millis, NodeId
from hashelld.model.resource import Agent


FENCE_DIR: Final = "/usr/sbin"
EXTERNAL_DIR: Final = "/usr/lib/stonith/plugins/external"
EXTERNAL: Final = "external/"
GLUE_PATH: Final = f"/usr/share/cluster-glue:{SYSTEM_PATH}"

# The cluster's own parameters, never told to the device. `action` of a configuration would win over the line
# that is written first, and an agent without a legal action power-cycles (FENCING.md A3).
_OWN_PREFIXES: Final = ("pcmk_", "crm_")
_OWN_NAMES: Final = frozenset({"action", "option", "priority", "provides", "stonith-timeout"})
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
_EXTERNAL_VERBS: Final = {"off": "off", "on": "on", "reboot": "reset", "monitor": "status"}


def invocation(action: Action, node: NodeId, around: Surroundings) -> Invocation:
    """Ask the device whether it works: what start and monitor of a fencing resource mean. Stop runs nothing."""
    assert action.agent is not None, action.label
    assert action.operation in ("start", "monitor"), action.label
    verb = action.parameters.get("pcmk_monitor_action", "monitor")
    return _call(action.agent, action.parameters, verb, None, "", node, around, action.timeout_ms)


def fencing(
    agent: Agent,
    parameters: Mapping[str, str],
    operation: str,
    target: NodeId,
    plug: str,
    node: NodeId,
    around: Surroundings,
    timeout_ms: Millis,
) -> Invocation:
    """Tell the device to switch the target `off`, `on`, or to `reboot` it; `plug` is its name for the target."""
    verb = parameters.get(f"pcmk_{operation}_action", operation)
    return _call(agent, parameters, verb, target, plug, node, around, timeout_ms)


def interpret(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    """0 is done; what is on standard error of a success is noise."""
    if rc == 0:
        return OCF_OK, ""
    return OCF_ERR_GENERIC, tail(stderr) or tail(stdout) or f"{action.agent} said {rc}"


def _call(
    agent: Agent,
    parameters: Mapping[str, str],
    verb: str,
    target: NodeId | None,
    plug: str,
    node: NodeId,
    around: Surroundings,
    timeout_ms: Millis,
) -> Invocation:
    told = {
        name: value
        for name, value in parameters.items()
        if name not in _OWN_NAMES and not name.startswith(_OWN_PREFIXES)
    }
    environment = base_environment(node, around)
    if agent.type.startswith(EXTERNAL):
        name = file_name(agent.type.removeprefix(EXTERNAL), "fencing plug-in")
        word = _EXTERNAL_VERBS.get(verb, verb)
        return Invocation(
            argv=(f"{EXTERNAL_DIR}/{name}", word, *((plug or target,) if target else ())),
            environment=checked_environment(environment | told | {"HA_LOGTAG": f"{EXTERNAL}{name}", "PATH": GLUE_PATH}),
            timeout_ms=timeout_ms,
        )
    if not agent.type.startswith("fence_"):
        raise AgentRefused(f"{agent} is no fencing agent: name a fence_* or an external/*", rc=OCF_ERR_INSTALLED)
    return Invocation(
        argv=(f"{FENCE_DIR}/{file_name(agent.type, 'fencing agent')}",),
        environment=checked_environment(environment),
        stdin=_lines(verb, told, _target_lines(parameters, target, plug)),
        timeout_ms=timeout_ms,
    )


def _target_lines(parameters: Mapping[str, str], target: NodeId | None, plug: str) -> dict[str, str]:
    """How the agent learns whom to fence: nodename always, the plug unless the configuration fixed it."""
    if target is None:
        return {}
    argument = parameters.get("pcmk_host_argument", "plug")
    names = {"plug", "port"} if argument == "plug" else {argument}
    is_fixed = any(parameters.get(name, "dynamic") != "dynamic" for name in names)
    if argument == "none" or is_fixed:
        return {"nodename": target}
    return {"nodename": target, argument: plug or target}


def _lines(verb: str, told: Mapping[str, str], target: Mapping[str, str]) -> str:
    lines = {"action": verb, **told, **target}
    for name, value in lines.items():
        if _NAME.match(name) is None or "\n" in value or "\r" in value or "\0" in value:
            raise AgentRefused(
                f"parameter {name!r} cannot be told to a fencing agent: names are letters, digits, '_' and '-', "
                "values are one line",
                rc=OCF_ERR_CONFIGURED,
            )
    return "".join(f"{name}={value}\n" for name, value in lines.items())
