"""The loop with a small machine: events reach it, its effects are carried out, in order, and it ends well."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import zmq

from hashelld.config import DaemonConfig
from hashelld.core.effects import (
    Announce,
    Effect,
    Exit,
    KillAgent,
    Note,
    Persist,
    Reply,
    RunAgent,
    Send,
    SetBeat,
)
from hashelld.core.events import (
    AgentEnded,
    BeatsHeard,
    ClientAsked,
    ClockSet,
    Event,
    MessageHeard,
    Persisted,
    StoreFailed,
    Woken,
)
from hashelld.io.logs import Log
from hashelld.io.runtime import Loop, StartFailed, World
from hashelld.io.store import FILE_NAME
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.client import PROTOCOL, Ask, Done, GetStatus
from hashelld.wire.codec import decode_tell, encode_ask
from tests.io.build import CLOCK, configs, content, envelope, script


Answer = Callable[[Event], list[Effect]]


class Recorder:
    """A machine that records what it is told, and answers as the test says."""

    def __init__(self, first: list[Effect], answer: Answer) -> None:
        self.first = first
        self.answer = answer
        self.events: list[Event] = []

    def start(self, now: Millis) -> list[Effect]:
        assert now > 0
        return self.first

    def step(self, now: Millis, event: Event) -> list[Effect]:
        assert now > 0
        self.events.append(event)
        assert len(self.events) < 5_000, "it never ended"
        return self.answer(event)

    def deadline(self) -> Millis | None:
        return None


def run(config: DaemonConfig, first: list[Effect], answer: Answer) -> tuple[int, list[Event], str]:
    """The loop's whole life: exit code, events (idle turns left out), log."""
    read, write = os.pipe()
    world = World(config, CLOCK, Log(CLOCK.wall_ms, handle=write))
    machine = Recorder(first, answer)
    world.start()
    try:
        code = Loop(world, machine).run()
    finally:
        world.close()
        os.close(write)
    with os.fdopen(read) as log:
        text = log.read()
    return code, [event for event in machine.events if not isinstance(event, Woken)], text


END = Exit(0, "done")


def ends_at(kind: type[Event]) -> Answer:
    return lambda event: [END] if isinstance(event, kind) else []


@pytest.fixture
def config(tmp_path: Path) -> DaemonConfig:
    return configs(tmp_path, ("a",))[0]


def test_the_first_event_is_the_clock_and_exit_ends_the_loop(config: DaemonConfig) -> None:
    code, events, text = run(config, [Note("hello", {"n": 1})], lambda _: [Exit(3, "enough"), Note("never")])
    assert code == 3
    assert [type(event) for event in events] == [ClockSet]
    assert "event=hello n=1" in text
    assert "event=io.exit code=3 reason=enough" in text
    assert "never" not in text


def test_an_agent_runs_and_ends(config: DaemonConfig, tmp_path: Path) -> None:
    agent = RunAgent(run=1, argv=(script(tmp_path, "echo hi; exit 4"),), timeout_ms=5_000)
    _, events, _ = run(config, [agent], ends_at(AgentEnded))
    ended = events[-1]
    assert isinstance(ended, AgentEnded)
    assert (ended.run, ended.rc, ended.stdout) == (1, 4, "hi\n")


def test_an_agent_that_cannot_run_is_told_of(config: DaemonConfig) -> None:
    _, events, _ = run(config, [RunAgent(run=1, argv=("/none",), timeout_ms=1), KillAgent(2)], ends_at(AgentEnded))
    assert any(isinstance(event, AgentEnded) and event.rc is None and event.error for event in events)


def test_a_timeout_is_kept_by_the_loop(config: DaemonConfig, tmp_path: Path) -> None:
    agent = RunAgent(run=1, argv=(script(tmp_path, "sleep 100"),), timeout_ms=50)
    _, events, _ = run(config, [agent], ends_at(AgentEnded))
    assert isinstance(events[-1], AgentEnded)
    assert events[-1].rc is None


def test_beats_are_heard_between_other_events(config: DaemonConfig, tmp_path: Path) -> None:
    world = World(config, CLOCK, Log(CLOCK.wall_ms, handle=os.open(os.devnull, os.O_WRONLY)))

    def answer(event: Event) -> list[Effect]:
        if isinstance(event, ClockSet):
            for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.waitid(os.P_PID, int(child), os.WEXITED | os.WNOWAIT)
        if isinstance(event, AgentEnded):
            world.inbox.put(BeatsHeard(()))
        return [END] if event == BeatsHeard(()) and kinds().count(AgentEnded) == 3 else []

    def kinds() -> list[type[Event]]:
        return [type(event) for event in machine.events if isinstance(event, AgentEnded | BeatsHeard)]

    agents: list[Effect] = [RunAgent(run=run, argv=("/bin/true",), timeout_ms=5_000) for run in range(3)]
    machine = Recorder(agents, answer)
    world.start()
    try:
        Loop(world, machine).run()
    finally:
        world.close()
    assert kinds() == [AgentEnded, BeatsHeard] * 3


