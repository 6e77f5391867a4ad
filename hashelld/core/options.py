"""What the core itself reads of the configuration's properties."""

from __future__ import annotations

from typing import Final

from hashelld.cib.document import Cib
from hashelld.core.settings import Settings
from hashelld.model.duration import parse_duration
from hashelld.model.ids import Millis


SELF_FENCE_PROPERTIES: Final = ("stonith-watchdog-timeout", "fencing-watchdog-timeout")
_TRUE: Final = frozenset({"true", "yes", "on", "y", "1"})


def is_true(text: str | None, *, default: bool) -> bool:
    """A boolean property; the default where it is not set."""
    return default if text is None else text.strip().lower() in _TRUE


def has_fencing(cib: Cib) -> bool:
    """`stonith-enabled`, by default true."""
    return is_true(cib.property_value("stonith-enabled"), default=True)


def fencing_operation(cib: Cib) -> str:
    """`stonith-action`: off, or by default reboot."""
    word = (cib.property_value("stonith-action") or "").strip().lower()
    return "off" if word in ("off", "poweroff") else "reboot"


def is_in_maintenance(cib: Cib) -> bool:
    """`maintenance-mode`, by default false."""
    return is_true(cib.property_value("maintenance-mode"), default=False)


def actions_at_once(cib: Cib, default: int) -> tuple[int, int]:
    """How many actions may be in flight: in the cluster (`batch-limit`) and on a node (`node-action-limit`; 0: any)."""
    words = (cib.property_value("batch-limit"), cib.property_value("node-action-limit"))
    most, most_on_node = (int(word) if word is not None and word.strip().isdecimal() else 0 for word in words)
    return most or default, most_on_node


def no_quorum_policy(cib: Cib) -> str:
    """`no-quorum-policy`, by default stop."""
    return (cib.property_value("no-quorum-policy") or "stop").lower()


def self_fence_ms(cib: Cib, settings: Settings) -> Millis | None:
    """So long after its loss a node counts as fenced by its watchdog; None: it does not.

    `stonith-watchdog-timeout`: a negative value is twice the watchdog's timeout, one below that is refused. A node that
    may still be stopping what it runs is never taken for off, however short the property is.
    """
    given = next((value for name in SELF_FENCE_PROPERTIES if (value := cib.property_value(name))), "").strip()
    if settings.watchdog is None or settings.ended_ms is None or not has_fencing(cib):
        return None
    least_ms = 2 * settings.watchdog.timeout_ms
    wanted_ms = least_ms if given.startswith("-") else parse_duration(given) or 0
    return max(wanted_ms, settings.ended_ms) if wanted_ms >= least_ms else None


def unsafe_reasons(cib: Cib, *, two_node: bool, settings: Settings) -> tuple[str, ...]:
    """Why invariants are not promised with this configuration; empty is good.

    Where every node has a watchdog and is given the time that it needs, nothing is taken over from one that still runs.
    """
    if has_fencing(cib):
        return ()
    is_waited_for = settings.ended_ms is not None and settings.takeover_ms >= settings.ended_ms and not two_node
    reasons = [] if is_waited_for else ["stonith-enabled=false: a lost node is taken over without being fenced"]
    if two_node:
        reasons.append("two_node without fencing: after a split both nodes may run the same resources")
    policy = no_quorum_policy(cib)
    if policy in ("freeze", "ignore"):
        reasons.append(f"no-quorum-policy={policy} without fencing: a cut-off node keeps its resources running")
    return tuple(reasons)
