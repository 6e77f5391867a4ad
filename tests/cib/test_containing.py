"""Constraints follow their resources into containers, and back."""

from __future__ import annotations

import pytest

from hashelld.cib import change
from hashelld.cib.containing import following
from hashelld.cib.document import Cib
from hashelld.cib.edit import apply
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import Mode, lower, read_cib
from hashelld.cib.lang.parse import parse_text


BASE = """\
primitive a Dummy
primitive b Dummy
primitive c Dummy
primitive d Dummy
"""


def cib(text):
    made, found = read_cib(BASE + text)
    assert found == []
    return made


def constraints(after):
    return format_cib(Cib(after.constraints)).replace(" \\\n\t", " ").splitlines()


@pytest.mark.parametrize(
    ("constraint", "container", "becomes"),
    [
        ("location x a 1: n", "group g a b", ["location x g 1: n"]),
        ("location x { a c b } 1: n", "group g a b", ["location x { g c } 1: n"]),
        ("order x a:stop c", "clone k a", ["order x k:stop c"]),
        ("colocation x inf: a b", "group g a b", []),
        ("colocation x inf: a b c", "group g a b", ["colocation x inf: _rsc_set_ g c"]),
        ("order x a b d c", "group g a b c d", []),
        ("rsc_ticket x t: a", "bundle k docker image=i primitive a", ["rsc_ticket x t: k"]),
        ("location x c 1: n", "group g a b", ["location x c 1: n"]),
    ],
)
def test_constraints_follow_into_a_container(constraint, container, becomes):
    before = cib(constraint)
    edits, found = lower(parse_text(container)[0], before, Mode.CREATE)
    assert found == []
    assert constraints(apply(before, (*edits, *following(before, edits)))) == becomes


def test_a_constraint_that_names_a_member_on_purpose_stays():
    before = cib("group g a b\nlocation x a 1: n")
    edits = change.group_add(before, "g", ["c"])
    assert constraints(apply(before, edits)) == ["location x a 1: n"]
    before = cib("group g a b\nlocation x c 1: n")
    assert constraints(apply(before, change.group_add(before, "g", ["c"]))) == ["location x g 1: n"]


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("clone k a\nlocation x k 1: n", ["k"], ["location x a 1: n"]),
        ("group g a b\nclone k g\nlocation x k 1: n", ["k"], ["location x g 1: n"]),
        ("group g a b\nclone k g\nlocation x k 1: n", ["g"], ["location x a 1: n"]),
        ("group g a b\nclone k g\nlocation x k 1: n", ["k", "g", "a"], ["location x b 1: n"]),
        ("clone k a\nlocation x k 1: n", ["a"], []),
        ("clone k a\norder x k a", ["k"], []),
        ("group g a b\ncolocation x inf: g c d", ["g"], ["colocation x inf: a c d"]),
    ],
)
def test_constraints_of_a_container_that_goes_are_those_of_what_was_in_it(text, gone, left):
    before = cib(text)
    assert constraints(apply(before, change.delete(before, gone, cascade=True))) == left
