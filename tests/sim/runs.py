"""One seeded run: boot, configure, disturb under load, heal, converge."""

from __future__ import annotations

import signal
import traceback
from time import process_time
from types import FrameType
from typing import Final

import msgspec

from hashelld.model.ids import Millis
from hashelld.wire.client import Committed
from tests.sim.clients import Commission, Workload
from tests.sim.configuration import configuration
from tests.sim.convergence import calm, converge
from tests.sim.faults import random_faults
from tests.sim.guards import Guard, without
from tests.sim.modes import Mode, is_fenced, is_reformed
from tests.sim.nemesis import Nemesis
from tests.sim.reforms import Reformer
from tests.sim.shrink import Diet
from tests.sim.violation import Violation
from tests.sim.world import SimWorld


SETTLE_MS: Final = 40_000
CONVERGE_MS: Final = 90_000
DISTURBED_MS: Final = 40_000
TRACE_LINES: Final = 60
CPU_MAX_S: Final = 10
EVERYTHING: Final = Diet()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a seed gave; `failure` is empty when every invariant held."""

    seed: int
    nodes: int
    mode: Mode
    steps: int
    trace_hash: int
    virtual_ms: Millis
    cpu_s: float
    failure: str = ""
    trace: str = ""
    commits: int = 0
    fencings: int = 0
    deeds: tuple[tuple[int, Millis, str], ...] = ()
    """Number, moment and name of every disturbance."""


def make_world(
    seed: int, nodes: int, mode: Mode = Mode.PLAIN, *, diet: Diet = EVERYTHING, verbose: bool = False
) -> SimWorld:
    """The world of a seed: its faults are drawn from the seed too."""
    draw = (seed * 2_654_435_761 % 1_000) / 1_000
    faults = diet.eaten_by(random_faults(draw))
    return SimWorld(nodes, seed, faults, mode=mode, stonith=is_fenced(seed, mode), verbose=verbose)


def run_seed(
    seed: int,
    nodes: int,
    mode: Mode = Mode.PLAIN,
    *,
    guard: Guard | None = None,
    has_reforms: bool | None = None,
    disturbed_ms: Millis = DISTURBED_MS,
    is_hostile: bool = False,
    diet: Diet = EVERYTHING,
    verbose: bool = False,
) -> Verdict:
    """Run it, perhaps without one of the core's guards, or with a hostile member; failures are in the verdict.

    In half of the seeds somebody changes the electorate all the time, unless it is said; in none with a hostile member.
    """
    began = process_time()
    world = make_world(seed, nodes, mode, diet=diet, verbose=verbose)
    failure = trace = ""
    deeds: list[tuple[int, Millis, str]] = []
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, CPU_MAX_S)
    try:
        with without(guard):
            has_reforms = is_reformed(seed) and not is_hostile if has_reforms is None else has_reforms
            left_out = diet.deeds
            _play(world, disturbed_ms, deeds, left_out=left_out, has_reforms=has_reforms, is_hostile=is_hostile)
    except (Violation, AssertionError) as violation:
        failure = f"{type(violation).__name__}: {violation}"
        trace = world.timeline.tail(TRACE_LINES)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Verdict(
        seed=seed,
        nodes=nodes,
        mode=mode,
        steps=world.timeline.steps,
        trace_hash=world.timeline.trace_hash,
        virtual_ms=world.timeline.now,
        cpu_s=process_time() - began,
        failure=failure,
        trace=trace,
        commits=len(world.checkers.commits),
        fencings=len(world.checkers.fencings),
        deeds=tuple(deeds),
    )


def _too_long(number: int, frame: FrameType | None) -> None:
    del number
    where = "".join(traceback.format_stack(frame)[-8:])
    raise Violation(0, f"a run takes more than {CPU_MAX_S} s of CPU: something spins\n{where}")


def _play(
    world: SimWorld,
    disturbed_ms: Millis,
    deeds: list[tuple[int, Millis, str]],
    *,
    left_out: frozenset[int] = frozenset(),
    has_reforms: bool = False,
    is_hostile: bool = False,
) -> None:
    world.boot()
    configure(world)
    if is_hostile:
        world.turn_hostile(world.timeline.random.choice(world.names))
    workload, nemesis = Workload(world, every_ms=500), Nemesis(world)
    nemesis.left_out, nemesis.drawn = left_out, deeds
    reformer = Reformer(world) if has_reforms else None
    world.run(disturbed_ms)
    if reformer is not None:
        reformer.stop()
    nemesis.stop()
    workload.stop()
    calm(world)
    converge(world, CONVERGE_MS, tidy=True)


def configure(world: SimWorld, *, device_agent: str = "fence_sim") -> None:
    """Commit the configuration that every run uses, and wait until it runs."""
    edits = configuration(
        world.names,
        stonith=world.has_stonith,
        device_agent=device_agent,
        watchdogs=world.watchdog is not None,
    )
    first = Commission(world, "configuration", edits)
    end = world.timeline.now + SETTLE_MS
    while first.outcome is None and not first.is_given_up and world.timeline.now < end:
        world.run(100)
    if not isinstance(first.outcome, Committed):
        raise Violation(7, f"the first commit was answered {first.outcome}")
