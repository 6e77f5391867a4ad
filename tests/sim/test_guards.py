"""Every guard of the core is needed: without it the simulator finds the damage, by a seed that is known."""

from __future__ import annotations

from typing import Final

import pytest

from tests.sim.configuration import with_attribute
from tests.sim.guards import REPLACED, Guard, without
from tests.sim.modes import Mode
from tests.sim.runs import run_seed
from tests.sim.scenario import pair, settled
from tests.sim.violation import Violation
from tests.sim.world import SimWorld


FOUND_BY: Final[dict[Guard, tuple[int, int, Mode, str]]] = {
    Guard.VOTE_PERSISTENCE: (34, 2, Mode.PLAIN, "are both DC"),
    Guard.EPOCH_CHECK: (14, 4, Mode.SHRINKING, "its disk promises"),
    Guard.FENCE_BEFORE_TAKEOVER: (1, 3, Mode.PLAIN, "which is active on"),
    Guard.QUORUM_GATE: (1, 5, Mode.PLAIN, "with copies on"),
    Guard.PERSIST_BEFORE_ACK: (1, 5, Mode.PLAIN, "with copies on"),
    Guard.MESSAGE_DEADLINE: (84, 4, Mode.PLAIN, "ms ago"),
    Guard.DISK_MEMORY: (30, 4, Mode.DISK, "had been acknowledged"),
    Guard.DISK_PROMISE: (172, 2, Mode.DISK, "are both DC with number"),
}
"""Seed, size and mode that find it, and words of what they find. Another: `python -m tests.sim --without GUARD`."""


@pytest.mark.slow
@pytest.mark.parametrize("guard", FOUND_BY)
def test_without_a_guard_it_is_found(guard: Guard) -> None:
    """A known seed finds that it is missing, and holds with it."""
    seed, nodes, mode, words = FOUND_BY[guard]
    found = run_seed(seed, nodes, mode, guard=guard, has_reforms=False)
    assert words in found.failure, (
        found.failure or f"nothing found: python -m tests.sim --seeds 500 --without {guard.value}"
    )
    assert not run_seed(seed, nodes, mode, has_reforms=False).failure


LATE_MS: Final = 2_200
"""Later than orders are obeyed, and not so late that messages count as standing still."""


def order_late(world: SimWorld) -> None:
    """A DC's orders to a member take long, and everything is to run there."""
    dc, member = pair(world)
    world.network.lag((world.host(dc).name, world.host(member).name), LATE_MS)
    world.committed(dc, *(with_attribute(world.known_cib, n, "standby", "on") for n in world.names if n != member))
    world.run(15_000)


def test_late_orders_are_obeyed_without_the_deadline() -> None:
    """Other guards refuse nearly all of them, so that a script has to show what this one is for."""
    order_late(settled(3))
    with without(Guard.MESSAGE_DEADLINE), pytest.raises(Violation, match="ms ago"):
        order_late(settled(3))


@pytest.mark.parametrize("guard", Guard)
def test_a_guard_is_back_afterwards(guard: Guard) -> None:
    """What is taken out for a run is out, and back when it ended."""
    before = [owner.__dict__[name] for owner, name, _ in REPLACED[guard]]
    with without(guard):
        assert [owner.__dict__[name] for owner, name, _ in REPLACED[guard]] != before
    assert [owner.__dict__[name] for owner, name, _ in REPLACED[guard]] == before
