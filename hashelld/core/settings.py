"""What a node is told at its start: its names, its timings, and the electorate that founds a new cluster."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import msgspec

from hashelld.model.duration import format_duration
from hashelld.model.ids import Millis, NodeId
from hashelld.wire.log import Electorate
from hashelld.wire.sector import INTERVAL_MS, TKO


DEVICE, SUPERVISOR, OFF = MODES = ("device", "supervisor", "off")
"""A watchdog of the kernel; a parent process that ends the daemon and its resources; none."""
AUTO_TAKEOVER_FACTOR: Final = 10
"""`takeover_delay = "auto"` without a watchdog: so many deadtimes for the other side to notice and to stop."""


CLOCK_SLACK_MS: Final = 1_000
"""For clocks that do not run equally fast, and beats under way (L of ARBITRATION.md 3.6)."""


class Watchdog(msgspec.Struct, frozen=True, kw_only=True):
    """What ends this node when its daemon hangs, or does not get its resources stopped without quorum."""

    mode: str = DEVICE
    device: str = "/dev/watchdog"
    timeout_ms: Millis = 5_000
    """A daemon that said nothing for so long is ended, and all that its node runs with it."""
    stop_budget_ms: Millis = 20_000
    """A node without quorum has so long to stop everything. One value for both sides of a cut: what a cut-off node
    knows of stop timeouts may be old."""

    @property
    def timings(self) -> tuple[Millis, ...]:
        """What nodes have to know of each other's watchdogs; which kind each of them has is its own matter."""
        return (self.timeout_ms, self.stop_budget_ms)

    def flaws(self, deadtime_ms: Millis) -> Iterator[tuple[str, str]]:
        """(key of [watchdog], what is wrong with it)."""
        if self.mode not in MODES:
            close = get_close_matches(self.mode, MODES, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            yield "mode", f"'{self.mode}' is no mode of a watchdog ({', '.join(MODES)}){hint}"
        if self.timeout_ms < 2 * deadtime_ms:
            least = f"must be at least twice deadtime ({format_duration(deadtime_ms)})"
            yield "timeout", f"timeout ({format_duration(self.timeout_ms)}) {least}: a loop that is late is no dead one"
        if self.mode == DEVICE and self.timeout_ms % 1_000:
            yield "timeout", f"timeout ({format_duration(self.timeout_ms)}): a device counts whole seconds"
        if not self.stop_budget_ms:
            yield "stop_budget", "stop_budget (0s): without quorum nothing could be stopped in time"


class PingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Ping nodes: who is asked, and how many have to answer."""

    targets: dict[str, tuple[str, ...]]
    """By name: one of the addresses has to answer. Most have one."""
    require: int = 1
    """So many of them."""
    interval_ms: Millis = 1_000
    """Between two requests, when nothing hangs on the answer."""
    timeout_ms: Millis = 1_000
    """When something does: silence for so long is a no."""


class DiskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What this node is told of the quorum disk; which disk it is, the electorate says."""

    place: int = 0
    """Its own place there, from 0."""
    interval_ms: Millis = INTERVAL_MS
    """From one round of writing and reading to the next."""
    tko: int = TKO
    path: str = ""
    """For people."""

    def __post_init__(self) -> None:
        assert self.tko > 2

    @property
    def lapse_ms(self) -> Millis:
        """The disk's vote is void so long after the last good round began."""
        return (self.tko - 2) * self.interval_ms


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of hashelld.toml that the core needs; io and config see to the rest."""

    node: NodeId
    cluster_name: str
    file_digest: str
    """Digest of node names, founding electorate and timings: unequal files do not found a cluster."""
    timings_digest: str = ""
    """Digest of the timings alone: with others a node does not join."""
    founding: Electorate
    keepalive_ms: Millis = 100
    warntime_ms: Millis = 300
    deadtime_ms: Millis = 600
    initdead_ms: Millis = 10_000
    restart_grace_ms: Millis = 3_000
    takeover_delay_ms: Millis | None = 0
    """Wait before taking over from a lost node where fencing is off; None: computed (ARBITRATION.md 3.6)."""
    ping: PingSettings | None = None
    disk: DiskSettings | None = None
    """The quorum disk; None where the file names none."""
    ocf_root: str = "/usr/lib/ocf"
    own_ocf_root: str = ""
    """Where `ocf:hashell:` agents are (they ship with the package)."""
    shims_dir: str = ""
    """Where the daemon keeps Pacemaker's commands for its agents."""
    state_dir: str = ""
    """For agents that keep state without root (HA_RSCTMP)."""
    environment: dict[str, str] = {}
    """Added to every agent's environment ([agents] environment in hashelld.toml)."""
    watchdog: Watchdog | None = None
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
        asked_ms = self.ping.timeout_ms if self.ping is not None else 0
        return self.ended_ms or AUTO_TAKEOVER_FACTOR * self.deadtime_ms + self.lapse_ms + asked_ms

    @property
    def ended_ms(self) -> Millis | None:
        """So long after a DC lost it a node runs nothing any more: it stopped everything, or its watchdog ended it.

        The node itself knows of its loss a deadtime later (it gives the DC one to come back), and a beat may have been
        under way on either side. With a quorum disk it may have its vote until that lapses. None: there is no watchdog.
        """
        if self.watchdog is None:
            return None
        settle_ms = self.deadtime_ms + 2 * self.keepalive_ms + self.lapse_ms
        return settle_ms + self.watchdog.stop_budget_ms + self.watchdog.timeout_ms + CLOCK_SLACK_MS

    @property
    def lapse_ms(self) -> Millis:
        """So long the other side of a cut may still hold the quorum disk's vote when this one was given it."""
        return self.disk.lapse_ms if self.disk is not None else 0
