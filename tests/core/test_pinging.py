"""Ping nodes: asked only when it matters, and only what was sent after the question came up counts."""

from __future__ import annotations

from hashelld.core.effects import Ping
from hashelld.core.pinging import Pinging, Reach
from hashelld.core.quorum import holds_most
from hashelld.core.settings import PingSettings
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import Electorate


GATEWAY, ROUTER, SPARE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
ONE = PingSettings(targets={GATEWAY: (GATEWAY,)}, interval_ms=1_000, timeout_ms=600)
GROUPED = PingSettings(targets={GATEWAY: (GATEWAY,), "routers": (ROUTER, SPARE)}, require=2, interval_ms=1_000)


def asked(pinging: Pinging, now: Millis) -> Reach:
    """One step of a node to which the answer matters."""
    pinging.set_time(now)
    reach = pinging.ask()
    pinging.on_time(now)
    return reach


def idle(pinging: Pinging, now: Millis) -> bool:
    """One step of a node to which it does not; whether requests left."""
    pinging.set_time(now)
    return bool(pinging.on_time(now))


def test_without_ping_nodes_everybody_is_qualified() -> None:
    pinging = Pinging(None, 0)
    assert asked(pinging, 5) is Reach.YES
    assert (pinging.on_time(10), pinging.deadline(), pinging.answering(10), pinging.notices(10)) == ([], None, {}, ())


def test_what_was_answered_before_the_question_proves_nothing() -> None:
    pinging = Pinging(ONE, 0)
    pinging.on_answered(GATEWAY, 9_999)
    assert asked(pinging, 10_000) is Reach.WAIT
    assert asked(pinging, 10_001) is Reach.WAIT
    pinging.on_answered(GATEWAY, 10_000)
    assert asked(pinging, 10_002) is Reach.YES


def test_silence_is_a_no_after_the_timeout_and_an_answer_ends_it() -> None:
    pinging = Pinging(ONE, 0)
    asked(pinging, 10_000)
    assert asked(pinging, 10_599) is Reach.WAIT
    assert asked(pinging, 10_600) is Reach.NO
    pinging.on_answered(GATEWAY, 11_000)
    assert asked(pinging, 11_100) is Reach.YES


def test_an_answer_grows_old() -> None:
    pinging = Pinging(ONE, 0)
    asked(pinging, 10_000)
    pinging.on_answered(GATEWAY, 10_000)
    assert asked(pinging, 11_600) is Reach.YES
    assert asked(pinging, 11_601) is Reach.NO


def test_who_stops_asking_begins_anew() -> None:
    for stop in (lambda pinging: idle(pinging, 10_100), Pinging.on_gap):
        pinging = Pinging(ONE, 0)
        asked(pinging, 10_000)
        pinging.on_answered(GATEWAY, 10_050)
        stop(pinging)
        assert asked(pinging, 10_200) is Reach.WAIT
        pinging.on_answered(GATEWAY, 10_199)
        assert asked(pinging, 10_300) is Reach.WAIT


def test_of_a_group_one_suffices_and_require_counts_groups() -> None:
    pinging = Pinging(GROUPED, 0)
    asked(pinging, 10_000)
    pinging.on_answered(SPARE, 10_000)
    pinging.on_answered(ROUTER, 10_000)
    assert asked(pinging, 10_100) is Reach.WAIT
    pinging.on_answered(GATEWAY, 10_000)
    assert asked(pinging, 10_200) is Reach.YES


def test_requests_leave_at_the_interval_and_at_once_when_it_matters() -> None:
    pinging = Pinging(GROUPED, 0)
    pinging.set_time(0)
    assert pinging.on_time(0) == [Ping((GATEWAY, ROUTER, SPARE))]
    assert pinging.deadline() == 1_000
    assert not idle(pinging, 999)
    assert idle(pinging, 1_000)
    pinging.set_time(1_100)
    pinging.ask()
    assert pinging.on_time(1_100)
    assert pinging.deadline() == 1_433
    for moment, is_due in ((1_432, False), (1_433, True), (1_766, True)):
        pinging.set_time(moment)
        pinging.ask()
        assert bool(pinging.on_time(moment)) is is_due
    assert pinging.deadline() == 2_099
    asked(pinging, 2_100)
    assert pinging.deadline() == 3_100


def test_people_are_told_of_silence_once_there_was_time_to_answer() -> None:
    pinging = Pinging(GROUPED, 0)
    assert pinging.answering(4_000) == {GATEWAY: True, "routers": True}
    pinging.on_answered(SPARE, 1_000)
    assert pinging.answering(4_001) == {GATEWAY: False, "routers": True}
    assert pinging.notices(4_001) == (
        f"ping node {GATEWAY}: no answer; should it lose the other nodes, this one would not take over",
    )
    assert "nodes" in pinging.notices(9_000)[0]
    pinging = Pinging(PingSettings(targets=GROUPED.targets, require=1), 0)
    pinging.on_answered(SPARE, 1_000)
    assert pinging.notices(4_001) == (f"ping node {GATEWAY}: no answer",)


def test_half_of_the_nodes_votes_is_not_most() -> None:
    four = Electorate(votes={NodeId(name): 1 for name in "abcd"})
    assert not holds_most(four, frozenset(map(NodeId, "ab")))
    assert holds_most(four, frozenset(map(NodeId, "abc")))
    assert holds_most(Electorate(votes={NodeId("a"): 1}, two_node=True), frozenset({NodeId("a")}))
