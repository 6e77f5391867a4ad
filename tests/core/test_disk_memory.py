"""What the quorum disk remembers of a node, and disks and places that are not its own."""

from __future__ import annotations

import msgspec
import pytest

from hashelld.core.disk_vote import NOTICE
from hashelld.core.effects import Persist, Stored
from hashelld.core.settings import Settings
from hashelld.core.standing import Standing
from hashelld.model.ids import Epoch, Incarnation, Version
from hashelld.wire.sector import Sector
from tests.core.disk_rig import (
    HEADER,
    INTERVAL_MS,
    LAPSE_MS,
    NEWER,
    PAIR,
    STORED,
    VOTER,
    A,
    B,
    Rig,
    checkpoint,
    in_office,
)


@pytest.mark.parametrize(
    "own",
    [
        Sector(node=A, counter=9, incarnation=Incarnation(6, "later")),
        Sector(node=A, counter=9, incarnation=Incarnation(5, "twin")),
        Sector(node=A, counter=9, incarnation=Incarnation(4, "x"), stored=NEWER),
        Sector(node=A, counter=9, incarnation=Incarnation(4, "x"), vouched=NEWER),
        Sector(node=A, counter=9, incarnation=Incarnation(4, "x"), promised=Epoch(4, A)),
    ],
)
def test_a_store_older_than_its_sector_does_not_vote(own: Sector) -> None:
    rig = Rig()
    rig.sectors[0] = own
    asked = rig.begun()
    assert asked is not None
    rig.answer(asked)
    assert not rig.standing.may_vote
    writes = [effect for effect in rig.standing.take() if isinstance(effect, Persist)]
    assert [write.may_vote for write in writes] == [False]
    rig.standing.on_persisted(writes[0].token)
    rig.later()
    kept = rig.written[-1]
    assert (kept.promised, kept.vouched, kept.stored) == (own.promised, own.vouched, max(own.stored, STORED))


def test_an_earlier_life_is_no_older_store() -> None:
    rig = Rig()
    rig.sectors[0] = Sector(
        node=A, counter=9, incarnation=Incarnation(4, "x"), promised=Epoch(3, A), vouched=STORED, stored=STORED
    )
    rig.round()
    assert rig.standing.may_vote
    rig.later()
    assert (rig.written[-1].counter, rig.written[-1].vouched) == (10, STORED)


def test_an_own_sector_that_is_unreadable_vouches_for_the_whole_store() -> None:
    """It never vouched for more, nor promised more than its store knows."""
    rig = Rig()
    rig.sectors[0] = None
    rig.round()
    rig.later()
    assert (rig.written[-1].vouched, rig.written[-1].promised) == (STORED, Epoch(3, A))
    assert rig.notice == ""


def test_an_own_sector_that_is_unreadable_stays_so_where_the_store_is_no_voter() -> None:
    rig = Rig()
    rig.standing.may_vote = False
    rig.sectors[0] = None
    rig.round()
    rig.later()
    assert rig.written == []
    assert "does not know what it vouched for" in rig.notice


# -- disks that are not the cluster's


def foreign(rig: Rig) -> str:
    """The disk is looked at for a while: it is not written, and has no vote; why."""
    rig.round()
    rig.later(2)
    rig.disk.bid(9)
    rig.later()
    assert rig.written == []
    assert rig.disk.name == rig.disk.likely == rig.disk.held == frozenset()
    return rig.notice


def test_a_disk_with_another_uuid() -> None:
    rig = Rig()
    rig.header = msgspec.structs.replace(HEADER, uuid="u2")
    assert "it is another disk: its uuid is u2, the electorate's is u1" in foreign(rig)


def test_a_disk_that_the_electorate_does_not_name() -> None:
    assert "no part of the electorate" in foreign(Rig(electorate=msgspec.structs.replace(PAIR, arbiter=None)))


def test_a_disk_of_another_cluster() -> None:
    rig = Rig()
    rig.header = msgspec.structs.replace(HEADER, cluster="db")
    assert "created for the cluster 'db'" in foreign(rig)


def test_a_disk_made_for_other_timings() -> None:
    """It has its vote; what the file says counts, and the difference is told."""
    rig = Rig()
    rig.header = msgspec.structs.replace(HEADER, tko=20)
    rig.round()
    rig.later()
    assert "was made for interval 1s and tko 20" in rig.notice
    assert rig.disk.likely == VOTER


def test_a_place_of_another_node() -> None:
    rig = Rig()
    rig.sectors[0] = Sector(node=B, counter=3)
    assert "place 1 belongs to b" in foreign(rig)


def test_a_disk_that_is_replaced_under_way() -> None:
    """What the first one promised and vouched for counts for nothing with the second one."""
    rig = in_office()
    rig.disk.vouch(Version(Epoch(4, A), 21))
    rig.round()
    count = len(rig.written)
    rig.now += INTERVAL_MS
    asked = rig.begun()
    assert asked is not None
    rig.header = msgspec.structs.replace(HEADER, uuid="u2")
    rig.answer(asked)
    assert rig.disk.held == frozenset()
    assert not VOTER & rig.disk.vouches(Epoch(4, A), 21)
    rig.later(3)
    assert len(rig.written) == count


def test_a_place_that_somebody_else_wrote() -> None:
    """Two daemons with one name: neither trusts what it reads."""
    rig = in_office()
    rig.now += INTERVAL_MS
    asked = rig.begun()
    assert asked is not None
    rig.land(asked)
    rig.sectors[0] = Sector(node=A, counter=77, incarnation=Incarnation(5, "twin"))
    rig.answer(asked)
    assert "does not hold what this node wrote" in rig.notice
    rig.now += LAPSE_MS
    rig.disk.on_time(rig.now)
    assert rig.disk.held == frozenset()


def test_an_electorate_that_names_a_disk_where_the_file_names_none() -> None:
    settings = Settings(node=A, cluster_name="c", file_digest="f", founding=msgspec.structs.replace(PAIR, arbiter=None))
    stored = Stored(incarnation=Incarnation(5, "now"), checkpoint=checkpoint(PAIR))
    standing = Standing(0, settings, stored, lambda low, _: low)
    standing.disk.on_time(0)
    standing.disk.go_on(0)
    assert "counts on the quorum disk u1; hashelld.toml names none here" in standing.notices[NOTICE]
    assert standing.take() == []
    assert standing.disk.deadline() is None
