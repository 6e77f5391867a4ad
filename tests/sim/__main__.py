"""`python -m tests.sim --seed N [--seeds K] [--minutes M] [--nodes 3,5]`: run seeds, print those that fail."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from time import monotonic

from tests.sim.runs import Verdict, run_seed


PROCESSES = 2


def main(argv: list[str]) -> int:
    """Exit code 1 when any seed fails."""
    options = _options(argv)
    sizes = [int(size) for size in options.nodes.split(",")]
    jobs: Iterator[tuple[int, int]] = ((seed, size) for seed in count(options.seed) for size in sizes)
    if options.minutes is None:
        jobs = islice(jobs, options.seeds * len(sizes))
    end = monotonic() + 60 * options.minutes if options.minutes is not None else None
    is_single = options.minutes is None and options.seeds * len(sizes) == 1
    failed = total = 0
    cpu_s = 0.0
    verdicts = _one_by_one(jobs, verbose=options.verbose) if is_single or options.verbose else _pooled(jobs, end)
    for verdict in verdicts:
        total += 1
        cpu_s += verdict.cpu_s
        failed += bool(verdict.failure)
        _show(verdict, detailed=is_single or options.trace)
        if sys.stderr.isatty():
            print(f"\r{total} runs, {failed} failed, {cpu_s:.0f} s of CPU", end="", file=sys.stderr)
    print(f"{total} runs, {failed} failed, {cpu_s:.1f} s of CPU")
    return 1 if failed else 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="The whole-cluster simulator.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after another")
    parser.add_argument("--minutes", type=float, help="go on for so long instead")
    parser.add_argument("--nodes", default="3,5", help="sizes of the clusters that each seed is run with (default 3,5)")
    parser.add_argument("--verbose", action="store_true", help="print everything that happens")
    parser.add_argument("--trace", action="store_true", help="print the end of the trace of every failing run")
    return parser.parse_args(argv)


def _one_by_one(jobs: Iterator[tuple[int, int]], *, verbose: bool) -> Iterator[Verdict]:
    for seed, nodes in jobs:
        yield run_seed(seed, nodes, verbose=verbose)


def _pooled(jobs: Iterator[tuple[int, int]], end: float | None) -> Iterator[Verdict]:
    with ProcessPoolExecutor(PROCESSES) as pool:
        waiting = [pool.submit(run_seed, *job) for job in islice(jobs, 2 * PROCESSES)]
        while waiting:
            yield waiting.pop(0).result()
            if end is None or monotonic() < end:
                waiting.extend(pool.submit(run_seed, *job) for job in islice(jobs, 1))


def _show(verdict: Verdict, *, detailed: bool) -> None:
    name = f"seed {verdict.seed} nodes {verdict.nodes}"
    if verdict.failure:
        print(f"FAILED {name}: {verdict.failure.splitlines()[0]}")
        print(f"  replay: python -m tests.sim --seed {verdict.seed} --nodes {verdict.nodes}")
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
