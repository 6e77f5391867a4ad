"""What may go wrong, and how often."""

from __future__ import annotations

import msgspec

from hashelld.model.ids import Millis


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities by event, and mean seconds between disturbances; all off by default."""

    loss: float = 0.0
    """Of a datagram, or of a segment of a stream (which then arrives later)."""
    message_loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    late_for_next_incarnation: float = 0.0
    """A message to a daemon that is down reaches the next one."""
    latency_min_ms: Millis = 0
    """Of every datagram and message; 0: nine of ten take a millisecond."""
    latency_max_ms: Millis = 5
    disk_latency_max_ms: Millis = 4
    agent_fails: float = 0.0
    agent_hangs: float = 0.0
    stop_fails: float = 0.0
    fence_fails: float = 0.0
    lying_disk: float = 0.0
    """A power cut takes writes that were reported done."""
    has_calamities: bool = False
    """Disturbances that belong together are among the nemesis's."""
    has_slow_ways: bool = False
    """Now and then all messages of one direction take seconds."""
    disturbed_every_ms: Millis | None = None
    """Mean time between two disturbances of the nemesis; None: it sleeps."""


NO_FAULTS = Faults()


def random_faults(draw: float) -> Faults:
    """A mixture for a seeded run: mostly mild; rough (draw below 0.3), calamitous (0.6 to 0.9) or slow (from 0.9)."""
    rough, has_calamities, has_slow_ways = draw < 0.3, 0.6 <= draw < 0.9, draw >= 0.9
    return Faults(
        loss=0.05 if rough else 0.005,
        message_loss=0.01 if rough else 0.001,
        duplicate=0.02 if rough else 0.002,
        reorder=0.02 if rough else 0.002,
        late_for_next_incarnation=0.3,
        latency_max_ms=60 if rough else 10,
        disk_latency_max_ms=40 if rough else 8,
        agent_fails=0.02 if rough else 0.005,
        agent_hangs=0.004 if rough else 0.001,
        stop_fails=0.01 if rough else 0.002,
        fence_fails=0.2 if rough else 0.05,
        has_calamities=has_calamities,
        has_slow_ways=has_slow_ways,
        disturbed_every_ms=3_000 if rough or has_calamities or has_slow_ways else 6_000,
    )
