"""A member that holds the key and says what is wrong: the invariants hold, and once it is quiet all is well again."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from hashelld.core.peers import NUMBER_AHEAD_MAX
from hashelld.model.ids import NUMBER_MAX, Epoch, NodeId
from hashelld.wire.codec import ProtocolError, decode_envelope, encode_envelope
from hashelld.wire.peer import Envelope, Handover, LeaveGranted, PreVoteAnswer, Refusal
from tests.sim.modes import SIZES, Mode
from tests.sim.runs import run_seed
from tests.sim.scenario import finish, pair, settled, starts
from tests.sim.world import SimWorld


NAMES: Final = ("alpha", "beta", "gamma", "service", "disk")


def check(seed: int, nodes: int, mode: Mode) -> None:
    verdict = run_seed(seed, nodes, mode, is_hostile=True)
    replay = f"python -m tests.sim --seed {seed} --nodes {nodes} --mode {mode.value} --hostile"
    assert not verdict.failure, f"{replay}\n{verdict.trace}\n{verdict.failure}"


@pytest.mark.parametrize(("nodes", "mode"), [(2 + at % 4, mode) for at, mode in enumerate(Mode)])
def test_modes(nodes: int, mode: Mode) -> None:
    check(1, nodes, mode)


@pytest.mark.parametrize(("seed", "nodes"), [(3, 5), (4, 2), (6, 4), (32, 2), (47, 5)])
def test_seeds(seed: int, nodes: int) -> None:
    check(seed, nodes, tuple(Mode)[seed // len(SIZES) % len(Mode)])


@pytest.mark.slow
@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.parametrize("seed", range(4001, 4006))
def test_more_seeds(seed: int, nodes: int) -> None:
    check(seed, nodes, Mode.PLAIN)


def test_lies_are_told() -> None:
    """The others hear them, or their codec refuses them."""
    world = settled(3)
    world.turn_hostile(world.dc())
    world.run(60_000)
    assert world.hostile is not None
    assert world.hostile.said > 5
    assert world.hostile.refused > 0
    finish(world)


def tell(world: SimWorld, liar: str, receiver: str, body: object, epoch: Epoch | None = None) -> None:
    """Replace what a node sends to another by this, until something was sent."""

    def say(envelope: Envelope) -> list[Envelope]:
        if envelope.receiver != receiver:
            return [envelope]
        del world.network.tongues[NodeId(liar)]
        return [replace(envelope, body=body, epoch=epoch or envelope.epoch)]

    world.network.tongues[NodeId(liar)] = say
    world.until(lambda: NodeId(liar) not in world.network.tongues, 10_000, f"{liar} says something")
    world.run(200)


def test_numbers_do_not_run_out() -> None:
    """Whoever names a number that no cluster reaches is not believed: there is always a next one."""
    world = settled(3)
    dc, liar = pair(world)
    for body in (PreVoteAnswer(1, granted=False, promised=NUMBER_MAX), Refusal("older epoch")):
        tell(world, liar, dc, body, Epoch(NUMBER_MAX, NodeId(liar)))
    world.host(dc).crash_daemon(2_000)
    finish(world)
    assert all(host.disk.content.promised < NUMBER_AHEAD_MAX for host in world.hosts.values())


def test_numbers_have_bounds() -> None:
    """What no store could hold is no message."""
    world = settled(2)
    seen: list[Envelope] = []
    world.network.ears.append(seen.append)
    world.until(lambda: bool(seen), 5_000, "a message")
    for number in (-1, NUMBER_MAX + 1):
        with pytest.raises(ProtocolError):
            decode_envelope(encode_envelope(replace(seen[0], epoch=Epoch(number, NodeId("n1")))))
    assert decode_envelope(encode_envelope(seen[0])) == seen[0]


@pytest.mark.parametrize("body", [Handover(), LeaveGranted(is_running=True)])
def test_only_a_dc_gives_an_office_away(body: object) -> None:
    """A member that grants what only the DC can: nobody stands, nobody ends, nothing moves."""
    world = settled(3)
    dc, liar = pair(world)
    began, promised = world.timeline.now, world.host(dc).disk.content.promised
    tell(world, liar, dc, body)
    world.run(5_000)
    assert world.dc() == dc
    assert world.host(dc).disk.content.promised == promised
    assert not any(starts(world, name, began) for name in NAMES)
    finish(world)
