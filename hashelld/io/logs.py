"""Notes as lines on stderr: logfmt for people and grep, or JSON; nothing that a terminal would obey."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from hashelld.core.effects import Level, Note
from hashelld.limits import LINE_BYTES_MAX, LINES_KEPT


MESSAGES: Final[dict[str, tuple[Level, str]]] = {
    "io.store-set-aside": (Level.ERROR, "the store was corrupt: it was set aside, this node is empty"),
    "io.no-realtime": (Level.WARNING, "the system allows no real-time priority: under load beats may be late"),
    "io.no-memory-lock": (Level.WARNING, "the system allows no locked memory: swapping may delay beats"),
    "io.keys-read": (
        Level.INFO,
        "the key files were read again: accepted keys, and the active one's public part",
    ),
    "io.keys-unread": (Level.ERROR, "the key files cannot be used; the keys are what they were"),
    "io.dropped": (Level.WARNING, "datagrams or messages were dropped: forged, replayed or malformed"),
    "io.no-announce": (Level.WARNING, "the system allows no raw sockets: moved addresses are not announced by ARP"),
    "io.self-fence": (Level.ERROR, "this node is ended by its watchdog: the reason"),
    "io.exit": (Level.INFO, "the daemon ends"),
}
"""The notes of the edge itself; core.notes has the core's."""


class Form(Enum):
    """How a line is written."""

    LOGFMT = "logfmt"
    JSON = "json"


_ORDER: Final = (Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR)


class Log:
    """Writes notes of at least this level."""

    def __init__(
        self,
        wall_ms: Callable[[], int],
        *,
        form: Form = Form.LOGFMT,
        least: Level = Level.INFO,
        handle: int = 2,
    ) -> None:
        self._wall_ms = wall_ms
        self._form = form
        self._least = _ORDER.index(least)
        self._handle = handle
        self._lost = 0
        self._kept: deque[str] = deque(maxlen=LINES_KEPT)
        self._room = select.poll()
        self._room.register(handle, select.POLLOUT)

    def note(self, note: Note) -> None:
        """One line. A closed or full stderr stops no daemon: the next line that is written tells how many were lost."""
        if _ORDER.index(note.level) < self._least:
            return
        line = format_note(note, self._wall_ms(), self._form)[:LINE_BYTES_MAX]
        self._kept.append(line)
        if not self._room.poll(0):
            self._lost += 1
            return
        if self._lost:
            note = Note(note.event, {**note.fields, "lines_lost": self._lost}, note.level)
            line = format_note(note, self._wall_ms(), self._form)
        try:
            os.write(self._handle, line.encode(errors="replace")[:LINE_BYTES_MAX] + b"\n")
        except OSError:
            self._lost += 1
        else:
            self._lost = 0

    def recent(self, limit: int) -> tuple[str, ...]:
        """The newest lines, newest last, whether stderr took them or not."""
        return tuple(self._kept)[-limit:] if limit > 0 else ()


def format_note(note: Note, wall_ms: int, form: Form = Form.LOGFMT) -> str:
    """The line of a note, without its end."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall_ms // 1000)) + f".{wall_ms % 1000:03d}Z"
    head: dict[str, object] = {"time": moment, "level": note.level.value, "event": note.event}
    fields = {**head, **note.fields}
    if form is Form.JSON:
        return msgspec.json.encode({name: _plain(value) for name, value in fields.items()}).decode()
    return " ".join(f"{_key(name)}={_value(value)}" for name, value in fields.items())


def _plain(value: object) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool | None) else _text(value)


def _text(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(str(one) for one in value)
    return str(value)


def _key(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _text(value)
    escaped = "".join(_escaped(letter) for letter in text)
    needs_quotes = not text or escaped != text or any(letter in ' ="' for letter in text)
    return f'"{escaped}"' if needs_quotes else escaped


def _escaped(letter: str) -> str:
    """Control characters would be obeyed by a terminal: agents' output is in here."""
    if letter in '"\\':
        return f"\\{letter}"
    if letter == "\n":
        return "\\n"
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
