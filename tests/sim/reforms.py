"""People who change the electorate of a simulated cluster at random: votes, modes, and who belongs to it at all."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from hashelld.cib.edit import Delete, Put
from hashelld.core.events import Terminate
from hashelld.model.ids import Millis, NodeId
from hashelld.model.node import Node
from hashelld.wire.client import ChangeQuorum
from hashelld.wire.log import HIGHEST, LOWEST
from tests.sim.clients import Commission
from tests.sim.modes import WINDOW_MS


if TYPE_CHECKING:
    from tests.sim.world import SimWorld

EVERY_MS: Final[Millis] = 4_000


class Reformer:
    """Asks for one change after another, whatever is going on; it has dice of its own."""

    def __init__(self, world: SimWorld) -> None:
        self._world = world
        self._random = Random(world.timeline.random.getrandbits(32))
        self._count = 0
        self._out: NodeId | None = None
        self.is_on = True
        self._deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (4, self._votes),
            (2, self._tie_breaker),
            (1, self._wait_for_all),
            (2, self._last_man_standing),
            (3, self._two_node if len(world.names) == 2 and world.has_stonith else self._votes),
            (3, self._take_out),
        )
        self._plan()

    def stop(self) -> None:
        """No further changes."""
        self.is_on = False

    def _plan(self) -> None:
        self._world.timeline.after(self._random.randint(1, 2 * EVERY_MS), self._act)

    def _act(self) -> None:
        if not self.is_on:
            return
        self._random.choices(self._deeds, [weight for weight, _ in self._deeds])[0][1]()
        self._plan()

    def _ask(self, wish: ChangeQuorum) -> None:
        running = self._world.running()
        if running:
            self._world.ask(self._random.choice(running), wish)

    def _name(self) -> NodeId:
        return self._random.choice(self._world.names)

    def _votes(self) -> None:
        self._ask(ChangeQuorum(votes={self._name(): self._random.choice((0, 1, 1, 2, 3))}))

    def _tie_breaker(self) -> None:
        self._ask(ChangeQuorum(tie_order=self._random.choice(((), (LOWEST,), (HIGHEST,), (self._name(),)))))

    def _wait_for_all(self) -> None:
        self._ask(ChangeQuorum(wait_for_all=self._random.random() < 0.5))

    def _last_man_standing(self) -> None:
        is_on = self._random.random() < 0.5
        self._ask(ChangeQuorum(last_man_standing=is_on, last_man_standing_window_ms=WINDOW_MS if is_on else None))

    def _two_node(self) -> None:
        is_on = self._random.random() < 0.6
        if is_on:
            self._ask(ChangeQuorum(tie_order=(), last_man_standing=False, votes=dict.fromkeys(self._world.names, 1)))
        self._ask(ChangeQuorum(two_node=is_on))

    def _take_out(self) -> None:
        """A node leaves, is deleted from the configuration, and comes back to be configured again."""
        if self._out is not None:
            return
        world = self._world
        self._out = self._random.choice([name for name in world.names if name != world.arbiter])
        host = world.hosts[self._out]
        world.timeline.record(host.name, "is to be taken out")
        host.is_wanted = False
        if host.daemon is not None:
            host.daemon.take(Terminate())
        world.timeline.after(self._random.randint(1_000, 8_000), self._delete)

    def _delete(self) -> None:
        if self.is_on and self._out is not None:
            self._count += 1
            Commission(self._world, f"out{self._count}", (Delete(f"node:{self._out}"),))
        self._world.timeline.after(self._random.randint(500, 9_000), self._bring_in)

    def _bring_in(self) -> None:
        name, self._out = self._out, None
        if name is None:
            return
        host = self._world.hosts[name]
        host.is_wanted = True
        host.boot()
        host.start_daemon()
        Commission(self._world, f"in{self._count}", (Put(Node(id=name)),))
