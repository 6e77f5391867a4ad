"""Disturbances that belong together, for seeds that are run harder: whole outages, lagging streams, broken stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.core.events import Terminate
from tests.sim.configuration import with_attribute
from tests.sim.disk import Trouble
from tests.sim.ground import is_quorum
from tests.sim.network import BEATS, MESSAGES


if TYPE_CHECKING:
    from collections.abc import Callable

    from hashelld.model.ids import Millis, NodeId
    from tests.sim.host import Host
    from tests.sim.world import SimWorld


class Calamities:
    """The deeds; a nemesis draws them among its own."""

    def __init__(self, world: SimWorld) -> None:
        self._world = world
        self._random = world.timeline.random
        self._damaged: NodeId | None = None
        self.deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (9, self._outage),
            (24, self._lag),
            (16, self._heal_by_planes),
            (4, self._fail_sync),
            (4, self._fill_disk),
            (4, self._slow_disk),
            (4, self._damage_store),
        )

    def _dc(self) -> NodeId:
        """The DC, or anybody where there is not one."""
        dcs = self._world.dcs()
        return dcs[0] if len(dcs) == 1 else self._random.choice(self._world.names)

    def _any_host(self) -> Host:
        return self._world.hosts[self._random.choice(self._world.names)]

    # -- machines

    def _outage(self) -> None:
        """Most machines, or all, lose power or their daemon at once, and come back one after another."""
        world, between = self._world, self._world.timeline.between
        names = list(world.names)
        self._random.shuffle(names)
        has_power = self._random.random() < 0.5
        for name in names[: between(len(names) // 2 + 1, len(names))]:
            host = world.hosts[name]
            if has_power:
                host.crash_daemon(between(200, 4_000))
            else:
                host.power_cut()
                world.timeline.after(between(200, 6_000), host.boot)

    # -- links

    def _lag(self) -> None:
        """The DC's stream to one peer lags, resources move there, then the peer is in standby and the DC goes."""
        world, between = self._world, self._world.timeline.between
        dc = self._dc()
        pair = (dc, self._random.choice(world.peers_of(dc)))
        lag_ms = between(200, self._random.choice((1_100, 1_100, 6_000)))
        world.timeline.record("net", f"lag {pair} {lag_ms}")
        world.network.lag(pair, lag_ms)
        world.timeline.after(between(1_000, 5_000), lambda: world.network.hurry(pair))
        others = [name for name in world.names if name not in pair]
        self._move_resources(off=self._random.choice((*others, dc)), to=pair[1])
        world.timeline.after(between(100, 900), lambda: self._dc_goes(dc, pair[1]))

    def _move_resources(self, *, off: NodeId, to: NodeId | None = None) -> None:
        """A node in standby, another no longer: it takes stops, then starts elsewhere."""
        world, node = self._world, self._world.some_running()
        if node is not None and world.known_cib.nodes:
            edits = [with_attribute(world.known_cib, off, "standby", "on")]
            if to is not None:
                edits.append(with_attribute(world.known_cib, to, "standby", None))
            world.commit(node, *edits)

    def _dc_goes(self, dc: NodeId, peer: NodeId) -> None:
        world, between = self._world, self._world.timeline.between
        host = world.hosts[dc]
        chance = self._random.random()
        self._move_resources(off=peer)
        if host.daemon is None:
            return
        if chance < 0.5:
            world.timeline.record(dc, "terminate")
            host.daemon.take(Terminate())
            world.timeline.after(between(4_000, 9_000), host.start_daemon)
        elif chance < 0.75:
            host.pause()
            world.timeline.after(between(600, 4_000), host.resume)
        else:
            host.crash_daemon(world.supervisor_ms())

    def _heal_by_planes(self) -> None:
        """A machine is cut off, and one plane works again long before the other."""
        world, between = self._world, self._world.timeline.between
        name = self._random.choice([peer for peer in world.names if peer != self._dc()] or list(world.names))
        pairs = [pair for peer in world.peers_of(name) for pair in ((name, peer), (peer, name))]
        self._move_resources(off=self._dc(), to=name)
        first, last = self._random.choice(((MESSAGES, BEATS), (MESSAGES, BEATS), (BEATS, MESSAGES)))
        mended_ms = between(1_000, 5_000)

        def cut() -> None:
            world.isolate(name)
            world.timeline.after(mended_ms, lambda: world.network.heal(pairs, (first,)))
            world.timeline.after(mended_ms + between(500, 5_000), lambda: world.network.heal(pairs, (last,)))

        world.timeline.after(between(50, 900), cut)

    # -- stores

    def _fail_sync(self) -> None:
        """One fsync answers EIO: what it was for may or may not be there."""
        self._trouble(self._any_host(), Trouble.SYNC_FAILS, 20_000)

    def _fill_disk(self) -> None:
        """The disk is full, or mounted read-only, for a while."""
        self._trouble(self._any_host(), Trouble.UNWRITABLE, self._world.timeline.between(500, 8_000))

    def _trouble(self, host: Host, trouble: Trouble, span_ms: Millis) -> None:
        self._world.timeline.record(host.name, f"store {trouble.value}")
        self._world.checkers.excused.add(host.name)
        host.disk.trouble = trouble
        self._world.timeline.after(span_ms, host.disk.mend)

    def _slow_disk(self) -> None:
        """Every write takes long."""
        host = self._any_host()
        host.disk.slow_ms = self._world.timeline.between(50, 900)
        self._world.timeline.record(host.name, f"disk slow {host.disk.slow_ms}")
        self._world.checkers.excused.add(host.name)
        self._world.timeline.after(self._world.timeline.between(1_000, 10_000), host.disk.mend)

    def _damage_store(self) -> None:
        """Bytes flip: the next daemon finds a corrupt file. One machine in a run; the others have to be enough."""
        host = self._any_host()
        if self._damaged is not None or not self._is_spared(host.name):
            return
        self._damaged = host.name
        world = self._world
        world.timeline.record(host.name, "store damaged")
        world.checkers.excused.add(host.name)
        host.disk.is_damaged = True
        host.power_cut()
        world.timeline.after(world.timeline.between(500, 6_000), host.boot)

    def _is_spared(self, name: NodeId) -> bool:
        """Are the others a quorum of every electorate that a store or log names, and of the one before that counts?"""
        others = [peer for peer in self._world.names if peer != name]
        contents = [host.disk.content for host in self._world.hosts.values()]
        found = [of for content in contents for of in (content.electorate, content.settled_electorate)]
        daemons = (host.daemon for host in self._world.hosts.values())
        tails = (daemon.node.standing.log.tail for daemon in daemons if daemon is not None)
        found += [tail.electorate for tail in tails if tail is not None]
        return all(is_quorum(others, electorate) for electorate in found if electorate is not None)
