"""The invariants of RELIABILITY.md by name, and those of them that `checkers` does not watch.

| name | what is checked | where |
|---|---|---|
| S1 | an instance on one node, one promoted, no more of a clone than clone-max | `Checkers.begins`, `Promises.begins` |
| S2 | acknowledged commits stay, in the order in which they were asked for | `on_committed` of both |
| S3 | versions rise on every node, also over restarts | `Checkers.on_stored`, `on_cib` |
| S4 | one version is one entry and one document, wherever it is shown | `Checkers._acknowledge`, `Promises.on_cib` |
| S5 | what ran where the power went starts elsewhere when that is known; what is known is true | `Promises.begins` |
| S6 | no start, promote or commit without quorum; then a stop within its bound | `Checkers.begins`, `Promises._watch` |
| S7 | one DC with a number, orders of older epochs are not obeyed | `Checkers.on_send`, `on_beat`, `obeys` |
| S8 | one vote a number, on disk before it is sent | `Checkers.keeps_word`, `Promises.on_send` |
| S9 | an address is answered for by one machine | e2e/test_namespaces: the observer's ARP |
| S10 | members of a group start behind and stop before their predecessor, on its machine | `Promises.begins`, `runs` |
| S11 | after a failed stop nothing starts elsewhere before the node is off or the stop is done | `Promises.begins` |
| S12 | an operation has one result, whoever is told and however often | `Promises.on_send` |
| S13 | in maintenance, or unmanaged: no start, stop, promote or demote | `Promises.runs` |
| S14 | a daemon that is brought back leaves alone what runs | e2e/test_loopback: a_killed_daemon_…; sim: fencing |
| S15 | what is no message is dropped and counted; what a member should not say harms nobody else | io/test_codec, |
|     |    | e2e/test_hostile, `hostile` |
| S16 | no secret in a log, a history or a report | shell/commands/test_history, cib_heartbeat/test_import |
| S17 | a daemon that starts looks before it starts anything | `Promises.begins` |
| S18 | who cannot store votes no more and says no more that it stored | `Promises.on_send`; scenarios: disk |
| L1 | healed: one DC, equal documents, every resource once, within a bound | `convergence.converge` |
| L2 | healed: nobody is fenced over and over | `Promises.after_healing` |
| L3 | losses and delays alone fence nobody and move nothing | test_scenarios_planes: losses_and_delays_… |

Names may stand for numbers of DESIGN.md 3.7 as well; `violation.NAMES` tells which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hashelld.cib.document import Cib
from hashelld.cib.edit import apply
from hashelld.core.effects import Persist
from hashelld.core.options import is_in_maintenance, no_quorum_policy
from hashelld.core.self_fencing import WATCHDOG
from hashelld.model.history import OCF_NOT_RUNNING, OCF_OK
from hashelld.model.ids import NO_VERSION, Incarnation, Millis, NodeId, Version
from hashelld.model.resource import Clone, Group, Primitive, value_of
from hashelld.wire.client import CibIs
from hashelld.wire.log import Commit, Confirmation, Founding, PathChange, PathState
from hashelld.wire.peer import Append, Appended, Envelope, Join, JoinRequest, OrderResult, Status, VoteAnswer
from tests.sim.agents import FABRIC
from tests.sim.violation import Violation


if TYPE_CHECKING:
    from tests.sim.agents import Process
    from tests.sim.host import Host
    from tests.sim.world import SimWorld

STOPPED_WITHIN_MS: Final = 45_000
"""Without a quorum: two stops behind each other that hang, and what was just being started."""
SETTLED_MS: Final = 5_000
"""Orders given before a maintenance began are over."""
WATCH_EVERY_MS: Final = 1_000
FENCED_ONCE_HEALED_MAX: Final = 2
"""One loss under way when everything healed, and one stop that had failed by then."""
_MOVING: Final = frozenset({"start", "stop", "promote", "demote", "migrate_to", "migrate_from"})
_OFFICE: Final = (Append, JoinRequest)


class Promises:
    """Watches from outside of the nodes; raises `Violation` by name."""

    def __init__(self, world: SimWorld) -> None:
        self._world = world
        self.cib = Cib()
        """The newest acknowledged document that any disk holds."""
        self._cursor: Version = NO_VERSION
        self._managed_ms: dict[str, Millis] = {}
        """Since when a resource is not managed; under "" the maintenance of all."""
        self._digests: dict[Version, str] = {}
        self._newest: list[tuple[Millis, Version]] = [(0, NO_VERSION)]
        """What shells were told, and when."""
        self._asked_ms: dict[str, Millis] = {}
        """When a commit was asked for first."""
        self._votes: dict[tuple[NodeId, int], NodeId] = {}
        self._results: dict[tuple[NodeId, str, str, int], OrderResult] = {}
        self._dark: dict[str, tuple[NodeId, Incarnation, Millis]] = {}
        """What ran on a machine when it lost its power, until a daemon starts there."""
        self._confirmed_ms: dict[NodeId, Millis] = {}
        """When a log last said that a node is off."""
        self._failed_stops: set[tuple[NodeId, str]] = set()
        self._found: dict[NodeId, set[str]] = {}
        """What the running daemon of a machine looked for."""
        self._begun: set[tuple[NodeId, str]] = set()
        """What was started on a machine or found there, and not stopped."""
        self._last: dict[NodeId, Incarnation] = {}
        self._unquorate_ms: dict[NodeId, Millis] = {}
        self._healed_ms: Millis | None = None
        world.timeline.after(WATCH_EVERY_MS, self._watch)

    # -- what shells are told

    def on_asked(self, commit: str) -> None:
        """A shell sends a commit, perhaps again."""
        self._asked_ms.setdefault(commit, self._world.timeline.now)

    def on_committed(self, commit: str, version: Version) -> None:
        """S2: behind everything that was acknowledged before it was asked for."""
        now, asked_ms = self._world.timeline.now, self._asked_ms[commit]
        before = max((told for moment, told in self._newest if moment < asked_ms), default=NO_VERSION)
        if version <= before and not self._world.is_unsafe:
            raise Violation("S2", f"commit {commit} is {version}, {before} was acknowledged before it was asked for")
        if version > self._newest[-1][1]:
            self._newest.append((now, version))

    def on_cib(self, host: Host, answer: CibIs) -> None:
        """S4: a version is one document."""
        known = self._digests.setdefault(answer.version, answer.digest)
        if known != answer.digest and not self._world.is_unsafe:
            raise Violation("S4", f"{host.name} shows {answer.digest} as {answer.version}, others {known}")

    # -- what is sent and stored

    def on_send(self, host: Host, envelope: Envelope) -> None:
        """S8, S12 and S18."""
        body = envelope.body
        if isinstance(body, VoteAnswer) and body.granted:
            self._on_vote(host, envelope.receiver, body.number)
        elif isinstance(body, OrderResult):
            key = (host.name, envelope.sender_incarnation.token, str(envelope.epoch), body.call)
            known = self._results.setdefault(key, body)
            if known != body:
                raise Violation("S12", f"{host.name} told {known}, now {body}")
        elif isinstance(body, Join | Status):
            self._on_status(host, body)
        is_promise = isinstance(body, _OFFICE) or (isinstance(body, Appended) and body.matches)
        if is_promise and host.daemon is not None and host.daemon.has_store_failed:
            raise Violation("S18", f"{host.name} cannot store anything and says {type(body).__name__}")

    def _on_vote(self, host: Host, candidate: NodeId, number: int) -> None:
        if host.daemon is not None and host.daemon.has_store_failed:
            raise Violation("S18", f"{host.name} cannot store anything and votes")
        known = self._votes.setdefault((host.name, number), candidate)
        if known != candidate:
            raise Violation("S8", f"{host.name} votes for {candidate} with number {number}, it had voted for {known}")

    @staticmethod
    def _on_status(host: Host, body: Join | Status) -> None:
        calls = [result.call for result in body.status.operations if result.call]
        if len(calls) != len(set(calls)):
            raise Violation("S12", f"{host.name} reports a call twice: {body.status.operations}")

    def on_stored(self, host: Host, write: Persist) -> None:
        """S5: what a log says to be off is off. Follows the acknowledged document."""
        for entry in write.entries:
            if isinstance(entry.change, Confirmation):
                self._confirmed_ms[entry.change.node] = self._world.timeline.now
                self._is_true(host, entry.change)
        if write.acknowledged is None or write.acknowledged <= self._cursor or self._world.is_unsafe:
            return
        for entry in host.disk.content.entries:
            if self._cursor < entry.version <= write.acknowledged:
                change = entry.change
                if isinstance(change, Commit):
                    self.cib = apply(self.cib, change.edits)
                elif isinstance(change, Founding):
                    self.cib = change.cib
        self._cursor = write.acknowledged
        self._follow_management()

    def _is_true(self, host: Host, said: Confirmation) -> None:
        world, victim = self._world, self._world.hosts.get(said.node)
        if not world.has_stonith or victim is None or said.node in world.checkers.excused or self._has_fabric():
            return
        if said.by == WATCHDOG:  # Its daemon may live: that it runs nothing is what counts.
            running = [name for name in victim.agents.running if victim.agents.is_active(name)]
            if running:
                raise Violation("S5", f"{host.name} stores that {said.node} ended itself, and it runs {running}")
            return
        is_empty = said.by == "empty store"  # Which stands for fencing: it runs, and nothing of it counts.
        if victim.daemon is not None and victim.daemon.incarnation == said.incarnation and not is_empty:
            raise Violation("S5", f"{host.name} stores that {said.node} is off by {said.by}, and it runs")

    def _has_fabric(self) -> bool:
        found = (r for r in self.cib.objects if isinstance(r, Primitive) and r.agent is not None)
        return any(r.agent is not None and r.agent.type in FABRIC for r in found)

    def _follow_management(self) -> None:
        now = self._world.timeline.now
        alone = {""} if is_in_maintenance(self.cib) else set()
        for found in self.cib.objects:
            if isinstance(found, Primitive) and _is_unmanaged(found):
                alone.add(found.id)
        self._managed_ms = {name: self._managed_ms.get(name, now) for name in alone}

    # -- machines

    def on_daemon_start(self, host: Host, incarnation: Incarnation) -> None:
        """It knows nothing of what runs; what ran when the power went is not running."""
        self._found[host.name] = set()
        self._last[host.name] = incarnation
        self._dark = {name: where for name, where in self._dark.items() if where[0] != host.name}

    def on_power_cut(self, host: Host) -> None:
        """Nothing runs there any more, which nobody knows yet."""
        for instance in host.agents.active():
            self._dark[instance] = (host.name, self._last[host.name], self._world.timeline.now)
        self._failed_stops = {known for known in self._failed_stops if known[0] != host.name}
        self._begun = {known for known in self._begun if known[0] != host.name}

    def on_wiped(self, host: Host) -> None:
        """S8: a store that was replaced forgot its votes; it must not vote, which `Checkers.keeps_word` watches."""
        self._votes = {known: candidate for known, candidate in self._votes.items() if known[0] != host.name}

    # -- agents

    def runs(self, machine: NodeId, process: Process) -> None:
        """An agent begins, of whatever operation."""
        instance, operation = process.instance, process.operation
        if operation in _MOVING:
            self._is_managed(machine, instance, operation)
        if operation == "monitor" and process.effect.environment.get("OCF_RESKEY_CRM_meta_interval") == "0":
            self._found.setdefault(machine, set()).add(_base(instance))
        if operation == "stop":
            self._stops_in_order(machine, instance)

    def ended(self, machine: NodeId, process: Process, rc: int | None) -> None:
        """An agent ended; None: it was killed."""
        key, operation = (machine, process.instance), process.operation
        if operation == "stop" and rc != OCF_OK:
            self._failed_stops.add(key)
        elif operation == "stop" or (operation == "monitor" and rc == OCF_NOT_RUNNING):
            self._failed_stops.discard(key)
        if operation == "stop" and rc == OCF_OK:
            self._begun.discard(key)
        elif operation in ("start", "monitor") and rc == OCF_OK:
            self._begun.add(key)

    def begins(self, machine: NodeId, instance: str, operation: str) -> None:
        """A start, promote or migrate_from begins to act."""
        self._is_within_clone(machine, instance)
        if operation == "start":
            self._starts_in_order(machine, instance)
        if operation != "promote" and _base(instance) not in self._found.get(machine, set()):
            raise Violation("S17", f"{machine} {operation}s {instance}, which its daemon has not looked for")
        if not self._world.has_stonith or instance != _base(instance) or instance in self._world.cloned:
            return
        dark = self._dark.get(instance)
        is_cut = dark is not None and instance in self._world.protected and self._is_known_cut(*dark[:2])
        if dark is not None and dark[0] != machine and not (is_cut or self._is_known_off(*dark)):
            raise Violation("S5", f"{machine} {operation}s {instance}, which ran on {dark[0]}, and nobody knows it off")
        failed = [node for node, name in self._failed_stops if name == instance and node != machine]
        if failed and not self._world.checkers.excused.intersection(failed):
            raise Violation("S11", f"{machine} {operation}s {instance}, whose stop failed on {failed}")

    def _is_known_off(self, node: NodeId, incarnation: Incarnation, since_ms: Millis) -> bool:
        """Does a log say so (even of the one before, which alone was heard), or a survivor's electorate of itself?"""
        if self._confirmed_ms.get(node, -1) >= since_ms:
            return True
        for host in self._world.hosts.values():
            content = host.disk.content
            electorate = content.electorate
            if electorate is not None and electorate.two_node and node not in electorate.votes:
                return True
            said = [e.change for e in content.entries if isinstance(e.change, Confirmation)]
            if any(c.node == node and c.incarnation == incarnation for c in said):
                return True
            if content.checkpoint is not None and content.checkpoint.off.get(node) == incarnation:
                return True
        return False

    def _is_known_cut(self, node: NodeId, incarnation: Incarnation) -> bool:
        """Does a log say that the node has no access to what is protected?"""
        for host in self._world.hosts.values():
            said = [e.change for e in host.disk.content.entries if isinstance(e.change, PathChange)]
            if any((c.node, c.incarnation, c.state) == (node, incarnation, PathState.CUT) for c in said):
                return True
        return False

    def _is_within_clone(self, machine: NodeId, instance: str) -> None:
        clones = [c for c in self.cib.objects if isinstance(c, Clone) and c.child == _base(instance)]
        for clone in clones:
            most = value_of(clone.meta, "clone-max")
            names = [h.name for h in self._world.hosts.values() if h.name == machine or h.agents.is_active(instance)]
            if most is not None and most.isdecimal() and len(names) > int(most):
                raise Violation("S1", f"{machine} starts {instance}, of which {most} may be active: {names}")

    def _is_managed(self, machine: NodeId, instance: str, operation: str) -> None:
        now = self._world.timeline.now
        for name in {"", _base(instance)}.intersection(self._managed_ms):
            if now - self._managed_ms[name] > SETTLED_MS:
                self._suspect(name, f"{machine} {operation}s {instance}")

    def _suspect(self, name: str, deed: str) -> None:
        """It may just have been ended by a commit whose acknowledgement is still on its way to the disks."""
        since_ms = self._managed_ms[name]

        def judge() -> None:
            if self._managed_ms.get(name) == since_ms:
                raise Violation("S13", f"{deed}, {name or 'the cluster'} is not managed since {since_ms} ms")

        self._world.timeline.after(WATCH_EVERY_MS, judge)

    def _group_of(self, instance: str) -> tuple[str | None, str | None]:
        """What is before it, and behind it, in its group."""
        for group in self.cib.objects:
            if isinstance(group, Group) and instance in group.members:
                at = group.members.index(instance)
                around = (None, *group.members, None)
                return around[at], around[at + 2]
        return None, None

    def _starts_in_order(self, machine: NodeId, instance: str) -> None:
        before, _ = self._group_of(instance)
        agents = self._world.hosts[machine].agents
        if before is not None and (machine, before) not in self._begun and not agents.is_active(before):
            raise Violation("S10", f"{machine} starts {instance} before {before}")

    def _stops_in_order(self, machine: NodeId, instance: str) -> None:
        _, behind = self._group_of(instance)
        agents = self._world.hosts[machine].agents
        if behind is not None and (machine, behind) in self._begun and agents.is_active(behind):
            raise Violation("S10", f"{machine} stops {instance} before {behind}")

    # -- time

    def _watch(self) -> None:
        """S6: who has had no quorum for long runs nothing."""
        world, now = self._world, self._world.timeline.now
        world.timeline.after(WATCH_EVERY_MS, self._watch)
        for host in world.hosts.values():
            if not host.is_running or world.checkers.has_quorum(host.name) or not self._must_stop(host):
                self._unquorate_ms.pop(host.name, None)
            elif now - self._unquorate_ms.setdefault(host.name, now) > STOPPED_WITHIN_MS and host.agents.active():
                raise Violation("S6", f"{host.name} has no quorum for long and runs {host.agents.active()}")

    def _must_stop(self, host: Host) -> bool:
        electorate = host.disk.content.electorate
        is_pair = electorate is None or electorate.two_node  # It freezes while it claims.
        is_stopping = no_quorum_policy(self.cib) == "stop" and not self._managed_ms
        return is_stopping and not is_pair and not host.agents.has_failed_stop and self._is_able(host)

    @staticmethod
    def _is_able(host: Host) -> bool:
        return not host.agents.broken and not host.agents.slow_ms and host.daemon is not None

    def on_healed(self) -> None:
        """All faults are over."""
        if self._healed_ms is None:
            self._healed_ms = self._world.timeline.now

    def after_healing(self) -> None:
        """L2: whoever is fenced after that, it is for what was before."""
        if self._healed_ms is None:
            return
        shot: dict[NodeId, int] = {}
        for moment, _, target, action in self._world.checkers.fencings:
            if moment > self._healed_ms and action != "on":
                shot[target] = shot.get(target, 0) + 1
        often = {target: count for target, count in shot.items() if count > FENCED_ONCE_HEALED_MAX}
        self._healed_ms = None
        if often:
            raise Violation("L2", f"calls of fencing devices after everything was healed: {often}")


def _base(instance: str) -> str:
    return instance.partition(":")[0]


def _is_unmanaged(found: Primitive) -> bool:
    return value_of(found.meta, "is-managed") == "false" or value_of(found.meta, "maintenance") == "true"
