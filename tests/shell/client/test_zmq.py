from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
import zmq

from hashell.client.zmq import REQUEST_BYTES_MAX, ZmqClient
from hashell.errors import Refused, TimedOut, Unreachable
from hashelld.cib.edit import Delete
from hashelld.model.ids import NO_VERSION
from hashelld.wire import client as wire
from hashelld.wire.codec import ASK_BYTES_MAX, decode_ask, encode_tell


Handler = Callable[[wire.Ask], list[wire.Tell | bytes]]


@contextmanager
def daemon(path: str, handler: Handler) -> Iterator[None]:
    """Answers on a socket as the handler says, until the end of the test."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.linger = 0
    router.bind(f"ipc://{path}")
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            if router.poll(20):
                name, frame = router.recv_multipart()
                for answer in handler(decode_ask(frame)):
                    data = answer if isinstance(answer, bytes) else encode_tell(answer)
                    router.send_multipart((name, data))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        router.close()
        context.term()


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s")


def tell(ask: wire.Ask, answer: wire.Answer, ticket: int | None = None) -> wire.Tell:
    return wire.Tell(wire.PROTOCOL, ask.ticket if ticket is None else ticket, answer)


def test_an_answer_belongs_to_its_request(path):
    def handler(ask: wire.Ask) -> list[wire.Tell | bytes]:
        return [tell(ask, wire.Done("late"), ask.ticket + 100), tell(ask, wire.Done("mine"))]

    with daemon(path, handler):
        client = ZmqClient(path)
        assert client.ask(wire.Cleanup()) == wire.Done("mine")
        assert client.ask(wire.Cleanup()) == wire.Done("mine")
        client.close()


def test_events_on_the_way_are_kept(path):
    def handler(ask: wire.Ask) -> list[wire.Tell | bytes]:
        if isinstance(ask.request, wire.Subscribe):
            return [tell(ask, wire.Changed("status", "one"))]
        return [tell(ask, wire.Changed("cib", "two"), 1), tell(ask, wire.Done())]

    with daemon(path, handler):
        client = ZmqClient(path)
        events = client.events(timeout_ms=2_000)
        assert next(events) == wire.Changed("status", "one")
        assert client.ask(wire.Cleanup()) == wire.Done()
        assert next(events) == wire.Changed("cib", "two")
        client.close()


def test_silence_is_an_event_of_its_own(path):
    with daemon(path, lambda _ask: []):
        client = ZmqClient(path)
        assert next(client.events(timeout_ms=1)) is None
        client.close()


def test_silence_after_a_commit_is_an_unknown_outcome(path):
    with daemon(path, lambda _ask: []):
        client = ZmqClient(path)
        with pytest.raises(Unreachable, match="did not answer"):
            client.ask(wire.GetStatus(), timeout_ms=10)
        with pytest.raises(TimedOut, match="abc"):
            client.ask(wire.MakeCommit(id="abc", base=NO_VERSION, edits=()), timeout_ms=10)
        client.close()


@pytest.mark.parametrize("answer", [b"\xc1", msgspec.msgpack.encode((wire.PROTOCOL, 1, {"type": "future"}))])
def test_another_language_is_told(path, answer):
    with daemon(path, lambda _ask: [answer]):
        client = ZmqClient(path)
        with pytest.raises(Refused, match="language"):
            client.ask(wire.GetStatus())
        client.close()


def test_another_protocol_is_told(path):
    with daemon(path, lambda ask: [wire.Tell(99, ask.ticket, wire.Done())]):
        client = ZmqClient(path)
        with pytest.raises(Refused, match="protocol 99"):
            client.ask(wire.GetStatus())
        client.close()


def test_a_refusal_without_a_ticket_is_ours(path):
    with daemon(path, lambda ask: [tell(ask, wire.Refused("invalid", "not understood"), 0)]):
        client = ZmqClient(path)
        assert client.ask(wire.GetStatus()) == wire.Refused("invalid", "not understood")
        client.close()


def test_no_socket(path):
    with pytest.raises(Unreachable, match=r"does not exist.*hashelld run.*--socket"):
        ZmqClient(path).ask(wire.GetStatus())


def test_a_socket_that_nobody_listens_at(path):
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(path)
    with pytest.raises(Unreachable, match="nobody listens"):
        ZmqClient(path).ask(wire.GetStatus())


def test_a_file_is_no_socket(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unreachable, match="is no socket"):
        ZmqClient(str(tmp_path / "file")).ask(wire.GetStatus())


def test_what_a_daemon_would_not_accept_is_not_sent(path):
    assert REQUEST_BYTES_MAX == ASK_BYTES_MAX
    with daemon(path, lambda _ask: []):
        client = ZmqClient(path)
        with pytest.raises(Refused, match="too large"):
            client.ask(wire.MakeCommit(id="1", base=NO_VERSION, edits=(Delete("x" * REQUEST_BYTES_MAX),)))
        client.close()
