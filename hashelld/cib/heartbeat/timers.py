"""Heartbeat's timers: its defaults, its checks, and their translation to hashelld's stricter relation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from hashelld.cib.heartbeat.findings import Findings
from hashelld.cib.heartbeat.lexer import HA_CF
from hashelld.model.duration import format_duration


KEEPALIVE_DEFAULT_MS: Final = 1_000
DEADTIME_DEFAULT_MS: Final = 30_000
KEEPALIVE_MIN_MS: Final = 10
"""hashelld's own least."""
DEADTIME_MIN_MS: Final = 5 * KEEPALIVE_MIN_MS
INITDEAD_ADVISED_MS: Final = 10_000


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds, with 2 * keepalive < warntime < deadtime <= initdead when there was no error."""

    keepalive_ms: int
    warntime_ms: int
    deadtime_ms: int
    initdead_ms: int


def timers_of(given: Mapping[str, int | None], findings: Findings) -> Timers:
    """The timers in effect; `given` has None for what ha.cf does not say."""
    keepalive = _or_default(given["keepalive"], KEEPALIVE_DEFAULT_MS)
    deadtime = given["deadtime"]
    if deadtime is None:
        deadtime = DEADTIME_DEFAULT_MS
        findings.notice(HA_CF, "no deadtime: heartbeat's default of 30s is kept; hashelld's own would be 600ms")
    initdead = _or_default(given["initdead"], _default_initdead(deadtime))
    deadping = given["deadping"]
    _check_limits(keepalive, deadtime, initdead, findings)
    if deadping is not None and deadping <= 2 * keepalive:
        findings.error(HA_CF, f"Ping dead time [{deadping}] is too small compared to keepalive [{keepalive}]")
    if findings.errors:
        return Timers(keepalive_ms=keepalive, warntime_ms=deadtime // 2, deadtime_ms=deadtime, initdead_ms=initdead)
    warntime = _or_default(given["warntime"], deadtime // 2)
    keepalive, warntime = _fitted(keepalive, warntime, deadtime, findings)
    return Timers(keepalive_ms=keepalive, warntime_ms=warntime, deadtime_ms=deadtime, initdead_ms=initdead)


def _or_default(given: int | None, default_ms: int) -> int:
    return default_ms if given is None else given


def _default_initdead(deadtime_ms: int) -> int:
    if deadtime_ms > 10_000:
        return deadtime_ms
    return 12_000 if deadtime_ms < 6_000 else 2 * deadtime_ms


def _check_limits(keepalive: int, deadtime: int, initdead: int, findings: Findings) -> None:
    if keepalive <= 0:
        findings.error(HA_CF, "keepalive must be more than 0")
    if deadtime <= 2 * keepalive:
        findings.error(
            HA_CF,
            f"Dead time [{deadtime}] is too small compared to keeplive [{keepalive}];"
            " deadtime must be more than twice keepalive (both in ms)",
        )
    elif deadtime < DEADTIME_MIN_MS:
        findings.error(HA_CF, f"deadtime [{deadtime}] is less than {DEADTIME_MIN_MS}ms, the least that can be kept")
    if initdead < deadtime:
        findings.error(HA_CF, f"Initial dead time [{initdead}] is smaller than deadtime [{deadtime}] (both in ms)")
    elif initdead < INITDEAD_ADVISED_MS:
        findings.notice(HA_CF, f"initdead {format_duration(initdead)} is short: networks may need 10s after power-on")


def _fitted(keepalive: int, warntime: int, deadtime: int, findings: Findings) -> tuple[int, int]:
    """keepalive and warntime such that a single lost beat is no warning and a warning comes before the loss."""
    if keepalive >= KEEPALIVE_MIN_MS and 2 * keepalive < warntime < deadtime:
        return keepalive, warntime
    slower = max(KEEPALIVE_MIN_MS, keepalive)
    fitted = slower, (2 * slower + deadtime) // 2
    if not 2 * fitted[0] < fitted[1] < deadtime:
        fitted = deadtime // 4, 3 * deadtime // 4
    before = f"keepalive {format_duration(keepalive)}, warntime {format_duration(warntime)}"
    after = f"keepalive {format_duration(fitted[0])}, warntime {format_duration(fitted[1])}"
    findings.notice(
        HA_CF,
        f"{before} become {after}: hashelld wants 2 * keepalive < warntime < deadtime, keepalive at least 10ms",
    )
    return fitted
