"""The DC's knowledge of the nodes: who joined, who is off, who votes; and the view that plans are made from.

A new DC knows only what joins reported to it. Before every other configured node joined, left or is confirmed off,
the view says that nothing may be started (DESIGN.md 3.2, Office).
"""

from __future__ import annotations

from enum import Enum

import msgspec

from hashelld.cib.view import ClusterView, NodeView
from hashelld.core.arbiter import rank
from hashelld.core.electorates import with_joined
from hashelld.core.log import members_of
from hashelld.core.membership import Presence
from hashelld.core.options import has_fencing, is_in_maintenance
from hashelld.core.paths import Paths
from hashelld.core.quorum import is_joint_quorum, is_quorum, is_shrinking, without
from hashelld.core.replication import Leading
from hashelld.core.returns import Returns
from hashelld.core.self_fencing import counts_on_watchdogs
from hashelld.core.standing import Standing
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import Incarnation, Millis, NodeId, Version
from hashelld.wire.log import Confirmation, Departure, Electorate, ElectorateChange, Entry, PathChange, PathState
from hashelld.wire.peer import Join, JoinRequest, LeaveGranted


RECHECK_FACTOR = 3
"""So many keepalives after a loss everybody who is healthy has told of it."""


class Wait(Enum):
    """Not yet known."""

    WAIT = "wait"


WAIT = Wait.WAIT


