"""A node in office: the DC's knowledge, its hands and its counter for changes, as one."""

from __future__ import annotations

import msgspec

from hashelld.cib.view import NodeView
from hashelld.core.arbiter import rank
from hashelld.core.claim import Confirmed
from hashelld.core.commits import Commits, Origin
from hashelld.core.controller import PICTURE_INTERVAL_MS, Controller
from hashelld.core.log import LEFT
from hashelld.core.lrm import Lrm
from hashelld.core.membership import Presence, PresenceChanged
from hashelld.core.office import Office
from hashelld.core.reform import Reform
from hashelld.core.standing import Standing
from hashelld.core.stonith import Stonith
from hashelld.model.history import NodeStatus
from hashelld.model.ids import NO_VERSION, Millis, NodeId, Version
from hashelld.wire.client import Answer
from hashelld.wire.log import ElectorateChange, Entry, Founding
from hashelld.wire.peer import Join, LeaveGranted, Picture


class Dc:
    """Made at every election, gone with the office."""

    def __init__(self, standing: Standing, lrm: Lrm, stonith: Stonith, now: Millis) -> None:
        self._standing = standing
        self._lrm = lrm
        self.office = Office(standing, now)
        self.commits = Commits(standing, self.office.leading)
        self.reform = Reform(standing, self.office)
        self.controller = Controller(standing, self.office, lrm, stonith)
        self.nodes: tuple[NodeView, ...] = ()
        self.summary = b""
        self._answers: list[tuple[Origin, Answer]] = []
        self._told: tuple[Version, Version] = (NO_VERSION, NO_VERSION)
        self._told_ms: Millis = now - PICTURE_INTERVAL_MS
        self._is_owed = False
        """The members were told something a moment ago, and are to be told what came since."""

    def begin(
        self,
        wall_ms: int,
        *,
        founding: Founding | None,
        alone: ElectorateChange | None,
        confirmed: tuple[Confirmed, ...],
    ) -> None:
        """Order the first entries of the office."""
        self.office.statuses[self._standing.node] = self._lrm.status()
        self.office.leading.begin(wall_ms, founding=founding, alone=alone)
        for one in confirmed:
            if one.by != LEFT:
                self.office.confirm(one.peer, one.incarnation, one.by, wall_ms)

    # -- input

    def on_presence(self, change: PresenceChanged) -> None:
        """A peer's presence changed."""
        self.office.is_changed = True
        if change.is_new_incarnation:
            self.controller.on_new_incarnation(change.peer)
        elif change.before is Presence.LOST:
            self.controller.on_returned(change.peer)

    def on_join(self, peer: NodeId, message: Join) -> None:
        """A node joined this epoch."""
        if self.controller.takes_join(peer, message):
            self.office.on_join(peer, message)

    def on_status(self, peer: NodeId, status: NodeStatus) -> None:
        """A node's own status."""
        self.controller.on_status(peer, status)

    def on_leave_request(self, now: Millis, peer: NodeId) -> None:
        """A node wants to leave: its resources are moved away first. Who was not added yet runs nothing."""
        standing = self._standing
        if peer not in standing.members and peer not in standing.electorate.votes:
            standing.send(peer, LeaveGranted())
            return
        if not self.office.is_joined(peer) or peer in self.office.leaving:
            return
        if standing.is_arbiter(peer):
            self.office.let_arbiter_go(peer, now + standing.wall_offset_ms)
        else:
            self.office.leaves(peer)

    def on_acknowledged(self, entry: Entry) -> None:
        """An entry counts."""
        self._answers += self.commits.on_acknowledged(entry) + self.reform.on_acknowledged(entry)
        self.controller.on_acknowledged(entry)

    def end(self) -> list[tuple[Origin, Answer]]:
        """The office ends: what shells wait for has an unknown outcome."""
        return self.commits.end() + self.reform.end()

    # -- work

    def on_time(self, now: Millis, *, is_leaving: bool) -> tuple[Entry, ...]:
        """One round of work; returns the entries that are acknowledged now."""
        standing = self._standing
        wall_ms = now + standing.wall_offset_ms
        self.office.leading.ask_disk()
        entries = self.office.leading.acknowledge()
        if entries:
            return entries
        self.office.returns.note(wall_ms)
        self.office.ask_joins(now, self.controller.newest_call)
        self.office.look_for_missing(now)
        self.office.confirm_without_fencing(now, wall_ms)
        self.office.keep_electorate(now, wall_ms)
        self.controller.on_time(now, is_leaving=is_leaving)
        self._replicate(now)
        return ()

    def is_busy(self, now: Millis) -> bool:
        """Is there something to do at once?"""
        return self.controller.is_planning_due(now)

    def take_answers(self) -> list[tuple[Origin, Answer]]:
        """Answers that acknowledged entries allow."""
        answers, self._answers = self._answers, []
        return answers

    def deadline(self, now: Millis) -> Millis | None:
        """When there is work by time alone."""
        moments = [self.office.deadline(now), self.controller.deadline(now)]
        if self._is_owed:
            moments.append(self._told_ms + PICTURE_INTERVAL_MS)
        return min((m for m in moments if m is not None), default=None)

    def successor(self) -> NodeId | None:
        """The voter to which a leaving DC gives its office: in contact, with the whole log. None: nobody."""
        standing = self._standing
        for peer in sorted(standing.membership.heard, key=lambda peer: rank(standing, peer)):
            is_voter = peer in standing.electorate.votes and not standing.is_forgetful(peer)
            if is_voter and self.office.leading.matched(peer) == standing.log.version.serial:
                return peer
        return None

    def _replicate(self, now: Millis) -> None:
        standing = self._standing
        news = (standing.log.version, standing.log.acknowledged)
        is_news = news != self._told
        self._told = news
        for peer in self.office.configured:
            if peer == standing.node or not standing.membership.is_heard(peer):
                continue
            if is_news or self.office.leading.is_due(now, peer):
                self.office.leading.send(now, peer)

    def tell(self, now: Millis) -> None:
        """Stream the picture of the cluster to the members, when it changed."""
        self._is_owed = now - self._told_ms < PICTURE_INTERVAL_MS
        if self._is_owed:
            return
        self._told_ms = now
        standing = self._standing
        wall_ms = now + standing.wall_offset_ms
        view = self.office.view(now, wall_ms, self._lrm.status(), is_leaving=standing.is_leaving)
        self.nodes = view.nodes
        self.summary = msgspec.msgpack.encode(self.controller.summary())
        picture = self.controller.picture(now, msgspec.msgpack.encode(view.nodes), self.summary)
        if picture is None:
            return
        for peer in self.office.configured:
            if self.office.is_joined(peer):
                standing.send(peer, Picture(*picture))
