"""Commands that run agents by hand, on this machine and outside the cluster, or take their advice."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec.structs import replace

from hashell.commands.changes import resource_of
from hashell.commands.drafting import CONFIGURE, change_draft
from hashell.errors import Refused
from hashell.grammar.kinds import Kind, resource_candidates
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, Put
from hashelld.model.duration import parse_duration
from hashelld.model.ids import ResourceId
from hashelld.model.metadata import Metadata
from hashelld.model.resource import Agent, NvPair, Operation, Primitive, Template, pairs_of


DONE: Final = 0
NOT_RUNNING: Final = 7
PROMOTED: Final = 8
_MEANINGS: Final = {
    0: "done",
    1: "failed",
    2: "a parameter is wrong",
    3: "not offered by the agent",
    4: "not permitted",
    5: "something that it needs is not installed",
    6: "not configured",
    7: "not running",
    8: "running and promoted",
    9: "failed while promoted",
}


def _primitives(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    names = {r.id for r in scope.cib().resources if isinstance(r, Primitive)}
    return [one for one in resource_candidates(scope, before) if one.text in names]


PrimitiveRef = Annotated[
    ResourceId, Kind(name="primitive", help="a primitive's id", offer=_primitives, is_known_only=True)
]


@command(
    CONFIGURE,
    "validate-all",
    aliases=("validate_all",),
    examples=("configure validate-all web",),
)
def configure_validate_all(session: Session, primitive: PrimitiveRef, *more: PrimitiveRef) -> Outcome:
    """Let the agents of primitives check their parameters, on this machine."""
    cib = session.cib()
    wrong = []
    for name in (primitive, *more):
        agent, parameters = made_of(cib, name)
        complaint = validate(session, agent, name, parameters)
        if complaint:
            wrong.append(f"{name}: {complaint}")
    if wrong:
        raise Refused("\n".join(wrong))
    return Said(text=f"The agents have no objection to {', '.join((primitive, *more))}.", data={"objections": []})


@command(CONFIGURE, "rsctest", examples=("configure rsctest web",))
def configure_rsctest(session: Session, primitive: PrimitiveRef, *more: PrimitiveRef) -> Outcome:
    """Try primitives on this machine, outside the cluster: monitor, start, monitor, stop, monitor.

    One that runs already, here or in the cluster, is not touched. A fencing device is only asked whether it works.
    """
    names = (primitive, *more)
    cib = session.cib()
    active = {one.resource for view in session.status().nodes for one in view.status.operations if one.rc == DONE}
    started = [name for name in names if made_of(cib, name)[0].standard != "stonith"]
    busy = [name for name in started if name in active and cib.find(name) == session.applied().cib.find(name)]
    if started:
        session.confirm(f"Start and stop {', '.join(started)} here, outside the cluster?")
    if busy:
        raise Refused(f"The cluster has run {', '.join(busy)}: resource stop first, or test under another name.")
    rows = tuple(row for name in names for row in _tried(session, cib, name))
    if any(row[3] == "WRONG" for row in rows):
        raise Refused("\n".join(" ".join(row) for row in rows))
    return Table(columns=("resource", "operation", "answer", "verdict"), rows=rows)


@command(
    CONFIGURE,
    "default-timeouts",
    aliases=("default_timeouts",),
    examples=("configure default-timeouts web vip",),
)
def configure_default_timeouts(session: Session, primitive: PrimitiveRef, *more: PrimitiveRef) -> Outcome:
    """Give operations of primitives the timeouts that their agents advise, where they have none of their own."""
    cib = session.draft.cib
    edits: list[Edit] = []
    for name in (primitive, *more):
        found = resource_of(cib, name)
        agent, _parameters = made_of(cib, name)
        metadata = session.agents.metadata(agent)
        if metadata is None:
            raise Refused(f"{agent} does not describe itself here: there is no advice for {name}.")
        assert isinstance(found, Primitive)
        advised = replace(found, operations=_with_timeouts(found.operations, metadata))
        if advised != found:
            edits.append(Put(advised))
    names = " ".join(edit.object.id for edit in edits if isinstance(edit, Put))
    return change_draft(session, tuple(edits), f"{names} has the timeouts that are advised.")


def made_of(cib: Cib, name: str) -> tuple[Agent, dict[str, str]]:
    """The agent of a primitive and its parameters, with those of its template."""
    found = resource_of(cib, name)
    assert isinstance(found, Primitive)
    template = cib.find(found.template or "")
    inherited = template.params if isinstance(template, Template) else ()
    agent = found.agent or (template.agent if isinstance(template, Template) else None)
    if agent is None:
        raise Refused(f"{name} has no agent.")
    return agent, {pair.name: pair.value or "" for pair in pairs_of((*inherited, *found.params))}


def validate(session: Session, agent: Agent, resource: str, parameters: dict[str, str]) -> str:
    """What an agent objects to its parameters; empty when it has no objection."""
    code, said = perform(session, agent, "validate-all", resource, parameters)
    if code == DONE:
        return ""
    return f"{agent}: {meaning_of(code)}" + (f" ({said})" if said else "")


def meaning_of(code: int | None) -> str:
    """What an agent's code says, in words."""
    return "it could not be run" if code is None else _MEANINGS.get(code, f"status {code}")


