"""The DC's hands: plans, orders what is ready, fences, grants leaves, and plans again when the input changed."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.view import NodeView
from hashelld.core.effects import Effect
from hashelld.core.execution import Execution
from hashelld.core.lrm import Lrm, OrderDone, OrderKey, StatusChanged
from hashelld.core.measures import Measures
from hashelld.core.member import CLEANUP
from hashelld.core.office import Office
from hashelld.core.options import actions_at_once, is_in_maintenance
from hashelld.core.orders import Ordered, unsettled
from hashelld.core.results import UNRECORDED
from hashelld.core.standing import Standing
from hashelld.core.stonith import Stonith
from hashelld.model.action import LEFT_RUNNING, Action, ActionKind
from hashelld.model.device import FENCING_DEVICE
from hashelld.model.history import OCF_NOT_RUNNING, OCF_OK, OCF_RUNNING_PROMOTED, ActionResult, NodeStatus, OpStatus
from hashelld.model.ids import Millis, NodeId, ResourceId, Version
from hashelld.policy.graph import Transition
from hashelld.policy.plan import Planner
from hashelld.wire.client import Fenced
from hashelld.wire.log import Confirmation, Departure, Entry
from hashelld.wire.peer import Join, LeaveGranted, Order


_SWITCH: Final = -2
"""Instead of a transition and a place in it: an order of `Measures`, which nothing planned waits for."""
PICTURE_INTERVAL_MS: Final = 50
PICTURE_REFRESH_MS: Final = 2_000
_LRM_KINDS: Final = frozenset({ActionKind.RESOURCE, ActionKind.CANCEL, ActionKind.CLEAR_FAILURES, ActionKind.FORGET})
_PROBE_FOUND: Final = frozenset({OCF_OK, OCF_NOT_RUNNING, OCF_RUNNING_PROMOTED})


class Phase(Enum):
    """What a node does; the first five are any node's, the rest the DC's."""

    STARTING = "starting"
    ELECTING = "electing"
    CLAIMING = "claiming"
    FOLLOWING = "following"
    LEAVING = "leaving"
    JOINING = "joining"
    EXECUTING = "executing"
    WAITING = "waiting"
    IDLE = "idle"


class Summary(msgspec.Struct, frozen=True):
    """What the DC is doing, streamed with the picture of the nodes."""

    phase: str
    version: Version
    in_flight: tuple[str, ...]
    pending: int
    blocked: tuple[str, ...]
    fencing: tuple[str, ...]
    fenced: tuple[Fenced, ...] = ()


class Controller:
    """Walks transitions. All that it knows of nodes is in the `Office`."""

    def __init__(self, standing: Standing, office: Office, lrm: Lrm, stonith: Stonith) -> None:
        self._standing = standing
        self.office = office
        self._lrm = lrm
        self._stonith = stonith
        self._execution: Execution | None = None
        self._transition = Transition()
        self._planner = Planner()
        self.transition_number = 0
        self._has_news = False
        """An order of an earlier transition was carried out since the plan was made."""
        self._given_up: dict[int, Execution] = {}
        """By number: transitions that end early, and still have to notify of what they did."""
        self._call = 0
        self._orders: dict[int, Ordered] = {}
        self._entries: dict[int, tuple[int, int]] = {}
        """Serial of an ordered entry -> (transition number, index) of the action that waits for it."""
        self._plan_after_ms: Millis = 0
        """Not before then, whatever changes."""
        self._wake_wall_ms: int | None = None
        self._picture_ms: Millis = -PICTURE_REFRESH_MS
        self._last_picture = b""
        self.measures = Measures(self, standing, stonith)
        self.may_exit = self.may_leave_running = False
        """This DC's own SHUTDOWN action was reached: everything here is stopped."""

    # -- what is going on

    @property
    def phase(self) -> Phase:
        """The DC's phase."""
        if self._execution is not None:
            return Phase.EXECUTING
        if not self.office.leading.has_barrier:
            return Phase.JOINING
        waiting = self._orders or self._stonith.in_progress() or self.office.is_changed
        return Phase.WAITING if waiting else Phase.IDLE

    def summary(self) -> Summary:
        """What the DC is doing, for people."""
        pending = self._execution.remaining if self._execution is not None else 0
        return Summary(
            phase=self.phase.value,
            version=self._standing.log.acknowledged,
            in_flight=tuple(order.action.label for order in self._orders.values()),
            pending=pending,
            blocked=(*self.office.told_kept(), *(f"{b.resource}: {b.reason}" for b in self._transition.blocked)),
            fencing=self._stonith.in_progress(),
            fenced=self._stonith.fenced(self._standing.wall_offset_ms),
        )

    def is_planning_due(self, now: Millis) -> bool:
        """Did the input change, and may it be planned with?"""
        return self._has_to_plan and now >= self._plan_after_ms

    @property
    def _has_to_plan(self) -> bool:
        office = self.office
        return office.is_changed and office.leading.has_barrier and not office.is_confirming

    def deadline(self, now: Millis) -> Millis | None:
        """When the controller has something to do by time alone."""
        step_ms = self._standing.settings.deadtime_ms
        moments = [order.sent_ms + step_ms for order in self._orders.values()]
        moments.append(self._picture_ms + PICTURE_REFRESH_MS)
        if self._has_to_plan:
            moments.append(max(self._plan_after_ms, now))
        if self._wake_wall_ms is not None:
            moments.append(self._wake_wall_ms - self._standing.wall_offset_ms)
        return min(moments)

    # -- input

    def on_result(self, peer: NodeId, call: int, result: ActionResult) -> None:
        """An order was carried out."""
        order = self._orders.get(call)
        if order is None or order.action.node != peer:
            return
        del self._orders[call]
        is_recorded = order.action.operation not in UNRECORDED
        if order.action.kind is ActionKind.RESOURCE and is_recorded:
            self.office.merge_result(peer, result)
        is_ok = _is_expected(order.action, result)
        if not is_ok:
            self._standing.note("action.failed", action=order.action.label, rc=result.rc, reason=result.reason[:200])
        if order.index == _SWITCH:
            self.measures.on_switched(peer, result)
            return
        if order.action.kind is ActionKind.FENCE:
            self.measures.drop(peer)
        self.finished(order.transition, order.index, is_ok=is_ok, is_news=is_recorded)

    def on_status(self, peer: NodeId, status: NodeStatus) -> None:
        """A node's status: what this transition ordered is expected, all else is a changed input."""
        expected = self._ordered_on(peer)
        for result in self.office.on_status(peer, status):
            is_ours = (result.resource, result.operation, result.interval_ms) in expected
            if not is_ours and not (self._execution is None and result.status is OpStatus.PENDING):
                self.office.is_changed = True

    def _ordered_on(self, node: NodeId) -> set[tuple[ResourceId | None, str, int]]:
        """The operations that are ordered on a node and not answered: their results are no changed input."""
        return {
            (order.action.resource, order.action.operation, order.action.interval_ms)
            for order in self._orders.values()
            if order.action.node == node
        }

    def on_own(self, now: Millis, outcomes: list[Effect | OrderDone | StatusChanged]) -> None:
        """What this DC's own lrm answered."""
        standing = self._standing
        if any(isinstance(outcome, StatusChanged) for outcome in outcomes):
            self._own_status_changed()  # First, while the order that led to it is still known.
        for outcome in outcomes:
            if isinstance(outcome, OrderDone):
                if outcome.key.epoch == self.office.leading.epoch:
                    self.on_result(standing.node, outcome.key.call, outcome.result)
            elif not isinstance(outcome, StatusChanged):
                standing.emit(outcome)

    def _own_status_changed(self) -> None:
        before = self.office.statuses.get(self._standing.node)
        status = self._lrm.status()
        self.office.statuses[self._standing.node] = status
        if before is None:
            self.office.is_changed = True
            return
        expected = self._ordered_on(self._standing.node)
        known = set(before.operations)
        for result in status.operations:
            if result not in known and (result.resource, result.operation, result.interval_ms) not in expected:
                self.office.is_changed = True
        is_less = len(before.operations) > len(status.operations)
        if is_less or before.failures != status.failures or before.attributes != status.attributes:
            self.office.is_changed = True

    def on_acknowledged(self, entry: Entry) -> None:
        """An entry that an action waited for counts."""
        waiting = self._entries.pop(entry.version.serial, None)
        is_expected = waiting is not None and self._execution is not None and waiting[0] == self.transition_number
        was_changed = self.office.is_changed
        self.office.on_acknowledged(entry)
        if is_expected:  # The transition under way asked for it, and goes on from it.
            self.office.is_changed = was_changed
        self.measures.on_acknowledged(entry)
        change = entry.change
        if isinstance(change, Departure | Confirmation):
            self._settle_orders(change.node)
            self._stonith.cancel(change.node, change.incarnation)
            if isinstance(change, Departure):
                self._standing.send(change.node, LeaveGranted())
            else:
                self._standing.note("fence.done", target=change.node, by=change.by)
        if waiting is not None:
            self.finished(*waiting, is_ok=True)

    def on_new_incarnation(self, node: NodeId) -> None:
        """Orders to an earlier incarnation are settled by the later one's report; its failure is the plan's."""
        self._settle_orders(node)
        self._stonith.cancel(node, self._standing.incarnation_of(node))
        self.office.is_changed = True

    def on_returned(self, node: NodeId) -> None:
        """A lost node is heard again: it is not fenced any more, unless a device was called already."""
        self._stonith.cancel(node, self._standing.incarnation_of(node))
        self.office.is_changed = True

    def fencing_index(self, target: NodeId, device: ResourceId | None) -> int | None:
        """The action under way that fences a node, or cuts it off with this device."""
        if self._execution is None:
            return None
        actions = self._transition.actions
        found = [
            i
            for i in self._execution.in_flight
            if actions[i].kind is ActionKind.FENCE
            and actions[i].node == target
            and actions[i].operation != "on"
            and actions[i].meta.get(FENCING_DEVICE) == device
        ]
        return found[0] if found else None

    def wait_for(self, serial: int, index: int) -> None:
        """An action of this transition is done when the entry of this serial is acknowledged."""
        self._entries[serial] = (self.transition_number, index)

    def rest_until(self, moment: Millis) -> None:
        """No plan is made before."""
        self._plan_after_ms = moment

    @property
    def newest_call(self) -> int:
        """The number of the newest order."""
        return self._call

    def takes_join(self, node: NodeId, message: Join) -> bool:
        """Does a join answer the newest question? Then what the node did not begin of its orders is void."""
        orders = {call: order for call, order in self._orders.items() if order.action.node == node}
        if any(call > message.void for call in orders):
            return False  # Of a question before: the node was, or will be, told that more is void.
        for call, order in orders.items():
            if call not in message.begun:
                del self._orders[call]
                self.finished(order.transition, order.index, is_ok=False)
        return True

    def _settle_orders(self, node: NodeId) -> None:
        self.measures.drop(node)
        for call in [call for call, order in self._orders.items() if order.action.node == node]:
            order = self._orders.pop(call)
            self.finished(order.transition, order.index, is_ok=False)

    def finished(self, transition: int, index: int, *, is_ok: bool, is_news: bool = True) -> None:
        """An action of a transition, maybe of a former one, ended."""
        given_up = self._given_up.get(transition)
        if given_up is not None:
            given_up.on_done(index, is_ok)
        if self._execution is None or transition != self.transition_number:
            # The end of a transition plans again in any case; only a failure is worth giving it up.
            self._has_news = self._has_news or is_news
            is_over = self._execution is None and is_news
            self.office.is_changed = self.office.is_changed or not is_ok or is_over
            return
        self._execution.on_done(index, is_ok)
        if not is_ok:
            self._give_up("an action failed")

    # -- acting

    def on_time(self, now: Millis, *, is_leaving: bool) -> None:
        """Plan when the input changed, order what is ready, repeat what was not answered."""
        wall_ms = now + self._standing.wall_offset_ms
        if self._wake_wall_ms is not None and wall_ms >= self._wake_wall_ms:
            self._wake_wall_ms = None
            self.office.is_changed = True
        if self.office.is_changed and self._execution is not None:
            self._give_up("its input changed")
        self.measures.on_time(now, wall_ms)
        if self.is_planning_due(now):
            self._plan(now, wall_ms, is_leaving=is_leaving)
        self._walk(now, wall_ms)
        self._notify_late(now, wall_ms)
        self.measures.on_time(now, wall_ms)
        self._repeat(now)

    def _plan(self, now: Millis, wall_ms: int, *, is_leaving: bool) -> None:
        self.office.is_changed = self._has_news = False
        view = self.office.view(now, wall_ms, self._lrm.status(), is_leaving=is_leaving)
        view = msgspec.structs.replace(view, nodes=tuple(self._with_pending(node) for node in view.nodes))
        transition = self._planner.plan(view)
        self._transition = transition
        self.transition_number += 1
        self._wake_wall_ms = transition.wake_ms
        if transition.actions:
            self._execution = Execution(transition, *actions_at_once(view.cib, self._standing.settings.plan_batch_max))
            self._standing.note(
                "plan.made",
                number=self.transition_number,
                actions=len(transition.actions),
                epoch=str(self.office.leading.epoch),
            )

    def _with_pending(self, found: NodeView) -> NodeView:
        """An order without an answer is pending, whatever the node's last status says."""
        pending = {
            (order.action.resource, order.action.operation): ActionResult(
                resource=order.action.resource,
                operation=order.action.operation,
                call=call,
                status=OpStatus.PENDING,
            )
            for call, order in self._orders.items()
            if order.action.node == found.node
            and order.action.kind is ActionKind.RESOURCE
            and order.action.operation not in UNRECORDED
            and order.action.resource is not None
            and not order.action.interval_ms
        }
        if not pending or not found.online:
            return found
        kept = (r for r in found.status.operations if r.interval_ms or (r.resource, r.operation) not in pending)
        status = msgspec.structs.replace(found.status, operations=(*kept, *pending.values()))
        return msgspec.structs.replace(found, status=status)

    def _give_up(self, reason: str) -> None:
        """Order nothing further of this transition; what is in flight stays pending until it is answered."""
        if self._execution is not None and self._execution.has_notifications:
            self._execution.abort()
            self._given_up[self.transition_number] = self._execution
        self._execution = None
        self.office.is_changed = True
        self._standing.note("plan.aborted", number=self.transition_number, reason=reason)

    def _walk(self, now: Millis, wall_ms: int) -> None:
        while (execution := self._execution) is not None:
            ready = execution.ready(unsettled(self._orders.values(), self.transition_number, self._transition))
            for index, action in ready:
                if self._execution is not execution:
                    return
                self._begin(now, wall_ms, index, action)
            if execution.is_finished and self._execution is execution:
                self._standing.note("plan.done", number=self.transition_number)
                self._execution = None
                # What only told agents something left everything as it was: planned again, it would be told for ever.
                has_news = execution.has_effects or self._has_news
                self.office.is_changed = self.office.is_changed or has_news
            if not ready:
                return

    def _notify_late(self, now: Millis, wall_ms: int) -> None:
        """What a transition did before it was given up, or still does, is notified of all the same."""
        for number, execution in list(self._given_up.items()):
            for index, action in execution.ready():
                self.order(now, wall_ms, number, index, action)
            if execution.is_finished:
                self._given_up.pop(number, None)

    def _begin(self, now: Millis, wall_ms: int, index: int, action: Action) -> None:
        if not self._is_ours_to_do(action):
            self._standing.note("action.refused", action=action.label)  # What waits for it waits for another plan.
        elif action.kind in _LRM_KINDS:
            self.order(now, wall_ms, self.transition_number, index, action)
        elif action.kind is ActionKind.FENCE:
            self.measures.begin(now, wall_ms, index, action)
        elif action.kind is ActionKind.SHUTDOWN:
            self._grant_leave(now, wall_ms, index, action)
        else:
            self.finished(self.transition_number, index, is_ok=True)

    def _is_ours_to_do(self, action: Action) -> bool:
        """No daemon acts on remote and guest nodes."""
        is_member = action.host is None and action.node in self.office.places
        return action.kind is ActionKind.PSEUDO or is_member

    def order(self, now: Millis, wall_ms: int, transition: int, index: int, action: Action) -> None:
        """Have an action's node carry it out."""
        standing = self._standing
        assert action.node is not None
        for order in self._orders.values():
            if order.is_same(action):  # Ordered by an earlier transition, not answered yet: its answer serves.
                given_up = self._given_up.get(order.transition)
                if given_up is not None:
                    given_up.on_done(order.index, ok=False)  # What follows from it is this transition's now.
                order.index, order.transition = index, transition
                return
        self._call += 1
        order = Ordered(index, transition, action, standing.incarnation_of(action.node), now)
        self._orders[self._call] = order
        standing.note("action.ordered", action=action.label, reason=action.reason)
        if action.node == standing.node:
            key = OrderKey(self.office.leading.epoch, self._call)
            self.on_own(now, self._lrm.on_order(now, wall_ms, key, action))
        else:
            standing.send(action.node, Order(self._call, action))

    def order_switch(self, now: Millis, wall_ms: int, action: Action) -> None:
        """Have a node call one of its fabric devices; `Measures.on_switched` is told how that ended."""
        self.order(now, wall_ms, _SWITCH, _SWITCH, action)

    def _grant_leave(self, now: Millis, wall_ms: int, index: int, action: Action) -> None:
        standing = self._standing
        assert action.node is not None
        running = action.meta.get(LEFT_RUNNING, "")
        if action.node == standing.node and (not running or is_in_maintenance(standing.log.cib)):
            self.may_exit, self.may_leave_running = True, bool(running)
            self.finished(self.transition_number, index, is_ok=True)
            return
        if not self.office.let_go(action.node, running, wall_ms):
            self._plan_after_ms = now + standing.settings.deadtime_ms
            self.finished(self.transition_number, index, is_ok=False)
            return
        incarnation = standing.membership.incarnation(action.node)
        version = self.office.leading.order(Departure(action.node, incarnation), wall_ms)
        self._entries[version.serial] = (self.transition_number, index)

    def _repeat(self, now: Millis) -> None:
        """An order may have been lost on its way: said again, the node carries it out once."""
        for call, order in self._orders.items():
            node = order.action.node
            assert node is not None
            if node == self._standing.node or now - order.sent_ms < self._standing.settings.deadtime_ms:
                continue
            order.sent_ms = now
            if self.office.is_joined(node):
                self._standing.send(node, Order(call, order.action))

    def clean_up(self, now: Millis, resource: ResourceId | None, nodes: tuple[NodeId, ...]) -> None:
        """Have these nodes forget failures and history, so that they are looked at anew."""
        action = Action(kind=ActionKind.CLEAR_FAILURES, operation=CLEANUP, resource=resource)
        for node in nodes:
            if node == self._standing.node:
                self.on_own(now, [*self._lrm.cleanup(resource)])
                continue
            self._call += 1
            addressed = msgspec.structs.replace(action, node=node)
            incarnation = self._standing.incarnation_of(node)
            self._orders[self._call] = Ordered(-1, 0, addressed, incarnation, now)
            self._standing.send(node, Order(self._call, addressed))
        self.office.is_changed = True

    # -- telling the others

    def picture(self, now: Millis, nodes: bytes, summary: bytes) -> tuple[bytes, bytes] | None:
        """Nodes and summary to stream, when they changed or it is time; None otherwise."""
        both = nodes + summary
        is_due = now - self._picture_ms >= PICTURE_REFRESH_MS
        is_news = both != self._last_picture
        if not (is_due or is_news):
            return None
        self._picture_ms, self._last_picture = now, both
        return nodes, summary


def _is_expected(action: Action, result: ActionResult) -> bool:
    is_probe = action.operation == "monitor" and action.interval_ms == 0
    if is_probe and result.status is OpStatus.COMPLETE and result.rc in _PROBE_FOUND:
        return result.rc == action.expected_rc
    return not result.is_failed
