"""The cluster-wide settings that planning reads, with Pacemaker's defaults."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from hashelld.cib.document import PROPERTY
from hashelld.model.duration import parse_duration
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


def _no_quorum(text: str | None) -> NoQuorum:
    word = (text or "stop").strip().lower()
    if word == "fence":
        return NoQuorum.SUICIDE
    return next((policy for policy in NoQuorum if policy.value == word), NoQuorum.STOP)


def read_settings(attributes: Attributes) -> Settings:
    """The settings of a configuration."""
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
    )
