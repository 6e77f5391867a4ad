"""Simulated agents of one machine: what is really running there, and processes that take time, fail and hang."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import PurePath
from typing import Final, Protocol

from hashelld.core.effects import RunAgent
from hashelld.core.events import AgentEnded
from hashelld.model.history import (
    OCF_ERR_GENERIC,
    OCF_ERR_UNIMPLEMENTED,
    OCF_NOT_RUNNING,
    OCF_OK,
    OCF_RUNNING_PROMOTED,
)
from hashelld.model.ids import Millis, NodeId
from tests.sim.faults import Faults
from tests.sim.timeline import Timeline


class Running(Enum):
    """The truth about one instance on one machine."""

    NO = 7
    YES = 0
    PROMOTED = 8


FENCE_OFF: Final = 2
FABRIC: Final = frozenset({"fence_scsi", "fence_mpath", "fence_ifmib"})
_DURATIONS_MS: Final = {"start": (40, 400), "stop": (30, 300), "monitor": (5, 40), "promote": (30, 200)}
_AFTER: Final = {
    "start": Running.YES,
    "stop": Running.NO,
    "promote": Running.PROMOTED,
    "demote": Running.YES,
    "migrate_to": Running.NO,
    "migrate_from": Running.YES,
}
_HARMLESS: Final = frozenset({"meta-data", "validate-all", "notify", "reload", "reload-agent"})


class Surroundings(Protocol):
    """What agents of a machine do to the rest of the world."""

    def begins(self, machine: NodeId, instance: str, operation: str) -> None:
        """A start, promote or migrate_from begins to act."""

    def runs(self, machine: NodeId, process: Process) -> None:
        """A resource's agent begins."""

    def ended(self, machine: NodeId, process: Process, rc: int | None) -> None:
        """It ended; None: it was killed."""

    def scores(self, machine: NodeId, instance: str, words: str) -> None:
        """An agent says how well its instance would do promoted."""

    def fence_begins(self, machine: NodeId, target: NodeId, action: str) -> None:
        """A fencing device is called."""

    def is_powered(self, target: NodeId) -> bool:
        """What a device answers to `status`."""

    def has_access(self, target: NodeId) -> bool:
        """What a fabric device answers to `status`."""

    def switches(self, machine: NodeId, target: NodeId, action: str) -> None:
        """A fabric device takes a machine's access away, or gives it."""

    def fence_acts(self, machine: NodeId, target: NodeId, action: str) -> None:
        """The device cuts or restores the power."""


class Process:
    """One running agent; `report` is None once the daemon that began it is gone."""

    def __init__(self, effect: RunAgent, began_ms: Millis, report: Callable[[AgentEnded], None]) -> None:
        self.effect = effect
        self.began_ms = began_ms
        self.report: Callable[[AgentEnded], None] | None = report
        self.is_over = False
        self.instance = effect.environment.get("OCF_RESOURCE_INSTANCE", "")
        self.agent = effect.environment.get("OCF_RESOURCE_TYPE", "")
        self.operation = effect.argv[-1]
        fence_input = dict(line.split("=", 1) for line in effect.stdin.splitlines() if "=" in line)
        self.is_fabric = PurePath(effect.argv[0]).name in FABRIC
        self.is_fence = PurePath(effect.argv[0]).name.startswith("fence_")
        if self.is_fence:
            self.operation = fence_input.get("action", fence_input.get("option", "reboot"))
        names = (fence_input.get(key, "") for key in ("port", "plug", "nodename"))
        self.target = NodeId(next((name for name in names if name), ""))


