"""The shell's entrance: who asks is what the kernel says, and stale sockets do not stop a start."""

from __future__ import annotations

import os
import pwd
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from hashelld.core.events import ClientAsked, ClientGone
from hashelld.io.clients import ClientSocket, Credentials, SocketTaken, author_of, is_permitted, read_credentials
from hashelld.io.sockets import Context
from hashelld.limits import CLIENTS_MAX
from hashelld.model.ids import NodeId
from hashelld.wire.client import PROTOCOL, Answer, Ask, Done, GetStatus, Refused
from hashelld.wire.codec import decode_tell, encode_ask
from tests.io.build import until


class Server:
    """The daemon's end and what came in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.context: Context = zmq.Context()
        self.socket = ClientSocket(self.context, str(path), NodeId("a"))
        self.events: list[ClientAsked | ClientGone] = []
        self.shells: list[zmq.Socket[bytes]] = []

    def look(self) -> list[ClientAsked | ClientGone]:
        self.events.extend(self.socket.receive())
        return self.events

    def shell(self, name: bytes | None = None) -> zmq.Socket[bytes]:
        opened = self.context.socket(zmq.DEALER)
        opened.linger = 0
        if name is not None:
            opened.set(zmq.ROUTING_ID, name)
        opened.connect(f"ipc://{self.path}")
        self.shells.append(opened)
        return opened

    def gone(self) -> list[bytes]:
        return [event.client for event in self.look() if isinstance(event, ClientGone)]

    def asked(self) -> list[ClientAsked]:
        return [event for event in self.look() if isinstance(event, ClientAsked)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "run" / "s.sock")
    yield made
    made.socket.close()
    made.context.destroy(linger=0)


def ask(shell: zmq.Socket[bytes], ticket: int = 1) -> None:
    shell.send(encode_ask(Ask(PROTOCOL, ticket, GetStatus())))


def test_a_request_and_its_answer(server: Server) -> None:
    shell = server.shell()
    ask(shell, 42)
    until(server.asked)
    (asked,) = server.asked()
    assert (asked.ticket, asked.request) == (42, GetStatus())
    assert (asked.author.uid, asked.author.node) == (os.geteuid(), "a")
    server.socket.send(asked.client, 42, Done("fine"))
    until(lambda: shell.poll(0))
    assert decode_tell(shell.recv()).answer == Done("fine")


def test_the_socket_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "run" / "s.sock"
    with zmq.Context() as context:
        made = ClientSocket(context, str(path), NodeId("a"))
        assert path.stat().st_mode & 0o777 == 0o660
        assert path.parent.stat().st_mode & 0o027 == 0
        made.close()
    assert not path.exists()


def test_a_shell_that_leaves_is_told_of(server: Server) -> None:
    one, two = server.shell(), server.shell()
    ask(one)
    until(server.asked)
    ask(two)
    until(lambda: len(server.asked()) == 2)
    first, second = server.asked()
    one.close()
    until(server.gone)
    assert server.gone() == [first.client]
    server.socket.send(first.client, 1, Done())
    assert server.socket.unread == 1
    again = server.shell()
    ask(again)
    until(lambda: len(server.asked()) == 3)
    two.close()
    until(lambda: len(server.gone()) == 2)
    assert server.gone()[1] == second.client


def test_a_shell_that_asks_and_leaves_at_once(server: Server) -> None:
    for _ in range(5):
        shell = server.shell()
        shell.linger = 1_000
        ask(shell)
        shell.close()
    until(lambda: len(server.gone()) == 5)
    assert len(server.asked()) == 5


def test_a_name_is_no_identity(server: Server) -> None:
    one = server.shell(b"same")
    ask(one)
    until(server.asked)
    one.close()
    until(server.gone)
    two = server.shell(b"same")
    ask(two, 2)
    until(lambda: len(server.asked()) == 2)
    kinds = [type(event) for event in server.look()]
    assert kinds == [ClientAsked, ClientGone, ClientAsked]


@pytest.mark.parametrize("frames", [[b""], [b"garbage"], [b"\x93\x02\x01\x81\xa4type\xa7get-cib"]])
def test_what_is_not_understood_is_answered(server: Server, frames: list[bytes]) -> None:
    shell = server.shell()
    shell.send_multipart(frames)
    until(lambda: server.look() or server.socket.dropped)
    until(lambda: shell.poll(0))
    answer = decode_tell(shell.recv()).answer
    assert isinstance(answer, Refused)
    assert answer.code == "invalid"
    assert server.events == []


def test_more_frames_than_one_are_dropped(server: Server) -> None:
    shell = server.shell()
    shell.send_multipart([b"", encode_ask(Ask(PROTOCOL, 1, GetStatus()))])
    until(lambda: server.look() or server.socket.dropped)
    assert server.events == []


def test_there_is_a_limit_of_shells(server: Server) -> None:
    shells = [server.shell() for _ in range(CLIENTS_MAX + 1)]
    for shell in shells:
        ask(shell)
        until(lambda shell=shell: (server.look() and len(server.asked()) == CLIENTS_MAX) or shells[0].poll(0) == 0)
    until(lambda: server.look() and any(shell.poll(0) for shell in shells))
    refused = next(shell for shell in shells if shell.poll(0))
    answer = decode_tell(refused.recv()).answer
    assert isinstance(answer, Refused)
    assert len(server.asked()) == CLIENTS_MAX


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("localhost:0:1:2", Credentials(0, 1, 2)),
        ("localhost:0:1", None),
        ("127.0.0.1", None),
        ("localhost:-1:1:2", None),
        ("localhost:a:1:2", None),
        ("", None),
    ],
)
def test_credentials_are_read(address: str, found: Credentials | None) -> None:
    assert read_credentials(address) == found


def test_who_asks_is_told_with_groups_and_process() -> None:
    own = author_of(Credentials(os.geteuid(), os.getegid(), 7), NodeId("a"))
    assert (own.uid, own.node, own.pid, own.is_trusted, own.groups) == (os.geteuid(), "a", 7, True, ())
    daemon = pwd.getpwnam("daemon")
    other = author_of(Credentials(daemon.pw_uid, 0, 8), NodeId("a"))
    assert (other.user, other.is_trusted) == ("daemon", False)
    assert {"root", "daemon"} <= set(other.groups)
    unknown = author_of(Credentials(99_998, 99_998, 9), NodeId("a"))
    assert (unknown.user, unknown.groups, unknown.is_trusted) == ("uid 99998", (), False)
    assert not author_of(None, NodeId("a")).is_trusted


def test_permission_is_for_root_oneself_and_the_group() -> None:
    assert is_permitted(Credentials(0, 0))
    assert is_permitted(Credentials(os.geteuid(), 99_999))
    assert not is_permitted(Credentials(99_998, 99_998))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_another_user_is_refused() -> None:
    with tempfile.TemporaryDirectory(prefix="hashell-test-") as directory:
        Path(directory).chmod(0o755)
        server = Server(Path(directory) / "s.sock")
        server.path.chmod(0o666)
        answer = answer_to_nobody(server)
        server.socket.close()
        server.context.destroy(linger=0)
    assert isinstance(answer, Refused)
    assert answer.code == "permission"
    assert server.events == []


def answer_to_nobody(server: Server) -> Answer:
    """What a process of another user gets."""
    code = (
        "import os,sys,zmq; os.setgid(99998); os.setuid(99998); s=zmq.Context().socket(zmq.DEALER); "
        "s.connect('ipc://'+sys.argv[1]); s.send(bytes.fromhex(sys.argv[2])); "
        "s.poll(5000) and os.write(1, s.recv()); s.close(0)"
    )
    read, write = os.pipe()
    request = encode_ask(Ask(PROTOCOL, 1, GetStatus())).hex()
    argv = (sys.executable, "-c", code, str(server.path), request)
    pid = os.posix_spawn(sys.executable, argv, dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
    os.close(write)
    until(lambda: server.look() or server.socket.refused)
    answer = decode_tell(os.read(read, 65_536)).answer
    os.waitpid(pid, 0)
    os.close(read)
    return answer


def test_a_stale_socket_is_replaced_and_a_living_one_not(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    server = Server(path)
    with pytest.raises(SocketTaken, match="another hashelld"):
        ClientSocket(server.context, str(path), NodeId("b"))
    shell = server.shell()
    ask(shell)
    until(server.asked)
    server.socket.close()
    server.context.destroy(linger=0)


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with zmq.Context() as context, pytest.raises(SocketTaken, match="no socket"):
        ClientSocket(context, str(path), NodeId("a"))
    assert path.read_text() == "data"
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with zmq.Context() as context, pytest.raises(SocketTaken, match="others may replace"):
        ClientSocket(context, str(tmp_path / "open" / "s"), NodeId("a"))
