"""The quorum disk's file or device, read and written by a thread of its own: a stuck one never stops the loop."""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

from hashelld.core.effects import DiskRound
from hashelld.core.events import DiskFailed, DiskRead, Event
from hashelld.wire.codec import ProtocolError
from hashelld.wire.sector import (
    BLOCK_BYTES,
    PLACES_MAX,
    copy_of,
    decode_header,
    decode_image,
    encode_sector,
    image_bytes,
    offset_of,
)


_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | os.O_SYNC | os.O_NONBLOCK


class QuorumDisk:
    """Rounds are done one after the other. One that the disk does not answer stays under way; the core counts time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._jobs: SimpleQueue[DiskRound | None] = SimpleQueue()
        self._report: Callable[[Event], None] | None = None
        self._handle: int | None = None
        self._buffer: mmap.mmap | None = None
        self._block: mmap.mmap | None = None
        self._is_direct = False
        self._thread = threading.Thread(target=self._run, name="quorum-disk", daemon=True)

    def start(self, report: Callable[[Event], None]) -> None:
        """Do rounds from now on; `report` is called from the disk's thread."""
        self._report = report
        self._thread.start()

    def begin(self, asked: DiskRound) -> None:
        """Queue a round; `DiskRead` or `DiskFailed` is reported."""
        self._jobs.put(asked)

    def close(self) -> None:
        """Nothing further is begun. Not waited for: the disk may hang."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (asked := self._jobs.get()) is not None:
            answer = self.do(asked)
            if self._report is not None:
                self._report(answer)
        self._close()

    def do(self, asked: DiskRound) -> DiskRead | DiskFailed:
        """One round, here and now: the header, one's own sector, then everything."""
        try:
            self._open()
            header = decode_header(self._read(BLOCK_BYTES))
            if asked.sector is not None:
                if header.uuid != asked.uuid or asked.place >= header.places:
                    return self._failed(asked, f"it is another disk now: its uuid is {header.uuid}")
                offset = offset_of(asked.place, copy_of(asked.sector.counter))
                self._write(offset, encode_sector(asked.place, asked.sector))
            found = decode_image(self._read(image_bytes(header.places)))
        except OSError as failure:
            return self._failed(asked, failure.strerror or str(failure))
        except ProtocolError as failure:
            return self._failed(asked, str(failure))
        return DiskRead(asked.token, found.header, found.sectors)

    def _failed(self, asked: DiskRound, reason: str) -> DiskFailed:
        """A device may come back as another one: it is opened anew."""
        self._close()
        return DiskFailed(asked.token, reason)

    # -- the file

    def _open(self) -> None:
        if self._handle is not None:
            here, there = os.fstat(self._handle), os.stat(self._path)  # noqa: PTH116 - a path of the configuration
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                return
            self._close()  # A file put in its place: all nodes are to use the same one.
        self._buffer = self._buffer or mmap.mmap(-1, image_bytes(PLACES_MAX))
        self._block = self._block or mmap.mmap(-1, BLOCK_BYTES)
        try:
            self._handle = os.open(self._path, _FLAGS | os.O_DIRECT)
            os.preadv(self._handle, [self._block], 0)
            self._is_direct = True
        except OSError:  # tmpfs and some NFS servers know no O_DIRECT, and some only say so when they are read.
            self._close()
            self._handle = os.open(self._path, _FLAGS)
            self._is_direct = False
        mode = os.fstat(self._handle).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            self._close()
            raise ProtocolError("it is neither a file nor a block device")
        flags = fcntl.fcntl(self._handle, fcntl.F_GETFL)
        fcntl.fcntl(self._handle, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)  # Only a FIFO's open was not to wait.

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):
                os.close(handle)

    def _read(self, length: int) -> bytes:
        """From the beginning; shorter where the file ends."""
        assert self._handle is not None
        assert self._buffer is not None
        if not self._is_direct:
            os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)
        view = memoryview(self._buffer)[:length]
        done = 0
        while done < length:
            count = os.preadv(self._handle, [view[done:]], done)
            done += count
            if not count or done % BLOCK_BYTES:
                break
        return bytes(view[:done])

    def _write(self, offset: int, block: bytes) -> None:
        assert self._handle is not None
        assert self._block is not None
        self._block[:] = block
        written = os.pwritev(self._handle, [self._block], offset)
        if written != len(block):
            raise OSError(f"only {written} of {len(block)} bytes were written")
        os.fsync(self._handle)
