"""A cluster under random faults, judged from outside: `python -m tests.e2e.faultrun --seed N --minutes M`, as root.

Three hosts behind a switch of ours, with controllers on a path of their own; an address with a web server, and a
resource that signs in a shared file; clients that commit all the time. Faults come and go by the seed. At no moment
may anything be active twice; in the end all faults are ended, and the cluster must settle with nothing left to do and
every acknowledged commit in place, in order.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from hashell.client.zmq import ZmqClient
from hashell.errors import TimedOut, Unreachable
from hashelld.wire.client import Answer, CibIs, Cleanup, GetCib, GetHistory, GetStatus, HistoryIs, Request, StatusIs
from tests.e2e.bmc import Bmcs
from tests.e2e.faults import Nemesis, prepare, service
from tests.e2e.harness import TIMERS
from tests.e2e.netns import Host, Probe, Watch, file_of
from tests.e2e.observers import HANDOVER_S, ArpWatch, Held, double_holders, false_answers, intervals, overlaps
from tests.e2e.switched import SwitchedNetwork
from tests.e2e.test_commits import HISTORY_MAX, WRITERS, Record, acknowledged, check_order, marks
from tests.e2e.test_fencing import THREE, Fenced
from tests.e2e.waiting import TookTooLong, let_pass, wait_until
from tests.e2e.writers import Ledger, Writer


SOCKET: Final = "/var/lib/hashell/s"
"""On the host's own disk, where this process reaches it too."""
STEP_S: Final = 0.1
LOOK_S: Final = 5.0
PACE_S: Final = 0.25
"""Between two commits of one client."""
ANSWER_LIMIT_MS: Final = 2_000
CALM_LIMIT_S: Final = 150.0
CLEANUP_EVERY_S: Final = 20.0
SETTLED_S: Final = 3.0
LOG_LINES: Final = 10_000
"""All of it, where a run has failed."""
RESOURCES: Final = ("address", "httpd", "tick")


class PacedWriter(Writer):
    """A client that takes its time between two commits."""

    def _write(self) -> None:
        super()._write()
        self._ledger.closed.wait(PACE_S)


class Reached:
    """What the audit of commits asks: one node's socket, by name."""

    __slots__ = ("name", "socket")

    def __init__(self, host: Host) -> None:
        self.name = host.name
        self.socket = host.path(SOCKET)


