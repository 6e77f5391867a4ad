"""How every scripted scenario begins and ends, and the words that scripts are written in."""

from __future__ import annotations

from hashelld.core.events import Terminate
from hashelld.core.settings import Watchdog
from hashelld.model.ids import Millis
from hashelld.wire.client import CibIs, Committed, FenceNode, GetCib, GetStatus, StatusIs
from hashelld.wire.log import Confirmation
from tests.sim.clients import Asked
from tests.sim.configuration import mark
from tests.sim.convergence import calm, converge
from tests.sim.faults import NO_FAULTS, Faults
from tests.sim.modes import Mode
from tests.sim.runs import configure
from tests.sim.world import SimWorld


START_MS: Millis = 40_000
END_MS: Millis = 60_000


def settled(
    nodes: int,
    *,
    seed: int = 1,
    faults: Faults = NO_FAULTS,
    stonith: bool = True,
    mode: Mode = Mode.PLAIN,
    founders: int | None = None,
    device_agent: str = "fence_sim",
    watchdog: Watchdog | None = None,
) -> SimWorld:
    """A cluster that is founded, configured, and has nothing left to do; of two nodes it is `two_node`.

    With `founders` the machines after the first ones are no part of it, and are off.
    """
    world = SimWorld(nodes, seed, faults, mode=mode, stonith=stonith, watchdog=watchdog, founders=founders)
    world.boot()
    configure(world, device_agent=device_agent)
    converge(world, START_MS)
    return world


def finish(world: SimWorld, *, within_ms: Millis = END_MS, tidy: bool = True) -> CibIs:
    """Heal everything; one DC, equal digests, nothing to plan, every resource once. The document that all show."""
    calm(world)
    return converge(world, within_ms, tidy=tidy)


def other(world: SimWorld, *names: str) -> str:
    """The first machine that is none of these."""
    return next(name for name in world.names if name not in names)


def pair(world: SimWorld) -> tuple[str, str]:
    """The DC and one that is not."""
    dc = world.dc()
    return dc, other(world, dc)


def is_alone(world: SimWorld, name: str) -> bool:
    """Is this node a DC whose log says that it votes alone?"""
    electorate = world.host(name).disk.content.electorate
    return name in world.dcs() and electorate is not None and list(electorate.votes) == [name]


def stand_alone(world: SimWorld, name: str, within_ms: Millis = 30_000) -> None:
    """Wait until a node of a pair has claimed."""
    world.until(lambda: is_alone(world, name), within_ms, f"{name} stands alone")


def ids_of(shown: CibIs) -> set[str]:
    """Every object of a document."""
    return {found.id for found in shown.cib.objects}


def shown_by(world: SimWorld, name: str) -> CibIs:
    """The document that a node shows."""
    answer = world.answer(name, GetCib())
    assert isinstance(answer, CibIs), answer
    return answer


def status_of(world: SimWorld, name: str) -> StatusIs:
    """What a node says of the cluster."""
    answer = world.answer(name, GetStatus())
    assert isinstance(answer, StatusIs), answer
    return answer


def confirm_off(world: SimWorld, by: str, target: str) -> Asked:
    """The administrator vouches that a machine is off."""
    world.checkers.excused.add(world.host(target).name)
    return world.ask(by, FenceNode(node=world.host(target).name, confirm=True))


def leave(world: SimWorld, name: str, within_ms: Millis = 30_000) -> None:
    """SIGTERM, and wait for the end."""
    world.daemon(name).take(Terminate())
    world.until(lambda: world.host(name).daemon is None, within_ms, f"{name} leaves")


def mark_commit(world: SimWorld, by: str, name: str) -> Asked:
    """Send a commit that leaves a mark."""
    return world.commit(by, mark(name), commit=name)


def was_acknowledged(asked: Asked) -> bool:
    """Did the shell hear that its commit is safe?"""
    return isinstance(asked.answer, Committed)


def shots(world: SimWorld, since_ms: Millis = 0) -> list[tuple[str, str]]:
    """(by, target) of every call of a fencing device since then."""
    return [(by, target) for at, by, target, _ in world.checkers.fencings if at >= since_ms]


def starts(world: SimWorld, instance: str, since_ms: Millis) -> list[str]:
    """Where an instance was started since then."""
    return [
        where for at, where, what, op in world.checkers.starts if at >= since_ms and what == instance and op == "start"
    ]


def confirmations(world: SimWorld, name: str) -> list[Confirmation]:
    """The confirmations in a node's log."""
    entries = world.host(name).disk.content.entries
    return [entry.change for entry in entries if isinstance(entry.change, Confirmation)]
