"""A drill from its question to its verdict: what may be done at all, what it is said to do, and how it is told."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

import msgspec

from hashell.commands.agentwork import made_of
from hashell.commands.changes import containers_of, resource_of
from hashell.commands.configured import fencing_devices, is_fencing_on
from hashell.commands.waiting import settle
from hashell.drill.scenes import Scene, Task, fence, kill_daemon, resource, split
from hashell.drill.sight import Sight, keeps_quorum, look, objections
from hashell.drill.watch import Clock, NotSeen, RealClock, Teller, Watch
from hashell.errors import Refused, TimedOut, Usage
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashell.views.narration import Narrator
from hashell.views.render import theme_of
from hashelld.cib.document import Cib
from hashelld.model.duration import format_duration
from hashelld.model.ids import NodeId
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Primitive, Template, value_of
from hashelld.wire.client import ISOLATION_MS_MAX, ISOLATION_MS_MIN, StatusIs


SCENES: Final[dict[str, Scene]] = {"kill": kill_daemon, "split": split, "fence": fence, "resource": resource}
FINISH_MS: Final = 20_000
_TARGETS: Final = {"fence": "a node", "resource": "a primitive"}


def play(session: Session, test: str, target: str | None, *, for_ms: int, within_ms: int) -> Outcome:
    """The whole drill on the real cluster. With JSON, what happens is told on standard error."""
    stream = sys.stderr if session.options.json else sys.stdout
    tell = Narrator(stream, theme_of(stream, is_tty=stream.isatty()))
    return drill(session, test, target or "", tell, RealClock(), for_ms=for_ms, within_ms=within_ms)


def drill(
    session: Session, test: str, target: str, tell: Teller, clock: Clock, *, for_ms: int, within_ms: int
) -> Outcome:
    """Check, ask, break, watch and judge. `Refused` when nothing was done."""
    task = _task(session, test, target, for_ms)
    _let_finish(session)
    before = look(session)
    status, cib = session.status(), session.applied().cib
    wrong = (*objections(status, cib), *_objections_to(test, task, status, cib, before))
    if wrong and not session.options.force:
        raise Refused(
            "\n  ".join(("Nothing was broken, for the cluster is not fit for it:", *wrong, "--force goes on."))
        )
    session.confirm(_question(test, task, status, cib, before))
    watch = Watch(session, tell, clock, within_ms)
    try:
        SCENES[test](watch, task, before)
    except NotSeen as missing:
        watch.miss(str(missing))
    return _verdict(test, task, watch)


def _let_finish(session: Session) -> None:
    """What is under way may end first; when it does not, that is told as what is wrong."""
    status = session.status()
    if status.dc is not None and (status.in_flight or status.pending):
        with suppress(TimedOut):
            settle(session, timeout_ms=FINISH_MS)


def _task(session: Session, test: str, target: str, for_ms: int) -> Task:
    if (test in _TARGETS) != bool(target):
        needs = (
            f"needs {_TARGETS[test]}" if test in _TARGETS else "is about the node whose daemon answers: name nothing"
        )
        raise Usage(f"crash-test {test} {needs}")
    if test == "split" and not ISOLATION_MS_MIN <= for_ms <= ISOLATION_MS_MAX:
        raise Usage(f"--for is {ISOLATION_MS_MIN // 1000}s to {ISOLATION_MS_MAX // 1000}s")
    if not session.client.has_cluster:
        raise Refused("There is no cluster behind this: nothing can be broken.")
    node = session.status().node
    daemon = session.client.daemon_pid() if test in ("kill", "resource") else None
    if test == "kill" and daemon is None:
        raise Refused("The process of hashelld cannot be seen from here: run this on the node itself.")
    if test == "fence" and target not in session.node_names():
        raise Refused(f"There is no node '{target}'.")
    if test == "fence" and target == node:
        raise Refused(f"{target} is the node that answers: fence it from another one, which can tell what comes of it.")
    return Task(target=target, node=node, for_ms=for_ms, daemon=daemon)


def _objections_to(test: str, task: Task, status: StatusIs, cib: Cib, before: Sight) -> tuple[str, ...]:
    """What this drill needs and does not find."""
    match test:
        case "split":
            return () if keeps_quorum(status.quorum, task.node) else (f"without {task.node} the others have no quorum",)
        case "fence":
            node = NodeId(task.target)
            found = [] if is_fencing_on(cib) else ["fencing is switched off (stonith-enabled)"]
            if not fencing_devices(cib):
                found.append("no fencing device is configured, or all are stopped")
            if not keeps_quorum(status.quorum, node):
                found.append(f"without {node} the others have no quorum")
            return tuple(found)
        case "resource":
            return _objections_to_resource(task, cib, before)
        case _:
            return ()


def _objections_to_resource(task: Task, cib: Cib, before: Sight) -> tuple[str, ...]:
    name = task.target
    if not isinstance(resource_of(cib, name), Primitive):
        raise Refused(f"{name} is no primitive: name one of those that it contains.")
    if task.node not in before.nodes_of(name):
        where = ", ".join(before.nodes_of(name))
        raise Refused(f"{name} is not active on {task.node}" + (f", but on {where}: run this there." if where else "."))
    agent, _parameters = made_of(cib, name)
    if agent.standard == "stonith":
        raise Refused(f"{name} is a fencing device: there is nothing of it to end. See: cluster crash-test fence")
    found = [] if _is_monitored(cib, name) else [f"{name} has no recurring monitor: nobody would notice"]
    for each in (name, *containers_of(cib, name)):
        meta = resource_of(cib, each).meta
        is_left = parse_boolean(value_of(meta, "maintenance") or "") is True
        if is_left or parse_boolean(value_of(meta, "is-managed") or "") is False:
            found.append(f"{each} is not managed: it would not be started again")
    return tuple(found)


def _is_monitored(cib: Cib, name: str) -> bool:
    found = resource_of(cib, name)
    assert isinstance(found, Primitive)
    template = cib.find(found.template or "")
    inherited = template.operations if isinstance(template, Template) else ()
    return any(one.name == "monitor" and one.interval_ms > 0 for one in (*found.operations, *inherited))


def _question(test: str, task: Task, status: StatusIs, cib: Cib, before: Sight) -> str:
    """What will happen, to whom, and what is expected."""
    node = task.node
    here = sorted({name for name, place, _role in before.places if place == node})
    runs = f"It runs {', '.join(here)}." if here else "It runs nothing."
    match test:
        case "kill":
            return (
                f"hashelld of {node} (process {task.daemon}) is killed. {runs} Expected: a supervisor (systemd) starts "
                "it again at once, it finds what runs, and nothing is started, stopped or moved. Go on?"
            )
        case "split":
            expected = _split_expected(node, status, cib)
            return f"{node} is cut off for {format_duration(task.for_ms)}. {runs} {expected} Go on?"
        case "fence":
            there = sorted({name for name, place, _role in before.places if place == task.target})
            what = f"It runs {', '.join(there)}: that is interrupted." if there else "It runs nothing."
            devices = ", ".join(fencing_devices(cib)) or "no device"
            return (
                f"{task.target} is POWERED OFF or restarted by {devices}. {what} "
                "Expected: the others take over, and it comes back by itself. Go on?"
            )
        case _:
            return (
                f"{task.target} is ended on {node} behind the cluster's back. Expected: its monitor notices, it is "
                "recovered as on-fail says, and the failure is forgotten at the end. Go on?"
            )


def _split_expected(node: NodeId, status: StatusIs, cib: Cib) -> str:
    if is_fencing_on(cib) and fencing_devices(cib):
        return (
            f"Expected: the others FENCE {node}, and this shell ends with it"
            + (" (or it fences the other one)" if status.quorum.two_node else "")
            + "; whether it comes back by itself, see on another node."
        )
    if status.quorum.two_node:
        return "Expected: without fencing BOTH nodes may run everything until it ends; then they agree again."
    return (
        f"Expected: {node} stops what it runs (no-quorum-policy), the others take it over; it comes back by itself, "
        "also without this shell."
    )


def _verdict(test: str, task: Task, watch: Watch) -> Said:
    data: dict[str, object] = {
        "test": test,
        "node": task.node,
        "target": task.target or task.node,
        "passed": not watch.wrong,
        "steps": [msgspec.to_builtins(step) for step in watch.steps],
        "wrong": list(watch.wrong),
    }
    if not watch.wrong:
        return Said(text=f"\ncrash-test {test}: passed.", data=data)
    told = "\n".join(f"  {text}" for text in watch.wrong)
    return Said(text=f"\ncrash-test {test}: FAILED\n{told}", data=data, is_bad=True)
