"""What is known of fencing devices by their agents and names, and what they are told of their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


FABRIC: Final = frozenset(
    {
        "fence_brocade",
        "fence_cisco_mds",
        "fence_compute",
        "fence_ifmib",
        "fence_mpath",
        "fence_sanbox2",
        "fence_scsi",
    }
)
"""Agents that cut a node from its storage or network: what runs there goes on, and `on` has to restore it.

(FENCING.md A5: those whose metadata has an automatic `on`.)
"""
FENCING_DEVICE: Final = "fencing-device"
"""Meta attribute of a resource: the device that cuts a node from it, so that the node need not be fenced for it."""
UNFENCED: Final = "#node-unfenced"
"""Transient node attribute: when (seconds since 1970) the node was given access last; none or 0: it was not."""
DIGESTS_ALL: Final = "#digests-all"
DIGESTS_SECURE: Final = "#digests-secure"
"""Transient node attributes: with which parameters; device, agent and digest, each followed by a comma."""
PROVIDES: Final = "provides"

# The cluster's own parameters. `action` of a configuration would win over the line that is written first, and an agent
# without a legal action power-cycles (FENCING.md A3).
_OWN_PREFIXES: Final = ("pcmk_", "crm_")
_OWN_NAMES: Final = frozenset({"action", "option", "priority", "provides", "stonith-timeout"})


def told_to_device(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters that are the device's and not the cluster's."""
    return {
        name: value
        for name, value in parameters.items()
        if name not in _OWN_NAMES and not name.startswith(_OWN_PREFIXES)
    }


def is_unfencing(provides: str | None) -> bool:
    """Does a device's meta attribute `provides` say that it has to give nodes access?"""
    return (provides or "").strip().lower() == "unfencing"
