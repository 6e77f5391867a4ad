"""What other clusters took for the same scenarios on the same kind of hosts, in seconds (medians of five runs)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


SOURCE: Final = "measured with heartbeat 3.0.6, keepalived 2.2.7, corosync 3.1.7 + pacemaker 2.1.5"
SCENARIOS: Final = ("crash", "handover", "take-back", "failback", "httpd killed", "heal: one holder", "heal: outage")
NEVER: Final = float("inf")
"""Nobody noticed within 15 seconds."""
UNSEEN: Final = 0.0
"""Below 0.03 s a gap is not told from scheduling."""

PEERS: Final = MappingProxyType(
    {
        "heartbeat default": (29.9, 0.68, 0.76, 0.77, NEVER, 48.9, 46.2),
        "heartbeat fast": (1.52, 0.39, 0.44, 0.43, NEVER, 18.1, 15.8),
        "heartbeat fastest": (0.52, 0.39, 0.40, 0.38, NEVER, 18.0, 15.8),
        "keepalived default": (3.02, 0.61, UNSEEN, UNSEEN, 1.75, 0.38, 46.6),
        "keepalived 0.1 s": (0.33, 0.07, UNSEEN, UNSEEN, 0.46, 0.03, UNSEEN),
        "keepalived 0.01 s": (0.04, UNSEEN, UNSEEN, UNSEEN, 0.30, UNSEEN, UNSEEN),
        "pacemaker default": (7.43, 0.26, 0.30, 0.29, 7.13, 2.22, 0.38),
        "pacemaker fast": (0.62, 0.30, 0.28, 0.32, 0.54, 0.93, 0.38),
    }
)
