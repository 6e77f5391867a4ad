"""The local resource manager: carries out orders on this node, one agent at a time for each resource.

Rule: what an agent did is recorded before its order is answered, and an order is begun at most once.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final, TypeAlias

import msgspec

from hashelld.agents.classes import invocation
from hashelld.agents.kinds import AgentRefused, Exists, exists_nowhere
from hashelld.core.effects import Effect, KillAgent, Level, Note, RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.lanes import Job, Lane, Recurring, Run
from hashelld.core.record import Operation, Record
from hashelld.core.results import (
    MERELY_TOLD,
    UNRECORDED,
    Began,
    as_heard,
    fields_of,
    local_result,
    result_of,
    result_of_agent,
)
from hashelld.core.settings import Settings
from hashelld.model.action import Action, ActionKind
from hashelld.model.device import DIGESTS_ALL, DIGESTS_SECURE, UNFENCED
from hashelld.model.history import (
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    ActionResult,
    NodeStatus,
    OpStatus,
)
from hashelld.model.ids import Epoch, Millis, NodeId, ResourceId


ANSWERS_MAX: Final = 4_096
"""So many answers are kept for orders that come again; older ones are refused by the messages' sequence."""

MESSAGES: Final[dict[str, tuple[Level, str]]] = {
    "agent.begun": (Level.DEBUG, "an agent was started for an order or a recurring monitor"),
    "agent.done": (Level.INFO, "an operation ended as expected"),
    "agent.failed": (Level.WARNING, "an operation failed: its code and reason"),
    "agent.refused": (Level.ERROR, "an agent cannot be executed: the reason"),
}

_ENDING: Final = frozenset({"stop", "demote", "migrate_to"})
"""Operations before which all monitors end: what they look for is about to be otherwise."""
_SHOWN_PENDING: Final = frozenset({"start", "stop", "promote", "demote", "migrate_to", "migrate_from"})
_LOOKING: Final = UNRECORDED | {"monitor"}
"""Operations that make nothing active."""


class OrderKey(msgspec.Struct, frozen=True, array_like=True):
    """Which order this is: the DC's epoch and its number in it."""

    epoch: Epoch
    call: int


class OrderDone(msgspec.Struct, frozen=True):
    """An order's answer."""

    key: OrderKey
    result: ActionResult


class StatusChanged(msgspec.Struct, frozen=True):
    """`Lrm.status()` is another one than before."""


LrmOutput: TypeAlias = Effect | OrderDone | StatusChanged


