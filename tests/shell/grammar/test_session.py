from __future__ import annotations

import pytest

from hashell.errors import Refused, TimedOut, Usage
from hashell.session import Session
from hashelld.cib.edit import Delete, Put
from hashelld.model.ids import Epoch, NodeId, Version
from hashelld.model.resource import Agent, Primitive
from hashelld.wire import client as wire
from hashelld.wire.log import Author
from tests.shell.grammar.scene import MemoryClient, cib_of, session_of, status_of


NEW = Primitive(id="new", agent=Agent("ocf", "heartbeat", "Dummy"))


def client_of(session: Session) -> MemoryClient:
    assert isinstance(session.client, MemoryClient)
    return session.client


def test_a_draft_changes_nothing_until_it_is_committed():
    session = session_of()
    session.edit((Put(NEW),))
    assert session.is_dirty
    assert client_of(session).cib.find("new") is None
    settled = session.commit_draft()
    assert settled.version.serial == 2
    assert client_of(session).cib.find("new") == NEW
    assert not session.has_draft


def test_undo_and_redo_go_back_and_forth():
    session = session_of()
    session.edit((Put(NEW),))
    session.edit((Delete("db"),))
    assert session.undo().cib.find("db") is not None
    assert not session.undo().is_dirty
    assert session.redo().cib.find("new") == NEW
    with pytest.raises(Refused):
        session.undo() and session.undo()


def test_a_new_edit_ends_redo():
    session = session_of()
    session.edit((Put(NEW),))
    session.undo()
    session.edit((Delete("db"),))
    with pytest.raises(Refused, match="nothing to redo"):
        session.redo()


def test_an_edit_that_does_not_fit_leaves_the_draft():
    session = session_of()
    with pytest.raises(Refused, match="nosuch"):
        session.edit((Delete("nosuch"),))
    assert not session.is_dirty


def test_nothing_to_commit_asks_nobody():
    session = session_of()
    session.commit(())
    assert not any(isinstance(one, wire.MakeCommit) for one in client_of(session).asked)


def test_the_draft_survives_a_refused_commit():
    session = session_of()
    session.edit((Put(NEW),))
    client_of(session).answers = [wire.Refused("invalid", "no", ("1 of 3 votes",))]
    with pytest.raises(Refused, match="1 of 3 votes"):
        session.commit_draft()
    assert session.is_dirty


def test_a_conflict_shows_both_sides():
    session = session_of()
    session.edit((Put(NEW),))
    theirs = cib_of("primitive new ocf:heartbeat:IPaddr2 params ip=192.0.2.1")
    version = Version(Epoch(3, NodeId("node1")), 9)
    by = Author(user="anna", node=NodeId("node2"), command="configure load")
    client = client_of(session)
    client.answers = [wire.Conflict(version, theirs, ("new",), by)]
    client.cib, client.version = theirs, version
    with pytest.raises(Refused) as caught:
        session.commit_draft()
    text = str(caught.value)
    assert text.startswith("anna on node2 changed the same meanwhile (configure load)")
    assert "primitive new IPaddr2" in text
    assert "primitive new Dummy" in text


def test_a_commit_whose_answer_was_lost_is_asked_for_again():
    session = session_of()
    version = Version(Epoch(4, NodeId("node2")), 7)
    session.applied()
    client_of(session).answers = [wire.Refused("lost", "the DC went away"), wire.Committed(version)]
    assert session.commit((Put(NEW),)).version == version
    sent, again = client_of(session).asked[-2:]
    assert isinstance(sent, wire.MakeCommit)
    assert again == wire.AskCommit(sent.id)


def test_an_unknown_outcome_is_said_to_be_unknown():
    session = session_of()
    session.applied()
    client_of(session).answers = [TimedOut("no answer"), wire.Refused("unknown-commit", "never heard of it")]
    with pytest.raises(TimedOut, match="unknown"):
        session.commit((Put(NEW),))


def test_waiting_ends_when_the_cluster_has_nothing_to_do():
    session = session_of(wait=True)
    client = client_of(session)
    session.applied()
    version = Version(Epoch(3, NodeId("node1")), 2)
    busy = status_of(client.cib, version, phase="executing", in_flight=("web_stop_0@node1",))
    client.answers = [wire.Committed(version), busy, status_of(client.cib, version)]
    assert session.commit((Put(NEW),)).version == version
    assert client.answers == []


def test_waiting_has_an_end():
    session = session_of()
    client = client_of(session)
    version = client.version
    client.answers = [
        status_of(client.cib, version, phase="executing", wall_ms=moment) for moment in (0, 500, 1_000, 1_500)
    ]
    with pytest.raises(TimedOut):
        session.wait_idle(timeout_ms=1_000)


def test_without_a_terminal_a_question_is_refused_with_the_flag_to_add():
    with pytest.raises(Refused, match="--yes"):
        session_of().confirm("Erase everything?")
    session_of(yes=True).confirm("Erase everything?")


@pytest.mark.parametrize("answer", [True, False])
def test_with_a_terminal_the_user_decides(answer):
    asked = []
    session = Session(MemoryClient(cib_of("")), ask_user=lambda question: bool(asked.append(question)) or answer)
    if answer:
        session.confirm("Erase?")
    else:
        with pytest.raises(Refused):
            session.confirm("Erase?")
    assert asked == ["Erase?"]


def test_configure_is_not_left_with_changes():
    session = session_of(level="configure")
    session.edit((Put(NEW),))
    with pytest.raises(Usage, match="uncommitted"):
        session.enter("")
    assert session.level == "configure"
    session.on_leave = lambda: bool(session.discard()) or True
    session.enter("")
    assert (session.level, session.has_draft) == ("", False)
