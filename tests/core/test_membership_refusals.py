"""A daemon that is gone while its host lives: for how long it is waited for."""

from __future__ import annotations

import pytest

from hashelld.core.events import HeardBeat
from hashelld.core.membership import REFUSALS_APART_MS, Membership, Presence
from hashelld.core.settings import Settings
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Incarnation, NodeId
from hashelld.wire.log import Electorate
from hashelld.wire.peer import BeatContent


NODE, PEER = NodeId("node1"), NodeId("node2")
SETTINGS = Settings(
    node=NODE, cluster_name="c", file_digest="", founding=Electorate(votes={NODE: 1, PEER: 1}), state_dir="/run/x"
)
CONTENT = BeatContent("", "", NO_EPOCH, NO_VERSION, (), is_quorate_dc=False, is_voter=True)


def presences(refused_ms: list[int], until_ms: int) -> dict[Presence, int]:
    """When a peer, heard last at 0, became what, if its host refuses beats at these moments."""
    membership = Membership(SETTINGS, (PEER,), 0)
    membership.on_beat(0, HeardBeat(PEER, Incarnation(1, "a"), 1, 0, 0, CONTENT, 0))
    found: dict[Presence, int] = {}
    for now in range(0, until_ms, 50):
        if now in refused_ms:
            membership.on_refused(now, PEER)
        membership.on_time(now)
        found.setdefault(membership.presence(PEER), now)
    return found


def test_the_wall_clock_of_a_peer_is_known_while_it_is_heard():
    membership = Membership(SETTINGS, (PEER,), 0)
    assert membership.wall_offset_ms(PEER) is None
    membership.on_beat(250, HeardBeat(PEER, Incarnation(1, "a"), 1, 200, 250, CONTENT, 1_000_250))
    assert membership.wall_offset_ms(PEER) == 1_000_000
    membership.on_time(5_000)
    assert membership.wall_offset_ms(PEER) is None


def test_plain_silence_is_a_loss_after_deadtime():
    assert presences([], 2_000)[Presence.LOST] == 600


@pytest.mark.parametrize("apart_ms", [100, 500, REFUSALS_APART_MS])
def test_a_host_that_answers_for_its_daemon_gets_the_grace(apart_ms):
    """Kernels tell of refusals once a second at most, much less often than beats are sent."""
    found = presences(list(range(100, 10_000, apart_ms)), 5_000)
    assert (found[Presence.SILENT], found[Presence.LOST]) == (600, 3_000)


def test_a_host_that_does_not_answer_any_more_is_lost_before_the_grace_is_over():
    assert presences([100, 200, 300], 5_000)[Presence.LOST] == 300 + REFUSALS_APART_MS + 600
