"""Judges from outside: what counts as active twice, and what as an answer of the wrong node."""

from __future__ import annotations

from tests.e2e.observers import HANDOVER_S, Held, Interval, double_holders, false_answers, intervals, overlaps


ONE, OTHER, NOBODY, BOTH = frozenset({"a"}), frozenset({"b"}), frozenset(), frozenset({"a", "b"})


def test_signatures_are_intervals_of_processes():
    found = intervals("a 100 x\na 200 x\nb 300 y\nb 400 y\na 500 z\n")
    assert found == [Interval(100, 200, "a"), Interval(300, 400, "b"), Interval(500, 500, "a")]
    assert overlaps(found) == []


def test_mingled_signatures_are_an_overlap():
    found = intervals("a 100 x\nb 150 y\na 200 x\nb 300 y\n")
    assert overlaps(found) == [(Interval(100, 200, "a"), Interval(150, 300, "b"))]


def test_two_holders_are_two_unless_a_handover_was_seen_out_of_order():
    assert double_holders([Held(1.0, ONE), Held(2.0, NOBODY), Held(2.1, OTHER)], 5.0) == []
    assert double_holders([Held(1.0, ONE), Held(2.0, BOTH), Held(2.0 + HANDOVER_S / 2, OTHER)], 5.0) == []
    assert double_holders([Held(1.0, ONE), Held(2.0, BOTH), Held(3.0, OTHER)], 5.0) == [(Held(2.0, BOTH), 1.0)]
    assert double_holders([Held(2.0, BOTH)], 5.0) == [(Held(2.0, BOTH), 3.0)]


def test_an_answer_belongs_to_a_holder():
    changes = [Held(0.0, ONE), Held(10.0, NOBODY), Held(11.0, OTHER)]
    assert false_answers([(1.0, "a"), (10.2, "a"), (11.5, "b")], changes) == []
    assert false_answers([(1.0, "b"), (11.9, "a")], changes) == [(1.0, "b"), (11.9, "a")]
