"""A network that loses much: a peer's messages may stand still for longer while its beats are seen to be lost."""

from __future__ import annotations

from hashelld.core.beating import MISSED_MAX
from hashelld.core.events import HeardBeat
from hashelld.core.membership import LOSSY_STILL_FACTOR, MESSAGES_STILL_FACTOR, Membership, Presence
from hashelld.core.settings import Settings
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Incarnation, NodeId
from hashelld.wire.log import Electorate
from hashelld.wire.peer import BeatContent


NODE, PEER = NodeId("node1"), NodeId("node2")
SETTINGS = Settings(
    node=NODE, cluster_name="c", file_digest="", founding=Electorate(votes={NODE: 1, PEER: 1}), state_dir="/run/x"
)
CONTENT = BeatContent("", "", NO_EPOCH, NO_VERSION, (), is_quorate_dc=False, is_voter=True)
STEP_MS = 100
LOSSY = MISSED_MAX + 1


def lost_after_ms(missed: list[int]) -> int:
    """When a peer that beats, and sends no message, is lost; so many of its beats are missed, the last for ever."""
    membership = Membership(SETTINGS, (PEER,), 0)
    now = 0
    for number in range(1, 10_000):
        at = missed[min(number - 1, len(missed) - 1)]
        membership.on_beat(now, HeardBeat(PEER, Incarnation(1, "a"), number, now, now, CONTENT, 0, at))
        membership.expect_messages(now, frozenset({PEER}))
        if membership.presence(PEER) is Presence.LOST:
            return now
        now += STEP_MS
    raise AssertionError("never lost")


def test_messages_that_stand_still_on_a_sound_network_are_a_loss():
    assert lost_after_ms([0]) == MESSAGES_STILL_FACTOR * SETTINGS.deadtime_ms
    assert lost_after_ms([MISSED_MAX]) == MESSAGES_STILL_FACTOR * SETTINGS.deadtime_ms


def test_on_a_lossy_network_they_may_stand_still_for_longer_but_not_for_ever():
    assert lost_after_ms([LOSSY]) == LOSSY_STILL_FACTOR * SETTINGS.deadtime_ms


def test_a_moment_without_loss_is_no_end_of_it():
    assert lost_after_ms([LOSSY, 0, 0, 0, 0] * 2_000) == LOSSY_STILL_FACTOR * SETTINGS.deadtime_ms


def test_when_the_loss_is_over_messages_are_due_again():
    spell = 50
    assert lost_after_ms([LOSSY] * spell + [0]) == (spell - 1) * STEP_MS + MESSAGES_STILL_FACTOR * SETTINGS.deadtime_ms
