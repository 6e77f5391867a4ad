"""The commands of the level `resource`: start, stop, clean up, show, and say why."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from hashell.commands.changes import (
    carry_out,
    carry_out_or_preview,
    containers_of,
    listed,
    members_of,
    node_of,
    resource_of,
    settle,
    with_meta,
)
from hashell.commands.observed import active_nodes, instances
from hashell.errors import Refused
from hashell.grammar.kinds import DryRun, Kind, NodeRef, OnOff, ResourceRef, Wait, choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit
from hashelld.model.constraint import Colocation, Location, Order
from hashelld.model.ids import ResourceId
from hashelld.model.options import parse_boolean
from hashelld.model.resource import Bundle, Clone, value_of
from hashelld.model.score import format_score
from hashelld.wire.client import Cleanup, Done


CountVerb = Annotated[str, choice("show:print the counts", "set:say how often it failed", "delete:forget the failures")]
CountWord = Annotated[str, Kind(name="word", help="set: a count; then an operation and its interval")]
TARGET_ROLE = "target-role"


@command("resource", "status", aliases=("show", "list"), examples=("resource status", "resource status web"))
def resource_status(session: Session, *resources: ResourceRef) -> Outcome:
    """Show resources with their role, nodes and failures.

    Without names, all resources.
    """
    wanted = {name for given in resources for name in (given, *members_of(session.cib(), given))}
    rows = tuple(
        (i.resource, i.role, " ".join(i.nodes), i.group, i.agent, "; ".join((*i.failures, i.note)).strip("; "))
        for i in instances(session)
        if not wanted or i.resource in wanted
    )
    return Table(columns=("resource", "role", "nodes", "in", "agent", "remarks"), rows=rows)


@command("resource", "locate", examples=("resource locate web",))
def resource_locate(session: Session, *resources: ResourceRef) -> Outcome:
    """Print where resources run."""
    wanted = {name for given in resources for name in (given, *members_of(session.cib(), given))}
    rows = tuple(
        (i.resource, " ".join(i.nodes) or "nowhere", i.role)
        for i in instances(session)
        if not wanted or i.resource in wanted
    )
    return Table(columns=("resource", "nodes", "role"), rows=rows)


@command("resource", "start", examples=("resource start web", "resource start web --wait"))
def resource_start(
    session: Session, resource: ResourceRef, *more: ResourceRef, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Start resources by setting their target-role; members that were stopped by themselves start too."""
    cib = session.applied().cib
    edits: dict[str, Edit] = {}
    for name in (resource, *more):
        wanted: list[tuple[str, str | None]] = [(name, "Started")]
        wanted += [(m, None) for m in members_of(cib, name) if _meta(cib, m, TARGET_ROLE) == "Stopped"]
        for each, value in wanted:
            edits.update((each, edit) for edit in with_meta(cib, each, TARGET_ROLE, value))
    above = {c for n in (resource, *more) for c in containers_of(cib, n) if _meta(cib, c, TARGET_ROLE) == "Stopped"}
    told = f"{listed((resource, *more))} is to start."
    if above:
        told += f" It is held back by {listed(tuple(sorted(above)))}, which is stopped: resource start {min(above)}"
    return carry_out_or_preview(session, tuple(edits.values()), told, wait=wait, dry_run=dry_run)


