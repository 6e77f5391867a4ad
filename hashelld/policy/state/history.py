"""The history of one resource on one node, read from the oldest result to the newest."""

from __future__ import annotations

from typing import Final

from hashelld.model.history import (
    OCF_ERR_ARGS,
    OCF_ERR_CONFIGURED,
    OCF_ERR_INSTALLED,
    OCF_ERR_UNIMPLEMENTED,
    OCF_FAILED_PROMOTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
    ActionResult,
    OpStatus,
)
from hashelld.policy.state.counts import heed_parameters, is_expired
from hashelld.policy.state.failing import can_fence, is_graver, on_fail_of
from hashelld.policy.state.findings import Failure, failure_text
from hashelld.policy.state.items import Item, Node, Stage
from hashelld.policy.state.migrations import Migrating
from hashelld.policy.state.observation import Observation, ban, block


IGNORED: Final = "ignore"
_DEGRADED: Final = {190: OCF_OK, 191: OCF_RUNNING_PROMOTED}
_HARD: Final = frozenset({OCF_ERR_ARGS, OCF_ERR_UNIMPLEMENTED, 4, OCF_ERR_INSTALLED})
_ABSENT: Final = frozenset({OCF_ERR_ARGS, OCF_ERR_INSTALLED})
"""What a probe may answer where the resource cannot run: then it does not."""
_SILENT: Final = frozenset({"notify", "meta-data"})
_LASTING: Final = frozenset({"stop", "ban", "standby", "fence"})
"""What a later success does not make good."""
_DONE: Final = {
    "start": Stage.STARTED,
    "stop": Stage.STOPPED,
    "promote": Stage.PROMOTED,
    "demote": Stage.UNPROMOTED,
    "migrate_from": Stage.STARTED,
}


