"""One simulated machine: power, disk, agents, and the daemon with its loop and beat thread."""

from __future__ import annotations

import traceback
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from hashelld.core.beating import Beating
from hashelld.core.effects import (
    Arm,
    DiskRound,
    Effect,
    Exit,
    KillAgent,
    Note,
    Persist,
    Ping,
    Reply,
    RunAgent,
    SelfFence,
    Send,
    SetBeat,
)
from hashelld.core.events import (
    AgentEnded,
    BeatsHeard,
    ClientAsked,
    ClockSet,
    DiskFailed,
    DiskRead,
    Event,
    HeardBeat,
    MessageHeard,
    Persisted,
    PingAnswered,
    PortRefused,
    StoreFailed,
    Woken,
)
from hashelld.core.node import Node
from hashelld.core.outbox import Outbox
from hashelld.core.settings import Settings
from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.wire.client import Request
from hashelld.wire.log import Author
from hashelld.wire.peer import Beat, BeatContent, Envelope, Order
from tests.sim.agents import Agents
from tests.sim.disk import Disk, Trouble
from tests.sim.violation import Violation
from tests.sim.watchdog import SimWatchdog


if TYPE_CHECKING:
    from tests.sim.world import SimWorld

WALL_MS: Final = 1_795_000_000_000
SOCKET_BEATS_MAX: Final = 200
"""Datagrams that a socket keeps for a stopped process."""
SPINS_MAX: Final = 50
"""So many wake-ups in a row at one moment are a busy loop."""
CLIENT: Final = b"client"
Waiting = Event | Envelope


