"""Meta attributes as planning needs them: parsed once, with Pacemaker's defaults."""

from __future__ import annotations

from typing import Final

from hashelld.model.resource import Agent
from hashelld.model.score import INFINITY
from hashelld.policy.settings import NoQuorum, Settings, score_of, span_ms, truth
from hashelld.policy.state.items import STAGES, Item, Needs, Stage


REMOTE_AGENT: Final = Agent("ocf", "pacemaker", "remote")
"""What connects to a remote node."""
DEVICE: Final = "stonith"
"""The standard of agents that fence."""
_COUNT_MAX: Final = 10_000
"""More instances than this are not planned for."""
_DIGITS_MAX: Final = 18
_MULTIPLE: Final = frozenset({"stop_start", "stop_only", "block", "stop_unexpected"})
_NEEDS: Final = {
    "nothing": Needs.NOTHING,
    "quorum": Needs.QUORUM,
    "fencing": Needs.FENCING,
    "unfencing": Needs.UNFENCING,
}


def settle(item: Item, settings: Settings, *, has_unfencing: bool, is_promotable: bool) -> None:
    """Parse what every kind of item has. `is_promotable`: it is, or is part of, a promotable clone."""
    meta = item.meta
    item.priority = score_of(meta.get("priority"), 0)
    item.stickiness = score_of(meta.get("resource-stickiness", settings.stickiness), 0)
    item.threshold = score_of(meta.get("migration-threshold", settings.migration_threshold), INFINITY)
    if item.threshold < 0:
        item.threshold = INFINITY
    item.failure_timeout_ms = span_ms(meta.get("failure-timeout", settings.failure_timeout), default=0)
    item.multiple_active = _multiple_active(meta.get("multiple-active"))
    item.is_critical = truth(meta.get("critical"), default=True)
    item.is_maintenance = settings.is_maintenance or truth(meta.get("maintenance"), default=False)
    is_managed = truth(meta.get("is-managed"), default=settings.is_managed_by_default)
    item.is_managed = is_managed and not item.is_maintenance
    item.notifies = truth(meta.get("notify"), default=False)
    item.allows_unhealthy = truth(meta.get("allow-unhealthy-nodes"), default=False)
    item.allows_migration = truth(meta.get("allow-migrate"), default=item.is_remote_connection)
    item.needs = needs_of(item, settings, has_unfencing=has_unfencing)
    item.target = target_of(meta, is_promotable=is_promotable)


def _multiple_active(text: str | None) -> str:
    word = (text or "").strip().lower()
    return word if word in _MULTIPLE else "stop_start"


def needs_of(item: Item, settings: Settings, *, has_unfencing: bool) -> Needs:
    """What `requires` says, or its default."""
    wanted = _NEEDS.get(item.meta.get("requires", "").strip().lower())
    if wanted is Needs.UNFENCING and item.is_device:
        wanted = Needs.QUORUM
    if wanted is not None:
        is_beyond = wanted is Needs.UNFENCING and not settings.has_fencing
        return Needs.QUORUM if is_beyond else wanted
    if item.is_device or item.is_remote_connection:
        return Needs.QUORUM
    if settings.has_fencing:
        return Needs.UNFENCING if has_unfencing else Needs.FENCING
    return Needs.NOTHING if settings.no_quorum is NoQuorum.IGNORE else Needs.QUORUM


def target_of(meta: dict[str, str], *, is_promotable: bool) -> Stage:
    """How far up target-role lets it; UNKNOWN where it does not limit anything, or is no role that it can have."""
    stage = STAGES.get(meta.get("target-role", "").strip().lower(), Stage.UNKNOWN)
    if stage is Stage.UNPROMOTED and is_promotable:
        return stage
    return Stage.STOPPED if stage is Stage.STOPPED else Stage.UNKNOWN


def settle_group(item: Item, own: dict[str, str]) -> None:
    """What only groups have. `own`: its meta attributes without those of a clone around it, which has an order too."""
    item.is_ordered = truth(own.get("ordered"), default=True)
    item.is_collocated = truth(own.get("collocated"), default=True)


def settle_clone(item: Item, node_count: int, *, is_master: bool, can_be_unique: bool) -> None:
    """What only clones have. `node_count` is how many nodes there are, `can_be_unique` a property of their agents."""
    meta = item.meta
    item.is_promotable = is_master or truth(meta.get("promotable"), default=False)
    item.instance_max = count_of(meta, "clone-max", default=max(1, node_count))
    item.instance_node_max = count_of(meta, "clone-node-max", default=1)
    item.instance_min = count_of(meta, "clone-min", default=0)
    item.promoted_max = count_of(meta, "promoted-max", "master-max", default=1)
    item.promoted_node_max = count_of(meta, "promoted-node-max", "master-node-max", default=1)
    is_unique = truth(meta.get("globally-unique"), default=item.instance_node_max > 1)
    item.is_unique = is_unique and can_be_unique
    if not item.is_unique:
        item.instance_node_max = min(1, item.instance_node_max)
    item.is_ordered = truth(meta.get("ordered"), default=False)
    item.is_interleaved = truth(meta.get("interleave"), default=False)


def count_of(texts: dict[str, str], *names: str, default: int) -> int:
    """A whole number not below zero (and not beyond all reason) under the first of some names; else the default."""
    text = next((texts[name] for name in names if name in texts), "").strip()
    if not (text.isascii() and text.isdigit()):
        return default
    return min(int(text[:_DIGITS_MAX]), _COUNT_MAX)
