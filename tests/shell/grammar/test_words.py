from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashell.grammar.words import glue, is_continued, join, quote, split


def texts(line):
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("   ", []),
        ("# a comment 'with quotes", []),
        ("  # indented", []),
        ("a # b", ["a", "#", "b"]),
        ("resource  stop\tweb", ["resource", "stop", "web"]),
        ("a'b c'\"d e\"f", ["ab cd ef"]),
        (r'"a\"b\\c\d"', [r'a"b\c\d']),
        (r"'a\b'", [r"a\b"]),
        (r"a\ b\\c", [r"a b\c"]),
        ('x=""', ["x="]),
        ("''", [""]),
        ("größe=1 日本", ["größe=1", "日本"]),
        ("tail\\", ["tail\\"]),
    ],
)
def test_a_line_splits_as_a_shell_would(line, words):
    assert texts(line) == words


def test_words_know_their_places():
    words = split("a  'b c' d")
    assert [(word.start, word.end) for word in words] == [(0, 1), (3, 8), (9, 10)]


@pytest.mark.parametrize("line", ["'open", 'a "b c', "a'b\"c"])
def test_an_open_quote_is_known_and_reaches_to_the_end(line):
    last = split(line)[-1]
    assert not last.is_closed
    assert last.end == len(line)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]))))
def test_what_is_joined_splits_into_the_same_words(words):
    assert texts(join(words)) == words


@given(st.text())
def test_splitting_never_fails_and_places_are_in_order(line):
    at = 0
    for word in split(line):
        assert at <= word.start < word.end <= len(line)
        at = word.end


def test_plain_words_stay_bare():
    assert quote("ip=192.0.2.9") == "ip=192.0.2.9"
    assert quote("{") == "{"
    assert quote("#x") == "'#x'"


@pytest.mark.parametrize(("line", "expected"), [("a \\", True), ("a", False), ("# a \\", False), ("a \\ ", True)])
def test_a_backslash_at_the_end_continues(line, expected):
    assert is_continued(line) is expected


def test_continued_lines_are_glued_without_a_separator():
    assert glue(["primitive web \\", "   Dummy \\\\", "  meta x=1"]) == "primitive web Dummy meta x=1"
