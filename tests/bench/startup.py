"""What a one-shot command costs, paired with crmsh: `python -m tests.bench.startup [--runs N]`.

Both read the same configuration file; processor seconds (user and system, children included) are taken in turns, so
that a busy machine weighs on both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.e2e.harness import environment


CONFIGURATION = """\
primitive vip ocf:heartbeat:IPaddr2 params ip=10.0.0.9 cidr_netmask=24 op monitor interval=10s timeout=20s
primitive web ocf:heartbeat:apache op monitor interval=10s timeout=20s
group www vip web
property stonith-enabled=false
"""


class Pairing(msgspec.Struct, frozen=True):
    """The same wish in both shells."""

    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


PAIRINGS = (
    Pairing("version", ("--version",), ("--version",)),
    Pairing("help", ("help",), ("help",)),
    Pairing("configure show", ("configure", "show"), ("configure", "show")),
    Pairing("configure show ID", ("configure", "show", "vip"), ("configure", "show", "vip")),
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.startup", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args(argv)
    crm = shutil.which("crm", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if crm is None:
        print("needs crm: apt-get install crmsh", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as folder:
        cib = Path(folder) / "cib.xml"
        hashell = (sys.executable, "-m", "hashell", "--cib", str(cib))
        run((*hashell, "configure", "load", "replace", "-"), CONFIGURATION, {})
        print("command".ljust(20) + "hashell s".rjust(12) + "crmsh s".rjust(12) + "ratio".rjust(8))
        for pairing in PAIRINGS:
            ours, theirs = [], []
            for _ in range(options.runs):
                ours.append(run((*hashell, *pairing.ours), "", {}))
                theirs.append(run((crm, *pairing.theirs), "", {"CIB_file": str(cib)}))
            mine, other = statistics.median(ours), statistics.median(theirs)
            print(f"{pairing.name:<20}{mine:12.3f}{other:12.3f}{other / mine:8.1f}")
    print(f"processor seconds, medians of {options.runs}; ratio: crmsh over hashell")
    return 0


def run(command: tuple[str, ...], text: str, more: dict[str, str]) -> float:
    """Processor seconds of one run; it must succeed."""
    before = os.times()
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env=environment(**more), timeout=60
    )
    after = os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return after.children_user - before.children_user + after.children_system - before.children_system


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
