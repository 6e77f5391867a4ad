"""After healing: one DC, equal documents, nothing left to plan, every resource once, no commit lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hashelld.cib.edit import Edit, Put
from hashelld.model.ids import Millis, NodeId
from hashelld.model.node import Node
from hashelld.model.resource import value_of
from hashelld.wire.client import CibIs, Cleanup, GetCib, GetStatus, StatusIs
from tests.sim.configuration import wanted, with_attribute, with_target_role
from tests.sim.violation import Violation


if TYPE_CHECKING:
    from tests.sim.clients import Asked
    from tests.sim.world import SimWorld

LOOK_MS: Final = 250
ANSWER_MS: Final = 100
CLEANUP_EVERY_MS: Final = 6_000


def calm(world: SimWorld) -> None:
    """End every fault: links, pauses, disks, agents; machines that are off boot."""
    world.network.calm = True
    if world.hostile is not None:
        world.hostile.stop()
    world.network.delay_ms.clear()
    world.heal()
    if world.qdisk is not None:
        world.qdisk.mend()
    for host in world.hosts.values():
        host.disk.mend()
        host.agents.faults = type(world.faults)()
        host.agents.broken.clear()
        host.agents.slow_ms.clear()
        host.is_wanted = host.name not in world.outsiders
        if host.is_paused or host.is_stuck:
            host.resume()
        if not host.is_powered:
            host.boot()
        elif host.daemon is None:
            host.start_daemon()
    world.promises.on_healed()


def converge(world: SimWorld, within_ms: Millis, *, tidy: bool = False) -> CibIs:
    """Wait until nothing is left to do; a violation of invariant 7 when it takes too long."""
    end = world.timeline.now + within_ms
    cleaned_ms = -CLEANUP_EVERY_MS
    while True:
        reason, shown = _look(world)
        if shown is not None:
            _no_commit_is_lost(world, shown)
            world.promises.after_healing()
            return shown
        if world.timeline.now >= end:
            raise Violation(7, f"not converged {within_ms} ms after healing: {reason}")
        for host in world.hosts.values():
            if world.timeline.now <= end - within_ms // 2:
                continue
            if not host.is_powered:
                host.boot()
            elif host.daemon is None:  # It was asked to leave before the faults ended, and left after.
                host.start_daemon()
        if tidy and world.timeline.now - cleaned_ms >= CLEANUP_EVERY_MS and (node := world.some_running()):
            cleaned_ms = world.timeline.now
            tidy_up(world, node)
        world.run(LOOK_MS)


def tidy_up(world: SimWorld, node: NodeId) -> None:
    """Forget failures; nobody is in standby, nothing is to be stopped: every resource is wanted again."""
    world.ask(node, Cleanup())
    world.ask(node, GetCib())
    world.run(LOOK_MS)
    cib = world.known_cib
    edits: list[Edit] = [
        with_attribute(cib, found.id, "standby", None) for found in cib.nodes if value_of(found.attributes, "standby")
    ]
    stopped = (found.id for found in cib.resources if value_of(found.meta, "target-role"))
    edits.extend(edit for name in stopped if (edit := with_target_role(cib, name, None)) is not None)
    configured = {found.id for found in cib.nodes}
    nowhere = {*configured, *world.outsiders, world.arbiter}
    edits.extend(Put(Node(id=name)) for name in world.names if name not in nowhere)
    if edits:
        world.commit(node, *edits)


def _look(world: SimWorld) -> tuple[str, CibIs | None]:
    """Why it has not converged, or the document that all show."""
    up = [host for host in world.hosts.values() if host.is_wanted]
    down = [host.name for host in up if not host.is_running]
    if down:
        return f"{down} are down", None
    dcs = world.dcs()
    if len(dcs) != 1:
        return f"DCs are {dcs}", None
    if any(host.agents.processes for host in up):
        return "agents are running", None
    documents = {host.name: world.ask(host.name, GetCib()) for host in up}
    status = {host.name: world.ask(host.name, GetStatus()) for host in up}
    world.run(ANSWER_MS)
    return _judge(world, documents, status, dcs[0])


def _judge(
    world: SimWorld, documents: dict[NodeId, Asked], status: dict[NodeId, Asked], dc: NodeId
) -> tuple[str, CibIs | None]:
    shown: list[CibIs] = []
    for name, asked in documents.items():
        if not isinstance(asked.answer, CibIs):
            return f"{name} shows {asked.answer} for its document", None
        shown.append(asked.answer)
    if len({(answer.version, answer.digest) for answer in shown}) != 1:
        return (
            f"documents differ: {[(n, str(a.version), a.digest) for n, a in zip(documents, shown, strict=True)]}",
            None,
        )
    for name, asked in status.items():
        if not isinstance(asked.answer, StatusIs) or asked.answer.dc != dc or not asked.answer.quorum.has_quorum:
            return f"{name} says {asked.answer}, the DC is {dc}", None
    office = status[dc].answer
    assert isinstance(office, StatusIs)
    if dc == world.arbiter:
        return "the arbiter leads, though others can", None
    if office.in_flight or office.pending or office.fencing or office.phase != "idle":
        return f"the DC is at {office.phase}, in flight {office.in_flight}, {office.pending} pending", None
    for resource in wanted(shown[0].cib):
        places = world.active_on(resource)
        if len(places) != 1:
            return f"{resource} is active on {places}; blocked: {office.blocked}", None
    return "", shown[0]


def _no_commit_is_lost(world: SimWorld, shown: CibIs) -> None:
    if world.is_unsafe:
        return
    late = [commit for commit, version in world.checkers.commits.items() if version > shown.version]
    present = {found.id for found in shown.cib.objects}
    lost = [name for name in world.checkers.commits if name.startswith("mark") and name not in {*present, *late}]
    if lost:
        raise Violation(2, f"commits {lost} were acknowledged and are not in {shown.version}")
