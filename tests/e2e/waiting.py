"""Waiting for something to become true, with a limit: the only place where end-to-end tests let time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar


STEP_S = 0.02
T = TypeVar("T")


class TookTooLong(AssertionError):
    """The condition did not come true within its limit."""


def wait_until(condition: Callable[[], T], limit_s: float, what: str, step_s: float = STEP_S) -> T:
    """The condition's first true value; raises `TookTooLong` with `what` after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TookTooLong(f"not within {limit_s:g} s: {what}")
        let_pass(step_s)


def let_pass(span_s: float) -> None:
    """Do nothing for a while: for what must *not* happen, and for measurements of rest."""
    Event().wait(span_s)


def stays(condition: Callable[[], bool], span_s: float, what: str) -> None:
    """Assert that the condition holds for the whole span."""
    end = time.monotonic() + span_s
    while time.monotonic() < end:
        assert condition(), f"no longer: {what}"
        let_pass(STEP_S)
