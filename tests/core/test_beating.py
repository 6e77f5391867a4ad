"""Beats: sequence numbers, echoes, replays and older incarnations."""

from __future__ import annotations

from hashelld.core.beating import SENT_KEPT_MAX, Beating
from hashelld.model.ids import NO_EPOCH, NO_INCARNATION, NO_VERSION, Incarnation, NodeId
from hashelld.wire.peer import Beat, BeatContent


A, B = NodeId("a"), NodeId("b")
FIRST, SECOND = Incarnation(1, "first"), Incarnation(2, "second")
WALL_MS = 1_795_000_000_000
CONTENT = BeatContent("", "file", NO_EPOCH, NO_VERSION, (), False, False)


def beating(node: NodeId = A, incarnation: Incarnation = FIRST) -> Beating:
    return Beating(node, incarnation)


def beat(
    sequence: int, *, incarnation: Incarnation = FIRST, echo: int = 0, echo_incarnation: Incarnation = NO_INCARNATION
) -> Beat:
    return Beat(B, incarnation, sequence, echo_incarnation, echo, CONTENT, WALL_MS)


def test_beats_to_all_peers_carry_one_new_sequence_number() -> None:
    machine = beating()
    first = machine.next_beats(1000, WALL_MS, CONTENT, (B, NodeId("c")))
    second = machine.next_beats(1100, WALL_MS, CONTENT, (B,))
    assert [(peer, b.sequence) for peer, b in first] == [("b", 1), ("c", 1)]
    assert second[0][1].sequence == 2
    assert machine.sent_ms(1) == 1000
    assert machine.sent_ms(2) == 1100


def test_a_beat_echoes_the_newest_one_of_its_receiver() -> None:
    machine = beating()
    machine.on_beat(1000, beat(7))
    (_, sent), (_, other) = machine.next_beats(1010, WALL_MS, CONTENT, (B, NodeId("c")))
    assert (sent.echo_incarnation, sent.echo) == (FIRST, 7)
    assert (other.echo_incarnation, other.echo) == (NO_INCARNATION, 0)


def test_an_echo_tells_when_the_echoed_beat_was_sent() -> None:
    machine = beating()
    machine.next_beats(1000, WALL_MS, CONTENT, (B,))
    heard = machine.on_beat(1020, beat(1, echo=1, echo_incarnation=FIRST))
    assert heard is not None
    assert (heard.echoed_ms, heard.at_ms, heard.wall_ms) == (1000, 1020, WALL_MS)


def test_an_echo_of_another_incarnation_proves_nothing() -> None:
    machine = beating(incarnation=SECOND)
    machine.next_beats(1000, WALL_MS, CONTENT, (B,))
    heard = machine.on_beat(1020, beat(1, echo=1, echo_incarnation=FIRST))
    assert heard is not None
    assert heard.echoed_ms is None


def test_an_echo_of_a_beat_never_sent_proves_nothing() -> None:
    heard = beating().on_beat(1020, beat(1, echo=9, echo_incarnation=FIRST))
    assert heard is not None
    assert heard.echoed_ms is None


def test_replayed_and_overtaken_beats_are_dropped_and_counted() -> None:
    machine = beating()
    assert machine.on_beat(1000, beat(5)) is not None
    assert machine.on_beat(1001, beat(5)) is None
    assert machine.on_beat(1002, beat(4)) is None
    assert machine.on_beat(1003, beat(6)) is not None
    assert machine.dropped == 2


def test_a_later_incarnation_counts_anew_and_the_older_one_is_dropped() -> None:
    machine = beating()
    machine.on_beat(1000, beat(500))
    assert machine.on_beat(1001, beat(1, incarnation=SECOND)) is not None
    assert machine.newest_from(B) == (SECOND, 1)
    assert machine.on_beat(1002, beat(501)) is None


def test_own_beats_are_no_news() -> None:
    machine = beating(node=B)
    assert machine.on_beat(1000, beat(1)) is None
    assert machine.dropped == 0


def test_nothing_heard_yet() -> None:
    assert beating().newest_from(B) == (NO_INCARNATION, 0)
    assert beating().sent_ms(1) is None


def test_what_was_sent_long_ago_is_forgotten() -> None:
    machine = beating()
    for now in range(SENT_KEPT_MAX + 1):
        machine.next_beats(now, WALL_MS, CONTENT, (B,))
    assert machine.sent_ms(1) is None
    assert machine.sent_ms(2) == 1
    assert machine.sent_ms(SENT_KEPT_MAX + 1) == SENT_KEPT_MAX
