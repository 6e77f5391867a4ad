"""A machine's watchdog: it resets the machine when the daemon that opened it does not pet it in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.model.ids import Millis


if TYPE_CHECKING:
    from tests.sim.host import Daemon, Host
    from tests.sim.world import SimWorld

SHORTEST_MS: Millis = 1_000


class SimWatchdog:
    """As the kernel's: a daemon that dies does not stop it, and to open it anew is to pet it."""

    def __init__(self, host: Host, world: SimWorld) -> None:
        self._host = host
        self._world = world
        self._owner: Daemon | None = None
        self._petted_ms: Millis | None = None
        self._timeout_ms: Millis = 0
        self._is_ending = False

    def arm(self, daemon: Daemon) -> None:
        """The daemon opens it."""
        found = self._host.settings.watchdog
        if found is None or self._owner is daemon:
            return
        self._owner, self._is_ending, self._timeout_ms = daemon, False, found.timeout_ms
        is_running = self._petted_ms is not None
        self._petted_ms = self._world.timeline.now
        if not is_running:
            self._look_later()

    def pet(self, daemon: Daemon) -> None:
        """The loop of the daemon turned."""
        if self._owner is daemon and not self._is_ending and self._petted_ms is not None:
            self._petted_ms = self._world.timeline.now

    def end(self, daemon: Daemon) -> None:
        """The daemon wants the machine reset."""
        self.arm(daemon)
        self._is_ending, self._timeout_ms = True, SHORTEST_MS

    def disarm(self, daemon: Daemon) -> None:
        """The daemon closes it."""
        if self._owner is daemon and not self._is_ending:
            self.power_off()

    def power_off(self) -> None:
        """It stands still."""
        self._owner = self._petted_ms = None
        self._is_ending = False

    def _look_later(self) -> None:
        assert self._petted_ms is not None
        due_ms = self._petted_ms + self._timeout_ms
        self._world.timeline.at(max(due_ms, self._world.timeline.now + 1), self._look)

    def _look(self) -> None:
        if self._petted_ms is None:
            return
        if self._world.timeline.now < self._petted_ms + self._timeout_ms:
            self._look_later()
        else:
            self._world.resets.append((self._world.timeline.now, self._host.name))
            self._host.reset()
