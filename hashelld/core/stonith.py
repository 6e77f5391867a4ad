"""Fencing on the DC: walks the levels of devices that can fence a node until one of them says that it is off.

Rule: the right to fence a node is asked for again at the end of any delay and before every device and retry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from hashelld.agents.fence import (
    STATUS_OFF,
    STATUS_ON,
    does_switch_off,
    fencing,
    is_unknown_action,
    listed_in,
    listing,
    reason_of,
    tells_status,
)
from hashelld.agents.kinds import AgentRefused, Invocation
from hashelld.cib.document import Cib
from hashelld.core.devices import Check, Device, levels_for, steps_of
from hashelld.core.effects import Effect, KillAgent, Level, Note, RunAgent
from hashelld.core.events import AgentEnded
from hashelld.core.fencing import FencingDone, History, Key, Lists, Objection, Request, Stage
from hashelld.core.self_fencing import NO_DEVICE, SelfFencing
from hashelld.core.settings import Settings
from hashelld.core.topology import chosen_levels
from hashelld.model.duration import format_duration
from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.wire.client import Fenced


MESSAGES: Final[dict[str, tuple[Level, str]]] = {
    "fence.delayed": (Level.INFO, "fencing waits for the device's delay"),
    "fence.asked": (Level.INFO, "a fencing device is asked whom it can fence, or whether its target is off"),
    "fence.called": (Level.WARNING, "a fencing device is called"),
    "fence.device-failed": (Level.ERROR, "a fencing device failed: its reason"),
    "fence.ended": (Level.WARNING, "a fencing device is ended: its target is back, and must not be hit any more"),
}
VERIFY_TIMEOUT_MS: Final = 5_000
"""A device that does not answer by then is believed: to wait longer would keep services down."""
_BACK: Final = "the node is back"

Draw = Callable[[Millis], Millis]
"""A random number from 0 to its argument."""
StonithOutput: TypeAlias = Effect | FencingDone


class Stonith:
    """Feed it requests, the ends of agents and time; carry out what it returns."""

    def __init__(
        self, settings: Settings, next_run: Callable[[], int], draw: Draw, self_fencing: SelfFencing | None = None
    ) -> None:
        self._settings = settings
        self._self_fencing = self_fencing
        self._next_run = next_run
        self._draw = draw
        self._requests: dict[Key, Request] = {}
        self._following: dict[Key, Request] = {}
        self._queue: list[Request] = []
        """Those whose next agent is due, and waits for its device to have room."""
        self._lists = Lists()
        self._history = History(settings.node)

    def request(
        self,
        now: Millis,
        cib: Cib,
        target: NodeId,
        incarnation: Incarnation,
        operation: str,
        extra_ms: Millis = 0,
        *,
        has_to_end: bool = False,
        path: Device | None = None,
    ) -> list[StonithOutput]:
        """Fence this incarnation of a node: `off`, `reboot`, or `on`. The caller has the right to at this moment.

        An equal request under way is joined. Another one for the same node (another incarnation or operation)
        waits until that has ended; only the newest waits. `extra_ms` is waited before the very first device, beside
        the device's own delay. With `has_to_end` it is not enough to cut the target off what it uses; with `path` just
        that is asked for, of one device, whatever else is done with the target.
        """
        levels = ((path,),) if path is not None else levels_for(cib, target, has_to_end=has_to_end)
        own = path.id if path is not None else None
        asked = Request(target, incarnation, operation, levels, extra_ms, now, own)
        if not asked.levels:
            return self._without_device(now, cib, asked, has_to_end=has_to_end)
        underway, following = self._requests.get(asked.key), self._following.get(asked.key)
        if underway is None:
            self._requests[asked.key] = asked
            return [*self._enter(now, asked), *self._serve(now, _no_objection)]
        if underway.is_same(asked):
            underway.is_withdrawn = False  # It is lost again, and there is a right to go on.
            return []
        if following is not None and following.is_same(asked):
            return []
        self._following[asked.key] = asked
        return [] if following is None else [_result(following, ok=False, reason="a newer request took its place")]

    def _without_device(self, now: Millis, cib: Cib, asked: Request, *, has_to_end: bool) -> list[StonithOutput]:
        """Where no device is meant for the target, its own watchdog may do; never for a claim, which both may make."""
        why = _why_none(cib, asked.target, has_to_end=has_to_end)
        if has_to_end or self._self_fencing is None or chosen_levels(cib, asked.target) is not None:
            return [self._failed(now, asked, why)]
        objection = self._self_fencing.request(now, cib, asked.target, asked.incarnation, asked.operation)
        if not objection:
            return []
        return [self._failed(now, asked, why if objection == NO_DEVICE else objection)]

    def on_agent_ended(self, now: Millis, event: AgentEnded, objection: Objection) -> list[StonithOutput]:
        """A device answered, or was ended at its timeout. `objection`: why a node must not be fenced now."""
        request = next(r for r in self._requests.values() if r.run == event.run)
        request.run = None
        return [*self._go_on(now, request, event), *self._serve(now, objection)]

    def on_deadline(self, now: Millis, objection: Objection) -> list[StonithOutput]:
        """Call the devices whose delay is over, and end those whose target is another by now."""
        out: list[StonithOutput] = []
        for done, began_ms in () if self._self_fencing is None else self._self_fencing.on_time(now, objection):
            self._history.add(now, done, began_ms)
            out.append(done)
        for request in self._requests.values():
            if request.due is not None and request.due <= now:
                self._queue.append(request)
                request.due = None
            if _is_to_be_killed(request):
                assert request.run is not None
                request.is_killed = True
                out += [self._note("fence.ended", request, {}), KillAgent(request.run)]
        return [*out, *self._serve(now, objection)]

    def deadline(self) -> Millis | None:
        """When `on_deadline` is wanted."""
        if any(_is_to_be_killed(request) for request in self._requests.values()):
            return 0
        moments = [request.due for request in self._requests.values()]
        moments.append(None if self._self_fencing is None else self._self_fencing.deadline())
        return min((moment for moment in moments if moment is not None), default=None)

    def cancel(self, target: NodeId, heard: Incarnation) -> list[FencingDone]:
        """The target is heard: no further device is called, and what none was called for is given up.

        A device that was called already is waited for while the target is the one that it was called for. It is ended
        when a later incarnation is heard: the earlier one is gone, whatever the device still does.
        """
        out = [] if self._self_fencing is None else self._self_fencing.cancel(target, heard)
        out += [_result(self._following.pop(key), ok=False, reason=_BACK) for key in _about(self._following, target)]
        for key in _about(self._requests, target):
            out += self._withdraw(self._requests[key], heard)
        return out

    def _withdraw(self, request: Request, heard: Incarnation) -> list[FencingDone]:
        if request.is_told:
            return []
        if request.is_called:
            request.is_withdrawn = True
            request.is_void = heard.counter > request.incarnation.counter
            return []
        del self._requests[request.key]
        self._queue = [waiting for waiting in self._queue if waiting is not request]
        return [_result(request, ok=False, reason=_BACK)]

    def owns(self, run: int) -> bool:
        """Is this one of its devices in flight?"""
        return any(request.run == run for request in self._requests.values())

    def in_progress(self) -> tuple[str, ...]:
        """What is under way, for people: `node3 off: fence-ipmi`, on the resource level `node3 cut off: switch`."""
        words = {r.key: r.current.operation if r.path is None else "cut off" for r in self._requests.values()}
        called = tuple(f"{r.target} {words[r.key]}: {r.device.id}" for r in self._requests.values())
        return called if self._self_fencing is None else (*called, *self._self_fencing.in_progress())

    def is_called(self, target: NodeId) -> bool:
        """Was a device called for this node, and there is no result yet?"""
        is_ending = self._self_fencing is not None and self._self_fencing.is_told(target)
        found = (self._requests[key] for key in _about(self._requests, target))
        return is_ending or any(request.is_called and not request.is_told for request in found)

    def remember(self, now: Millis, done: FencingDone, began_ms: Millis) -> None:
        """A node got access back, by devices that it called itself."""
        self._history.add(now, done, began_ms)

    def fenced(self, wall_offset_ms: int) -> tuple[Fenced, ...]:
        """The newest requests that ended, newest last."""
        return self._history.told(wall_offset_ms)

    def adopt(self, told: tuple[Fenced, ...]) -> None:
        """Remember what the DC before this one told of its fencings."""
        self._history.adopt(told)

    # The walk over levels, devices and tries.

    def _enter(self, now: Millis, request: Request) -> list[StonithOutput]:
        """A level begins from its first device."""
        request.steps, request.step = steps_of(request.levels[request.level], request.operation), 0
        return self._approach(now, request)

    def _approach(self, now: Millis, request: Request) -> list[StonithOutput]:
        """A device's turn begins: it is asked whether it can fence the target, where that is not known."""
        request.tries = 0
        device = request.device
        if request.current.is_afterwards or device.check is Check.NONE:
            return self._delay(now, request)
        names = self._lists.names(now, device) if device.check is Check.LIST else None
        if names is not None:
            return self._on_names(now, request, names)
        request.stage = Stage.ASKING
        self._queue.append(request)
        return []

    def _delay(self, now: Millis, request: Request) -> list[StonithOutput]:
        """The device can do it: it is called after its delay, if it has one and this takes the node down."""
        request.stage, request.tries = Stage.ACTING, 0
        device, delay = request.device, 0
        if request.current.operation != "on":
            delay = device.delay_base_ms + self._draw(device.delay_max_ms - device.delay_base_ms)
            assert 0 <= delay <= device.delay_max_ms
            delay += request.extra_ms if request.level == request.step == 0 else 0
        if delay == 0:
            self._queue.append(request)
            return []
        request.due = now + delay
        return [self._note("fence.delayed", request, {"delay_ms": delay})]

    def _serve(self, now: Millis, objection: Objection) -> list[StonithOutput]:
        """Run the agents that are due, as far as their devices have room; the others wait in their order."""
        out: list[StonithOutput] = []
        for delayed in [r for r in self._requests.values() if r.due is not None and objection(r.target)]:
            self._queue.append(delayed)  # Its right is gone: it ends now, not after its delay.
            delayed.due = None
        while (request := self._next_served(objection)) is not None:
            self._queue.remove(request)
            out += self._start(now, request, objection)
        return out

    def _next_served(self, objection: Objection) -> Request | None:
        for request in self._queue:
            at_once = request.device.at_once
            running = sum(r.run is not None and r.device.id == request.device.id for r in self._requests.values())
            is_over = not request.is_harmless and (request.is_withdrawn or objection(request.target))
            if is_over or at_once is None or running < at_once:
                return request
        return None

    def _start(self, now: Millis, request: Request, objection: Objection) -> list[StonithOutput]:
        why = "" if request.is_harmless else _BACK if request.is_withdrawn else objection(request.target)
        if why:
            return self._stop(now, request, why)
        try:
            called = self._invocation(request)
        except AgentRefused as refusal:
            return [self._device_failed(request, str(refusal)), *self._next_level(now, request)]
        request.run = self._next_run()
        request.tries += request.stage is not Stage.VERIFYING
        is_act = request.stage is Stage.ACTING
        request.is_called = request.is_called or is_act
        run = RunAgent(
            run=request.run,
            argv=called.argv,
            environment=called.environment,
            stdin=called.stdin,
            timeout_ms=called.timeout_ms,
            label=f"stonith-{request.target}-{_doing(request)}",
        )
        return [self._note("fence.called" if is_act else "fence.asked", request, {"attempt": request.tries}), run]

    def _invocation(self, request: Request) -> Invocation:
        device, operation, settings = request.device, _doing(request), self._settings
        timeout_ms = device.timeout_ms(operation)
        if operation == "list":
            return listing(device.agent, device.parameters, settings.node, settings, timeout_ms)
        if request.stage is Stage.VERIFYING:
            timeout_ms = min(timeout_ms, VERIFY_TIMEOUT_MS)
        return fencing(
            device.agent,
            device.parameters,
            operation,
            request.target,
            device.plug,
            settings.node,
            settings,
            timeout_ms,
        )

    def _go_on(self, now: Millis, request: Request, event: AgentEnded) -> list[StonithOutput]:
        match request.stage:
            case Stage.ASKING:
                return self._on_answer(now, request, event)
            case Stage.ACTING:
                return self._on_act(now, request, event)
            case Stage.VERIFYING:
                return self._on_status(now, request, event)

    def _on_answer(self, now: Millis, request: Request, event: AgentEnded) -> list[StonithOutput]:
        """The device was asked whether it can fence the target."""
        device, target = request.device, request.target
        if device.check is Check.STATUS:
            if event.rc in (STATUS_ON, STATUS_OFF):
                return self._delay(now, request)
            return self._asked_in_vain(now, request, f"tells no state of {target}: {_why(device, 'status', event)}")
        names = listed_in(event.stdout) if event.rc == 0 else None
        if names is not None:
            self._lists.put(now, device, names)
            return self._on_names(now, request, names)
        names = self._lists.names(now, device, is_old_good=True)
        if names is not None:
            return self._on_names(now, request, names)
        reason = "has no list" if event.rc == 0 else _why(device, "list", event)
        return self._asked_in_vain(now, request, f"does not tell whom it can fence: {reason}")

    def _on_names(self, now: Millis, request: Request, names: frozenset[str]) -> list[StonithOutput]:
        if request.device.plug.lower() in names:
            return self._delay(now, request)
        failed = self._device_failed(request, f"does not know {request.device.plug}")
        return [failed, *self._next_level(now, request)]

    def _asked_in_vain(self, now: Millis, request: Request, reason: str) -> list[StonithOutput]:
        failed = self._device_failed(request, reason)
        if request.tries < request.device.tries(_doing(request)):
            self._queue.append(request)
            return [failed]
        return [failed, *self._next_level(now, request)]

    def _on_act(self, now: Millis, request: Request, event: AgentEnded) -> list[StonithOutput]:
        """The device was called."""
        device, step = request.device, request.current
        if event.rc == 0:
            if does_switch_off(device.parameters, step.operation) and tells_status(device.agent, device.parameters):
                request.stage = Stage.VERIFYING
                self._queue.insert(0, request)
                return []
            return self._step_done(now, request)
        if request.is_killed:
            return self._stop(now, request, _BACK)
        failed = self._device_failed(request, _why(device, step.operation, event))
        if step.operation == "reboot" and is_unknown_action(event.stderr):
            request.steps = (msgspec.structs.replace(step, operation="off"),)
            request.tries = 0
        return [failed, *self._try_again(now, request)]

    def _on_status(self, now: Millis, request: Request, event: AgentEnded) -> list[StonithOutput]:
        """A device that said that its target is off was asked for its state. No answer is no contradiction."""
        request.stage = Stage.ACTING
        if event.rc != STATUS_ON:
            return self._step_done(now, request)
        failed = self._device_failed(request, f"said that it is done, but {request.target} is still on")
        return [failed, *self._try_again(now, request)]

    def _try_again(self, now: Millis, request: Request) -> list[StonithOutput]:
        if request.tries < request.device.tries(request.current.operation):
            self._queue.append(request)
            return []
        return self._next_level(now, request)

    def _next_level(self, now: Millis, request: Request) -> list[StonithOutput]:
        """The level failed with its device: the next one begins from its first. (What only restores goes on.)"""
        if request.is_told:
            return self._step_done(now, request)
        if request.level + 1 == len(request.levels):
            return [self._failed(now, request, request.failure), *self._end(now, request)]
        request.level += 1
        return self._enter(now, request)

    def _step_done(self, now: Millis, request: Request) -> list[StonithOutput]:
        """The target is off when all devices of the level cut it off; what restores it afterwards delays nobody."""
        out: list[StonithOutput] = []
        is_last = request.step + 1 == len(request.steps)
        if not request.is_told and (is_last or request.steps[request.step + 1].is_afterwards):
            request.is_told = True
            devices = ",".join(device.id for device in request.levels[request.level])
            out.append(self._tell(now, request, _result(request, ok=True, device=devices)))
        if is_last:
            return [*out, *self._end(now, request)]
        request.step += 1
        return [*out, *self._approach(now, request)]

    def _stop(self, now: Millis, request: Request, reason: str) -> list[StonithOutput]:
        """No further device is called; but what was cut off of a node that another device still holds is restored."""
        failed = self._failed(now, request, reason)
        cut = {step.device.id for step in request.steps[: request.step]}
        restoring = tuple(step for step in request.steps if step.is_afterwards and step.device.id in cut)
        if not restoring:
            return [failed, *self._end(now, request)]
        request.steps, request.step, request.is_told = restoring, 0, True
        return [failed, *self._approach(now, request)]

    def _end(self, now: Millis, request: Request) -> list[StonithOutput]:
        """The request is over; the one that waited for this one begins."""
        del self._requests[request.key]
        following = self._following.pop(request.key, None)
        if following is None:
            return []
        self._requests[request.key] = following
        return self._enter(now, following)

    # What is told.

    def _device_failed(self, request: Request, reason: str) -> Note:
        request.failure = f"{request.device.id}: {reason}"
        return self._note("fence.device-failed", request, {"reason": request.failure})

    def _failed(self, now: Millis, request: Request, reason: str) -> FencingDone:
        device = request.device.id if request.steps else ""
        return self._tell(now, request, _result(request, ok=False, device=device, reason=reason))

    def _tell(self, now: Millis, request: Request, done: FencingDone) -> FencingDone:
        self._history.add(now, done, request.began_ms)
        return done

    def _note(self, event: str, request: Request, fields: dict[str, object]) -> Note:
        told: dict[str, object] = {
            "node": request.target,
            "operation": _doing(request),
            "device": request.device.id,
        }
        return Note(event, told | fields, MESSAGES[event][0])


