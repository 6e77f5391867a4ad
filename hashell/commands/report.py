"""`hashell report`: everything that whoever helps needs to see, in one archive, without secrets."""

from __future__ import annotations

import os
import platform
import re
import time
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Final

import msgspec
from msgspec.structs import replace

from hashell.errors import HashellError, Refused, Usage
from hashell.grammar.kinds import Integer, Path
from hashell.grammar.registry import command
from hashell.grammar.secrecy import STARS, is_secret, masked, masked_object, secrets_of
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashelld import __version__
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, Put
from hashelld.cib.lang.format import format_cib
from hashelld.cib.view import NodeView
from hashelld.cib.xml.write import XmlImpossible, write_xml
from hashelld.wire.client import (
    PROTOCOL,
    GetHistory,
    GetLog,
    HistoryEntry,
    HistoryIs,
    LogIs,
    StatusIs,
)


FOLDER: Final = "hashell-report"
HISTORY_MAX: Final = 1_000
_SECRET_LENGTH_MIN: Final = 3
"""A shorter value is masked where it has a name only: elsewhere it may be anything."""
_NAMED: Final = re.compile(r"[\w-]+(?==)")
_VALUE: Final = re.compile(r'=(?:\\".*?\\"|"(?:[^"\\]|\\.)*"|[^\s",;\\]+)')
"""Bare, in quotes, or in quotes within a text that is in quotes itself."""
_BLOCK: Final = 512
_README: Final = """\
A report of the cluster {cluster}, as {node} saw it at {moment}.

configuration.crm  the configuration in the language of the shell
configuration.xml  the same as Pacemaker writes it
status.json        nodes, votes, history of operations, fail counts, what was dropped
history.json       who changed what and when, newest last
daemon.log         the newest lines of the log of {node}'s hashelld
versions.txt       of the programs, and of the machine on which this was made

Values whose names tell that they are secrets (passwd, password, secret, token, ...) are
replaced by {stars}, and wherever the same values stand elsewhere, they are replaced, too.
Names of nodes, addresses and paths are as they are: look through it before you send it.
{notes}"""


