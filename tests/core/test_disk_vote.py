"""The quorum disk's vote as one node sees it: rounds, bids, pre-votes, office, vouching, lapsing."""

from __future__ import annotations

import pytest

from hashelld.core.disk_vote import STILL_ROUNDS
from hashelld.core.events import DiskFailed, DiskRead
from hashelld.model.ids import NO_VERSION, Epoch, Incarnation, NodeId, Version
from hashelld.wire.log import DISK, Electorate
from hashelld.wire.sector import copy_of
from tests.core.disk_rig import HEADER, INTERVAL_MS, LAPSE_MS, NEWER, STORED, VOTER, A, B, Rig, in_office, started


# -- rounds


def test_the_first_round_reads_only() -> None:
    """A node first learns what it wrote there in an earlier life."""
    rig = Rig()
    assert rig.round().sector is None
    assert rig.begun() is None
    rig.later()
    own = rig.sectors[0]
    assert own is not None
    assert (own.node, own.counter, own.stored, own.vouched) == (A, 1, STORED, NO_VERSION)
    assert own.incarnation == Incarnation(5, "now")


def test_one_round_at_a_time_and_one_in_an_interval() -> None:
    rig = started()
    rig.now += INTERVAL_MS - 1
    assert rig.begun() is None
    assert rig.disk.deadline() == rig.now + 1
    rig.now += 1
    assert rig.begun() is not None
    rig.now += INTERVAL_MS
    rig.disk.bid(9)
    assert rig.begun() is None


def test_a_write_that_was_not_read_back_is_repeated_into_the_same_copy() -> None:
    """The other copy is the only one that is known to be whole."""
    rig = started()
    rig.later(2)
    counter = rig.written[-1].counter
    copies = set()
    for _ in range(3):
        rig.now += INTERVAL_MS
        asked = rig.begun()
        assert asked is not None
        assert asked.sector is not None
        assert asked.sector.counter > counter
        copies.add(copy_of(asked.sector.counter))
        rig.disk.on_failed(rig.now, DiskFailed(asked.token, "EIO"))
        assert "EIO" in rig.notice
    assert copies == {copy_of(counter + 1)}
    rig.later(2)
    assert [copy_of(one.counter) for one in rig.written[-2:]] == [copy_of(counter + 1), copy_of(counter)]
    assert rig.notice == ""


def test_errors_are_not_answered_with_a_storm() -> None:
    rig = in_office()
    rig.now += INTERVAL_MS
    asked = rig.begun()
    assert asked is not None
    rig.disk.on_failed(rig.now, DiskFailed(asked.token, "EIO"))
    rig.disk.vouch(Version(Epoch(4, A), 21))
    assert rig.begun() is None
    rig.now += INTERVAL_MS
    assert rig.begun() is not None


def test_an_answer_to_an_earlier_round_is_not_looked_at() -> None:
    rig = started()
    rig.now += INTERVAL_MS
    asked = rig.begun()
    assert asked is not None
    rig.disk.on_read(rig.now, DiskRead(asked.token - 1, HEADER, tuple(rig.sectors)))
    assert rig.begun() is None
    rig.land(asked)
    rig.answer(asked)
    rig.later()


# -- bids


def test_a_bid_is_a_write_and_then_a_read() -> None:
    rig = started()
    rig.stand(4)
    assert rig.disk.granted(4) == frozenset()
    assert rig.round().sector == rig.sectors[0]
    assert rig.disk.granted(4) == VOTER
    assert rig.disk.granted(5) == frozenset()
    assert rig.written[-1].promised == Epoch(4, A)


def test_a_round_under_way_does_not_decide_a_bid() -> None:
    """It wrote before the bid: what it reads says nothing of what others saw."""
    rig = started()
    rig.now += INTERVAL_MS
    asked = rig.begun()
    assert asked is not None
    rig.stand(4)
    rig.land(asked)
    rig.answer(asked)
    assert rig.disk.granted(4) == frozenset()
    rig.round()
    assert rig.disk.granted(4) == VOTER


def test_a_bid_waits_for_the_promise_to_be_stored() -> None:
    rig = started()
    rig.standing.promise(4, A)
    rig.disk.bid(4)
    rig.round()
    assert rig.written[-1].promised.number == 0
    assert rig.disk.granted(4) == frozenset()
    rig.standing.is_promise_stored = True
    rig.later()
    assert rig.disk.granted(4) == VOTER


@pytest.mark.parametrize("promised", [4, 5])
def test_a_number_that_another_promised_is_refused(promised: int) -> None:
    rig = started()
    rig.stand(4)
    rig.said_by_b(promised=Epoch(promised, B))
    rig.round()
    assert rig.disk.granted(4) == frozenset()
    assert rig.standing.highest == promised


def test_a_candidate_older_than_what_is_vouched_for_is_refused() -> None:
    rig = started()
    rig.stand(4)
    rig.said_by_b(vouched=NEWER)
    rig.round()
    assert rig.disk.granted(4) == frozenset()
    assert rig.disk.likely == frozenset()


def test_of_both_with_the_same_number_none_gets_it() -> None:
    """Both wrote before either read."""
    one, other = started(), started()
    other.standing.node = B
    one.stand(4)
    asked = one.begun()
    assert asked is not None
    one.land(asked)
    one.said_by_b(promised=Epoch(4, B))
    one.answer(asked)
    assert one.disk.granted(4) == frozenset()


def test_an_unreadable_sector_gives_nobody_the_vote() -> None:
    rig = started()
    kept = rig.sectors[1]
    rig.sectors[1] = None
    rig.stand(4)
    rig.round()
    assert rig.disk.granted(4) == frozenset()
    assert "place 2 is unreadable" in rig.notice
    rig.sectors[1] = kept
    rig.later()
    assert rig.disk.granted(4) == VOTER


