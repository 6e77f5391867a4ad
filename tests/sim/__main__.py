"""Run seeds, tell what fails: `python -m tests.sim --seed N [--seeds K] [--minutes M] [--nodes 3,5] [--mode MODE]`.

With `--shrink` the first seed that fails is made shorter. With `--hostile` a member says what is wrong (hostile.py).
With `--without GUARD` a guard is taken out of the core, and the run ends with the first seed that finds it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count, islice
from time import monotonic

from tests.sim.guards import Guard
from tests.sim.modes import SIZES, Mode, drawn
from tests.sim.runs import Verdict, run_seed
from tests.sim.shrink import shrink, told


PROCESSES = 2
Job = tuple[int, int, Mode]
"""Seed, size and mode."""


def main(argv: list[str]) -> int:
    """Exit code 1 when any seed fails; without a guard, when none does."""
    options = _options(argv)
    jobs: Iterator[Job] = (job for seed in count(options.seed) for job in _jobs(seed, options))
    if options.minutes is None:
        jobs = islice(jobs, options.seeds * len(_jobs(options.seed, options)))
    end = monotonic() + 60 * options.minutes if options.minutes is not None else None
    if options.without is not None:
        return _search(jobs, Guard(options.without), end, verbose=options.verbose)
    if options.shrink:
        return _shrink(jobs, end, is_hostile=options.hostile)
    is_single = options.minutes is None and options.seeds * len(_jobs(options.seed, options)) == 1
    failed = total = 0
    cpu_s = 0.0
    has_reforms = False if options.no_reforms else None
    run = partial(run_seed, has_reforms=has_reforms, is_hostile=options.hostile, verbose=options.verbose)
    verdicts = (run(*job) for job in jobs) if is_single or options.verbose else _pooled(run, jobs, end)
    for verdict in verdicts:
        total += 1
        cpu_s += verdict.cpu_s
        failed += bool(verdict.failure)
        _show(verdict, detailed=is_single or options.trace, is_hostile=options.hostile)
        if sys.stderr.isatty():
            print(f"\r{total} runs, {failed} failed, {cpu_s:.0f} s of CPU", end="", file=sys.stderr)
    print(f"{total} runs, {failed} failed, {cpu_s:.1f} s of CPU")
    return 1 if failed else 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="The whole-cluster simulator.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after another")
    parser.add_argument("--minutes", type=float, help="go on for so long instead")
    parser.add_argument("--nodes", help="sizes of the clusters that each seed is run with, as 3,5; drawn by default")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], help="the quorum mode; drawn by default")
    guards = [guard.value for guard in Guard]
    parser.add_argument("--without", choices=guards, help="take this guard out of the core; ends when that is found")
    parser.add_argument("--shrink", action="store_true", help="look for a shorter failure of the first seed that fails")
    parser.add_argument("--hostile", action="store_true", help="a member says what is wrong")
    parser.add_argument("--no-reforms", action="store_true", help="nobody changes the electorate")
    parser.add_argument("--verbose", action="store_true", help="print everything that happens")
    parser.add_argument("--trace", action="store_true", help="print the end of the trace of every failing run")
    return parser.parse_args(argv)


def _jobs(seed: int, options: argparse.Namespace) -> list[Job]:
    """With sizes given it is plain clusters, unless a mode is given as well."""
    if options.nodes is None and options.mode is None:
        return [(seed, *chosen) for chosen in drawn(seed)]
    sizes = options.nodes or ",".join(map(str, SIZES))
    return [(seed, int(size), Mode(options.mode or Mode.PLAIN)) for size in sizes.split(",")]


def _search(jobs: Iterator[Job], guard: Guard, end: float | None, *, verbose: bool) -> int:
    for total, (seed, nodes, mode) in enumerate(jobs, 1):
        verdict = run_seed(seed, nodes, mode, guard=guard, has_reforms=False, verbose=verbose)
        if verdict.failure:
            print(f"without {guard.value}: found by seed {seed} nodes {nodes} mode {mode.value}, after {total} runs")
            print(verdict.failure)
            return 0
        if end is not None and monotonic() > end:
            break
    print(f"without {guard.value}: not found")
    return 1


def _shrink(jobs: Iterator[Job], end: float | None, *, is_hostile: bool) -> int:
    for seed, nodes, mode in jobs:
        shrunk = shrink(lambda diet, job=(seed, nodes, mode): run_seed(*job, is_hostile=is_hostile, diet=diet))
        if shrunk is not None:
            print(f"seed {seed} nodes {nodes} mode {mode.value} {told(shrunk)}")
            return 1
        if end is not None and monotonic() > end:
            break
    print("nothing fails")
    return 0


def _pooled(run: Callable[..., Verdict], jobs: Iterator[Job], end: float | None) -> Iterator[Verdict]:
    with ProcessPoolExecutor(PROCESSES) as pool:
        waiting = [pool.submit(run, *job) for job in islice(jobs, 2 * PROCESSES)]
        while waiting:
            yield waiting.pop(0).result()
            if end is None or monotonic() < end:
                waiting.extend(pool.submit(run, *job) for job in islice(jobs, 1))


def _show(verdict: Verdict, *, detailed: bool, is_hostile: bool) -> None:
    name = f"seed {verdict.seed} nodes {verdict.nodes} mode {verdict.mode.value}"
    replay = f"--seed {verdict.seed} --nodes {verdict.nodes} --mode {verdict.mode.value}{' --hostile' * is_hostile}"
    if verdict.failure:
        print(f"FAILED {name}: {verdict.failure.splitlines()[0]}")
        print(f"  replay: python -m tests.sim {replay}")
    if detailed:
        if verdict.failure:
            print(verdict.trace)
            print(verdict.failure)
        print(
            f"{name}: trace {verdict.trace_hash:08x}, {verdict.steps} steps, {verdict.virtual_ms / 1000:.0f} virtual s,"
            f" {verdict.cpu_s:.2f} s of CPU, {verdict.commits} commits, {verdict.fencings} calls of fencing devices"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
