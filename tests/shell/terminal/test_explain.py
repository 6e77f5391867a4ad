from __future__ import annotations

import io

import pytest
from prompt_toolkit.history import InMemoryHistory

from hashell.terminal.dumb import DumbReader
from hashell.terminal.explain import SHOWN_MAX, explain
from hashell.terminal.keys import asks
from hashell.views.theme import Theme
from tests.shell.grammar.scene import session_of


def told(line, level="configure"):
    return "\n".join(explain(line, session_of(level=level), Theme(width=80)))


@pytest.mark.parametrize(("line", "is_asked"), [("show ", True), ("primitive x y ip=", True), ("what", False)])
def test_a_question_mark_asks_where_a_word_or_value_begins(line, is_asked):
    assert asks(line) is is_asked


@pytest.mark.parametrize("line", ["", "primitive x y 'a ", 'description="why '])
def test_elsewhere_it_is_a_character(line):
    assert not asks(line)


def test_a_command_is_explained_with_what_may_follow():
    text = told("resource stop ", level="")
    assert text.startswith("usage: resource stop")
    assert "web" in text
    assert "ocf:heartbeat:nginx" in text


def test_a_parameter_is_explained_in_full():
    assert "ip (string, required)" in told("primitive x IPaddr2 ip=")
    assert "default false" in told("primitive x IPaddr2 lvs_support=")


def test_nothing_known_is_said():
    assert told("nosuch ") == "Nothing is known about that."


def test_long_lists_are_cut():
    text = "\n".join(f"node n{at}" for at in range(SHOWN_MAX + 5))
    lines = explain("node show ", session_of(text, level=""), Theme(width=80))
    assert lines[-1] == "  … and 5 more: press TAB"


def conversation(*lines, level="configure"):
    """What a dumb terminal's reader returns for these lines, and what it writes."""
    written = io.StringIO()
    history = InMemoryHistory()
    streams = (io.StringIO("".join(f"{line}\n" for line in lines)), written)
    reader = DumbReader(session_of(level=level), history, Theme(width=80), streams)
    return reader.read("> "), written.getvalue(), history.get_strings()


def test_a_dumb_terminal_joins_lines_that_go_on():
    read, written, history = conversation("show \\", "web")
    assert read == ["show \\", "web"]
    assert written == ">    > "
    assert history == ["show \\\nweb"]


def test_a_tab_lists_what_fits():
    read, written, _history = conversation("delete we\t", "delete web")
    assert read == ["delete web"]
    assert "  web  ocf:heartbeat:nginx\n" in written
    assert "  (nothing)\n" in conversation("nosuch x\t", "up")[1]


def test_the_end_of_input_ends_it():
    with pytest.raises(EOFError):
        conversation()
