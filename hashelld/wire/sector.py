"""The quorum disk's format: a header, then for each node two copies of its sector, written by turns.

A block is a frame (magic, where it belongs, length, CRC) around one msgpack value, padded with zeros. Only a node's
own daemon writes its sector, into the copy that does not hold the newest content, so that a torn write leaves the one
before. A block of zeros is unreadable: `image` makes places readable before anybody uses them.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, TypeVar

import msgspec

from hashelld.model.ids import NO_EPOCH, NO_INCARNATION, NO_VERSION, Epoch, Incarnation, Millis, NodeId, Version
from hashelld.wire.codec import ProtocolError


BLOCK_BYTES: Final = 4096
"""A write of one block is aligned for any device; also one with sectors of 512 bytes."""
FORMAT: Final = 1
HEADER_MAGIC: Final = b"HSQD"
SECTOR_MAGIC: Final = b"HSQS"
COPIES: Final = 2
PLACES_MAX: Final = 32
"""Nodes that a disk can have places for."""
PLACES: Final = 16
INTERVAL_MS: Final[Millis] = 1_000
TKO: Final = 8
_FRAME: Final = struct.Struct(">4sHHHHI")
"""Magic, format, place, copy, length of the value; CRC of the whole block with this field zero."""


class DiskHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What `cluster qdisk create` wrote; nobody changes it."""

    uuid: str
    cluster: str
    """The name of the cluster that the disk is for; empty: any."""
    places: int
    """For so many nodes."""
    interval_ms: Millis
    tko: int
    created_ms: int
    """Wall-clock milliseconds: for people."""
    block_bytes: int = BLOCK_BYTES


class Sector(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """What one node says on the disk, and what the disk remembers of it."""

    node: NodeId = NodeId("")
    """Whose place it is; empty: nobody's yet."""
    cluster: str = ""
    """The founding id; empty while that node's store is."""
    counter: int = 0
    """Rises with every write; what rises is alive."""
    incarnation: Incarnation = NO_INCARNATION
    promised: Epoch = NO_EPOCH
    """The highest epoch of its own for which the node asked the disk's vote."""
    vouched: Version = NO_VERSION
    """The newest version for which it did: who has an older one does not get the disk's vote."""
    stored: Version = NO_VERSION
    """The newest version in its store, at the time."""
    is_quorate_dc: bool = False


class Image(msgspec.Struct, frozen=True):
    """All that can be read of a disk at one time; a place is None where both copies are unreadable."""

    header: DiskHeader
    sectors: tuple[Sector | None, ...]


_ENCODER: Final = msgspec.msgpack.Encoder()
_HEADERS: Final = msgspec.msgpack.Decoder(DiskHeader)
_SECTORS: Final = msgspec.msgpack.Decoder(Sector)
_Value = TypeVar("_Value")


def image_bytes(places: int) -> int:
    """How long a disk with so many places is."""
    return BLOCK_BYTES * (1 + COPIES * places)


def offset_of(place: int, copy: int) -> int:
    """Where a copy of a place begins."""
    return BLOCK_BYTES * (1 + COPIES * place + copy)


def copy_of(counter: int) -> int:
    """The copy into which a sector with this counter is written."""
    return counter % COPIES


def image(header: DiskHeader) -> bytes:
    """A whole new disk: the header, and every place nobody's."""
    assert 1 <= header.places <= PLACES_MAX
    blocks = [encode_header(header)]
    blocks += [_block(SECTOR_MAGIC, place, copy, Sector()) for place in range(header.places) for copy in range(COPIES)]
    return b"".join(blocks)


def encode_header(header: DiskHeader) -> bytes:
    """The first block."""
    return _block(HEADER_MAGIC, 0, 0, header)


def encode_sector(place: int, sector: Sector) -> bytes:
    """The block of a sector, for the copy whose turn it is."""
    return _block(SECTOR_MAGIC, place, copy_of(sector.counter), sector)


def decode_header(block: bytes) -> DiskHeader:
    """The header; `ProtocolError` tells why this is no quorum disk."""
    if len(block) < BLOCK_BYTES:
        raise ProtocolError("too short for a quorum disk")
    if not any(block):
        raise ProtocolError("nothing but zeros: no quorum disk was created here")
    if block[: len(HEADER_MAGIC)] != HEADER_MAGIC:
        raise ProtocolError("no quorum disk")
    header = _value(block, HEADER_MAGIC, 0, 0, _HEADERS)
    is_sound = 1 <= header.places <= PLACES_MAX and header.interval_ms > 0 and header.block_bytes == BLOCK_BYTES
    if not is_sound or not header.uuid:
        raise ProtocolError("the header says what no hashell writes")
    return header


def decode_sector(place: int, copies: bytes) -> Sector | None:
    """The newest readable of the copies of a place; None when none is."""
    found = []
    for copy in range(COPIES):
        try:
            block = copies[copy * BLOCK_BYTES : (copy + 1) * BLOCK_BYTES]
            sector = _value(block, SECTOR_MAGIC, place, copy, _SECTORS)
        except ProtocolError:
            continue
        if not sector.node or copy_of(sector.counter) == copy:
            found.append(sector)
    return max(found, key=lambda sector: sector.counter, default=None)


def decode_image(data: bytes) -> Image:
    """A whole disk; `ProtocolError` when its header is unreadable."""
    header = decode_header(data[:BLOCK_BYTES])
    places = range(header.places)
    sectors = (decode_sector(place, data[offset_of(place, 0) : offset_of(place, COPIES)]) for place in places)
    return Image(header, tuple(sectors))


def _block(magic: bytes, place: int, copy: int, value: object) -> bytes:
    body = _ENCODER.encode(value)
    if len(body) > BLOCK_BYTES - _FRAME.size - 4:
        raise ProtocolError(f"{len(body)} bytes do not fit into one block of a quorum disk")
    rest = body.ljust(BLOCK_BYTES - _FRAME.size, b"\0")
    blank = _FRAME.pack(magic, FORMAT, place, copy, len(body), 0)
    return _FRAME.pack(magic, FORMAT, place, copy, len(body), zlib.crc32(blank + rest)) + rest


def _value(block: bytes, magic: bytes, place: int, copy: int, decoder: msgspec.msgpack.Decoder[_Value]) -> _Value:
    """The value of a block that is whole and where it belongs."""
    if len(block) != BLOCK_BYTES:
        raise ProtocolError("the quorum disk is too short")
    found, form, *where, length, crc = _FRAME.unpack_from(block)
    rest = block[_FRAME.size :]
    blank = _FRAME.pack(found, form, *where, length, 0)
    if found != magic or zlib.crc32(blank + rest) != crc:
        raise ProtocolError("a block of the quorum disk is torn or damaged")
    if form != FORMAT:
        raise ProtocolError(f"the quorum disk is of format {form}, this hashell knows {FORMAT}")
    if where != [place, copy]:
        raise ProtocolError("a block of the quorum disk is not where it belongs")
    try:
        return decoder.decode(rest[:length])
    except (msgspec.MsgspecError, ValueError) as failure:
        raise ProtocolError(f"a block of the quorum disk is not as written: {failure}") from failure
