"""The only clock and the only source of randomness."""

from __future__ import annotations

import os
import time

from hashelld.model.ids import Millis


class Clock:
    """CLOCK_BOOTTIME, which goes on while the machine sleeps, the wall clock, and the kernel's random bytes."""

    def now(self) -> Millis:
        """Milliseconds of CLOCK_BOOTTIME."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def wall_ms(self) -> int:
        """Milliseconds since 1970, as people count."""
        return time.time_ns() // 1_000_000

    def offset_ms(self) -> int:
        """Wall clock minus CLOCK_BOOTTIME."""
        return self.wall_ms() - self.now()

    def draw(self, low: int, high: int) -> int:
        """A random integer, both ends included."""
        assert low <= high
        return low + int.from_bytes(os.urandom(8)) % (high - low + 1)

    def token(self) -> str:
        """Eight random bytes, in hexadecimal."""
        return os.urandom(8).hex()
