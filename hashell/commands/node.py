"""The commands of the level `node`: standby, maintenance, fencing and attributes."""

from __future__ import annotations

from typing import Annotated

from hashell.commands.changes import carry_out_or_preview, listed, with_attribute
from hashell.commands.drafting import set_at_once
from hashell.commands.observed import node_lines
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import Flag, NodeRef, choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said, Table
from hashell.session import Session
from hashelld.model.ids import NodeId
from hashelld.model.resource import pairs_of, value_of
from hashelld.wire.client import Done, FenceNode


Verb = Annotated[str, choice("set:change it", "delete:remove it", "show:print it")]


@command("node", "show", aliases=("list", "status"), examples=("node show", "node show node1 node2"))
def node_show(session: Session, *nodes: NodeRef) -> Outcome:
    """Show nodes with their state and attributes.

    Without names, all nodes.
    """
    cib = session.cib()
    rows = []
    for line in node_lines(session):
        if nodes and line.node not in nodes:
            continue
        found = cib.node(line.node)
        attributes = " ".join(f"{p.name}={p.value or ''}" for p in pairs_of(found.attributes)) if found else ""
        transient = next((n.status.attributes for n in session.status().nodes if n.node == line.node), {})
        passing = " ".join(f"{name}={value}" for name, value in sorted(transient.items()))
        rows.append((line.node, line.state, "DC" if line.is_dc else "", str(line.resources), attributes, passing))
    return Table(columns=("node", "state", "office", "resources", "attributes", "transient"), rows=tuple(rows))


@command(
    "node",
    "standby",
    stops=True,
    examples=("node standby node1", "node standby node1 --dry-run", "node standby --all", "node standby --wait"),
)
def node_standby(
    session: Session, *nodes: NodeRef, all_: Flag = False, wait: Flag = False, dry_run: Flag = False
) -> Outcome:
    """Let nodes run nothing: what runs there is moved away, or stopped.

    Without names, the node that answers. `node online` ends it. With --dry-run nothing is changed: what the cluster
    would do is shown, and why.
    """
    return _set_attribute(
        session, _chosen(session, nodes, is_all=all_), "standby", "on", "in standby", wait=wait, dry_run=dry_run
    )


@command("node", "online", examples=("node online node1", "node online --all"))
def node_online(
    session: Session, *nodes: NodeRef, all_: Flag = False, wait: Flag = False, dry_run: Flag = False
) -> Outcome:
    """End the standby of nodes: they may run resources again.

    Without names, the node that answers.
    """
    return _set_attribute(
        session, _chosen(session, nodes, is_all=all_), "standby", None, "online again", wait=wait, dry_run=dry_run
    )


@command("node", "maintenance", examples=("node maintenance node1",))
def node_maintenance(
    session: Session, *nodes: NodeRef, all_: Flag = False, wait: Flag = False, dry_run: Flag = False
) -> Outcome:
    """Leave everything on nodes as it is: nothing is started, stopped or monitored there.

    Without names, the node that answers. `node ready` ends it.
    """
    chosen = _chosen(session, nodes, is_all=all_)
    return _set_attribute(session, chosen, "maintenance", "true", "in maintenance", wait=wait, dry_run=dry_run)


@command("node", "ready", examples=("node ready node1", "node ready --all"))
def node_ready(
    session: Session, *nodes: NodeRef, all_: Flag = False, wait: Flag = False, dry_run: Flag = False
) -> Outcome:
    """End the maintenance of nodes.

    Without names, the node that answers.
    """
    chosen = _chosen(session, nodes, is_all=all_)
    return _set_attribute(session, chosen, "maintenance", None, "managed again", wait=wait, dry_run=dry_run)


@command("node", "fence", destroys=True, examples=("node fence node2", "node fence node2 --confirm"))
def node_fence(session: Session, node: NodeRef, *, confirm: Flag = False) -> Outcome:
    """Have a node fenced: it is powered off or restarted, whatever it runs.

    With --confirm no device is called: you vouch that the node is off. If it is not, its resources will run twice.
    """
    if confirm:
        session.confirm(f"Do you vouch that {node} is off? If it still runs, resources will be active twice.")
    else:
        session.confirm(f"Power {node} off? Everything that it runs is interrupted.")
    done = session.expect(FenceNode(node, confirm=confirm), Done)
    fallback = f"{node} is taken to be off." if confirm else f"{node} is being fenced."
    return Said(text=done.text or fallback, data={"node": node, "confirmed": confirm})


@command("node", "clearstate", destroys=True, examples=("node clearstate node2",))
def node_clearstate(session: Session, node: NodeRef) -> Outcome:
    """Vouch that a lost node is off, so that its resources are taken over: `node fence NODE --confirm`."""
    return node_fence(session, node, confirm=True)


@command(
    "node",
    "attribute",
    examples=("node attribute node1 set rack 7", "node attribute node1 show", "node attribute node1 delete rack"),
)
def node_attribute(
    session: Session, node: NodeRef, verb: Verb, name: str | None = None, value: str | None = None
) -> Outcome:
    """Set, delete or show a permanent attribute of a node."""
    found = session.cib().node(node)
    sets = found.attributes if found else ()
    if verb == "show":
        pairs = tuple((p.name, p.value or "") for p in pairs_of(sets) if name in (None, p.name))
        if name and not pairs:
            raise Refused(f"{node} has no attribute '{name}'.")
        return Table(columns=("name", "value"), rows=pairs)
    if name is None or (verb == "set") != (value is not None):
        raise Usage("node attribute NODE set NAME VALUE | delete NAME | show [NAME]")
    if verb == "delete" and value_of(sets, name) is None:
        raise Refused(f"{node} has no attribute '{name}'.")
    edits = with_attribute(session.applied().cib, node, name, value)
    told = f"{name} of {node} is {value}." if verb == "set" else f"{node} has no {name} any more."
    return set_at_once(session, edits, told)


def _chosen(session: Session, nodes: tuple[NodeId, ...], *, is_all: bool) -> tuple[NodeId, ...]:
    if is_all and nodes:
        raise Usage("Either name nodes or say --all.")
    if is_all:
        return tuple(NodeId(name) for name in session.node_names())
    return nodes or (session.status().node,)


def _set_attribute(
    session: Session, nodes: tuple[NodeId, ...], name: str, value: str | None, told: str, *, wait: bool, dry_run: bool
) -> Outcome:
    cib = session.applied().cib
    edits = tuple(edit for node in nodes for edit in with_attribute(cib, node, name, value))
    verb = "is" if len(nodes) == 1 else "are"
    return carry_out_or_preview(session, edits, f"{listed(nodes)} {verb} {told}.", wait=wait, dry_run=dry_run)
