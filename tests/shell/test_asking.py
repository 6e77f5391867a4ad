"""Changes that come while there is no DC: waited for when they were not made for sure, never made twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hashell.asking import LIMIT_S
from hashell.errors import Refused, TimedOut, Unreachable
from hashell.session import Session
from hashelld.cib.edit import Put
from hashelld.model.ids import Epoch, NodeId
from hashelld.model.node import Node
from hashelld.wire import client as wire
from tests.shell.memory import MemoryClient, Shell
from tests.shell.patience import Hasty


EDITS = (Put(Node(id=NodeId("node9"))),)
WITHOUT = {"no-quorum": "no DC is heard", "no-dc": "the DC lost its office", "busy": "too many commits"}


class Elections(MemoryClient):
    """One whose DC can be missing, or be lost while it makes a commit."""

    def __init__(self) -> None:
        super().__init__()
        self.code = ""
        self.loses: list[str] = []
        """What becomes of the next commits: `made` or `dropped`, and the answer is lost; `silent`: none comes."""
        self.is_silent = False
        self.known: dict[str, wire.Answer] = {}

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        if self.is_silent:
            raise Unreachable("the daemon is gone")
        if isinstance(request, wire.AskCommit):
            self.asked.append(request)
            return self.known.get(request.id, wire.Refused("unknown-commit", "not known here"))
        if self.code and isinstance(request, wire.MakeCommit | wire.Cleanup | wire.SetAttribute | wire.FenceNode):
            self.asked.append(request)
            return wire.Refused(self.code, WITHOUT[self.code])
        if isinstance(request, wire.MakeCommit):
            return self._commit_or_lose(request)
        return super().ask(request, timeout_ms)

    def _commit_or_lose(self, request: wire.MakeCommit) -> wire.Answer:
        way = self.loses.pop(0) if self.loses else ""
        if way == "dropped":
            self.asked.append(request)
        else:
            self.known[request.id] = super().ask(request)
        if way == "silent":
            self.is_silent = True
            raise TimedOut("hashelld did not answer")
        return wire.Refused("lost", "the DC was lost") if way else self.known[request.id]

    def elect(self) -> None:
        self.code = ""
        self.lead("node1")

    def lead(self, node: str | None) -> None:
        self.status = replace(self.status, dc=None if node is None else NodeId(node))


def scene(patience: Hasty, code: str = "") -> tuple[Session, Elections]:
    client = Elections()
    session = Session(client, patience=patience)
    session.applied()
    if code:
        client.code = code
        client.lead(None)
    return session, client


def commits(client: Elections) -> list[wire.MakeCommit]:
    return [one for one in client.asked if isinstance(one, wire.MakeCommit)]


@pytest.mark.parametrize("code", WITHOUT)
def test_a_commit_waits_for_a_dc(code: str) -> None:
    patience = Hasty()
    session, client = scene(patience, code)
    patience.happenings = iter((lambda: None, client.elect))
    assert session.commit(EDITS).edits == EDITS
    assert patience.rests == 2
    assert "waiting for a DC" in patience.told[0]
    assert client.cib.node(NodeId("node9")) is not None
    assert len({one.id for one in commits(client)}) == 1


def test_a_commit_is_refused_when_there_is_none_for_long() -> None:
    patience = Hasty()
    session, client = scene(patience, "no-quorum")
    with pytest.raises(Refused, match="no DC is heard"):
        session.commit(EDITS)
    assert patience.rests == LIMIT_S
    assert len(commits(client)) == 1  # Nobody is asked while there is no DC.


def test_a_dc_that_is_lost_again_is_waited_for_again() -> None:
    patience = Hasty()
    session, client = scene(patience, "no-quorum")
    patience.happenings = iter((lambda: client.lead("node2"), lambda: None, client.elect))
    session.commit(EDITS)
    assert patience.rests == 3
    assert len(commits(client)) == 4


@pytest.mark.parametrize(
    "line", ["resource cleanup web", "node status-attr node1 set a 1", "node standby node1", "resource stop web"]
)
def test_every_change_waits(line: str) -> None:
    shell = Shell()
    client = Elections()
    shell.session.client = client
    client.code = "no-quorum"
    client.lead(None)
    patience = shell.session.patience = Hasty((lambda: None, client.elect))
    shell.run(line)
    assert patience.rests == 2


def test_what_only_looks_never_waits() -> None:
    patience = Hasty()
    session, client = scene(patience, "no-quorum")
    session.status()
    session.applied()
    assert patience.rests == 0
    assert client.status.dc is None


def test_what_is_refused_for_another_reason_is_refused_at_once() -> None:
    patience = Hasty()
    session, _client = scene(patience)
    with pytest.raises(Refused):
        session.ask(wire.AgentAsk(("crm_node",)))
    assert patience.rests == 0


def test_a_commit_whose_answer_was_lost_is_found_once_there_is_a_dc() -> None:
    patience = Hasty()
    session, client = scene(patience)
    client.loses = ["made"]
    assert session.commit(EDITS).version == client.version
    assert len(commits(client)) == 1


def test_a_commit_that_nobody_knows_stays_unknown_and_is_not_made_again() -> None:
    patience = Hasty()
    session, client = scene(patience)
    client.loses = ["dropped"]
    with pytest.raises(TimedOut, match="is unknown"):
        session.commit(EDITS)
    assert len(commits(client)) == 1
    assert sum(isinstance(one, wire.AskCommit) for one in client.asked) == 2  # Again, once a DC is in office here.
    assert patience.rests == 1


def test_it_is_asked_for_until_the_new_dc_is_in_office() -> None:
    patience = Hasty()
    session, client = scene(patience)
    client.loses = ["dropped"]
    client.status = replace(client.status, epoch=Epoch(9, NodeId("node2")))
    with pytest.raises(TimedOut, match="is unknown"):
        session.commit(EDITS)
    assert patience.rests == LIMIT_S


def test_a_daemon_that_is_gone_meanwhile_may_come_back() -> None:
    patience = Hasty()
    session, client = scene(patience)
    client.loses = ["silent"]

    def back() -> None:
        client.is_silent = False

    patience.happenings = iter((lambda: None, back))
    assert session.commit(EDITS).version == client.version
    client.loses = ["silent"]
    with pytest.raises(TimedOut, match="is unknown"):
        session.commit((Put(Node(id=NodeId("node8"))),))