class FaultRun(Fenced):
    """The cluster, what is done to it, and what is seen of it."""

    __slots__ = ("_began", "_resting", "_ticks", "network", "record_of_commits", "timeline")

    def __init__(self, network: SwitchedNetwork, bmcs: Bmcs, ticks: Path) -> None:
        super().__init__(network, bmcs)
        self.network: SwitchedNetwork = network
        self.timeline: list[str] = []
        self.record_of_commits = Record()
        self._began = time.monotonic()
        self._resting: dict[str, float] = {}
        self._ticks = ticks

    # -- what the nemesis asks

    def record(self, text: str) -> None:
        wall = time.strftime("%H:%M:%S", time.gmtime())
        self.timeline.append(f"{wall} {time.monotonic() - self._began:7.1f} {text}")

    def rest(self, name: str, until: float) -> None:
        self._resting[name] = until

    def daemon_pid(self, name: str) -> int:
        with suppress(AssertionError, OSError):
            return super().daemon_pid(name)
        return 0

    # -- life of the cluster

    def found(self, quorum: str = "", timers: Mapping[str, str] = TIMERS) -> None:
        super().found(quorum, timers)
        for host in self.network.hosts.values():
            text = file_of(host, self.network.hosts, quorum, timers)
            host.write("/etc/hashell/hashelld.toml", text.replace("[cluster]", f'socket = "{SOCKET}"\n[cluster]', 1))
            prepare(host)

    def start(self, configuration: str) -> None:
        for host in self.network.hosts.values():
            host.start_daemon()
        wait_until(lambda: self.unsettled(()) == "", CALM_LIMIT_S, "three nodes that follow one DC", STEP_S)
        first = self.network["node1"]
        first.shell("--socket", SOCKET, "configure", "load", "update", "-", text=configuration).ok()
        wait_until(lambda: self.unsettled() == "", CALM_LIMIT_S, "all resources run", STEP_S)

    def supervise(self, now: float) -> None:
        """As a supervisor and the firmware would: what has power boots, and its daemon runs, unless it is to rest."""
        for name, host in self.network.hosts.items():
            if now < self._resting.get(name, 0.0) or not self.bmcs.of[name][0].is_on:
                continue
            if not host.pid:
                self._boot(host)
            elif not self.daemon_pid(name):
                with suppress(AssertionError):
                    host.start_daemon()
                    self.record(f"hashelld of {name} starts")
                    wait_until(lambda h=name: self.daemon_pid(h), LOOK_S, f"hashelld of {name} runs")

    def _boot(self, host: Host) -> None:
        """What its controller was told while it booted has found nothing to switch off yet: it is done now."""
        supply = self.bmcs.of[host.name][0].supply
        told = supply.stat().st_mtime_ns
        host.kill()  # What is left of it.
        with suppress(RuntimeError, TookTooLong, AssertionError):  # It was switched off amid this.
            host.boot()
            host.start_daemon()
            self.record(f"{host.name} boots")
        if supply.stat().st_mtime_ns != told:
            host.cut_power()

    def ask(self, name: str, request: Request) -> Answer | None:
        """A node's answer; None when there is none."""
        client = ZmqClient(str(self.network[name].path(SOCKET)))
        try:
            return client.ask(request, ANSWER_LIMIT_MS)
        except (Unreachable, TimedOut):
            return None
        finally:
            client.close()

    def look(self) -> None:
        """See the log of each node that answers."""
        for name in self.network.hosts:
            answer = self.ask(name, GetHistory(HISTORY_MAX))
            if isinstance(answer, HistoryIs):
                self.record_of_commits.see(name, answer.entries)

    def unsettled(self, resources: tuple[str, ...] = RESOURCES) -> str:
        """Why the cluster has not settled; empty when it has."""
        status = {name: self.ask(name, GetStatus()) for name in self.network.hosts}
        dcs = set()
        for name, told in status.items():
            if not isinstance(told, StatusIs) or told.dc is None or not told.quorum.has_quorum:
                return f"{name} has no DC or no quorum"
            dcs.add(told.dc)
        if len(dcs) > 1:
            return f"DCs are {dcs}"
        office = status[dcs.pop()]
        assert isinstance(office, StatusIs)
        if office.phase != "idle" or office.in_flight or office.pending or office.fencing:
            return f"the DC is at {office.phase}: {office.in_flight}, {office.pending} pending, {office.fencing}"
        documents = [self.ask(name, GetCib()) for name in self.network.hosts]
        if len({(d.version, d.digest) for d in documents if isinstance(d, CibIs)}) != 1 or None in documents:
            return "documents differ"
        if resources and (len(self.network.holders()) != 1 or not self.signer()):
            return f"the address is held by {self.network.holders()}, tick signs on '{self.signer()}'"
        return ""

    def signer(self) -> str:
        """The node where tick runs now; empty when nowhere."""
        found = self.ticks()
        last = max(found, key=lambda interval: interval.ended_ms, default=None)
        return last.node if last and time.time_ns() // 1_000_000 - last.ended_ms < 1_000 else ""

    def ticks(self) -> list:
        return intervals(self._ticks.read_text() if self._ticks.exists() else "")

    def settle(self) -> None:
        """All faults have ended: within a bound there is nothing left to do, and it stays so."""
        end = time.monotonic() + CALM_LIMIT_S
        cleaned = time.monotonic()
        reason = "not looked at"
        settled = None
        while time.monotonic() < end:
            now = time.monotonic()
            self.supervise(now)
            reason = self.unsettled()
            if reason:
                settled = None
            elif settled is None:
                settled = now
            elif now - settled > SETTLED_S:
                return
            if reason and now - cleaned > CLEANUP_EVERY_S:
                cleaned = now
                self.record(f"clean up: {reason}")
                for name in self.network.hosts:
                    self.ask(name, Cleanup())
            let_pass(STEP_S)
        raise TookTooLong(f"not settled {CALM_LIMIT_S:g} s after the last fault: {reason}")

    def __getitem__(self, name: str) -> Reached:
        return Reached(self.network[name])


