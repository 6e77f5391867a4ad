"""The DC's counter for changes: checks a commit against its base, orders it, answers when a quorum has it."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.cib.document import Cib
from hashelld.cib.edit import EditRefused, apply, touched
from hashelld.cib.rights.writing import NotPermitted
from hashelld.cib.verify import verify
from hashelld.core.lifeline import watchdog_flaw
from hashelld.core.log import members_of
from hashelld.core.options import unsafe_reasons
from hashelld.core.replication import Leading
from hashelld.core.rights import judged, told_objections
from hashelld.core.standing import Standing
from hashelld.model.ids import NodeId, Version
from hashelld.wire.client import Answer, Committed, Conflict, MakeCommit, Refused
from hashelld.wire.log import Author, Commit, Entry


WAITING_MAX: Final = 1000


class Origin(msgspec.Struct, frozen=True):
    """Who waits for an answer: a shell of this node (`client`), or one of a peer."""

    ticket: int
    client: bytes | None = None
    peer: NodeId | None = None


class Commits:
    """Commits under way. `answer` values go back to their origin by the node."""

    def __init__(self, standing: Standing, leading: Leading) -> None:
        self._standing = standing
        self._leading = leading
        self._waiting: dict[int, list[Origin]] = {}
        self._ids: dict[str, int] = {}
        self._early: list[tuple[int, Author, MakeCommit, Origin]] = []
        """Commits that came before the barrier was acknowledged."""

    def on_commit(self, wall_ms: int, author: Author, request: MakeCommit, origin: Origin) -> Answer | None:
        """An answer at once (refused, conflict, done before), or None: it comes when a quorum has it."""
        standing = self._standing
        tail, applied = standing.log.tail, standing.log.applied
        if not self._leading.has_barrier or tail is None or applied is None:
            if len(self._early) >= WAITING_MAX:
                return Refused("busy", f"{WAITING_MAX} commits are waiting; nothing was changed, try again")
            self._early.append((wall_ms, author, request, origin))
            return None
        if request.id in applied.commits:
            return self._committed(applied.commits[request.id])
        if request.id in self._ids:
            self._waiting[self._ids[request.id]].append(origin)
            return None
        if len(self._waiting) >= WAITING_MAX:
            return Refused("busy", f"{WAITING_MAX} commits are waiting; nothing was changed, try again")
        try:
            meant = judged(tail.cib, author, request)
        except NotPermitted as refusal:
            return Refused("permission", "this change is not permitted to you", refusal.texts)
        except EditRefused as refusal:
            return Refused("invalid", str(refusal))
        refused = self._conflict(request) or self._objection(author, meant)
        if refused is not None:
            return refused
        signed = author.signature(request.command)
        change = Commit(id=request.id, author=signed, edits=meant.edits, base=request.base)
        version = self._leading.order(change, wall_ms)
        self._waiting[version.serial] = [origin]
        self._ids[request.id] = version.serial
        return None

    def on_acknowledged(self, entry: Entry) -> list[tuple[Origin, Answer]]:
        """The answers that an acknowledged entry allows."""
        if isinstance(entry.change, Commit):
            self._ids.pop(entry.change.id, None)
        answer = self._committed(entry.version)
        return self._admit_early() + [(origin, answer) for origin in self._waiting.pop(entry.version.serial, [])]

    def _admit_early(self) -> list[tuple[Origin, Answer]]:
        """The barrier is acknowledged: take what came while this DC was not ready."""
        early, self._early = (self._early, []) if self._leading.has_barrier else ([], self._early)
        answers = ((commit[3], self.on_commit(*commit)) for commit in early)
        return [(origin, answer) for origin, answer in answers if answer is not None]

    def end(self) -> list[tuple[Origin, Answer]]:
        """The office ends: what waits has an unknown outcome."""
        lost = Refused("lost", "the DC lost its office before a quorum had stored the commit; its outcome is unknown")
        answers: list[tuple[Origin, Answer]] = [(o, lost) for origins in self._waiting.values() for o in origins]
        unheard = Refused("no-dc", "the DC lost its office before it was ready; nothing was changed, try again")
        answers += [(commit[3], unheard) for commit in self._early]
        self._waiting.clear()
        self._ids.clear()
        self._early.clear()
        return answers

    def _committed(self, version: Version) -> Committed:
        standing = self._standing
        is_pair = standing.electorate.two_node
        is_unsafe = is_pair and bool(unsafe_reasons(standing.log.cib, two_node=True, settings=standing.settings))
        warning = "without fencing this change may be lost in a split (UNSAFE)" if is_unsafe else ""
        return Committed(version, warning)

    def _conflict(self, request: MakeCommit) -> Answer | None:
        standing = self._standing
        log = standing.log
        tail = log.tail
        assert tail is not None
        if request.base == log.version:
            return None
        ids = touched(request.edits)
        serial = request.base.serial
        is_known = serial >= log.base_serial and serial <= log.version.serial and log.point(serial)[0] == request.base
        entries = log.entries_after(serial) if is_known else log.entries_after(log.base_serial)
        for entry in reversed(entries):
            change = entry.change
            if isinstance(change, Commit):
                clash = ids & touched(change.edits)
                if clash:
                    return Conflict(log.version, tail.cib, tuple(sorted(clash)), change.author)
        if not is_known:
            return Refused("invalid", "the base version is too old to tell what changed since; refresh and try again")
        return None

    def _objection(self, author: Author, request: MakeCommit) -> Answer | None:
        tail = self._standing.log.tail
        assert tail is not None
        try:
            after = apply(tail.cib, request.edits)
        except EditRefused as refused:
            return Refused("invalid", str(refused))
        flaw = watchdog_flaw(tail.cib, after, self._standing.settings, is_forced=request.force)
        return flaw or self._misplaced(tail.cib, after) or _unsound(tail.cib, after, author, is_forced=request.force)

    def _misplaced(self, before: Cib, after: Cib) -> Refused | None:
        """A node is deleted after it left cleanly or is off (DESIGN.md 3.2, Electorate), the arbiter never added."""
        standing, tail = self._standing, self._standing.log.tail
        assert tail is not None
        deleted = {node.id for node in before.nodes}.difference(node.id for node in after.nodes)
        added = {node.id for node in after.nodes}.difference(node.id for node in before.nodes)
        if standing.electorate.network_arbiter in added:
            name = standing.electorate.network_arbiter
            return Refused(
                "invalid", f"{name} is the arbiter: it votes and runs nothing, so it is no node to configure"
            )
        for node in sorted(deleted):
            is_member = node in members_of(tail)
            if node == standing.node or (is_member and not standing.is_off(node)):
                is_here = node == standing.node or standing.membership.is_heard(node)
                why = "it takes part in the cluster" if is_here else "nobody knows that it is off"
                fence = f"first: node fence {node}, or, when it is off, node fence {node} --confirm"
                advice = f"first: cluster stop {node}" if is_here else fence
                return Refused("invalid", f"the node {node} cannot be deleted: {why}", (advice,))
        return None


def _unsound(before: Cib, after: Cib, author: Author, *, is_forced: bool) -> Refused | None:
    """What a commit makes wrong; what was wrong before is no reason to refuse anything else."""
    serious = [one for one in verify(after) if not one.is_warning]
    known = {(one.code, one.message) for one in verify(before)} if serious else set()
    new = [one for one in serious if (one.code, one.message) not in known]
    errors = [one for one in new if one.is_error]
    refusing = errors or ([] if is_forced else new)
    if not refusing:
        return None
    texts = told_objections(before, after, author, refusing)
    return Refused("invalid" if errors else "objection", texts[0], texts)
