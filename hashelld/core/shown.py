"""What of the daemon's answers is shown to somebody whom access rights limit: one view for every way out."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hashelld.cib.diff import difference
from hashelld.cib.digest import digest
from hashelld.cib.document import Cib, Object, key_of
from hashelld.cib.edit import Edit, Put
from hashelld.cib.rights.reading import visible
from hashelld.cib.rights.rules import Rights
from hashelld.cib.rights.state import reads_cluster, visible_nodes
from hashelld.cib.view import NodeView
from hashelld.core.standing import Standing
from hashelld.model.resource import Bundle, Clone, Group
from hashelld.wire.client import Answer, CibIs, Conflict, HistoryEntry, HistoryIs, QuorumStatus, StatusIs


HISTORY_MAX = 100
"""So many entries are judged for one answer, the newest ones."""
_HIDDEN = QuorumStatus(has_quorum=False, votes=0, total=0, reason="hidden by access rights")


class Viewer:
    """One account's eyes. What was seen of the configuration and of the nodes is kept while these are the same."""

    __slots__ = ("_cib", "_nodes", "_seen_cib", "_seen_nodes", "_standing", "rights")

    def __init__(self, standing: Standing, rights: Rights) -> None:
        self.rights = rights
        self._standing = standing
        self._cib: Cib | None = None
        self._seen_cib = Cib()
        self._nodes: tuple[NodeView, ...] = ()
        self._seen_nodes: tuple[NodeView, ...] = ()

    def shown(self, answer: Answer) -> Answer:
        """What is left of an answer."""
        match answer:
            case CibIs(version=version, cib=cib):
                seen = self._visible(cib)
                return CibIs(version, digest(seen), seen)
            case Conflict():
                by = msgspec.structs.replace(answer.by, command="")
                return msgspec.structs.replace(answer, theirs=visible(answer.theirs, self.rights), by=by)
            case StatusIs():
                return self._status(answer)
            case HistoryIs(entries=entries):
                return HistoryIs(tuple(self._history(entries[-HISTORY_MAX:])))
            case _:
                return answer

    def _visible(self, cib: Cib) -> Cib:
        if cib is not self._cib:
            self._cib, self._seen_cib = cib, visible(cib, self.rights)
        return self._seen_cib

    def _status(self, status: StatusIs) -> StatusIs:
        """Who is there and who decides is seen with the status section, what is under way with all that is in it."""
        if status.nodes is not self._nodes:
            self._nodes, self._seen_nodes = status.nodes, visible_nodes(status.nodes, self.rights)
        if self._reads_status:
            return msgspec.structs.replace(status, nodes=self._seen_nodes)
        is_open = reads_cluster(self.rights)
        return StatusIs(
            cluster=status.cluster,
            node=status.node,
            dc=status.dc if is_open else None,
            epoch=status.epoch,
            phase=status.phase,
            version=status.version,
            quorum=status.quorum if is_open else _HIDDEN,
            links=status.links if is_open else (),
            nodes=self._seen_nodes,
            wall_ms=status.wall_ms,
            daemon_version=status.daemon_version,
        )

    def _history(self, entries: Iterable[HistoryEntry]) -> Iterable[HistoryEntry]:
        for entry in entries:
            if entry.edits:
                seen = self._commit(entry)
                if seen is not None:
                    yield seen
            elif self._reads_status if entry.author is not None else reads_cluster(self.rights):
                yield entry

    @property
    def _reads_status(self) -> bool:
        """May the status section be read without exception?"""
        return reads_cluster(self.rights) and not self.rights.has_denials

    def _commit(self, entry: HistoryEntry) -> HistoryEntry | None:
        """A change as far as it is visible; its command line only where nothing of it is hidden."""
        log = self._standing.log
        before, after = log.cib_at(entry.version.serial - 1), log.cib_at(entry.version.serial)
        if before is None or after is None or entry.author is None:
            return None
        keys = _touched(entry.edits, before)
        old, new = _excerpt(before, keys), _excerpt(after, keys)
        seen_old, seen_new = visible(old, self.rights), visible(new, self.rights)
        edits = difference(seen_old, seen_new)
        if not edits:
            return None
        if (seen_old, seen_new) == (old, new):
            return msgspec.structs.replace(entry, edits=edits)
        author = msgspec.structs.replace(entry.author, command="")
        named = [edit.object.id if isinstance(edit, Put) else f"-{edit.id}" for edit in edits]
        return msgspec.structs.replace(entry, edits=edits, author=author, text="changed " + " ".join(named))


def _touched(edits: tuple[Edit, ...], before: Cib) -> frozenset[str]:
    keys = set()
    for edit in edits:
        found = edit.object if isinstance(edit, Put) else before.find(edit.id)
        if found is not None:
            keys.add(key_of(found))
    return frozenset(keys)


def _excerpt(cib: Cib, keys: frozenset[str]) -> Cib:
    """These objects, with what contains them and what they contain: an element's rights follow from no others."""
    known = {key_of(found): found for found in cib.objects}
    parents = {child: key for key, found in known.items() for child in _children(found)}
    wanted: set[str] = set()
    for key in keys & known.keys():
        wanted |= _below(known, key, wanted)
        above = parents.get(key)
        while above is not None and above not in wanted:
            wanted.add(above)
            above = parents.get(above)
    return Cib(tuple(_trimmed(found, wanted) for key, found in known.items() if key in wanted))


def _trimmed(found: Object, wanted: set[str]) -> Object:
    """A group that only contains what was touched, with the members that are wanted."""
    if not isinstance(found, Group) or all(member in wanted for member in found.members):
        return found
    return msgspec.structs.replace(found, members=tuple(member for member in found.members if member in wanted))


def _below(known: dict[str, Object], key: str, seen: set[str]) -> set[str]:
    """An object and all that it contains."""
    below: set[str] = set()
    waiting = [key]
    while waiting:
        one = waiting.pop()
        if one in known and one not in below and one not in seen:
            below.add(one)
            waiting += _children(known[one])
    return below


def _children(found: Object) -> tuple[str, ...]:
    match found:
        case Group(members=members):
            return members
        case Clone(child=child) | Bundle(child=child) if child is not None:
            return (child,)
        case _:
            return ()
