"""What a node is and holds: identity, promise, log, membership; and the effects of the step under way.

The machines share one `Standing`. A promise, a vote and every stored entry go through it, so that nothing that
depends on the disk is sent in front of its `Persist`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from hashelld.core.disk_vote import DiskVote
from hashelld.core.effects import Effect, Level, Note, Persist, Remembered, Reply, Send, Stored
from hashelld.core.events import HeardBeat
from hashelld.core.log import LEFT, Log, members_of
from hashelld.core.membership import Membership, Presence
from hashelld.core.notes import MESSAGES
from hashelld.core.pinging import Pinging, Reach
from hashelld.core.quorum import holds_most, is_joint_quorum
from hashelld.core.settings import Settings
from hashelld.model.ids import NO_EPOCH, NO_INCARNATION, NO_VERSION, Epoch, Incarnation, Millis, NodeId, Version
from hashelld.wire.client import Answer
from hashelld.wire.log import Checkpoint, Electorate, Entry
from hashelld.wire.peer import Body, Envelope, Pulse


Draw = Callable[[int, int], int]
"""A random whole number between two bounds, both included."""


class Standing:
    """One node's state that more than one machine needs."""

    def __init__(self, now: Millis, settings: Settings, stored: Stored, draw: Draw) -> None:
        self.settings = settings
        self.node = settings.node
        self.incarnation = stored.incarnation
        self.draw = draw
        self.started_ms = now
        self.wall_offset_ms = 0
        self.promised = stored.promised
        self.voted = stored.voted
        self._accepted = NodeId("")
        self.highest = stored.promised
        """The highest number seen anywhere: the next one to stand with is above it."""
        self.was_set_aside = stored.was_set_aside
        self.in_sync = False
        """Elected with others' votes, or stored from a DC of an acknowledged electorate, in this incarnation."""
        self.remembered = dict(stored.remembered)
        self.log = Log(stored.checkpoint, stored.entries, stored.acknowledged)
        self.may_vote = stored.may_vote and not self.log.is_empty
        self.membership = Membership(settings, tuple(n for n in settings.founding.votes if n != self.node), now)
        self.pinging = Pinging(settings.ping, now)
        self.notices: dict[str, str] = {}
        self.is_leaving = False
        self.stored_serial = self.log.version.serial
        """Serial of the newest entry that is on this node's disk."""
        self.is_store_broken = False
        self._effects: list[Effect] = []
        self._token = 0
        self._promise_token = 0
        self.is_promise_stored = True
        self._sequence = 0
        self._stored_by_token: dict[int, int] = {}
        self._forgetful: set[NodeId] = set()
        self._confirmed_ms: dict[NodeId, Millis] = {}
        """When a confirmation that the node is off was known acknowledged here, since this daemon started."""
        self._voided: dict[NodeId, Incarnation] = {}
        self._holding: dict[NodeId, Incarnation] = {}
        self.disk = DiskVote(self)

    # -- who votes

    @property
    def epoch(self) -> Epoch:
        """The promised epoch: the number, and the DC accepted in it (nobody, as long as none was heard)."""
        return Epoch(self.promised, self._accepted)

    @property
    def cluster(self) -> str:
        """The founding id. A founding that nobody acknowledged binds nobody: the others may have founded anew."""
        applied = self.log.applied
        return applied.cluster if applied is not None else ""

    @property
    def is_voter(self) -> bool:
        """May it vote? An empty store may when it remembers its vote in the founding: it has lost nothing."""
        is_founder = self.log.is_empty and self.voted is not None and not self.was_set_aside
        return self.may_vote or is_founder

    @property
    def electorate(self) -> Electorate:
        """The newest electorate in the log; before the founding, that of the file."""
        return self.log.tail.electorate if self.log.tail is not None else self.settings.founding

    def is_arbiter(self, node: NodeId) -> bool:
        """Does this node vote and run nothing?"""
        return node == self.electorate.network_arbiter

    @property
    def unseen(self) -> frozenset[NodeId]:
        """The other voters that were not heard since the start: `wait_for_all` waits for them."""
        others = (name for name in self.electorate.votes if name != self.node)
        return frozenset(name for name in others if self.membership.presence(name) is Presence.NEVER)

    @property
    def members(self) -> AbstractSet[NodeId]:
        """Every node that was added, by what is known acknowledged, and not deleted: no other can run anything."""
        applied = self.log.applied
        return self.electorate.votes.keys() if applied is None else members_of(applied).keys()

    def has_quorum(self, names: frozenset[NodeId]) -> bool:
        """Do these nodes hold a quorum, joint while the newest electorate is not known acknowledged?"""
        tail = self.log.tail
        previous = tail.previous_electorate if tail is not None else self.settings.founding
        settled = tail is None or self.log.is_settled
        return is_joint_quorum(self.electorate, previous, names, is_settled=settled)

    def is_qualified(self, names: frozenset[NodeId]) -> bool:
        """May a node claim, bid or stand with these? By more than half of the nodes' votes, or by ping nodes."""
        return self.qualification(names) is Reach.YES

    def qualification(self, names: frozenset[NodeId]) -> Reach:
        """The same, with the moment in which it is not known yet. (A claim's confirmation stands for its peer.)"""
        return Reach.YES if holds_most(self.electorate, names) else self.pinging.ask()

    @property
    def reliable(self) -> frozenset[NodeId]:
        """This node and the peers in contact whose stores have lost nothing: by what they store, entries count."""
        return frozenset({self.node, *(peer for peer in self.membership.heard if not self.is_forgetful(peer))})

    def is_forgetful(self, peer: NodeId) -> bool:
        """Has the peer's store lost what it once held: empty, set aside, or older than remembered?"""
        if peer in self._forgetful:
            return True
        content = self.membership.content(peer)
        return content is not None and not content.is_voter and not self.log.is_empty

    def on_new_incarnation(self, peer: NodeId) -> None:
        """Compare what a peer's new incarnation brings with what this node remembers of the peer."""
        content, known = self.membership.content(peer), self.remembered.get(peer)
        if content is None or known is None:
            return
        heard = self.membership.incarnation(peer)
        is_older = heard != known.incarnation and heard.counter <= known.incarnation.counter
        if is_older or content.stored < known.stored:
            self._forgetful.add(peer)
            self.note("peer.forgetful", peer=peer, stored=str(content.stored), remembered=str(known.stored))

    def readmitted(self, peer: NodeId) -> None:
        """The peer was removed from the electorate and added again: what it forgot is settled."""
        self._forgetful.discard(peer)
        self.remembered.pop(peer, None)

    def _memory(self) -> dict[NodeId, Remembered] | None:
        """What is now known of the peers' stores, when it is news."""
        is_changed = False
        for peer in self.membership.heard:
            content = self.membership.content(peer)
            if content is None or self.is_forgetful(peer):
                continue
            known = self.remembered.get(peer)
            now = Remembered(self.membership.incarnation(peer), content.stored)
            if known is None or known.incarnation != now.incarnation or known.stored < now.stored:
                self.remembered[peer] = now
                is_changed = True
        return dict(self.remembered) if is_changed else None

    @property
    def is_founding_possible(self) -> bool:
        """Is the store empty, nobody heard or remembered whose store is not, and are all files equal?"""
        if not self.log.is_empty or self.was_set_aside or not self.disk.allows_founding:
            return False
        if any(known.stored > NO_VERSION for known in self.remembered.values()):
            return False
        for peer in self.membership.heard:
            content = self.membership.content(peer)
            if content is None or content.cluster or content.file != self.settings.file_digest:
                return False
        return True

    # -- effects

    def take(self) -> list[Effect]:
        """The effects of this step."""
        effects, self._effects = self._effects, []
        return effects

    def emit(self, *effects: Effect) -> None:
        """Ask for these effects, in order."""
        self._effects.extend(effects)

    def note(self, event: str, **fields: object) -> None:
        """Log an event of core.notes."""
        level, _ = MESSAGES.get(event, (Level.INFO, ""))
        self._effects.append(Note(event, fields, level))

    def reply(self, client: bytes, ticket: int, answer: Answer) -> None:
        """Answer a shell."""
        self._effects.append(Reply(client, ticket, answer))

    def send(self, peer: NodeId, body: Body) -> None:
        """Send a message to a peer; dropped when the peer was never heard, for it names its incarnation."""
        incarnation = self.membership.incarnation(peer)
        is_pulse = isinstance(body, Pulse)
        is_lost = self.membership.presence(peer) is Presence.LOST
        if incarnation == NO_INCARNATION or (is_lost and not is_pulse):
            return
        if is_pulse:  # Overtakes what is held back, and says nothing of epochs.
            sequence, epoch = 0, NO_EPOCH
        else:
            self._sequence += 1
            sequence, epoch = self._sequence, self.epoch
        cluster = self.cluster
        envelope = Envelope(cluster, self.node, self.incarnation, peer, incarnation, epoch, sequence, 0, body)
        self._effects.append(Send(envelope))

    def promise(self, number: int, voted: NodeId | None) -> None:
        """Promise a number, with the vote given for it; on disk before anything that follows."""
        if (number, voted) == (self.promised, self.voted):
            return
        assert number >= self.promised, "a promise is never taken back"
        if number > self.promised:
            self._accepted = NodeId("")
        self.promised, self.voted = number, voted
        self.highest = max(self.highest, number)
        self.persist(Persist(token=0, promised=number, voted=voted))
        self._promise_token, self.is_promise_stored = self._token, False

    def accept(self, epoch: Epoch) -> None:
        """Promise the epoch of an elected DC. (An empty store keeps its vote: the mark of a founder.)"""
        assert epoch >= self.epoch, "a promise is never taken back"
        if epoch.number > self.promised:
            self.promise(epoch.number, self.voted if self.log.is_empty else None)
        self._accepted = epoch.node

    def persist(self, write: Persist) -> None:
        """Ask for a write; `token` is filled in here. The tail of the log counts as stored when it is done."""
        self._token += 1
        numbered = Persist(
            token=self._token,
            promised=self.promised,
            voted=self.voted,
            truncate_after=write.truncate_after,
            entries=write.entries,
            checkpoint=write.checkpoint,
            replaces_log=write.replaces_log,
            acknowledged=write.acknowledged,
            remember=self._memory(),
            may_vote=write.may_vote,
        )
        self._stored_by_token[self._token] = self.log.version.serial
        self._effects.append(numbered)

    def on_persisted(self, token: int) -> None:
        """The write is on disk, and with it all before it."""
        if token >= self._promise_token:
            self.is_promise_stored = True
        serial = self._stored_by_token.pop(token, None)
        if serial is not None:
            self.stored_serial = max(self.stored_serial, serial)

    @property
    def told_stored(self) -> Version:
        """The version that beats tell, which wait until it is on disk; when the disk failed, what is there.

        Others remember it: one that was never stored would make this node a forgetful one at its next start.
        """
        if not self.is_store_broken:
            return self.log.version
        return self.log.point(self.stored_serial)[0] if self.stored_serial >= self.log.base_serial else NO_VERSION

    @property
    def is_writing(self) -> bool:
        """Is something on its way to the disk, so that messages may be held back behind it?"""
        return bool(self._stored_by_token)

    def on_truncated(self) -> None:
        """The log lost its tail: what is still being written says nothing about the new one."""
        self._stored_by_token.clear()
        self.stored_serial = min(self.stored_serial, self.log.base_serial)

    def append(self, entry: Entry) -> None:
        """Store one entry of one's own."""
        self.log.append(entry)
        self.persist(Persist(token=0, entries=(entry,), may_vote=True))

    def compact(self) -> None:
        """Shorten a log that has grown long."""
        checkpoint: Checkpoint | None = self.log.compact()
        if checkpoint is not None:
            self.persist(Persist(token=0, checkpoint=checkpoint))

    def has_log(self, peer: NodeId) -> None:
        """This incarnation of the peer holds a log, whatever a beat that it sent before that may say."""
        self._holding[peer] = self.membership.incarnation(peer)

    def is_blank(self, peer: NodeId) -> bool:
        """Is the peer's store empty?"""
        content = self.membership.content(peer)
        is_empty = self.membership.is_heard(peer) and content is not None and not content.cluster
        return is_empty and self._holding.get(peer) != self.membership.incarnation(peer)

    # -- who is off

    def on_confirmed(self, now: Millis, peer: NodeId) -> None:
        """A confirmation counts from now on, unless the peer is heard again."""
        self._confirmed_ms[peer] = now
        self._voided.pop(peer, None)

    def on_beat(self, beat: HeardBeat) -> None:
        """A confirmation that the sender is off is void once it proves to live on, in the same incarnation.

        The last beats of a node that was fenced while it was heard prove nothing: what they echo was sent before.
        """
        applied = self.log.applied
        if applied is None or applied.off.get(beat.sender) != beat.incarnation:
            return
        confirmed_ms = self._confirmed_ms.get(beat.sender, 0)
        has_echo = beat.echoed_ms is not None and beat.echoed_ms > confirmed_ms
        if has_echo or beat.at_ms >= confirmed_ms + self.settings.deadtime_ms:
            self._voided[beat.sender] = beat.incarnation

    def is_off(self, node: NodeId) -> bool:
        """Did the node leave cleanly, or is it confirmed off, and was it not heard since?"""
        applied = self.log.applied
        if applied is None or node not in applied.off:
            return False
        incarnation = applied.off[node]
        if self.membership.is_heard(node):
            content = self.membership.content(node)
            is_same = self.membership.incarnation(node) == incarnation
            return is_same and applied.off_by[node] == LEFT and content is not None and content.is_leaving
        is_later = self.incarnation_of(node).counter > incarnation.counter
        is_void = applied.off_by[node] != LEFT and self._voided.get(node) == incarnation
        return not is_later and not is_void

    def incarnation_of(self, node: NodeId) -> Incarnation:
        """The newest incarnation known of any node: heard, remembered, or one's own."""
        if node == self.node:
            return self.incarnation
        heard = self.membership.incarnation(node)
        known = self.remembered.get(node)
        return max(heard, known.incarnation) if known is not None else heard