# -- pre-votes


def test_no_prevote_while_a_quorate_dc_moves() -> None:
    rig = started()
    assert rig.disk.likely == VOTER
    rig.said_by_b(is_quorate_dc=True)
    rig.later(3)
    assert rig.disk.likely == frozenset()
    rig.later(STILL_ROUNDS - 1, b_moves=False)
    assert rig.disk.likely == frozenset()
    rig.later(1, b_moves=False)
    assert rig.disk.likely == VOTER
    rig.later()
    assert rig.disk.likely == frozenset()
    rig.said_by_b(is_quorate_dc=False)
    rig.later()
    assert rig.disk.likely == VOTER


def test_what_stood_still_while_nobody_looked_counts_as_moving() -> None:
    rig = started()
    rig.said_by_b(is_quorate_dc=True)
    rig.later(2)
    rig.now += 60_000
    rig.disk.on_gap()
    rig.round()
    assert rig.disk.likely == frozenset()
    rig.later(STILL_ROUNDS, b_moves=False)
    assert rig.disk.likely == VOTER


def test_an_old_reading_is_no_prevote() -> None:
    rig = started()
    rig.now += INTERVAL_MS
    assert rig.begun() is not None
    rig.now += 2 * INTERVAL_MS + 1
    rig.disk.on_time(rig.now)
    assert rig.disk.likely == frozenset()
    assert "does not answer" in rig.notice


def test_an_empty_store_gets_no_prevote() -> None:
    rig = Rig(is_empty=True)
    rig.round()
    rig.later()
    assert rig.disk.likely == frozenset()
    assert rig.disk.allows_founding
    rig.said_by_b(cluster="founded")
    rig.later()
    assert not rig.disk.allows_founding


# -- office


def test_the_vote_is_held_from_round_to_round_and_lapses() -> None:
    rig = in_office()
    rig.later(3)
    last_ms = rig.now
    rig.now += INTERVAL_MS
    assert rig.begun() is not None, "and it hangs"
    rig.now = last_ms + LAPSE_MS - 1
    rig.disk.on_time(rig.now)
    assert rig.disk.held == VOTER
    assert rig.disk.deadline() == last_ms + LAPSE_MS
    rig.now += 1
    rig.disk.on_time(rig.now)
    assert rig.disk.held == frozenset()
    assert rig.disk.deadline() is None


def test_a_dc_elected_by_nodes_asks_for_the_vote_at_once() -> None:
    rig = started()
    rig.standing.promise(4, A)
    rig.disk.on_office(Epoch(4, A))
    assert rig.disk.held == frozenset()
    rig.round()
    assert rig.disk.held == VOTER
    assert (rig.written[-1].promised, rig.written[-1].is_quorate_dc) == (Epoch(4, A), True)
    rig.disk.on_office(None)
    assert rig.disk.held == frozenset()
    rig.round()
    assert rig.written[-1].is_quorate_dc is False


def test_a_higher_promise_ends_the_office() -> None:
    rig = in_office()
    rig.said_by_b(promised=Epoch(5, B))
    rig.later()
    assert rig.disk.is_deposed
    assert rig.disk.held == frozenset()
    assert rig.standing.highest == 5


def test_where_the_nodes_are_odd_a_promise_deposes_nobody() -> None:
    rig = started(electorate=Electorate(votes={A: 1, B: 1, NodeId("c"): 1}, arbiter=DISK + "u1"))
    rig.standing.promise(4, A)
    rig.disk.on_office(Epoch(4, A))
    rig.said_by_b(promised=Epoch(9, B))
    rig.round()
    assert not rig.disk.is_deposed


def test_vouching_is_a_write_and_then_a_read() -> None:
    rig = in_office()
    version = Version(Epoch(4, A), 21)
    rig.disk.vouch(version)
    asked = rig.begun()
    assert asked is not None
    rig.land(asked)
    assert rig.disk.vouches(Epoch(4, A), 21) == frozenset()
    rig.answer(asked)
    assert rig.disk.vouches(Epoch(4, A), 21) == VOTER
    assert rig.disk.vouches(Epoch(4, A), 20) == VOTER
    assert rig.disk.vouches(Epoch(4, A), 22) == frozenset()
    assert rig.disk.vouches(Epoch(5, A), 21) == frozenset()


def test_nothing_is_vouched_for_past_a_higher_promise() -> None:
    rig = in_office()
    rig.disk.vouch(Version(Epoch(4, A), 21))
    rig.said_by_b(promised=Epoch(5, B))
    rig.round()
    assert rig.disk.vouches(Epoch(4, A), 21) == frozenset()
    assert rig.disk.is_deposed


def test_what_was_vouched_for_is_never_taken_back() -> None:
    rig = in_office()
    rig.disk.vouch(Version(Epoch(4, A), 21))
    rig.round()
    rig.disk.on_office(None)
    rig.round()
    assert rig.disk.vouches(Epoch(4, A), 21) == frozenset(), "it counts for the office in which it was asked"
    rig.later(3)
    assert rig.written[-1].vouched == Version(Epoch(4, A), 21)
    assert rig.written[-1].promised == Epoch(4, A)


def test_a_vote_seen_before_a_loss_is_asked_for_again() -> None:
    rig = in_office()
    rig.later()
    lost_ms = rig.now + 300
    rig.now += 400
    assert not rig.disk.is_held_since(lost_ms)
    rig.round()
    assert rig.disk.is_held_since(lost_ms)
