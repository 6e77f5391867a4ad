"""When this node's watchdog is to end it: it holds on only while the node keeps what others count on.

Rule: others take a node for off a fixed time after they lost it. So the time is counted from the last moment at which a
DC with a quorum said that it hears this node, whatever happened since: a loop that stood still, a retreat that hangs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hashelld.cib.document import Cib
from hashelld.core.effects import Arm, SelfFence
from hashelld.core.options import (
    SELF_FENCE_PROPERTIES,
    has_fencing,
    is_in_maintenance,
    no_quorum_policy,
    self_fence_ms,
)
from hashelld.core.settings import Settings
from hashelld.model.duration import format_duration, parse_duration
from hashelld.model.ids import Millis
from hashelld.model.resource import Primitive
from hashelld.wire.client import Refused


if TYPE_CHECKING:
    from hashelld.core.node import Node


AT_ONCE: Final = frozenset({"suicide", "fence"})
STOPPING: Final = frozenset({"stop", *AT_ONCE})
"""Policies under which nothing is left of a node without quorum."""
KEEPING: Final = frozenset({"freeze", "ignore"})
_NAMED_MAX: Final = 3


class Lifeline:
    """One node's. It is armed when a DC first counts this incarnation in: before, the node was ordered nothing.

    What an earlier incarnation left running is the watchdog's that this one left armed, until then.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._quorate_ms: Millis = 0
        self.is_armed = False
        self.ended = ""
        """Why this node is being ended; empty: it is not."""

    @property
    def ends_itself(self) -> bool:
        """Is nothing left of this node some time (`Settings.ended_ms`) after it lost its quorum?"""
        if not self.is_armed:  # Nor is the document looked through, at every turn, where there is no watchdog.
            return False
        cib = self._node.standing.log.cib
        is_stopping = no_quorum_policy(cib) in STOPPING and not is_in_maintenance(cib)
        return is_stopping and not self._node.claim.is_possible

    def on_time(self, now: Millis) -> None:
        """Hold on, or let go."""
        if self._node.standing.settings.watchdog is None or self.ended:
            return
        if self._is_counted_in():
            self._quorate_ms = now
            if not self.is_armed:
                self.is_armed = True
                self._node.standing.note("lifeline.armed")
                self._node.standing.emit(Arm())
        elif self.is_armed and not self._node.claim.freezes:
            reason = self._overdue(now)
            if reason:
                self.end(reason)

    def deadline(self, now: Millis) -> Millis | None:
        """When everything has to be stopped, where there is no quorum."""
        is_waiting = self.is_armed and not self.ended and not self._is_counted_in()
        return self._end_ms() if is_waiting and self._end_ms() > now else None

    def end(self, reason: str) -> None:
        """End this node; nothing happens where it has no watchdog."""
        if self._node.standing.settings.watchdog is not None and not self.ended:
            self.ended = reason
            self._node.standing.emit(SelfFence(reason))

    def _is_counted_in(self) -> bool:
        """Is this node DC, or does the DC hear it? One whose messages or beats go one way only is lost to its DC."""
        node = self._node
        if node.dc is not None:
            return True
        content = None if node.heard_dc is None else node.standing.membership.content(node.heard_dc)
        return content is not None and node.standing.node in content.hears

    def _end_ms(self) -> Millis:
        settings = self._node.standing.settings
        assert settings.watchdog is not None
        return self._quorate_ms + settings.deadtime_ms + settings.watchdog.stop_budget_ms

    def _overdue(self, now: Millis) -> str:
        node, cib = self._node, self._node.standing.log.cib
        policy = no_quorum_policy(cib)
        is_late = now >= self._end_ms()
        if policy in KEEPING or is_in_maintenance(cib) or not (node.is_quorum_lost or is_late):
            return ""
        if self._is_cut_off():
            if policy in AT_ONCE and has_fencing(cib):
                return f"no quorum, and no-quorum-policy={policy}"
            if node.retreat.has_failed_stop:
                return "without quorum, and a resource could not be stopped"
        return "without quorum, and not everything was stopped in time" if is_late and self._is_running(policy) else ""

    def _is_cut_off(self) -> bool:
        """Are there too few nodes for a quorum? Where there are enough, one of them is about to become DC."""
        standing = self._node.standing
        return not standing.has_quorum(frozenset({standing.node, *standing.membership.heard}))

    def _is_running(self, policy: str) -> bool:
        """Is anything left? Before anything was looked at here, what an earlier incarnation started may be."""
        node = self._node
        if policy == "demote":
            return node.retreat.is_owing(only_demote=True)
        is_unknown = bool(node.standing.log.cib.resources) and not node.lrm.status().operations
        return is_unknown or node.retreat.is_needed()


