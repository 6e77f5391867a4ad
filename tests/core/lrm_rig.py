"""An lrm with a clock, and agents that end when the test says so."""

from __future__ import annotations

from itertools import count

import msgspec

from hashelld.core.effects import KillAgent, RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.lrm import Lrm, LrmOutput, OrderDone, OrderKey, StatusChanged
from hashelld.core.settings import Settings
from hashelld.model.action import Action, ActionKind
from hashelld.model.history import ActionResult, OpStatus
from hashelld.model.ids import Epoch, NodeId, ResourceId
from hashelld.model.resource import Agent
from hashelld.wire.log import Electorate


NODE = NodeId("node1")
EPOCH = Epoch(1, NODE)
WALL_MS = 1_700_000_000_000
VIP, WEB = ResourceId("vip"), ResourceId("web")
DUMMY = Agent("ocf", "heartbeat", "Dummy")
FENCE = Agent("stonith", "", "fence_x")


def act(operation: str = "start", resource: ResourceId = VIP, **more: object) -> Action:
    plain = Action(kind=ActionKind.RESOURCE, node=NODE, resource=resource, operation=operation, agent=DUMMY)
    return msgspec.structs.replace(plain, **more)


def probe(resource: ResourceId = VIP, **more: object) -> Action:
    return act("monitor", resource, **({"expected_rc": 7} | more))


def watch(resource: ResourceId = VIP, interval_ms: int = 10_000, **more: object) -> Action:
    return act("monitor", resource, interval_ms=interval_ms, **more)


class Rig:
    """An lrm with a clock, and agents that end when the test says so."""

    def __init__(self) -> None:
        settings = Settings(
            node=NODE, cluster_name="c", file_digest="", founding=Electorate(votes={NODE: 1}), own_ocf_root="/own"
        )
        numbers = count(1)
        self.lrm = Lrm(NODE, settings, lambda: next(numbers))
        self.now = 0
        self.done: dict[int, ActionResult] = {}
        self.flying: dict[int, RunAgent] = {}
        self.killed: list[int] = []
        self.changes = 0
        self._calls = count(1)

    def take(self, outputs: list[LrmOutput]) -> list[str]:
        """Note what came out; the labels of the agents begun."""
        begun = []
        for output in outputs:
            match output:
                case OrderDone(key=key, result=result):
                    self.done[key.call] = result
                case RunAgent(run=run, label=label):
                    self.flying[run] = output
                    begun.append(label)
                case KillAgent(run=run):
                    self.killed.append(run)
                case StatusChanged():
                    self.changes += 1
        return begun

    def order(self, action: Action, call: int | None = None, epoch: Epoch = EPOCH) -> list[str]:
        key = OrderKey(epoch, next(self._calls) if call is None else call)
        return self.take(self.lrm.on_order(self.now, WALL_MS + self.now, key, action))

    def end(self, label: str, rc: int | None = 0, **more: str) -> list[str]:
        run = next(number for number, agent in self.flying.items() if agent.label.startswith(label))
        del self.flying[run]
        event = AgentEnded(run=run, rc=rc, duration_ms=5, **more)
        assert self.lrm.owns(run)
        begun = self.take(self.lrm.on_agent_ended(self.now, WALL_MS + self.now, event))
        assert not self.lrm.owns(run)
        return begun

    def at(self, now: int) -> list[str]:
        self.now = now
        return self.take(self.lrm.on_deadline(now, WALL_MS + now))

    def started(self, resource: ResourceId = VIP) -> None:
        self.order(act("start", resource))
        self.end(f"{resource}_start_0")

    def shown(self) -> dict[str, tuple[OpStatus, int]]:
        return {f"{r.resource}_{r.operation}_{r.interval_ms}": (r.status, r.rc) for r in self.lrm.status().operations}
