"""What happened between two looks at a cluster, and what its log tells: a line each. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from hashell.outcomes import StatusReport
from hashell.views.layout import one_line
from hashell.views.theme import Style, Theme
from hashelld.cib.edit import Delete, Put
from hashelld.wire.client import HistoryEntry


_RUNS: Final = frozenset({"Started", "Promoted", "Unpromoted"})


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `what` is quorum, dc, node, resource, failure, action, notice, or a log entry's kind (commit…)."""

    at_ms: int
    """Wall clock."""
    what: str
    about: str = ""
    """A node's or resource's name, a version, an action's label."""
    text: str
    is_bad: bool = False


def happened(before: StatusReport, after: StatusReport) -> list[Happening]:
    """Everything that is different, the cluster first, then nodes, then resources."""
    at_ms = after.status.wall_ms
    found = [*_cluster(before, after), *_nodes(before, after), *_resources(before, after), *_lists(before, after)]
    return [msgspec.structs.replace(one, at_ms=at_ms) for one in found]


def logged(entries: Iterable[HistoryEntry]) -> list[Happening]:
    """Log entries: who changed what."""
    return [
        Happening(at_ms=entry.at_ms, what=entry.kind, about=str(entry.version), text=_entry(entry)) for entry in entries
    ]


def line_of(event: Happening, theme: Theme) -> str:
    """`12:31:07  node      node2 is offline`."""
    moment = time.strftime("%H:%M:%S", time.localtime(event.at_ms / 1000)) if event.at_ms else "--:--:--"
    style = Style.BAD if event.is_bad else Style.PLAIN
    return f"{theme.paint(moment, Style.DIM)}  {event.what:<9} {theme.paint(one_line(event.text), style)}"


def _event(what: str, about: str, text: str, *, is_bad: bool = False) -> Happening:
    return Happening(at_ms=0, what=what, about=about, text=text, is_bad=is_bad)


def _cluster(before: StatusReport, after: StatusReport) -> Iterator[Happening]:
    old, new = before.status, after.status
    if old.quorum.has_quorum != new.quorum.has_quorum:
        verdict = "quorum" if new.quorum.has_quorum else "NO QUORUM"
        yield _event("quorum", "", f"{verdict}: {new.quorum.reason}", is_bad=not new.quorum.has_quorum)
    for text in _more(old.quorum.unsafe, new.quorum.unsafe):
        yield _event("quorum", "", f"UNSAFE: {text}", is_bad=True)
    if old.dc != new.dc:
        text = f"{new.dc} is the DC" if new.dc else "there is no DC"
        yield _event("dc", new.dc or "", text, is_bad=not new.dc)


def _nodes(before: StatusReport, after: StatusReport) -> Iterator[Happening]:
    old = {node.node: node.state for node in before.nodes}
    new = {node.node: node.state for node in after.nodes}
    for name, state in new.items():
        if old.get(name) != state:
            yield _event("node", name, f"{name} is {state}", is_bad=state in ("offline", "UNCLEAN"))
    for name in old:
        if name not in new:
            yield _event("node", name, f"{name} is no longer a node of the cluster")


def _resources(before: StatusReport, after: StatusReport) -> Iterator[Happening]:
    old, new = _places(before), _places(after)
    for name in {**old, **new}:
        was, now = old.get(name, {}), new.get(name, {})
        for node, role in was.items():
            if node not in now:
                yield _event("resource", name, f"{name} is no longer {role.lower()} on {node}")
        for node, role in now.items():
            if was.get(node) != role:
                yield _event("resource", name, f"{name} is {role.lower()} on {node}")
    known = {failure for one in before.instances for failure in one.failures}
    for one in after.instances:
        for failure in one.failures:
            if failure not in known:
                yield _event("failure", one.resource, f"{one.resource}: {failure}", is_bad=True)


def _places(report: StatusReport) -> dict[str, dict[str, str]]:
    """Resource -> node -> role, of what is active."""
    places: dict[str, dict[str, str]] = {}
    for one in report.instances:
        for node in one.nodes if one.role in _RUNS else ():
            places.setdefault(one.resource, {})[node] = one.role
    return places


def _lists(before: StatusReport, after: StatusReport) -> Iterator[Happening]:
    old, new = before.status, after.status
    for label in _more(old.in_flight, new.in_flight):
        yield _event("action", label, f"{label} is under way")
    for text in _more(old.fencing, new.fencing):
        yield _event("fencing", "", text, is_bad=True)
    for text in _more(old.blocked, new.blocked):
        yield _event("blocked", "", text, is_bad=True)
    for text in _more(old.notices, new.notices):
        yield _event("notice", "", text)


def _more(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    return [text for text in new if text not in old]


def _entry(entry: HistoryEntry) -> str:
    author = entry.author
    who = " on ".join(part for part in (author.user, author.node or "") if part) if author is not None else ""
    put = [edit.object.id for edit in entry.edits if isinstance(edit, Put)]
    gone = [edit.id for edit in entry.edits if isinstance(edit, Delete)]
    changes = [*(["set " + " ".join(put)] if put else []), *(["deleted " + " ".join(gone)] if gone else [])]
    what = entry.text or (author.command if author is not None else "") or "; ".join(changes) or entry.kind
    return f"{who}: {what}" if who else what
