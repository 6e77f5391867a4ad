"""The drills themselves: what is done to the cluster, step by step, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hashell.client.port import Programs
from hashell.commands.agentwork import made_of, perform
from hashell.drill.sight import Sight, changes, failures, fencings, look, losses
from hashell.drill.watch import NotSeen, Watch
from hashell.errors import Refused
from hashelld.model.ids import NodeId, ResourceId
from hashelld.wire.client import Cleanup, Done, Fenced, FenceNode, Isolate, StatusIs


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be broken: `target` is a node or a resource, `node` the one whose daemon answers."""

    target: str = ""
    node: NodeId
    for_ms: int = 0
    daemon: int | None = None
    """The daemon's process."""


Scene = Callable[[Watch, Task, Sight], None]
"""Plays one drill from what was seen before it. Raises `NotSeen`, or `Refused` when nothing was done."""


def kill_daemon(watch: Watch, task: Task, before: Sight) -> None:
    """The daemon is killed; its successor finds what it ran, and nothing moves."""
    client, pid = watch.session.client, task.daemon
    assert pid is not None, "there is a daemon here"
    watch.begin(f"kill -9: hashelld of {task.node} (process {pid})")
    trouble = watch.session.programs.kill(pid, lambda: client.daemon_pid() == pid)
    if trouble:
        raise Refused(f"hashelld was not killed: {trouble}.")
    client.close()
    watch.wait(
        "a new hashelld (does a supervisor start it again?)", lambda _status: client.daemon_pid() not in (None, pid)
    )
    watch.seen("a new hashelld answers")
    watch.wait(f"{task.node} is a member again", lambda status: _is_member(status, task.node))
    watch.seen(f"{task.node} is a member of the cluster again")
    after = _settled(watch)
    for text in (*changes(before, after), *losses(before, after), *failures(before, after)):
        watch.miss(text)
    _no_fencing(watch, before, after)
    if not watch.wrong:
        watch.told("its resources ran on: nothing was started, stopped or moved")


def split(watch: Watch, task: Task, before: Sight) -> None:
    """This node hears and is heard by nobody for a while; then everything is as before, or on the others."""
    watch.begin(f"{task.node} is cut off for {task.for_ms / 1000:g} s")
    watch.session.expect(Isolate(task.for_ms), Done)
    watch.wait("the others are not heard", lambda status: not _heard(status), task.for_ms)
    watch.seen("no other node is heard")
    had_quorum = _until_healed(watch, task)
    if had_quorum:
        watch.told(f"{task.node} kept its quorum, or had it again, while it was alone")
    watch.begin("the cut ends")
    watch.wait("all nodes are heard", lambda status: all(link.presence == "alive" for link in status.links))
    watch.seen("all nodes are heard again")
    watch.wait("a cluster with all nodes", _is_whole)
    watch.seen("there is a DC with a quorum, and every node is a member")
    after = _settled(watch)
    watch.seen("nothing is left to do")
    _tell_moves(watch, before, after)
    for text in (*losses(before, after), *failures(before, after)):
        watch.miss(text)
    is_pair = watch.session.status().quorum.two_node
    for one in fencings(before, after.fenced):
        # Of two nodes that do not hear each other, one fences the other; a node that is fenced itself tells nothing.
        (watch.told if is_pair and one.ok and one.target != task.node else watch.miss)(_fencing_text(one))


def _until_healed(watch: Watch, task: Task) -> bool:
    """Wait for the end of the cut; was there a quorum in between, although nobody is heard?"""
    seen: list[bool] = []

    def is_healed(status: StatusIs) -> bool:
        if _heard(status):
            return True
        if not status.quorum.has_quorum and all(seen):
            watch.seen(f"{task.node} has no quorum: no-quorum-policy holds here")
        seen.append(status.quorum.has_quorum)
        return False

    watch.wait("the cut ends by itself", is_healed, task.for_ms + watch.within_ms)
    return bool(seen) and seen[-1]


def fence(watch: Watch, task: Task, before: Sight) -> None:
    """A node is fenced by its devices: it is off, others take over, and it comes back."""
    node = NodeId(task.target)
    watch.begin(f"{node} is to be fenced")
    watch.session.expect(FenceNode(node), Done)
    status = watch.wait(f"fencing of {node} ends", lambda status: bool(_fencings_of(before, status, node)))
    newest = _fencings_of(before, status, node)[-1]
    if not newest.ok:
        raise NotSeen(
            f"{newest.device or 'no device'} could not fence {node}: {newest.reason or 'no reason was given'}"
        )
    watch.seen(f"{newest.device} says that {node} is off ({newest.operation}, called by {newest.by})")
    old = before.incarnations.get(node, "")
    watch.wait(f"the daemon of {node} is gone", lambda status: _is_gone(status, node, old))
    now = _settled(watch)
    watch.seen("the others have done what they can")
    for name in sorted({name for name, place, _role in before.places if place == node}):
        watch.told(f"{name}, which ran on {node}, is active on {', '.join(now.nodes_of(name)) or 'no other node'}")
    watch.wait(f"{node} is back (does its hashelld start at boot?)", lambda status: _is_member(status, node))
    watch.seen(f"{node} is a member of the cluster again")
    after = _settled(watch)
    watch.seen("nothing is left to do")
    for text in losses(before, after):
        watch.miss(text)


