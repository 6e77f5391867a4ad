"""What a node does on its own without quorum, or at its end: it stops or demotes, in the order demanded."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.core.effects import Effect
from hashelld.core.execution import Execution
from hashelld.core.lrm import Lrm, OrderDone, OrderKey, StatusChanged
from hashelld.core.standing import Standing
from hashelld.model.action import Action
from hashelld.model.history import ActionResult, NodeStatus
from hashelld.model.ids import Epoch, Millis, NodeId, ResourceId
from hashelld.policy.graph import Transition
from hashelld.policy.local import demote_everything, stop_everything


RETRY_MS: Final = 5_000
_LOCAL: Final = NodeId("~")
"""No node's name: orders of this epoch come from nobody but this machine."""


class Retreat:
    """Stops what is active here, without a DC."""

    def __init__(self, standing: Standing, lrm: Lrm) -> None:
        self._standing = standing
        self._lrm = lrm
        self._execution: Execution | None = None
        self._number = 0
        self._calls: dict[int, int] = {}
        self._call = 0
        self._looks: dict[ResourceId, tuple[int, Action]] = {}
        """Stops that wait for a first look: what it finds is stopped, and nothing else is."""
        self._retry_ms: Millis | None = None
        self._only_demotes = False
        self._has_failed = False
        self.has_failed_stop = False
        self._undemotable: set[ResourceId] = set()
        """Their demotion failed: they are stopped as they are."""

    @property
    def is_active(self) -> bool:
        """Is it stopping things?"""
        return self._execution is not None

    def deadline(self) -> Millis | None:
        """When what is still active is looked at again."""
        return self._retry_ms if self._execution is None and self.is_needed() else None

    def is_needed(self) -> bool:
        """Is anything active, or about to be?"""
        return bool(self._lrm.active() or self._lrm.in_flight())

    def begin(self, now: Millis, *, only_demote: bool = False) -> None:
        """Stop everything that is active; does nothing when that is under way.

        `only_demote` leaves unpromoted what has roles (no-quorum-policy=demote). What fails to be demoted is stopped.
        """
        is_stricter = self._only_demotes and not only_demote
        is_resting = self._retry_ms is not None and now < self._retry_ms and not is_stricter
        if self._execution is not None or is_resting:
            return
        self._only_demotes = only_demote
        self._lrm.drop_queued()
        transition = self._down(only_demote=only_demote)
        self._retry_ms = now + RETRY_MS
        self._number += 1
        self._forget_orders()
        self._execution = Execution(transition, self._standing.settings.plan_batch_max)
        self._walk(now)

    def is_owing(self, *, only_demote: bool) -> bool:
        """Is there anything that has to be stopped or demoted, and is not yet?"""
        return bool(self._lrm.in_flight() or self._down(only_demote=only_demote).actions)

    def _down(self, *, only_demote: bool) -> Transition:
        down = demote_everything if only_demote and not self._has_failed else stop_everything
        return down(self._standing.log.cib, self._status(), self._standing.node)

    def _status(self) -> NodeStatus:
        """The lrm's status, with everything that runs or is promoted: a history that was cleaned up does not say it.

        What is looked at for the first time may run, and need what would be stopped before it.
        """
        status = self._lrm.status()
        call = max((result.call for result in status.operations), default=0) + 1
        known = {result.resource for result in status.operations}
        looked_at = tuple(
            ActionResult(resource=resource, operation="start", call=call) for resource in sorted(self._looked_at())
        )
        running = tuple(
            ActionResult(resource=action.resource, operation="start")
            for action in self._lrm.active_actions()
            if action.resource is not None and action.resource not in known
        )
        promoted = tuple(
            ActionResult(resource=resource, operation="promote", call=call) for resource in sorted(self._lrm.promoted())
        )
        as_demoted = tuple(
            ActionResult(resource=resource, operation="demote", call=call + 1)
            for resource in sorted(self._undemotable & self._lrm.active())
        )
        operations = (*status.operations, *running, *looked_at, *promoted, *as_demoted)
        return msgspec.structs.replace(status, operations=operations)

    def _looked_at(self) -> frozenset[ResourceId]:
        """What is looked at, and not known to be active."""
        looks = (action for action in self._lrm.in_flight() if action.operation == "monitor")
        return frozenset(action.resource for action in looks if action.resource is not None) - self._lrm.active()

    def _forget_orders(self) -> None:
        self._calls.clear()
        self._looks.clear()

    def end(self) -> None:
        """A DC is heard: it decides from here on."""
        self._execution, self._retry_ms = None, None
        self._only_demotes = self._has_failed = self.has_failed_stop = False
        self._undemotable.clear()
        self._forget_orders()

    def on_dropped(self) -> None:
        """Every order that waited for its turn was dropped, these too: they are given anew."""
        self._execution, self._retry_ms = None, None
        self._forget_orders()

    def on_outcomes(self, now: Millis, outcomes: list[Effect | OrderDone | StatusChanged]) -> None:
        """What the lrm answered; orders of others are not looked at."""
        for outcome in outcomes:
            if isinstance(outcome, OrderDone):
                self.on_done(now, outcome)
            elif not isinstance(outcome, StatusChanged):
                self._standing.emit(outcome)

    def on_done(self, now: Millis, outcome: OrderDone) -> None:
        """One of the stops ended, or a look that one of them waits for."""
        if outcome.key.epoch.node != _LOCAL:
            self._on_look(now, outcome.result.resource)
            return
        index = self._calls.pop(outcome.key.call, None)
        if index is None or self._execution is None:
            return
        self._note_failure(outcome.result)
        self._execution.on_done(index, not outcome.result.is_failed)
        self._walk(now)

    def _note_failure(self, result: ActionResult) -> None:
        if not result.is_failed:
            return
        self._has_failed = True
        self.has_failed_stop = self.has_failed_stop or result.operation == "stop"
        if result.operation == "demote":
            self._undemotable.add(result.resource)

    def _on_look(self, now: Millis, resource: ResourceId) -> None:
        if self._execution is None or resource not in self._looks or resource in self._looked_at():
            return
        index, action = self._looks.pop(resource)
        if resource in self._lrm.active():
            self._order(now, index, action)
        else:
            self._execution.on_done(index, ok=True)
        self._walk(now)

    def _walk(self, now: Millis) -> None:
        while (execution := self._execution) is not None:
            ready = execution.ready()
            looked_at = self._looked_at()
            for index, action in ready:
                if action.resource in looked_at:
                    self._looks[action.resource] = (index, action)
                else:
                    self._order(now, index, action)
            if execution.is_finished and self._execution is execution:
                self._execution = None
            if not ready:
                return

    def _order(self, now: Millis, index: int, action: Action) -> None:
        self._call += 1
        self._calls[self._call] = index
        key = OrderKey(Epoch(self._number, _LOCAL), self._call)
        self.on_outcomes(now, self._lrm.on_order(now, now + self._standing.wall_offset_ms, key, action))
