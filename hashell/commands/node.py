"""The commands of the level `node`: standby, maintenance, fencing and attributes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated

from msgspec.structs import replace

from hashell.commands.changes import carry_out_or_preview, listed, with_attribute
from hashell.commands.drafting import set_at_once
from hashell.commands.lifetimes import NodesFor, Wish, end_of, read_wish, with_timed, without_timed
from hashell.commands.observed import node_lines
from hashell.commands.secrets import shown_values
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import DryRun, NodeRef, Wait, choice, flag
from hashell.grammar.registry import command
from hashell.grammar.secrecy import repeated
from hashell.outcomes import Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, Put
from hashelld.model.ids import NodeId
from hashelld.model.node import Node
from hashelld.model.resource import pairs_of, value_of, with_value
from hashelld.wire.client import Done, FenceNode, SetAttribute


AllNodes = Annotated[bool, flag("every node of the cluster")]
Confirm = Annotated[bool, flag("vouch that the node is off, instead of calling a device")]
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
        given = {p.name: p.value or "" for p in pairs_of(found.attributes)} if found else {}
        attributes = " ".join(f"{name}={value}" for name, value in shown_values(session, given).items())
        transient = next((n.status.attributes for n in session.status().nodes if n.node == line.node), {})
        passing = " ".join(f"{name}={value}" for name, value in sorted(transient.items()))
        rows.append((line.node, line.state, "DC" if line.is_dc else "", str(line.resources), attributes, passing))
    return Table(columns=("node", "state", "office", "resources", "attributes", "transient"), rows=tuple(rows))


@command(
    "node",
    "standby",
    stops=True,
    examples=(
        "node standby node1",
        "node standby node1 node2 for 30min",
        "node standby node1 for reboot",
        "node standby node1 off",
        "node standby --all --dry-run",
    ),
)
def node_standby(
    session: Session, *nodes: NodesFor, all_: AllNodes = False, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Let nodes run nothing: what runs there is moved away, or stopped.

    Without names, the node that answers. `node online` (or off) ends it; with `for 30min` it ends by itself, with `for
    reboot` when the node's daemon ends. With --dry-run nothing is changed: what the cluster would do is shown, and why.
    """
    wish = _wish(session, nodes, is_all=all_)
    told = "online again" if wish.is_on is False else "in standby"
    return _switch(session, wish, "standby", "on", told, wait=wait, dry_run=dry_run)


@command("node", "online", examples=("node online node1", "node online --all"))
def node_online(
    session: Session, *nodes: NodeRef, all_: AllNodes = False, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """End the standby of nodes: they may run resources again.

    Without names, the node that answers.
    """
    wish = replace(_wish(session, nodes, is_all=all_), is_on=False)
    return _switch(session, wish, "standby", "on", "online again", wait=wait, dry_run=dry_run)


@command(
    "node",
    "maintenance",
    examples=("node maintenance node1", "node maintenance node1 node2 for 2h", "node maintenance --all off"),
)
def node_maintenance(
    session: Session, *nodes: NodesFor, all_: AllNodes = False, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """Leave everything on nodes as it is: nothing is started, stopped or monitored there.

    Without names, the node that answers. `node ready` (or off) ends it; with `for 30min` it ends by itself.
    """
    wish = _wish(session, nodes, is_all=all_)
    told = "managed again" if wish.is_on is False else "in maintenance"
    return _switch(session, wish, "maintenance", "true", told, wait=wait, dry_run=dry_run)


@command("node", "ready", examples=("node ready node1", "node ready --all"))
def node_ready(
    session: Session, *nodes: NodeRef, all_: AllNodes = False, wait: Wait = False, dry_run: DryRun = False
) -> Outcome:
    """End the maintenance of nodes.

    Without names, the node that answers.
    """
    wish = replace(_wish(session, nodes, is_all=all_), is_on=False)
    return _switch(session, wish, "maintenance", "true", "managed again", wait=wait, dry_run=dry_run)


@command("node", "fence", destroys=True, examples=("node fence node2", "node fence node2 --confirm"))
def node_fence(session: Session, node: NodeRef, *, confirm: Confirm = False) -> Outcome:
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


@command(
    "node", "fence-history", aliases=("fence_history",), examples=("node fence-history", "node fence-history node2")
)
def node_fence_history(session: Session, *nodes: NodeRef) -> Outcome:
    """Show how the last fencings ended: who fenced whom, with which device, what came of it, how long it took.

    Newest last. On the level `node` the node itself is switched off, on the level `resource` a fabric device only cuts
    it off from what it holds (off), or gives it access again (on). The DC remembers as much; which node was ever
    confirmed off, and by whom, `history` tells.
    """
    found = [one for one in session.status().fenced if not nodes or one.target in nodes]
    rows = tuple(
        (
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.ended_ms / 1000)),
            one.target,
            one.operation,
            one.level,
            "done" if one.ok else "failed",
            one.device,
            one.by,
            f"{one.duration_ms / 1000:.1f}s",
            one.reason if one.times == 1 else f"{one.reason} ({one.times} times)",
        )
        for one in found
    )
    columns = ("when", "node", "operation", "level", "result", "device", "by", "took", "reason")
    return Table(columns=columns, rows=rows, note="" if rows else "No node was fenced.")


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
        given = shown_values(session, {p.name: p.value or "" for p in pairs_of(sets)})
        return _pairs(node, "attribute", given, name)
    option = _named("attribute", verb, name, value)
    if verb == "delete" and value_of(sets, option) is None:
        raise Refused(f"{node} has no attribute '{option}'.")
    return set_at_once(session, with_attribute(session.applied().cib, node, option, value), _told(node, option, value))