@command("resource", "stop", stops=True, examples=("resource stop web", "resource stop web --wait"))
def resource_stop(
    session: Session, resource: ResourceRef, *more: ResourceRef, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Stop resources, and keep them stopped until `resource start`."""
    return _set_role(session, (resource, *more), "Stopped", "is to stop", wait=wait, dry_run=dry_run)


@command("resource", "promote", examples=("resource promote db-clone",))
def resource_promote(
    session: Session, resource: ResourceRef, *, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Let a promotable clone have promoted instances."""
    _check_promotable(session, resource)
    return _set_role(session, (resource,), "Promoted", "is to be promoted", wait=wait, dry_run=dry_run)


@command("resource", "demote", stops=True, examples=("resource demote db-clone",))
def resource_demote(session: Session, resource: ResourceRef, *, wait: Wait = False, dry_run: DryRun = False) -> Outcome:
    """Let a promotable clone have no promoted instance."""
    _check_promotable(session, resource)
    return _set_role(session, (resource,), "Unpromoted", "is to be demoted", wait=wait, dry_run=dry_run)


@command("resource", "restart", stops=True, examples=("resource restart web",))
def resource_restart(session: Session, resource: ResourceRef) -> Outcome:
    """Stop a resource, wait until it is stopped, and start it again.

    Its target-role is put back as it was whatever happens in between.
    """
    if not session.client.has_cluster:
        raise Refused(f"{session.client.name} is no cluster: nothing runs there that could be restarted.")
    cib = session.applied().cib
    before = _meta(cib, resource, TARGET_ROLE)
    if before == "Stopped":
        raise Refused(f"{resource} is stopped: resource start {resource}")
    try:
        carry_out(session, with_meta(cib, resource, TARGET_ROLE, "Stopped"), "", wait=True)
    finally:
        back = with_meta(session.applied().cib, resource, TARGET_ROLE, before)
        carry_out(session, back, "")
    settle(session)
    where = listed(active_nodes(session, resource)) or "no node"
    return Said(text=f"{resource} was restarted; it runs on {where}.", data={"resource": resource})


@command(
    "resource", "cleanup", aliases=("refresh", "reprobe"), examples=("resource cleanup", "resource cleanup web node1")
)
def resource_cleanup(
    session: Session, resource: ResourceRef | None = None, node: NodeRef | None = None, *, wait: Wait = False
) -> Outcome:
    """Forget failures, and look again where resources run.

    Without names, the failures of every resource on every node.
    """
    done = session.expect(Cleanup(resource, node), Done)
    if wait or session.options.wait:
        settle(session)
    where = f" on {node}" if node else ""
    return Said(text=done.text or f"Failures of {resource or 'all resources'}{where} are forgotten.")


@command("resource", "why", examples=("resource why web", "resource why web node2"))
def resource_why(session: Session, resource: ResourceRef, node: NodeRef | None = None) -> Outcome:
    """Say why a resource is where it is, or why it is not on a node: score by score."""
    resource_of(session.cib(), resource)
    foresight = import_module("hashell.commands.foresight")
    why: Outcome = foresight.explain_placement(session, resource, node)
    return why


@command("resource", "manage", examples=("resource manage web",))
def resource_manage(session: Session, resource: ResourceRef, *more: ResourceRef) -> Outcome:
    """Let the cluster start, stop and monitor resources again."""
    return _set_meta(session, (resource, *more), "is-managed", None, "is managed again")


@command("resource", "unmanage", examples=("resource unmanage web",))
def resource_unmanage(session: Session, resource: ResourceRef, *more: ResourceRef) -> Outcome:
    """Leave resources as they are: they are not started or stopped."""
    return _set_meta(session, (resource, *more), "is-managed", "false", "is not managed")


@command("resource", "maintenance", examples=("resource maintenance web on", "resource maintenance web off"))
def resource_maintenance(session: Session, resource: ResourceRef, state: OnOff | None = None) -> Outcome:
    """Switch a resource's maintenance on (by default) or off: it is not started, stopped or monitored."""
    is_on = state is not False
    told = "is in maintenance" if is_on else "is out of maintenance"
    return _set_meta(session, (resource,), "maintenance", "true" if is_on else None, told)


@command(
    "resource",
    "failcount",
    examples=(
        "resource failcount web show",
        "resource failcount web set node1 3",
        "resource failcount web set node1 INFINITY start",
        "resource failcount web delete node1",
        "resource failcount web delete node1 monitor 10s",
    ),
)
def resource_failcount(
    session: Session, resource: ResourceRef, verb: CountVerb, node: NodeRef | None = None, *words: CountWord
) -> Outcome:
    """Show, set or forget how often a resource failed, node by node.

    set NODE COUNT [OPERATION [INTERVAL]] says how often an operation (by default its recurring monitor) failed, as
    migration-threshold and failure-timeout count it. delete [NODE [OPERATION [INTERVAL]]] forgets one count, or,
    without an operation, all failures, and looks again where the resource runs.
    """
    if verb == "delete" and not words:
        return resource_cleanup(session, resource, node)
    if verb != "show":
        counted: Outcome = import_module("hashell.commands.counting").set_count(session, resource, node, verb, words)
        return counted
    wanted = {resource, *members_of(session.cib(), resource)}
    rows = tuple(
        (count.resource, view.node, count.operation, format_score(count.count))
        for view in session.status().nodes
        for count in view.status.failures
        if count.resource.partition(":")[0] in wanted and node in (None, view.node)
    )
    return Table(columns=("resource", "node", "operation", "failures"), rows=rows, note="" if rows else "No failures.")


@command("resource", "constraints", examples=("resource constraints web",))
def resource_constraints(session: Session, resource: ResourceRef) -> Outcome:
    """List the constraints that concern a resource, also through its groups and clones."""
    cib = session.cib()
    resource_of(cib, resource)
    names = {resource, *containers_of(cib, resource)}
    rows = []
    for found in cib.constraints:
        match found:
            case Location() if found.resource in names:
                where = f"on {node_of(found)}" if node_of(found) else "by its rules"
                rows.append((found.id, "location", found.score or "", f"{found.resource} {where}"))
            case Colocation() if names & {found.resource, found.with_resource}:
                rows.append(
                    (found.id, "colocation", found.score or "inf", f"{found.resource} with {found.with_resource}")
                )
            case Order() if names & {found.first, found.then}:
                rows.append((found.id, "order", found.kind or "Mandatory", f"{found.first} before {found.then}"))
            case _:
                continue
    note = "" if rows else f"No constraints concern {resource}."
    return Table(columns=("id", "kind", "strength", "what"), rows=tuple(rows), note=note)


@command("resource", "operations", examples=("resource operations web", "resource operations web node1"))
def resource_operations(session: Session, resource: ResourceRef, node: NodeRef | None = None) -> Outcome:
    """Show the newest result of each operation of a resource."""
    wanted = {resource, *members_of(session.cib(), resource)}
    rows = []
    for view in session.status().nodes:
        for result in sorted(view.status.operations, key=lambda r: r.call):
            if result.resource.partition(":")[0] not in wanted or node not in (None, view.node):
                continue
            every = f" every {result.interval_ms} ms" if result.interval_ms else ""
            answer = f"rc {result.rc}" + (" FAILED" if result.is_failed else "")
            took = f"{result.duration_ms} ms"
            rows.append((result.resource, view.node, result.operation + every, result.status.value, answer, took))
    return Table(columns=("resource", "node", "operation", "status", "answer", "took"), rows=tuple(rows))


def _check_promotable(session: Session, name: str) -> None:
    """`Refused` when there is nothing in or around a resource that could be promoted."""
    cib = session.applied().cib
    around = (name, *containers_of(cib, name), *members_of(cib, name))
    clones = [found for found in cib.resources if found.id in around and isinstance(found, Clone | Bundle)]
    if not any(_is_promotable(found) for found in clones) and not session.options.force:
        raise Refused(f"{name} is no promotable clone, and not inside of one (--force lets this pass).")


def _is_promotable(found: Clone | Bundle) -> bool:
    if isinstance(found, Bundle):
        return True
    return found.is_master or parse_boolean(value_of(found.meta, "promotable") or "") is True


def _meta(cib: Cib, name: str, option: str) -> str | None:
    return value_of(resource_of(cib, name).meta, option)


def _set_role(
    session: Session, names: tuple[ResourceId, ...], role: str, told: str, *, wait: bool, dry_run: bool
) -> Outcome:
    return _set_meta(session, names, TARGET_ROLE, role, told, wait=wait, dry_run=dry_run)


def _set_meta(
    session: Session,
    names: tuple[ResourceId, ...],
    option: str,
    value: str | None,
    told: str,
    *,
    wait: bool = False,
    dry_run: bool = False,
) -> Outcome:
    cib = session.applied().cib
    edits = tuple(edit for name in names for edit in with_meta(cib, name, option, value))
    return carry_out_or_preview(session, edits, f"{listed(names)} {told}.", wait=wait, dry_run=dry_run)
