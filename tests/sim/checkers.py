"""The invariants of DESIGN.md 3.7, checked at every step from outside of the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hashelld.cib.digest import digest
from hashelld.core.effects import Persist
from hashelld.model.ids import NO_VERSION, Epoch, Millis, NodeId, Version
from hashelld.wire.client import CibIs
from hashelld.wire.log import DISK, Commit, Electorate, ElectorateChange, Entry
from hashelld.wire.peer import Append, Appended, BeatContent, Envelope, Install, Join, JoinRequest, Order, VoteAnswer
from tests.sim.ground import is_quorum
from tests.sim.qdisk import INTERVAL_MS, TKO, UUID
from tests.sim.violation import Violation


if TYPE_CHECKING:
    from tests.sim.host import Host
    from tests.sim.world import SimWorld

DEADTIMES_OF_GRACE: Final = 3
"""Orders of a DC that is just going out of sight are carried out for so many deadtimes."""
HEALTHY_FOR_MS: Final = 5_000
"""Who was connected for so long had time to be forgiven its past."""
SILENT_FOR_MS: Final = 2_500
"""An answer of a ping node counts for no longer."""
ARBITER: Final = NodeId(DISK + UUID)
OFFICE_ONLY: Final = (Append, Install, JoinRequest, Order)


class Checkers:
    """Watches sends, beats, writes, replies, agents and fencing; raises `Violation`."""

    def __init__(self, world: SimWorld) -> None:
        self._world = world
        self._dc_of: dict[int, NodeId] = {}
        self._acknowledged: dict[int, tuple[Version, str]] = {}
        self._highest: dict[NodeId, Version] = {}
        self._shown: dict[NodeId, Version] = {}
        self._stored: dict[NodeId, dict[int, Entry]] = {name: {} for name in world.names}
        self._tail: dict[NodeId, Version] = dict.fromkeys(world.names, NO_VERSION)
        self._ordered_ms: dict[tuple[NodeId, str, int], Millis] = {}
        """When an order was sent: by sender, its incarnation, and sequence."""
        self.commits: dict[str, Version] = {}
        """Acknowledged commits by id."""
        self.fencings: list[tuple[Millis, NodeId, NodeId, str]] = []
        """(when, by, target, action) of every call of a device."""
        self.starts: list[tuple[Millis, NodeId, str, str]] = []
        """(when, where, instance, operation)."""
        self.excused: set[NodeId] = set()
        """Who may be fenced: an administrator asked for it, or its disk failed."""

    # -- 1: one DC in an epoch

    def on_send(self, host: Host, envelope: Envelope) -> None:
        """Only the epoch's node gives orders in it, and nothing is said that the disk does not hold."""
        if isinstance(envelope.body, OFFICE_ONLY):
            self._claim_office(host.name, envelope.epoch)
            if isinstance(envelope.body, Order):
                self._ordered_ms[_order_of(envelope)] = self._world.timeline.now
        self.keeps_word(host, envelope)

    def keeps_word(self, host: Host, envelope: Envelope) -> None:
        """A vote, a join or an answer that something is stored: it is on the sender's disk."""
        if isinstance(envelope.body, VoteAnswer) and envelope.body.granted:
            content = host.disk.content
            if (content.promised, content.voted) != (envelope.body.number, envelope.receiver):
                raise Violation(1, f"{host.name} votes for {envelope.receiver}, its disk says {content.voted}")
            if content.was_set_aside or not content.may_vote:
                raise Violation(1, f"{host.name} votes for {envelope.receiver} on a memory that was lost")
        elif isinstance(envelope.body, Join) and host.disk.content.promised < envelope.epoch.number:
            raise Violation(1, f"{host.name} joins {envelope.epoch} before its disk has the promise")
        elif isinstance(envelope.body, Appended):
            self._says_stored(host, envelope.body)

    @staticmethod
    def _says_stored(host: Host, said: Appended) -> None:
        if said.matches and host.disk.content.version < said.stored:
            raise Violation(2, f"{host.name} says that it stored {said.stored}, its disk does not")

    def on_beat(self, host: Host, content: BeatContent) -> None:
        """A beat that says "quorate DC" must be of the epoch's node."""
        if content.is_quorate_dc:
            self._claim_office(host.name, content.promised)

    def _claim_office(self, node: NodeId, epoch: Epoch) -> None:
        if epoch.node != node:
            raise Violation(1, f"{node} acts as DC in epoch {epoch}, which is not its own")
        if self._world.is_unsafe:
            return
        holder = self._dc_of.setdefault(epoch.number, node)
        if holder != node:
            raise Violation(1, f"{node} and {holder} are both DC with number {epoch.number}")

    # -- 2: an acknowledged commit is never lost

    def on_stored(self, host: Host, write: Persist) -> None:
        """A write reached the disk."""
        log = self._stored[host.name]
        before, self._tail[host.name] = self._tail[host.name], host.disk.content.version
        if host.disk.content.version < before and not self._world.is_unsafe:
            raise Violation(3, f"{host.name} had stored {before}, now its newest is {host.disk.content.version}")
        if write.truncate_after is not None:
            for serial in [serial for serial in log if serial > write.truncate_after.serial]:
                del log[serial]
        if write.replaces_log:
            log.clear()
        for entry in write.entries:
            log[entry.version.serial] = entry
        if write.acknowledged is not None:
            self._acknowledge(host.name, write.acknowledged)

    def _acknowledge(self, node: NodeId, version: Version) -> None:
        before = self._highest.get(node)
        if before is not None and version < before and not self._world.is_unsafe:
            raise Violation(3, f"{node} acknowledged {before} and later {version}")
        self._highest[node] = version
        log, serial = self._stored[node], version.serial
        while (entry := log.get(serial)) is not None and serial not in self._acknowledged:
            self._remember(node, entry)
            serial -= 1
        if (entry := log.get(version.serial)) is not None:
            self._remember(node, entry)

    def _remember(self, node: NodeId, entry: Entry) -> None:
        known = (entry.version, digest(entry))
        other = self._acknowledged.setdefault(entry.version.serial, known)
        if other != known and not self._world.is_unsafe:
            raise Violation(2, f"{node} acknowledged {entry} where {other[0]} had been acknowledged")

    def on_committed(self, commit: str, version: Version) -> None:
        """A shell was told that its commit is safe."""
        is_repeated = commit in self.commits
        before = self.commits.setdefault(commit, version)
        if before != version:
            raise Violation(2, f"commit {commit} was acknowledged as {before} and as {version}")
        if self._world.is_unsafe or is_repeated:
            return
        known = self._acknowledged.get(version.serial)
        if known is not None and known[0] != version:
            raise Violation(2, f"commit {commit} is acknowledged as {version}, but {known[0]} has that serial")
        self._expect_on_quorum(commit, version)

    def _expect_on_quorum(self, commit: str, version: Version) -> None:
        holders = [name for name in self._world.names if self._holds(name, version, commit)]
        qdisk = self._world.qdisk
        if qdisk is not None and qdisk.vouched >= version:
            holders.append(ARBITER)
        electorates = self._electorates()
        if electorates and not any(is_quorum(holders, electorate) for electorate in electorates):
            raise Violation(2, f"commit {commit} {version} is acknowledged with copies on {holders} only")

    def _holds(self, node: NodeId, version: Version, commit: str) -> bool:
        entry = self._stored[node].get(version.serial)
        if entry is None:  # It may be part of a checkpoint.
            return self._world.hosts[node].disk.content.version.serial >= version.serial
        return entry.version == version and isinstance(entry.change, Commit) and entry.change.id == commit

    def _electorates(self) -> list[Electorate]:
        """Every electorate that any log names."""
        found = [self._world.founding]
        for log in self._stored.values():
            found.extend(
                entry.change.electorate for entry in log.values() if isinstance(entry.change, ElectorateChange)
            )
        return found

    # -- 3: the applied version never goes back

    def on_cib(self, host: Host, answer: CibIs) -> None:
        """A node showed its applied document."""
        before = self._shown.get(host.name, answer.version)
        if answer.version < before and not self._world.is_unsafe:
            raise Violation(3, f"{host.name} showed {before} and later {answer.version}")
        self._shown[host.name] = answer.version

    def forget(self, node: NodeId) -> None:
        """This node's disk was replaced: it may begin again."""
        self._world.promises.on_wiped(self._world.hosts[node])
        self._highest.pop(node, None)
        self._shown.pop(node, None)
        self._tail[node] = NO_VERSION
        self._stored[node] = {}

    # -- 4 and 5: acting

    def obeys(self, host: Host, order: Envelope) -> None:
        """An agent is begun because an order just came."""
        label = order.body.action.label if isinstance(order.body, Order) else ""
        if order.epoch.number < host.disk.content.promised:
            text = f"{host.name} obeys {order.sender}: {label} of {order.epoch}, its disk promises "
            raise Violation(4, f"{text}{host.disk.content.promised}")
        age_ms = self._world.timeline.now - self._ordered_ms[_order_of(order)]
        if age_ms > DEADTIMES_OF_GRACE * self._world.deadtime_ms:
            raise Violation(4, f"{host.name} obeys {order.sender}: {label}, ordered {age_ms} ms ago")

    def begins(self, machine: NodeId, instance: str, operation: str) -> None:
        """A start or promote begins to act on a machine: the arbiter is none of those that may."""
        world = self._world
        if machine == world.arbiter:
            raise Violation(5, f"{machine} is the arbiter, and {operation}s {instance}")
        self.starts.append((world.timeline.now, machine, instance, operation))
        if world.has_stonith and ":" not in instance and instance not in world.cloned:
            elsewhere = self._active_elsewhere(machine, instance)
            if elsewhere:
                raise Violation(4, f"{machine} {operation}s {instance}, which is active on {elsewhere}")
        if world.has_stonith and operation == "promote":
            promoted = [h.name for h in world.hosts.values() if h.name != machine and h.agents.is_promoted(instance)]
            if promoted:
                raise Violation(4, f"{machine} promotes {instance}, which is promoted on {promoted}")
        if machine in world.cut and instance in world.protected:
            raise Violation(4, f"{machine} {operation}s {instance}, and has no access")
        if not self.has_quorum(machine):
            raise Violation(5, f"{machine} {operation}s {instance} without a quorum")

    def _active_elsewhere(self, machine: NodeId, instance: str) -> list[NodeId]:
        """Where else it does something: on a machine without access, what needs that does nothing."""
        cut = self._world.cut if instance in self._world.protected else set()
        hosts = (host for host in self._world.hosts.values() if host.name != machine and host.name not in cut)
        return [host.name for host in hosts if host.agents.is_active(instance)]

    def has_access_again(self, machine: NodeId) -> None:
        """A fabric device gave a machine its access back."""
        for instance in self._world.protected:
            elsewhere = self._active_elsewhere(machine, instance)
            if self._world.hosts[machine].agents.is_active(instance) and elsewhere:
                raise Violation(4, f"{machine} can reach what {instance} needs again, which is active on {elsewhere}")

    def has_quorum(self, machine: NodeId) -> bool:
        """Was a quorum of the machine's electorate in reach of a DC that it reached, a moment ago?"""
        world, now = self._world, self._world.timeline.now
        electorate = world.hosts[machine].disk.content.electorate or world.founding
        if world.ignores_quorum:
            return True
        window = DEADTIMES_OF_GRACE * world.deadtime_ms
        for dc in world.names:
            if world.ground.within(now, machine, dc, window):
                heard = [node for node in world.names if world.ground.within(now, dc, node, window)]
                if world.qdisk is not None and world.qdisk.was_held(dc, window + INTERVAL_MS * TKO):
                    heard.append(ARBITER)
                settled = world.hosts[dc].disk.content.settled_electorate  # The machine's log may still be on its way.
                if is_quorum(heard, electorate) or (settled is not None and is_quorum(heard, settled)):
                    return True
        return world.is_unsafe and electorate.two_node

    # -- 6: fencing

    def fence_begins(self, machine: NodeId, target: NodeId, action: str) -> None:
        """A device is called."""
        world, now = self._world, self._world.timeline.now
        self.fencings.append((now, machine, target, action))
        victim, fencer = world.hosts.get(target), world.hosts[machine]
        if target == world.arbiter:
            raise Violation(6, f"{machine} fences the arbiter")
        if self._is_cut_off(machine, target):
            raise Violation(6, f"{machine} fences {target}, and is cut off from the ping node as well")
        if victim is None or action == "on" or target in self.excused or victim.agents.has_failed_stop:
            return
        daemon, electorate = victim.daemon, fencer.disk.content.electorate
        if daemon is None or electorate is None or now - daemon.began_ms < HEALTHY_FOR_MS:
            return
        ground = world.ground
        if ground.throughout(now, machine, target, HEALTHY_FOR_MS):
            raise Violation(6, f"{machine} fences {target}, with which it was connected all the time")
        seen = [
            node
            for node in world.names
            if node != target
            and ground.throughout(now, node, target, HEALTHY_FOR_MS)
            and ground.throughout(now, node, machine, HEALTHY_FOR_MS)
        ]
        if is_quorum(seen, electorate):
            raise Violation(6, f"{machine} fences {target}, which {seen} see well")

    def _is_cut_off(self, machine: NodeId, target: NodeId) -> bool:
        """Does a node of a pair claim, without an answer of the ping node since long before?"""
        world, now = self._world, self._world.timeline.now
        electorate = world.hosts[machine].disk.content.electorate
        is_pair = electorate is not None and electorate.two_node and len(electorate.votes) == 2
        is_claim = is_pair and not world.ground.within(now, machine, target, HEALTHY_FOR_MS)
        return is_claim and now - world.gatewayless.get(machine, now) > SILENT_FOR_MS


def _order_of(envelope: Envelope) -> tuple[NodeId, str, int]:
    return envelope.sender, envelope.sender_incarnation.token, envelope.sequence
