"""Going on by the operator's word: those who are not heard are vouched off, those present vote alone from here on.

For a cluster whose quorum is gone for good. What the others had acknowledged and nobody present has is lost; history
keeps the event and the newest version that was known of each (DESIGN.md 3.2, Modes: force-start).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from hashelld.core.claim import Confirmed
from hashelld.core.commits import Origin
from hashelld.core.election import Stage
from hashelld.core.log import members_of
from hashelld.core.standing import Standing
from hashelld.model.ids import NO_VERSION, Millis, NodeId, Version
from hashelld.wire.client import Answer, Done, ForceStart, Refused
from hashelld.wire.log import Author, ElectorateChange


if TYPE_CHECKING:
    from hashelld.core.node import Node

NUMBER_STEP: Final = 1_000
"""The forced epoch is so far above all known ones that no DC of those who were left behind stands with its number."""


class _Wish:
    """A force-start under way."""

    __slots__ = ("author", "end_ms", "has_stood", "origin", "voters")

    def __init__(self, author: Author, origin: Origin, voters: frozenset[NodeId], end_ms: Millis) -> None:
        self.author = author
        self.origin = origin
        self.voters = voters
        self.end_ms = end_ms
        self.has_stood = False


class Forced(msgspec.Struct, frozen=True):
    """What the office begins with."""

    change: ElectorateChange
    confirmed: tuple[Confirmed, ...]
    origin: Origin
    told: str
    """What the user is told once the change is acknowledged."""


def first_entries(
    standing: Standing, forced: Forced | None, alone: Confirmed | None
) -> tuple[ElectorateChange | None, tuple[Confirmed, ...]]:
    """The electorate that an office by force, or by a claim, begins with, and who is off then."""
    if forced is not None:
        return forced.change, forced.confirmed
    if alone is None:
        return None, ()
    votes = {standing.node: standing.electorate.votes[standing.node]}
    electorate = msgspec.structs.replace(standing.electorate, votes=votes)
    return ElectorateChange(electorate, f"{alone.peer} is off ({alone.by})"), (alone,)


class Force:
    """One node's force-start: asked for by a shell, over when this node is in office, or when it takes too long."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._wish: _Wish | None = None

    def on_request(self, now: Millis, author: Author, request: ForceStart, origin: Origin) -> Answer | None:
        """Why not, what may be lost, or None: the answer comes when this node is in office."""
        voters = self._present()
        refused = self._refusal(voters)
        if refused is not None:
            return refused
        if request.is_question:
            return Done(self._question(voters))
        standing = self._node.standing
        self._wish = _Wish(author, origin, voters, now + standing.settings.initdead_ms)
        standing.note("force.begun", user=author.user, uid=author.uid, voters=" ".join(sorted(voters)))
        return None

    def go_on(self, now: Millis) -> bool:
        """Stand with the votes of those present, again when it was in vain. False: nothing is forced."""
        wish, node = self._wish, self._node
        if wish is None:
            return False
        if now >= wish.end_ms or not wish.voters <= self._present():
            node.election.rest()
            text = f"not all of {' '.join(sorted(wish.voters))} gave their votes: one of them has more, or went away"
            self._end(Refused("no-quorum", text, ("try again, or on another node",)))
            return False
        retry_ms = node.election.deadline()
        if node.election.stage is not Stage.STANDING or retry_ms is None or now >= retry_ms:
            node.election.stand_forced(now, wish.voters, step=1 if wish.has_stood else NUMBER_STEP)
            wish.has_stood = True
        return True

    def rest(self, why: str) -> None:
        """A DC with a quorum is heard, or this node stood still: the word was given for another moment."""
        if self._wish is not None:
            self._end(Refused("invalid", f"{why}: nothing was forced"))

    def take(self) -> Forced | None:
        """This node is elected: what it begins its office with; None when nothing was forced."""
        wish, standing = self._wish, self._node.standing
        if wish is None or not self._node.election.is_forced:
            return None
        state = standing.log.tail
        assert state is not None
        known = members_of(state)
        votes = {name: known.get(name, 1) for name in sorted(wish.voters)}
        if not sum(votes.values()):
            votes[standing.node] = 1
        absent = self._absent()
        by = f"admin {wish.author.user}, force-start"
        reason = f"force-start, vouched off: {', '.join(self._told(name) for name in absent) or 'nobody'}"
        change = ElectorateChange(
            state.electorate.with_votes(votes), reason, author=wish.author.signature(), is_forced=True
        )
        standing.note("force.done", voters=" ".join(votes), absent=" ".join(absent))
        self._wish = None
        confirmed = tuple(Confirmed(name, standing.incarnation_of(name), by) for name in absent)
        told = f"{' '.join(votes)} {'goes' if len(votes) == 1 else 'go'} on alone; {reason}"
        return Forced(change, confirmed, wish.origin, told)

    def _end(self, answer: Answer) -> None:
        wish, self._wish = self._wish, None
        if wish is not None:
            self._node.requests.answer(wish.origin, answer)

    def _present(self) -> frozenset[NodeId]:
        """Who would vote: this node, and the voters that are heard and forgot nothing."""
        standing = self._node.standing
        heard = standing.membership.heard & standing.electorate.votes.keys()
        return frozenset({standing.node, *(name for name in heard if not standing.is_forgetful(name))})

    def _absent(self) -> list[NodeId]:
        """Who is vouched off: everybody else that may run something and is not known to be off."""
        standing = self._node.standing
        names = {*standing.members, *standing.electorate.votes} - {standing.node, *standing.membership.heard}
        return sorted(name for name in names if not standing.is_off(name))

    def _refusal(self, voters: frozenset[NodeId]) -> Refused | None:
        node, standing = self._node, self._node.standing
        others = sorted(voters - {standing.node})
        if node.heard_dc is not None:
            return Refused("invalid", f"the DC {node.heard_dc} has a quorum: there is nothing to be forced")
        if standing.log.is_empty:
            text = "this node's store is empty: it has no configuration to go on with"
            advice = "do it on a node that has one; a cluster is founded by the nodes that hashelld.toml names"
            return Refused("invalid", text, (advice,))
        if self._wish is not None:
            return Refused("busy", "this node is being forced already")
        if standing.is_leaving:
            return Refused("invalid", "this node is leaving the cluster")
        newer = [name for name in others if self._newest(name) > standing.log.version]
        is_outside = standing.node not in standing.electorate.votes or not standing.may_vote
        if newer or (others and is_outside):
            better = newer[0] if newer else others[0]
            why = "has a newer configuration" if newer else "votes, and this node does not"
            return Refused("invalid", f"{better} is heard and {why}: do it there")
        return None

    def _question(self, voters: frozenset[NodeId]) -> str:
        """What is vouched for, and what may be lost."""
        standing = self._node.standing
        names = " ".join(sorted(voters))
        lines = [f"{names} would vote alone, with version {standing.log.version}."]
        lines += [f"Taken to be off: {self._told(name)}" for name in self._absent()]
        return "\n".join(lines)

    def _told(self, name: NodeId) -> str:
        """`n2 (newest known 3.n2:41, 2 more than here)`."""
        newest, own = self._newest(name), self._node.standing.log.version
        if newest == NO_VERSION:
            return f"{name} (nothing is known of its version)"
        more = newest.serial - own.serial
        lead = f", {more} more than here" if newest > own and more > 0 else ", other than here" if newest > own else ""
        return f"{name} (newest known {newest}{lead})"

    def _newest(self, name: NodeId) -> Version:
        """The newest version that this node knows a peer to have stored."""
        standing = self._node.standing
        content, known = standing.membership.content(name), standing.remembered.get(name)
        found = [one.stored for one in (content, known) if one is not None]
        return max(found, default=NO_VERSION)
