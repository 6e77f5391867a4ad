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
from hashelld.model.device import FABRIC, told_to_device
from hashelld.model.history import OCF_ERR_CONFIGURED, OCF_ERR_GENERIC, OCF_ERR_INSTALLED, OCF_OK
from hashelld.model.ids import Millis, NodeId
from hashelld.model.resource import Agent


FENCE_DIR: Final = "/usr/sbin"
EXTERNAL_DIR: Final = "/usr/lib/stonith/plugins/external"
EXTERNAL: Final = "external/"
PLUG: Final = "plug"
"""In the meta of an `on`: the device's name for the node."""
GLUE_PATH: Final = f"/usr/share/cluster-glue:{SYSTEM_PATH}"

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")
_EXTERNAL_VERBS: Final = {"off": "off", "on": "on", "reboot": "reset", "monitor": "status", "list": "gethosts"}

# Facts from the agents' own metadata (FENCING.md A5).
_WITHOUT_REBOOT: Final = FABRIC | {"fence_kdump"}
_HEURISTICS: Final = frozenset({"fence_heuristics_ping"})
"""They only say whether the other devices of their level shall be used."""
_WITHOUT_STATUS: Final = frozenset(
    {"fence_heuristics_ping", "fence_kdump", "fence_ovh", "fence_rcd_serial", "fence_watchdog"}
)
_STATUS_OF_DEVICE: Final = frozenset({"fence_legacy"})
"""What they call status is that of the device, whatever the target's power is."""
_NO_LIST: Final = ("N/A", "NOTICE")
_UNKNOWN_ACTION: Final = re.compile(r"unrecogni[sz]ed action|unknown action", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (?:[A-Z]+: )?")
STATUS_ON: Final = 0
STATUS_OFF: Final = 2


def invocation(action: Action, node: NodeId, around: Surroundings) -> Invocation:
    """Ask the device whether it works: what start and monitor of a fencing resource mean. Stop runs nothing.

    `on` gives this node the access back that the device may have taken; PLUG in its meta is the device's name for it.
    """
    assert action.agent is not None, action.label
    if action.operation == "on":
        plug = action.meta.get(PLUG, node)
        return fencing(action.agent, action.parameters, "on", node, plug, node, around, action.timeout_ms)
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
    verb = _verb(parameters, operation)
    return _call(agent, parameters, verb, target, plug, node, around, timeout_ms)


def listing(
    agent: Agent, parameters: Mapping[str, str], node: NodeId, around: Surroundings, timeout_ms: Millis
) -> Invocation:
    """Ask the device whom it knows; `listed_in` reads the answer."""
    return _call(agent, parameters, _verb(parameters, "list"), None, "", node, around, timeout_ms)


def listed_in(stdout: str) -> frozenset[str] | None:
    """The lower-cased names and aliases that a device listed; None when it says that it has no list."""
    names: set[str] = set()
    for line in stdout.splitlines():
        text = line.strip()
        if text.startswith(_NO_LIST):
            return None
        # `plug,alias` with, at times, a state behind it; plug-ins print names with spaces between them.
        words = text.split(",")[:2] if "," in text else text.split()
        names.update(word.strip().lower() for word in words)
    names.discard("")
    return frozenset(names)


def can_reboot(agent: Agent, parameters: Mapping[str, str]) -> bool:
    """Can the device restart its target? If not, it is told to switch it off."""
    return agent.type not in _WITHOUT_REBOOT or "pcmk_reboot_action" in parameters


def does_fence(agent: Agent) -> bool:
    """Does the agent do anything to its target?"""
    return agent.type not in _HEURISTICS


def ends_daemon(agent: Agent) -> bool:
    """When the target is fenced, does nothing run there any more? (Not so where only its access was taken away.)"""
    return does_fence(agent) and agent.type not in FABRIC


def tells_status(agent: Agent, parameters: Mapping[str, str]) -> bool:
    """Does the agent's `status` tell whether its target has power? `pcmk_status_action=none` says that it does not."""
    is_known = agent.type.startswith("fence_") and agent.type not in _WITHOUT_STATUS | _STATUS_OF_DEVICE
    return is_known and parameters.get("pcmk_status_action", "").lower() != "none"


def does_switch_off(parameters: Mapping[str, str], operation: str) -> bool:
    """Is the target off, and stays so, when this operation has succeeded?"""
    return _verb(parameters, operation) == "off"


def is_unknown_action(stderr: str) -> bool:
    """Does an agent say that it has no such action?"""
    return _UNKNOWN_ACTION.search(stderr) is not None


def _verb(parameters: Mapping[str, str], operation: str) -> str:
    return parameters.get(f"pcmk_{operation}_action", operation)


def interpret(action: Action, rc: int, stdout: str, stderr: str) -> tuple[int, str]:
    """0 is done; what is on standard error of a success is noise."""
    if rc == 0:
        return OCF_OK, ""
    return OCF_ERR_GENERIC, reason_of(stdout, stderr) or f"{action.agent} said {rc}"


def reason_of(stdout: str, stderr: str) -> str:
    """What a device said last, without the moment at which it said so; empty when it said nothing."""
    return _MOMENT.sub("", tail(stderr) or tail(stdout))


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
    told = told_to_device(parameters)
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
