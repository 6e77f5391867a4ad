"""Commands of the level `node` about where nodes are, and about taking one out."""

from __future__ import annotations

from hashell.commands import founding
from hashell.commands.electorate import cluster_remove
from hashell.commands.machines import toml_here
from hashell.errors import Refused
from hashell.grammar.kinds import Flag, NodeRef
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Table
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.model.resource import Primitive, value_of


@command("node", "server", examples=("node server", "node server node2"))
def node_server(session: Session, *nodes: NodeRef) -> Outcome:
    """Print the addresses of nodes: those in this machine's hashelld.toml, and of remote nodes their server."""
    known = {**founding.addresses_in(toml_here()), **_remote(session.applied().cib)}
    names: tuple[str, ...] = nodes or tuple(dict.fromkeys((*session.node_names(), *known)))
    rows = tuple((name, " ".join(known[name])) for name in names if name in known)
    if nodes and len(rows) < len(nodes):
        missing = ", ".join(name for name in nodes if name not in known)
        raise Refused(f"This machine's {founding.CONFIG_NAME} says nothing of {missing}.")
    return Table(columns=("node", "addresses"), rows=rows, note="" if rows else "This machine has no hashelld.toml.")


@command("node", "delete", destroys=True, examples=("node delete node3",))
def node_delete(session: Session, node: NodeRef, *, cascade: Flag = False) -> Outcome:
    """Take a node that has left, or is off, out of the cluster for good: `cluster remove`."""
    return cluster_remove(session, node, cascade=cascade)


def _remote(cib: Cib) -> dict[str, tuple[str, ...]]:
    """Of ocf:pacemaker:remote, the server; by default it is called as the node."""
    return {
        found.id: (value_of(found.params, "server") or found.id,)
        for found in cib.resources
        if isinstance(found, Primitive) and found.agent is not None and found.agent.type == "remote"
    }
