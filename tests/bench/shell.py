"""What the shell costs, paired with crmsh 4.4 in one run: `python -m tests.bench.shell [--runs N] [--only WORD]`.

Both read the same configuration file; they are run in turns, so that a busy machine weighs on both. Compared are
medians of processor seconds (user and system, children included), of the prompt of wall-clock seconds. The exit status
is 1 when a line is not met.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from itertools import count
from pathlib import Path

import msgspec
import pexpect

from hashell.client.offline import OfflineClient
from hashell.grammar.complete import complete
from hashell.session import Session
from hashell.terminal.watch import Watch, WatchedScope
from hashelld.wire.client import CibIs, GetCib
from tests.bench.cibs import Size, cib_xml
from tests.e2e.harness import LoopbackCluster, environment


SIZE = Size(nodes=3, primitives=40, grouped=4)
LARGE = Size(nodes=16, primitives=1000, grouped=1)
RESOURCE = "rsc0001"
TAB_MS_MAX, BASH_TAB_MS_MAX, KEY_MS_MAX = 20.0, 60.0, 16.0
KEYS = 60
QUIET_S = 0.5
LIMIT_S = 60.0
ANY_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"


class Pairing(msgspec.Struct, frozen=True):
    """The same wish in both shells, and how much of crmsh's costs ours may have."""

    name: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    ratio_max: float
    ms_max: float | None = None


class Place:
    """The files that both work on, and how each is run."""

    def __init__(self, folder: Path, crm: str) -> None:
        self.folder = folder
        self.crm = crm
        self.cib = folder / "cib.xml"
        self.cib.write_text(cib_xml(SIZE, is_settled=True), encoding="utf-8")
        self.theirs = folder / "theirs.xml"
        shutil.copy(self.cib, self.theirs)
        self._values = count(10)

    def hashell(self, *words: str) -> Callable[[], float]:
        return lambda: cpu_s((*OURS, "--cib", str(self.cib), *words), {})

    def crmsh(self, *words: str) -> Callable[[], float]:
        return lambda: cpu_s((self.crm, *words), {"CIB_file": str(self.theirs)})

    def committing(self, run: Callable[..., Callable[[], float]]) -> Callable[[], float]:
        """One statement, another one each time."""
        return lambda: run("configure", "property", f"batch-limit={next(self._values)}")()

    def pairings(self) -> Iterator[Pairing]:
        """All but what needs a daemon."""
        third = 1 / 3
        yield Pairing("--version", self.hashell("--version"), self.crmsh("--version"), third)
        yield Pairing("status", self.hashell("status"), self.crmsh("status"), third)
        yield Pairing("configure show", self.hashell("configure", "show"), self.crmsh("configure", "show"), third)
        yield Pairing("one-shot commit", self.committing(self.hashell), self.committing(self.crmsh), third)
        yield Pairing("help", self.hashell("help"), self.crmsh("help"), 1 / 20)
        line = f"resource start {RESOURCE[:6]}"
        tab = self.hashell("--names", line)
        yield Pairing("bash TAB, a file", tab, self.compgen(line), 1 / 6, BASH_TAB_MS_MAX)
        yield Pairing(
            "prompt ready (wall)",
            lambda: prompt_s([*OURS, "--cib", str(self.cib)], {}),
            lambda: prompt_s([self.crm], {"CIB_file": str(self.theirs)}),
            1.0,
        )

    def live(self, socket: Path) -> Pairing:
        """A TAB that asks a daemon."""
        line = f"resource start {RESOURCE[:6]}"
        ours = (*OURS, "--socket", str(socket), "--names", line)
        return Pairing("bash TAB, a daemon", lambda: cpu_s(ours, {}), self.compgen(line), 1 / 6, BASH_TAB_MS_MAX)

    def compgen(self, line: str) -> Callable[[], float]:
        """What crmsh's bash completion runs at every TAB."""
        typed = f"crm {line}"
        return self.crmsh("--compgen", str(len(typed)), typed)


OURS = (sys.executable, "-m", "hashell")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.shell", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", default="", help="measure what has this word in its name")
    options = parser.parse_args(argv)
    crm = shutil.which("crm", path=ANY_PATH)
    with tempfile.TemporaryDirectory(prefix="hashell-bench-") as name:
        folder = Path(name)
        is_met = [*in_shell(folder, options.only)]
        if crm is None:
            print("the comparison is skipped, it needs crm: apt-get install crmsh")
        else:
            is_met += compared(Place(folder, crm), options.only, options.runs)
    return 0 if all(is_met) else 1


