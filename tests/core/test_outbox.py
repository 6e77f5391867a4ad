"""The outbox: effects keep their order, and wait for the disk."""

from __future__ import annotations

import pytest

from hashelld.core.effects import Exit, KillAgent, Note, Persist, Reply, RunAgent, SetBeat
from hashelld.core.outbox import Outbox
from hashelld.model.ids import NO_EPOCH, NO_VERSION
from hashelld.wire.client import Done
from hashelld.wire.peer import BeatContent


def persist(token: int) -> Persist:
    return Persist(token=token)


NOTE = Note("something")
BEAT = SetBeat(BeatContent("", "", NO_EPOCH, NO_VERSION, (), is_quorate_dc=False, is_voter=True))
REPLY = Reply(b"shell", 1, Done())
AGENT = RunAgent(run=1, argv=("agent", "start"), timeout_ms=1000)


def test_without_a_write_everything_goes_out_in_order() -> None:
    assert Outbox().feed([NOTE, REPLY, NOTE]) == [NOTE, REPLY, NOTE]


def test_what_follows_a_write_waits_for_it() -> None:
    outbox = Outbox()
    assert outbox.feed([NOTE, persist(1), REPLY, NOTE]) == [NOTE, persist(1)]
    assert outbox.on_persisted(1) == [REPLY, NOTE]


def test_agents_do_not_wait() -> None:
    """What was right to do when it was asked for may be wrong when a slow disk is done."""
    outbox = Outbox()
    assert outbox.feed([persist(1), REPLY, AGENT]) == [AGENT, persist(1)]
    assert outbox.feed([KillAgent(1)]) == [KillAgent(1)]
    assert outbox.on_persisted(1) == [REPLY]


def test_what_is_fed_later_waits_too() -> None:
    outbox = Outbox()
    outbox.feed([persist(1)])
    assert outbox.feed([REPLY]) == []
    assert outbox.feed([]) == []
    assert outbox.on_persisted(1) == [REPLY]


def test_a_second_write_begins_when_the_first_is_done() -> None:
    outbox = Outbox()
    assert outbox.feed([persist(1), NOTE, persist(2), REPLY]) == [persist(1)]
    assert outbox.on_persisted(1) == [NOTE, persist(2)]
    assert outbox.on_persisted(2) == [REPLY]


def test_beats_that_waited_for_a_disk_that_failed_are_not_sent() -> None:
    """They tell what is stored, and it is not; others would remember it."""
    outbox = Outbox()
    outbox.feed([persist(1), BEAT, NOTE, REPLY])
    assert outbox.on_store_failed() == [NOTE]
    assert outbox.feed([BEAT]) == [BEAT]


def test_reports_out_of_order_are_our_bug() -> None:
    outbox = Outbox()
    outbox.feed([persist(1)])
    with pytest.raises(AssertionError, match="in order"):
        outbox.on_persisted(2)


def test_a_report_that_nobody_asked_for_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="nobody asked"):
        Outbox().on_persisted(1)


def test_after_a_failed_store_promises_are_dropped_and_agents_still_end() -> None:
    outbox = Outbox()
    kill, leave = KillAgent(1), Exit(1, "disk")
    outbox.feed([persist(1), REPLY, NOTE])
    assert outbox.on_store_failed() == [NOTE]
    assert outbox.feed([persist(2), REPLY, kill, NOTE, leave]) == [kill, NOTE, leave]
