"""Fencing on the DC: walks the devices that can fence a node until one level of them says that it is off.

Rule: the right to fence is asked for again at the end of any delay and before every device and retry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from hashelld.agents.fence import fencing
from hashelld.agents.kinds import AgentRefused, tail
from hashelld.cib.document import Cib
from hashelld.core.devices import Device, Level, levels_for
from hashelld.core.effects import Effect, Note, RunAgent
from hashelld.core.effects import Level as Severity
from hashelld.core.events import AgentEnded
from hashelld.core.settings import Settings
from hashelld.model.duration import format_duration
from hashelld.model.ids import Incarnation, Millis, NodeId


MESSAGES: Final[dict[str, tuple[Severity, str]]] = {
    "fence.delayed": (Severity.INFO, "fencing waits for the device's delay"),
    "fence.called": (Severity.WARNING, "a fencing device is called"),
    "fence.device-failed": (Severity.ERROR, "a fencing device failed: its reason"),
}

Draw = Callable[[Millis], Millis]
"""A random number from 0 to its argument."""


class FencingDone(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a request; a confirmation holds for this incarnation of the target alone."""

    target: NodeId
    incarnation: Incarnation
    operation: str
    ok: bool
    device: str = ""
    """The devices that confirmed it, or the last one that failed."""
    reason: str = ""


StonithOutput: TypeAlias = Effect | FencingDone


@dataclass(slots=True, eq=False)
class _Request:
    """One node to be fenced, and how far it is."""

    target: NodeId
    incarnation: Incarnation
    operation: str
    levels: tuple[Level, ...]
    level: int = 0
    device: int = 0
    tries: int = 0
    due: Millis | None = None
    """The end of the device's delay."""
    run: int | None = None
    is_called: bool = False
    is_withdrawn: bool = False
    failure: str = ""

    @property
    def current(self) -> Device:
        """The device whose turn it is."""
        return self.levels[self.level][self.device]

    def is_same(self, incarnation: Incarnation, operation: str) -> bool:
        """Would this request's result answer that one too?"""
        return self.incarnation == incarnation and self.operation == operation


