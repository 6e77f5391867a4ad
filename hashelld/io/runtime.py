"""The loop: one queue of events into `Machine.step`, and the one place where effects are carried out."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import msgspec
import zmq

from hashelld.config import DaemonConfig, to_settings
from hashelld.core.effects import (
    Announce,
    Arm,
    CutOff,
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
    Stored,
    TellLog,
)
from hashelld.core.events import ClockSet, DropsCounted, Event, MessageHeard, Persisted, StoreFailed, Terminate, Woken
from hashelld.core.outbox import Outbox
from hashelld.core.settings import Settings
from hashelld.io import keys
from hashelld.io.announce import announce
from hashelld.io.beats import BeatThread
from hashelld.io.clients import ClientSocket
from hashelld.io.clock import Clock
from hashelld.io.inbox import Inbox
from hashelld.io.journal import Journal
from hashelld.io.logs import MESSAGES, Log
from hashelld.io.pinging import Pinger
from hashelld.io.privileges import lock_memory, raise_priority, return_memory, settle_memory, settle_process
from hashelld.io.process import Processes
from hashelld.io.qdisk import QuorumDisk
from hashelld.io.secrets import Secrets
from hashelld.io.shims import write_shims
from hashelld.io.sockets import Context, Gatekeeper, Opened, PeerSockets
from hashelld.io.store import Store
from hashelld.io.systemd import notify
from hashelld.io.watchdog import NO_WATCHDOG, Watchdog
from hashelld.limits import DROPS_NOTED_EVERY_MS, DROPS_TOLD_EVERY_MS, FLUSH_MS, MEMORY_RETURNED_EVERY_MS, WALL_JUMP_MS
from hashelld.model.ids import Millis
from hashelld.wire.client import Dropped, LogIs


Ready = frozenset[Opened | int]
"""Sockets and file descriptors that can be read."""
Draw = Callable[[int, int], int]
"""A random integer between two, both included."""


class StartFailed(Exception):
    """The daemon cannot start; the text tells why and what to do."""


class Machine(Protocol):
    """What the loop drives: `core.node.Node`, or a test's own."""

    def start(self, now: Millis) -> list[Effect]:
        """The first effects."""

    def step(self, now: Millis, event: Event) -> list[Effect]:
        """What to do about one event, in this order."""

    def deadline(self) -> Millis | None:
        """When to be woken at the latest."""


MakeMachine = Callable[[Millis, Settings, Stored, Draw], Machine]