class Agents:
    """All agents of one machine. They outlive the daemon that began them."""

    def __init__(self, machine: NodeId, timeline: Timeline, faults: Faults, surroundings: Surroundings) -> None:
        self._machine = machine
        self._timeline = timeline
        self._surroundings = surroundings
        self.faults = faults
        self.running: dict[str, Running] = {}
        self.processes: list[Process] = []
        self.broken: set[tuple[str, str]] = set()
        """(instance, operation) that always fail; `*` for every instance."""
        self.slow_ms: dict[tuple[str, str], Millis] = {}
        """(instance, operation) that take this long; fencing: (target, action)."""
        self.has_failed_stop = False
        self.notified: list[dict[str, str]] = []
        """The environment of every notification."""

    def is_active(self, instance: str) -> bool:
        """Is it running, or being started?"""
        is_starting = any(p.instance == instance and _AFTER.get(p.operation) is Running.YES for p in self.processes)
        return is_starting or self.running.get(instance, Running.NO) is not Running.NO

    def is_promoted(self, instance: str) -> bool:
        """Is it promoted, or being promoted?"""
        is_rising = any(p.instance == instance and p.operation == "promote" for p in self.processes)
        return is_rising or self.running.get(instance) is Running.PROMOTED

    def active(self) -> list[str]:
        """Every instance that runs."""
        return sorted(name for name, state in self.running.items() if state is not Running.NO)

    def run(self, effect: RunAgent, report: Callable[[AgentEnded], None]) -> None:
        """Begin a process."""
        process = Process(effect, self._timeline.now, report)
        self.processes.append(process)
        if process.is_fence:
            self._run_fence(process)
            return
        self._surroundings.runs(self._machine, process)
        if process.operation == "notify":
            self.notified.append(effect.environment)
        if process.operation in ("start", "promote", "migrate_from"):
            self._surroundings.begins(self._machine, process.instance, process.operation)
        hangs = self._timeline.chance(self.faults.agent_hangs)
        least, most = _DURATIONS_MS.get(process.operation, (5, 40))
        duration = self._slowness(process.instance, process.operation, self._timeline.between(least, most))
        self._end_after(process, duration, hangs=hangs)

    def kill(self, run: int, report: Callable[[AgentEnded], None]) -> None:
        """End one process of the daemon that reports this way."""
        for process in self.processes:
            if process.effect.run == run and process.report == report:
                self._kill_soon(process)

    def _kill_soon(self, process: Process) -> None:
        self._timeline.after(self._timeline.between(1, 5), lambda: self._kill(process))

    def forget_daemon(self) -> None:
        """The daemon died; its processes go on and nobody hears of them."""
        for process in self.processes:
            process.report = None

    def end_orphans(self) -> None:
        """A starting daemon ends the process groups of its predecessor."""
        for process in list(self.processes):
            if process.report is None:
                self._kill(process)

    def power_off(self) -> None:
        """Everything is gone."""
        for process in self.processes:
            process.is_over = True
        self.processes.clear()
        self.running.clear()
        self.has_failed_stop = False

    # -- resource agents

    def _end_after(self, process: Process, duration: Millis, *, hangs: bool) -> None:
        timeout = process.effect.timeout_ms
        if hangs or duration >= timeout:
            self._timeline.after(timeout, lambda: self._kill(process))
        else:
            self._timeline.after(duration, lambda: self._finish(process))

    def _finish(self, process: Process) -> None:
        if process.is_over:
            return
        rc = self._rc(process)
        if process.agent == "Stateful":
            self._say_score(process, rc)
        self._end(process, rc)

    def _say_score(self, process: Process, rc: int) -> None:
        """As Pacemaker's Stateful does: at every change of the role, and at first looks."""
        is_probe = process.operation == "monitor" and process.effect.environment["OCF_RESKEY_CRM_meta_interval"] == "0"
        if process.operation == "stop":
            self._surroundings.scores(self._machine, process.instance, "-D")
        elif rc == OCF_RUNNING_PROMOTED or (rc == OCF_OK and process.operation == "promote"):
            self._surroundings.scores(self._machine, process.instance, "-v 10")
        elif rc == OCF_OK and (is_probe or process.operation in ("start", "demote")):
            self._surroundings.scores(self._machine, process.instance, "-v 5")

    def _rc(self, process: Process) -> int:
        operation, instance = process.operation, process.instance
        now = self.running.get(instance, Running.NO)
        if process.is_fence:
            return self._fence_rc(process)
        if operation in ("monitor", "status"):
            return self._monitor_rc(instance, now)
        if operation in _HARMLESS:
            return OCF_OK
        if operation not in _AFTER:
            return OCF_ERR_UNIMPLEMENTED
        if self._is_broken(instance, operation) or self._timeline.chance(self._failure_rate(operation)):
            if operation == "start" and self._timeline.chance(0.5):
                self.running[instance] = Running.YES  # Half started: only a stop makes it certain.
            if operation == "stop":
                self.has_failed_stop = True
            return OCF_ERR_GENERIC
        self.running[instance] = _AFTER[operation]
        return OCF_OK

    def _monitor_rc(self, instance: str, now: Running) -> int:
        if now is Running.NO:
            return OCF_NOT_RUNNING
        if self._is_broken(instance, "monitor") or self._timeline.chance(self.faults.agent_fails):
            return OCF_ERR_GENERIC
        return OCF_RUNNING_PROMOTED if now is Running.PROMOTED else OCF_OK

    def _failure_rate(self, operation: str) -> float:
        return self.faults.stop_fails if operation == "stop" else self.faults.agent_fails

    def _kill(self, process: Process) -> None:
        if process.is_over:
            return
        after = _AFTER.get(process.operation)
        if after is not None and not process.is_fence and self._timeline.chance(0.5):
            self.running[process.instance] = after
        if process.operation == "stop":
            self.has_failed_stop = True
        self._end(process, None)

    def _end(self, process: Process, rc: int | None) -> None:
        process.is_over = True
        self.processes.remove(process)
        duration = self._timeline.now - process.began_ms
        label = process.effect.label or f"{process.target or process.instance} {process.operation}"
        self._timeline.record(self._machine, "agent-ended", f"{label} rc={rc} after {duration} ms")
        self._surroundings.ended(self._machine, process, rc)
        if process.report is not None:
            process.report(AgentEnded(run=process.effect.run, rc=rc, duration_ms=duration))

    def _is_broken(self, instance: str, operation: str) -> bool:
        return (instance, operation) in self.broken or ("*", operation) in self.broken

    def _slowness(self, instance: str, operation: str, usual: Millis) -> Millis:
        return self.slow_ms.get((instance, operation), self.slow_ms.get(("*", operation), usual))

    # -- fencing agents

    def _run_fence(self, process: Process) -> None:
        timeline, target, action = self._timeline, process.target, process.operation
        is_shot = action in ("off", "reboot", "on")
        if is_shot:
            self._surroundings.fence_begins(self._machine, target, action)
        usual = timeline.between(100, 1500) if is_shot else timeline.between(10, 60)
        duration = self._slowness(target, action, usual)
        if is_shot and not self._fails(process):
            timeline.after(duration * 2 // 3, lambda: self._shoot(process))
        self._end_after(process, duration, hangs=False)

    def _fails(self, process: Process) -> bool:
        """Does the device do nothing at all?"""
        if self._is_broken(process.target, process.operation):
            return True
        return self._timeline.chance(self.faults.fence_fails)

    def _shoot(self, process: Process) -> None:
        if process.is_over:
            return
        process.operation += "-done"
        acts = self._surroundings.switches if process.is_fabric else self._surroundings.fence_acts
        acts(self._machine, process.target, process.operation.removesuffix("-done"))

    def _fence_rc(self, process: Process) -> int:
        if process.operation in ("off", "reboot", "on"):
            return OCF_ERR_GENERIC
        if process.operation.endswith("-done") and self._timeline.chance(self.faults.fence_fails / 4):
            return OCF_ERR_GENERIC  # It was done, and the answer got lost.
        if process.operation == "status":
            tells = self._surroundings.has_access if process.is_fabric else self._surroundings.is_powered
            return OCF_OK if tells(process.target) else FENCE_OFF
        return OCF_OK
