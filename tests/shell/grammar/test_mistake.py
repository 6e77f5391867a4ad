from __future__ import annotations

import pytest

from hashell.grammar.mistake import Mistake, did_you_mean, nearest, render


@pytest.mark.parametrize(
    ("word", "meant"),
    [("wbe", "web"), ("weeb", "web"), ("Web", "web"), ("vipp", "vip"), ("completely-else", None), ("", None)],
)
def test_the_nearest_word_is_found(word, meant):
    assert nearest(word, ["vip", "web", "db1"]) == meant


def test_no_hint_without_a_near_word():
    assert did_you_mean("x", ["something"]) == ""


def test_a_mistake_is_shown_below_its_word():
    text = render(
        "resource stop wbe", [Mistake(text="no resource 'wbe'", start=14, end=17, hint="did you mean 'web'?")]
    )
    assert text == "no resource 'wbe'\n  resource stop wbe\n                ^^^ did you mean 'web'?"


def test_tabs_keep_the_caret_below_the_word():
    assert render("\ta\tb", [Mistake(text="x", start=3, end=4)]).splitlines()[2] == "  \t \t^"


def test_several_mistakes_are_all_told():
    both = [Mistake(text="one", start=0, end=1), Mistake(text="two", start=2, end=3)]
    assert render("a b", both).count("^") == 2
