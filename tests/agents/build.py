"""Actions and surroundings for the tests of agents."""

from __future__ import annotations

import msgspec

from hashelld.model.action import Action, ActionKind
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent


NODE = NodeId("node1")


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, as far as agents look at them."""

    ocf_root: str = "/usr/lib/ocf"
    own_ocf_root: str = "/opt/hashelld/agents/ocf"
    shims_dir: str = ""
    state_dir: str = "/run/test"
    environment: dict[str, str] = {}


def agent(name: str) -> Agent:
    standard, _, rest = name.partition(":")
    provider, _, type_ = rest.partition(":") if standard == "ocf" else ("", "", rest)
    return Agent(standard, provider, type_)


def action(
    name: str, operation: str = "start", *, interval_ms: int = 0, expected_rc: int = 0, **parameters: str
) -> Action:
    return Action(
        kind=ActionKind.RESOURCE,
        node=NODE,
        resource=ResourceId("rsc:0"),
        operation=operation,
        interval_ms=interval_ms,
        timeout_ms=7_000,
        agent=agent(name),
        parameters=parameters,
        expected_rc=expected_rc,
    )
