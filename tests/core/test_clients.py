"""Answers of a DC on another node, on their way to the shells of this one."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.core.effects import Reply, Send
from hashelld.core.events import BeatsHeard, HeardBeat
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Incarnation, NodeId
from hashelld.wire.client import Answer, Committed, FenceNode, MakeCommit, Refused
from hashelld.wire.peer import BeatContent, Forward
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
    ticket = clients.forward(SHELL, 77, DC, ROOT, MakeCommit(id="m", base=NO_VERSION, edits=()))
    answer = Committed(msgspec.structs.replace(version, serial=version.serial + ahead))
    clients.on_forwarded(DC, ticket, answer)
    return answer


def test_a_commit_that_this_node_shows_is_told_at_once(alone):
    answer = forwarded(alone, 0)
    assert told(alone) == [answer]


def test_a_commit_is_told_when_this_node_shows_it(alone):
    """The DC's answer overtakes what it answers: a shell that reads here then would not find its own commit."""
    answer = forwarded(alone, 1)
    alone.node.clients.tell(alone.now, "status", "cib")
    assert told(alone) == []
    alone.configure("node n1 attributes a=1")
    assert alone.answers(ROOT, 77) == [answer]


def test_a_commit_is_told_all_the_same_when_no_dc_is_left_to_show_it(alone):
    answer = forwarded(alone, 5)
    alone.node.clients.on_dc(None)
    assert told(alone) == [answer]


def test_what_a_lost_dc_did_not_answer_is_unknown(alone):
    alone.node.clients.forward(SHELL, 77, DC, ROOT, MakeCommit(id="m", base=NO_VERSION, edits=()))
    alone.node.clients.on_dc(None)
    (answer,) = told(alone)
    assert isinstance(answer, Refused)
    assert answer.code == "lost"


def test_a_commit_whose_message_may_be_lost_is_sent_again():
    """Nothing else is: what a node was asked to do once may be wrong when it is asked again."""
    alone = Alone("node n1", absent=[DC])
    clients, standing = alone.node.clients, alone.node.standing
    content = BeatContent("", "", NO_EPOCH, NO_VERSION, (), is_quorate_dc=False, is_voter=True)
    alone.take(BeatsHeard((HeardBeat(DC, Incarnation(1, "x"), 1, alone.now, alone.now, content, 0),)))
    clients.forward(SHELL, 1, DC, ROOT, MakeCommit(id="m", base=NO_VERSION, edits=()))
    clients.forward(SHELL, 2, DC, ROOT, FenceNode(DC))
    for _ in range(30):
        alone.now += 100
        clients.tell(alone.now, "status", "cib")
    bodies = [effect.envelope.body for effect in standing.take() if isinstance(effect, Send)]
    asked = [type(body.request) for body in bodies if isinstance(body, Forward)]
    assert asked == [MakeCommit, FenceNode, MakeCommit]


def test_nobody_is_asked_to_be_fenced_where_fencing_is_off():
    """The policy engine would take the node for gone, and start elsewhere what goes on running there."""
    alone = Alone("property stonith-enabled=false", absent=["n2"])
    answer = alone.ask(ROOT, FenceNode(DC))
    assert isinstance(answer, Refused)
    assert "stonith-enabled=false" in answer.text