class Reading:
    """Reads one history; what it means for the item is then applied by `failures.conclude`."""

    __slots__ = ("failure", "item", "last_failed", "node", "notes", "on_fail", "stage")

    def __init__(self, notes: Observation, item: Item, node: Node) -> None:
        self.notes = notes
        self.item = item
        self.node = node
        self.stage = Stage.UNKNOWN
        self.on_fail = IGNORED
        self.failure: Failure | None = None
        """The gravest one that was not made good."""
        self.last_failed: tuple[str, int] | None = None

    def read(self, results: list[ActionResult]) -> None:
        """Take in all results, in their order."""
        for result in results:
            if result.status is OpStatus.CANCELLED or result.operation in _SILENT:
                continue
            if result.status is OpStatus.PENDING:
                if not (result.interval_ms and _has_failed_since(results, result)):
                    self._take_pending(result)
            else:
                self._take(result)
        self._note_recurring(results)

    def rise(self) -> None:
        """It is active, how far up is not said."""
        self.stage = Stage.UNPROMOTED if self.item.is_promotable else Stage.STARTED

    def _take_pending(self, result: ActionResult) -> None:
        item, at = self.item, self.node.index
        match result.operation:
            case "start":
                item.is_start_pending = True
                self.rise()
            case "promote":
                self.stage = Stage.PROMOTED
            case "migrate_to" if self.node.is_unclean and result.migrate_target is not None:
                target = self.notes.situation.node_by_id.get(result.migrate_target)
                if target is not None:
                    item.forced_stops.setdefault(target, f"its migration from {self.node.id} was interrupted")
            case _:
                pass
        is_monitor = result.operation == "monitor"
        if not (is_monitor and not result.interval_ms):
            self.notes.pending.setdefault(item.index, at)
        if not is_monitor and not item.pending:
            item.pending, item.pending_node = result.operation, at

    def _take(self, result: ActionResult) -> None:
        item, node = self.item, self.node
        heed_parameters(self.notes, item, node.index, result)
        is_old = bool(item.failure_timeout_ms) and is_expired(self.notes, item, node.index, result)
        is_probe = result.operation == "monitor" and not result.interval_ms
        rc = _DEGRADED.get(result.rc, result.rc)
        status = self._judge(result, rc, is_probe=is_probe, is_old=is_old)
        if is_old and result.rc != _expected(result):
            if not result.interval_ms:
                return
            if node.is_online and not node.is_unclean:
                key = (result.operation, result.interval_ms)
                item.reschedules.setdefault(node.index, set()).add(key)
                return
        if is_probe and not item.is_isolated and (result.rc in _ABSENT or status is OpStatus.NOT_INSTALLED):
            self.stage = Stage.STOPPED
            ban(item, node.index, failure_text(result, node.id))
        elif status is OpStatus.COMPLETE:
            self._succeed(result, rc)
        else:
            self._fail(result, status)

    def _judge(self, result: ActionResult, rc: int, *, is_probe: bool, is_old: bool) -> OpStatus:
        """How the operation ended, by what was expected of it; some codes say by themselves what the resource is."""
        if result.status is not OpStatus.COMPLETE:
            return result.status
        expected = _expected(result)
        status = OpStatus.COMPLETE if rc == expected else OpStatus.ERROR
        if rc == OCF_OK:
            return OpStatus.COMPLETE if is_probe and expected == OCF_NOT_RUNNING else status
        if rc == OCF_NOT_RUNNING:
            if is_probe or rc == expected or not self.item.is_managed:
                self.stage = Stage.STOPPED
                self._forgive()
                return OpStatus.COMPLETE
            return status
        if rc == OCF_RUNNING_PROMOTED:
            if not is_old or rc == expected:
                self.stage = Stage.PROMOTED
            return OpStatus.COMPLETE if is_probe else status
        return self._judge_error(result, rc, is_old=is_old)

    def _judge_error(self, result: ActionResult, rc: int, *, is_old: bool) -> OpStatus:
        if rc == OCF_FAILED_PROMOTED:
            if not is_old:
                self.stage = Stage.PROMOTED
            return OpStatus.ERROR
        if rc == OCF_ERR_CONFIGURED:
            return OpStatus.FATAL
        if rc == OCF_ERR_UNIMPLEMENTED and result.interval_ms:
            return OpStatus.NOT_SUPPORTED
        if rc in _HARD:
            if result.operation == "stop" and not is_old and not can_fence(self.notes.situation, self.node):
                block(self.item, failure_text(result, self.node.id))
            return OpStatus.HARD
        return OpStatus.ERROR

    def _succeed(self, result: ActionResult, rc: int) -> None:
        """What a success tells of the resource, and which failures it makes good."""
        operation = result.operation
        is_cure = True
        if rc == OCF_NOT_RUNNING:
            pass
        elif operation == "monitor":
            is_cure = self.last_failed == (operation, result.interval_ms)
            if self.stage < Stage.STARTED:
                self.rise()
        elif operation == "migrate_to":
            is_cure = False
            Migrating(self, result).succeed()
        elif operation in _DONE:
            is_cure = operation != "demote" or self.on_fail == "demote"
            self.stage = _DONE[operation]
        else:
            is_cure = False
            if self.stage < Stage.STARTED:
                self.rise()
        if is_cure:
            self._cure()

    def _cure(self) -> None:
        if self.on_fail in _LASTING or (self.on_fail == "reset-remote" and self.item.reconnect_ms):
            return
        self._forgive()

    def _forgive(self) -> None:
        self.on_fail = IGNORED
        self.failure = None

    def _fail(self, result: ActionResult, status: OpStatus) -> None:
        item, node = self.item, self.node
        asked = on_fail_of(self.notes.situation, item, result.operation, result.interval_ms)
        text = failure_text(result, node.id)
        if status is OpStatus.NOT_INSTALLED:
            if asked == IGNORED:
                asked = "ban"
            ban(item, node.index, text)
        elif status is OpStatus.NOT_CONNECTED:
            self._doubt_connection()
        if asked == IGNORED or (asked == "restart-container" and result.operation == "stop"):
            self._pass_over(result, asked)
            return
        self._suffer(result, asked)
        if status is OpStatus.HARD:
            ban(item, node.index, text)
        elif status is OpStatus.FATAL:
            ban(item, None, text)

    def _doubt_connection(self) -> None:
        """Only a connection that is lost can make its node unreachable."""
        connection = self.node.connection
        if connection is not None and connection.is_managed:
            connection.is_failed = connection.is_recovering = True

    def _pass_over(self, result: ActionResult, asked: str) -> None:
        """A failure that is not minded counts as a success."""
        self._succeed(result, _DEGRADED.get(_expected(result), _expected(result)))
        self.item.is_failure_ignored = True
        if self.failure is None:
            self.failure = _failure(result, asked)
        if asked != IGNORED and not is_graver(self.on_fail, asked):
            self.on_fail = asked

    def _suffer(self, result: ActionResult, asked: str) -> None:
        item, node = self.item, self.node
        self.last_failed = (result.operation, result.interval_ms)
        if self.failure is None or not is_graver(self.on_fail, asked):
            self.failure = _failure(result, asked)
        if is_graver(asked, self.on_fail):
            self.on_fail = asked
        self._stage_after_failure(result, asked)
        is_probe = result.operation == "monitor" and not result.interval_ms
        if is_probe and result.rc == OCF_ERR_INSTALLED:
            self.stage = Stage.STOPPED
        elif self.stage < Stage.STARTED:
            self.rise()
        if asked == "stop" or (asked == "reset-remote" and item.reconnect_ms):
            ban(item, None, failure_text(result, node.id))

    def _stage_after_failure(self, result: ActionResult, asked: str) -> None:
        match result.operation:
            case "stop":
                self.item.bans.setdefault(self.node.index, failure_text(result, self.node.id))
            case "migrate_to":
                Migrating(self, result).fail_to()
            case "migrate_from":
                Migrating(self, result).fail_from()
            case "promote":
                self.stage = Stage.PROMOTED
            case "demote" if asked == "block":
                self.stage = Stage.PROMOTED
                self.item.stays_stopped = failure_text(result, self.node.id)
            case "demote" if result.rc == OCF_NOT_RUNNING:
                self.stage = Stage.STOPPED
            case "demote":
                # It is stopped next anyway; still promoted it would be demoted in vain again and again.
                self.stage = Stage.UNPROMOTED
            case _:
                pass

    def _note_recurring(self, results: list[ActionResult]) -> None:
        """Recurring operations that run now: those since the last start."""
        if not self.node.is_online or (len(results) == 1 and not results[0].interval_ms):
            return
        running = {
            (result.operation, result.interval_ms): result
            for result in since_start(results)
            if result.interval_ms and result.status not in {OpStatus.PENDING, OpStatus.CANCELLED}
        }
        if running:
            self.item.recurring[self.node.index] = running


