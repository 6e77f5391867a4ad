from __future__ import annotations

import pytest

from hashell.errors import Refused, Usage
from hashell.grammar.run import run_line
from hashell.outcomes import Listing, Said
from tests.shell.grammar.scene import MemoryClient, session_of


def client_of(session):
    assert isinstance(session.client, MemoryClient)
    return session.client


def test_a_statement_of_configure_commits_itself_outside_the_level():
    session = session_of(force=True)
    ran = run_line(session, "configure property no-quorum-policy=freeze")
    assert isinstance(ran.outcome, Said)
    assert client_of(session).cib.property_value("no-quorum-policy") == "freeze"
    assert not session.has_draft


def test_inside_the_level_it_waits_for_the_commit():
    session = session_of()
    run_line(session, "configure")
    run_line(session, "property no-quorum-policy=freeze")
    assert client_of(session).cib.property_value("no-quorum-policy") is None
    run_line(session, "commit")
    assert client_of(session).cib.property_value("no-quorum-policy") == "freeze"


def test_a_refused_statement_leaves_no_draft():
    session = session_of()
    with pytest.raises(Refused):
        run_line(session, "configure property stonith-enabled=perhaps")
    assert not session.has_draft


def test_json_may_be_asked_for_with_the_command():
    session = session_of()
    assert run_line(session, "configure show --json").as_json
    assert not session.options.json


@pytest.mark.parametrize("line", ["configure delete --help", "configure primitive --help"])
def test_help_of_a_command(line):
    outcome = run_line(session_of(), line).outcome
    assert isinstance(outcome, Listing)
    assert outcome.text.startswith("usage: configure ")


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        (["configure"], "configure"),
        (["cd configure"], "configure"),
        (["configure", "up"], ""),
        (["configure", "cd"], ""),
        (["configure", "cd .."], ""),
        (["configure", "cd ../node"], "node"),
        (["node", "cd /resource"], "resource"),
        (["node", "end"], ""),
        (["node", "resource"], "resource"),
        (["up"], ""),
    ],
)
def test_moving_between_levels(lines, level):
    session = session_of()
    for line in lines:
        run_line(session, line)
    assert session.level == level


@pytest.mark.parametrize("line", ["cd nosuch", "cd node/resource", "cd *", "help nosuch", "help configure nosuch"])
def test_there_is_no_such_place(line):
    with pytest.raises(Usage):
        run_line(session_of(), line)


@pytest.mark.parametrize(
    "line", ["help", "help configure", "help configure commit", "configure help commit", "help help"]
)
def test_help_has_text(line):
    outcome = run_line(session_of(), line).outcome
    assert isinstance(outcome, Listing)
    assert len(outcome.text) > 50


def test_ls_lists_levels_and_commands():
    outcome = run_line(session_of(), "ls").outcome
    assert isinstance(outcome, Said)
    assert "configure" in outcome.data["levels"]
    assert "status" in outcome.data["commands"]


def test_quitting():
    session = session_of()
    run_line(session, "quit")
    assert session.is_finished