def _fencings_of(before: Sight, status: StatusIs, node: NodeId) -> tuple[Fenced, ...]:
    return tuple(one for one in fencings(before, status.fenced) if one.target == node)


def resource(watch: Watch, task: Task, before: Sight) -> None:
    """A resource is ended behind the cluster's back; its monitor notices, and it is recovered."""
    name, node = task.target, task.node
    _break(watch, task)
    known = before.failures.get((node, name), 0)

    def is_noticed(status: StatusIs) -> bool:
        count = sum(
            one.count
            for view in status.nodes
            for one in view.status.failures
            if view.node == node and one.resource.partition(":")[0] == name
        )
        return count > known

    watch.wait(f"a monitor of {name} notices", is_noticed)
    watch.seen(f"its monitor on {node} failed: the cluster knows")
    after = _settled(watch)
    watch.seen(f"{name} is active on {', '.join(after.nodes_of(name)) or 'no node'}")
    for text in losses(before, after):
        watch.miss(text)
    watch.session.expect(Cleanup(ResourceId(name)), Done)
    watch.told(f"the failure is forgotten: resource cleanup {name}")


def _break(watch: Watch, task: Task) -> None:
    """End the resource's processes here; without any, run its agent's stop by hand."""
    name, programs = task.target, watch.session.programs
    pids = programs.processes_of(name, task.node, task.daemon)
    if pids:
        watch.begin(f"kill -9: {name} on {task.node} (processes {', '.join(map(str, pids))})")
        troubles = [_end(programs, task, pid) for pid in pids]
        if all(troubles):
            raise Refused(f"{name} was not ended: {'; '.join(troubles)}.")
        return
    agent, parameters = made_of(watch.session.applied().cib, name)
    if agent.standard == "systemd":
        watch.begin(f"systemctl kill: {agent.type} on {task.node}")
        ended = programs.run(
            ("systemctl", "kill", "--signal=SIGKILL", f"{agent.type.removesuffix('.service')}.service")
        )
        if ended.code != 0:
            raise Refused(f"{name} was not ended: {ended.err.strip() or 'systemctl failed'}.")
        return
    watch.begin(f"stop of {name} by hand on {task.node}, behind the cluster's back")
    code, said = perform(watch.session, agent, "stop", name, parameters)
    if code != 0:
        raise Refused(f"{name} was not ended: {said or f'its agent answered {code}'}.")


def _end(programs: Programs, task: Task, pid: int) -> str:
    return programs.kill(pid, lambda: pid in programs.processes_of(task.target, task.node, task.daemon))


def _settled(watch: Watch) -> Sight:
    watch.settle()
    return look(watch.session)


def _tell_moves(watch: Watch, before: Sight, after: Sight) -> None:
    for name in sorted({place[0] for place in before.places}):
        old, new = before.nodes_of(name), after.nodes_of(name)
        if old != new:
            watch.told(f"{name} was on {', '.join(old)}, and is on {', '.join(new) or 'no node'}")


def _no_fencing(watch: Watch, before: Sight, after: Sight) -> None:
    for one in fencings(before, after.fenced):
        watch.miss(_fencing_text(one))


def _fencing_text(one: Fenced) -> str:
    came_of_it = "done" if one.ok else one.reason
    return f"{one.target} was fenced ({one.operation}, {one.device or 'no device'}: {came_of_it})"


def _heard(status: StatusIs) -> bool:
    return any(link.presence == "alive" for link in status.links)


def _is_member(status: StatusIs, node: NodeId) -> bool:
    is_led = status.dc is not None and status.quorum.has_quorum
    return is_led and any(view.node == node and view.online and not view.pending for view in status.nodes)


def _is_gone(status: StatusIs, node: NodeId, incarnation: str) -> bool:
    """Has this incarnation ended, and does the DC no longer wait for what it may say?"""
    link = next((link for link in status.links if link.node == node), None)
    if link is not None and link.presence == "alive":
        return link.incarnation != incarnation
    return not any(view.node == node and (view.online or view.pending) for view in status.nodes)


def _is_whole(status: StatusIs) -> bool:
    return bool(status.nodes) and all(_is_member(status, view.node) for view in status.nodes if not view.is_remote)