def compared(place: Place, only: str, runs: int) -> Iterator[bool]:
    """A line for each pairing; is it met?"""
    print(f"{'ms':<22}{'hashell':>9}{'crmsh':>9}{'ratio':>9}{'at most':>9}")
    for pairing in place.pairings():
        if only in pairing.name:
            line, is_met = measured(pairing, runs)
            print(line, flush=True)
            yield is_met
    if only in "bash TAB, a daemon":
        with redirect_stdout(sys.stderr):  # The daemon's log is told at its end.
            line, is_met = asked_of_a_daemon(place, runs)
        print(line, flush=True)
        yield is_met


def asked_of_a_daemon(place: Place, runs: int) -> tuple[str, bool]:
    """The line for a TAB with one running daemon."""
    live = place.folder / "live"
    live.mkdir()
    with LoopbackCluster(live, ("node1",)) as cluster:
        cluster.start()
        cluster["node1"].shell("--yes", "configure", "load", "replace", str(place.cib)).ok()
        return measured(place.live(cluster["node1"].socket), runs)


def measured(pairing: Pairing, runs: int) -> tuple[str, bool]:
    """The line of a pairing, and whether it is met: both run in turns, once before to warm the disk's cache."""
    ours, theirs = [], []
    for at in range(runs + 1):
        mine, other = pairing.ours(), pairing.theirs()
        if at:
            ours.append(mine)
            theirs.append(other)
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = mine / other
    is_met = ratio <= pairing.ratio_max and (pairing.ms_max is None or mine * 1000 <= pairing.ms_max)
    limit = "" if pairing.ms_max is None else f", and {pairing.ms_max:.0f} ms"
    line = f"{pairing.name:<22}{mine * 1000:9.1f}{other * 1000:9.1f}{ratio:9.3f}{pairing.ratio_max:9.3f}{limit}"
    return line + ("" if is_met else "  NOT MET"), is_met


def cpu_s(command: tuple[str, ...], more: dict[str, str]) -> float:
    """Processor seconds of one run; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=installed(more), timeout=LIMIT_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def installed(more: dict[str, str]) -> dict[str, str]:
    """The environment of a program that is not compiled anew at every start, as none is that was installed."""
    return environment(PYTHONDONTWRITEBYTECODE="", **more)


def prompt_s(command: list[str], more: dict[str, str]) -> float:
    """Wall-clock seconds until a prompt is shown."""
    began = time.perf_counter()
    child = spawned(command, more)
    child.expect(r"\)[^#\r\n]*# ")
    span = time.perf_counter() - began
    child.close(force=True)
    return span


def spawned(command: list[str], more: dict[str, str]) -> pexpect.spawn:
    variables = installed({"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **more})
    child = pexpect.spawn(command[0], command[1:], env=variables, dimensions=(24, 80), timeout=LIMIT_S)
    child.delaybeforesend = None
    return child


def in_shell(folder: Path, only: str) -> Iterator[bool]:
    """What is felt at the prompt, with a thousand resources."""
    large = folder / "large.xml"
    large.write_text(cib_xml(LARGE, is_settled=True), encoding="utf-8")
    print(f"{'ms, 1000 resources':<22}{'median':>9}{'worst':>9}{'at most':>9}")
    for name, measure, ms_max in (("in-shell TAB", tab_ms, TAB_MS_MAX), ("key to screen", key_ms, KEY_MS_MAX)):
        if only in name:
            spans = measure(large)
            median = statistics.median(spans)
            is_met = median <= ms_max
            print(f"{name:<22}{median:9.1f}{max(spans):9.1f}{ms_max:9.1f}{'' if is_met else '  NOT MET'}", flush=True)
            yield is_met
    print()


def tab_ms(path: Path) -> list[float]:
    """Candidates for the names of resources, by their beginning and by some letters."""
    client = OfflineClient(str(path))
    watch = Watch(lambda: client, lambda: None)
    answer = client.ask(GetCib())
    assert isinstance(answer, CibIs)
    watch.cib = answer
    scope = WatchedScope(Session(client), watch)
    spans = []
    for line in (
        "resource start ",
        f"resource start {RESOURCE[:6]}",
        "resource start 0z9",
        "configure location l rsc0",
    ) * 10:
        began = time.perf_counter()
        complete(line, len(line), scope)
        spans.append((time.perf_counter() - began) * 1000)
    return spans[4:]  # The first of each loads the commands.


def key_ms(path: Path) -> list[float]:
    """From a key to its letter on the screen, typed as fast as that: a menu is always being made."""
    child = spawned([*OURS, "--cib", str(path)], {})
    child.expect(r"# ")
    spans = []
    for at in range(KEYS):
        if at % 10 == 0:
            child.send("\x15")
            child.expect([pexpect.TIMEOUT], timeout=QUIET_S)  # What was being completed is no longer asked for.
            child.send("resource start ")
            child.expect(RESOURCE)
        began = time.perf_counter()
        child.send("Z")
        child.expect_exact("Z")
        spans.append((time.perf_counter() - began) * 1000)
    child.close(force=True)
    return spans


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
