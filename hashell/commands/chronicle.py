"""What the daemon's log and the nodes' newest results tell, put together: events, changes, configurations. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from hashell.errors import Refused, Usage
from hashell.grammar.secrecy import without_secrets
from hashell.session import Window
from hashelld.cib.document import Cib, Object, candidate_keys, key_of
from hashelld.cib.edit import Delete, Edit, Put
from hashelld.model.duration import parse_duration
from hashelld.model.history import ActionResult, OpStatus
from hashelld.model.ids import NodeId
from hashelld.wire.client import RESOURCE_LEVEL, Fenced, HistoryEntry, StatusIs


FOUNDING: Final = "founding"
_NODE: Final = "node:"
"""Begins the keys of nodes."""
_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_OF_TODAY: Final = ("%H:%M:%S", "%H:%M")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: an entry of the log, or an operation that ended."""

    at_ms: int
    what: str
    """An entry's kind (commit, departure, …), operation, or failure."""
    about: str
    """The entry's version; the node of an operation."""
    text: str
    names: frozenset[str] = frozenset()
    """Resources, nodes and other objects that it concerns."""


def is_shown(event: Event, window: Window) -> bool:
    """Is an event in the window, and not hidden?"""
    is_inside = window.since_ms <= event.at_ms and not 0 < window.until_ms < event.at_ms
    return is_inside and not any(re.search(pattern, f"{event.what} {event.text}") for pattern in window.hidden)


def events(entries: Iterable[HistoryEntry], status: StatusIs) -> list[Event]:
    """Everything that is known, oldest first."""
    results = ((view.node, result) for view in status.nodes for result in view.status.operations)
    nodes = frozenset(view.node for view in status.nodes)
    found = [*(logged(entry, nodes) for entry in entries), *(_done(node, result) for node, result in results)]
    found += [_fenced(fenced) for fenced in status.fenced]
    return sorted(found, key=lambda event: event.at_ms)


def logged(entry: HistoryEntry, nodes: frozenset[NodeId] = frozenset()) -> Event:
    """An entry of the log; of one without edits, the nodes that it names are concerned."""
    user, node = author_of(entry)
    who = " on ".join(part for part in (user, node) if part)
    text = told(entry)
    named = frozenset() if entry.edits else nodes & set(text.split())
    return Event(
        at_ms=entry.at_ms,
        what=entry.kind,
        about=str(entry.version),
        text=f"{who}: {text}" if who else text,
        names=ids_of(entry) | named,
    )


def author_of(entry: HistoryEntry) -> tuple[str, str]:
    """Who, and on which node; empty for what nobody in particular did."""
    return (entry.author.user, entry.author.node or "") if entry.author is not None else ("", "")


def told(entry: HistoryEntry) -> str:
    """What an entry says, in a few words and without secrets."""
    if entry.text:
        return without_secrets(entry.text)
    if not entry.edits:
        return entry.kind
    put = [edit.object.id for edit in entry.edits if isinstance(edit, Put)]
    gone = [edit.id for edit in entry.edits if isinstance(edit, Delete)]
    parts = ([f"set {' '.join(put)}"] if put else []) + ([f"deleted {' '.join(gone)}"] if gone else [])
    return "; ".join(parts)


def ids_of(entry: HistoryEntry) -> frozenset[str]:
    """The objects that an entry changed."""
    return frozenset(_id(edit) for edit in entry.edits)


def find(entries: tuple[HistoryEntry, ...], wanted: str) -> int:
    """Where the entry of a version stands (`3.node1:17`, or its serial alone); -1 is the newest, -2 the one before."""
    if re.fullmatch(r"-\d+", wanted) and int(wanted) >= -len(entries) and entries:
        return len(entries) + int(wanted)
    for at, entry in enumerate(entries):
        if wanted in (str(entry.version), str(entry.version.serial)):
            return at
    raise Refused(f"The history has no version '{wanted}': see the first column of history log.")