def watchdog_flaw(before: Cib, after: Cib, settings: Settings, *, is_forced: bool) -> Refused | None:
    """Why a commit may not have watchdogs stand for fencing as it says."""
    name = next((one for one in SELF_FENCE_PROPERTIES if after.property_value(one)), None)
    value = None if name is None else after.property_value(name)
    wanted_ms = parse_duration(value or "")
    if name is None or not wanted_ms or value == before.property_value(name):
        return None
    if settings.watchdog is None:
        text = f"{name}={value}, but hashelld.toml has no [watchdog]: nothing would end a lost node"
        return None if is_forced else Refused("objection", text, (text,))
    if wanted_ms < 2 * settings.watchdog.timeout_ms:
        timeout = format_duration(settings.watchdog.timeout_ms)
        text = f"{name}={value} is below twice the watchdog's timeout ({timeout}): a lost node might still run"
        return Refused("invalid", text, (text,))
    return None


def remarks(cib: Cib, settings: Settings, *, is_pair: bool) -> Iterator[str]:
    """What the configuration asks of watchdogs and does not get, for people."""
    policy, watchdog = no_quorum_policy(cib), settings.watchdog
    if watchdog is None:
        if policy in AT_ONCE:
            yield f"no-quorum-policy={policy} only stops resources: hashelld.toml has no [watchdog]"
    elif policy in STOPPING:
        yield from _slow_stops(cib, watchdog.stop_budget_ms)
    name = next((one for one in SELF_FENCE_PROPERTIES if cib.property_value(one)), "")
    wanted_ms = parse_duration((cib.property_value(name) or "").lstrip("-")) if name else 0
    if not wanted_ms:
        return
    span_ms = self_fence_ms(cib, settings)
    if watchdog is None:
        yield f"{name} counts for nothing: hashelld.toml has no [watchdog]"
    elif span_ms is None:
        least = format_duration(2 * watchdog.timeout_ms)
        yield f"{name} counts for nothing: it is below {least}, twice the timeout of [watchdog]"
    elif is_pair:
        yield f"{name} counts for nothing: of two nodes that lose each other neither knows whose watchdog fires"
    elif policy not in STOPPING:
        yield f"{name} counts for nothing: with no-quorum-policy={policy} a node that is cut off runs on"
    elif span_ms > wanted_ms and not (cib.property_value(name) or "").startswith("-"):
        needed = f"{span_ms / 1000:g}s, which it may need to stop or be ended"
        yield f"a lost node counts as fenced after {needed}: {name} is shorter"


def _slow_stops(cib: Cib, budget_ms: Millis) -> Iterator[str]:
    slow = []
    for found in cib.resources:
        stops = [op for op in found.operations if op.name == "stop"] if isinstance(found, Primitive) else []
        if any((parse_duration(op.option("timeout") or "") or 0) > budget_ms for op in stops):
            slow.append(found.id)
    if slow:
        named = ", ".join(slow[:_NAMED_MAX]) + (" and others" if len(slow) > _NAMED_MAX else "")
        budget = f"stop_budget of [watchdog] ({format_duration(budget_ms)})"
        yield f"{named} may take longer to stop than {budget}: a node without quorum is ended before"
