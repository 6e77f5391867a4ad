"""The commands of the level `resource` that say where: move, ban, and clear what they left behind."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from msgspec.structs import replace

from hashell.commands.changes import (
    CLI_BAN,
    CLI_PREFER,
    carry_out,
    carry_out_or_preview,
    leftovers_of,
    listed,
    node_of,
    resource_of,
    settle,
)
from hashell.commands.lifetimes import NodeFor, Wish, end_of, read_wish, until
from hashell.commands.observed import active_nodes
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import DryRun, NodeRef, ResourceRef, Wait, flag
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Planned, Said
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Delete, Edit, Put
from hashelld.model.constraint import Location
from hashelld.model.ids import ConstraintId, NodeId, ResourceId
from hashelld.model.score import INFINITY, format_score


Keep = Annotated[bool, flag("do not wait; the constraint stays until: resource clear")]


@command(
    "resource",
    "move",
    aliases=("migrate",),
    stops=True,
    examples=(
        "resource move web node2",
        "resource move web node2 for 2h",
        "resource move web node2 --keep",
        "resource move web node2 --dry-run",
    ),
)
def resource_move(
    session: Session,
    resource: ResourceRef,
    *node: NodeFor,
    keep: Keep = False,
    wait: Wait = False,
    dry_run: DryRun = False,
) -> Outcome:
    """Move a resource to a node, or (without a node) away from where it runs.

    It waits until the resource is there, and removes the constraint that moved it, unless the resource would then go
    back. With --keep, or for a time (`for 2h`), or without a node, the constraint stays, until `resource clear` or the
    end of the time; in a CIB file or a shadow, too, for nobody moves anything there. With --dry-run nothing is changed:
    what the cluster would do is shown, and why.
    """
    cib = session.applied().cib
    resource_of(cib, resource)
    wish = _one(session, node)
    if not wish.nodes:
        return _ban(session, resource, wish, wait=wait, dry_run=dry_run)
    target = wish.nodes[0]
    if active_nodes(session, resource) == (target,):
        raise Refused(f"{resource} runs on {target} already.")
    edits = _bound(session, cib, resource, target, wish)
    if keep or wish.for_ms or dry_run or not session.client.has_cluster:
        told = f"{resource} is to move to {target}, and stays there {_until(resource, wish)}"
        return carry_out_or_preview(session, edits, told, wait=wait, dry_run=dry_run)
    said = carry_out(session, edits, "", wait=True)
    return _settled(session, resource, target, said)


@command(
    "resource",
    "ban",
    stops=True,
    examples=("resource ban web node1", "resource ban web", "resource ban web node1 for 30min"),
)
def resource_ban(
    session: Session, resource: ResourceRef, *node: NodeFor, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Forbid a resource on a node (by default where it runs), until `resource clear`, or for a time (`for 30min`)."""
    resource_of(session.applied().cib, resource)
    return _ban(session, resource, _one(session, node), wait=wait, dry_run=dry_run)


@command("resource", "clear", aliases=("unmove", "unmigrate", "unban"), examples=("resource clear web",))
def resource_clear(
    session: Session, resource: ResourceRef, node: NodeRef | None = None, *, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Remove the constraints that `move` and `ban` left behind."""
    found = leftovers_of(session.applied().cib, resource)
    gone = tuple(Delete(old.id) for old in found if node in (None, node_of(old)))
    if not gone:
        return Said(text=f"{resource} has no constraints left by move or ban.", data={"changed": False})
    return carry_out_or_preview(
        session, gone, f"Removed {listed(tuple(edit.id for edit in gone))}.", wait=wait, dry_run=dry_run
    )


def _one(session: Session, words: tuple[str, ...]) -> Wish:
    """At most one node, and perhaps a time."""
    wish = read_wish(session, words)
    if len(wish.nodes) > 1 or wish.is_on is not None or wish.until_reboot:
        raise Usage("Say one node, and then perhaps: for 30min")
    return wish


def _until(resource: str, wish: Wish) -> str:
    return wish.told.strip() + "." if wish.for_ms else f"until: resource clear {resource}"


def _bound(session: Session, cib: Cib, resource: ResourceId, node: NodeId, wish: Wish) -> tuple[Edit, ...]:
    prefer = Location(
        id=ConstraintId(f"{CLI_PREFER}{resource}"), resource=resource, node=node, score=format_score(INFINITY)
    )
    return _replacing(session, cib, prefer, wish)


def _ban(session: Session, resource: ResourceId, wish: Wish, *, wait: bool, dry_run: bool) -> Outcome:
    nodes = wish.nodes or active_nodes(session, resource)
    if len(nodes) != 1:
        where = "nowhere" if not nodes else f"on {listed(nodes)}"
        raise Refused(f"{resource} runs {where}: name the node.")
    ban = Location(
        id=ConstraintId(f"{CLI_BAN}{resource}-on-{nodes[0]}"),
        resource=resource,
        node=nodes[0],
        score=format_score(-INFINITY),
    )
    edits = _replacing(session, session.applied().cib, ban, wish)
    told = f"{resource} is banned from {nodes[0]} {_until(resource, wish)}"
    return carry_out_or_preview(session, edits, told, wait=wait, dry_run=dry_run)


def _replacing(session: Session, cib: Cib, made: Location, wish: Wish) -> tuple[Edit, ...]:
    """The edits for a constraint, in the place of others for the same resource and node."""
    assert made.resource is not None
    old = leftovers_of(cib, made.resource)
    stale = tuple(Delete(one.id) for one in old if one.id != made.id and node_of(one) == made.node)
    return (*stale, Put(until(made, end_of(session, wish.for_ms)) if wish.for_ms else made))


def _settled(session: Session, resource: ResourceId, target: NodeId, said: Said) -> Outcome:
    """The resource is where it was sent: remove what sent it there, if it then stays."""
    constraint = ConstraintId(f"{CLI_PREFER}{resource}")
    data: dict[str, object] = {**said.data, "node": target}
    advice = f"{constraint} stays until: resource clear {resource}"
    if active_nodes(session, resource) != (target,):
        where = listed(active_nodes(session, resource)) or "nowhere"
        text = f"{resource} is to move to {target}; now it runs {where}. {advice}"
        return Said(text=text, data={**data, "constraint": constraint}, warnings=said.warnings)
    gone = (Delete(constraint),)
    planned: Planned = import_module("hashell.commands.foresight").foresee_edits(session, gone)
    if planned.changes:
        text = f"{resource} runs on {target}. Without its constraint it would go elsewhere, so {advice}"
        return Said(text=text, data={**data, "constraint": constraint}, warnings=said.warnings)
    settled = session.commit(gone)
    settle(session, settled.version)
    told = f"{resource} runs on {target}; no constraint was left behind."
    return replace(said, text=told, data={**data, "version": str(settled.version)})
