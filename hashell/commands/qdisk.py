"""The quorum disk, without a daemon: made, and shown as it is."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Annotated, Final

from hashell.errors import Refused, Usage
from hashell.grammar.kinds import DurationMs, Integer, Path, choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashelld.model.duration import format_duration
from hashelld.model.ids import NO_EPOCH, NO_VERSION
from hashelld.wire.codec import ProtocolError
from hashelld.wire.sector import (
    BLOCK_BYTES,
    INTERVAL_MS,
    PLACES,
    PLACES_MAX,
    TKO,
    DiskHeader,
    Image,
    Sector,
    decode_header,
    decode_image,
    image,
    image_bytes,
)


CREATE, DUMP = "create", "dump"
_UNREADABLE: Final = "UNREADABLE: nobody gets the disk's vote until its node has written it anew"
Work = Annotated[str, choice(f"{CREATE}:write a new one; what was there is lost", f"{DUMP}:show what it says")]


@command(
    "cluster",
    "qdisk",
    examples=(
        "cluster qdisk create /dev/disk/by-id/wwn-0x5000c500a1b2c3d4 --cluster web",
        "cluster qdisk create /srv/shared/qdisk --nodes 4 --interval 1s --tko 8",
        "cluster qdisk dump /dev/disk/by-id/wwn-0x5000c500a1b2c3d4",
    ),
)
def cluster_qdisk(
    session: Session,
    work: Work,
    path: Path,
    *,
    nodes: Integer = PLACES,
    interval: DurationMs = INTERVAL_MS,
    tko: Integer = TKO,
    cluster: str = "",
) -> Outcome:
    """Make a quorum disk, or show what one says: a block device or file that all nodes see, with a vote of its own.

    It decides where the nodes' votes tie. Create it once, on one node, before the cluster is founded; then name it
    in hashelld.toml of every node. It has places for --nodes nodes; with --cluster no other cluster uses it. What is
    not empty is overwritten after a question only. No daemon is asked.
    """
    if work == DUMP:
        return _dump(FilePath(path))
    if not 1 <= nodes <= PLACES_MAX:
        raise Usage(f"--nodes: 1 to {PLACES_MAX} are possible")
    if interval < 1 or tko <= 2:
        raise Usage("--interval must be longer than 0, --tko more than 2")
    header = DiskHeader(
        uuid=os.urandom(16).hex(),
        cluster=cluster,
        places=nodes,
        interval_ms=interval,
        tko=tko,
        created_ms=time.time_ns() // 1_000_000,
    )
    return _create(session, FilePath(path), header)


def _create(session: Session, path: FilePath, header: DiskHeader) -> Outcome:
    content = image(header)
    try:
        found = _begin(path, len(content))
        if any(found) and not session.options.force:
            session.confirm(f"{path} is not empty ({_called(found)}): overwrite it?")
        _write(path, content)
    except OSError as failure:
        raise Refused(f"{path}: {failure.strerror or failure}") from failure
    where = path.absolute()
    interval = format_duration(header.interval_ms)
    text = (
        f"Made a quorum disk of {where}: uuid {header.uuid}, {header.places} nodes. In hashelld.toml of every node:\n\n"
        f'  [quorum.disk]\n  path = "{where}"\n  interval = "{interval}"\n  tko = {header.tko}'
    )
    return Said(text=text, data={"path": str(where), **_header_data(header)})


def _begin(path: FilePath, length: int) -> bytes:
    """What is there now, where the disk would be; empty where nothing is."""
    if not path.exists():
        return b""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        raise Refused(f"{path} is neither a file nor a block device")
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if stat.S_ISBLK(mode) and size < length:
            raise Refused(f"{path} is too small: {size} bytes, a quorum disk of this many nodes needs {length}")
        file.seek(0)
        found = file.read(length)
        return found if any(found) or size <= length else b"\1" * stat.S_ISREG(mode)


def _called(found: bytes) -> str:
    """What it looks like that would be lost."""
    with suppress(ProtocolError):
        header = decode_header(found[:BLOCK_BYTES])
        return f"a quorum disk, made {_day(header)}{f' for {header.cluster}' if header.cluster else ''}"
    return "it is no quorum disk"


def _write(path: FilePath, content: bytes) -> None:
    """The header last: what is interrupted is no quorum disk. A device that is mounted is refused by the kernel."""
    is_device = path.is_block_device()
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_SYNC | (os.O_EXCL if is_device else os.O_CREAT)
    handle = os.open(path, flags, 0o600)
    try:
        if not is_device:
            os.ftruncate(handle, len(content))
        for offset, part in ((0, bytes(BLOCK_BYTES)), (BLOCK_BYTES, content[BLOCK_BYTES:]), (0, content[:BLOCK_BYTES])):
            written = os.pwrite(handle, part, offset)
            if written != len(part):
                raise OSError(f"only {written} of {len(part)} bytes were written")
            os.fsync(handle)
    finally:
        os.close(handle)


def _dump(path: FilePath) -> Outcome:
    try:
        with path.open("rb") as file:
            found = decode_image(file.read(image_bytes(PLACES_MAX)))
    except OSError as failure:
        raise Refused(f"{path}: {failure.strerror or failure}") from failure
    except ProtocolError as failure:
        raise Refused(f"{path}: {failure}") from failure
    return Said(text=_text(found), data=_data(found))


def _text(found: Image) -> str:
    header = found.header
    every = f"every {format_duration(header.interval_ms)}, tko {header.tko}"
    lines = [
        f"uuid     {header.uuid}",
        f"cluster  {header.cluster or 'any'}",
        f"made     {_day(header)}, for {header.places} nodes, {every}",
    ]
    for number, sector in enumerate(found.sectors, 1):
        if sector is None:
            lines.append(f"place {number:<2} {_UNREADABLE}")
        elif sector.node:
            lines.append(f"place {number:<2} {sector.node}: {_sentence(sector)}")
    return "\n".join(lines)


def _sentence(sector: Sector) -> str:
    """What a node said last."""
    words = [f"counter {sector.counter}", f"incarnation {sector.incarnation}"]
    if sector.is_quorate_dc:
        words.append("DC")
    if sector.promised != NO_EPOCH:
        words.append(f"promised {sector.promised}")
    if sector.vouched != NO_VERSION:
        words.append(f"vouched for {sector.vouched}")
    return ", ".join([*words, f"stored {sector.stored}"])


def _data(found: Image) -> dict[str, object]:
    places: list[object] = []
    for number, sector in enumerate(found.sectors, 1):
        if sector is None:
            places.append({"place": number, "readable": False})
        elif sector.node:
            told = {
                "place": number,
                "readable": True,
                "node": sector.node,
                "counter": sector.counter,
                "incarnation": str(sector.incarnation),
                "is_dc": sector.is_quorate_dc,
                "promised": str(sector.promised),
                "vouched": str(sector.vouched),
                "stored": str(sector.stored),
            }
            places.append(told)
    return {**_header_data(found.header), "places": places}


def _header_data(header: DiskHeader) -> dict[str, object]:
    return {
        "uuid": header.uuid,
        "cluster": header.cluster,
        "nodes": header.places,
        "interval_ms": header.interval_ms,
        "tko": header.tko,
        "created_ms": header.created_ms,
    }


def _day(header: DiskHeader) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(header.created_ms / 1000))
