"""Ping nodes: a qualifier of claims, candidacies and bids, never a vote (DESIGN.md 3.2, Arbiters).

Nothing is asked of them while more than half of the nodes' votes are here. Where they are half or less, only an answer
to a request counts that was sent after the question came up: what a gateway answered before the cable was pulled proves
nothing. A DC is not asked again once it is in office (SAFETY.md 34). Two halves may both reach their ping nodes; so
these keep the side that is cut off from doing harm, and the rest is left to votes and fencing.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from hashelld.core.effects import Effect, Ping
from hashelld.core.settings import PingSettings
from hashelld.model.ids import Millis


TRIES: Final = 3
"""So many requests are sent in `timeout`, when an answer is wanted."""
SILENT_AFTER: Final = 3
"""A ping node that answered none of so many requests, sent an interval apart, is told of."""


class Reach(Enum):
    """Whether this node reaches as many of its ping nodes as it needs."""

    YES = "yes"
    NO = "no"
    WAIT = "wait"
    """Asked a moment ago, and `timeout` is not over."""


class Pinging:
    """One node's ping nodes. Tell it the time before it is asked; carry out what `on_time` returns."""

    def __init__(self, settings: PingSettings | None, now: Millis) -> None:
        self._settings = settings
        self._now = now
        self._began_ms = now
        self._answered_ms: dict[str, Millis] = {}
        """By address: when the newest request was sent that was answered."""
        self._since_ms: Millis | None = None
        """Since when somebody wants to know, without a break."""
        self._is_asked = False
        self._next_ms = now

    def set_time(self, now: Millis) -> None:
        """A step of the node begins."""
        self._now = now

    def ask(self) -> Reach:
        """Is enough reached, by requests sent since this was first asked? Ask in every step as long as it matters."""
        settings = self._settings
        if settings is None:
            return Reach.YES
        self._is_asked = True
        if self._since_ms is None:
            self._since_ms = self._next_ms = self._now
            return Reach.WAIT
        after_ms = max(self._since_ms, self._now - settings.interval_ms - settings.timeout_ms)
        if sum(self._is_reached(addresses, after_ms) for addresses in settings.targets.values()) >= settings.require:
            return Reach.YES
        return Reach.NO if self._now >= self._since_ms + settings.timeout_ms else Reach.WAIT

    def _is_reached(self, addresses: tuple[str, ...], after_ms: Millis) -> bool:
        return any(self._answered_ms.get(address, after_ms - 1) >= after_ms for address in addresses)

    def on_answered(self, address: str, sent_ms: Millis) -> None:
        """An address answered the request that was sent then."""
        self._answered_ms[address] = max(sent_ms, self._answered_ms.get(address, sent_ms))

    def on_gap(self) -> None:
        """This node stood still: what was asked is asked anew."""
        self._since_ms = None

    def on_time(self, now: Millis) -> list[Effect]:
        """A step of the node ends: the requests that are due."""
        settings = self._settings
        if settings is None:
            return []
        if not self._is_asked:
            self._since_ms = None
        self._is_asked = False
        if now < self._next_ms:
            return []
        is_urgent = self._since_ms is not None and now < self._since_ms + settings.timeout_ms
        self._next_ms = now + (max(1, settings.timeout_ms // TRIES) if is_urgent else settings.interval_ms)
        return [Ping(tuple(dict.fromkeys(address for group in settings.targets.values() for address in group)))]

    def deadline(self) -> Millis | None:
        """When a request is due, or an answer is."""
        settings = self._settings
        if settings is None:
            return None
        end_ms = self._since_ms + settings.timeout_ms if self._since_ms is not None else 0
        return min(self._next_ms, end_ms) if end_ms > self._now else self._next_ms

    # -- for people

    def answering(self, now: Millis) -> dict[str, bool]:
        """By name: does a ping node, or one of a group, answer? Until it had time to, it does."""
        settings = self._settings
        if settings is None:
            return {}
        after_ms = now - SILENT_AFTER * settings.interval_ms - settings.timeout_ms
        is_early = self._began_ms >= after_ms
        return {name: is_early or self._is_reached(group, after_ms) for name, group in settings.targets.items()}

    def notices(self, now: Millis) -> tuple[str, ...]:
        """What to tell of ping nodes that do not answer."""
        answering = self.answering(now)
        silent = [name for name, is_heard in answering.items() if not is_heard]
        if not silent or self._settings is None:
            return ()
        who = f"ping node{'s' * (len(silent) > 1)} {', '.join(silent)}: no answer"
        if len(answering) - len(silent) >= self._settings.require:
            return (who,)
        return (f"{who}; should it lose the other nodes, this one would not take over",)
