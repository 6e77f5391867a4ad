"""A whole cluster in one thread: real nodes, simulated network, disks, agents, power and time, from one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from hashelld.cib.digest import digest
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit
from hashelld.core.effects import Persist
from hashelld.core.peers import MESSAGE_DEADLINE_FACTOR
from hashelld.core.settings import DiskSettings, Settings, Watchdog
from hashelld.model.ids import NO_VERSION, Millis, NodeId, Version
from hashelld.wire.client import AgentAsk, Answer, CibIs, Committed, GetCib, MakeCommit, Request
from hashelld.wire.log import Electorate
from hashelld.wire.peer import Envelope
from tests.sim.agents import Process
from tests.sim.checkers import Checkers
from tests.sim.clients import Asked
from tests.sim.faults import NO_FAULTS, Faults
from tests.sim.ground import Ground
from tests.sim.host import Daemon, Host
from tests.sim.hostile import Hostile
from tests.sim.modes import Mode, founding, ping_settings
from tests.sim.network import MESSAGES, PLANES, Network
from tests.sim.promises import Promises
from tests.sim.qdisk import INTERVAL_MS, TKO, QuorumDisk
from tests.sim.timeline import Timeline


BOOT_MS: Final = (4_000, 9_000)
"""A fenced machine is up again after that long."""
TURN_MS: Final = 50
"""`until` looks at its condition that often."""


class SimWorld:
    """N machines, each with the real `Node`. Script it by cuts, crashes and requests, or let a nemesis loose."""

    def __init__(
        self,
        nodes: int,
        seed: int = 1,
        faults: Faults = NO_FAULTS,
        *,
        mode: Mode = Mode.PLAIN,
        stonith: bool = True,
        watchdog: Watchdog | None = None,
        founders: int | None = None,
        file_digests: dict[str, str] | None = None,
        verbose: bool = False,
    ) -> None:
        self.timeline = Timeline(seed, verbose=verbose)
        self.faults = faults
        self.names = tuple(NodeId(f"n{number}") for number in range(1, nodes + 1))
        self.founding = founding(self.names[:founders], mode)
        self.arbiter = self.founding.network_arbiter
        self.pings = ping_settings(mode)
        self.gatewayless: dict[NodeId, Millis] = {}
        """Who does not reach the ping node, and since when."""
        self.qdisk = QuorumDisk(self.timeline, self.names, "sim") if self.founding.arbiter is not None else None
        self.outsiders = set(self.names[founders:] if founders is not None else ())
        """Machines that are no part of the cluster: not yet, or not any more."""
        self.has_stonith = stonith
        self.is_unsafe = self.founding.two_node and not stonith
        self.watchdog = watchdog
        self.resets: list[tuple[Millis, NodeId]] = []
        """By watchdogs."""
        self.ignores_quorum = False
        self.boots_fenced = True
        self.cloned: set[str] = set()
        self.devices_lie = False
        """Fencing devices say that it is done, and do nothing."""
        self.cut: set[NodeId] = set()
        """Machines that a fabric device took the access from."""
        self.protected: set[str] = set()
        """Instances that do nothing without that access."""
        self.known_cib = Cib()
        self.known_version: Version = NO_VERSION
        self.hosts: dict[NodeId, Host] = {}
        self.network = Network(self.timeline, faults, self._deliver, self.links_changed)
        self.ground = Ground(self.names, self._is_connected)
        self.checkers = Checkers(self)
        self.promises = Promises(self)
        self.hostile: Hostile | None = None
        """A member that says what is wrong."""
        self._asked: dict[tuple[NodeId, int], Asked] = {}
        self._ticket = 0
        self._commits = 0
        self._peers = {name: tuple(peer for peer in self.names if peer != name) for name in self.names}
        for name in self.names:
            self.hosts[name] = Host(name, self, self._settings(name, (file_digests or {}).get(name, "file")))
            self.hosts[name].is_wanted = name not in self.outsiders
            self._tick(self.hosts[name], self.timeline.between(0, 99))

    def _settings(self, name: NodeId, file_digest: str) -> Settings:
        place = self.names.index(name)
        disk = DiskSettings(place=place, interval_ms=INTERVAL_MS, tko=TKO) if self.qdisk is not None else None
        founding = msgspec.structs.replace(self.founding, arbiter=None)  # Which disk it is, is read from the disk.
        settings = Settings(
            node=name, cluster_name="sim", file_digest=file_digest, founding=founding, disk=disk, ping=self.pings
        )
        if self.watchdog is None:
            return settings
        return msgspec.structs.replace(settings, watchdog=self.watchdog, takeover_delay_ms=None)

    def rewrite(self, name: str, file: Electorate, timings: str = "") -> None:
        """Another hashelld.toml: its nodes, votes and modes. The next daemon there reads it."""
        host = self.host(name)
        host.settings = msgspec.structs.replace(
            host.settings, founding=file, timings_digest=timings, file_digest=digest((file, timings))
        )

    @property
    def deadtime_ms(self) -> Millis:
        """When silence means loss."""
        return self.hosts[self.names[0]].settings.deadtime_ms

    # -- time

    def _tick(self, host: Host, phase: Millis) -> None:
        timeline, keepalive = self.timeline, host.settings.keepalive_ms

        def send() -> None:
            if host.daemon is not None:
                host.daemon.send_beats()
            if host.daemon is not None:
                host.daemon.report_beats()
            pace = keepalive if host.daemon is None else host.daemon.beating.pace_ms(host.local_now, keepalive)
            timeline.after(pace // 2, lambda: report(pace - pace // 2))

        def report(rest: Millis) -> None:
            if host.daemon is not None:
                host.daemon.report_beats()
            timeline.after(rest, send)

        timeline.after(phase, send)

    def run(self, span_ms: Millis) -> None:
        """Let time pass."""
        self.timeline.run_until(self.timeline.now + span_ms)

    def until(self, condition: Callable[[], bool], within_ms: Millis = 30_000, what: str = "") -> None:
        """Let time pass until something holds; an assertion with the newest trace when it never does."""
        end = self.timeline.now + within_ms
        while not condition():
            assert self.timeline.now < end, f"not within {within_ms} ms: {what}\n{self.timeline.tail(60)}"
            self.run(TURN_MS)

    # -- machines

    def host(self, name: str) -> Host:
        """The machine of this name."""
        return self.hosts[NodeId(name)]

    def daemon(self, name: str) -> Daemon:
        """The daemon that runs on a machine."""
        daemon = self.host(name).daemon
        assert daemon is not None, f"no daemon runs on {name}"
        return daemon

    def boot(self, *names: str) -> None:
        """Power these machines on (all by default)."""
        for name in names or self.names:
            self.host(name).boot()

    def peers_of(self, name: NodeId) -> tuple[NodeId, ...]:
        """All others."""
        return self._peers[name]

    def running(self) -> list[NodeId]:
        """Machines whose daemon turns."""
        return [name for name, host in self.hosts.items() if host.is_running]

    def some_running(self) -> NodeId | None:
        """One of them, by chance."""
        names = self.running()
        return self.timeline.random.choice(names) if names else None

    def dcs(self) -> list[NodeId]:
        """Whose beats say "quorate DC"."""
        return [
            name
            for name, host in self.hosts.items()
            if host.daemon is not None and host.daemon.content is not None and host.daemon.content.is_quorate_dc
        ]

    def dc(self) -> str:
        """The only DC."""
        found = self.dcs()
        assert len(found) == 1, f"DCs are {found}\n{self.timeline.tail(60)}"
        return found[0]

    def active_on(self, instance: str) -> list[NodeId]:
        """Where an instance really runs (or is being started)."""
        return [name for name, host in self.hosts.items() if host.is_powered and host.agents.is_active(instance)]

    def supervisor_ms(self) -> Millis:
        """How long the supervisor takes."""
        return self.timeline.between(200, 2_500)

    def stored(self, host: Host, write: Persist) -> None:
        """A write reached the platters of a machine."""
        self.checkers.on_stored(host, write)
        self.promises.on_stored(host, write)

    def turn_hostile(self, name: str) -> None:
        """From now on a machine says what is wrong."""
        self.hostile = Hostile(self, NodeId(name))

    # -- links

    def _is_connected(self, one: NodeId, other: NodeId, planes: tuple[str, ...] = PLANES) -> bool:
        if self.network.lags(one, other, MESSAGE_DEADLINE_FACTOR * self.deadtime_ms):
            return False  # No order is taken, and messages stand still for too long (DESIGN.md 3.2, Hearing).
        is_turning = self.hosts[one].is_running and self.hosts[other].is_running
        return is_turning and self.network.is_whole(one, other, planes)

    def links_changed(self) -> None:
        """Somebody can reach somebody else, or no longer can."""
        if len(self.hosts) == len(self.names):
            self.ground.update(self.timeline.now)

    def partition(self, *groups: Iterable[str]) -> None:
        """Cut every link between different groups."""
        sides = [[NodeId(name) for name in group] for group in groups]
        self.timeline.record("net", f"partition {sides}")
        for at, side in enumerate(sides):
            for other_side in sides[at + 1 :]:
                for one in side:
                    for other in other_side:
                        self.network.cut_both(one, other)

    def isolate(self, name: str) -> None:
        """Cut a machine off from all others."""
        self.partition([name], [other for other in self.names if other != name])

    def cut_way(self, sender: str, receiver: str, planes: Iterable[str] = PLANES) -> None:
        """Cut one direction."""
        self.timeline.record("net", f"cut {sender} to {receiver} {planes}")
        self.network.cut(NodeId(sender), NodeId(receiver), planes)

    def lose_gateway(self, *names: str) -> None:
        """These do not reach the ping node any more."""
        self.timeline.record("net", f"no gateway for {names}")
        for name in names:
            self.gatewayless.setdefault(NodeId(name), self.timeline.now)

    def find_gateway(self, *names: str) -> None:
        """These reach it again."""
        for name in names:
            self.gatewayless.pop(NodeId(name), None)

    def heal(self) -> None:
        """Mend all links, those to the ping node too."""
        self.timeline.record("net", "heal")
        self.gatewayless.clear()
        self.network.heal()

    def _deliver(self, envelope: Envelope) -> bool:
        daemon = self.hosts[envelope.receiver].daemon
        if daemon is None:
            return False
        daemon.take(envelope)
        return True

    def daemon_ended(self, host: Host) -> None:
        """Its streams are closed, its shells lost their connection."""
        self.network.forget_sender(host.name)
        self.links_changed()

    # -- shells

    def ask(self, name: str, request: Request) -> Asked:
        """A shell on this machine asks its daemon; the answer comes while time passes."""
        node = NodeId(name)
        asked = Asked(node, request, self.timeline.now)
        if isinstance(request, MakeCommit):
            self.promises.on_asked(request.id)
        daemon = self.hosts[node].daemon
        if daemon is not None:
            self._ticket += 1
            self._asked[node, self._ticket] = asked
            daemon.ask(self._ticket, request)
        return asked

    def answered(self, host: Host, ticket: int, answer: Answer) -> None:
        """A daemon answers a shell."""
        self.timeline.record(host.name, f"reply {type(answer).__name__}", answer)
        asked = self._asked.get((host.name, ticket))
        assert asked is not None, f"{host.name} answered ticket {ticket}, which nobody holds"
        asked.answers.append(answer)
        if isinstance(answer, Committed) and isinstance(asked.request, MakeCommit):
            self.checkers.on_committed(asked.request.id, answer.version)
            self.promises.on_committed(asked.request.id, answer.version)
        elif isinstance(answer, CibIs):
            self.checkers.on_cib(host, answer)
            self.promises.on_cib(host, answer)
            if answer.version > self.known_version:
                self.known_version, self.known_cib = answer.version, answer.cib

    def answer(self, name: str, request: Request, within_ms: Millis = 10_000) -> Answer:
        """Ask, and let time pass until the answer is there."""
        asked = self.ask(name, request)
        self.until(lambda: asked.answer is not None, within_ms, f"answer of {name} to {request}")
        assert asked.answer is not None
        return asked.answer

    def commit(self, name: str, *edits: Edit, commit: str = "", base: Version | None = None) -> Asked:
        """Send a commit; its base is the newest document anybody was shown, unless given."""
        self._commits += 1
        chosen = commit or f"scripted{self._commits}"
        version = self.known_version if base is None else base
        return self.ask(name, MakeCommit(id=chosen, base=version, edits=edits))

    def committed(self, name: str, *edits: Edit, commit: str = "", within_ms: Millis = 10_000) -> Version:
        """Commit on the newest document and wait for the acknowledgement."""
        self.answer(name, GetCib())
        asked = self.commit(name, *edits, commit=commit)
        self.until(lambda: asked.answer is not None, within_ms, f"answer of {name} to a commit of {edits}")
        assert isinstance(asked.answer, Committed), asked.answer
        return asked.answer.version

    # -- what agents do to the world

    def begins(self, machine: NodeId, instance: str, operation: str) -> None:
        """See `Surroundings`."""
        self.checkers.begins(machine, instance, operation)
        self.promises.begins(machine, instance, operation)

    def runs(self, machine: NodeId, process: Process) -> None:
        """See `Surroundings`."""
        self.promises.runs(machine, process)

    def ended(self, machine: NodeId, process: Process, rc: int | None) -> None:
        """See `Surroundings`."""
        self.promises.ended(machine, process, rc)

    def scores(self, machine: NodeId, instance: str, words: str) -> None:
        """See `Surroundings`."""
        self.ask(machine, AgentAsk(("crm_attribute", "--promotion", *words.split()), instance))

    def fence_begins(self, machine: NodeId, target: NodeId, action: str) -> None:
        """See `Surroundings`."""
        self.checkers.fence_begins(machine, target, action)

    def is_powered(self, target: NodeId) -> bool:
        """See `Surroundings`."""
        return target in self.hosts and self.hosts[target].is_powered

    def has_access(self, target: NodeId) -> bool:
        """See `Surroundings`."""
        return target not in self.cut

    def switches(self, machine: NodeId, target: NodeId, action: str) -> None:
        """See `Surroundings`."""
        self.timeline.record(machine, f"switches {target}", action)
        if action == "on":
            self.cut.discard(target)
            self.checkers.has_access_again(target)
        else:
            self.cut.add(target)

    def fence_acts(self, machine: NodeId, target: NodeId, action: str) -> None:
        """See `Surroundings`."""
        victim = self.hosts.get(target)
        if victim is None:
            return
        self.timeline.record(machine, f"fences {target}", action)
        if self.devices_lie:
            return
        if action == "on":
            victim.boot()
            return
        victim.power_cut()
        if self.boots_fenced:
            self.boot_later(victim)

    def boot_later(self, host: Host) -> None:
        """A machine that was reset boots."""
        self.timeline.after(self.timeline.between(*BOOT_MS), host.boot)

    def stalled(self, sender: str, receiver: str) -> bool:
        """Is the message plane cut in this direction?"""
        return not self.network.is_open(NodeId(sender), NodeId(receiver), MESSAGES)
