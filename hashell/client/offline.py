"""A CIB file instead of a cluster: read when asked, written atomically by a commit.

The state is that of the file's status section; where it has none, every node counts as online, everything as stopped.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from hashell.client.filing import Known, locked
from hashell.errors import Refused
from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NO_EPOCH, NodeId, Version
from hashelld.wire import client as wire


FILE_BYTES_MAX: Final = 64 * 1024 * 1024
SETTLED_NS: Final = 1_000_000_000
"""The times of files are coarser than they look: two changes may have the same."""
NO_DIGEST: Final = ""
"""Nobody compares a file with copies of it."""
_WHOLE: Final = re.compile(r"<cib[\s>]")


class _Read(msgspec.Struct, frozen=True):
    """What was read last, and of which file."""

    stamp: tuple[int, ...]
    text: str
    version: Version
    cib: Cib


class OfflineClient:
    """The client of a file. FILE.crm is in the configure language, any other is CIB XML; an absent one is empty."""

    __slots__ = ("_known", "_last", "_path")

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._known = Known()
        self._last: _Read | None = None

    @property
    def name(self) -> str:
        """What the prompt shows: the file's name."""
        return self._path.name

    @property
    def has_cluster(self) -> bool:
        """Does somebody carry out what is committed?"""
        return False

    def daemon_pid(self) -> int | None:
        """A file has none."""
        return None

    def another(self) -> OfflineClient:
        """One more client of the same file, for another thread."""
        return OfflineClient(str(self._path))

    def ask(self, request: wire.Request, timeout_ms: int = 10_000) -> wire.Answer:
        """Answer from the file."""
        match request:
            case wire.GetCib():
                version, cib = self._read()
                return wire.CibIs(version, NO_DIGEST, cib)
            case wire.GetStatus():
                return self._status()
            case wire.MakeCommit():
                return self._commit(request)
            case wire.GetHistory():
                return wire.HistoryIs(())
            case _:
                return wire.Refused("offline", f"{self._path} is a file: there is no cluster to do that.")

    def events(self, timeout_ms: int) -> Iterator[wire.Changed | None]:
        """Looks whether somebody wrote the file."""
        before = self._version()
        while True:
            time.sleep(timeout_ms / 1000)
            now = self._version()
            yield wire.Changed("cib") if now != before else None
            before = now

    def close(self) -> None:
        """Nothing is kept open."""

    def _status(self) -> wire.StatusIs:
        version, cib = self._read()
        view = self._view()
        if view is not None:
            return self._recorded(version, view)
        total = len(cib.nodes)
        return wire.StatusIs(
            cluster="",
            node=NodeId(""),
            dc=None,
            epoch=NO_EPOCH,
            phase="idle",
            version=version,
            quorum=wire.QuorumStatus(has_quorum=True, votes=total, total=total, reason="a file has no votes"),
            links=(),
            nodes=tuple(NodeView(node=node.id, online=True, status=NodeStatus(node=node.id)) for node in cib.nodes),
            notices=(f"{self._path} is a file: every node is taken to be online, every resource to be stopped",),
        )

    def _recorded(self, version: Version, view: ClusterView) -> wire.StatusIs:
        """What the file's status section says."""
        votes = sum(node.online for node in view.nodes if not node.is_remote)
        total = sum(not node.is_remote for node in view.nodes)
        has_quorum = view.has_quorum
        return wire.StatusIs(
            cluster="",
            node=NodeId(""),
            dc=view.dc,
            epoch=NO_EPOCH,
            phase="idle",
            version=version,
            quorum=wire.QuorumStatus(has_quorum=has_quorum, votes=votes, total=total, reason="as the file says"),
            links=(),
            nodes=view.nodes,
            notices=(f"{self._path} is a file: this is the state that was recorded in it",),
            wall_ms=view.now_ms,
            view=msgspec.structs.replace(view, cib=Cib(), nodes=()),
        )

    def _view(self) -> ClusterView | None:
        """The state that the file holds; None when it has a configuration only."""
        text = self._text() or ""
        if self._is_language or "<node_state" not in text:
            return None
        from hashelld.cib.xml.status import read_view

        return read_view(text, time.time_ns() // 1_000_000)

    def _commit(self, request: wire.MakeCommit) -> wire.Committed | wire.Conflict | wire.Refused:
        with locked(self._path.resolve().parent):
            self._last = None  # Here a change that the clock is too coarse to tell would be lost.
            version, cib = self._read()
            after = self._known.result(request, version, cib, str(self._path))
            return wire.Committed(self._write(after)) if isinstance(after, Cib) else after

    def _text(self) -> str | None:
        """The file's content; None when there is no file."""
        try:
            if self._path.stat().st_size > FILE_BYTES_MAX:
                raise Refused(f"{self._path} is longer than {FILE_BYTES_MAX} bytes")
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise Refused(f"{self._path}: byte {error.start} is not UTF-8") from None
        except OSError as error:
            raise Refused(f"{self._path}: {error.strerror}") from None

    def _read(self) -> tuple[Version, Cib]:
        stamp = self._stamp()
        if self._last is not None and self._last.stamp == stamp:
            return self._last.version, self._last.cib
        version = self._version()  # Before the text: who writes in between is then seen by the commit.
        text = self._text() or ""
        cib = self._parsed(text) if text.strip() else Cib()
        self._known.add(version, cib)
        self._last = None if stamp is None else _Read(stamp, text, version, cib)
        return version, cib

    def _stamp(self) -> tuple[int, ...] | None:
        """What tells this file from another in its place; None when that is not sure: it has just been written."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        is_settled = time.time_ns() - found.st_mtime_ns > SETTLED_NS
        return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if is_settled else None

    def _version(self) -> Version:
        """The time of the last change: it grows, and tells whether somebody else wrote the file."""
        try:
            return Version(NO_EPOCH, self._path.stat().st_mtime_ns)
        except FileNotFoundError:
            return Version(NO_EPOCH, 0)

    def _parsed(self, text: str) -> Cib:
        """What the file says; one that is only read loads nothing of the other language, and nothing that writes."""
        if self._is_language:
            from hashelld.cib.lang.diagnostic import errors, render
            from hashelld.cib.lang.lower import read_cib

            cib, found = read_cib(text)
            if wrong := errors(found):
                raise Refused("\n".join((f"{self._path}:", *(render(one, text) for one in wrong))))
            return cib
        from hashelld.cib.xml.document import read_document
        from hashelld.cib.xml.read import XmlRefused, read_xml

        try:
            return read_document(text).cib if _is_whole(text) else read_xml(text)
        except XmlRefused as refusal:
            raise Refused(f"{self._path}: {refusal}") from None

    @property
    def _is_language(self) -> bool:
        return self._path.suffix == ".crm"

    def _formatted(self, cib: Cib) -> str:
        if self._is_language:
            from hashelld.cib.lang.format import format_cib

            return format_cib(cib)
        from hashelld.cib.xml.document import read_document, write_document
        from hashelld.cib.xml.write import XmlImpossible, write_xml

        before = self._text() or ""
        try:
            if not _is_whole(before):
                return write_xml(cib)
            return write_document(msgspec.structs.replace(read_document(before), cib=cib))
        except XmlImpossible as impossible:
            raise Refused(f"{self._path}: {impossible}") from None

    def _write(self, cib: Cib) -> Version:
        import tempfile

        text = self._formatted(cib)
        real = self._path.resolve()
        temporary = ""
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8") as written:
                written.write(text)
                written.flush()
                os.fchmod(descriptor, real.stat().st_mode & 0o777 if real.exists() else 0o644 & ~_umask())
                os.fsync(descriptor)
            Path(temporary).replace(real)
            _sync_directory(real.parent)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise Refused(f"{self._path} cannot be written: {error.strerror}") from None
        version = self._version()
        self._known.add(version, cib)
        return version


def _is_whole(text: str) -> bool:
    """Is it a `<cib>`, or a `<configuration>` alone?"""
    return _WHOLE.search(text) is not None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