class Office:
    """What a DC knows of its cluster; made new at every election."""

    def __init__(self, standing: Standing, now: Millis) -> None:
        self._standing = standing
        self.took_ms = now
        self.leading = Leading(standing)
        self.paths = Paths(standing)
        self.returns = Returns(standing, self.leading, self.is_joined)
        self.statuses: dict[NodeId, NodeStatus] = {}
        self.fence_requests: set[NodeId] = set()
        self.leaving: dict[NodeId, Incarnation] = {}
        self.kept: dict[NodeId, str] = {}
        """Those of them that cannot leave, and why."""
        self._joined: dict[NodeId, str] = {}
        self._asked_ms: dict[NodeId, Millis] = {}
        self._confirming: set[NodeId] = set()
        self._missing: frozenset[NodeId] = frozenset()
        """Never heard, and lost by now."""
        self._planned_for: frozenset[NodeId] = frozenset()
        self.hand_over_to: NodeId | None = None
        """Others hear a node that this DC takes for lost: the office is to go to one of them."""
        self.is_changed = True
        """Something that plans depend on changed since this was last set to False."""

    # -- joining

    @property
    def configured(self) -> tuple[NodeId, ...]:
        """Every node that the configuration or the electorate names, or the one before while that counts as well."""
        standing = self._standing
        names = {node.id: None for node in standing.log.cib.nodes}
        names.update(dict.fromkeys(standing.electorate.votes))
        if standing.log.tail is not None and not standing.log.is_settled:
            names.update(dict.fromkeys(standing.log.tail.previous_electorate.votes))
        names[standing.node] = None
        if standing.electorate.network_arbiter is not None:
            names[standing.electorate.network_arbiter] = None
        return tuple(names)

    @property
    def places(self) -> tuple[NodeId, ...]:
        """The same without the arbiter: who may run something, so that it is waited for, planned with and fenced."""
        return tuple(node for node in self.configured if not self._standing.is_arbiter(node))

    def is_joined(self, node: NodeId) -> bool:
        """Did this incarnation of the node promise this epoch and report?"""
        token = self._standing.membership.incarnation(node).token
        return self._joined.get(node) == token and self._standing.membership.is_heard(node)

    def on_join(self, node: NodeId, message: Join) -> None:
        """A node promised the epoch and reports what is active and in flight."""
        incarnation = self._standing.membership.incarnation(node)
        self._joined[node] = incarnation.token
        self.statuses[node] = message.status
        self.fence_requests.discard(node)
        self.paths.settled(node)
        if self.leaving.get(node) != incarnation:  # Who asked to leave goes on leaving, however often it joins.
            self._end_leave(node)
        self.is_changed = True
        self._standing.note("join.done", peer=node, operations=len(message.status.operations))

    def _end_leave(self, node: NodeId) -> None:
        self.leaving.pop(node, None)
        self.kept.pop(node, None)

    def on_not_joined(self, node: NodeId) -> None:
        """The node dropped its join: it is asked again, and has to report anew."""
        if self._joined.pop(node, None) is not None:
            self.is_changed = True

    def on_status(self, node: NodeId, status: NodeStatus) -> tuple[ActionResult, ...]:
        """A node's own status changed; returns the results that are new."""
        before = self.statuses.get(node)
        if not self.is_joined(node) or (before is not None and status.serial < before.serial):
            return ()
        self.statuses[node] = status
        known = set(before.operations) if before is not None else set()
        if before is None or before.failures != status.failures or before.attributes != status.attributes:
            self.is_changed = True
        gone = before is not None and len(before.operations) > len(status.operations)
        fresh = tuple(result for result in status.operations if result not in known)
        if gone:
            self.is_changed = True
        return fresh

    def merge_result(self, node: NodeId, result: ActionResult) -> None:
        """An order's result, in case that the node's status is still on its way."""
        status = self.statuses.get(node)
        if status is None:
            return
        key = (result.resource, result.operation, result.interval_ms)
        same = {at: r for at, r in enumerate(status.operations) if (r.resource, r.operation, r.interval_ms) == key}
        if any(r.call > result.call for r in same.values()):
            return
        kept = [r for at, r in enumerate(status.operations) if at not in same]
        self.statuses[node] = msgspec.structs.replace(status, operations=(*kept, result))

    def ask_joins(self, now: Millis, void: int) -> None:
        """Ask every heard node that has not joined, again after a while; orders up to `void` are not to be begun."""
        standing = self._standing
        for node in self.configured:
            if node == standing.node or self.is_joined(node) or not standing.membership.is_heard(node):
                continue
            if not self._has_our_timings(node) or standing.is_off(node) or self._is_deleted(node):
                continue
            if now - self._asked_ms.get(node, -1_000_000) >= standing.settings.deadtime_ms // 2:
                self._asked_ms[node] = now
                standing.note("join.asked", peer=node)
                standing.send(node, JoinRequest(void))

    def _has_our_timings(self, node: NodeId) -> bool:
        standing = self._standing
        content = standing.membership.content(node)
        is_equal = content is None or content.timings == standing.settings.timings_digest
        if is_equal:
            standing.notices.pop(f"differs-{node}", None)
        else:
            standing.notices[f"differs-{node}"] = f"hashelld.toml of {node} has other timings: it cannot join"
        return is_equal

    def _is_deleted(self, node: NodeId) -> bool:
        """Is it about to be no node of the cluster any more? Who neither votes nor is configured joins no more."""
        tail = self._standing.log.tail
        if tail is None or node == tail.electorate.network_arbiter:
            return False
        return node not in tail.electorate.votes and tail.cib.node(node) is None

    # -- lost nodes

    def is_lost(self, now: Millis, node: NodeId) -> bool:
        """Silent for deadtime, or never heard since long enough. Who was never added is not missed."""
        standing = self._standing
        if node == standing.node or node not in standing.members:
            return False
        presence = standing.membership.presence(node)
        if presence is Presence.NEVER:
            since_ms = max(self.took_ms, standing.started_ms)
            return now - since_ms >= standing.settings.initdead_ms
        return presence is Presence.LOST

    def look_for_missing(self, now: Millis) -> None:
        """Time alone makes a node lost that was never heard: nothing else tells of it."""
        never = (node for node in self.places if self._standing.membership.presence(node) is Presence.NEVER)
        missing = frozenset(node for node in never if self.is_lost(now, node))
        self.is_changed = self.is_changed or missing != self._missing
        self._missing = missing

    def successor_for(self, now: Millis, target: NodeId) -> NodeId | Wait | None:
        """To whom this DC hands over instead of taking a node for lost that others still hear: its fault is our own.

        `Wait` while their beats may still be from before the loss; None when nobody hears it.
        """
        standing = self._standing
        if self._waits_for_disk(target):
            return WAIT
        hearing = set()
        for peer in standing.membership.heard:
            content = standing.membership.content(peer)
            if peer != target and content is not None and target in content.hears:
                hearing.add(peer)
        if not hearing:
            return None
        settings = standing.settings
        if now - standing.membership.since_ms(target) < RECHECK_FACTOR * settings.keepalive_ms:
            return WAIT  # However few they are: those that a cut takes away are lost one after another.
        return (
            min(hearing, key=lambda peer: rank(standing, peer))
            if is_quorum(standing.electorate, frozenset({target, *hearing}))
            else None
        )

    def _waits_for_disk(self, target: NodeId) -> bool:
        """Is it the quorum disk's vote that counts, last looked at before the loss? It may be another's by now."""
        standing = self._standing
        if standing.has_quorum(frozenset({standing.node, *standing.membership.heard})):
            return False
        return not standing.disk.is_held_since(self._lost_since_ms(target))

    def confirm_without_fencing(self, now: Millis, wall_ms: int) -> None:
        """Where fencing is off, a lost node counts as off after takeover_delay (UNSAFE)."""
        standing = self._standing
        if has_fencing(standing.log.cib) or not self.leading.has_barrier:
            return
        for node in self.places:
            if not self.is_lost(now, node) or standing.is_off(node) or node in self._confirming:
                continue
            if now >= self._takeover_ms(node) and self._may_take_over(now, node):
                self.confirm(node, standing.incarnation_of(node), "takeover-delay", wall_ms)

    def _recheck_ms(self, node: NodeId) -> Millis:
        return self._lost_since_ms(node) + RECHECK_FACTOR * self._standing.settings.keepalive_ms

    @property
    def is_confirming(self) -> bool:
        """Is a confirmation ordered and not acknowledged yet? Planning waits for it: the node is not fenced twice."""
        return bool(self._confirming or self.paths.settling)

    def confirm(self, node: NodeId, incarnation: Incarnation, by: str, wall_ms: int) -> Version:
        """Order the entry that says that this incarnation of a node is off."""
        self._confirming.add(node)
        return self.leading.order(Confirmation(node=node, incarnation=incarnation, by=by), wall_ms)

    def _may_take_over(self, now: Millis, node: NodeId) -> bool:
        successor = self.successor_for(now, node) if node in self._standing.membership.peers else None
        if successor is not None and not isinstance(successor, Wait):
            self.hand_over_to = successor
        return successor is None

    def _takeover_ms(self, node: NodeId) -> Millis:
        """A DC before this one may have heard the node for longer, or had an arbiter's vote: this office counts."""
        return max(self.took_ms, self._lost_since_ms(node)) + self._standing.settings.takeover_ms

    def _lost_since_ms(self, node: NodeId) -> Millis:
        membership = self._standing.membership
        return membership.since_ms(node) if node in membership.peers else self.took_ms

    def is_unheeded(self, now: Millis) -> bool:
        """Did no quorum store this DC's barrier for initdead, though one is heard? Peers that forgot do not vote."""
        return not self.leading.has_barrier and now >= self.took_ms + self._standing.settings.initdead_ms

    def deadline(self, now: Millis) -> Millis | None:
        """When something here changes by time alone."""
        standing = self._standing
        moments = [self._loss_ends_ms(node) for node in self._losses()]
        moments.append(self.took_ms + standing.settings.initdead_ms)
        for node in self.configured:
            if node == standing.node:
                continue
            if standing.membership.is_heard(node):
                moments.append(self.leading.due_ms(node))
                if not self.is_joined(node) and not standing.is_off(node):
                    moments.append(self._asked_ms.get(node, now) + standing.settings.deadtime_ms // 2)
            elif standing.membership.presence(node) is Presence.NEVER and not self.is_lost(now, node):
                moments.append(max(self.took_ms, standing.started_ms) + standing.settings.initdead_ms)
            elif self.is_lost(now, node) and node not in self._confirming and not standing.is_off(node):
                moments += [self._takeover_ms(node), self._recheck_ms(node)]
        return min((m for m in moments if m > now), default=None)

    # -- entries that took effect

    def on_acknowledged(self, entry: Entry) -> None:
        """An entry counts: a departure or confirmation settles what its node was doing."""
        change = entry.change
        if isinstance(change, Departure | Confirmation):
            self._confirming.discard(change.node)
            self.statuses.pop(change.node, None)
            self._joined.pop(change.node, None)
            self.fence_requests.discard(change.node)
            self._end_leave(change.node)
        self.returns.on_acknowledged(change)
        # Who votes is no matter of what runs where, but for who is new. What is known of ways matters when nothing is
        # at work on them.
        is_moot = (isinstance(change, ElectorateChange) and self._planned_for.issuperset(change.electorate.votes)) or (
            isinstance(change, PathChange) and change.state is not PathState.CUT
        )
        self.is_changed = self.is_changed or not is_moot

    # -- the electorate

    @property
    def may_change_electorate(self) -> bool:
        """One change at a time: the next is ordered when the last is known acknowledged (DESIGN.md 3.2, Electorate)."""
        return self.leading.has_barrier and self._standing.log.is_settled

    def keep_electorate(self, now: Millis, wall_ms: int) -> None:
        """Remove voters that forgot what they stored, or are gone; add nodes that joined and stored the log."""
        if not self.may_change_electorate:
            return
        if not (self._remove_forgetful(wall_ms) or self._remove_deleted(wall_ms) or self._add_joined(wall_ms)):
            self._remove_lost(now, wall_ms)

    def _remove_deleted(self, wall_ms: int) -> bool:
        """The configuration does not name them any more, and they are off: nothing waits for their votes."""
        standing = self._standing
        kept = {standing.electorate.network_arbiter, *(node.id for node in standing.log.cib.nodes)}
        gone = {name for name in standing.electorate.votes if name not in kept and standing.is_off(name)}
        if not gone or standing.node in gone:
            return False
        votes = {name: count for name, count in standing.electorate.votes.items() if name not in gone}
        if not self._can_settle(votes):
            return False
        self._change_electorate(votes, f"{' '.join(sorted(gone))} was deleted from the configuration", wall_ms)
        return True

    def _remove_forgetful(self, wall_ms: int) -> bool:
        standing = self._standing
        votes = dict(standing.electorate.votes)
        for node in sorted(votes):
            if node != standing.node and len(votes) > 1 and self._has_forgotten(node):
                del votes[node]
                if not self._can_settle(votes):
                    return False
                self._change_electorate(votes, f"{node} forgot what it had stored", wall_ms)
                return True
        return False

    def _can_settle(self, votes: dict[NodeId, int]) -> bool:
        """Are those present whose memory counts a quorum of these votes and of today's?

        A change that they cannot store blocks the next election: its joint quorum needs more than today's.
        """
        electorate = self._standing.electorate
        return is_joint_quorum(electorate.with_votes(votes), electorate, self.sound, is_settled=False)

    def _add_joined(self, wall_ms: int) -> bool:
        standing = self._standing
        tail, electorate = standing.log.tail, standing.electorate
        assert tail is not None
        for node in self.configured:
            if node in electorate.votes or not self.is_joined(node) or self._is_leaving(node):
                continue
            if self.leading.matched(node) == standing.log.version.serial and not self._is_deleted(node):
                votes = members_of(tail).get(node, standing.settings.founding.votes.get(node, 1))
                after = with_joined(electorate, node, votes)
                standing.readmitted(node)  # Without it the rest may be no quorum of the electorate that it is added to.
                ended = "; two_node is for two and ends" if electorate.two_node and not after.two_node else ""
                self._order_electorate(after, f"{node} stored the log{ended}", wall_ms)
                return True
        return False

    def _is_leaving(self, node: NodeId) -> bool:
        content = self._standing.membership.content(node)
        return node in self.leaving or (content is not None and content.is_leaving)

    def _remove_lost(self, now: Millis, wall_ms: int) -> None:
        """last_man_standing: who is lost for the window does not vote (votequorum(5); DESIGN.md 3.2, Modes).

        Only who left or is confirmed off: the configuration may forget such a node, and nobody else.
        """
        gone = frozenset(node for node in self._losses() if now >= self._loss_ends_ms(node))
        after = without(self._standing.electorate, gone, self.sound) if gone else None
        if after is not None:
            self._order_electorate(after, f"last_man_standing: {' '.join(sorted(gone))} is gone", wall_ms)

    def _losses(self) -> list[NodeId]:
        """Voters that last_man_standing waits to be without."""
        standing = self._standing
        if not is_shrinking(standing.electorate):
            return []
        votes = standing.electorate.votes
        others = (n for n, count in votes.items() if count and n != standing.node and not standing.is_arbiter(n))
        return [node for node in others if standing.is_off(node) and not standing.membership.is_heard(node)]

    def _loss_ends_ms(self, node: NodeId) -> Millis:
        since_ms = max(self.took_ms, self._lost_since_ms(node))
        return since_ms + (self._standing.electorate.last_man_standing_ms or 0)

    def let_arbiter_go(self, node: NodeId, wall_ms: int) -> None:
        """The arbiter wants to leave: there is nothing to be moved away."""
        if self.leading.has_barrier:
            self.leaves(node)
            self.leading.order(Departure(node, self.leaving[node]), wall_ms)

    def leaves(self, node: NodeId) -> None:
        """A node wants to leave, in this incarnation."""
        self.leaving[node] = self._standing.membership.incarnation(node)
        self.is_changed = True

    @property
    def sound(self) -> frozenset[NodeId]:
        """Who is heard and remembers what it stored, this node included, and the quorum disk while its vote is held."""
        standing = self._standing
        present = {standing.node, *standing.membership.heard, *standing.disk.held}
        return frozenset(node for node in present if not standing.is_forgetful(node))

    def let_go(self, node: NodeId, running: str, wall_ms: int) -> bool:
        """May a node's departure be ordered? With last_man_standing an electorate without it is ordered before.

        False: it is `running` something, or another change is not known acknowledged yet; ask again.
        """
        if running:
            self._leave_running(node, running)
            return False
        electorate = self._standing.electorate
        if not is_shrinking(electorate) or not electorate.votes.get(node):
            return True
        if not self.may_change_electorate:
            return False
        after = without(electorate, frozenset({node}), self.sound)
        if after is not None:
            self._order_electorate(after, f"last_man_standing: {node} leaves", wall_ms)
        return True

    def told_kept(self) -> tuple[str, ...]:
        """Who cannot leave, and why: a line a node."""
        return tuple(f"{node}: {why}" for node, why in self.kept.items())

    def _leave_running(self, node: NodeId, running: str) -> None:
        """A node wants to leave and runs what nobody manages: in maintenance it may, and is lost until it is back.

        A departure says that nothing runs there: with one, all that it runs would be started elsewhere, too, as soon as
        the maintenance ends. Without maintenance the node would be fenced for having left, so it has to wait.
        """
        standing = self._standing
        if is_in_maintenance(standing.log.cib):
            self.kept.pop(node, None)
            standing.send(node, LeaveGranted(is_running=True))
        else:
            self.kept[node] = f"cannot leave: {running} runs there and is not managed; stop it, or set maintenance-mode"

    def _has_forgotten(self, node: NodeId) -> bool:
        """Does its newest beat, one sent after it was refilled, say that it may not vote?"""
        standing = self._standing
        content, matched = standing.membership.content(node), self.leading.matched(node)
        if content is None or matched is None or not standing.membership.is_heard(node):
            return False
        return standing.is_forgetful(node) and content.stored.serial >= matched

    def _change_electorate(self, votes: dict[NodeId, int], reason: str, wall_ms: int) -> None:
        self._order_electorate(self._standing.electorate.with_votes(votes), reason, wall_ms)

    def _order_electorate(self, electorate: Electorate, reason: str, wall_ms: int) -> None:
        self.order_electorate(ElectorateChange(electorate, reason), wall_ms)

    def order_electorate(self, change: ElectorateChange, wall_ms: int) -> Version:
        """Order another electorate."""
        votes = " ".join(sorted(change.electorate.votes))
        self._standing.note("log.electorate", votes=votes, reason=change.reason)
        return self.leading.order(change, wall_ms)

    # -- the view

    def view(self, now: Millis, wall_ms: int, own: NodeStatus, *, is_leaving: bool) -> ClusterView:
        """What plans are made from."""
        standing = self._standing
        self._planned_for = frozenset(standing.members)
        views = (self._node_view(now, node, own, is_leaving=is_leaving) for node in self.places)
        nodes = tuple(self.paths.shown(view) for view in views)
        return ClusterView(
            cib=standing.log.cib,
            nodes=nodes,
            has_quorum=True,
            may_start=self.leading.has_barrier and not any(n.pending for n in nodes),
            now_ms=wall_ms,
            dc=standing.node,
            has_watchdog=counts_on_watchdogs(standing.log.cib, standing.settings, standing.electorate),
            can_unfence=True,
        )

    def _node_view(self, now: Millis, node: NodeId, own: NodeStatus, *, is_leaving: bool) -> NodeView:
        standing = self._standing
        wanted_off = node in self.fence_requests
        if node == standing.node:
            due = self.returns.is_due(node)
            return NodeView(
                node=node, online=not due, pending=due, is_leaving=is_leaving, fence_requested=wanted_off, status=own
            )
        status = self.statuses.get(node) or NodeStatus(node=node)
        if standing.is_off(node) or node not in standing.members:
            return NodeView(node=node, status=NodeStatus(node=node))
        if self.is_joined(node) and not self.returns.is_due(node):
            leaving = node in self.leaving
            return NodeView(node=node, online=True, is_leaving=leaving, fence_requested=wanted_off, status=status)
        if self.is_lost(now, node) and has_fencing(standing.log.cib):
            return NodeView(node=node, unclean=True, fence_requested=wanted_off, status=status)
        return NodeView(node=node, pending=True, fence_requested=wanted_off, status=status)