@command("report", examples=("report", "report /tmp/web.tar.gz", "report --lines 200"))
def report(session: Session, file: Path | None = None, *, lines: Integer = 1_000) -> Outcome:
    """Write an archive for whoever helps: configuration, state, history, log, versions; secrets are masked.

    Only you may read it (mode 0600). The log is that of the daemon that answers: make a report on every node whose
    log matters. An existing file is replaced only with --force.
    """
    if file == "-":
        raise Usage("report FILE: an archive is not printed")
    if lines < 0:
        raise Usage("--lines needs a number that is not negative")
    status, cib = session.status(), session.applied().cib
    entries = session.expect(GetHistory(HISTORY_MAX), HistoryIs).entries
    files = contents(status, cib, entries, _log_of(session, lines))
    path = FilePath(file or default_name(status))
    data = archive(files, status.wall_ms // 1000, is_packed=path.suffix in (".gz", ".tgz"))
    write_private(path, data, replaces=session.options.force)
    listed = "".join(f"\n  {name:<18} {len(text)} bytes" for name, text in files.items())
    return Said(
        text=f"Wrote {path}; look through it before you send it:{listed}",
        data={"file": str(path), "contents": {name: len(text) for name, text in files.items()}},
    )


def default_name(status: StatusIs) -> str:
    """The file's name: of the cluster, the node and the moment, in the present directory."""
    named = "-".join(part for part in (status.cluster, status.node) if part)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(status.wall_ms // 1000))
    return f"{FOLDER}-{re.sub(r'[^A-Za-z0-9_.-]', '_', named)}-{moment}.tar.gz"


def _log_of(session: Session, lines: int) -> tuple[str, ...] | str:
    """The daemon's newest lines, or why there are none."""
    try:
        answer = session.ask(GetLog(lines))
    except HashellError as error:
        return str(error)
    if isinstance(answer, LogIs):
        return answer.lines
    return getattr(answer, "text", "") or "the daemon does not tell its log"


def contents(
    status: StatusIs, cib: Cib, entries: tuple[HistoryEntry, ...], log: tuple[str, ...] | str
) -> dict[str, bytes]:
    """The files of the archive in their order, without secrets."""
    scrub = Scrubber(_secrets(status, cib, entries))
    is_told = not isinstance(log, str)
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(status.wall_ms // 1000))
    readme = _README.format(
        cluster=status.cluster or "without a name",
        node=status.node or "a file",
        moment=moment,
        stars=STARS,
        notes="" if is_told else f"\nThere is no daemon.log: {log}\n",
    )
    masked_cib = masked(cib)
    texts = {
        "README": readme,
        "configuration.crm": format_cib(masked_cib),
        "configuration.xml": _xml(masked_cib),
        "daemon.log": "".join(f"{line}\n" for line in log) if is_told else "",
        "history.json": _json([_masked_entry(entry) for entry in entries]),
        "status.json": _json(_masked_status(status)),
        "versions.txt": _versions(status),
    }
    return {name: scrub.text(text).encode(errors="replace") for name, text in texts.items() if text}


class Scrubber:
    """Takes secrets out of texts: known values wherever they stand, and values with names that tell."""

    __slots__ = ("_known",)

    def __init__(self, secrets: Iterable[str]) -> None:
        written = {form for secret in secrets for form in _forms(secret)}
        found = sorted((one for one in written if len(one) >= _SECRET_LENGTH_MIN), key=lambda one: (-len(one), one))
        self._known = re.compile("|".join(map(re.escape, found))) if found else None

    def text(self, text: str) -> str:
        """The text with stars for secrets."""
        if self._known is not None:
            text = self._known.sub(STARS, text)
        parts: list[str] = []
        end = 0
        for found in _NAMED.finditer(text):
            value = _VALUE.match(text, found.end()) if is_secret(found[0]) else None
            if value is not None and found.start() >= end:
                parts += [text[end : found.end()], f"={STARS}"]
                end = value.end()
        return "".join((*parts, text[end:]))


def _forms(secret: str) -> tuple[str, ...]:
    """A value as it stands in plain text and in JSON."""
    return (secret, msgspec.json.encode(secret).decode()[1:-1])


def _secrets(status: StatusIs, cib: Cib, entries: tuple[HistoryEntry, ...]) -> list[str]:
    """Every value that is or was a secret."""
    found = [value for one in cib.objects for value in secrets_of(one).values()]
    for entry in entries:
        found += [v for edit in entry.edits if isinstance(edit, Put) for v in secrets_of(edit.object).values()]
    for view in status.nodes:
        found += [value for name, value in view.status.attributes.items() if is_secret(name)]
    return found


def _masked_entry(entry: HistoryEntry) -> HistoryEntry:
    return replace(entry, edits=tuple(_masked_edit(edit) for edit in entry.edits))


def _masked_edit(edit: Edit) -> Edit:
    return replace(edit, object=masked_object(edit.object)) if isinstance(edit, Put) else edit


def _masked_status(status: StatusIs) -> StatusIs:
    return replace(status, nodes=tuple(map(_masked_view, status.nodes)))


def _masked_view(view: NodeView) -> NodeView:
    attributes = {name: STARS if is_secret(name) else value for name, value in view.status.attributes.items()}
    return replace(view, status=replace(view.status, attributes=attributes))


def _xml(cib: Cib) -> str:
    try:
        return write_xml(cib)
    except XmlImpossible as impossible:
        return f"<!-- {impossible} -->\n"


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _versions(status: StatusIs) -> str:
    system = os.uname()
    told = {
        "hashell": __version__,
        "hashelld": status.daemon_version or "(none answers)",
        "protocol": str(PROTOCOL),
        "python": platform.python_version(),
        "system": f"{system.sysname} {system.release} {system.machine}",
    }
    return "".join(f"{name} {version}\n" for name, version in told.items())


def archive(files: Mapping[str, bytes], moment: int, *, is_packed: bool) -> bytes:
    """A tar archive (POSIX ustar): the same files at the same moment always give the same bytes."""
    parts: list[bytes] = []
    for name, data in files.items():
        parts += [_header(f"{FOLDER}/{name}", len(data), moment), data, bytes(-len(data) % _BLOCK)]
    whole = b"".join((*parts, bytes(2 * _BLOCK)))
    if not is_packed:
        return whole
    packer = zlib.compressobj(level=9, wbits=31)  # As gzip does, without a name or a time.
    return packer.compress(whole) + packer.flush()


def _header(name: str, size: int, moment: int) -> bytes:
    fields = (
        name.encode().ljust(100, b"\0"),
        *(b"%07o\0" % number for number in (0o600, 0, 0)),
        *(b"%011o\0" % number for number in (size, moment)),
        b" " * 8,
        b"0".ljust(101, b"\0"),
        b"ustar\x0000",
        b"root".ljust(32, b"\0") * 2,
    )
    block = b"".join(fields).ljust(_BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def write_private(path: FilePath, data: bytes, *, replaces: bool) -> None:
    """Write a file that only its owner may read; `Refused` where it is there already, or cannot be written."""
    try:
        if replaces:
            path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Refused(f"{path} exists already: name another file, or replace it with --force.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as opened:
        os.fchmod(handle, 0o600)
        opened.write(data)
