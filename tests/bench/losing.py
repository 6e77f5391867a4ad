"""Does loss look like death? `python -m tests.bench.losing [--minutes M] [--loss SHARE]`, as root.

Three hosts with controllers, at default timers; their switch loses a share of all frames between them and delays the
others unevenly. Nothing else happens: every fencing, change of the DC, loss and move is a false one. Exit 1 if any.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.e2e.bmc import Bmcs
from tests.e2e.frames import CLEAR, Way
from tests.e2e.netns import Probe, Watch
from tests.e2e.switched import SwitchedNetwork
from tests.e2e.test_fencing import SERVICE, THREE, Fenced
from tests.e2e.waiting import let_pass


DELAY_S, JITTER_S = 0.02, 0.01


class Alarms(msgspec.Struct, frozen=True):
    """What happened that should not."""

    fencings: int
    offices: int
    """Nodes that became DC."""
    losses: int
    """Nodes that another one called lost."""
    moves: int
    """Changes of who holds the address."""

    @property
    def is_any(self) -> bool:
        return any(msgspec.structs.astuple(self))


def measure(cluster: Fenced, network: SwitchedNetwork, way: Way, span_s: float) -> tuple[Alarms, float]:
    """Let frames between the hosts go this way for so long; the alarms, and the longest wait of a client (seconds)."""
    with Probe(network) as probe, Watch(network) as watch:
        cluster.await_answer(probe, "node1")
        marks = {name: len(log_of(cluster, name)) for name in network.hosts}
        at = time.monotonic()
        network.set_way_between(way)
        let_pass(span_s)
        network.set_way_between(CLEAR)
        told = "".join(log_of(cluster, name)[marks[name] :] for name in network.hosts)
        alarms = Alarms(
            len(cluster.fencings("node1")),
            told.count("event=dc.elected"),
            told.count("event=peer.lost"),
            len(watch.changes),
        )
        return alarms, probe.outage(at)


def log_of(cluster: Fenced, name: str) -> str:
    return cluster.network[name].path("/var/lib/hashell/log").read_text(errors="replace")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.losing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--loss", type=float, default=0.3, help="share of frames, each way (default: 0.3)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    if os.geteuid():
        print("needs root: it makes network namespaces", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as name:
        folder = Path(name)
        with SwitchedNetwork(folder / "net", THREE, options.seed) as network, Bmcs(network, folder / "power") as bmcs:
            cluster = Fenced(network, bmcs)
            cluster.found()
            cluster.start(SERVICE + bmcs.devices(power_wait="0"))
            way = Way(loss=options.loss, delay=DELAY_S, jitter=JITTER_S)
            alarms, outage = measure(cluster, network, way, options.minutes * 60.0)
    print(
        f"{options.loss:.0%} loss each way, {DELAY_S * 1000:g} ms +- {JITTER_S * 1000:g} ms, {options.minutes:g} min:"
    )
    print(f"{alarms}; a client waited {outage:.2f} s at most")
    return int(alarms.is_any)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
