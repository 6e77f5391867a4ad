from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashell.grammar.classify import classify


def marked(line, level="configure"):
    return [(line[span.start : span.end], span.role.value) for span in classify(line, level)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("# note", [("# note", "comment")]),
        ("commit --dry-run", [("commit", "command"), ("--dry-run", "option")]),
        (
            "primitive web ocf:heartbeat:nginx params port=80",
            [
                ("primitive", "command"),
                ("web", "id"),
                ("ocf:heartbeat:nginx", "agent"),
                ("params", "keyword"),
                ("port", "name"),
                ("80", "value"),
            ],
        ),
        (
            "location l web -inf: n1",
            [("location", "command"), ("l", "id"), ("web", "id"), ("-inf:", "score"), ("n1", "id")],
        ),
        ("show 'open", [("show", "command"), ("'open", "error")]),
        ("primitve x", [("primitve", "error")]),
        ("primitve", [("primitve", "command")]),
    ],
)
def test_words_have_roles(line, expected):
    assert marked(line) == expected


def test_a_level_before_its_command():
    assert marked("configure show web", "") == [("configure", "level"), ("show", "command"), ("web", "id")]
    assert marked("configure nosuch x", "") == [("configure", "level"), ("nosuch", "error")]


@given(st.text(max_size=40))
def test_any_line_has_spans_in_order(line):
    at = 0
    for span in classify(line, "configure"):
        assert at <= span.start <= span.end <= len(line)
        at = span.end
