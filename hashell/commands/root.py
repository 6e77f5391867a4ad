"""Commands of the top that are not levels: what happened, and which version this is."""

from __future__ import annotations

import time
from difflib import ndiff

from hashell.errors import HashellError, Refused, Usage
from hashell.grammar.kinds import Integer
from hashell.grammar.registry import command
from hashell.outcomes import Listing, Outcome, Said, Table
from hashell.session import Session
from hashelld import __version__
from hashelld.cib.edit import Delete, Edit, Put
from hashelld.cib.lang.format import format_object
from hashelld.wire.client import PROTOCOL, GetHistory, HistoryEntry, HistoryIs


HISTORY_MAX = 10_000
"""How far back an entry is looked for by its version."""


@command("history", examples=("history", "history --limit 10", "history web", "history diff 3.node1:17"))
def history(session: Session, *ids: str, limit: Integer = 30) -> Outcome:
    """Show who changed what and when, newest last; `history diff VERSION` shows one change in full.

    With ids, only changes of these objects.
    """
    if ids[:1] == ("diff",):
        if len(ids) != 2:
            raise Usage("history diff VERSION (the first column of history)")
        return _one_change(session, ids[1])
    if limit < 1:
        raise Usage("--limit needs a number of at least 1")
    wanted = HISTORY_MAX if ids else limit
    entries = session.expect(GetHistory(wanted), HistoryIs).entries
    chosen = [e for e in entries if not ids or {_id_of(edit) for edit in e.edits} & set(ids)][-limit:]
    rows = tuple((str(e.version), _moment(e.at_ms), *_who(e), e.text or _summary(e)) for e in chosen)
    return Table(columns=("version", "when", "who", "where", "what"), rows=rows, note="" if rows else "No entries.")


@command("version", examples=("version",))
def version(session: Session) -> Outcome:
    """Show the versions of the shell and, if one answers, of its daemon."""
    try:
        daemon = session.status().daemon_version
    except HashellError:
        daemon = ""
    told = f", hashelld {daemon}" if daemon else ""
    return Said(
        text=f"hashell {__version__}{told}, protocol {PROTOCOL}",
        data={"shell": __version__, "daemon": daemon, "protocol": PROTOCOL},
    )


def _one_change(session: Session, wanted: str) -> Outcome:
    entries = session.expect(GetHistory(HISTORY_MAX), HistoryIs).entries
    found = next((e for e in entries if wanted in (str(e.version), str(e.version.serial))), None)
    if found is None:
        raise Refused(f"The history has no version '{wanted}': see the first column of history.")
    who, where = _who(found)
    before: dict[str, str] = {}
    for entry in entries[: entries.index(found)]:
        before.update(
            (_id_of(edit), format_object(edit.object) if isinstance(edit, Put) else "") for edit in entry.edits
        )
    lines = [f"# {found.version}, {_moment(found.at_ms)}, {who} on {where}: {found.text or _summary(found)}"]
    for edit in found.edits:
        old = before.get(_id_of(edit), "").splitlines()
        new = _text_of(edit).splitlines()
        if not old and not new:
            lines.append(f"-{_id_of(edit)}")  # What it was is older than the history.
        lines += [line for line in ndiff(old, new, charjunk=None) if not line.startswith("? ")]
    return Listing(text="\n".join(lines) + "\n", language="diff")


def _text_of(edit: Edit) -> str:
    return format_object(edit.object) if isinstance(edit, Put) else ""


def _id_of(edit: Edit) -> str:
    return edit.object.id if isinstance(edit, Put) else edit.id


def _who(entry: HistoryEntry) -> tuple[str, str]:
    return (entry.author.user, entry.author.node or "") if entry.author is not None else ("", "")


def _summary(entry: HistoryEntry) -> str:
    """What a change did, in a few words."""
    if not entry.edits:
        return entry.kind
    put = [edit.object.id for edit in entry.edits if isinstance(edit, Put)]
    gone = [edit.id for edit in entry.edits if isinstance(edit, Delete)]
    parts = ([f"set {' '.join(put)}"] if put else []) + ([f"deleted {' '.join(gone)}"] if gone else [])
    return "; ".join(parts)


def _moment(at_ms: int) -> str:
    """Local wall-clock time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000)) if at_ms else ""
