"""Which module serves which class of agents: one entry point for the lrm."""

from __future__ import annotations

from hashelld.agents import fence, heartbeat, lsb, ocf, systemd
from hashelld.agents.kinds import AgentRefused, Exists, Invocation, Surroundings, agent_type, exists_nowhere
from hashelld.model.action import Action
from hashelld.model.history import OCF_ERR_INSTALLED
from hashelld.model.ids import NodeId


STANDARDS = ("ocf", "systemd", "lsb", "service", "heartbeat", "stonith")


def invocation(action: Action, node: NodeId, around: Surroundings, exists: Exists = exists_nowhere) -> Invocation:
    """What to execute for an action on this node; raises AgentRefused when it cannot or must not be executed."""
    match _standard(action, exists):
        case "ocf":
            return ocf.invocation(action, node, around)
        case "systemd":
            return systemd.invocation(action, node, around)
        case "lsb":
            return lsb.invocation(action, node, around)
        case "heartbeat":
            return heartbeat.invocation(action, node, around, exists)
        case "stonith":
            return fence.invocation(action, node, around)
        case unknown:
            raise AgentRefused(
                f"there is no agent class {unknown!r}: use one of {', '.join(STANDARDS)}", rc=OCF_ERR_INSTALLED
            )


def interpret(action: Action, rc: int, stdout: str, stderr: str, exists: Exists = exists_nowhere) -> tuple[int, str]:
    """What the end of an action's agent means: an OCF code, and the reason if it is not the expected one."""
    match _standard(action, exists):
        case "systemd":
            return systemd.interpret(action, rc, stdout, stderr)
        case "lsb":
            return lsb.interpret(action, rc, stdout, stderr)
        case "heartbeat":
            return heartbeat.interpret(action, rc, stdout, stderr)
        case "stonith":
            return fence.interpret(action, rc, stdout, stderr)
        case _:
            return ocf.interpret(action, rc, stdout, stderr)


def _standard(action: Action, exists: Exists) -> str:
    """The agent's class; `service:NAME` is an init script if there is one, else a unit."""
    assert action.agent is not None, action.label
    if action.agent.standard != "service":
        return action.agent.standard
    return "lsb" if exists(f"{lsb.INIT_DIR}/{agent_type(action)}") else "systemd"
