"""One node: the machines composed. `step(now, event)` returns what the world has to do, in order.

An event changes what the node knows; then `_settle` draws every conclusion from that, in one fixed order: presence,
office, joining, election or claim, the DC's work, leaving, and what the beats say.
"""

from __future__ import annotations

from typing import Final

from hashelld.cib.view import NodeView
from hashelld.core.arbiter import Arbiter
from hashelld.core.claim import Claim
from hashelld.core.clients import Clients
from hashelld.core.dc import Dc
from hashelld.core.dispatch import Dispatch
from hashelld.core.effects import Announce, Effect, SetBeat, Stored
from hashelld.core.election import Election
from hashelld.core.events import (
    AgentEnded,
    BeatsHeard,
    ClientAsked,
    ClientGone,
    ClockSet,
    DiskFailed,
    DiskRead,
    DropsCounted,
    Event,
    MessageHeard,
    Persisted,
    PingAnswered,
    PortRefused,
    StoreFailed,
    Terminate,
    Woken,
)
from hashelld.core.fencing import LOST_QUORUM, FencingDone
from hashelld.core.force import Force, first_entries
from hashelld.core.founding import founding_by
from hashelld.core.leaving import Leaving
from hashelld.core.lifeline import Lifeline
from hashelld.core.lrm import Lrm, OrderDone, StatusChanged
from hashelld.core.member import Goodbye, Member
from hashelld.core.membership import MESSAGES_STILL_FACTOR, Presence, PresenceChanged
from hashelld.core.options import no_quorum_policy
from hashelld.core.peers import NUMBER_AHEAD_MAX
from hashelld.core.replication import Following
from hashelld.core.report import addresses_of, last_summary
from hashelld.core.requests import Requests
from hashelld.core.retreat import Retreat
from hashelld.core.self_fencing import SelfFencing
from hashelld.core.settings import Settings
from hashelld.core.stakes import claim_delay_ms
from hashelld.core.standing import Draw, Standing
from hashelld.core.stonith import Stonith
from hashelld.model.ids import NO_EPOCH, Epoch, Millis, NodeId
from hashelld.wire.client import Dropped
from hashelld.wire.log import Confirmation, Departure, ElectorateChange, Entry
from hashelld.wire.peer import BeatContent, Handover, Pulse


SETTLE_ROUNDS_MAX: Final = 8
PULSE_FACTOR: Final = 2
"""A pulse is sent every so many deadtimes; one may be lost before a peer counts as not heard."""
assert PULSE_FACTOR < MESSAGES_STILL_FACTOR

_PRESENCE_NOTES: Final = {
    Presence.ALIVE: "peer.alive",
    Presence.SUSPECT: "peer.suspect",
    Presence.SILENT: "peer.silent",
    Presence.LOST: "peer.lost",
}


