"""The quorum disk of a simulated cluster: real blocks; rounds hang, fail and are slow, blocks tear and are damaged."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from hashelld.core.effects import DiskRound
from hashelld.core.events import DiskFailed, DiskRead
from hashelld.model.ids import NO_EPOCH, NO_VERSION, Epoch, Millis, NodeId, Version
from hashelld.wire.codec import ProtocolError
from hashelld.wire.sector import (
    BLOCK_BYTES,
    COPIES,
    DiskHeader,
    Sector,
    copy_of,
    decode_header,
    decode_sector,
    encode_sector,
    image,
    offset_of,
)
from tests.sim.timeline import Timeline


UUID: Final = "sim-disk"
INTERVAL_MS: Final[Millis] = 500
TKO: Final = 8
READ_MAX_MS: Final[Millis] = 6
Answer = Callable[[DiskRead | DiskFailed], None]


class Path(Enum):
    """What becomes of a node's rounds."""

    WELL = "well"
    HANGS = "hangs"
    """Nothing is answered; what is under way goes on when it is mended."""
    FAILS = "EIO"


class Round:
    """One round under way."""

    def __init__(self, by: NodeId, asked: DiskRound, answer: Answer) -> None:
        self.by = by
        self.asked = asked
        self.answer = answer
        self.is_written = False
        self.sectors: dict[int, Sector | None] = {}


