"""What the core itself reads of the configuration's properties."""

from __future__ import annotations

from typing import Final

from hashelld.cib.document import Cib


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


def unsafe_reasons(cib: Cib, *, two_node: bool) -> tuple[str, ...]:
    """Why invariants are not promised with this configuration; empty is good."""
    if has_fencing(cib):
        return ()
    reasons = ["stonith-enabled=false: a lost node is taken over without being fenced"]
    if two_node:
        reasons.append("two_node without fencing: after a split both nodes may run the same resources")
    policy = no_quorum_policy(cib)
    if policy in ("freeze", "ignore"):
        reasons.append(f"no-quorum-policy={policy} without fencing: a cut-off node keeps its resources running")
    return tuple(reasons)
