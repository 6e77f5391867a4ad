"""Disturbs a simulated world at random moments, and undoes most of what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashelld.core.events import Terminate
from tests.sim.calamities import Calamities
from tests.sim.network import BEATS, MESSAGES, PLANES
from tests.sim.qdisk import Path, QuorumDisk


if TYPE_CHECKING:
    from collections.abc import Callable

    from hashelld.model.ids import Millis, NodeId
    from tests.sim.host import Host
    from tests.sim.world import SimWorld


class Nemesis:
    """Draws one disturbance after another until it is told to stop."""

    def __init__(self, world: SimWorld) -> None:
        self._world = world
        self._random = world.timeline.random
        self.is_on = True
        self.left_out: frozenset[int] = frozenset()
        """Numbers of disturbances that are drawn and not done (shrink.py)."""
        self.drawn: list[tuple[int, Millis, str]] = []
        """Number, moment and name of every disturbance."""
        self._deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (6, self._partition),
            (3, self._isolate),
            (4, self._cut_pair),
            (3, self._cut_one_way),
            (3, self._cut_plane),
            (6, self._crash_daemon),
            (4, self._power_cut),
            (5, self._pause),
            (2, self._stick),
            (3, self._stall_disk),
            (3, self._kill_resource),
            (1, self._jump_wall),
            (2, self._leave),
        )
        if world.pings is not None:
            self._deeds += ((10, self._lose_gateway),)
        if world.qdisk is not None:
            world.qdisk.tears = True
            self._deeds += self._disk_deeds(world.qdisk)
        if world.faults.has_slow_ways:
            self._deeds += ((20, self._slow_way),)
        if world.faults.has_calamities:
            self._deeds += Calamities(world).deeds
        self._plan()

    def stop(self) -> None:
        """No further disturbances."""
        self.is_on = False

    def _plan(self) -> None:
        mean = self._world.faults.disturbed_every_ms
        if mean is not None:
            self._world.timeline.after(self._world.timeline.between(50, 2 * mean), self._act)

    def _act(self) -> None:
        if not self.is_on:
            return
        weights = [weight for weight, _ in self._deeds]
        deed = self._random.choices(self._deeds, weights)[0][1]
        number = len(self.drawn)
        self.drawn.append((number, self._world.timeline.now, deed.__name__))
        if number not in self.left_out:
            deed()
        self._plan()

    def _host(self) -> Host:
        """Any machine, the DC's more often."""
        dcs = self._world.dcs()
        if dcs and self._random.random() < 0.4:
            return self._world.hosts[dcs[0]]
        return self._world.hosts[self._random.choice(self._world.names)]

    def _span_ms(self) -> int:
        """Most disturbances last as long as the time-outs, some much longer."""
        return self._world.timeline.between(100, self._random.choice((500, 1_000, 2_000, 5_000, 15_000)))

    def _heal_later(self, pairs: list[tuple[NodeId, NodeId]]) -> None:
        self._world.timeline.after(self._span_ms(), lambda: self._world.network.heal(pairs))

    # -- links

    def _partition(self) -> None:
        names = list(self._world.names)
        self._random.shuffle(names)
        at = self._random.randint(1, len(names) - 1)
        one, other = names[:at], names[at:]
        self._world.partition(one, other)
        self._heal_later([pair for a in one for b in other for pair in ((a, b), (b, a))])

    def _isolate(self) -> None:
        host = self._host()
        self._world.isolate(host.name)
        others = self._world.peers_of(host.name)
        self._heal_later([pair for b in others for pair in ((host.name, b), (b, host.name))])

    def _pair(self) -> tuple[NodeId, NodeId]:
        one, other = self._random.sample(self._world.names, 2)
        return one, other

    def _cut_pair(self) -> None:
        one, other = self._pair()
        self._world.partition([one], [other])
        self._heal_later([(one, other), (other, one)])

    def _cut_one_way(self) -> None:
        pair = self._pair()
        self._world.cut_way(*pair, planes=PLANES)
        self._heal_later([pair])

    def _cut_plane(self) -> None:
        one, other = self._pair()
        plane = self._random.choice((BEATS, MESSAGES))
        self._world.cut_way(one, other, (plane,))
        self._world.cut_way(other, one, (plane,))
        self._heal_later([(one, other), (other, one)])

    def _slow_way(self) -> None:
        """What a machine sends to another comes late; beats do not."""
        network, sender = self._world.network, self._host().name
        pair = (sender, self._random.choice(self._world.peers_of(sender)))
        network.lag(pair, self._world.timeline.between(200, 3_000))
        self._world.timeline.after(self._span_ms(), lambda: network.hurry(pair))

    def _lose_gateway(self) -> None:
        """Some machines do not reach the ping node; often a cut between them and the others follows."""
        names = list(self._world.names)
        self._random.shuffle(names)
        lost = names[: self._random.randint(1, len(names))]
        others = [name for name in names if name not in lost]
        self._world.lose_gateway(*lost)
        cut_ms = self._random.choice((0, 0, 3_000))

        def cut() -> None:
            self._world.partition(lost, others)
            self._heal_later([pair for a in lost for b in others for pair in ((a, b), (b, a))])

        if others and self._random.random() < 0.6:
            self._world.timeline.after(cut_ms, cut)
        self._world.timeline.after(cut_ms + self._span_ms(), lambda: self._world.find_gateway(*lost))

    # -- machines

    def _crash_daemon(self) -> None:
        self._host().crash_daemon(self._world.supervisor_ms())

    def _power_cut(self) -> None:
        host = self._host()
        host.power_cut()
        self._world.timeline.after(self._span_ms() + 1_000, host.boot)

    def _pause(self) -> None:
        host = self._host()
        host.pause()
        self._world.timeline.after(self._span_ms(), host.resume)

    def _stick(self) -> None:
        host = self._host()
        host.stick()
        self._world.timeline.after(self._span_ms(), host.resume)

    def _stall_disk(self) -> None:
        host, world = self._host(), self._world
        span = self._random.choice((300, 1_000, 3_000, 20_000))
        world.timeline.record(host.name, f"disk stalls {span}")
        host.disk.stall(span)
        world.checkers.excused.add(host.name)

    # -- the quorum disk

    def _disk_deeds(self, disk: QuorumDisk) -> tuple[tuple[int, Callable[[], None]], ...]:
        names, between, after = self._world.names, self._world.timeline.between, self._world.timeline.after

        def some() -> list[NodeId]:
            return self._random.sample(names, self._random.choice((1, 1, len(names) // 2, len(names))))

        def break_paths() -> None:
            path, chosen = self._random.choice((Path.HANGS, Path.FAILS)), some()
            self._world.timeline.record("disk", f"{path.value} for {chosen}")
            disk.set_path(path, *chosen)
            after(self._span_ms(), lambda: disk.set_path(Path.WELL, *chosen))

        def slow() -> None:
            for name in some():
                disk.slow_ms[name] = between(50, self._random.choice((300, 1_500)))
            after(self._span_ms(), lambda: disk.slow_ms.update(dict.fromkeys(names, 0)))

        def damage() -> None:
            name, is_whole = self._random.choice(names), self._random.random() < 0.3
            self._world.timeline.record("disk", f"damaged for {name}, whole {is_whole}")
            disk.damage(name, is_whole=is_whole)

        return (6, break_paths), (4, slow), (3, damage)

    def _kill_resource(self) -> None:
        host = self._host()
        active = host.agents.active()
        if active:
            instance = self._random.choice(active)
            self._world.timeline.record(host.name, f"resource dies {instance}")
            del host.agents.running[instance]

    def _jump_wall(self) -> None:
        self._host().jump_wall(self._random.choice((-7_200_000, -30_000, 30_000, 3_600_000)))

    def _leave(self) -> None:
        host = self._host()
        if host.daemon is None:
            return
        self._world.timeline.record(host.name, "terminate")
        host.daemon.take(Terminate())
        self._world.timeline.after(self._span_ms() + 5_000, host.start_daemon)
