"""A fencing machine whose devices end when the test says so, and configurations of devices for it."""

from __future__ import annotations

from itertools import count

from hashelld.cib.document import Cib, Properties
from hashelld.core.effects import KillAgent, RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.fencing import LOST_QUORUM, FencingDone
from hashelld.core.settings import Settings
from hashelld.core.stonith import Stonith, StonithOutput
from hashelld.model.administration import FencingLevel, Topology
from hashelld.model.ids import Incarnation, NodeId, ResourceId
from hashelld.model.node import Node
from hashelld.model.resource import Agent, AttributeSet, NvPair, Primitive, Template
from hashelld.wire.log import Electorate


NODE, TARGET = NodeId("node1"), NodeId("node3")
FIRST, SECOND = Incarnation(1, "a"), Incarnation(2, "b")
FENCE_X = Agent("stonith", "", "fence_x")


def attributes(values: dict[str, str], score: str | None = None) -> tuple[AttributeSet, ...]:
    return (AttributeSet(tuple(NvPair(n, v) for n, v in values.items()), score=score),) if values else ()


def device(name: str, agent: Agent | None = FENCE_X, meta: dict[str, str] | None = None, **params: str) -> Primitive:
    return Primitive(id=ResourceId(name), agent=agent, params=attributes(params), meta=attributes(meta or {}))


def level(index: int, *devices: str, **selector: str) -> FencingLevel:
    """A level of the topology; for every node, unless it says for whom."""
    return FencingLevel(index=str(index), devices=tuple(ResourceId(d) for d in devices), **selector)


def cib(*objects: Primitive | Template | Topology | Node, **properties: str) -> Cib:
    pairs = tuple(NvPair(name.replace("_", "-"), value) for name, value in properties.items())
    return Cib((*objects, Properties(id="p", kind="property", set=AttributeSet(pairs))))


class Rig:
    """A fencing machine whose devices end when the test says so. It draws the longest delay."""

    def __init__(self) -> None:
        settings = Settings(
            node=NODE, cluster_name="c", file_digest="", founding=Electorate(votes={NODE: 1}), state_dir="/run/x"
        )
        numbers = count(1)
        self.machine = Stonith(settings, lambda: next(numbers), lambda bound: bound)
        self.called: list[RunAgent] = []
        self.done: list[FencingDone] = []
        self.killed: list[int] = []
        self.now = 0

    def take(self, outputs: list[StonithOutput]) -> None:
        self.called += [o for o in outputs if isinstance(o, RunAgent)]
        self.done += [o for o in outputs if isinstance(o, FencingDone)]
        self.killed += [o.run for o in outputs if isinstance(o, KillAgent)]

    def request(
        self,
        cib: Cib,
        target: NodeId = TARGET,
        incarnation: Incarnation = FIRST,
        operation: str = "off",
        extra_ms: int = 0,
    ) -> None:
        self.take(self.machine.request(self.now, cib, target, incarnation, operation, extra_ms))

    def cancel(self, heard: Incarnation = FIRST) -> None:
        self.take([*self.machine.cancel(TARGET, heard)])

    def end(self, rc: int | None, *, at: int = -1, allowed: bool = True, **more: str) -> None:
        run = self.called[at].run
        assert self.machine.owns(run)
        event = AgentEnded(run=run, rc=rc, **more)
        self.take(self.machine.on_agent_ended(self.now, event, lambda _: "" if allowed else LOST_QUORUM))

    def succeed(self) -> None:
        """The device says that it is done, and, if it is asked, that its target is off."""
        self.end(0)
        if self.actions[-1] == "status":
            self.end(2)

    def at(self, now: int, *, allowed: bool = True) -> None:
        self.now = now
        self.take(self.machine.on_deadline(now, lambda _: "" if allowed else LOST_QUORUM))

    def at_objecting(self, now: int, to: NodeId, why: str) -> None:
        self.now = now
        self.take(self.machine.on_deadline(now, lambda target: why if target == to else ""))

    @property
    def told(self) -> list[str]:
        """What each call told its device."""
        return [run.stdin for run in self.called]

    @property
    def actions(self) -> list[str]:
        """The action of each call."""
        return [text.splitlines()[0].removeprefix("action=") for text in self.told]

    @property
    def acts(self) -> list[str]:
        """What each call of a device was, without looks at its target: `off d1`."""
        calls = [f"{action} {self.device_of(run)}" for run, action in zip(self.called, self.actions, strict=True)]
        return [call for call in calls if not call.startswith(("status", "list"))]

    @property
    def targets(self) -> list[str]:
        """Whom each call of a device was about, without looks at its target."""
        calls = zip(self.called, self.actions, strict=True)
        return [_lines(run)["nodename"] for run, action in calls if action != "status"]

    def device_of(self, run: RunAgent) -> str:
        """Which device was called: its parameter `id`."""
        return _lines(run).get("id", "")


def _lines(run: RunAgent) -> dict[str, str]:
    return dict(line.split("=", 1) for line in run.stdin.splitlines())