def _has_failed_since(results: list[ActionResult], pending: ActionResult) -> bool:
    """Of a recurring operation Pacemaker keeps the last failure beside the entry that says that it is under way."""
    return any(
        (result.operation, result.interval_ms) == (pending.operation, pending.interval_ms)
        and result.is_failed
        and result.ended_ms >= pending.ended_ms
        for result in results
    )


def _failure(result: ActionResult, asked: str) -> Failure:
    expected_rc = _expected(result)
    return Failure(result.operation, result.interval_ms, result.rc, result.status, asked, result.reason, expected_rc)


def _expected(result: ActionResult) -> int:
    """The return code that means success; where it is not said, what is usual."""
    if result.expected_rc >= 0:
        return result.expected_rc
    return OCF_NOT_RUNNING if result.operation == "monitor" and not result.interval_ms else OCF_OK


def since_start(results: list[ActionResult]) -> list[ActionResult]:
    """The part of a history that belongs to what runs now: from the last start, or what amounts to one; what came after
    the stop if it was stopped since.
    """
    started, stopped = last_start_and_stop(results)
    return results[stopped + 1 :] if started < stopped else results[max(started, 0) :]


def last_start_and_stop(results: list[ActionResult]) -> tuple[int, int]:
    """Where a history has the last start, or what amounts to one, and the last stop; -1 for none."""
    started = stopped = implied = role_change = -1
    for at, result in enumerate(results):
        match result.operation:
            case "stop" if result.status is OpStatus.COMPLETE:
                stopped = at
            case "start" | "migrate_from":
                started = at
            case "monitor" if implied <= stopped and result.rc in {OCF_OK, OCF_RUNNING_PROMOTED}:
                implied = at
            case "promote" | "demote":
                role_change = at
            case _:
                pass
    if started == -1:
        started = role_change if role_change != -1 else implied
    return started, stopped