def test_what_follows_a_write_waits_for_it(config: DaemonConfig) -> None:
    _, events, text = run(
        config,
        [Persist(token=1, promised=3), Note("written"), END],
        lambda event: [Note("told")] if isinstance(event, ClockSet) else [],
    )
    assert [type(event) for event in events] == [ClockSet]  # Exit was carried out before the report was stepped.
    assert "written" in text
    database = sqlite3.connect(Path(config.state) / FILE_NAME)
    (body,) = database.execute("select body from facts where name = 'promised'").fetchone()
    database.close()
    assert msgspec.msgpack.decode(body) == 3


def test_writes_are_reported(config: DaemonConfig) -> None:
    _, events, _ = run(config, [Persist(token=1, promised=3)], ends_at(Persisted))
    assert events[-1] == Persisted(1)


def test_a_failing_disk_is_told_once(config: DaemonConfig) -> None:
    def answer(event: Event) -> list[Effect]:
        if isinstance(event, ClockSet):
            return [Persist(token=1, promised=1 << 200), Persist(token=2, promised=2)]
        return [Persist(token=3), Note("after"), END] if isinstance(event, StoreFailed) else []

    _, events, text = run(config, [], answer)
    assert [type(event) for event in events] == [ClockSet, StoreFailed]
    assert "event=after" in text


def test_a_shell_is_answered(config: DaemonConfig) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as shell:
        shell.connect(f"ipc://{config.socket}")
        shell.send(encode_ask(Ask(PROTOCOL, 9, GetStatus())))

        def answer(event: Event) -> list[Effect]:
            if not isinstance(event, ClientAsked):
                return []
            return [Reply(event.client, event.ticket, Done(event.author.user)), END]

        run(config, [], answer)
        assert shell.poll(1_000)
        tell = decode_tell(shell.recv())
        assert tell.ticket == 9
        assert isinstance(tell.answer, Done)


def test_announcing_what_is_nowhere_harms_nobody(config: DaemonConfig) -> None:
    code, _, _ = run(config, [Announce((("203.0.113.77", ""),)), END], lambda _: [])
    assert code == 0


def test_beats_and_messages_go_to_a_peer_and_come_back(tmp_path: Path) -> None:
    """Two worlds in one process: the second one only echoes."""
    one_config, two_config = configs(tmp_path, ("a", "b"))
    log = Log(CLOCK.wall_ms, handle=os.open(os.devnull, os.O_WRONLY))
    two = World(two_config, CLOCK, log)
    two.start()
    two.carry_out([SetBeat(content())])

    def answer(event: Event) -> list[Effect]:
        two.beats.progress(CLOCK.now())
        two.gatekeeper.on_ready()
        for heard in two.peers.receive():
            assert heard.beat > 0
            two.carry_out([Send(envelope("b", "a"))])
        if isinstance(event, BeatsHeard):
            return [Send(envelope("a", "b")), Send(envelope("a", "nobody"))]
        return [END] if isinstance(event, MessageHeard) else []

    _, events, _ = run(one_config, [SetBeat(content())], answer)
    heard = events[-1]
    assert isinstance(heard, MessageHeard)
    assert heard.envelope.sender == NodeId("b")
    assert heard.beat_sent_ms is not None
    two.close()


def test_a_taken_port_is_explained(config: DaemonConfig) -> None:
    with socket.socket() as taken:
        taken.bind((config.own.addresses[0], config.own.port))
        taken.listen()
        with pytest.raises(StartFailed, match="Address already in use"):
            World(config, CLOCK, Log(CLOCK.wall_ms))
    world = World(config, CLOCK, Log(CLOCK.wall_ms))
    world.close()


def test_orphans_are_ended_before_the_store_is_read(config: DaemonConfig) -> None:
    world = World(config, CLOCK, Log(CLOCK.wall_ms))
    world.carry_out([RunAgent(run=1, argv=("/bin/sleep", "100"), timeout_ms=60_000)])
    world.close()
    left = World(config, CLOCK, Log(CLOCK.wall_ms))
    _, status = os.waitpid(-1, 0)
    assert os.WTERMSIG(status) == signal.SIGTERM
    assert left.stored.incarnation.counter > world.stored.incarnation.counter
    left.close()


PROGRAM = """
import sys
from hashelld.config import load
from hashelld.core.effects import Exit, Note, SetBeat
from hashelld.core.events import Terminate
from hashelld.io.runtime import run

class Machine:
    def __init__(self, now, settings, stored, draw):
        assert 1 <= draw(1, 6) <= 6
    def start(self, now):
        return [Note("ready", {})]
    def step(self, now, event):
        return [Exit(0, "told")] if isinstance(event, Terminate) else []
    def deadline(self):
        return None

sys.exit(run(load(sys.argv[1]), Machine))
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (config,) = configs(tmp_path, ("a",))
    text = (
        '[node]\nname = "a"\nstate = "s"\nsocket = "a.sock"\nrealtime = false\n[cluster]\nkey = "key"\n'
        f'[[nodes]]\nname = "a"\naddresses = ["127.0.0.1"]\nport = {config.own.port}\n'
    )
    (tmp_path / "a.toml").write_text(text)
    argv = (sys.executable, "-c", PROGRAM, str(tmp_path / "a.toml"))
    made = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    yield made
    made.kill()
    made.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_told_to_the_machine(daemon: subprocess.Popen[str], number: int) -> None:
    assert daemon.stderr is not None
    assert "event=ready" in daemon.stderr.readline()
    daemon.send_signal(number)
    assert daemon.wait(5) == 0
    assert "reason=told" in daemon.stderr.read()
