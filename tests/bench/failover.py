"""How long the client goes without an answer: `python -m tests.bench.failover [--runs N]`, as root.

Two hosts in namespaces, a client that asks every 5 ms; each scenario begins when node1 alone serves. Medians are
printed beside those of other clusters.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.peers import NEVER, PEERS, SCENARIOS, SOURCE, UNSEEN
from tests.e2e.netns import Network, Probe, Watch
from tests.e2e.pair import FAST, Pair
from tests.e2e.waiting import TookTooLong, let_pass, wait_until


QUIET_S = 1.0
"""After so long without another gap a scenario is over."""
HTTPD_LIMIT_S = 15.0
HEAL_LIMIT_S = 60.0
GAP_S = 0.03


class Bench:
    """The pair, and the seconds that each scenario took in each run."""

    __slots__ = ("_chance", "_pair", "times")

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._chance = random.Random(os.getpid())
        self.times: dict[str, list[float]] = {scenario: [] for scenario in SCENARIOS}

    def run(self) -> None:
        """All scenarios once, in an order in which each leaves what the next needs."""
        with Probe(self._pair.network) as probe:
            self._crash_and_failback(probe)
            self._handover_and_take_back(probe)
            self._kill_httpd(probe)
            self._split_and_heal(probe)

    def _steady(self, probe: Probe) -> None:
        self._pair.await_steady()
        self._pair.await_answer(probe, "node1")
        let_pass(1.0 + self._chance.random())  # No fixed phase to anybody's timer.

    def _outage(self, probe: Probe, node: str, since: float) -> float:
        self._pair.await_answer(probe, node, since=since)
        wait_until(
            lambda: time.monotonic() > max((gap.ended for gap in probe.gaps), default=since) + QUIET_S,
            HEAL_LIMIT_S,
            "no further gap",
        )
        return probe.outage(since)

    def _crash_and_failback(self, probe: Probe) -> None:
        self._steady(probe)
        self.times["crash"].append(self._outage(probe, "node2", self._pair.network["node1"].cut_power()))
        at = time.monotonic()
        self._pair.return_of("node1")
        self.times["failback"].append(self._outage(probe, "node1", at))

    def _handover_and_take_back(self, probe: Probe) -> None:
        self._steady(probe)
        seer = self._pair.network["node2"]
        at = time.monotonic()
        seer.shell("node", "standby", "node1").ok()
        self.times["handover"].append(self._outage(probe, "node2", at))
        at = time.monotonic()
        seer.shell("node", "online", "node1").ok()
        self.times["take-back"].append(self._outage(probe, "node1", at))

    def _kill_httpd(self, probe: Probe) -> None:
        self._steady(probe)
        at = time.monotonic()
        for pid in self._pair.network["node1"].pids_of("nginx"):
            os.kill(pid, signal.SIGKILL)
        try:
            wait_until(lambda: probe.outage(at) > 0, HTTPD_LIMIT_S, "the client is answered again")
            self.times["httpd killed"].append(probe.outage(at))
        except TookTooLong:
            self.times["httpd killed"].append(NEVER)

    def _split_and_heal(self, probe: Probe) -> None:
        self._steady(probe)
        network = self._pair.network
        with Watch(network) as watch:
            network.cut()
            wait_until(lambda: len(watch.held) == 2, HEAL_LIMIT_S, "both hold the address")
            let_pass(QUIET_S)
            at = network.heal()
            self._pair.await_steady()
            changed = max((when for when, _ in watch.changes if when > at), default=at)
            self.times["heal: one holder"].append(changed - at)
            self.times["heal: outage"].append(probe.outage(at))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.failover", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--monitor", default="1s", help="interval of the resources' monitors")
    options = parser.parse_args(argv)
    if os.geteuid():
        print("needs root: it makes network namespaces", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as folder, Network(Path(folder)) as network:
        pair = Pair(network)
        pair.start(pair.install(timers=FAST, monitor=options.monitor))
        bench = Bench(pair)
        for number in range(1, options.runs + 1):
            bench.run()
            print(f"run {number} of {options.runs}", file=sys.stderr)
    print_table(bench.times, options.runs)
    return 0


def print_table(times: dict[str, list[float]], runs: int) -> None:
    """Peers first, then ours with the range."""
    width = max(map(len, SCENARIOS)) + 2
    print(" " * 20 + "".join(scenario.rjust(width) for scenario in SCENARIOS))
    for peer, medians in PEERS.items():
        print(peer.ljust(20) + "".join(words(seconds).rjust(width) for seconds in medians))
    ours = [times[scenario] for scenario in SCENARIOS]
    print("hashell".ljust(20) + "".join(words(statistics.median(row)).rjust(width) for row in ours))
    print("  from".ljust(20) + "".join(words(min(row)).rjust(width) for row in ours))
    print("  to".ljust(20) + "".join(words(max(row)).rjust(width) for row in ours))
    print(f"seconds; hashell: median of {runs} runs, keepalive 100ms, deadtime 600ms; others: {SOURCE}")


def words(seconds: float) -> str:
    """`1.52`, `never`, or `<0.03` for what cannot be told from scheduling."""
    if seconds == NEVER:
        return "never"
    return f"<{GAP_S}" if seconds <= max(GAP_S, UNSEEN) else f"{seconds:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
