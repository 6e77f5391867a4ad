"""A line for everything that happens in the cluster, until Ctrl-C: at a terminal, or into a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

import msgspec

from hashell.errors import HashellError
from hashell.grammar.run import run_line
from hashell.outcomes import StatusReport
from hashell.session import Session
from hashell.views.happenings import Happening, happened, line_of, logged
from hashell.views.render import theme_of
from hashelld.model.ids import Version
from hashelld.wire.client import GetHistory, HistoryEntry, HistoryIs


EVENT_MS = 1_000
ENTRIES_MAX = 100
"""Log entries between two looks; of more, the oldest are left out."""


def follow(session: Session, stream: TextIO, *, as_json: bool = False) -> None:
    """Write what happens from now on; returns at Ctrl-C, raises `BrokenPipeError` when nobody reads any more."""
    write = _writer(stream, as_json=as_json)
    try:
        _follow(session, write)
    except KeyboardInterrupt:
        return


def _follow(session: Session, write: Callable[[Iterable[Happening]], None]) -> None:
    before, seen = _report(session), _newest(session)
    for event in session.client.events(EVENT_MS):
        if event is None:
            continue
        entries = [e for e in _entries(session) if seen is None or e.version > seen]
        seen = max((e.version for e in entries), default=seen)
        after = _report(session)
        write([*logged(entries), *happened(before, after)])
        before = after


def _writer(stream: TextIO, *, as_json: bool) -> Callable[[Iterable[Happening]], None]:
    theme = theme_of(stream, is_tty=stream.isatty())

    def line(event: Happening) -> str:
        return (msgspec.json.encode(event).decode() if as_json else line_of(event, theme)) + "\n"

    def write(events: Iterable[Happening]) -> None:
        stream.writelines(map(line, events))
        stream.flush()

    return write


def _report(session: Session) -> StatusReport:
    outcome = run_line(session, "status").outcome
    if not isinstance(outcome, StatusReport):
        raise HashellError("status says nothing")
    return outcome


def _entries(session: Session) -> tuple[HistoryEntry, ...]:
    return session.expect(GetHistory(ENTRIES_MAX), HistoryIs).entries


def _newest(session: Session) -> Version | None:
    return max((e.version for e in _entries(session)), default=None)
