from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
import zmq

from hashell.client.daemon import REQUEST_BYTES_MAX
from hashell.client.quick import QuickClient
from hashell.client.zmq import ZmqClient
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


@pytest.fixture(params=[ZmqClient, QuickClient])
def connect(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s")


def tell(ask: wire.Ask, answer: wire.Answer, ticket: int | None = None) -> wire.Tell:
    return wire.Tell(wire.PROTOCOL, ask.ticket if ticket is None else ticket, answer)


def test_an_answer_belongs_to_its_request(connect, path):
    def handler(ask: wire.Ask) -> list[wire.Tell | bytes]:
        return [tell(ask, wire.Done("late"), ask.ticket + 100), tell(ask, wire.Done("mine"))]

    with daemon(path, handler):
        client = connect(path)
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


def test_silence_is_an_event_of_its_own(connect, path):
    with daemon(path, lambda _ask: []):
        client = connect(path)
        assert next(client.events(timeout_ms=1)) is None
        client.close()


def test_silence_after_a_commit_is_an_unknown_outcome(connect, path):
    with daemon(path, lambda _ask: []):
        client = connect(path)
        with pytest.raises(Unreachable, match="did not answer"):
            client.ask(wire.GetStatus(), timeout_ms=10)
        with pytest.raises(TimedOut, match="abc"):
            client.ask(wire.MakeCommit(id="abc", base=NO_VERSION, edits=()), timeout_ms=10)
        client.close()


@pytest.mark.parametrize("answer", [b"\xc1", msgspec.msgpack.encode((wire.PROTOCOL, 1, {"type": "future"}))])
def test_another_language_is_told(connect, path, answer):
    with daemon(path, lambda _ask: [answer]):
        client = connect(path)
        with pytest.raises(Refused, match="language"):
            client.ask(wire.GetStatus())
        client.close()


def test_another_protocol_is_told(connect, path):
    with daemon(path, lambda ask: [wire.Tell(99, ask.ticket, wire.Done())]):
        client = connect(path)
        with pytest.raises(Refused, match="protocol 99"):
            client.ask(wire.GetStatus())
        client.close()


def test_a_refusal_without_a_ticket_is_ours(connect, path):
    with daemon(path, lambda ask: [tell(ask, wire.Refused("invalid", "not understood"), 0)]):
        client = connect(path)
        assert client.ask(wire.GetStatus()) == wire.Refused("invalid", "not understood")
        client.close()


def test_no_socket(connect, path):
    with pytest.raises(Unreachable, match=r"does not exist.*hashelld run.*--socket"):
        connect(path).ask(wire.GetStatus())


def test_a_socket_that_nobody_listens_at(connect, path):
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(path)
    with pytest.raises(Unreachable, match="nobody listens"):
        connect(path).ask(wire.GetStatus())


def test_a_file_is_no_socket(connect, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unreachable, match="is no socket"):
        connect(str(tmp_path / "file")).ask(wire.GetStatus())


def test_what_a_daemon_would_not_accept_is_not_sent(connect, path):
    assert REQUEST_BYTES_MAX == ASK_BYTES_MAX
    with daemon(path, lambda _ask: []):
        client = connect(path)
        with pytest.raises(Refused, match="too large"):
            client.ask(wire.MakeCommit(id="1", base=NO_VERSION, edits=(Delete("x" * REQUEST_BYTES_MAX),)))
        client.close()


def test_a_long_answer_comes_in_pieces(connect, path):
    text = "x" * 3_000_000
    with daemon(path, lambda ask: [tell(ask, wire.Done(text))]):
        client = connect(path)
        assert client.ask(wire.Cleanup()) == wire.Done(text)
        client.close()


def test_a_long_request_is_understood(connect, path):
    with daemon(path, lambda ask: [tell(ask, wire.Done(str(len(ask.request.id))))]):
        client = connect(path)
        assert client.ask(wire.AskCommit("x" * 300_000)) == wire.Done("300000")
        client.close()


@contextmanager
def listener(path: str, said: bytes, wanted: int = 0) -> Iterator[None]:
    """Says something to whoever connects, and ends the connection after it has heard so many bytes."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()

        def serve() -> None:
            connection, _address = listening.accept()
            with connection:
                connection.sendall(said)
                heard = 0
                while heard < wanted and (piece := connection.recv(1000)):
                    heard += len(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_a_daemon_that_goes_away_before_it_answers(path):
    ready = b"\5READY" + b"\x0bSocket-Type\0\0\0\6ROUTER"
    greeting = (b"\xff" + bytes(8) + b"\x7f\3\1" + b"NULL".ljust(20, b"\0")).ljust(64, b"\0")
    said = greeting + bytes((4, len(ready))) + ready
    with listener(path, said, wanted=112), pytest.raises(TimedOut, match="before it ended the connection"):
        QuickClient(path).ask(wire.MakeCommit(id="abc", base=NO_VERSION, edits=()))


@pytest.mark.parametrize("said", [b"", b"SSH-2.0\r\n" * 20, b"\xff" + bytes(90)])
def test_what_is_no_daemon(path, said):
    with listener(path, said, wanted=64), pytest.raises(Unreachable):
        QuickClient(path).ask(wire.GetStatus())


def test_it_connects_again_after_silence(path):
    answers = iter([[], ["yes"]])
    with daemon(path, lambda ask: [tell(ask, wire.Done(text)) for text in next(answers)]):
        client = QuickClient(path)
        with pytest.raises(Unreachable, match="did not answer within"):
            client.ask(wire.GetStatus(), timeout_ms=50)
        assert client.ask(wire.GetStatus()) == wire.Done("yes")
        client.close()


def test_events_come_by_a_connection_that_lasts(path):
    with daemon(path, lambda ask: [tell(ask, wire.Changed("status", "one"))]):
        client = QuickClient(path)
        assert next(client.events(timeout_ms=2_000)) == wire.Changed("status", "one")
        client.close()
