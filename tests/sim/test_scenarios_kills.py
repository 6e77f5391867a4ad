"""Four clients commit while the DC is killed, again and again, with what its disk had not synced."""

from __future__ import annotations

from typing import Final

import pytest

from hashelld.cib.document import Properties
from hashelld.cib.edit import Put
from hashelld.model.ids import Millis, Version
from hashelld.model.resource import AttributeSet, NvPair
from hashelld.wire.client import Committed, MakeCommit
from tests.sim.clients import PATIENCE_MS, Asked
from tests.sim.faults import Faults
from tests.sim.scenario import finish, settled
from tests.sim.world import SimWorld


CLIENTS: Final = 4
REST_MS: Final[Millis] = 100
"""Between two questions of a client."""


class Client:
    """Sets its own object to 1, 2, 3 and so on; asks with the same id, here or there, until it is answered for good."""

    def __init__(self, world: SimWorld, name: str) -> None:
        self._world = world
        self.name = name
        self.number = 1
        self.acknowledged: list[Version] = []
        self.is_on = True
        self._base = world.known_version
        self._asked: Asked | None = None
        self._look()

    def _look(self) -> None:
        world, answer = self._world, self._asked.answer if self._asked is not None else None
        if isinstance(answer, Committed):
            self.acknowledged.append(answer.version)
            self._base, self._asked = answer.version, None
            self.number += 1
        elif answer is not None or (
            self._asked is not None and world.timeline.now - self._asked.asked_ms > PATIENCE_MS
        ):
            self._asked = None
        if self._asked is None and self.is_on and (node := world.some_running()) is not None:
            value = AttributeSet((NvPair("number", str(self.number)),))
            edit = Put(Properties(id=self.name, kind="property", set=value))
            request = MakeCommit(id=f"{self.name}-{self.number}", base=self._base, edits=(edit,))
            self._asked = world.ask(node, request)
        if self.is_on:
            world.timeline.after(world.timeline.between(1, 2 * REST_MS), self._look)


def kill(world: SimWorld) -> None:
    """The DC's daemon or its power, sometimes all at once; whoever is dark is back in a moment."""
    between, chance = world.timeline.between, world.timeline.random.random()
    dc = world.host(world.dc())
    victims = list(world.hosts.values()) if chance < 0.2 else [dc]
    for host in victims:
        if chance < 0.7:
            host.power_cut()
            world.timeline.after(between(200, 3_000), host.boot)
        else:
            host.crash_daemon(between(100, 1_500))


def until_one_more(world: SimWorld, clients: list[Client]) -> None:
    """Commits go on."""
    before = sum(len(client.acknowledged) for client in clients)
    world.until(lambda: sum(len(c.acknowledged) for c in clients) > before, 60_000, "commits go on")


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_every_acknowledged_commit_survives_the_dc(kills: int) -> None:
    """Writes are slow, so that every kill finds some that are not on the platters."""
    world = settled(3, faults=Faults(disk_latency_max_ms=40, loss=0.01, latency_max_ms=10))
    world.checkers.excused.update(world.names)
    clients = [Client(world, f"client{number}") for number in range(CLIENTS)]
    for _ in range(kills):
        world.until(lambda: len(world.dcs()) == 1, 60_000, "a DC")
        until_one_more(world, clients)
        world.run(world.timeline.between(0, 300))
        if len(world.dcs()) == 1:
            kill(world)
    for client in clients:
        client.is_on = False
    shown = finish(world, within_ms=90_000)
    for client in clients:
        assert client.acknowledged == sorted(client.acknowledged)
        assert len(set(client.acknowledged)) == len(client.acknowledged)
        found = shown.cib.find(client.name)
        assert isinstance(found, Properties)
        assert int(found.set.pairs[0].value or 0) >= len(client.acknowledged)
    assert sum(len(client.acknowledged) for client in clients) > 2 * kills
