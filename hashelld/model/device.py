"""What a fencing device is told of its configured parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


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
