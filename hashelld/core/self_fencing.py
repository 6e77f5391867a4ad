"""Fencing without a device: a node counts as off when its own watchdog must have ended it (stonith-watchdog-timeout).

Rule: only what a node said of itself is counted on. One that is still heard is told to end itself, and waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hashelld.cib.document import Cib
from hashelld.core.fencing import FencingDone, Objection
from hashelld.core.membership import Presence
from hashelld.core.options import self_fence_ms
from hashelld.core.settings import Settings
from hashelld.core.standing import Standing
from hashelld.model.ids import Incarnation, Millis, NodeId
from hashelld.wire.log import Electorate
from hashelld.wire.peer import EndYourself


WATCHDOG: Final = "watchdog"
"""The device's name in what is told."""
NO_DEVICE: Final = "no watchdog counts as fencing"
"""An objection that says nothing of the target: nobody configured this way of fencing."""


def counts_on_watchdogs(cib: Cib, settings: Settings, electorate: Electorate) -> bool:
    """Is a lost node fenced by its watchdog? Of two nodes that lose each other neither knows whose fires."""
    return self_fence_ms(cib, settings) is not None and not electorate.two_node


class Wait:
    """One node that is to end."""

    __slots__ = ("began_ms", "incarnation", "operation", "span_ms", "target", "told_ms")

    def __init__(
        self, target: NodeId, incarnation: Incarnation, operation: str, began_ms: Millis, span_ms: Millis
    ) -> None:
        self.target = target
        self.incarnation = incarnation
        self.operation = operation
        self.began_ms = began_ms
        self.span_ms = span_ms
        self.told_ms: Millis | None = None
        """When it was last told to end itself."""


class SelfFencing:
    """The nodes whose end is waited for. Ask it for what no device can do; the caller has the right to fence."""

    def __init__(self, standing: Standing, end_self: Callable[[str], None]) -> None:
        self._standing = standing
        self._end_self = end_self
        self._waits: dict[NodeId, Wait] = {}

    def request(self, now: Millis, cib: Cib, target: NodeId, incarnation: Incarnation, operation: str) -> str:
        """Wait for the end of this incarnation of a node; why that would be in vain, or nothing."""
        span_ms = self_fence_ms(cib, self._standing.settings)
        objection = self._objection(target) if span_ms is not None else NO_DEVICE
        if span_ms is None or objection:
            return objection
        known = self._waits.get(target)
        if known is None or known.incarnation != incarnation:
            self._waits[target] = Wait(target, incarnation, operation, now, span_ms)
        return ""

    def on_time(self, now: Millis, objection: Objection) -> list[tuple[FencingDone, Millis]]:
        """Those whose time is over, and when they were asked for."""
        done = []
        for wait in list(self._waits.values()):
            due_ms, why = self._due_ms(wait), objection(wait.target)
            if due_ms is None and not why:
                self._tell(now, wait)
            elif why or (due_ms is not None and now >= due_ms):
                del self._waits[wait.target]
                done.append((_result(wait, why), wait.began_ms))
        return done

    def deadline(self) -> Millis | None:
        """When `on_time` is wanted."""
        return min((self._due_ms(wait) or self._tell_ms(wait) for wait in self._waits.values()), default=None)

    def cancel(self, target: NodeId, heard: Incarnation) -> list[FencingDone]:
        """The target is heard. One that was told to end itself does so, unless a later incarnation is there."""
        wait = self._waits.get(target)
        if wait is None or (wait.told_ms is not None and heard == wait.incarnation):
            return []
        del self._waits[target]
        return [_result(wait, "the node is back")]

    def in_progress(self) -> tuple[str, ...]:
        """What is waited for, for people."""
        return tuple(
            f"{wait.target} {wait.operation}: {WATCHDOG}, {wait.span_ms / 1000:g}s after it is lost"
            for wait in self._waits.values()
        )

    def is_told(self, target: NodeId) -> bool:
        """Was it told to end itself?"""
        wait = self._waits.get(target)
        return wait is not None and wait.told_ms is not None

    def _objection(self, target: NodeId) -> str:
        standing = self._standing
        if standing.electorate.two_node:
            return "of two nodes neither may count on the other's watchdog"
        content = standing.membership.content(target)
        is_known = target == standing.node or content is None
        # Nothing is known of a node that was never heard: that all nodes have equal files is what there is to count on.
        if not is_known and content is not None and not content.ends_itself:
            return (
                f"{target} last said that it would not end itself without quorum (policy, maintenance, or no watchdog)"
            )
        return ""

    def _due_ms(self, wait: Wait) -> Millis | None:
        """When it must have ended; None while it is heard."""
        membership = self._standing.membership
        if wait.target == self._standing.node:
            return None
        if wait.target not in membership.peers or membership.presence(wait.target) is Presence.NEVER:
            return wait.began_ms + wait.span_ms
        if membership.presence(wait.target) is not Presence.LOST:
            return None
        # A DC before this one may have heard it for longer: what counts begins with this office's own request.
        return max(wait.began_ms, membership.since_ms(wait.target)) + wait.span_ms

    def _tell_ms(self, wait: Wait) -> Millis:
        return wait.began_ms if wait.told_ms is None else wait.told_ms + self._standing.settings.deadtime_ms

    def _tell(self, now: Millis, wait: Wait) -> None:
        standing = self._standing
        if now < self._tell_ms(wait):
            return
        wait.told_ms = now
        reason = f"fenced by the DC {standing.node}"
        if wait.target == standing.node:
            self._end_self(reason)
        else:
            standing.send(wait.target, EndYourself(reason))


def _result(wait: Wait, reason: str) -> FencingDone:
    return FencingDone(
        target=wait.target,
        incarnation=wait.incarnation,
        operation=wait.operation,
        ok=not reason,
        device=WATCHDOG,
        reason=reason,
    )
