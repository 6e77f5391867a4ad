"""Promotable clones, and what their agents ask: scores decide, notifications frame what happens, retreats demote."""

from __future__ import annotations

import pytest

from hashelld.cib.document import Properties
from hashelld.cib.edit import Put
from hashelld.model.ids import NodeId, ResourceId
from hashelld.model.resource import Agent, AttributeSet, Clone, NvPair, Operation, Primitive
from hashelld.wire.client import AgentAsk, AgentTold, Answer, Cleanup, Committed, Done, Refused, SetAttribute
from tests.sim.agents import Running
from tests.sim.convergence import calm, tidy_up
from tests.sim.nemesis import Nemesis
from tests.sim.runs import configure, make_world
from tests.sim.scenario import leave, other, pair, settled, shown_by, status_of
from tests.sim.world import TURN_MS, SimWorld


SETTLE_MS = 20_000


def monitor(interval: str, role: str) -> Operation:
    return Operation("monitor", (NvPair("interval", interval), NvPair("timeout", "10s"), NvPair("role", role)))


def add_database(world: SimWorld, *, notify: bool = False, agent: str = "Silent") -> None:
    """A promotable clone `dbs` of `db`; its agent says nothing of promotion scores, unless it is `Stateful`."""
    db = Primitive(
        id=ResourceId("db"),
        agent=Agent("ocf", "heartbeat", agent),
        operations=(monitor("3s", "Promoted"), monitor("4s", "Unpromoted")),
    )
    meta = AttributeSet((NvPair("promotable", "true"), NvPair("notify", str(notify).lower())))
    world.cloned.add("db")
    world.committed(world.dc(), Put(db), Put(Clone(id=ResourceId("dbs"), child=ResourceId("db"), meta=(meta,))))
    if not world.faults.agent_fails:
        world.until(lambda: len(world.active_on("db")) == len(world.names), SETTLE_MS, "db everywhere")


def say(world: SimWorld, node: str, line: str, resource: str = "db") -> Answer:
    return world.answer(node, AgentAsk(tuple(line.split()), resource))


def told(world: SimWorld, node: str, line: str) -> AgentTold:
    """The answer, which is text and a code."""
    answer = say(world, node, line)
    assert isinstance(answer, AgentTold), answer
    return answer


def promoted_on(world: SimWorld) -> list[str]:
    return [
        name
        for name, host in world.hosts.items()
        if host.is_powered and host.agents.running.get("db") is Running.PROMOTED
    ]


def promote(world: SimWorld, node: str, score: int) -> None:
    assert isinstance(say(world, node, f"crm_attribute -p -v {score}"), Done)
    world.until(lambda: promoted_on(world) == [node], SETTLE_MS, f"db promoted on {node}")


def test_the_best_score_is_promoted_wherever_it_is_set() -> None:
    """A score that a member sets reaches the DC with its status, and leads to a plan at once."""
    world = settled(3)
    add_database(world)
    dc, member = pair(world)
    assert promoted_on(world) == []
    began = world.timeline.now
    promote(world, member, 5)
    assert world.timeline.now - began < 1_500
    promote(world, dc, 50)
    assert world.host(member).agents.running["db"] is Running.YES


def test_an_attribute_of_another_node_goes_there() -> None:
    world = settled(3)
    dc, member = pair(world)
    third = other(world, dc, member)
    for asker, owner in ((member, third), (member, dc), (dc, member)):
        assert isinstance(say(world, asker, f"crm_attribute -l reboot -N {owner} -n boot -v {asker}"), Done)
        answer = say(world, owner, "crm_attribute -l reboot -n boot -G -q")
        assert answer == AgentTold(out=f"{asker}\n")
    world.run(1_000)
    assert say(world, member, "attrd_updater -n boot -Q -A") == AgentTold(
        out="".join(
            f'name="boot" host="{n}" value="{v}"\n' for n, v in sorted({third: member, dc: member, member: dc}.items())
        )
    )
    assert isinstance(say(world, member, f"attrd_updater -D -n boot -N {third}"), Done)
    assert told(world, third, "attrd_updater -n boot -Q").code == 105
    left = {view.node: view.status.attributes.get("boot") for view in status_of(world, third).nodes}
    assert left == {NodeId(third): None, NodeId(dc): member, NodeId(member): dc}


def test_an_attribute_of_a_node_that_is_not_there_is_refused() -> None:
    world = settled(3)
    dc, member = pair(world)
    world.host(member).power_cut()
    world.run(3_000)
    refused = say(world, dc, f"crm_attribute -l reboot -N {member} -n x -v 1")
    assert isinstance(refused, Refused)
    assert refused.code == "unknown-node"
    assert isinstance(world.answer(dc, SetAttribute(node=NodeId("stranger"), name="x", value="1")), Refused)