class Lrm:
    """Feed it orders and the ends of agents; carry out what it returns, in order."""

    def __init__(
        self, node: NodeId, settings: Settings, next_run: Callable[[], int], exists: Exists = exists_nowhere
    ) -> None:
        self._node = node
        self._settings = settings
        self._next_run = next_run
        self._exists = exists
        self._record = Record(node)
        self._dampened: dict[str, tuple[Millis, str | None]] = {}
        """Transient attributes that are to change, and when."""
        self._lanes: dict[ResourceId, Lane] = {}
        self._runs: dict[int, Run] = {}
        self._recurring: dict[Operation, Recurring] = {}
        self._accepted: set[OrderKey] = set()
        self._answers: dict[OrderKey, ActionResult] = {}
        self._calls = 0
        self._wakes: list[tuple[Millis, int, ResourceId, Recurring | None]] = []
        self._wake_numbers = count()
        self._out: list[LrmOutput] = []
        self._reported_serial = 0

    # What it is told.

    def on_order(self, now: Millis, wall_ms: int, key: OrderKey, action: Action) -> list[LrmOutput]:
        """Carry an order out, once; an order that comes again gets its first answer."""
        assert action.resource is not None, action.label
        assert action.node in (None, self._node), action.label
        if (answered := self._answers.get(key)) is not None:
            return [OrderDone(key, answered)]
        if key in self._accepted:
            return []
        self._accepted.add(key)
        match action.kind:
            case ActionKind.RESOURCE:
                self._accept(now, wall_ms, key, action)
            case ActionKind.CANCEL:
                self._end_recurring(now, wall_ms, (action.resource, action.operation, action.interval_ms))
                self._record.drop((action.resource, action.operation, action.interval_ms))
                self._answer(key, local_result(action, wall_ms))
            case ActionKind.CLEAR_FAILURES:
                self._record.clear_failures(action.resource)
                self._answer(key, local_result(action, wall_ms))
            case ActionKind.FORGET:
                self._forget(now, wall_ms, action.resource)
                self._answer(key, local_result(action, wall_ms))
            case ActionKind.FENCE if action.operation == "on":
                self._note_access(action, wall_ms)
                self._answer(key, local_result(action, wall_ms))
            case ActionKind.FENCE | ActionKind.SHUTDOWN | ActionKind.PSEUDO:
                raise AssertionError(f"{action.label} is no action of the lrm")
        return self._flush()

    def on_agent_ended(self, now: Millis, wall_ms: int, event: AgentEnded) -> list[LrmOutput]:
        """Record what an agent did, answer its order, and begin what waited for it."""
        run = self._runs.pop(event.run)
        resource = _resource(run.job.action)
        lane = self._lanes[resource]
        lane.run = None
        if run.is_cancelled:
            self._give_up(run.job, wall_ms)
        elif _has_older_word(run.job, event.rc):
            run.job.word = "reload"
            lane.jobs.appendleft(run.job)
        else:
            self._finish(run, wall_ms, result_of_agent(run.began, wall_ms, event, self._exists))
        self._schedule_next(now, run)
        self._pump(now, wall_ms, resource)
        return self._flush()

    def on_deadline(self, now: Millis, wall_ms: int) -> list[LrmOutput]:
        """Begin the monitors whose time has come, and set the attributes that waited long enough."""
        for name in [name for name, (at, _) in self._dampened.items() if at <= now]:
            self._record.set_attribute(name, self._dampened.pop(name)[1])
        while self._wakes and self._wakes[0][0] <= now:
            at, _, resource, recurring = heapq.heappop(self._wakes)
            if recurring is not None and not recurring.is_ended and recurring.due == at:
                recurring.due = None
                self._lane(resource).jobs.append(Job(recurring.action, recurring.key, now, recurring))
            self._pump(now, wall_ms, resource)
        return self._flush()

    def deadline(self) -> Millis | None:
        """When `on_deadline` is wanted."""
        moments = [at for at, _ in self._dampened.values()]
        while self._wakes:
            at, _, _, recurring = self._wakes[0]
            if recurring is None or (not recurring.is_ended and recurring.due == at):
                moments.append(at)
                break
            heapq.heappop(self._wakes)
        return min(moments, default=None)

    def drop_queued(self) -> None:
        """Forget the orders that were not begun (a new epoch is joined); recurring monitors go on."""
        for lane in self._lanes.values():
            kept = deque(job for job in lane.jobs if job.key is None)
            for job in lane.jobs:
                if job.key is not None:
                    self._drop(job.key, job.recurring)
            lane.jobs = kept
        for recurring in list(self._recurring.values()):
            if recurring.key is not None and recurring.due is not None:
                self._drop(recurring.key, recurring)

    def cleanup(self, resource: ResourceId | None) -> list[LrmOutput]:
        """Forget failures and history of a resource (all its instances), so that it is looked at again.

        None: of every resource that failed. What runs is still known to run, and recurring monitors go on.
        """
        for known in sorted(self._record.resources()):
            is_meant = self._record.has_failed(known) if resource is None else known.split(":")[0] == resource
            if is_meant or known == resource:
                self._record.forget(known)
        return self._flush()

    def set_attribute(self, now: Millis, name: str, value: str | None, delay_ms: Millis = 0) -> list[LrmOutput]:
        """Set a transient attribute of this node, or (None) remove it.

        With a delay the change shows when nothing else was set for so long: other nodes have time to see the same.
        """
        if not delay_ms:
            self._dampened.pop(name, None)
            self._record.set_attribute(name, value)
        elif self.attributes().get(name) != value:
            self._dampened[name] = (now + delay_ms, value)
        return self._flush()

    def set_failures(self, operation: Operation, count: int, wall_ms: int) -> list[LrmOutput]:
        """Let an operation have failed so often here; 0: never."""
        self._record.set_failures(operation, count, wall_ms)
        return self._flush()

    def attributes(self) -> dict[str, str]:
        """The transient attributes of this node, with the changes that do not show yet."""
        told = dict(self._record.status().attributes)
        for name, (_, value) in self._dampened.items():
            if value is None:
                told.pop(name, None)
            else:
                told[name] = value
        return told

    # What it tells.

    def owns(self, run: int) -> bool:
        """Is this one of its agents in flight?"""
        return run in self._runs

    def in_flight(self) -> tuple[Action, ...]:
        """The actions whose agents run; turns of recurring monitors change nothing and are not among them."""
        return tuple(run.job.action for run in self._runs.values() if run.job.recurring is None)

    def begun(self, epoch: Epoch) -> tuple[int, ...]:
        """Which orders of an epoch are being carried out, or were, as far as is remembered."""
        return tuple(sorted(key.call for key in (*self._accepted, *self._answers) if key.epoch == epoch))

    def status(self) -> NodeStatus:
        """What this node reports of itself."""
        return self._record.status()

    def active(self) -> frozenset[ResourceId]:
        """The resources that run here, or may: a failed start, stop or first look leaves that open."""
        return frozenset(self._record.running).union(
            _resource(action) for action in self.in_flight() if action.operation not in _LOOKING
        )

    def promoted(self) -> frozenset[ResourceId]:
        """The active resources that are promoted, or may be."""
        return frozenset(self._record.promoted).union(
            _resource(action) for action in self.in_flight() if action.operation == "promote"
        )

    def active_actions(self) -> tuple[Action, ...]:
        """For each active resource the start (or look) that found it: its agent and parameters, to stop it with."""
        starting = {_resource(a): a for a in self.in_flight() if a.operation not in _LOOKING}
        return tuple((starting | self._record.running).values())

    # Orders.

    def _accept(self, now: Millis, wall_ms: int, key: OrderKey, action: Action) -> None:
        resource = _resource(action)
        if action.interval_ms > 0:
            operation = (resource, action.operation, action.interval_ms)
            self._end_recurring(now, wall_ms, operation)
            recurring = Recurring(action, None, key)
            self._recurring[operation] = recurring
            if action.start_delay_ms > 0:
                self._wake_at(now + action.start_delay_ms, resource, recurring)
                return
            self._lane(resource).jobs.append(Job(action, key, now, recurring))
        else:
            if action.operation in _ENDING:
                self._interrupt(now, wall_ms, resource)
            self._lane(resource).jobs.append(Job(action, key, now + action.start_delay_ms))
        self._pump(now, wall_ms, resource)

    def _note_access(self, action: Action, wall_ms: int) -> None:
        """Every device gave this node access: planning is told so, and with which parameters."""
        self._record.set_attribute(UNFENCED, str(wall_ms // 1000))
        for name in (DIGESTS_ALL, DIGESTS_SECURE):
            self._record.set_attribute(name, action.meta.get(name) or None)

    def _pump(self, now: Millis, wall_ms: int, resource: ResourceId) -> None:
        """Begin what waits in a lane, as far as it may."""
        lane = self._lane(resource)
        while lane.run is None and lane.jobs:
            if lane.jobs[0].not_before > now:
                heapq.heappush(self._wakes, (lane.jobs[0].not_before, next(self._wake_numbers), resource, None))
                return
            self._begin(now, wall_ms, lane, lane.jobs.popleft())
        if lane.run is None:
            del self._lanes[resource]

    def _begin(self, now: Millis, wall_ms: int, lane: Lane, job: Job) -> None:
        if job.action.operation in _ENDING:
            self._end_all_recurring(now, wall_ms, _resource(job.action))
            job.action = self._as_started(job.action)
        action = job.action
        self._calls += 1
        run = Run(job, Began(action, self._calls, wall_ms), now)
        local = self._without_agent(action)
        if local is not None:
            self._finish(run, wall_ms, result_of(run.began, wall_ms, OpStatus.COMPLETE, local))
            return
        try:
            told = msgspec.structs.replace(action, operation=job.word) if job.word else action
            called = invocation(told, self._node, self._settings, self._exists)
        except AgentRefused as refusal:
            self._note("agent.refused", action, {"reason": str(refusal)})
            self._finish(run, wall_ms, result_of(run.began, wall_ms, OpStatus.ERROR, refusal.rc, str(refusal)))
            self._schedule_next(now, run)
            return
        lane.run = self._next_run()
        self._runs[lane.run] = run
        if action.operation in _SHOWN_PENDING:
            self._record.put(result_of(run.began, 0, OpStatus.PENDING, OCF_OK))
        self._note("agent.begun", action, {})
        self._out.append(
            RunAgent(
                run=lane.run,
                argv=called.argv,
                environment=called.environment,
                stdin=called.stdin,
                timeout_ms=called.timeout_ms,
                label=action.label,
            )
        )

    def _as_started(self, action: Action) -> Action:
        """What runs is stopped with what it was started with: the configuration may have changed, or be gone."""
        started = self._record.running.get(_resource(action))
        if started is None or started.agent is None:
            return action
        return msgspec.structs.replace(action, agent=started.agent, parameters=started.parameters)

    def _without_agent(self, action: Action) -> int | None:
        """A fencing device is stopped by not being used, and looked for in memory: the code; None: an agent runs.

        A removed resource of which nothing is remembered does not run here either.
        """
        if action.agent is None:
            return OCF_OK if action.operation == "stop" else OCF_NOT_RUNNING
        if action.agent.standard != "stonith":
            return None
        if action.operation == "stop":
            return OCF_OK
        if action.operation == "monitor" and action.interval_ms == 0:
            return OCF_OK if action.resource in self._record.running else OCF_NOT_RUNNING
        return None

    # Results.

    def _finish(self, run: Run, wall_ms: int, result: ActionResult) -> None:
        """Record a result and answer its order."""
        job = run.job
        is_recorded = job.action.operation not in UNRECORDED
        if self._is_news(job, result):
            if is_recorded:
                self._record.take(job.action, result, wall_ms)
            if result.is_failed or job.recurring is None:
                self._note("agent.failed" if result.is_failed else "agent.done", job.action, fields_of(result))
        if job.action.operation in MERELY_TOLD:
            result = as_heard(result)
        if job.key is not None:
            self._answer(job.key, result)

    def _is_news(self, job: Job, result: ActionResult) -> bool:
        """The first run of a monitor is, and any that failed or differs from the one before."""
        if job.key is not None or job.recurring is None or result.is_failed:
            return True
        before = self._record.newest((result.resource, result.operation, result.interval_ms))
        return before is None or (before.rc, before.status) != (result.rc, result.status)

    def _answer(self, key: OrderKey, result: ActionResult) -> None:
        self._accepted.discard(key)
        self._answers[key] = result
        if len(self._answers) > ANSWERS_MAX:
            del self._answers[next(iter(self._answers))]
        self._out.append(OrderDone(key, result))

    # Recurring monitors.

    def _schedule_next(self, now: Millis, run: Run) -> None:
        recurring = run.job.recurring
        if recurring is None or recurring.is_ended:
            return
        recurring.key = None
        at = max(now, run.started + recurring.action.interval_ms)
        self._wake_at(at, _resource(recurring.action), recurring)

    def _wake_at(self, at: Millis, resource: ResourceId, recurring: Recurring) -> None:
        recurring.due = at
        heapq.heappush(self._wakes, (at, next(self._wake_numbers), resource, recurring))

    def _interrupt(self, now: Millis, wall_ms: int, resource: ResourceId) -> None:
        """Give a stop its way: end the monitor in flight and take waiting ones out of the queue."""
        lane = self._lane(resource)
        waiting = [job for job in lane.jobs if job.recurring is not None]
        lane.jobs = deque(job for job in lane.jobs if job.recurring is None)
        for job in waiting:
            self._give_up(job, wall_ms)
            assert job.recurring is not None
            job.recurring.key = None
            self._wake_at(now + job.action.interval_ms, resource, job.recurring)
        self._kill(lane, None)

    def _kill(self, lane: Lane, only: Recurring | None) -> None:
        """End a lane's monitor in flight (only this one, if given); it yields no result."""
        run = None if lane.run is None else self._runs[lane.run]
        if run is None or lane.run is None or run.job.recurring is None or run.is_cancelled:
            return
        if only is None or run.job.recurring is only:
            run.is_cancelled = True
            self._out.append(KillAgent(lane.run))

    def _end_recurring(self, now: Millis, wall_ms: int, operation: Operation) -> None:
        """Let a monitor run no more."""
        recurring = self._recurring.pop(operation, None)
        if recurring is None:
            return
        recurring.is_ended = True
        resource = operation[0]
        if recurring.due is not None and recurring.key is not None:
            self._give_up(Job(recurring.action, recurring.key, now, recurring), wall_ms)
        lane = self._lanes.get(resource)
        if lane is None:
            return
        for job in [job for job in lane.jobs if job.recurring is recurring]:
            lane.jobs.remove(job)
            self._give_up(job, wall_ms)
        self._kill(lane, recurring)

    def _end_all_recurring(self, now: Millis, wall_ms: int, resource: ResourceId) -> None:
        """Before a stop: no monitor is left; results that failed stay to be seen."""
        for operation in [op for op in self._recurring if op[0] == resource]:
            self._end_recurring(now, wall_ms, operation)
            last = self._record.newest(operation)
            if last is not None and not last.is_failed:
                self._record.drop(operation)

    def _give_up(self, job: Job, wall_ms: int) -> None:
        """Answer a run that will have no result, if somebody waits for it."""
        if job.key is not None and job.key in self._accepted:
            cancelled = local_result(job.action, wall_ms)
            self._answer(job.key, msgspec.structs.replace(cancelled, status=OpStatus.CANCELLED))

    def _drop(self, key: OrderKey, recurring: Recurring | None) -> None:
        """Forget an order not begun; whoever still wants it orders it again."""
        self._accepted.discard(key)
        if recurring is not None:
            recurring.is_ended = True
            action = recurring.action
            self._recurring.pop((_resource(action), action.operation, action.interval_ms), None)

    def _forget(self, now: Millis, wall_ms: int, resource: ResourceId) -> None:
        self._end_all_recurring(now, wall_ms, resource)
        self._record.remove(resource)

    # Small things.

    def _lane(self, resource: ResourceId) -> Lane:
        return self._lanes.setdefault(resource, Lane())

    def _note(self, event: str, action: Action, fields: dict[str, object]) -> None:
        self._out.append(Note(event, {"action": action.label, **fields}, MESSAGES[event][0]))

    def _flush(self) -> list[LrmOutput]:
        """What was gathered; a changed status goes before the answers that it explains."""
        out, self._out = self._out, []
        if self._record.serial != self._reported_serial:
            self._reported_serial = self._record.serial
            out.insert(0, StatusChanged())
        return out


def _resource(action: Action) -> ResourceId:
    assert action.resource is not None, action.label
    return action.resource


def _has_older_word(job: Job, rc: int | None) -> bool:
    """Did an agent of OCF 1.0 not know the word of 1.1 for taking other parameters while it runs?"""
    return job.action.operation == "reload-agent" and not job.word and rc == OCF_ERR_UNIMPLEMENTED
