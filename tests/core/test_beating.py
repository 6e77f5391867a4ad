"""Beats: sequence numbers, echoes, replays and older incarnations."""

from __future__ import annotations

from hashelld.core.beating import (
    HURRY_FACTOR,
    HURRY_MS,
    MISSED_MAX,
    PACE_MS_MIN,
    RECENT,
    SENT_KEPT_MAX,
    Beating,
)
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


def heard_by(machine: Beating, sequences: range | list[int], *, missed: int = 0, at: int = 1_000) -> int:
    """Beats of b with these numbers arrive, which tell that so many of ours are missed; how many of b's are missed."""
    for number in sequences:
        told = Beat(B, FIRST, number, FIRST, 0, CONTENT, WALL_MS, missed)
        machine.on_beat(at, told)
    ((_, sent),) = machine.next_beats(at, WALL_MS, CONTENT, (B,))
    return sent.missed


def test_a_peer_is_told_how_many_of_its_newest_beats_are_missed() -> None:
    assert heard_by(beating(), range(1, 40)) == 0
    assert heard_by(beating(), [1, 2, 5, 6, 9]) == 4
    assert heard_by(beating(), [1, 200]) == RECENT - 1
    machine = beating()
    assert heard_by(machine, [1, 5]) == 3
    assert heard_by(machine, range(6, 6 + RECENT)) == 0, "what is long ago does not count"


def test_a_new_incarnation_has_missed_nothing() -> None:
    machine = beating()
    assert heard_by(machine, [1, 9]) == 7
    machine.on_beat(1_000, beat(70, incarnation=SECOND))
    ((_, sent),) = machine.next_beats(1_000, WALL_MS, CONTENT, (B,))
    assert sent.missed == 0


def test_who_is_told_that_beats_are_missed_hurries_for_a_while() -> None:
    machine = beating()
    heard_by(machine, [1], missed=MISSED_MAX, at=1_000)
    assert machine.pace_ms(1_000, 100) == 100, "one may be lost at any time"
    heard_by(machine, [2], missed=MISSED_MAX + 1, at=1_000)
    assert machine.pace_ms(1_000, 100) == 100 // HURRY_FACTOR
    assert machine.pace_ms(1_000, 10) == PACE_MS_MIN
    assert machine.pace_ms(1_000 + HURRY_MS, 100) == 100


def test_what_an_earlier_incarnation_lost_is_no_hurry() -> None:
    machine = beating(incarnation=SECOND)
    heard_by(machine, [1], missed=RECENT)
    assert machine.pace_ms(1_000, 100) == 100
