"""Answers of a DC on another node, on their way to the shells of this one."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.core.effects import Reply
from hashelld.model.ids import NO_VERSION, NodeId
from hashelld.wire.client import Answer, Committed, FenceNode, MakeCommit, Refused
from tests.core.alone import ROOT, Alone


DC = NodeId("n2")
SHELL = b"root"


@pytest.fixture
def alone() -> Alone:
    made = Alone("node n1")
    made.ask(ROOT, MakeCommit(id="first", base=NO_VERSION, edits=()))  # The shell is known from here on.
    return made


def told(alone: Alone) -> list[Answer]:
    """What the shell was answered since this was asked last."""
    return [effect.answer for effect in alone.node.standing.take() if isinstance(effect, Reply)]


def forwarded(alone: Alone, ahead: int) -> Committed:
    """A commit that the DC answers, so many entries ahead of this node's own log."""
    clients, version = alone.node.clients, alone.node.standing.log.acknowledged
    ticket = clients.forward(SHELL, 77, DC, MakeCommit(id="m", base=NO_VERSION, edits=()))
    answer = Committed(msgspec.structs.replace(version, serial=version.serial + ahead))
    clients.on_forwarded(DC, ticket, answer)
    return answer


def test_a_commit_that_this_node_shows_is_told_at_once(alone):
    answer = forwarded(alone, 0)
    assert told(alone) == [answer]


def test_a_commit_is_told_when_this_node_shows_it(alone):
    """The DC's answer overtakes what it answers: a shell that reads here then would not find its own commit."""
    answer = forwarded(alone, 1)
    alone.node.clients.tell("status", "cib")
    assert told(alone) == []
    alone.configure("node n1 attributes a=1")
    assert alone.answers(ROOT, 77) == [answer]


def test_a_commit_is_told_all_the_same_when_no_dc_is_left_to_show_it(alone):
    answer = forwarded(alone, 5)
    alone.node.clients.on_dc(None)
    assert told(alone) == [answer]


def test_what_a_lost_dc_did_not_answer_is_unknown(alone):
    alone.node.clients.forward(SHELL, 77, DC, MakeCommit(id="m", base=NO_VERSION, edits=()))
    alone.node.clients.on_dc(None)
    (answer,) = told(alone)
    assert isinstance(answer, Refused)
    assert answer.code == "lost"


def test_nobody_is_asked_to_be_fenced_where_fencing_is_off():
    """The policy engine would take the node for gone, and start elsewhere what goes on running there."""
    alone = Alone("property stonith-enabled=false", absent=["n2"])
    answer = alone.ask(ROOT, FenceNode(DC))
    assert isinstance(answer, Refused)
    assert "stonith-enabled=false" in answer.text