def run(cluster: FaultRun, seed: int, span_s: float) -> None:
    """Disturb the cluster for so long, end all faults, judge."""
    ledger, names = Ledger(), list(cluster.network.hosts)
    sockets = [str(cluster[name].socket) for name in names]
    writers = [PacedWriter(w, sockets[at:] + sockets[:at], ledger, 1) for at, w in enumerate(WRITERS[:2])]
    nemesis = Nemesis(cluster, seed)
    with ExitStack() as stack:
        began = time.monotonic()
        probe = stack.enter_context(Probe(cluster.network))
        watch = stack.enter_context(Watch(cluster.network))
        arp = stack.enter_context(ArpWatch(cluster.network))
        first = Held(began, frozenset(watch.held))
        try:
            for writer in writers:
                writer.start()
            disturb(cluster, nemesis, ledger, watch, began + span_s)
        finally:
            ledger.closed.set()
            nemesis.heal()
            for writer in writers:
                writer.join(CALM_LIMIT_S)
        cluster.record("all faults have ended")
        try:
            cluster.settle()
        finally:
            changes = [first, *(Held(at, held) for at, held in watch.changes)]
            judge(cluster, changes, probe, arp)
    judge_commits(cluster, ledger)


def disturb(cluster: FaultRun, nemesis: Nemesis, ledger: Ledger, watch: Watch, until: float) -> None:
    """Faults, and what a supervisor does about them; what is held twice ends it at once, while all is as it is."""
    looked = 0.0
    while (now := time.monotonic()) < until:
        nemesis.act(now)
        cluster.supervise(now)
        ledger.attempts()
        if len(watch.held) > 1 and now - watch.changes[-1][0] > HANDOVER_S:
            holders = cluster.network.holders()
            assert len(holders) < 2, f"{holders} hold the address: {watch.changes[-6:]}"
        if now - looked > LOOK_S:
            looked = now
            cluster.look()
        let_pass(STEP_S)


def judge(cluster: FaultRun, changes: list[Held], probe: Probe, arp: ArpWatch) -> None:
    """Nothing was active twice, whoever was asked."""
    twice = overlaps(cluster.ticks())
    assert not twice, f"tick was active twice: {twice}"
    double = double_holders(changes, time.monotonic())
    assert not double, f"the address was held twice: {double}"
    false = false_answers(list(probe.answers), changes)
    assert not false, f"pages were served by who did not hold the address: {false}"
    assert not arp.doubles, f"two machines answered for the address: {arp.doubles}"
    print(f"tick ran {len(cluster.ticks())} times, the address moved {len(changes) // 2} times")
    print(f"the client waited {probe.outage(0.0):.1f} s at most; {len(arp.owners)} owners of the address")


def judge_commits(cluster: FaultRun, ledger: Ledger) -> None:
    """What was acknowledged is in the log of all, in order, once."""
    attempts, record = ledger.attempts(), cluster.record_of_commits
    record.attempts |= {(a.writer, a.number): a for a in attempts}
    cluster.look()
    check_order(attempts)
    record.check()
    for name in cluster.network.hosts:
        told = cluster.ask(name, GetCib())
        assert isinstance(told, CibIs), name
        counters = dict(marks(told.cib.objects))
        assert counters == record.counters(), f"{name} has {counters}, its log says {record.counters()}"
    sound = acknowledged(attempts)
    print(f"{len(sound)} of {len(attempts)} commits were acknowledged, and all of these are there")


@contextmanager
def running(folder: Path, seed: int) -> Iterator[FaultRun]:
    """The cluster before the first fault."""
    with SwitchedNetwork(folder / "net", THREE, seed) as network, Bmcs(network, folder / "power") as bmcs:
        cluster = FaultRun(network, bmcs, folder / "ticks")
        cluster.found()
        cluster.start(service(folder / "ticks") + bmcs.devices(power_wait="0", power_timeout="4"))
        yield cluster


def run_seed(seed: int, minutes: float) -> None:
    """One whole run; what went wrong is told with seed, faults and logs."""
    with tempfile.TemporaryDirectory(prefix="hashell-") as folder, running(Path(folder), seed) as cluster:
        try:
            run(cluster, seed, minutes * 60.0)
        except BaseException:
            print(cluster.network.logs(LOG_LINES))
            print(*cluster.timeline, sep="\n")
            print(f"seed {seed}, {minutes:g} minutes: python -m tests.e2e.faultrun --seed {seed} --minutes {minutes:g}")
            raise
        print(f"seed {seed}: {sum('over' not in line for line in cluster.timeline)} events")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.faultrun", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args(argv)
    if os.geteuid():
        print("needs root: it makes network namespaces", file=sys.stderr)
        return 1
    run_seed(options.seed if options.seed is not None else time.time_ns() % 1_000_000, options.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