class Stonith:
    """Feed it requests, the ends of agents and time; carry out what it returns."""

    def __init__(self, settings: Settings, next_run: Callable[[], int], draw: Draw) -> None:
        self._settings = settings
        self._next_run = next_run
        self._draw = draw
        self._requests: dict[NodeId, _Request] = {}
        self._following: dict[NodeId, _Request] = {}

    def request(
        self, now: Millis, cib: Cib, target: NodeId, incarnation: Incarnation, operation: str
    ) -> list[StonithOutput]:
        """Fence this incarnation of a node: `off`, `reboot`, or `on`. The caller has the right to at this moment.

        An equal request under way is joined. Another one for the same node (another incarnation or operation)
        waits until that has ended; only the newest waits.
        """
        levels = levels_for(cib, target, operation)
        asked = _Request(target, incarnation, operation, levels)
        if not levels:
            return [_failed(asked, f"no fencing device can fence {target}: configure one, or confirm it by hand")]
        underway, following = self._requests.get(target), self._following.get(target)
        if underway is None:
            self._requests[target] = asked
            return self._approach(now, asked, allowed=True)
        if underway.is_same(incarnation, operation):
            return []
        if following is not None and following.is_same(incarnation, operation):
            return []
        self._following[target] = asked
        return [] if following is None else [_failed(following, "a newer request took its place")]

    def on_agent_ended(self, now: Millis, event: AgentEnded, *, allowed: bool) -> list[StonithOutput]:
        """A device answered, or was ended at its timeout."""
        request = next(r for r in self._requests.values() if r.run == event.run)
        request.run = None
        if event.rc == 0:
            return self._device_succeeded(now, request, allowed=allowed)
        request.failure = f"{request.current.id}: {_why(request.current, event)}"
        note = self._note("fence.device-failed", request, {"reason": request.failure})
        return [note, *self._try_again(now, request, allowed=allowed)]

    def on_deadline(self, now: Millis, *, allowed: bool) -> list[StonithOutput]:
        """Call the devices whose delay is over."""
        out: list[StonithOutput] = []
        for request in list(self._requests.values()):
            if request.due is not None and request.due <= now:
                request.due = None
                out += self._call(now, request, allowed=allowed)
        return out

    def deadline(self) -> Millis | None:
        """When `on_deadline` is wanted."""
        return min((r.due for r in self._requests.values() if r.due is not None), default=None)

    def cancel(self, target: NodeId) -> list[FencingDone]:
        """A later incarnation is heard: no further device is called, and what none was called for is given up."""
        out: list[FencingDone] = []
        following = self._following.pop(target, None)
        if following is not None:
            out.append(_failed(following, "the node is back"))
        request = self._requests.get(target)
        if request is not None and request.is_called:
            request.is_withdrawn = True
        elif request is not None:
            del self._requests[target]
            out.append(_failed(request, "the node is back"))
        return out

    def owns(self, run: int) -> bool:
        """Is this one of its devices in flight?"""
        return any(request.run == run for request in self._requests.values())

    def in_progress(self) -> tuple[str, ...]:
        """What is under way, for people: `node3 off: fence-ipmi`."""
        return tuple(f"{r.target} {r.operation}: {r.current.id}" for r in self._requests.values())

    def is_called(self, target: NodeId) -> bool:
        """Was a device called for this node, and there is no result yet?"""
        request = self._requests.get(target)
        return request is not None and request.is_called

    # The walk over levels, devices and tries.

    def _approach(self, now: Millis, request: _Request, *, allowed: bool) -> list[StonithOutput]:
        """A device's turn begins: with its delay, if it has one and this takes the node down."""
        request.tries = 0
        device = request.current
        delay = 0
        if request.operation != "on":
            delay = device.delay_base_ms + self._draw(device.delay_max_ms - device.delay_base_ms)
        assert 0 <= delay <= device.delay_max_ms or request.operation == "on"
        if delay == 0:
            return self._call(now, request, allowed=allowed)
        request.due = now + delay
        return [self._note("fence.delayed", request, {"delay_ms": delay})]

    def _call(self, now: Millis, request: _Request, *, allowed: bool) -> list[StonithOutput]:
        if request.is_withdrawn:
            return self._end(now, request, _failed(request, "the node is back"), allowed=allowed)
        if not allowed:
            return self._end(now, request, _failed(request, "lost quorum"), allowed=False)
        device = request.current
        try:
            called = fencing(
                device.agent,
                device.parameters,
                request.operation,
                request.target,
                device.plug,
                self._settings.node,
                self._settings,
                device.timeout_ms,
            )
        except AgentRefused as refusal:
            request.failure = f"{device.id}: {refusal}"
            note = self._note("fence.device-failed", request, {"reason": request.failure})
            return [note, *self._next_level(now, request, allowed=allowed)]
        request.run = self._next_run()
        request.is_called = True
        request.tries += 1
        run = RunAgent(
            run=request.run,
            argv=called.argv,
            environment=called.environment,
            stdin=called.stdin,
            timeout_ms=called.timeout_ms,
            label=f"stonith-{request.target}-{request.operation}",
        )
        return [self._note("fence.called", request, {"attempt": request.tries}), run]

    def _try_again(self, now: Millis, request: _Request, *, allowed: bool) -> list[StonithOutput]:
        if request.tries < request.current.tries:
            return self._call(now, request, allowed=allowed)
        return self._next_level(now, request, allowed=allowed)

    def _next_level(self, now: Millis, request: _Request, *, allowed: bool) -> list[StonithOutput]:
        """The level failed with its device: the next one begins from its first."""
        if request.level + 1 == len(request.levels):
            done = _failed(request, request.failure)
            return self._end(now, request, done, allowed=allowed)
        request.level, request.device = request.level + 1, 0
        if not allowed:
            return self._end(now, request, _failed(request, "lost quorum"), allowed=False)
        return self._approach(now, request, allowed=allowed)

    def _device_succeeded(self, now: Millis, request: _Request, *, allowed: bool) -> list[StonithOutput]:
        """The level is done when its last device is."""
        level = request.levels[request.level]
        if request.device + 1 < len(level):
            request.device += 1
            return self._approach(now, request, allowed=allowed)
        done = FencingDone(
            target=request.target,
            incarnation=request.incarnation,
            operation=request.operation,
            ok=True,
            device=",".join(device.id for device in level),
        )
        return self._end(now, request, done, allowed=allowed)

    def _end(self, now: Millis, request: _Request, done: FencingDone, *, allowed: bool) -> list[StonithOutput]:
        """Tell the result; the request that waited for this one begins."""
        del self._requests[request.target]
        following = self._following.pop(request.target, None)
        if following is None:
            return [done]
        self._requests[request.target] = following
        return [done, *self._approach(now, following, allowed=allowed)]

    def _note(self, event: str, request: _Request, fields: dict[str, object]) -> Note:
        told: dict[str, object] = {
            "node": request.target,
            "operation": request.operation,
            "device": request.current.id,
        }
        return Note(event, told | fields, MESSAGES[event][0])


def _failed(request: _Request, reason: str) -> FencingDone:
    return FencingDone(
        target=request.target,
        incarnation=request.incarnation,
        operation=request.operation,
        ok=False,
        device=request.current.id if request.levels else "",
        reason=reason,
    )


def _why(device: Device, event: AgentEnded) -> str:
    """What went wrong with a device's agent, in words."""
    if event.error:
        return event.error
    if event.rc is None:
        return f"timed out after {format_duration(device.timeout_ms)}"
    return tail(event.stderr) or tail(event.stdout) or f"said {event.rc}"
