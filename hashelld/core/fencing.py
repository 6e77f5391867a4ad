"""One node's fencing, how far it is, and what is remembered of those that ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from hashelld.core.devices import Device, Level, Step
from hashelld.model.ids import Incarnation, Millis, NodeId, ResourceId
from hashelld.wire.client import NODE_LEVEL, RESOURCE_LEVEL, Fenced


LOST_QUORUM: Final = "lost quorum"
Objection: TypeAlias = Callable[[NodeId], str]
"""Why a node must not be fenced now; "": it may."""
Key = tuple[NodeId, ResourceId | None]
"""A target, and the only device that is meant, if it is one."""
HISTORY_MAX: Final = 16
LIST_AGE_MAX_MS: Final = 60_000


class FencingDone(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a request; a confirmation holds for this incarnation of the target alone."""

    target: NodeId
    incarnation: Incarnation
    operation: str
    ok: bool
    device: str = ""
    """The devices that confirmed it, or the last one that failed."""
    reason: str = ""
    path: ResourceId | None = None
    """Only this device's hold on the target was asked for: `off` cut it off and ended nothing, `on` gave access."""
    began_ms: Millis = 0


class Stage(Enum):
    """What a device's agent is run for."""

    ASKING = "asking"
    """Can the device fence the target at all? Nothing happens to the target."""
    ACTING = "acting"
    VERIFYING = "verifying"
    """Is the target off, as the device said? Nothing happens to the target."""


@dataclass(slots=True, eq=False)
class Request:
    """One node to be fenced, and how far it is."""

    target: NodeId
    incarnation: Incarnation
    operation: str
    levels: tuple[Level, ...]
    extra_ms: Millis
    """Waited before the first device's own delay."""
    began_ms: Millis
    path: ResourceId | None = None
    """Only this device is told to cut the target off, which goes on."""
    level: int = 0
    steps: tuple[Step, ...] = ()
    step: int = 0
    stage: Stage = Stage.ACTING
    tries: int = 0
    due: Millis | None = None
    """The end of the device's delay."""
    run: int | None = None
    is_called: bool = False
    is_withdrawn: bool = False
    """The target is heard again: no further device is called."""
    is_void: bool = False
    """A later incarnation is heard: what is still under way would hit that one."""
    is_killed: bool = False
    is_told: bool = False
    """The result was told; what is left restores the power."""
    failure: str = ""

    @property
    def current(self) -> Step:
        """The step whose turn it is."""
        return self.steps[self.step]

    @property
    def device(self) -> Device:
        """The device whose turn it is."""
        return self.current.device

    @property
    def is_harmless(self) -> bool:
        """Does the next agent look or restore only, so that nobody's right to fence is needed?"""
        return self.stage is Stage.VERIFYING or self.current.is_afterwards

    @property
    def key(self) -> Key:
        """One request at a time is carried out for each of these."""
        return self.target, self.path

    def is_same(self, other: Request) -> bool:
        """Would this request's result answer that one too? (What only cuts off does not answer who wants an end.)"""
        is_alike = (self.incarnation, self.operation) == (other.incarnation, other.operation)
        return is_alike and self.can_end == other.can_end and not self.is_told

    @property
    def can_end(self) -> bool:
        """Does each level end the target's daemon?"""
        return all(any(device.ends_daemon for device in level) for level in self.levels)


class Ended(msgspec.Struct, frozen=True):
    """One ended request, on this node's clock."""

    done: FencingDone
    ended_ms: Millis
    duration_ms: Millis
    times: int = 1

    def is_like(self, other: FencingDone) -> bool:
        """Is it the same failure once more?"""
        is_failure = not (self.done.ok or other.ok)
        again = msgspec.structs.replace(self.done, incarnation=other.incarnation, began_ms=other.began_ms)
        return is_failure and again == other


class History:
    """The newest ended requests, this node's and those of the DC before it; failures that repeat themselves are one."""

    __slots__ = ("_ended", "_node", "_others")

    def __init__(self, node: NodeId) -> None:
        self._node = node
        self._ended: deque[Ended] = deque(maxlen=HISTORY_MAX)
        self._others: tuple[Fenced, ...] = ()

    def add(self, now: Millis, done: FencingDone, began_ms: Millis) -> None:
        """A request ended."""
        times = 1
        if self._ended and self._ended[-1].is_like(done):
            times += self._ended.pop().times
        self._ended.append(Ended(done, now, now - began_ms, times))

    def adopt(self, told: tuple[Fenced, ...]) -> None:
        """What the DC before this one told."""
        self._others = tuple(one for one in told if one.by != self._node)

    def told(self, wall_offset_ms: int) -> tuple[Fenced, ...]:
        """For people, newest last."""
        own = [self._fenced(ended, wall_offset_ms) for ended in self._ended]
        return tuple(sorted((*self._others, *own), key=lambda one: one.ended_ms)[-HISTORY_MAX:])

    def _fenced(self, ended: Ended, wall_offset_ms: int) -> Fenced:
        return Fenced(
            target=ended.done.target,
            operation=ended.done.operation,
            by=self._node,
            device=ended.done.device,
            ok=ended.done.ok,
            reason=ended.done.reason,
            ended_ms=ended.ended_ms + wall_offset_ms,
            duration_ms=ended.duration_ms,
            times=ended.times,
            level=RESOURCE_LEVEL if ended.done.path is not None else NODE_LEVEL,
        )


class _Listed(msgspec.Struct, frozen=True):
    device: Device
    names: frozenset[str]
    at_ms: Millis


class Lists:
    """Whom devices said that they know."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, _Listed] = {}

    def put(self, now: Millis, device: Device, names: frozenset[str]) -> None:
        """A device told its list."""
        self._known[device.id] = _Listed(device, names, now)

    def names(self, now: Millis, device: Device, *, is_old_good: bool = False) -> frozenset[str] | None:
        """What a device of this very configuration listed lately (or ever); None when that is not known."""
        found = self._known.get(device.id)
        if found is None or (found.device.agent, found.device.parameters) != (device.agent, device.parameters):
            return None
        is_young = now - found.at_ms < LIST_AGE_MAX_MS
        return found.names if is_young or is_old_good else None
