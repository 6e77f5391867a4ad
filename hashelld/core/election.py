"""Elections: pre-votes, persistent votes, one DC per epoch (DESIGN.md 3.2, Voting and Electorate)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from hashelld.core.events import DiskFailed, DiskRead
from hashelld.core.quorum import waits_for_all
from hashelld.core.standing import Standing
from hashelld.model.ids import NO_VERSION, Millis, NodeId
from hashelld.wire.peer import PreVote, PreVoteAnswer, Vote, VoteAnswer


FIRST_DELAY_MS: Final = 40
RETRY_MIN_MS: Final = 50
RETRY_MAX_MS: Final = 150
BEHIND_DELAY_MS: Final = 60
"""A node that knows of a newer log waits so much longer: the other one is the better candidate."""


class Stage(Enum):
    """How far this node is towards office."""

    FOLLOWER = "follower"
    ASKING = "asking"  # Pre-votes are asked for.
    STANDING = "standing"  # It voted for itself and asks for votes.


class Election:
    """One node's part in elections. `is_elected` turns true once; the node then takes office and calls `rest`."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.stage = Stage.FOLLOWER
        self.is_elected = False
        self.is_alone = False
        """Stands by a claim: its own vote is enough, the confirmation stands for the peer's."""
        self._forced: frozenset[NodeId] | None = None
        """Stands by force: all of these have to vote, the others are vouched off."""
        self.seen_all = False
        """wait_for_all: everybody was seen since the start, or a DC was joined."""
        self._number = 0
        self._is_handover = False
        self._voters: set[NodeId] = set()
        self._retry_ms: Millis | None = None

    # -- standing

    def deadline(self) -> Millis | None:
        """When this node tries (again)."""
        return self._retry_ms

    def rest(self) -> None:
        """Stop standing: a DC is heard, or this node is DC."""
        self.stage, self.is_elected, self.is_alone, self._retry_ms = Stage.FOLLOWER, False, False, None
        self._is_handover = False
        self._forced = None

    @property
    def is_forced(self) -> bool:
        """Does it stand by force?"""
        return self._forced is not None

    def on_time(self, now: Millis) -> None:
        """No DC is heard: stand when it is time and this node may."""
        if not self.may_stand(now):
            if self.stage is not Stage.FOLLOWER:
                self.rest()
            self._retry_ms = None
            return
        if self._retry_ms is None:
            delay_ms = self._standing.draw(0, FIRST_DELAY_MS) + (BEHIND_DELAY_MS if self._is_behind() else 0)
            is_last = self._standing.is_arbiter(self._standing.node)  # Whoever can lead by then does.
            self._retry_ms = now + delay_ms + (self._standing.settings.deadtime_ms if is_last else 0)
        if now >= self._retry_ms:
            self._ask(now)

    def may_stand(self, now: Millis) -> bool:
        """Could this node win now, and is it allowed to try?"""
        standing = self._standing
        if standing.is_leaving or now - standing.started_ms < standing.settings.deadtime_ms:
            return False
        if standing.node not in standing.electorate.votes:
            return False
        if waits_for_all(standing.electorate) and not self.seen_all:
            return False
        present = frozenset({standing.node, *self._heard_voters(), *standing.disk.likely})
        is_fit = standing.is_founding_possible if standing.log.is_empty else standing.may_vote
        return is_fit and standing.has_quorum(present) and standing.is_qualified(present)

    def stand_by_handover(self, now: Millis) -> None:
        """The DC gave its office to this node: stand at once, without waiting for it to be missed."""
        standing = self._standing
        present = frozenset({standing.node, *self._heard_voters()})
        if standing.may_vote and not standing.is_leaving and standing.is_qualified(present):
            self._is_handover = True
            self._stand(now)

    def stand_alone(self, now: Millis) -> None:
        """The claim is confirmed: stand with one's own vote."""
        self._stand(now)
        self.is_alone = True

    def stand_forced(self, now: Millis, voters: frozenset[NodeId], step: int) -> None:
        """The operator vouches for everybody else: stand so far above every known number, with all of these votes."""
        self._stand(now, step)
        self._forced = voters

    def _ask(self, now: Millis) -> None:
        standing = self._standing
        self.stage = Stage.ASKING
        self._number = standing.highest + 1
        self._voters = {standing.node}
        self._retry_ms = now + standing.draw(RETRY_MIN_MS, RETRY_MAX_MS)
        for peer in self._heard_voters():
            standing.send(peer, PreVote(self._number, standing.log.version))
        self._stand_if_wanted(now)

    def _stand_if_wanted(self, now: Millis) -> None:
        if self._standing.has_quorum(self._standing.disk.likely | self._voters):
            self._stand(now)

    def _stand(self, now: Millis, step: int = 1) -> None:
        standing = self._standing
        self.stage = Stage.STANDING
        self.is_alone, self._forced = False, None
        self._number = standing.highest + step
        self._voters = set()
        self._retry_ms = now + standing.settings.deadtime_ms + standing.draw(0, RETRY_MAX_MS)
        standing.promise(self._number, standing.node)
        standing.note("election.standing", number=self._number, version=str(standing.log.version))
        for peer in self._heard_voters():
            standing.send(peer, Vote(self._number, standing.log.version, self._is_handover))

    def on_stored(self) -> None:
        """A write is done: if it was the promise, one's own vote counts."""
        standing = self._standing
        if self.stage is Stage.STANDING and standing.promised == self._number and standing.is_promise_stored:
            self._voters.add(standing.node)
            self._count()

    def on_disk(self, now: Millis, answer: DiskRead | DiskFailed) -> None:
        """The quorum disk was read: it may have given its vote."""
        self._standing.disk.on_answer(now, answer)
        if self.stage is Stage.STANDING and self._standing.promised == self._number:
            self._count()

    def _count(self) -> None:
        standing = self._standing
        if standing.node not in self._voters:
            return
        disk = standing.disk
        if self._forced is not None:
            self.is_elected = standing.in_sync = self._forced <= self._voters
        elif self.is_alone or standing.has_quorum(disk.granted(self._number) | self._voters):
            if not self.is_alone:
                standing.in_sync = True
            self.is_elected = True
        elif standing.has_quorum(disk.name | self._voters) and not standing.log.is_empty:
            disk.bid(self._number)

    def _heard_voters(self) -> list[NodeId]:
        standing = self._standing
        tail = standing.log.tail
        names = set(standing.electorate.votes)
        if tail is not None and not standing.log.is_settled:
            names |= set(tail.previous_electorate.votes)
        heard = standing.membership.heard
        return [peer for peer in sorted(names & heard) if standing.log.is_empty or not standing.is_forgetful(peer)]

    def _is_behind(self) -> bool:
        standing = self._standing
        contents = (standing.membership.content(peer) for peer in self._heard_voters())
        return any(c is not None and c.is_voter and c.stored > standing.log.version for c in contents)

    # -- answers to one's own candidacy

    def on_prevote_answer(self, now: Millis, peer: NodeId, answer: PreVoteAnswer) -> None:
        """With a quorum of pre-votes it stands."""
        standing = self._standing
        standing.highest = max(standing.highest, answer.promised)
        if self.stage is not Stage.ASKING or answer.number != self._number or not answer.granted:
            return
        if standing.log.is_empty or not standing.is_forgetful(peer):
            self._voters.add(peer)
        self._stand_if_wanted(now)

    def on_vote_answer(self, peer: NodeId, answer: VoteAnswer) -> None:
        """With a quorum of votes, its own on disk among them, it is DC."""
        standing = self._standing
        standing.highest = max(standing.highest, answer.promised)
        if self.stage is not Stage.STANDING or answer.number != self._number or not answer.granted:
            return
        if standing.promised == self._number and (standing.log.is_empty or not standing.is_forgetful(peer)):
            self._voters.add(peer)
            self._count()

    # -- others' candidacies

    def on_prevote(self, now: Millis, peer: NodeId, ballot: PreVote, *, is_dc: bool) -> None:
        """Would this node vote for it? Nothing is written."""
        granted = self._would_vote(now, peer, ballot, is_dc=is_dc)
        self._standing.send(peer, PreVoteAnswer(ballot.number, granted, self._standing.promised))

    def on_vote(self, now: Millis, peer: NodeId, ballot: Vote, *, is_dc: bool) -> None:
        """Vote, on disk before the answer leaves."""
        standing = self._standing
        granted = self._would_vote(now, peer, ballot, is_dc=is_dc)
        if granted:
            if self.stage is not Stage.FOLLOWER:
                self.rest()
            standing.promise(ballot.number, peer)
            standing.note("election.voted", number=ballot.number, candidate=peer)
            self._retry_ms = now + standing.settings.deadtime_ms
        standing.send(peer, VoteAnswer(ballot.number, granted, standing.promised))

    def _would_vote(self, now: Millis, peer: NodeId, ballot: PreVote | Vote, *, is_dc: bool) -> bool:
        standing = self._standing
        is_given = ballot.number == standing.promised and standing.voted == peer
        if is_dc or not (ballot.number > standing.promised or is_given):
            return False
        if peer not in standing.electorate.votes:
            return False  # Whether this node counts is for the candidate's electorate to say, which may be newer.
        is_founding = standing.is_founding_possible and ballot.version == NO_VERSION
        is_fit = standing.is_voter and ballot.version >= standing.log.version and not standing.is_forgetful(peer)
        if not (is_founding or is_fit):
            return False
        return ballot.is_handover or self._has_missed_dc(now)

    def _has_missed_dc(self, now: Millis) -> bool:
        """Has this node been up for deadtime, and not heard a quorate DC for as long?"""
        standing = self._standing
        deadtime_ms = standing.settings.deadtime_ms
        heard_ms = standing.membership.quorate_dc_ms
        is_missed = heard_ms is None or now - heard_ms >= deadtime_ms
        return now - standing.started_ms >= deadtime_ms and is_missed