class Node:
    """A cluster node without any IO. Give it `Stored`, events and time; carry out its effects in order."""

    def __init__(self, now: Millis, settings: Settings, stored: Stored, draw: Draw) -> None:
        standing = Standing(now, settings, stored, draw)
        self.standing = standing
        self.arbiter = Arbiter(standing)
        self._run = 0
        self.election = Election(standing)
        self.following = Following(standing)
        self.lrm = Lrm(settings.node, settings, self._next_run)
        self.lifeline = Lifeline(self)
        self_fencing = SelfFencing(standing, self.lifeline.end)
        self.stonith = Stonith(settings, self._next_run, lambda high_ms: draw(0, high_ms), self_fencing)
        self.claim = Claim(standing, self.stonith, lambda now, peer: claim_delay_ms(self, now, peer))
        self.retreat = Retreat(standing, self.lrm)
        self.member = Member(standing, self.lrm, self.retreat, self.following)
        self.clients = Clients(standing)
        self.requests = Requests(self)
        self.leaving = Leaving(self)
        self.force = Force(self)
        self.dispatch = Dispatch(self)
        self.dc: Dc | None = None
        self.picture: tuple[NodeView, ...] = ()
        self.summary = b""
        self.drops: tuple[Dropped, ...] = ()
        """What the edge did not take."""
        self._heard_dc: NodeId | None = None
        self._no_dc_ms: Millis | None = now
        self.is_quorum_lost = False
        """no-quorum-policy is applied."""
        self._turn_ms = now
        self._pulse_ms = now
        self._due_ms = now
        self._beat: BeatContent | None = None

    @property
    def heard_dc(self) -> NodeId | None:
        """The DC with a quorum, as far as this node hears one; itself when it is."""
        return self.standing.node if self.dc is not None else self._heard_dc

    def _next_run(self) -> int:
        self._run += 1
        return self._run

    # -- the interface of the world

    def start(self, now: Millis) -> list[Effect]:
        """The first effects."""
        standing = self.standing
        standing.note("node.started", incarnation=str(standing.incarnation), version=str(standing.log.version))
        self.arbiter.check()
        self._settle(now)
        self._due_ms = self._next_due_ms(now)
        return standing.take()

    def step(self, now: Millis, event: Event) -> list[Effect]:
        """Take one event."""
        if self.member.goodbye is Goodbye.GRANTED:
            return []
        if now - self._turn_ms > self.standing.settings.deadtime_ms:
            self._on_gap(now)
        self._turn_ms = now
        self.standing.pinging.set_time(now)
        self._take(now, event)
        if isinstance(event, BeatsHeard) and not self.standing.membership.has_news and now < self._due_ms:
            return self.standing.take()  # Beats as ever: nothing follows from them but that time goes on.
        self._settle(now)
        self._due_ms = self._next_due_ms(now)
        return self.standing.take()

    def deadline(self) -> Millis | None:
        """When `Woken` is due at the latest. The loop turns at least twice in a deadtime, or it counts as stuck."""
        return None if self.member.goodbye is Goodbye.GRANTED else self._due_ms

    def _next_due_ms(self, now: Millis) -> Millis:
        standing = self.standing
        up_ms = standing.started_ms + standing.settings.deadtime_ms
        moments = [
            now + standing.settings.deadtime_ms // 2,
            up_ms if up_ms > now else None,
            standing.membership.deadline(),
            self.lrm.deadline(),
            self.stonith.deadline(),
            self.member.deadline(),
            self.retreat.deadline() if self.is_quorum_lost else None,
            self.lifeline.deadline(now),
            standing.pinging.deadline(),
            standing.disk.deadline(),
        ]
        if self.dc is not None:
            moments.append(self.dc.deadline(now))
        else:
            moments += [self.election.deadline(), self.claim.deadline(now), self._policy_ms()]
        return max(min(moment for moment in moments if moment is not None), now + 1)

    # -- events

    def _take(self, now: Millis, event: Event) -> None:  # noqa: C901, PLR0912 - one line for each event
        standing = self.standing
        match event:
            case BeatsHeard(beats=beats):
                for beat in beats:
                    self._on_presence(now, standing.membership.on_beat(now, beat))
                    standing.on_beat(beat)
            case PortRefused(peer=peer):
                standing.membership.on_refused(now, peer)
            case MessageHeard():
                self.dispatch.on_message(now, event)
            case Persisted(token=token):
                standing.on_persisted(token)
                self.election.on_stored()
            case StoreFailed(reason=reason):
                self.leaving.on_store_failed(now, reason)
            case DiskRead() | DiskFailed():
                self.election.on_disk(now, event)
            case AgentEnded():
                self._on_agent(now, event)
            case PingAnswered():
                standing.pinging.on_answered(event.address, event.sent_ms)
            case ClientAsked():
                self.requests.on_asked(now, event)
            case ClientGone(client=client):
                self.clients.on_gone(client)
            case DropsCounted(drops=drops):
                self.drops = drops
            case ClockSet(offset_ms=offset_ms):
                standing.wall_offset_ms = offset_ms
            case Terminate():
                self.leaving.on_terminate(now)
            case Woken():
                pass

    def _on_presence(self, now: Millis, changes: list[PresenceChanged]) -> None:
        standing = self.standing
        standing.membership.has_news = standing.membership.has_news or bool(changes)
        for change in changes:
            name = _PRESENCE_NOTES.get(change.after)
            is_first = change.before is Presence.NEVER and change.after is Presence.SILENT
            if name is not None and change.after is not change.before and not is_first:
                standing.note(name, peer=change.peer)
            if change.is_new_incarnation:
                standing.on_new_incarnation(change.peer)
                if change.before is not Presence.NEVER:
                    standing.note("peer.restarted", peer=change.peer)
            if self.dc is not None:
                self.dc.on_presence(change)
        moved = [c for c in changes if {c.before, c.after} & {Presence.LOST, Presence.SILENT, Presence.NEVER}]
        if moved:
            self._announce()

    def _announce(self) -> None:
        """Whoever holds addresses says so again: a silent change of owner leaves clients without service."""
        addresses = addresses_of(self.standing.log.cib, self.lrm.active())
        if addresses:
            self.standing.emit(Announce(addresses))

    def _on_agent(self, now: Millis, event: AgentEnded) -> None:
        wall_ms = now + self.standing.wall_offset_ms
        if self.lrm.owns(event.run):
            self._on_lrm(now, self.lrm.on_agent_ended(now, wall_ms, event))
        elif self.stonith.owns(event.run):
            self._on_stonith(now, self.stonith.on_agent_ended(now, event, self._objection))

    def _on_lrm(self, now: Millis, outcomes: list[Effect | OrderDone | StatusChanged]) -> None:
        if self.dc is None:
            self.member.on_outcomes(now, outcomes)
            return
        for outcome in outcomes:
            if isinstance(outcome, OrderDone):
                self.retreat.on_done(now, outcome)
        self.dc.controller.on_own(now, outcomes)

    def _on_stonith(self, now: Millis, outcomes: list[Effect | FencingDone]) -> None:
        wall_ms = now + self.standing.wall_offset_ms
        for outcome in outcomes:
            if not isinstance(outcome, FencingDone):
                self.standing.emit(outcome)
            elif self.dc is not None:
                self.dc.controller.measures.on_fenced(now, wall_ms, outcome)
            elif outcome.path is None:  # What only cuts the peer off lets nobody stand alone.
                self.claim.on_fenced(now, outcome)

    def _objection(self, target: NodeId) -> str:
        claimed = "" if self.claim.may_fence() else LOST_QUORUM
        return claimed if self.dc is None else self.dc.controller.measures.objection(self._turn_ms, target)

    def _on_gap(self, now: Millis) -> None:
        """This node did not run: whatever it held by time is gone, before anything else happens."""
        standing = self.standing
        standing.note("node.gap", gap_ms=now - self._turn_ms)
        self.end_office("the loop stood still")
        self.force.rest("the loop stood still")
        self.lrm.drop_queued()
        self.retreat.on_dropped()
        self.member.joined = NO_EPOCH
        standing.disk.on_gap()
        self._on_presence(now, standing.membership.on_gap(now))
        standing.pinging.on_gap()
        self._no_dc_ms = now

    # -- what messages may change

    def on_higher_epoch(self, epoch: Epoch) -> None:
        """A higher epoch exists: an office of a lower one is over."""
        self.standing.highest = max(self.standing.highest, epoch.number)
        if self.dc is not None and epoch > self.dc.office.leading.epoch:
            self.end_office(f"epoch {epoch} is higher")

    def on_acknowledged(self, entries: tuple[Entry, ...]) -> None:
        """Entries took effect."""
        for entry in entries:
            if isinstance(entry.change, Departure | Confirmation):
                self.standing.on_confirmed(self._turn_ms, entry.change.node)
            if isinstance(entry.change, ElectorateChange):
                for node in entry.change.electorate.votes:
                    tail = self.standing.log.applied
                    if tail is not None and node not in tail.previous_electorate.votes:
                        self.standing.readmitted(node)
            if self.dc is not None:
                self.dc.on_acknowledged(entry)
        if entries:
            self.standing.compact()

    # -- conclusions

    def _settle(self, now: Millis) -> None:
        standing = self.standing
        self._on_presence(now, standing.membership.on_time(now))
        standing.membership.has_news = False
        standing.disk.on_time(now)
        wall_ms = now + standing.wall_offset_ms
        self._on_lrm(now, self.lrm.on_deadline(now, wall_ms))
        self._on_stonith(now, self.stonith.on_deadline(now, self._objection))
        self._judge_office(now)
        self._judge_dc(now)
        if self.dc is None:
            self._without_office(now)
        if self.election.is_elected:
            self._take_office(now)
        if self.dc is not None:
            self._work(now, self.dc)
        self.member.on_time(now)
        self.leaving.go_on(now)
        self.lifeline.on_time(now)
        standing.emit(*standing.pinging.on_time(now))
        standing.disk.go_on(now)
        self._say(now)

    def _judge_office(self, now: Millis) -> None:
        """A DC steps down when it does not hear a quorum, or hears of a higher epoch."""
        if self.dc is None:
            return
        standing = self.standing
        nodes = frozenset({standing.node, *standing.membership.heard})
        is_heard = standing.has_quorum(nodes | standing.disk.held)
        if standing.disk.is_deposed:
            self.end_office("the quorum disk promised a higher number")
            if standing.has_quorum(nodes):  # It asked in vain, and is gone: go on at once, with a number above its.
                self.election.stand_by_handover(now)
            return
        if not is_heard or self.dc.office.is_unheeded(now):
            self.end_office("no quorum stores its barrier" if is_heard else "a quorum is not heard")
            return
        for peer in standing.membership.heard:
            content = standing.membership.content(peer)
            is_plausible = content is not None and content.promised.number <= standing.highest + NUMBER_AHEAD_MAX
            if content is not None and is_plausible and content.promised > self.dc.office.leading.epoch:
                self.on_higher_epoch(content.promised)
                return

    def _judge_dc(self, now: Millis) -> None:
        """Which DC is heard?"""
        standing = self.standing
        heard = standing.membership.quorate_dc() if self.dc is None else standing.node
        if heard != self._heard_dc:
            if heard is not None:
                standing.note("dc.heard", dc=heard)
            else:
                standing.note("dc.missed", dc=self._heard_dc)
            self._heard_dc = heard
            self.clients.on_dc(heard)
            self._announce()
        if heard is not None:
            self._no_dc_ms = None
            self.is_quorum_lost = False
        elif self._no_dc_ms is None:
            self._no_dc_ms = now
        expected = frozenset({heard}) if heard is not None and self.dc is None else frozenset()
        if self.dc is not None:
            expected = frozenset(peer for peer in standing.membership.heard if self.dc.office.is_joined(peer))
        standing.membership.expect_messages(now, expected)
        if now - self._pulse_ms >= PULSE_FACTOR * standing.settings.deadtime_ms:
            self._pulse_ms = now
            waiting = expected if standing.is_writing else frozenset()
            for peer in sorted(waiting | standing.membership.still):
                standing.send(peer, Pulse())
        if not standing.unseen:
            self.election.seen_all = True

    def _without_office(self, now: Millis) -> None:
        if self._heard_dc is not None:
            self.election.rest()
            self.force.rest(f"{self._heard_dc} has a quorum")
            self.claim.on_time(now)
            return
        self.claim.on_time(now)
        if self.force.go_on(now):
            pass
        elif self.claim.confirmed is None:
            if self.election.is_alone:
                self.election.rest()
            self.election.on_time(now)
        elif not self.election.is_alone:
            self.election.stand_alone(now)
        self._apply_policy(now)

    def _policy_ms(self) -> Millis | None:
        if self._no_dc_ms is None or self.is_quorum_lost:
            return None
        return self._no_dc_ms + self.standing.settings.deadtime_ms

    def _apply_policy(self, now: Millis) -> None:
        """Without a quorate DC for deadtime: no-quorum-policy; a node that may claim freezes."""
        standing = self.standing
        due_ms = self._policy_ms()
        if due_ms is not None and now >= due_ms and not self.claim.freezes:
            self.is_quorum_lost = True
            if not standing.log.is_empty:
                standing.note("quorum.lost", policy=no_quorum_policy(standing.log.cib))
        policy = no_quorum_policy(standing.log.cib)
        if self.is_quorum_lost and policy not in ("freeze", "ignore") and self.retreat.is_needed():
            self.member.joined = NO_EPOCH  # What a DC that is heard again orders would cross the stops.
            self.retreat.begin(now, only_demote=policy == "demote" and not standing.is_leaving)

    # -- office

    def _take_office(self, now: Millis) -> None:
        standing = self.standing
        alone = self.claim.confirmed if self.election.is_alone else None
        forced = self.force.take()
        self.election.rest()
        self.claim.rest()
        self.retreat.end()
        standing.accept(Epoch(standing.promised, standing.node))
        standing.disk.on_office(standing.epoch)
        self.dc = Dc(standing, self.lrm, self.stonith, now)
        self.dc.controller.rest_until(self.arbiter.plans_after_ms(now))
        self.stonith.adopt(last_summary(self.summary).fenced)
        self.member.on_own_office(self.dc.office.leading.epoch)
        wall_ms = now + standing.wall_offset_ms
        founding = founding_by(standing) if standing.log.is_empty else None
        change, confirmed = first_entries(standing, forced, alone)
        if founding is not None:
            standing.may_vote = True
            standing.note("log.founded", cluster=founding.cluster)
        standing.note("dc.elected", epoch=str(standing.epoch), alone=change is not None)
        if forced is not None:
            self.dc.reform.expect(standing.log.version.serial + 1, forced.origin, forced.told)
        self.dc.begin(wall_ms, founding=founding, alone=change, confirmed=confirmed)
        self._heard_dc = standing.node
        self.clients.on_dc(standing.node)

    def end_office(self, reason: str) -> None:
        """Step down; what shells wait for has an unknown outcome."""
        dc, self.dc = self.dc, None
        self.election.rest()
        self.standing.disk.on_office(None)
        if dc is None:
            return
        standing = self.standing
        standing.note("dc.ended", epoch=str(dc.office.leading.epoch), reason=reason)
        self.picture = dc.nodes
        self._heard_dc = None
        self._no_dc_ms = self._turn_ms
        for origin, answer in dc.end():
            self.requests.answer(origin, answer)
        self.clients.on_dc(None)

    def hand_over(self, successor: NodeId | None) -> None:
        """Give the office to a successor, if there is one."""
        if successor is not None:
            self.end_office(f"handed over to {successor}")
            self.standing.send(successor, Handover())

    def _work(self, now: Millis, dc: Dc) -> None:
        """The DC's work, until nothing follows from it at once."""
        for _ in range(SETTLE_ROUNDS_MAX):
            heir = self.arbiter.heir(now, dc)
            if heir is not None:
                self.standing.note("arbiter.handed-over", to=heir)
                self.hand_over(heir)
                return
            entries = dc.on_time(now, is_leaving=self.standing.is_leaving)
            self.on_acknowledged(entries)
            for origin, answer in dc.take_answers():
                self.requests.answer(origin, answer)
            if not (entries or dc.is_busy(now)):
                break
        dc.tell(now)
        self.picture, self.summary = dc.nodes, dc.summary
        if dc.office.hand_over_to is not None:
            self.standing.note("fence.handed-over", to=dc.office.hand_over_to)
            self.hand_over(dc.office.hand_over_to)

    # -- beats

    def _say(self, now: Millis) -> None:
        standing = self.standing
        tail = standing.log.tail
        content = BeatContent(
            cluster=tail.cluster if tail is not None else "",
            file=standing.settings.file_digest,
            promised=standing.epoch,
            stored=standing.told_stored,
            hears=tuple(sorted(standing.membership.heard)),
            is_quorate_dc=self.dc is not None,
            is_voter=standing.is_voter,
            is_leaving=standing.is_leaving,
            ends_itself=self.lifeline.ends_itself,
            timings=standing.settings.timings_digest,
        )
        if content != self._beat:
            self._beat = content
            standing.emit(SetBeat(content))
        self.clients.tell(now, self.summary, standing.log.acknowledged)
