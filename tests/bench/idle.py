"""What it costs to do nothing: `python -m tests.bench.idle [--seconds N]`, processor and memory of three daemons."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.e2e.harness import LoopbackCluster
from tests.e2e.waiting import let_pass


SETTLE_S = 5.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as folder, LoopbackCluster(Path(folder)) as cluster:
        cluster.start()
        let_pass(SETTLE_S)
        before = {name: cpu_seconds(daemon.pid) for name, daemon in cluster.daemons.items()}
        let_pass(options.seconds)
        print("node".ljust(10) + "CPU %".rjust(10) + "RSS MiB".rjust(10) + "PSS MiB".rjust(10))
        for name, daemon in cluster.daemons.items():
            percent = 100 * (cpu_seconds(daemon.pid) - before[name]) / options.seconds
            print(
                f"{name:<10}{percent:10.2f}{memory_mib(daemon.pid, 'Rss'):10.1f}{memory_mib(daemon.pid, 'Pss'):10.1f}"
            )
    print(f"over {options.seconds:g} s, of one processor; keepalive 100 ms")
    return 0


def cpu_seconds(pid: int) -> float:
    """Of all threads and reaped children, to the nanosecond for threads."""
    threads = sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return threads + (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND


def memory_mib(pid: int, kind: str) -> float:
    """`Rss`, or `Pss`, which shares common pages out."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
