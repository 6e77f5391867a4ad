"""Beats over real UDP sockets: heard both ways, forged and replayed ones dropped, silence when the loop is stuck."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashelld.config import DaemonConfig
from hashelld.core.events import BeatsHeard, Event, HeardBeat, PortRefused
from hashelld.io.beats import BeatThread, pack, unpack
from hashelld.io.datagrams import FORMAT
from hashelld.io.keys import ClusterKey
from hashelld.model.ids import NO_INCARNATION, Incarnation, NodeId
from hashelld.wire.peer import Beat
from tests.io.build import CLOCK, KEY, KEYS, OTHER_KEY, configs, content, until


A, B = NodeId("a"), NodeId("b")


class Node:
    """One beat thread and what it reported."""

    def __init__(self, config: DaemonConfig, keys: tuple[ClusterKey, ...] = KEYS, counter: int = 1) -> None:
        self.config = config
        self.reports: list[Event] = []
        self.incarnation = Incarnation(counter, config.node)
        self.thread = BeatThread(config, keys, self.incarnation, CLOCK, self.reports.append)
        self.thread.start()

    def heard(self) -> list[HeardBeat]:
        return [beat for report in self.reports if isinstance(report, BeatsHeard) for beat in report.beats]

    def turn(self) -> bool:
        self.thread.progress(CLOCK.now())
        return False


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    one, two = (Node(config) for config in configs(tmp_path, ("a", "b")))
    yield one, two
    one.thread.close()
    two.thread.close()


def inject(node: Node, datagram: bytes) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, (node.config.own.addresses[0], node.config.own.port))


def test_beats_are_heard_both_ways(pair: tuple[Node, Node]) -> None:
    one, two = pair
    assert one.thread.newest_from(B) == (NO_INCARNATION, 0)
    one.thread.set_beat(content())
    two.thread.set_beat(content(hears=(A,)))
    until(lambda: any(beat.echoed_ms is not None for beat in one.heard()))
    first = one.heard()[0]
    assert (first.sender, first.incarnation, first.content.hears) == (B, two.incarnation, (A,))
    incarnation, sequence = one.thread.newest_from(B)
    assert incarnation == two.incarnation
    assert sequence > 0
    assert two.thread.sent_ms(sequence) is not None
    assert two.thread.sent_ms(sequence + 1_000) is None
    assert one.thread.dropped == (0, 0)


def test_nothing_is_sent_before_there_is_something_to_say(pair: tuple[Node, Node]) -> None:
    one, two = pair
    two.thread.set_beat(content())
    until(lambda: two.turn() or len(one.heard()) > 3)
    assert two.heard() == []


def test_a_change_is_told_at_once(tmp_path: Path) -> None:
    slow = 'warntime = "9s"\ndeadtime = "10s"\nkeepalive = "4s"\n'
    one_config, two_config = configs(tmp_path, ("a", "b"), slow)
    one, two = Node(one_config), Node(two_config)
    two.thread.set_beat(content())
    until(one.heard)
    begun = CLOCK.now()
    two.thread.set_beat(content(is_leaving=True))
    until(lambda: any(beat.content.is_leaving for beat in one.heard()))
    assert CLOCK.now() - begun < 500
    one.thread.close()
    two.thread.close()


def test_a_stuck_loop_silences_the_beat(pair: tuple[Node, Node]) -> None:
    one, two = pair
    two.thread.set_beat(content())
    until(one.heard)
    until(lambda: CLOCK.now() - one.heard()[-1].at_ms > two.config.deadtime_ms)
    count = len(one.heard())
    until(lambda: two.turn() or len(one.heard()) > count)


def test_a_node_that_is_cut_off_neither_sends_nor_hears_until_it_ends_by_itself(pair: tuple[Node, Node]) -> None:
    one, two = pair
    one.thread.set_beat(content())
    two.thread.set_beat(content())
    until(lambda: bool(one.heard()) and bool(two.heard()))
    ends_ms = CLOCK.now() + 300
    one.thread.cut_off(ends_ms)
    begun_ms = CLOCK.now()

    def turned() -> bool:
        for node in pair:
            node.turn()
        return CLOCK.now() > ends_ms and all(node.heard()[-1].at_ms > ends_ms for node in pair)

    until(turned)
    assert not [beat for beat in one.heard() if begun_ms < beat.at_ms < ends_ms]
    assert one.thread.dropped == (0, 0)


def test_a_dead_daemon_on_a_living_host_is_noticed(tmp_path: Path) -> None:
    one = Node(configs(tmp_path, ("a", "b"))[0])
    one.thread.set_beat(content())
    until(lambda: any(isinstance(report, PortRefused) and report.peer == B for report in one.reports))
    one.thread.close()


def test_a_new_incarnation_is_heard_and_the_old_one_no_more(tmp_path: Path) -> None:
    one_config, two_config = configs(tmp_path, ("a", "b"))
    one, two = Node(one_config), Node(two_config, counter=7)
    two.thread.set_beat(content())
    until(one.heard)
    two.thread.close()
    older = Node(two_config, counter=6)
    older.thread.set_beat(content())
    until(lambda: one.thread.dropped[1] > 0)
    older.thread.close()
    newer = Node(two_config, counter=8)
    newer.thread.set_beat(content())
    until(lambda: one.heard()[-1].incarnation.counter == 8)
    assert {beat.incarnation.counter for beat in one.heard()} == {7, 8}
    newer.thread.close()
    one.thread.close()


def test_forged_replayed_and_misdirected_beats_are_dropped(pair: tuple[Node, Node]) -> None:
    one, two = pair
    beat = Beat(B, two.incarnation, 5, NO_INCARNATION, 0, content(), 0)
    good = pack(beat, A, KEY)
    inject(one, good)
    inject(one, pack(Beat(B, two.incarnation, 6, NO_INCARNATION, 0, content(), 0), A, KEY))
    until(lambda: one.heard() and one.heard()[-1].sequence == 6)
    unmarked = [pack(beat, A, OTHER_KEY), b"", b"\x01" + good[1:], bytes(9_000), FORMAT + KEY.mark + bytes(9_000)]
    bad = [
        good,
        pack(beat, B, KEY),
        good[:-1] + bytes([good[-1] ^ 1]),
        good[:20],
        pack(Beat(NodeId("stranger"), two.incarnation, 9, NO_INCARNATION, 0, content(), 0), A, KEY),
        FORMAT + KEY.mark + KEY.tag(A, b"no beat") + b"no beat",
    ]
    for datagram in (*unmarked, *bad):
        inject(one, datagram)
    until(lambda: one.thread.dropped == (len(bad) - 1, 1))
    assert one.heard()[-1].sequence == 6
    assert one.thread.unheard == len(unmarked)


def test_a_flood_of_junk_drives_out_no_beat(pair: tuple[Node, Node]) -> None:
    one, two = pair
    two.thread.set_beat(content())
    until(one.heard)
    junk = (bytes(60_000), FORMAT + bytes(60_000), FORMAT + b"mark" + bytes(4_000))
    end = CLOCK.now() + 600
    while CLOCK.now() < end:
        two.turn()
        for datagram in junk:
            inject(one, datagram)
    sequences = [beat.sequence for beat in one.heard()]
    assert CLOCK.now() - one.heard()[-1].at_ms < one.config.deadtime_ms
    assert len(sequences) > 5
    assert one.thread.dropped == (0, 0)
    assert one.thread.unheard > 100


def test_keys_roll_over(tmp_path: Path) -> None:
    one_config, two_config = configs(tmp_path, ("a", "b"))
    one, two = Node(one_config, (KEY, OTHER_KEY)), Node(two_config, (OTHER_KEY, KEY))
    one.thread.set_beat(content())
    two.thread.set_beat(content())
    until(lambda: one.heard() and two.heard())
    assert (one.thread.key_of(B), two.thread.key_of(A)) == (1, 1)
    one.thread.close()
    two.thread.close()


def test_two_links_bring_each_beat_once(tmp_path: Path) -> None:
    one_config, two_config = configs(tmp_path, ("a", "b"), links=2)
    one, two = Node(one_config), Node(two_config)
    two.thread.set_beat(content())
    until(lambda: two.turn() or len(one.heard()) > 5)
    assert one.thread.dropped == (0, 0)
    assert one.thread.links_of(B) == [0, 1]
    sequences = [beat.sequence for beat in one.heard()]
    assert sequences == sorted(set(sequences))
    one.thread.close()
    two.thread.close()


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=120))
def test_any_datagram_is_refused_quietly(data: bytes) -> None:
    assert unpack(data, A, KEYS) is None
    assert unpack(FORMAT + KEY.mark + KEY.tag(A, data) + data, A, KEYS) is None