def at_version(entries: tuple[HistoryEntry, ...], at: int, now: Cib) -> tuple[Cib, tuple[str, ...]]:
    """The configuration after an entry, and the ids of what cannot be told: it was made before the log begins.

    Objects stand in the order of the configuration of now; those that are gone come last.
    """
    keys = {key_of(o) for o in now.objects}
    keys |= {key_of(edit.object) for entry in entries for edit in entry.edits if isinstance(edit, Put)}
    known = {key: state for entry in entries[: at + 1] for key, state in _states(entry.edits, keys)}
    later = {key for entry in entries[at + 1 :] for key, _state in _states(entry.edits, keys)}
    began_empty = bool(entries) and entries[0].kind == FOUNDING
    objects: list[Object] = []
    for found in now.objects:
        key = key_of(found)
        state = known.pop(key, None if key in later else found)
        objects += [] if state is None else [state]
    objects += [state for state in known.values() if state is not None]
    told_of = {key for entry in entries[: at + 1] for key, _state in _states(entry.edits, keys)}
    # A founding brings nodes with it, and nothing else.
    untold = (key for key in later - told_of if key.startswith(_NODE) or not began_empty)
    return Cib(tuple(objects)), tuple(sorted(key.removeprefix(_NODE) for key in untold))


def operations_between(status: StatusIs, since_ms: int, until_ms: int) -> list[tuple[NodeId, ActionResult]]:
    """Operations that were begun in a time, but for recurring ones; oldest first. `until_ms` 0: until now."""
    found = [
        (view.node, result)
        for view in status.nodes
        for result in view.status.operations
        if not result.interval_ms and since_ms <= result.started_ms and not 0 < until_ms <= result.started_ms
    ]
    return sorted(found, key=lambda pair: pair[1].started_ms)


def answer_of(result: ActionResult) -> str:
    """How an operation ended: `done`, `rc 7 FAILED: not running`."""
    if result.status is OpStatus.PENDING:
        return "under way"
    if not result.is_failed:
        return "done" if result.rc == 0 else f"rc {result.rc}"
    code = f"rc {result.rc}" if result.status is OpStatus.COMPLETE else result.status.value
    return f"{code} FAILED{': ' + result.reason if result.reason else ''}"


def moment_of(text: str, now_ms: int) -> int:
    """A moment as people write it: a time ago (`2h`), a time of today (`12:30`), or a date with or without a time."""
    ago_ms = parse_duration(text)
    if ago_ms is not None:
        return now_ms - ago_ms
    today = time.localtime(now_ms / 1000)
    for form in _FORMS:
        try:
            return int(time.mktime(time.strptime(text, form)) * 1000)
        except (ValueError, OverflowError):
            continue
    for form in _OF_TODAY:
        try:
            parsed = time.strptime(text, form)
        except ValueError:
            continue
        clock = (parsed.tm_hour, parsed.tm_min, parsed.tm_sec)
        return int(time.mktime((today.tm_year, today.tm_mon, today.tm_mday, *clock, 0, 0, -1)) * 1000)
    raise Usage(f"'{text}' is no time: say 2h (ago), 12:30, 2026-07-01, or '2026-07-01 12:30'")


def written(at_ms: int) -> str:
    """Local wall-clock time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000)) if at_ms else ""


def _done(node: NodeId, result: ActionResult) -> Event:
    every = f" every {result.interval_ms} ms" if result.interval_ms else ""
    return Event(
        at_ms=result.ended_ms or result.started_ms,
        what="failure" if result.is_failed else "operation",
        about=node,
        text=f"{result.operation} of {result.resource} on {node}{every}: {answer_of(result)}",
        names=frozenset((result.resource, result.resource.partition(":")[0], node)),
    )


def _states(edits: tuple[Edit, ...], keys: set[str]) -> Iterator[tuple[str, Object | None]]:
    """What edits make of objects, by their keys; None: deleted."""
    for edit in edits:
        if isinstance(edit, Put):
            yield key_of(edit.object), edit.object
        else:
            yield next((key for key in candidate_keys(edit.id) if key in keys), edit.id), None


_FENCINGS: Final = {(RESOURCE_LEVEL, "off"): "cut", (RESOURCE_LEVEL, "on"): "access"}


def _fenced(fenced: Fenced) -> Event:
    outcome = "done" if fenced.ok else f"FAILED: {fenced.reason}"
    verb = _FENCINGS.get((fenced.level, fenced.operation), fenced.operation)
    often = f", {fenced.times} times" if fenced.times > 1 else ""
    return Event(
        at_ms=fenced.ended_ms,
        what="fencing" if fenced.ok else "failure",
        about=fenced.target,
        text=f"{verb} of {fenced.target} by {fenced.device}, called on {fenced.by}: {outcome}{often}",
        names=frozenset((fenced.target, fenced.by, *fenced.device.split())),
    )


def _id(edit: Edit) -> str:
    return edit.object.id if isinstance(edit, Put) else edit.id
