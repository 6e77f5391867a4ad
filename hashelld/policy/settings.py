"""The cluster-wide settings that planning reads, with Pacemaker's defaults."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.document import PROPERTY
from hashelld.model.duration import parse_duration
from hashelld.model.score import INFINITY, Score, parse_score
from hashelld.policy.attributes import Attributes


_TRUE: Final = frozenset({"true", "on", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "off", "no", "n", "0"})
DEFAULT_TIMEOUT_MS: Final = 20_000


class NoQuorum(Enum):
    """What a partition without quorum does with its resources."""

    STOP = "stop"
    FREEZE = "freeze"
    IGNORE = "ignore"
    DEMOTE = "demote"
    SUICIDE = "suicide"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One value for each cluster property that matters here."""

    is_symmetric: bool
    has_fencing: bool
    """stonith-enabled."""
    fence_operation: str
    is_fencing_concurrent: bool
    no_quorum: NoQuorum
    is_maintenance: bool
    stops_everything: bool
    stops_removed: bool
    cancels_removed: bool
    start_failure_is_fatal: bool
    has_watchdog: bool = False
    """Lost nodes end themselves (stonith-watchdog-timeout), so fencing needs no device."""
    placement: str = "default"
    """placement-strategy: default, utilization, minimal or balanced."""
    locks_on_shutdown: bool = False
    lock_limit_ms: int = 0
    priority_fencing_delay_ms: int = 0
    forgets_after_stop: bool = False
    """remove-after-stop."""
    startup_fencing: bool = True
    health_strategy: str = "none"
    health_base: Score = 0
    health_red: Score = -INFINITY
    health_yellow: Score = 0
    health_green: Score = 0
    stickiness: str | None = None
    """default-resource-stickiness and the like: defaults that old configurations give as properties."""
    is_managed_by_default: bool = True
    failure_timeout: str | None = None
    migration_threshold: str | None = None


def truth(text: str | None, *, default: bool) -> bool:
    """A boolean as users write it; the default when it is absent or no boolean."""
    word = "" if text is None else text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else default


def span_ms(text: str | None, *, default: int) -> int:
    """A duration as users write it; the default when it is absent or no duration."""
    parsed = None if text is None else parse_duration(text)
    return default if parsed is None else parsed


def score_of(text: str | None, default: Score) -> Score:
    """A score as users write it; the default when it is absent or none."""
    parsed = None if text is None else parse_score(text)
    return default if parsed is None else parsed


def _no_quorum(text: str | None) -> NoQuorum:
    word = (text or "stop").strip().lower()
    if word == "fence":
        return NoQuorum.SUICIDE
    return next((policy for policy in NoQuorum if policy.value == word), NoQuorum.STOP)


def read_settings(attributes: Attributes, *, has_watchdog: bool | None = None) -> Settings:
    """The settings of a configuration; whether there are watchdogs is a property of it, unless it is told."""
    found = attributes.cluster(PROPERTY)

    def flag(name: str, *, default: bool) -> bool:
        return truth(found.get(name), default=default)

    operation = found.get("stonith-action", "reboot").strip().lower()
    return Settings(
        is_symmetric=flag("symmetric-cluster", default=True),
        has_fencing=truth(found.get("stonith-enabled", found.get("fencing-enabled")), default=True),
        fence_operation="off" if operation in {"off", "poweroff"} else "reboot",
        is_fencing_concurrent=flag("concurrent-fencing", default=True),
        no_quorum=_no_quorum(found.get("no-quorum-policy")),
        is_maintenance=flag("maintenance-mode", default=False),
        stops_everything=flag("stop-all-resources", default=False),
        stops_removed=flag("stop-orphan-resources", default=True),
        cancels_removed=flag("stop-orphan-actions", default=True),
        start_failure_is_fatal=flag("start-failure-is-fatal", default=True),
        has_watchdog=_has_watchdog(found) if has_watchdog is None else has_watchdog,
        placement=found.get("placement-strategy", "default").strip().lower(),
        locks_on_shutdown=flag("shutdown-lock", default=False),
        lock_limit_ms=span_ms(found.get("shutdown-lock-limit"), default=0),
        priority_fencing_delay_ms=span_ms(found.get("priority-fencing-delay"), default=0),
        forgets_after_stop=flag("remove-after-stop", default=False),
        startup_fencing=flag("startup-fencing", default=True),
        health_strategy=found.get("node-health-strategy", "none").strip().lower(),
        health_base=score_of(found.get("node-health-base"), 0),
        health_red=score_of(found.get("node-health-red"), -INFINITY),
        health_yellow=score_of(found.get("node-health-yellow"), 0),
        health_green=score_of(found.get("node-health-green"), 0),
        stickiness=found.get("default-resource-stickiness"),
        is_managed_by_default=flag("is-managed-default", default=True),
        failure_timeout=found.get("default-resource-failure-timeout"),
        migration_threshold=found.get("default-migration-threshold"),
    )


def _has_watchdog(found: dict[str, str]) -> bool:
    text = found.get("stonith-watchdog-timeout", found.get("fencing-watchdog-timeout", "0")).strip()
    is_on = text.startswith("-") or span_ms(text, default=0) > 0
    return is_on and truth(found.get("have-watchdog"), default=False)