@command(
    "node",
    "utilization",
    examples=("node utilization node1 set memory 4096", "node utilization node1 show"),
)
def node_utilization(
    session: Session, node: NodeRef, verb: Verb, name: str | None = None, value: str | None = None
) -> Outcome:
    """Set, delete or show a capacity of a node: what resources with utilization may use of it."""
    found = session.cib().node(node)
    sets = found.utilization if found else ()
    if verb == "show":
        return _pairs(node, "capacity", {p.name: p.value or "" for p in pairs_of(sets)}, name)
    option = _named("utilization", verb, name, value)
    if verb == "delete" and value_of(sets, option) is None:
        raise Refused(f"{node} has no capacity '{option}'.")
    configured = session.applied().cib.node(node) or Node(id=node)
    changed = replace(configured, utilization=with_value(configured.utilization, option, value))
    edits: tuple[Edit, ...] = () if changed == configured else (Put(changed),)
    return set_at_once(session, edits, _told(node, option, value))


@command(
    "node",
    "status-attr",
    aliases=("status_attr",),
    examples=("node status-attr node1 set pingd 100", "node status-attr node1 show"),
)
def node_status_attr(
    session: Session, node: NodeRef, verb: Verb, name: str | None = None, value: str | None = None
) -> Outcome:
    """Set, delete or show a transient attribute of a node: it is gone when the node's daemon ends."""
    transient = next((view.status.attributes for view in session.status().nodes if view.node == node), {})
    if verb == "show":
        return _pairs(node, "transient attribute", shown_values(session, transient), name)
    option = _named("status-attr", verb, name, value)
    if verb == "delete" and option not in transient:
        raise Refused(f"{node} has no transient attribute '{option}'.")
    session.expect(SetAttribute(node=node, name=option, value=value), Done)
    return Said(text=_told(node, option, value), data={"node": node, "name": option, "value": value})


def _wish(session: Session, words: tuple[str, ...], *, is_all: bool) -> Wish:
    """What is asked for which nodes: those named, all, or the one that answers."""
    wish = read_wish(session, words)
    if is_all and wish.nodes:
        raise Usage("Either name nodes or say --all.")
    if wish.is_on is False and (wish.for_ms or wish.until_reboot):
        raise Usage("What is switched off has no time after which it ends.")
    if is_all:
        return replace(wish, nodes=tuple(NodeId(name) for name in session.node_names()))
    here = session.status().node
    if not wish.nodes and not here:
        raise Usage("Name the nodes, or say --all.")
    return wish if wish.nodes else replace(wish, nodes=(here,))


def _switch(session: Session, wish: Wish, name: str, value: str, told: str, *, wait: bool, dry_run: bool) -> Outcome:
    text = f"{listed(wish.nodes)} {'is' if len(wish.nodes) == 1 else 'are'} {told}{wish.told}."
    passing = _passing(session, wish, name)
    if wish.until_reboot and not dry_run:
        for node in wish.nodes:
            session.expect(SetAttribute(node=node, name=name, value=value), Done)
        return Said(text=text, data={"changed": True})
    cib = session.applied().cib
    edits = tuple(edit for node in wish.nodes for edit in _edits(session, cib, node, wish, name, value))
    if not dry_run:
        for node in passing:
            session.expect(SetAttribute(node=node, name=name), Done)
    if passing and not edits and not dry_run:
        return Said(text=text, data={"changed": True})
    return carry_out_or_preview(session, edits, text, wait=wait, dry_run=dry_run)


def _passing(session: Session, wish: Wish, name: str) -> tuple[NodeId, ...]:
    """The nodes whose transient attribute must go, for it would win over what is configured."""
    views = {view.node: view.status.attributes for view in session.status().nodes}
    return () if wish.until_reboot else tuple(node for node in wish.nodes if name in views.get(node, {}))


def _edits(session: Session, cib: Cib, node: NodeId, wish: Wish, name: str, value: str) -> tuple[Edit, ...]:
    found = cib.node(node) or Node(id=node)
    sets = without_timed(found.attributes, name)
    if wish.is_on is False:
        sets = with_value(sets, name, None)
    elif wish.for_ms:
        sets = with_timed(sets, name, value, end_of(session, wish.for_ms))
    elif value_of(sets, name) != value:
        sets = with_value(sets, name, value)
    changed = replace(found, attributes=sets)
    return () if changed == found or (not sets and cib.node(node) is None) else (Put(changed),)


def _named(what: str, verb: str, name: str | None, value: str | None) -> str:
    if name is None or (verb == "set") != (value is not None):
        raise Usage(f"node {what} NODE set NAME VALUE | delete NAME | show [NAME]")
    return name


def _pairs(node: str, what: str, given: Mapping[str, str], name: str | None) -> Table:
    if name is not None and name not in given:
        raise Refused(f"{node} has no {what} '{name}'.")
    rows = tuple(pair for pair in given.items() if name in (None, pair[0]))
    return Table(columns=("name", "value"), rows=rows)


def _told(node: str, name: str, value: str | None) -> str:
    return f"{node} has no {name} any more." if value is None else f"{name} of {node} is {repeated(name, value)}."
