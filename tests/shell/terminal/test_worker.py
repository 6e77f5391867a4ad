from __future__ import annotations

import io
import threading

import pytest

from hashell.errors import Unreachable
from hashell.session import Session
from hashell.terminal.follow import follow
from hashell.terminal.worker import Worker
from hashelld.wire import client as wire
from tests.shell.memory import MemoryClient


LIMIT_S = 20.0


class Following(MemoryClient):
    """Its events come when the test says so; a second connection is to the same cluster."""

    def __init__(self):
        super().__init__()
        self.happened = threading.Event()
        self.is_gone = False
        self.looks = 0

    def another(self):
        return self

    def ask(self, request, timeout_ms=10_000):
        if self.is_gone:
            raise Unreachable("No hashelld answers.")
        self.looks += isinstance(request, wire.GetStatus)
        return super().ask(request, timeout_ms)

    def events(self, timeout_ms):
        while True:
            if self.happened.wait(timeout_ms / 1000):
                self.happened.clear()
                yield wire.Changed("status")
            else:
                yield None


@pytest.fixture
def followed():
    """A worker on a cluster, and an event that is set whenever there is something new to draw."""
    client, changed = Following(), threading.Event()
    worker = Worker(Session(client), changed.set)
    worker.start()
    yield client, worker, changed
    worker.stop()


def until(condition, changed):
    """Wait for the changes that make it true."""
    while not condition():
        assert changed.wait(LIMIT_S)
        changed.clear()


def test_the_report_follows_the_events(followed):
    client, worker, changed = followed
    until(lambda: worker.report is not None, changed)
    looks = client.looks
    client.happened.set()
    until(lambda: client.looks > looks, changed)
    assert worker.trouble == ""


def test_a_line_is_run_and_its_outcome_is_told(followed):
    _client, worker, changed = followed
    done = []
    worker.submit("node standby node2 --yes", done.append)
    until(lambda: done, changed)
    assert done[0].outcome.text.startswith("node2 is in standby")
    until(lambda: worker.report is not None and state_of(worker.report, "node2") == "standby", changed)


def state_of(report, name):
    return next(node.state for node in report.nodes if node.node == name)


def test_what_is_refused_is_told_in_words(followed):
    _client, worker, changed = followed
    done = []
    worker.submit("resource stop nosuch", done.append)
    until(lambda: done, changed)
    assert done[0].outcome is None
    assert "nosuch" in done[0].error


def test_how_it_is_shown_changes_at_once(followed):
    _client, worker, changed = followed
    until(lambda: worker.report is not None, changed)
    worker.words = ("bynode",)
    worker.look_again()
    until(lambda: worker.report.words == ("bynode",), changed)


def test_trouble_is_told_and_the_last_report_stays(followed):
    client, worker, changed = followed
    until(lambda: worker.report is not None, changed)
    client.is_gone = True
    client.happened.set()
    until(lambda: worker.trouble, changed)
    assert worker.trouble == "No hashelld answers."
    assert worker.report is not None


class Scripted(MemoryClient):
    """Something happens between two looks; then the user presses Ctrl-C."""

    def __init__(self, *happenings):
        super().__init__()
        self.happenings = happenings

    def events(self, timeout_ms):
        yield None
        for happening in self.happenings:
            happening(self)
            yield wire.Changed("status")
        raise KeyboardInterrupt


def without_quorum(client):
    quorum = wire.QuorumStatus(has_quorum=False, votes=1, total=3, reason="1 of 3 votes")
    client.status = wire.StatusIs(
        **{**{f: getattr(client.status, f) for f in client.status.__struct_fields__}, "quorum": quorum}
    )


def test_what_happens_is_a_line_each():
    written = io.StringIO()
    follow(Session(Scripted(without_quorum)), written)
    (line,) = written.getvalue().splitlines()
    assert line.endswith("quorum    NO QUORUM: 1 of 3 votes")


def test_as_json_each_line_is_an_object():
    written = io.StringIO()
    follow(Session(Scripted(without_quorum)), written, as_json=True)
    (line,) = written.getvalue().splitlines()
    assert '"what":"quorum"' in line
    assert '"is_bad":true' in line


def test_nothing_happened_is_nothing_told():
    written = io.StringIO()
    follow(Session(Scripted(lambda _client: None)), written)
    assert written.getvalue() == ""
