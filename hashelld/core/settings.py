"""What a node is told at its start: its names, its timings, and the electorate that founds a new cluster."""

from __future__ import annotations

from typing import Final

import msgspec

from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import Electorate


AUTO_TAKEOVER_FACTOR: Final = 10
"""`takeover_delay = "auto"` without a watchdog: so many deadtimes for the other side to notice and to stop."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of hashelld.toml that the core needs; io and config see to the rest."""

    node: NodeId
    cluster_name: str
    file_digest: str
    """Digest of node names, founding electorate and timings: unequal files do not found or join."""
    founding: Electorate
    keepalive_ms: Millis = 100
    warntime_ms: Millis = 300
    deadtime_ms: Millis = 600
    initdead_ms: Millis = 10_000
    restart_grace_ms: Millis = 3_000
    takeover_delay_ms: Millis | None = 0
    """Wait before taking over from a lost node where fencing is off; None: computed (ARBITRATION.md 3.6)."""
    ocf_root: str = "/usr/lib/ocf"
    own_ocf_root: str = ""
    """Where `ocf:hashell:` agents are (they ship with the package)."""
    shims_dir: str = ""
    """Where the daemon keeps Pacemaker's commands for its agents."""
    state_dir: str = ""
    """For agents that keep state without root (HA_RSCTMP)."""
    environment: dict[str, str] = {}
    """Added to every agent's environment ([agents] environment in hashelld.toml)."""
    plan_batch_max: int = 30
    """At most so many resource actions are in flight at once."""

    def __post_init__(self) -> None:
        assert 2 * self.keepalive_ms < self.warntime_ms < self.deadtime_ms <= self.initdead_ms, (
            "2 * keepalive < warntime < deadtime <= initdead"
        )
        assert self.restart_grace_ms >= self.deadtime_ms
        assert self.node in self.founding.votes or self.founding.votes

    @property
    def takeover_ms(self) -> Millis:
        """How long a lost node that is not fenced is waited for; computed where the file says `auto`."""
        if self.takeover_delay_ms is not None:
            return self.takeover_delay_ms
        return AUTO_TAKEOVER_FACTOR * self.deadtime_ms
