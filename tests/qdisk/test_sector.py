"""The quorum disk's format: round trips, torn writes, flipped bits, blocks at wrong places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashelld.model.ids import NUMBER_MAX, Epoch, Incarnation, NodeId, Version
from hashelld.wire.codec import ProtocolError
from hashelld.wire.sector import (
    BLOCK_BYTES,
    COPIES,
    DiskHeader,
    Sector,
    copy_of,
    decode_header,
    decode_image,
    decode_sector,
    encode_header,
    encode_sector,
    image,
    image_bytes,
    offset_of,
)


HEADER = DiskHeader(uuid="1d57", cluster="web", places=4, interval_ms=1_000, tko=8, created_ms=7)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True).map(NodeId)
NUMBERS = st.integers(0, NUMBER_MAX)
EPOCHS = st.builds(Epoch, NUMBERS, NAMES)
VERSIONS = st.builds(Version, EPOCHS, NUMBERS)
SECTORS = st.builds(
    Sector,
    node=NAMES,
    cluster=st.text(max_size=80),
    counter=NUMBERS,
    incarnation=st.builds(Incarnation, NUMBERS, st.text(max_size=16)),
    promised=EPOCHS,
    vouched=VERSIONS,
    stored=VERSIONS,
    is_quorate_dc=st.booleans(),
)


class Disk:
    """A disk's bytes, and writes that go through or tear."""

    def __init__(self) -> None:
        self.data = bytearray(image(HEADER))

    def write(self, place: int, sector: Sector, upto: int = BLOCK_BYTES) -> None:
        at = offset_of(place, copy_of(sector.counter))
        self.data[at : at + upto] = encode_sector(place, sector)[:upto]

    def sector(self, place: int) -> Sector | None:
        return decode_image(bytes(self.data)).sectors[place]


def said(counter: int, **more: object) -> Sector:
    return Sector(node=NodeId("n1"), counter=counter, **more)  # type: ignore[arg-type]


@given(SECTORS, st.integers(0, 3))
def test_round_trip(sector: Sector, place: int) -> None:
    disk = Disk()
    disk.write(place, sector)
    assert disk.sector(place) == sector
    assert [disk.sector(other) for other in range(4) if other != place] == [Sector()] * 3


def test_a_new_disk() -> None:
    data = image(HEADER)
    assert len(data) == image_bytes(4) == BLOCK_BYTES * 9
    assert decode_image(data).header == decode_header(encode_header(HEADER)) == HEADER
    assert decode_image(data).sectors == (Sector(),) * 4


@given(SECTORS, st.integers(0, BLOCK_BYTES * 8 - 1))
def test_a_flipped_bit_is_seen(sector: Sector, bit: int) -> None:
    block = bytearray(encode_sector(2, sector))
    block[bit // 8] ^= 1 << bit % 8
    blocks = [bytes(BLOCK_BYTES)] * COPIES
    blocks[copy_of(sector.counter)] = bytes(block)
    assert decode_sector(2, b"".join(blocks)) is None


@given(st.integers(0, BLOCK_BYTES))
def test_a_torn_write_leaves_the_one_before(upto: int) -> None:
    """All that is promised is one of both, whole; which, only the writer knows, when its write was answered."""
    disk = Disk()
    disk.write(1, said(7))
    disk.write(1, said(8, vouched=Version(Epoch(3, NodeId("n1")), 9)), upto)
    found = disk.sector(1)
    assert found in (said(7), said(8, vouched=Version(Epoch(3, NodeId("n1")), 9)))
    assert found is not None
    disk.write(1, said(9))
    assert disk.sector(1) == said(9)


def test_the_newest_readable_copy_counts() -> None:
    disk = Disk()
    for counter in range(1, 6):
        disk.write(0, said(counter))
        assert disk.sector(0) == said(counter)
    disk.write(0, said(6), 18)
    assert disk.sector(0) == said(5)
    disk.write(0, said(7), 18)
    assert disk.sector(0) is None


def test_zeros_are_unreadable() -> None:
    """A device that answers zeros for what it lost must not make anybody forget a vouched version."""
    disk = Disk()
    at = offset_of(3, 0)
    disk.data[at : at + COPIES * BLOCK_BYTES] = bytes(COPIES * BLOCK_BYTES)
    assert disk.sector(3) is None


def test_a_block_at_another_place_is_none() -> None:
    disk = Disk()
    disk.write(0, said(4))
    for other in (offset_of(1, copy_of(4)), offset_of(1, copy_of(5))):
        disk.data[other : other + BLOCK_BYTES] = encode_sector(0, said(4))
    assert disk.sector(1) is None


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (bytes(BLOCK_BYTES), "nothing but zeros"),
        (b"\x7fELF".ljust(BLOCK_BYTES, b"x"), "no quorum disk"),
        (encode_header(HEADER)[:100], "too short"),
        (encode_header(HEADER)[:-1] + b"x", "torn or damaged"),
        (encode_sector(0, said(2)), "no quorum disk"),
    ],
)
def test_what_is_no_header(block: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        decode_header(block)


def test_a_disk_that_is_too_short_has_unreadable_places() -> None:
    data = image(HEADER)[: offset_of(2, 0)]
    assert decode_image(data).sectors == (Sector(), Sector(), None, None)


@given(st.binary(max_size=3 * BLOCK_BYTES))
def test_any_bytes_either_decode_or_are_refused(data: bytes) -> None:
    try:
        decode_image(data)
    except ProtocolError:
        return
    raise AssertionError("noise was taken for a quorum disk")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ProtocolError, match="do not fit"):
        encode_sector(0, said(1, cluster="x" * BLOCK_BYTES))
