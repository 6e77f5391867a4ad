"""A CIB file instead of a cluster: read when asked, written atomically by a commit.

The state is that of the file's status section; where it has none, every node counts as online, everything as stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from hashell.client.filing import Known, locked
from hashell.errors import Refused
from hashelld.cib.document import Cib
from hashelld.cib.view import ClusterView, NodeView
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NO_EPOCH, NodeId, Version
from hashelld.wire import client as wire


if TYPE_CHECKING:
    from hashelld.cib.xml.tree import Element


FILE_BYTES_MAX: Final = 64 * 1024 * 1024
SETTLED_NS: Final = 1_000_000_000
"""The times of files are coarser than they look: two changes may have the same."""
NO_DIGEST: Final = ""
"""Nobody compares a file with copies of it."""


class _Read(msgspec.Struct, frozen=True):
    """What was read last, and of which file."""

    stamp: tuple[int, ...] | None
    version: Version
    cib: Cib
    root: Element | None
    """The tree of CIB XML."""


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
                found = self._read()
                return wire.CibIs(found.version, NO_DIGEST, found.cib)
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
        found = self._read()
        status = None if found.root is None else found.root.child("status")
        if found.root is not None and status is not None and status.child("node_state") is not None:
            from hashelld.cib.xml.status import view_of

            return self._recorded(found.version, view_of(found.root, found.cib, time.time_ns() // 1_000_000))
        nodes, total = found.cib.nodes, len(found.cib.nodes)
        return wire.StatusIs(
            cluster="",
            node=NodeId(""),
            dc=None,
            epoch=NO_EPOCH,
            phase="idle",
            version=found.version,
            quorum=wire.QuorumStatus(has_quorum=True, votes=total, total=total, reason="a file has no votes"),
            links=(),
            nodes=tuple(NodeView(node=node.id, online=True, status=NodeStatus(node=node.id)) for node in nodes),
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

    def _commit(self, request: wire.MakeCommit) -> wire.Committed | wire.Conflict | wire.Refused:
        with locked(self._path.resolve().parent):
            self._last = None  # Here a change that the clock is too coarse to tell would be lost.
            found = self._read()
            after = self._known.result(request, found.version, found.cib, str(self._path))
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

    def _read(self) -> _Read:
        stamp = self._stamp()
        if stamp is not None and self._last is not None and self._last.stamp == stamp:
            return self._last
        version = self._version()  # Before the text: who writes in between is then seen by the commit.
        text = self._text() or ""
        cib, root = self._parsed(text) if text.strip() else (Cib(), None)
        self._known.add(version, cib)
        self._last = _Read(stamp, version, cib, root)
        return self._last

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

    def _parsed(self, text: str) -> tuple[Cib, Element | None]:
        """What the file says, with its tree where it is XML.

        One that is only read loads nothing of the other language, and nothing that writes.
        """
        if self._is_language:
            from hashelld.cib.lang.diagnostic import errors, render
            from hashelld.cib.lang.lower import read_cib

            cib, found = read_cib(text)
            if wrong := errors(found):
                raise Refused("\n".join((f"{self._path}:", *(render(one, text) for one in wrong))))
            return cib, None
        from hashelld.cib.xml.document import read_whole
        from hashelld.cib.xml.read import XmlRefused, read_configuration
        from hashelld.cib.xml.tree import read_tree

        try:
            root = read_tree(text)
            return read_whole(root) if root.tag == "cib" else read_configuration(root, is_strict=True), root
        except XmlRefused as refusal:
            raise Refused(f"{self._path}: {refusal}") from None

    @property
    def _is_language(self) -> bool:
        return self._path.suffix == ".crm"

    def _formatted(self, cib: Cib) -> str:
        if self._is_language:
            from hashelld.cib.lang.format import format_cib

            return format_cib(cib)
        from hashelld.cib.xml.document import document_of, write_document
        from hashelld.cib.xml.write import XmlImpossible, write_xml

        before = None if self._last is None else self._last.root
        try:
            if before is None or before.tag != "cib":
                return write_xml(cib)
            return write_document(document_of(before, cib))
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