class Daemon:
    """One incarnation of hashelld: the real `Node` with what the runtime does around it."""

    def __init__(self, host: Host, world: SimWorld, settings: Settings) -> None:
        self._host = host
        self._world = world
        self._settings = settings
        self._timeline = world.timeline
        token = f"{self._timeline.random.getrandbits(32):08x}"
        stored = host.disk.load(token)
        self.incarnation: Incarnation = stored.incarnation
        self.beating = Beating(settings.node, self.incarnation)
        self.content: BeatContent | None = None
        self.socket: list[tuple[Millis, Beat]] = []
        self.is_gone = False
        self.began_ms = self._timeline.now
        self._outbox = Outbox()
        self._heard: dict[NodeId, HeardBeat] = {}
        self._waiting: list[Waiting] = []
        self._last_turn: Millis = host.local_now
        self._wake_ms: Millis | None = None
        self._spins = 0
        self.has_store_failed = False
        self.node = Node(host.local_now, settings, stored, self._timeline.between)

    def start(self) -> None:
        """The first turn of the loop."""
        self._carry_out(self._guarded_start())
        self.take(ClockSet(self._host.wall_offset_ms))

    # -- the loop

    def take(self, item: Waiting) -> None:
        """Something for the loop's queue; a stopped loop leaves it there."""
        if self.is_gone:
            return
        if self._host.is_paused or self._host.is_stuck:
            self._waiting.append(item)
            return
        self._turn(item)

    def resume(self) -> None:
        """The loop runs again and finds what has queued up."""
        self.report_beats()
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            self.take(item)
        self.take(Woken())

    def _turn(self, item: Waiting) -> None:
        now = self._host.local_now
        self._last_turn = now
        if isinstance(item, Envelope):
            event: Event = MessageHeard(item, self.beating.sent_ms(item.beat))
            self._timeline.record(self._host.name, f"< {type(item.body).__name__}", item)
        else:
            event = item
            if not isinstance(event, BeatsHeard | Woken | DiskRead | DiskFailed):
                self._timeline.record(self._host.name, f"< {type(event).__name__}", event)
        if isinstance(event, Persisted):
            self._perform(self._outbox.on_persisted(event.token))
        elif isinstance(event, StoreFailed):
            self._perform(self._outbox.on_store_failed())
        if not self.is_gone:
            effects = self._guarded_step(now, event)
            if isinstance(item, Envelope) and isinstance(item.body, Order):
                self._judge_order(item, item.body.action.label, effects)
            self._carry_out(effects)
        self._host.watchdog.pet(self)

    def _judge_order(self, order: Envelope, label: str, effects: list[Effect]) -> None:
        if any(isinstance(effect, RunAgent) and effect.label == label for effect in effects):
            self._world.checkers.obeys(self._host, order)

    def _guarded_start(self) -> list[Effect]:
        try:
            return self.node.start(self._host.local_now)
        except Exception as error:
            raise Violation(0, f"{self._host.name} crashed at its start\n{traceback.format_exc()}") from error

    def _guarded_step(self, now: Millis, event: Event) -> list[Effect]:
        try:
            return self.node.step(now, event)
        except Violation:
            raise
        except Exception as error:
            text = f"{self._host.name} crashed on {event}\n{traceback.format_exc()}"
            raise Violation(0, text) from error

    def _carry_out(self, effects: list[Effect]) -> None:
        self._perform(self._outbox.feed(effects))
        if not self.is_gone:
            self._arm()

    def _arm(self) -> None:
        deadline = self.node.deadline()
        if deadline is None:
            self._wake_ms = None
            return
        moment = self._host.virtual(deadline)
        if self._wake_ms is not None and self._timeline.now < self._wake_ms <= moment:
            return  # The wake-up that is already on its way asks again.
        self._wake_ms = max(moment, self._timeline.now)
        wake_ms = self._wake_ms
        self._timeline.at(wake_ms, lambda: self._wake(wake_ms))

    def _wake(self, wake_ms: Millis) -> None:
        if self.is_gone or wake_ms != self._wake_ms:
            return
        self._wake_ms = None
        if self._host.is_paused or self._host.is_stuck:
            return
        deadline = self.node.deadline()
        if deadline is not None and self._host.virtual(deadline) > self._timeline.now:
            self._arm()
            return
        is_spinning = self._timeline.now == self._host.virtual(self._last_turn)
        self._spins = self._spins + 1 if is_spinning else 0
        if self._spins > SPINS_MAX:
            raise Violation(0, f"{self._host.name}: deadline() stays at {deadline}: the loop would spin")
        self.take(Woken())

    # -- effects

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            if self.is_gone:
                return
            self._perform_one(effect)

    def _perform_one(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one case an effect
        host, world = self._host, self._world
        match effect:
            case Send():
                _, sequence = self.beating.newest_from(effect.envelope.receiver)
                envelope = msgspec.structs.replace(effect.envelope, beat=sequence)
                self._timeline.record(host.name, f"> {type(envelope.body).__name__}", envelope)
                world.checkers.on_send(host, envelope)
                world.promises.on_send(host, envelope)
                world.network.send(envelope)
            case SetBeat(content=content):
                self.content = content
                world.checkers.on_beat(host, content)
            case Persist():
                self._timeline.record(host.name, "persist", effect)
                host.disk.write(effect, self.persisted, self.store_failed)
                self._timeline.after(self._settings.initdead_ms, lambda: self._judge_disk(effect.token))
            case DiskRound():
                assert world.qdisk is not None
                world.qdisk.begin(host.name, effect, self.take)
            case RunAgent():
                self._timeline.record(host.name, "agent", f"{effect.label} {effect.argv} {effect.stdin!r}")
                host.agents.run(effect, self.agent_ended)
            case KillAgent(run=run):
                host.agents.kill(run, self.agent_ended)
            case Ping(addresses=addresses):
                self._ping(addresses)
            case Reply(ticket=ticket, answer=answer):
                world.answered(host, ticket, answer)
            case Note():
                self._timeline.record(host.name, f"note {effect.event}", effect.fields)
            case Arm():
                host.watchdog.arm(self)
            case SelfFence(reason=reason):
                self._timeline.record(host.name, "ends itself", reason)
                host.watchdog.end(self)
            case Exit():
                self._timeline.record(host.name, "exit", effect)
                host.watchdog.disarm(self)
                host.daemon_exited(effect.code)
            case _:
                self._timeline.record(host.name, type(effect).__name__, effect)

    def _ping(self, addresses: tuple[str, ...]) -> None:
        """Requests and answers travel; either may be lost."""
        host, world = self._host, self._world
        for address in addresses:
            answer, latency_ms = PingAnswered(address, host.local_now), world.network.round_trip_ms()
            if host.name not in world.gatewayless and latency_ms is not None:
                self._timeline.after(latency_ms, partial(self._on_echo, answer))

    def _on_echo(self, answer: PingAnswered) -> None:
        if self._host.name not in self._world.gatewayless:
            self.take(answer)

    def persisted(self, token: int) -> None:
        """The disk's thread reports; after a failure nobody listens to it."""
        if not self.has_store_failed:
            self.take(Persisted(token))

    def store_failed(self, reason: str) -> None:
        """The disk's thread reports its end."""
        if not self.has_store_failed:
            self.has_store_failed = True
            self.take(StoreFailed(reason))

    def agent_ended(self, ended: AgentEnded) -> None:
        """The reaper reports."""
        self.take(ended)

    def ask(self, ticket: int, request: Request) -> None:
        """A shell on this machine asks."""
        self.take(ClientAsked(CLIENT, ticket, Author(user="sim", uid=0, node=self._host.name), request))

    def _judge_disk(self, token: int) -> None:
        if self.is_gone or self.has_store_failed:
            return
        if self._host.disk.has_pending(token, self.persisted):
            self.store_failed("silent for initdead")

    # -- the beat thread

    def send_beats(self) -> None:
        """Every keepalive; a loop that has not turned for deadtime silences it."""
        host, world = self._host, self._world
        if host.is_paused or self.content is None:
            return
        if host.local_now - self._last_turn > self._settings.deadtime_ms and host.is_stuck:
            return
        wall_ms = host.local_now + host.wall_offset_ms
        named = tuple(peer for peer in world.peers_of(host.name) if peer in self._settings.founding.votes)
        for peer, honest in self.beating.next_beats(host.local_now, wall_ms, self.content, named):
            beat = honest if world.hostile is None else world.hostile.beat(honest)
            other = world.hosts[peer]
            if other.daemon is not None:
                if len(other.daemon.socket) < SOCKET_BEATS_MAX:
                    world.network.send_beat(peer, beat, other.daemon.socket)
            elif other.is_powered and world.network.is_whole(host.name, peer):
                self.take(PortRefused(peer, host.local_now))

    def report_beats(self) -> None:
        """Read the socket, tell the loop the newest beat of each peer."""
        host = self._host
        if host.is_paused or not self.socket:
            return
        now = self._timeline.now
        ready = [item for item in self.socket if item[0] <= now]
        if not ready:
            return
        self.socket = [item for item in self.socket if item[0] > now]
        ready.sort(key=lambda item: item[0])
        for moment, beat in ready:
            read_at = now if host.resumed_ms == now else moment
            heard = self.beating.on_beat(host.local(read_at), beat)
            if heard is not None:
                self._heard[heard.sender] = heard
        if self._heard:
            beats, self._heard = tuple(self._heard.values()), {}
            self.take(BeatsHeard(beats))


class Host:
    """One machine. Its clock began at its own boot, so moments of two machines never compare."""

    def __init__(self, name: NodeId, world: SimWorld, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self._world = world
        self._timeline = world.timeline
        self.disk = Disk(world.timeline, world.faults, lambda write: world.stored(self, write))
        self.agents = Agents(name, world.timeline, world.faults, world)
        self.watchdog = SimWatchdog(self, world)
        self.daemon: Daemon | None = None
        self.is_powered = False
        self.is_paused = False
        self.is_stuck = False
        self.resumed_ms: Millis = -1
        self.base_ms: Millis = 0
        self.clock_rate_ppm = 1_000_000
        """How fast its clock runs, set while it is off; true: a million."""
        self.wall_jump_ms = 0
        self.is_wanted = True
        """The supervisor and whoever boots machines bring it back."""
        self.asked_to_leave = False

    @property
    def local_now(self) -> Millis:
        """CLOCK_BOOTTIME of this machine."""
        return self.local(self._timeline.now)

    @property
    def wall_offset_ms(self) -> int:
        """Wall clock minus boot time."""
        return WALL_MS + self._timeline.now - self.local_now + self.wall_jump_ms

    @property
    def is_running(self) -> bool:
        """Does its daemon turn?"""
        return self.daemon is not None and not self.is_paused and not self.is_stuck

    def virtual(self, local: Millis) -> Millis:
        """The first moment of the world's time at which the machine's clock shows this."""
        return -((self.base_ms - local) * 1_000_000 // self.clock_rate_ppm)

    def local(self, moment: Millis) -> Millis:
        """What the machine's clock shows at a moment of the world's time."""
        return self.base_ms + moment * self.clock_rate_ppm // 1_000_000

    # -- power and processes

    def boot(self) -> None:
        """Power on, and the daemon starts."""
        if self.is_powered or not self.is_wanted:
            return
        self.is_powered = True
        self.is_paused = self.is_stuck = False
        self.base_ms += self._timeline.between(0, 50_000) - self.local_now
        self._timeline.record(self.name, "boot")
        self.start_daemon()

    def start_daemon(self) -> None:
        """What the supervisor does."""
        if not self.is_powered or self.daemon is not None or not self.is_wanted:
            return
        if self.disk.trouble is Trouble.UNWRITABLE:
            self._timeline.record(self.name, "daemon-start fails", self.disk.trouble)
            self._timeline.after(self._world.supervisor_ms(), self.start_daemon)
            return
        if self.disk.is_damaged:
            self._timeline.record(self.name, "store set aside")
            self.disk.wipe(set_aside=True)
            self._world.checkers.forget(self.name)
        self.agents.end_orphans()
        self.asked_to_leave = False
        self.disk.is_dead = False
        self.daemon = Daemon(self, self._world, self.settings)
        self._timeline.record(self.name, "daemon-start", self.daemon.incarnation)
        self._world.promises.on_daemon_start(self, self.daemon.incarnation)
        self._world.links_changed()
        self._world.network.reconnected(self.name)
        self.daemon.start()

    def crash_daemon(self, restart_after_ms: Millis | None = None) -> None:
        """kill -9; agents and resources go on."""
        if self.daemon is None:
            return
        self._timeline.record(self.name, "daemon-killed")
        self._end_daemon()
        self.disk.process_ended()
        if restart_after_ms is not None:
            self._timeline.after(restart_after_ms, self.start_daemon)

    def daemon_exited(self, code: int) -> None:
        """The daemon ended itself; the supervisor restarts it unless it left."""
        self._end_daemon()
        self.disk.process_ended()
        if code != 0:
            self._timeline.after(self._world.supervisor_ms(), self.start_daemon)

    def power_cut(self) -> None:
        """Everything but the disk is lost."""
        if not self.is_powered:
            return
        self._timeline.record(self.name, "power-cut")
        self._world.promises.on_power_cut(self)
        self.is_powered = False
        self.watchdog.power_off()
        self.agents.power_off()
        self._end_daemon()
        self.disk.power_cut()
        self.is_paused = self.is_stuck = False

    def reset(self) -> None:
        """Its watchdog fires: it boots again, whoever believes what."""
        self._timeline.record(self.name, "watchdog")
        self.power_cut()
        self._world.boot_later(self)

    def _end_daemon(self) -> None:
        if self.daemon is not None:
            self.daemon.is_gone = True
            self.daemon = None
        if self._world.qdisk is not None:
            self._world.qdisk.process_ended(self.name)
        self.agents.forget_daemon()
        self._world.daemon_ended(self)

    def pause(self) -> None:
        """SIGSTOP: loop and beat thread stand still, the kernel goes on."""
        self._timeline.record(self.name, "paused")
        self.is_paused = True
        self._world.links_changed()

    def stick(self) -> None:
        """Only the loop stands still."""
        self._timeline.record(self.name, "stuck")
        self.is_stuck = True
        self._world.links_changed()

    def resume(self) -> None:
        """SIGCONT, or the loop gets going again."""
        if not (self.is_paused or self.is_stuck):
            return
        self._timeline.record(self.name, "resumed")
        self.is_paused = self.is_stuck = False
        self.resumed_ms = self._timeline.now
        self._world.links_changed()
        if self.daemon is not None:
            self.daemon.resume()

    def jump_wall(self, by_ms: int) -> None:
        """The wall clock is set."""
        self.wall_jump_ms += by_ms
        if self.daemon is not None:
            self.daemon.take(ClockSet(self.wall_offset_ms))
