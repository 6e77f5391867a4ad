"""Completion as transcripts: a level, a line with the cursor as |, and what is offered there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashell.errors import Unreachable
from hashell.grammar.complete import complete, expects_path, word_start
from tests.shell.grammar.scene import MemoryClient, cib_of, session_of


CASES = Path(__file__).resolve().parents[2] / "cases" / "shell"
SHOWN_MAX = 12
"""Of more candidates, only the first are kept in the files."""


def case_files():
    return sorted(CASES.glob("complete-*.txt"))


def answered(block):
    """The block's first line (`level# line|`) with what is offered there."""
    head = block.split("\n", 1)[0]
    level, line = head.split("# ", 1)
    session = session_of(level=level)
    at = line.index("|")
    found = complete(line.replace("|", "", 1), at, session)
    lines = [f"  {one.text} -- {one.description}".rstrip(" -") for one in found[:SHOWN_MAX]]
    more = [f"  ({len(found) - SHOWN_MAX} more)"] if len(found) > SHOWN_MAX else []
    return "\n".join([head, *(lines or ["  nothing"]), *more])


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)
def test_completion(path, rewrite):
    text = path.read_text(encoding="utf-8")
    now = "\n\n".join(answered(block) for block in text.strip().split("\n\n")) + "\n"
    if rewrite:
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")


def test_the_word_at_the_cursor_is_what_is_replaced():
    line = "configure primitive x ocf:hea"
    assert line[word_start(line, len(line)) :] == "ocf:hea"
    assert word_start("show ", 5) == 5
    assert word_start("show 'a b", 9) == 5


def test_what_stands_behind_the_cursor_does_not_matter():
    assert [one.text for one in complete("show wb zz", 6, session_of(level="configure"))] == ["web"]


def test_a_candidate_with_blanks_is_quoted():
    session = session_of("primitive web ocf:heartbeat:nginx", level="configure")
    found = complete("primitive x IPaddr2 mode=", 25, session)
    assert [one.text for one in found] == ["mode=one", "mode=two"]


def test_paths_are_expected_where_a_file_is_named():
    session = session_of(level="configure")
    assert expects_path("save /tm", 8, session)
    assert not expects_path("show /tm", 8, session)
    assert not expects_path("", 0, session)


def test_without_a_cluster_nothing_is_offered():
    session = session_of(level="configure")
    client = MemoryClient(cib_of(""))
    client.answers = [Unreachable("nobody")]
    session.client = client
    assert complete("delete ", 7, session) == []


WORDS = [
    "primitive",
    "location",
    "order",
    "property",
    "web",
    "params",
    "op",
    "monitor",
    "inf:",
    "ip=",
    "'",
    "\\",
    "--x",
    "|",
]


@given(st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join), st.integers(0, 40))
def test_completion_never_fails(line, cursor):
    for one in complete(line, min(cursor, len(line)), session_of(level="configure")):
        assert one.text
