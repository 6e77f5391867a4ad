"""The commands of the level `history`: who did what, what came of it, and what the configuration was then."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Annotated

from msgspec.structs import replace

from hashell.commands.changes import members_of, settle
from hashell.commands.chronicle import (
    Event,
    answer_of,
    at_version,
    author_of,
    events,
    find,
    ids_of,
    is_shown,
    logged,
    moment_of,
    operations_between,
    told,
    written,
)
from hashell.commands.lifetimes import now_of
from hashell.commands.selection import Selector
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import Integer, Kind, ShowSecrets, object_candidates
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.grammar.secrecy import masked
from hashell.outcomes import Candidate, Listing, Outcome, Said, Table
from hashell.session import Session, Window
from hashelld.cib.diff import unified
from hashelld.cib.document import Cib
from hashelld.cib.lang.format import format_cib
from hashelld.wire.client import GetHistory, HistoryEntry, HistoryIs


LEVEL = "history"
ENTRIES_MAX = 10_000
"""How far back is looked; the daemon keeps fewer."""
CLEAR = "clear"


def _resources(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return object_candidates(scope, before)


def _nodes(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return [Candidate(name, "node") for name in scope.node_names() if name not in before]


# What is not there any more has a history, too: no name is refused.
PastResource = Annotated[str, Kind(name="resource", help="a resource's id, or a regular expression", offer=_resources)]
PastNode = Annotated[str, Kind(name="node", help="a node's name, or a regular expression", offer=_nodes)]
VersionRef = Annotated[
    str, Kind(name="version", help="a version or its number, as history log prints it; -1 is the newest")
]
Moment = Annotated[str, Kind(name="time", help="2h (ago), 12:30, 2026-07-01, or '2026-07-01 12:30'")]


@command(
    LEVEL,
    "log",
    aliases=("list",),
    examples=("history log", "history log --limit 10", "history log web", "history log --since 2h"),
)
def history_log(session: Session, *ids: PastResource, limit: Integer = 30, since: Moment | None = None) -> Outcome:
    """Show who changed what and when, newest last; with ids, only changes of these objects."""
    if limit < 1:
        raise Usage("--limit needs a number of at least 1")
    window = _window(session, since)
    wanted = frozenset(ids)
    shown = [e for e in _entries(session) if is_shown(logged(e), window) and (not wanted or ids_of(e) & wanted)]
    rows = tuple((str(e.version), written(e.at_ms), *author_of(e), told(e)) for e in shown[-limit:])
    return Table(columns=("version", "when", "who", "where", "what"), rows=rows, note="" if rows else "No entries.")


@command(LEVEL, "events", examples=("history events", "history events --since 10min"))
def history_events(session: Session, *, limit: Integer = 50, since: Moment | None = None) -> Outcome:
    """Show what happened, newest last: commits, who left or was fenced, and the newest result of every operation."""
    return _told(session, lambda _event: True, limit, since)


@command(LEVEL, "resource", examples=("history resource web", "history resource web.*"))
def history_resource(
    session: Session, resource: PastResource, *more: PastResource, limit: Integer = 50, since: Moment | None = None
) -> Outcome:
    """Show what happened to resources and to what is inside them: changes, operations, failures."""
    cib = session.applied().cib
    names = {name for given in (resource, *more) for name in (given, *members_of(cib, given))}
    return _told(session, _concerning(names), limit, since)


@command(LEVEL, "node", examples=("history node node1",))
def history_node(
    session: Session, node: PastNode, *more: PastNode, limit: Integer = 50, since: Moment | None = None
) -> Outcome:
    """Show what happened to nodes and on them: changes, operations, leaving, fencing."""
    return _told(session, _concerning({node, *more}), limit, since)


@command(
    LEVEL, "show", examples=("history show 3.node1:17", "history show 17 web", "history show -2", "history show 17 xml")
)
def history_show(
    session: Session, version: VersionRef, *selection: Selector, show_secrets: ShowSecrets = False
) -> Outcome:
    """Print the configuration, or some objects of it, as it was after a change; -2 is the one before the newest."""
    entries = _entries(session)
    cib, unknown = at_version(entries, find(entries, version), session.live.cib)
    wanted = frozenset(word for word in selection if word != "xml")
    missing = sorted(wanted - {o.id for o in cib.objects})
    if missing:
        raise Refused(f"There was no {', '.join(missing)} then, or it is older than the log.")
    chosen = Cib(tuple(o for o in cib.objects if not wanted or o.id in wanted))
    seen = chosen if show_secrets else masked(chosen)
    if "xml" in selection:
        return Listing(text=import_module("hashell.commands.transfer").as_xml(seen), language="xml")
    remark = f"# older than the log, and changed since: {' '.join(unknown)}\n" if unknown else ""
    return Listing(text=remark + format_cib(seen), language="crm")


@command(
    LEVEL, "diff", aliases=("wdiff",), examples=("history diff 3.node1:17", "history diff 12 17", "history diff -2 -1")
)
def history_diff(
    session: Session, version: VersionRef, other: VersionRef | None = None, *, show_secrets: ShowSecrets = False
) -> Outcome:
    """Show one change in full, or all that was changed between two versions."""
    entries, now = _entries(session), session.live.cib
    at = find(entries, version)
    first, last = (at - 1, at) if other is None else (at, find(entries, other))
    (old, unknown), (new, _later) = at_version(entries, first, now), at_version(entries, last, now)
    if not show_secrets:
        old, new = masked(old), masked(new, old)
    names = str(entries[first].version) if first >= 0 else "before the log", str(entries[last].version)
    lines = []
    if other is None:
        lines.append(f"# {_headline(entries[last])}")
        # What it was is older than the log.
        lines += [f"-{name}" for name in sorted(ids_of(entries[last]) & set(unknown)) if new.find(name) is None]
    text = "".join(f"{line}\n" for line in lines) + unified(old, new, *names)
    return Listing(text=text, language="diff") if text else Said(text="No difference.")


@command(LEVEL, "transitions", aliases=("peinputs",), examples=("history transitions",))
def history_transitions(session: Session, *, limit: Integer = 20, since: Moment | None = None) -> Outcome:
    """List what set the cluster in motion, and how many operations followed; `history transition` shows which.

    Of each operation of a resource on a node, the newest result is known: older ones are not counted.
    """
    window = _window(session, since)
    entries = [e for e in _entries(session) if is_shown(logged(e), window)]
    rows = []
    for at, entry in enumerate(entries):
        until_ms = entries[at + 1].at_ms if at + 1 < len(entries) else 0
        found = operations_between(session.status(), entry.at_ms, until_ms)
        failed = sum(result.is_failed for _node, result in found)
        outcome = "" if not found else f"{failed} failed" if failed else "all done"
        rows.append((str(entry.version), written(entry.at_ms), str(len(found)), outcome, told(entry)))
    note = "" if rows else "No entries."
    return Table(columns=("version", "when", "operations", "outcome", "cause"), rows=tuple(rows[-limit:]), note=note)


@command(LEVEL, "transition", examples=("history transition", "history transition 3.node1:17"))
def history_transition(session: Session, version: VersionRef | None = None) -> Outcome:
    """Show the operations that followed a change (by default the newest that any followed), with their outcome."""
    entries, status = _entries(session), session.status()
    at = _newest_with_operations(session, entries) if version is None else find(entries, version)
    if at < 0:
        return Said(text="No operation is known.", data={"operations": []})
    until_ms = entries[at + 1].at_ms if at + 1 < len(entries) else 0
    rows = tuple(
        (written(result.started_ms), node, result.operation, result.resource, answer_of(result))
        for node, result in operations_between(status, entries[at].at_ms, until_ms)
    )
    return Table(
        title=_headline(entries[at]),
        columns=("when", "node", "operation", "resource", "outcome"),
        rows=rows,
        note="" if rows else "No operation followed, or newer ones have taken their place.",
    )


@command(LEVEL, "latest", examples=("history latest",))
def history_latest(session: Session) -> Outcome:
    """Wait until the cluster has nothing to do, and show what it did last."""
    settle(session)
    return history_transition(session)


@command(LEVEL, "info", aliases=("source", "refresh"), examples=("history info",))
def history_info(session: Session) -> Outcome:
    """Show what the history is made of: from where, since when, and what is left out of it.

    It is read anew by every command.
    """
    entries, status, window = _entries(session), session.status(), session.window
    operations = sum(len(view.status.operations) for view in status.nodes)
    rows = [
        ("source", f"the log of hashelld on {status.node}" if status.node else session.client.name),
        ("entries", str(len(entries))),
        ("first", written(entries[0].at_ms) if entries else ""),
        ("last", written(entries[-1].at_ms) if entries else ""),
        ("operations known", str(operations)),
        ("nodes", " ".join(session.node_names())),
        ("resources", " ".join(r.id for r in session.live.cib.resources)),
        ("shown since", written(window.since_ms)),
        ("shown until", written(window.until_ms)),
        ("hidden", " ".join(window.hidden)),
    ]
    return Table(columns=("what", "is"), rows=tuple((name, value) for name, value in rows if value))


@command(
    LEVEL, "limit", aliases=("timeframe",), examples=("history limit 2h", "history limit 12:00 13:30", "history limit")
)
def history_limit(session: Session, since: Moment | None = None, until: Moment | None = None) -> Outcome:
    """Show only what happened since a time, or between two, until this shell ends; without times, everything again."""
    now_ms = now_of(session)
    since_ms = 0 if since is None else moment_of(since, now_ms)
    until_ms = 0 if until is None else moment_of(until, now_ms)
    if until_ms and until_ms < since_ms:
        raise Usage(f"{until} is before {since}")
    session.window = replace(session.window, since_ms=since_ms, until_ms=until_ms)
    bounds = [f"since {written(since_ms)}"] if since_ms else []
    bounds += [f"until {written(until_ms)}"] if until_ms else []
    text = f"Shown is what happened {' '.join(bounds) or 'at any time'}."
    return Said(text=text, data={"since_ms": since_ms, "until_ms": until_ms})


@command(LEVEL, "exclude", examples=("history exclude monitor", "history exclude", "history exclude clear"))
def history_exclude(session: Session, pattern: str | None = None) -> Outcome:
    """Hide what a regular expression finds, until this shell ends; `clear` shows all again, no word what is hidden."""
    hidden = session.window.hidden
    if pattern == CLEAR:
        hidden = ()
    elif pattern is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise Usage(f"'{pattern}' is no regular expression: {error}") from None
        hidden = (*hidden, pattern)
    session.window = replace(session.window, hidden=hidden)
    return Said(text=f"Hidden: {' '.join(hidden) or 'nothing'}.", data={"hidden": list(hidden)})


def _entries(session: Session) -> tuple[HistoryEntry, ...]:
    return session.expect(GetHistory(ENTRIES_MAX), HistoryIs).entries


def _window(session: Session, since: str | None) -> Window:
    window = session.window
    return window if since is None else replace(window, since_ms=moment_of(since, now_of(session)))


def _told(session: Session, is_meant: Callable[[Event], bool], limit: int, since: str | None) -> Outcome:
    if limit < 1:
        raise Usage("--limit needs a number of at least 1")
    window = _window(session, since)
    found = [e for e in events(_entries(session), session.status()) if is_meant(e) and is_shown(e, window)]
    rows = tuple((written(e.at_ms), e.what, e.about, e.text) for e in found[-limit:])
    return Table(columns=("when", "what", "about", "event"), rows=rows, note="" if rows else "Nothing is known.")


def _concerning(names: set[str]) -> Callable[[Event], bool]:
    """Events of these names; one that is not a name may be a regular expression."""
    try:
        patterns = [re.compile(name) for name in names]
    except re.error as error:
        raise Usage(f"'{' '.join(sorted(names))}': {error}") from None
    return lambda event: any(pattern.fullmatch(name) for pattern in patterns for name in event.names)


def _headline(entry: HistoryEntry) -> str:
    """`3.node1:17, 2026-07-01 12:00:00, root on node1: configure load update web.crm`."""
    who = " on ".join(part for part in author_of(entry) if part)
    return f"{entry.version}, {written(entry.at_ms)}{f', {who}' if who else ''}: {told(entry)}"


def _newest_with_operations(session: Session, entries: tuple[HistoryEntry, ...]) -> int:
    """Where the newest entry stands that an operation followed; -1: none."""
    found = operations_between(session.status(), 0, 0)
    newest_ms = found[-1][1].started_ms if found else -1
    return max((at for at, entry in enumerate(entries) if entry.at_ms <= newest_ms), default=-1)