def _doing(request: Request) -> str:
    """The operation that the next agent is told, or the one under way."""
    if request.stage is Stage.ACTING:
        return request.current.operation
    is_listing = request.stage is Stage.ASKING and request.device.check is Check.LIST
    return "list" if is_listing else "status"


def _is_to_be_killed(request: Request) -> bool:
    """Would its agent hit another incarnation than the one that it was called for?"""
    is_shot = request.stage is Stage.ACTING and not request.current.is_afterwards
    return request.is_void and is_shot and request.run is not None and not request.is_killed


def _result(request: Request, *, ok: bool, device: str = "", reason: str = "") -> FencingDone:
    return FencingDone(
        target=request.target,
        incarnation=request.incarnation,
        operation=request.operation,
        ok=ok,
        device=device,
        reason=reason,
        path=request.path,
        began_ms=request.began_ms,
    )


def _no_objection(_: NodeId) -> str:
    return ""


def _about(requests: Mapping[Key, object], target: NodeId) -> list[Key]:
    return [key for key in requests if key[0] == target]


def _why_none(cib: Cib, target: NodeId, *, has_to_end: bool) -> str:
    """Why a request cannot even begin."""
    if has_to_end and levels_for(cib, target):
        return f"the fencing devices of {target} leave its daemon running: add one that ends it, or confirm it by hand"
    if chosen_levels(cib, target) is None:
        return f"no fencing device can fence {target}: configure one, or confirm it by hand"
    missing = "each has a device that is missing, stopped, or lists other nodes"
    return f"no level of the fencing topology can fence {target} ({missing}): correct it, or confirm it by hand"


def _why(device: Device, operation: str, event: AgentEnded) -> str:
    """What went wrong with a device's agent, in words."""
    if event.error:
        return event.error
    if event.rc is None:
        return f"timed out after {format_duration(device.timeout_ms(operation))}"
    return reason_of(event.stdout, event.stderr) or f"said {event.rc}"