def test_attributes_have_limits() -> None:
    world = settled(3)
    name = world.dc()
    for wrong in ("", "n" * 5_000, "a\0b"):
        assert isinstance(world.answer(name, SetAttribute(node=NodeId(name), name=wrong, value="1")), Refused)
    answers = [type(world.answer(name, SetAttribute(node=NodeId(name), name=f"a{n}", value="1"))) for n in range(1_001)]
    assert answers == [Done] * 1_000 + [Refused]


def test_what_lasts_is_committed_once() -> None:
    world = settled(3)
    dc, member = pair(world)
    for node in (dc, member):
        lines = (
            f"crm_attribute -l forever -N {dc} -n rack-{node} -v 7",
            f"crm_attribute --type crm_config --name db_{node} -s replication -v x|y",
            f"crm_attribute -t crm_config -n option-{node} -v 1",
            f"crm_attribute -t nodes -N {member} -z -n cpu-{node} -v 4",
            f"crm_resource -r alpha -z -p cpu-{node} -v 2",
            f"crm_resource -r alpha -m -p note-{node} -v 3",
        )
        for line in lines:
            assert isinstance(say(world, node, line), Committed), line
            world.run(500)
            assert say(world, node, line) == AgentTold(), f"nothing to change: {line}"
    shown = shown_by(world, member)
    assert shown.cib.node(NodeId(dc)) is not None
    replication = shown.cib.find("replication")
    assert isinstance(replication, Properties)
    assert [pair.name for pair in replication.set.pairs] == [f"db_{dc}", f"db_{member}"]
    assert say(world, dc, f"crm_resource -r alpha -z -g cpu-{member} -Q") == AgentTold(out="2\n")
    assert (
        told(world, dc, f"crm_attribute -l forever -N {dc} -n rack-{dc} -G").out
        == f"scope=nodes  name=rack-{dc} value=7\n"
    )
    assert isinstance(say(world, dc, "crm_resource -r alpha -z -d cpu-" + dc), Committed)
    world.run(500)
    assert told(world, dc, "crm_resource -r alpha -z -g cpu-" + dc).code == 105


def test_a_ban_is_of_the_clone() -> None:
    world = settled(3)
    add_database(world)
    dc, member = pair(world)
    assert isinstance(say(world, member, f"crm_resource -B -r db:0 -N {member} -Q"), Committed)
    world.until(lambda: member not in world.active_on("db"), SETTLE_MS, f"db away from {member}")
    assert "cli-ban-dbs-on-" + member in {found.id for found in shown_by(world, dc).cib.objects}


def test_a_clone_is_cleaned_up_on_all_nodes() -> None:
    world = settled(3)
    add_database(world)
    dc, member = pair(world)
    world.host(member).agents.broken.add(("db", "promote"))
    assert isinstance(say(world, member, "crm_attribute -p -v 5"), Done)
    world.until(lambda: bool(failures(world, member)), SETTLE_MS, "a failed promotion")
    world.host(member).agents.broken.clear()
    assert isinstance(world.answer(dc, Cleanup(resource=ResourceId("dbs"))), Done)
    world.until(lambda: not failures(world, member), SETTLE_MS, "nothing known of failures")
    world.until(lambda: promoted_on(world) == [member], SETTLE_MS, "db promoted")


def failures(world: SimWorld, name: str) -> tuple[str, ...]:
    shown = next(view for view in status_of(world, name).nodes if view.node == name)
    return tuple(failure.resource for failure in shown.status.failures)


def test_what_agents_ask_of_the_cluster() -> None:
    world = settled(3)
    dc, member = pair(world)
    lost = other(world, dc, member)
    assert say(world, member, "crm_node -n") == AgentTold(out=f"{member}\n")
    assert say(world, member, "crm_node -q") == AgentTold(out="1\n")
    world.host(lost).power_cut()
    world.boots_fenced = False
    world.run(3_000)
    left = sorted((dc, member))
    assert say(world, dc, "crm_node -p") == AgentTold(out=" ".join(left) + "\n")
    listed = told(world, dc, "crm_node -l").out.splitlines()
    assert sorted(line.split()[1:] for line in listed) == [
        [name, "lost" if name == lost else "member"] for name in world.names
    ]
    number = told(world, dc, "crm_node -i").out.strip()
    assert say(world, member, f"crm_node -N {number}") == AgentTold(out=f"{dc}\n")
    assert told(world, dc, "crm_node -N 99").code == 105
    assert told(world, dc, "crm_attribute -n absent -G -t crm_config").code == 105
    assert told(world, dc, "crm_resource -r nobody -z -p cpu -v 1").code == 105
    assert told(world, dc, "crm_resource -B -r nobody").code == 105


def test_without_a_quorum_only_its_own_attributes_can_be_set() -> None:
    world = settled(3, stonith=False)
    _, member = pair(world)
    world.isolate(member)
    world.run(3_000)
    assert isinstance(say(world, member, "crm_attribute -p -v 5"), Done)
    assert say(world, member, "crm_attribute -p -G -q") == AgentTold(out="5\n")
    assert say(world, member, "crm_node -q") == AgentTold(out="0\n")
    refused = say(world, member, f"crm_attribute -l forever -N {member} -n x -v 1")
    assert isinstance(refused, Refused)
    assert refused.code == "no-quorum"