def perform(
    session: Session, agent: Agent, operation: str, resource: str, parameters: dict[str, str]
) -> tuple[int | None, str]:
    """Run one operation of an agent here: its code, and the last line that it said.

    A fencing device is told what the daemon tells it: to start it is to ask whether it works, to stop it is nothing,
    and by hand it never switches anything.
    """
    if agent.standard == "stonith" and operation == "stop":
        return DONE, ""
    call = session.programs.agent_call(agent, operation, resource, parameters)
    if call is None:
        raise Refused(f"{agent} cannot be run by hand on this machine.")
    ended = session.programs.run_agent(call)
    lines = (ended.err.strip() or ended.out.strip()).splitlines()
    return ended.code, lines[-1] if lines else ""


def _tried(session: Session, cib: Cib, name: str) -> list[tuple[str, str, str, str]]:
    """The operations of a test with their answers; it ends with the first wrong one, after a stop."""
    agent, parameters = made_of(cib, name)
    rows: list[tuple[str, str, str, str]] = []

    def step(operation: str, *expected: int) -> bool:
        code, said = perform(session, agent, operation, name, parameters)
        is_right = code in expected
        answer = meaning_of(code)
        told = f"{answer} ({said})" if said and not is_right else answer
        rows.append((name, operation, told, "right" if is_right else "WRONG"))
        return is_right

    if agent.standard != "stonith" and not step("monitor", NOT_RUNNING):
        return rows
    if step("start", DONE):
        step("monitor", DONE, PROMOTED)
    step("stop", DONE)
    if agent.standard != "stonith":
        step("monitor", NOT_RUNNING)
    return rows


def _with_timeouts(operations: tuple[Operation, ...], metadata: Metadata) -> tuple[Operation, ...]:
    """The operations with advised timeouts; start, stop and monitor are added where they are missing."""
    advice = {one.name: one for one in metadata.actions if one.timeout}
    made = [
        replace(one, options=(*one.options, NvPair("timeout", advice[one.name].timeout)))
        if one.name in advice and one.option("timeout") is None
        else one
        for one in operations
    ]
    present = {one.name for one in operations}
    for name in ("monitor", "start", "stop"):
        if name in advice and name not in present:
            interval = advice[name].interval or "0"
            recurring = NvPair("interval", interval if parse_duration(interval) else "10s")
            timeout = NvPair("timeout", advice[name].timeout)
            options = (recurring, timeout) if name == "monitor" else (timeout, NvPair("interval", "0"))
            made.append(Operation(name, options))
    return tuple(made)
