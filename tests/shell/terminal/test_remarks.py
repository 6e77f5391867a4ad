from __future__ import annotations

import threading

import pytest

from hashell.terminal.live import LiveCheck
from hashell.terminal.remarks import CHECKED_OBJECTS_MAX, remarks
from hashelld.cib.document import Cib
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from tests.shell.grammar.scene import session_of


def marked(line, level="configure", cursor=None):
    """The words that are marked, and what is told first."""
    found = remarks(line, len(line) if cursor is None else cursor, session_of(level=level))
    return [line[one.start : one.end] for one in found if one.is_wrong], found[0].text if found else ""


@pytest.mark.parametrize(
    "line",
    [
        "",
        "show web ",
        "primitive x ocf:heartbeat:IPaddr2 ip=192.0.2.1 ",
        "group g db ",
        "resource stop web ",
        "# what",
        "delete web ",
    ],
)
def test_nothing_is_said_about_what_is_right(line):
    assert marked(line) == ([], "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nosuch x", ["nosuch"]),
        ("delete nosuch ", ["nosuch"]),
        ("primitive x ocf:heartbeat:IPaddr2 ip=192.0.2.1 nosuch=1 ", ["nosuch=1"]),
        ("primitive x ocf:heartbeat:IPaddr2 ip=192.0.2.1 mode=three nosuch=1 ", ["mode=three", "nosuch=1"]),
        ("location l nosuch 100: node1 ", ["nosuch"]),
        ("primitive web ocf:heartbeat:Dummy ", ["web"]),
        ("resource stop nosuch ", ["nosuch"]),
        ("status --nosuch ", ["--nosuch"]),
    ],
)
def test_wrong_words_are_marked(line, words):
    assert marked(line)[0] == words


@pytest.mark.parametrize(
    "line",
    [
        "sho",
        "delete we",
        "primitive x IPad",
        "primitive x dum",
        "primitive x IPaddr2 ip=1 mo",
        "location l web 1",
    ],
)
def test_a_word_that_may_still_become_right_is_left_alone(line):
    assert marked(line)[0] == []


def test_a_word_that_cannot_become_right_is_marked_while_it_is_typed():
    assert marked("delete xyz")[0] == ["xyz"]
    assert marked("delete we more", cursor=9)[0] == ["more"]


def test_what_is_missing_is_told_and_not_marked():
    assert marked("primitive x ocf:heartbeat:IPaddr2 ") == ([], "the required parameter 'ip' is missing")
    words, text = marked("location l web ")
    assert words == []
    assert "score" in text


def test_a_line_for_another_level_is_checked_there():
    assert marked("configure delete nosuch ", level="")[0] == ["nosuch"]
    assert marked("configure primitive x ocf:heartbeat:IPaddr2 ip=1 nosuch=1 ", level="")[0] == ["nosuch=1"]


def test_a_huge_configuration_is_checked_when_the_statement_is_run():
    session = session_of(level="configure")
    session.replace_draft(Cib(tuple(Node(id=NodeId(f"n{at}")) for at in range(CHECKED_OBJECTS_MAX + 1))))
    line = "location l nosuch 100: node1 "
    assert remarks(line, len(line), session) == ()


@pytest.fixture
def check():
    """A live check of the scene's configuration, and an event that is set at every change."""
    changed = threading.Event()
    made = LiveCheck(session_of(level="configure"), changed.set)
    made.start()
    yield made, changed
    made.stop()


def test_what_was_found_is_known_while_more_is_typed(check):
    live, changed = check
    line = "delete nosuch "
    live.look_at(line, len(line))
    assert changed.wait(10)
    assert [one.text for one in live.remarks_on(line)] == ["no id 'nosuch'"]
    assert live.remarks_on(line + "we") == live.remarks_on(line)
    assert live.remarks_on("delete nosuchx ") == ()


def test_only_the_newest_text_is_told(check):
    live, changed = check
    for at in range(1, 8):
        live.look_at("nosuch "[:at], at)
    live.look_at("", 0)
    while live.remarks_on("nosuch "):
        changed.clear()
        assert changed.wait(10)
    assert live.remarks_on("") == ()