class QuorumDisk:
    """All machines see the same blocks, each by a path of its own."""

    def __init__(self, timeline: Timeline, names: tuple[NodeId, ...], cluster: str) -> None:
        self._timeline = timeline
        self.names = names
        self._cluster = cluster
        self._rounds: dict[NodeId, Round] = {}
        self._paths: dict[NodeId, Path] = dict.fromkeys(names, Path.WELL)
        self._held: dict[NodeId, Millis] = {}
        self.slow_ms: dict[NodeId, Millis] = dict.fromkeys(names, 0)
        """The beginning takes so much longer, and about as much what follows."""
        self.tears = False
        """A daemon that dies leaves a torn block."""
        self.data = bytearray()
        self.replace(UUID)

    # -- faults

    def replace(self, uuid: str) -> None:
        """Another disk is at the same path."""
        header = DiskHeader(
            uuid=uuid,
            cluster=self._cluster,
            places=len(self.names),
            interval_ms=INTERVAL_MS,
            tko=TKO,
            created_ms=0,
        )
        self.data = bytearray(image(header))
        self._held.clear()

    def set_path(self, path: Path, *names: str) -> None:
        """From now on these machines' rounds go so; of all, when none is named."""
        for name in names or self.names:
            node = NodeId(name)
            was, self._paths[node] = self._paths[node], path
            found = self._rounds.get(node)
            if was is Path.HANGS and path is not Path.HANGS and found is not None:
                self._go_on(found)

    def mend(self) -> None:
        """All is well."""
        self.tears = False
        self.slow_ms = dict.fromkeys(self.names, 0)
        self.set_path(Path.WELL)

    def damage(self, name: str, *, is_whole: bool) -> None:
        """The copy that the node writes next is unreadable; or (is_whole) both of its sector's are."""
        place = self.names.index(NodeId(name))
        found = self.sector(name)
        for copy in range(COPIES):
            if is_whole or found is None or copy != copy_of(found.counter):
                at = offset_of(place, copy)
                self.data[at + 20] ^= 0xFF

    def put(self, name: str, promised: Epoch) -> None:
        """A machine that is off has promised this, with its last write."""
        found = self.sector(name)
        assert found is not None
        place = self.names.index(NodeId(name))
        later = msgspec.structs.replace(found, counter=found.counter + 1, promised=promised)
        at = offset_of(place, copy_of(later.counter))
        self.data[at : at + BLOCK_BYTES] = encode_sector(place, later)

    def process_ended(self, name: NodeId) -> None:
        """The daemon is gone: what it was writing is on the disk, or half of it, or nothing."""
        found = self._rounds.pop(name, None)
        if found is None or found.is_written or found.asked.sector is None:
            return
        upto = self._timeline.random.choice((0, BLOCK_BYTES, self._timeline.between(1, 60) if self.tears else 0))
        self._write(found, upto)

    # -- what checkers ask

    def sector(self, name: str) -> Sector | None:
        """What the disk says of a node now."""
        place = self.names.index(NodeId(name))
        return decode_sector(place, bytes(self.data[offset_of(place, 0) : offset_of(place, COPIES)]))

    @property
    def vouched(self) -> Version:
        """The newest version that the disk remembers."""
        found = (self.sector(name) for name in self.names)
        return max((sector.vouched for sector in found if sector is not None), default=NO_VERSION)

    def was_held(self, name: NodeId, window_ms: Millis) -> bool:
        """Was this node's the highest promise on the disk, at any time in the last window?"""
        return self._holder() == name or self._timeline.now - self._held.get(name, -1_000_000) <= window_ms

    def _holder(self) -> NodeId:
        found = (self.sector(name) for name in self.names)
        return max((sector.promised for sector in found if sector is not None), default=NO_EPOCH).node

    # -- rounds

    def begin(self, name: NodeId, asked: DiskRound, answer: Answer) -> None:
        """A machine's daemon asks for a round."""
        assert name not in self._rounds, f"{name} asks for a round while one is under way"
        found = self._rounds[name] = Round(name, asked, answer)
        self._timeline.after(self._timeline.between(1, READ_MAX_MS) + self.slow_ms[name], lambda: self._go_on(found))

    def _go_on(self, found: Round) -> None:
        """The next thing of a round: the write, then the sectors in any order, then the answer."""
        if self._rounds.get(found.by) is not found or self._paths[found.by] is Path.HANGS:
            return
        header = self._header()
        is_other = bool(found.asked.uuid) and (header is None or header.uuid != found.asked.uuid)
        if header is None or is_other or self._paths[found.by] is Path.FAILS:
            if self._paths[found.by] is Path.FAILS and not found.is_written and self._timeline.chance(0.5):
                self._write(found, BLOCK_BYTES)
            self._end(found, DiskFailed(found.asked.token, "it is another disk now" if is_other else "EIO"))
            return
        if self._writes_now(found):
            self._write(found, BLOCK_BYTES)
        elif len(found.sectors) < header.places:
            self._read_one(found, header)
        if found.is_written and len(found.sectors) == header.places:
            sectors = tuple(found.sectors[place] for place in range(header.places))
            self._end(found, DiskRead(found.asked.token, header, sectors))
            return
        slow_ms = self._timeline.between(0, 2 * self.slow_ms[found.by] // header.places)
        self._timeline.after(self._timeline.between(0, READ_MAX_MS) + slow_ms, lambda: self._go_on(found))

    def _writes_now(self, found: Round) -> bool:
        """First of all."""
        return not found.is_written

    def _read_one(self, found: Round, header: DiskHeader) -> None:
        place = self._timeline.random.choice([at for at in range(header.places) if at not in found.sectors])
        found.sectors[place] = decode_sector(place, bytes(self.data[offset_of(place, 0) : offset_of(place, COPIES)]))

    def _write(self, found: Round, upto: int) -> None:
        found.is_written = True
        asked = found.asked
        if asked.sector is None:
            return
        before = self._holder()
        at = offset_of(asked.place, copy_of(asked.sector.counter))
        self.data[at : at + upto] = encode_sector(asked.place, asked.sector)[:upto]
        if before != self._holder():
            self._held[before] = self._timeline.now

    def _end(self, found: Round, answer: DiskRead | DiskFailed) -> None:
        del self._rounds[found.by]
        self._timeline.record(found.by, "quorum disk", _told(found.asked, answer))
        found.answer(answer)

    def _header(self) -> DiskHeader | None:
        try:
            return decode_header(bytes(self.data[:BLOCK_BYTES]))
        except ProtocolError:
            return None


class _Told(msgspec.Struct, frozen=True):
    """For the trace."""

    wrote: tuple[int, Epoch, Version] | None
    read: str


def _told(asked: DiskRound, answer: DiskRead | DiskFailed) -> _Told:
    own = asked.sector
    wrote = None if own is None else (own.counter, own.promised, own.vouched)
    if isinstance(answer, DiskFailed):
        return _Told(wrote, answer.reason)
    found = (
        "-" if one is None else f"{one.node} {one.counter} {one.promised} {one.vouched} {one.is_quorate_dc}"
        for one in answer.sectors
    )
    return _Told(wrote, "; ".join(found))
