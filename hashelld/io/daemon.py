"""The daemon put together: the real node in the real world."""

from __future__ import annotations

from typing import Final

from hashelld.config import DaemonConfig
from hashelld.core.effects import Level
from hashelld.core.node import Node
from hashelld.core.settings import DEVICE
from hashelld.io.clock import Clock
from hashelld.io.logs import Form, Log
from hashelld.io.runtime import run
from hashelld.io.supervisor import supervised
from hashelld.io.watchdog import NO_WATCHDOG, DeviceWatchdog, Watchdog


FORMS: Final = tuple(form.value for form in Form)
LEVELS: Final = tuple(level.value for level in Level)


def run_node(config: DaemonConfig, *, form: str, level: str) -> int:
    """Run until the node leaves; its exit code. `runtime.run` tells what is raised when it cannot start."""
    clock, found = Clock(), config.watchdog

    def begin(watchdog: Watchdog) -> int:
        return run(config, Node, Log(clock.wall_ms, form=Form(form), least=Level(level)), watchdog)

    if found is None:
        return begin(NO_WATCHDOG)
    if found.mode == DEVICE:
        return begin(DeviceWatchdog(found.device, found.timeout_ms))
    return supervised(found.timeout_ms, clock, config.state, begin, realtime=config.realtime)
