"""Drafts that outlive the shell: one file a cluster, readable by its owner alone, written anew at every change."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from hashell.client.port import Kept
from hashelld.cib.document import Cib
from hashelld.model.ids import Version


class FileShelf:
    """The shelf of one cluster. A disk that is full or read-only costs no more than the draft's second life."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, base: Version, original: Cib, cib: Cib) -> None:
        """Put the draft there: the file is replaced as a whole."""
        kept = Kept(base=base, original=original, cib=cib, at_ms=time.time_ns() // 1_000_000)
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(prefix=".draft-", dir=self._path.parent)
            written = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as file:  # mkstemp makes it 0600.
                    file.write(msgspec.msgpack.encode(kept))
                    file.flush()
                    os.fsync(file.fileno())
                written.replace(self._path)
            except OSError:
                written.unlink(missing_ok=True)
                raise

    def kept(self) -> Kept | None:
        """The draft that is there; a file that cannot be read, or that is somebody else's, is as good as none."""
        try:
            if self._path.stat().st_uid != os.getuid():
                return None
            return msgspec.msgpack.decode(self._path.read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            return None

    def drop(self) -> None:
        """Take it away."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def place_of(environment: Mapping[str, str], kind: str, cluster: str) -> Path | None:
    """Where something of a cluster (its socket, or the path of its file) is kept, below XDG_STATE_HOME."""
    home = environment.get("HOME")
    state = environment.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else None)
    if not state:
        return None
    return Path(state) / "hashell" / kind / cluster.strip("/").replace("%", "%25").replace("/", "%2f")


def shelf_of(environment: Mapping[str, str], cluster: str) -> FileShelf | None:
    """The shelf of a cluster; None without a home."""
    place = place_of(environment, "drafts", cluster)
    return None if place is None else FileShelf(place)
