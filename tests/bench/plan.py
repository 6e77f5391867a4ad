"""What it costs to plan, paired with Pacemaker's scheduler: `python -m tests.bench.plan [--runs N]`.

Both read the same files; processor seconds are taken in turns, so that a busy machine weighs on both. The peer only
determines its response (`crm_simulate --run`): carrying the actions out in memory would be most of its time.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from hashelld.cib.view import ClusterView
from hashelld.cib.xml.status import read_view
from hashelld.policy.plan import plan
from tests.bench.cibs import AT_S, Size, cib_xml


PEER_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
PEER_BUDGET_S = 20.0
"""The peer is not asked again about a cluster that has cost it so much."""
EXPONENT_MAX = 1.3
NODES = 32


class Scenario(msgspec.Struct, frozen=True):
    """A cluster to plan for, and how many processor seconds that may take."""

    name: str
    size: Size
    is_settled: bool
    limit_s: float = math.inf


SCENARIOS = (
    Scenario("32 nodes x 1000, cold", Size(NODES, 1000, 5), is_settled=False, limit_s=1.5),
    Scenario("32 nodes x 1000, steady", Size(NODES, 1000, 5), is_settled=True, limit_s=0.6),
    Scenario("2 nodes x 100, cold", Size(2, 100, 1), is_settled=False, limit_s=0.030),
    Scenario("2 nodes x 100, steady", Size(2, 100, 1), is_settled=True, limit_s=0.030),
    Scenario("2 x 1000 in a chain, cold", Size(2, 1000, 1, is_chained=True), is_settled=False, limit_s=0.3),
)
GROWTH = tuple(Scenario(f"32 nodes x {count}", Size(NODES, count, 5), is_settled=False) for count in (500, 1000, 2000))


class Times:
    """Processor seconds of one scenario, a number for each run."""

    __slots__ = ("peer", "plan", "whole")

    def __init__(self) -> None:
        self.plan: list[float] = []
        self.whole: list[float] = []
        """Reading included."""
        self.peer: list[float] = []


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plan", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(argv)
    peer = shutil.which("crm_simulate", path=PEER_PATH)
    if peer is None:
        print("no peer: apt-get install pacemaker-cli-utils", file=sys.stderr)
    print("".ljust(26) + "plan s".rjust(9) + "limit".rjust(8) + "read+plan".rjust(11) + "peer s".rjust(9) + "  ratio")
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as folder:
        for scenario in SCENARIOS:
            print_row(scenario, measured(scenario, options.runs, Path(folder), peer))
    print_growth(options.runs)
    print(f"processor seconds, medians of {options.runs}; ratio: crm_simulate --run over read+plan")
    return 0


def measured(scenario: Scenario, runs: int, folder: Path, peer: str | None) -> Times:
    """Both, in turns; in a settled cluster both have to find nothing to do."""
    text = cib_xml(scenario.size, is_settled=scenario.is_settled)
    file = folder / "cib.xml"
    file.write_text(text)
    times = Times()
    for _ in range(runs):
        ours = once(scenario, text)
        times.plan.append(ours[1])
        times.whole.append(sum(ours))
        if peer is not None and sum(times.peer) < PEER_BUDGET_S:
            times.peer.append(peer_once(scenario, peer, file, folder / "graph.xml"))
    return times


def once(scenario: Scenario, text: str) -> tuple[float, float]:
    """Seconds of reading and of planning."""
    view, reading_s = read(text)
    gc.collect()
    began = time.process_time()
    transition = plan(view)
    took = time.process_time() - began
    if scenario.is_settled and transition.actions:
        raise SystemExit(f"{scenario.name}: hashell would do {len(transition.actions)} actions in a settled cluster")
    return reading_s, took


def read(text: str) -> tuple[ClusterView, float]:
    """The cluster, and the seconds that it took to read it."""
    gc.collect()
    began = time.process_time()
    view = read_view(text, AT_S * 1000)
    return view, time.process_time() - began


def peer_once(scenario: Scenario, peer: str, file: Path, graph: Path) -> float:
    """Seconds of one run of crm_simulate."""
    command = (peer, "--quiet", "--run", f"--xml-file={file}", f"--save-graph={graph}")
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr is not None
    with child.stderr:
        said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {child.returncode}\n{said.decode(errors='replace')}")
    if scenario.is_settled and "<synapse" in graph.read_text():
        raise SystemExit(f"{scenario.name}: crm_simulate would act in a settled cluster")
    return usage.ru_utime + usage.ru_stime


def print_row(scenario: Scenario, times: Times) -> None:
    """Medians, whether the limit holds, and how much more the peer took."""
    ours, whole = statistics.median(times.plan), statistics.median(times.whole)
    row = f"{scenario.name:<26}{ours:9.4f}{limit_words(ours, scenario.limit_s):>8}{whole:11.4f}"
    if times.peer:
        theirs = statistics.median(times.peer)
        row += f"{theirs:9.3f}{theirs / whole:7.1f}"
    print(row)


def limit_words(value: float, limit: float) -> str:
    """`<=1.5` where the limit holds, else `>1.5!`."""
    return f"<={limit:g}" if value <= limit else f">{limit:g}!"


def print_growth(runs: int) -> None:
    """How the time of a cold start grows with the number of primitives."""
    medians = []
    for scenario in GROWTH:
        text = cib_xml(scenario.size, is_settled=False)
        medians.append(statistics.median(once(scenario, text)[1] for _ in range(runs)))
    found = exponent([float(scenario.size.primitives) for scenario in GROWTH], medians)
    counts = ", ".join(f"{s.size.primitives}: {median:.3f} s" for s, median in zip(GROWTH, medians, strict=True))
    print(f"growth of cold starts at {NODES} nodes: {counts}; exponent {found:.2f} {limit_words(found, EXPONENT_MAX)}")


def exponent(sizes: list[float], seconds: list[float]) -> float:
    """The slope of a straight line through the logarithms, by least squares."""
    logs = [math.log(size) for size in sizes]
    return statistics.linear_regression(logs, [math.log(second) for second in seconds]).slope


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
