"""What the DC refuses of commits, whatever shell they come from."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Cib
from hashelld.cib.edit import Delete, Edit, Put
from hashelld.cib.lang.lower import read_cib
from hashelld.core.events import Woken
from hashelld.model.ids import Incarnation, NodeId
from hashelld.wire.client import Answer, CibIs, Committed, GetCib, MakeCommit, Refused
from tests.core.alone import ROOT, Alone


LOOP = "order one a b\norder two b a\n"


def put(text: str) -> tuple[Edit, ...]:
    return tuple(Put(found) for found in read_cib(text)[0].objects)


def commit(alone: Alone, *edits: Edit, force: bool = False) -> Answer | None:
    shown = alone.ask(ROOT, GetCib())
    assert isinstance(shown, CibIs)
    alone.now += 1
    made = MakeCommit(id=f"c{alone.now}", base=shown.version, edits=edits, force=force)
    return alone.ask(ROOT, made)


def refusal(answer: Answer | None) -> str:
    assert isinstance(answer, Refused)
    return f"{answer.code}: {answer.text}"


def cib(alone: Alone) -> Cib:
    return alone.node.standing.log.cib


@pytest.fixture
def alone() -> Alone:
    return Alone("primitive a ocf:x:A\nprimitive b ocf:x:A\n")


def test_an_objection_is_refused_unless_it_is_forced(alone: Alone) -> None:
    assert refusal(commit(alone, *put(LOOP))).startswith("objection: ")
    assert cib(alone).find("two") is None
    assert isinstance(commit(alone, *put(LOOP), force=True), Committed)


def test_what_was_objectionable_before_is_no_matter_of_this_commit(alone: Alone) -> None:
    commit(alone, *put(LOOP), force=True)
    assert isinstance(commit(alone, *put("primitive c ocf:x:A")), Committed)


def test_an_error_is_refused_though_it_is_forced(alone: Alone) -> None:
    for force in (False, True):
        assert refusal(commit(alone, *put("location l nothing 100: n1"), force=force)).startswith("invalid: ")
    assert cib(alone).find("l") is None


@pytest.mark.parametrize("force", [False, True])
def test_a_node_that_takes_part_is_not_deleted(alone: Alone, *, force: bool) -> None:
    assert refusal(commit(alone, Delete("node:n1"), force=force)) == (
        "invalid: the node n1 cannot be deleted: it takes part in the cluster"
    )
    assert [node.id for node in cib(alone).nodes] == ["n1"]


def test_a_name_that_no_daemon_has_is_deleted(alone: Alone) -> None:
    assert isinstance(commit(alone, *put("node elsewhere")), Committed)
    assert isinstance(commit(alone, Delete("node:elsewhere")), Committed)


def test_a_node_that_is_not_heard_is_deleted_when_it_is_known_to_be_off() -> None:
    alone = Alone(absent=("n2",))
    assert refusal(commit(alone, Delete("node:n2"), force=True)).endswith("nobody knows that it is off")
    dc = alone.node.dc
    assert dc is not None
    dc.office.confirm(NodeId("n2"), Incarnation(0, ""), "administrator", alone.now)
    alone.take(Woken())
    alone.wait(5)
    assert isinstance(commit(alone, Delete("node:n2")), Committed)
