"""Waiting until the cluster has carried out what was asked of it."""

from __future__ import annotations

import sys
import time
from typing import Final

from msgspec.structs import replace

from hashell.errors import TimedOut
from hashell.session import Session
from hashelld.model.action import ActionKind
from hashelld.model.ids import Version
from hashelld.policy.plan import plan
from hashelld.wire.client import StatusIs


WAIT_MS: Final = 600_000
LOOK_MS: Final = 200
"""The cluster is looked at after every event, and so often without any."""
QUIET_S: Final = 3.0
"""A DC that does nothing for so long will not do more, even if we would."""


def settle(session: Session, version: Version | None = None, timeout_ms: int = WAIT_MS) -> StatusIs:
    """Return when the version is applied and nothing is left to do; `TimedOut` tells what still is.

    What a node other than the DC hears of the transition may be late. So the state is planned with here: the change is
    carried out when nothing would be done any more.
    """
    began = busy_at = time.monotonic()
    told = _Progress()
    session.forget()
    watch = session.client.events(LOOK_MS)
    while True:
        status = session.status()
        now = time.monotonic()
        is_idle = _is_idle(status, version)
        if is_idle and (now - busy_at >= QUIET_S or not _left(session)):
            told.end()
            return status
        busy_at = busy_at if is_idle else now
        if now - began >= timeout_ms / 1000:
            told.end()
            rest = ", ".join((*status.in_flight, *status.blocked)) or f"it is {status.phase}"
            raise TimedOut(f"The cluster has not settled within {timeout_ms // 1000} s: {rest}.")
        told.show(status)
        next(watch)
        session.forget()


def _is_idle(status: StatusIs, version: Version | None) -> bool:
    is_there = version is None or status.version >= version
    return is_there and status.phase == "idle" and not status.in_flight and not status.pending


def _left(session: Session) -> bool:
    """Would anything be done with the applied configuration, as it is?"""
    view = replace(session.view(), cib=session.applied().cib)
    return any(action.kind is not ActionKind.PSEUDO for action in plan(view).actions)


class _Progress:
    """One line on the terminal's standard error, written over and over; nothing where there is no terminal."""

    __slots__ = ("_is_shown", "_width")

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._width = 0

    def show(self, status: StatusIs) -> None:
        """What is under way now."""
        if not self._is_shown:
            return
        line = f"waiting: {', '.join(status.in_flight) or status.phase}"[:70]
        sys.stderr.write(f"\r{line:<{self._width}}")
        sys.stderr.flush()
        self._width = len(line)

    def end(self) -> None:
        """Take the line away."""
        if self._is_shown and self._width:
            sys.stderr.write(f"\r{'':<{self._width}}\r")
            sys.stderr.flush()