def test_a_node_without_quorum_demotes_before_it_stops() -> None:
    world = settled(3, stonith=False)
    add_database(world)
    _, member = pair(world)
    promote(world, member, 10)
    agents = world.host(member).agents
    agents.slow_ms["db", "stop"] = 2_000
    world.isolate(member)
    world.until(lambda: agents.running["db"] is Running.YES, SETTLE_MS, "db demoted")
    world.until(lambda: agents.running["db"] is Running.NO, SETTLE_MS, "db stopped")


def test_a_restarted_daemon_finds_its_promoted_instance() -> None:
    """Within the grace nobody is promoted elsewhere; the agent says its score again when it is looked at."""
    world = settled(3)
    add_database(world, agent="Stateful")
    world.until(lambda: len(promoted_on(world)) == 1, SETTLE_MS, "db promoted")
    world.run(2_000)
    (member,) = promoted_on(world)
    began = world.timeline.now
    world.host(member).crash_daemon(restart_after_ms=500)
    world.run(8_000)
    assert promoted_on(world) == [member]
    assert [start for start in world.checkers.starts if start[0] > began and start[2] == "db"] == []


def test_a_promoted_node_leaves_and_another_takes_over() -> None:
    """What its agents withdraw while they stop does not keep it from leaving."""
    world = settled(3)
    add_database(world, notify=True, agent="Stateful")
    world.until(lambda: len(promoted_on(world)) == 1, SETTLE_MS, "db promoted")
    world.run(2_000)
    (first,) = promoted_on(world)
    world.host(first).agents.slow_ms["db", "stop"] = 1_000
    leave(world, first)
    world.until(lambda: len(promoted_on(world)) == 1, SETTLE_MS, "db promoted again")
    assert promoted_on(world) != [first]


@pytest.mark.parametrize("seed", range(1, 7))
def test_whatever_happens_one_is_promoted_in_the_end(seed: int) -> None:
    """Crashes, cuts, fencing and agents that fail, and then peace: one promoted, the others not, and all is quiet."""
    world = make_world(seed, 3)
    world.boot()
    configure(world)
    add_database(world, notify=bool(seed % 2), agent="Stateful")
    nemesis = Nemesis(world)
    world.run(30_000)
    nemesis.stop()
    calm(world)
    world.until(lambda: is_settled(world), 90_000, "one promoted instance, and nothing left to do")
    count = len(notifications(world))
    world.run(5_000)
    assert is_settled(world)
    assert len(notifications(world)) == count, "nobody is told for ever"


def is_settled(world: SimWorld) -> bool:
    """Are all up, all instances active, one promoted, and the DC idle? From time to time it is tidied up."""
    for host in world.hosts.values():
        if host.is_powered and host.daemon is None:
            host.start_daemon()
        elif not host.is_powered:
            host.boot()
    if len(world.dcs()) != 1 or len(world.active_on("db")) != len(world.names) or len(promoted_on(world)) != 1:
        if world.timeline.now % 6_000 < TURN_MS and (node := world.some_running()) is not None:
            tidy_up(world, node)
        return False
    shown = status_of(world, world.dc())
    return shown.phase == "idle" and not shown.in_flight


def test_notifications_frame_a_promotion_whose_transition_is_given_up() -> None:
    """Agents set their score while they are promoted: the plan changes, and all are told of the promotion anyway."""
    world = settled(3)
    add_database(world, notify=True)
    _, member = pair(world)
    world.host(member).agents.slow_ms["db", "promote"] = 1_000
    before = len(notifications(world))
    assert isinstance(say(world, member, "crm_attribute -p -v 5"), Done)
    world.until(lambda: any(p.operation == "promote" for p in world.host(member).agents.processes), 10_000, "promotion")
    assert isinstance(say(world, member, "crm_attribute -p -v 10"), Done)
    world.until(lambda: promoted_on(world) == [member], SETTLE_MS, "db promoted")
    world.run(2_000)
    told = notifications(world)[before:]
    for kind in ("pre", "post"):
        assert sorted(name for name, what, _ in told if what == f"{kind} promote") == sorted(world.names), kind
    assert {nodes for _, what, nodes in told if what.endswith("promote")} == {member}
    world.run(5_000)
    assert len(notifications(world)) == before + len(told), "nobody is told for ever"


def notifications(world: SimWorld) -> list[tuple[str, str, str]]:
    """Every notification: the node that was told, `pre promote`, and the nodes on which that happens."""
    prefix = "OCF_RESKEY_CRM_meta_notify_"
    found: list[tuple[str, str, str]] = []
    for name, host in world.hosts.items():
        for given in host.agents.notified:
            operation = given[f"{prefix}operation"]
            found.append((name, f"{given[prefix + 'type']} {operation}", given[f"{prefix}{operation}_uname"]))
    return found
