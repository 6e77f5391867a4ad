"""The simulator itself, a few seeds, and every seed that failed once (`seeds.txt`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.modes import SIZES, Mode
from tests.sim.runs import run_seed


HERE = Path(__file__).parent


def pinned() -> list[tuple[int, int, Mode]]:
    """Lines `SEED NODES [MODE]`, with a remark behind `#`."""
    lines = (line.split("#")[0].split() for line in (HERE / "seeds.txt").read_text().splitlines())
    return [(int(words[0]), int(words[1]), Mode((*words, Mode.PLAIN)[2])) for words in lines if words]


def check(seed: int, nodes: int, mode: Mode = Mode.PLAIN, *, has_reforms: bool | None = None) -> None:
    verdict = run_seed(seed, nodes, mode, has_reforms=has_reforms)
    flags = " --no-reforms" if has_reforms is False else ""
    replay = f"python -m tests.sim --seed {seed} --nodes {nodes} --mode {mode.value}{flags}"
    assert not verdict.failure, f"{replay}\n{verdict.trace}\n{verdict.failure}"


@pytest.mark.parametrize(("seed", "nodes"), [(seed, nodes) for seed in (1, 2, 3) for nodes in (2, 3, 5)])
def test_seeds(seed: int, nodes: int) -> None:
    check(seed, nodes)


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(1001, 1051))
def test_more_seeds(seed: int, nodes: int) -> None:
    check(seed, nodes)


@pytest.mark.parametrize(("seed", "nodes", "mode"), pinned())
def test_pinned_seeds(seed: int, nodes: int, mode: Mode) -> None:
    check(seed, nodes, mode, has_reforms=False)


@pytest.mark.parametrize(("nodes", "mode"), [(2 + at % 4, mode) for at, mode in enumerate(Mode)])
def test_reforms(nodes: int, mode: Mode) -> None:
    check(3, nodes, mode, has_reforms=True)


@pytest.mark.parametrize(("nodes", "mode"), [(2 + at % 4, mode) for at, mode in enumerate(Mode)])
def test_modes(nodes: int, mode: Mode) -> None:
    check(1, nodes, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("nodes", SIZES)
@pytest.mark.parametrize("seed", [2001, 2030])
def test_more_modes(seed: int, nodes: int, mode: Mode) -> None:
    check(seed, nodes, mode)


def test_same_seed_same_trace() -> None:
    first, second = run_seed(7, 3, disturbed_ms=10_000), run_seed(7, 3, disturbed_ms=10_000)
    assert (first.trace_hash, first.steps) == (second.trace_hash, second.steps)
    assert run_seed(8, 3, disturbed_ms=10_000).trace_hash != first.trace_hash


def test_hash_order_is_no_chance() -> None:
    """Nothing in the core may depend on the order of a set of names: it would not replay."""
    traces = {
        subprocess.run(
            [sys.executable, "-m", "tests.sim", "--seed", "3", "--nodes", "3"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=HERE.parent.parent,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split(", ")[0]
        for hash_seed in ("1", "2")
    }
    assert len(traces) == 1, traces