class World:
    """Everything outside the machine: sockets, processes, disk. Effects go in here, events come out of it."""

    def __init__(self, config: DaemonConfig, clock: Clock, log: Log, watchdog: Watchdog = NO_WATCHDOG) -> None:
        self.config = config
        self.watchdog = watchdog
        self.clock = clock
        self.log = log
        self.exit: Exit | None = None
        self._failed_at_once: list[Event] = []
        self._is_announcing = True
        self._cut_off_until_ms: Millis = 0
        accepted = keys.load(config.keys)
        with ExitStack() as opened:
            self.inbox = Inbox()
            opened.callback(self.inbox.close)
            self.store = Store(config.state, clock)
            opened.callback(self.store.close)
            # The store's lock is held from here on: no other daemon is the parent of the agents in this journal.
            try:
                self.journal = Journal(config.state, clock)
                write_shims(Path(to_settings(config).shims_dir), config.socket)
            except OSError as failure:
                raise StartFailed(f"{failure.filename}: {failure.strerror}") from failure
            opened.callback(self.journal.close)
            _end_orphans(self.journal)
            self.stored = self.store.load()
            self.processes = Processes(self.journal, Secrets(config.secrets))
            opened.callback(self.processes.close)
            self.pings = Pinger()
            opened.callback(self.pings.close)
            self.qdisk = QuorumDisk(config.disk.path) if config.disk is not None else None
            if self.qdisk is not None:
                opened.callback(self.qdisk.close)
            self._open_sockets(opened, accepted)
            self._opened = opened.pop_all()

    def _open_sockets(self, opened: ExitStack, accepted: tuple[keys.ClusterKey, ...]) -> None:
        config = self.config
        context: Context = zmq.Context()
        opened.callback(context.destroy, linger=0)
        self.gatekeeper = Gatekeeper(context, accepted)
        try:
            self.peers = PeerSockets(context, config, accepted)
            opened.callback(self.peers.close)
            self.beats = BeatThread(config, accepted, self.stored.incarnation, self.clock, self.inbox.put)
            opened.callback(self.beats.close)
        except (OSError, zmq.ZMQError) as failure:
            address = f"{', '.join(config.own.addresses)} port {config.own.port}"
            raise StartFailed(f"cannot listen on {address}: {failure.strerror}") from failure
        self.clients = ClientSocket(context, config.socket, config.node)
        opened.callback(self.clients.close, FLUSH_MS)

    def start(self) -> None:
        """Let the threads run."""
        self.store.start(self.inbox.put)
        self.beats.start()
        if self.qdisk is not None:
            self.qdisk.start(self.inbox.put)
        if self.store.set_aside:
            self.note("io.store-set-aside", file=self.store.set_aside)
        if self.config.realtime and not raise_priority():
            self.note("io.no-realtime")
        if self.config.realtime and not lock_memory():
            self.note("io.no-memory-lock")

    def note(self, event: str, **fields: object) -> None:
        """Log an event of the edge itself."""
        level, _ = MESSAGES[event]
        self.log.note(Note(event, fields, level))

    def carry_out(self, effects: list[Effect]) -> list[Event]:
        """Do these, in order; what failed at once is told."""
        for effect in effects:
            if self.exit is not None:
                break
            self._do(effect)
        failed, self._failed_at_once = self._failed_at_once, []
        return failed

    def _do(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one case an effect
        match effect:
            case Send():
                self._send(effect)
            case SetBeat():
                self.beats.set_beat(effect.content)
            case Persist():
                self.store.write(effect)
            case RunAgent():
                self._run_agent(effect)
            case KillAgent():
                self.processes.kill(effect.run)
            case DiskRound():
                assert self.qdisk is not None
                self.qdisk.begin(effect)
            case Announce():
                self._announce(effect)
            case CutOff(until_ms=until_ms):
                self._cut_off_until_ms = until_ms
                self.beats.cut_off(until_ms)
            case Ping():
                self.pings.ask(self.clock.now(), effect.addresses)
            case Reply():
                self.clients.send(effect.client, effect.ticket, effect.answer)
            case TellLog():
                lines = LogIs(self.log.recent(effect.limit))
                self.clients.send(effect.client, effect.ticket, lines)
            case Note():
                self.log.note(effect)
            case Arm():
                self._watched(self.watchdog.arm)
            case SelfFence():
                self.note("io.self-fence", reason=effect.reason)  # First: nothing comes after it.
                self._watched(self.watchdog.end)
            case Exit():
                self.exit = effect

    def is_cut_off(self) -> bool:
        """Is there, for a drill, no way to or from the peers?"""
        return self.clock.now() < self._cut_off_until_ms

    def read_keys(self) -> None:
        """Read the key files again: keys are rolled over while everything runs.

        Bad files change nothing. `zmq.ZMQError` when the addresses cannot be had again.
        """
        try:
            accepted = keys.load(self.config.keys)
        except keys.KeyFileError as failure:
            self.note("io.keys-unread", reason=str(failure))
            return
        self.gatekeeper.use(accepted)
        self.beats.use(accepted)
        self.peers.use(accepted)
        self.note("io.keys-read", accepted=len(accepted), active=accepted[0].curve_public.decode())

    def drops(self) -> tuple[Dropped, ...]:
        """What was not taken since the start, by kind."""
        forged, replayed = self.beats.dropped
        counts = {
            "forged_beats": forged,
            "replayed_beats": replayed,
            "unheard_datagrams": self.beats.unheard,
            "strangers": self.gatekeeper.refused,
            "broken_handshakes": self.peers.broken_handshakes,
            "malformed_messages": self.peers.dropped,
            "broken_clients": self.clients.broken,
            "malformed_requests": self.clients.dropped,
            "refused_users": self.clients.refused,
            "unread_answers": self.clients.unread,
        }
        return tuple(Dropped(kind, count) for kind, count in counts.items() if count)

    def close(self) -> None:
        """End the threads, let messages and answers leave for a moment, write what the store has queued."""
        self._opened.close()

    def _send(self, effect: Send) -> None:
        receiver = effect.envelope.receiver
        if self.is_cut_off() or not self.peers.is_known(receiver):
            self.peers.unsent += 1  # The electorate may also name a node that this file does not.
            return
        _, sequence = self.beats.newest_from(receiver)
        envelope = msgspec.structs.replace(effect.envelope, beat=sequence)
        self.peers.send(envelope, self.beats.links_of(receiver), self.beats.key_of(receiver))

    def _watched(self, act: Callable[[], None]) -> None:
        """A node that others believe to be watched must not run anything unwatched."""
        try:
            act()
        except OSError as failure:
            self.exit = Exit(1, f"the watchdog cannot be armed: {failure}")

    def _run_agent(self, effect: RunAgent) -> None:
        failed = self.processes.spawn(self.clock.now(), effect)
        if failed is not None:
            self._failed_at_once.append(failed)

    def _announce(self, effect: Announce) -> None:
        for address, interface in effect.addresses:
            try:
                announce(address, interface)
            except OSError as failure:
                if self._is_announcing:
                    self._is_announcing = False
                    self.note("io.no-announce", address=address, reason=str(failure))


def _end_orphans(journal: Journal) -> None:
    left = journal.end_orphans()
    if left:
        processes = ", ".join(str(pid) for pid in left)
        raise StartFailed(
            f"agents of an earlier daemon cannot be ended (processes {processes}); resources are not safe"
        )


class Loop:
    """Takes events one by one, and turns at least three times in `deadtime`, so that beats may tell that it does."""

    def __init__(self, world: World, machine: Machine) -> None:
        self._world = world
        self._machine = machine
        self._clock = world.clock
        self._outbox = Outbox()
        self._idle_ms = world.config.deadtime_ms // 3
        self._turned_ms = self._clock.now()
        self._offset_ms = self._clock.offset_ms()
        self._is_store_lost = False
        self._drops: tuple[Dropped, ...] = ()
        self._drops_told_ms = self._clock.now()
        self._drops_noted_ms = self._clock.now()
        self._are_drops_noted = False
        self._owes_memory = False
        self._has_new_keys = False
        self._memory_returned_ms = self._clock.now()
        self._agents = world.processes.fileno()
        self._poller = zmq.Poller()
        for source in (
            world.inbox.fileno(),
            self._agents,
            world.pings.fileno(),
            world.gatekeeper.socket,
            world.peers.socket,
            world.peers.monitor,
            world.clients.socket,
            world.clients.monitor,
        ):
            self._poller.register(source, zmq.POLLIN)

    def on_new_keys(self) -> None:
        """The key files changed, says a signal."""
        self._has_new_keys = True
        self._world.inbox.wake()

    def _read_keys(self) -> None:
        peers = self._world.peers
        for source in (peers.socket, peers.monitor):
            self._poller.unregister(source)
        self._has_new_keys = False
        self._world.read_keys()
        for source in (peers.socket, peers.monitor):
            self._poller.register(source, zmq.POLLIN)

    def run(self) -> int:
        """Turn until the machine asks for the end; its exit code."""
        self._carry_out(self._machine.start(self._clock.now()))
        self._step(ClockSet(self._offset_ms))
        while self._world.exit is None:
            self._turn(frozenset(source for source, _ in self._poller.poll(self._timeout())))
        self._world.note("io.exit", code=self._world.exit.code, reason=self._world.exit.reason)
        return self._world.exit.code

    def _timeout(self) -> int:
        now = self._clock.now()
        dues = (self._machine.deadline(), self._world.processes.deadline(), now + self._idle_ms)
        return max(0, min(due for due in dues if due is not None) - now)

    def _turn(self, ready: Ready) -> None:
        now = self._clock.now()
        gap_ms, self._turned_ms = now - self._turned_ms, now
        if gap_ms > self._world.config.deadtime_ms:
            self._step(Woken())  # Before anything that waited meanwhile.
        is_idle = not self._hear(now)
        for event in self._events(now, ready):
            is_idle = False
            self._on_event(event)
            self._hear(self._clock.now())
            if self._world.exit is not None:
                return
        due = self._machine.deadline()
        if is_idle or (due is not None and due <= self._clock.now()):
            self._step(Woken())
        self._look_after(now)

    def _hear(self, now: Millis) -> bool:
        """Take what threads brought, beats above all, before the time judges anybody. Was there any?"""
        self._world.beats.progress(now)
        is_any = False
        for event in self._world.inbox.drain():
            is_any = True
            self._on_event(event)
        return is_any

    def _events(self, now: Millis, ready: Ready) -> Iterator[Event]:
        world = self._world
        if world.gatekeeper.socket in ready:
            world.gatekeeper.on_ready()
        world.processes.on_time(now)
        if self._agents in ready:
            yield from world.processes.on_ready(now)
        if world.pings.fileno() in ready:
            yield from world.pings.on_ready()
        if world.peers.socket in ready:
            for envelope in world.peers.receive():
                if not world.is_cut_off():
                    yield MessageHeard(envelope, world.beats.sent_ms(envelope.beat))
        if world.peers.monitor in ready:
            world.peers.watch(now)
        if world.clients.socket in ready or world.clients.monitor in ready:
            yield from world.clients.receive(now)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Persisted | StoreFailed):
            if self._is_store_lost:
                return
            self._is_store_lost = isinstance(event, StoreFailed)
            released = (
                self._outbox.on_persisted(event.token)
                if isinstance(event, Persisted)
                else self._outbox.on_store_failed()
            )
            self._do(released)
        self._step(event)

    def _step(self, event: Event) -> None:
        if self._world.exit is None:
            self._carry_out(self._machine.step(self._clock.now(), event))

    def _carry_out(self, effects: list[Effect]) -> None:
        self._do(self._outbox.feed(effects))

    def _do(self, effects: list[Effect]) -> None:
        if self._is_store_lost:
            effects = [effect for effect in effects if not isinstance(effect, Persist)]
        for event in self._world.carry_out(effects):
            self._step(event)

    def _look_after(self, now: Millis) -> None:
        """What is seen to in every turn, whatever happened."""
        world = self._world
        if self._has_new_keys:
            self._read_keys()
        assert world.beats.is_running, "the beat thread has ended"
        world.watchdog.pet(self._clock.now())
        silent_ms = world.store.silent_ms(now)
        if silent_ms > world.config.initdead_ms and not self._is_store_lost:
            self._on_event(StoreFailed(f"the disk has not answered for {silent_ms} ms"))
        offset_ms = self._clock.offset_ms()
        if abs(offset_ms - self._offset_ms) > WALL_JUMP_MS:
            self._offset_ms = offset_ms
            self._step(ClockSet(offset_ms))
        if now - self._drops_told_ms >= DROPS_TOLD_EVERY_MS:
            self._drops_told_ms = now
            self._tell_drops(now)

    def _tell_drops(self, now: Millis) -> None:
        """Tell the machine what was not taken, and (more seldom) the log."""
        world = self._world
        world.peers.watch(now)
        drops = world.drops()
        if self._owes_memory and now - self._memory_returned_ms >= MEMORY_RETURNED_EVERY_MS:
            self._memory_returned_ms, self._owes_memory = now, False
            return_memory()
        if drops == self._drops:
            return
        self._drops, self._owes_memory = drops, True
        self._step(DropsCounted(drops))
        if now - self._drops_noted_ms >= DROPS_NOTED_EVERY_MS or not self._are_drops_noted:
            self._drops_noted_ms, self._are_drops_noted = now, True
            world.note("io.dropped", **{one.kind: one.count for one in drops})


def run(
    config: DaemonConfig, make_machine: MakeMachine, log: Log | None = None, watchdog: Watchdog = NO_WATCHDOG
) -> int:
    """The daemon's whole life; its exit code.

    `StartFailed`, `KeyFileError`, `StoreUnusable` or `SocketTaken` when it cannot start.
    """
    clock = Clock()
    settle_process()
    world = World(config, clock, log if log is not None else Log(clock.wall_ms), watchdog)
    try:
        machine = make_machine(clock.now(), to_settings(config), world.stored, clock.draw)
        loop = Loop(world, machine)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: world.inbox.put(Terminate()))
        signal.signal(signal.SIGUSR1, lambda *_: loop.on_new_keys())
        world.start()
        settle_memory()
        notify("READY=1")
        code = loop.run()
        watchdog.disarm()  # Only here: who ends in any other way left something running.
        return code
    finally:
        notify("STOPPING=1")
        world.close()
