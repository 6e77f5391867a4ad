"""What several commands share: finding objects, computing edits, committing them and telling it in a sentence."""

from __future__ import annotations

from importlib import import_module

from msgspec.structs import replace

from hashell.errors import Refused
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, Put
from hashelld.model.constraint import Location
from hashelld.model.ids import NodeId, Version
from hashelld.model.node import Node
from hashelld.model.resource import Bundle, Clone, Group, Resource, Template, value_of, with_value
from hashelld.model.rule import AttributeTest


CLI_PREFER = "cli-prefer-"
CLI_BAN = "cli-ban-"
UNCHANGED = "Nothing to change: it is so already."


def resource_of(cib: Cib, name: str) -> Resource:
    """The configured resource of this name, or `Refused`."""
    found = next((r for r in cib.resources if r.id == name), None)
    if found is None:
        raise Refused(f"There is no resource '{name}' in this configuration.")
    return found


def with_meta(cib: Cib, name: str, option: str, value: str | None) -> tuple[Edit, ...]:
    """The edit that sets (None: removes) a meta attribute; none when nothing changes."""
    found = resource_of(cib, name)
    if value_of(found.meta, option) == value:
        return ()
    return (Put(replace(found, meta=with_value(found.meta, option, value))),)


def with_attribute(cib: Cib, node: NodeId, name: str, value: str | None) -> tuple[Edit, ...]:
    """The edit that sets (None: removes) a permanent node attribute; none when nothing changes."""
    found = cib.node(node) or Node(id=node)
    if value_of(found.attributes, name) == value:
        return ()
    return (Put(replace(found, attributes=with_value(found.attributes, name, value))),)


def members_of(cib: Cib, name: str) -> tuple[str, ...]:
    """The resources inside a group or clone, at any depth; none for a primitive."""
    match next((r for r in cib.resources if r.id == name), None):
        case Group(members=members):
            return members
        case Clone(child=child):
            return (child, *members_of(cib, child))
        case Bundle(child=str() as inside):
            return (inside,)
        case _:
            return ()


def resource_names_of(cib: Cib) -> tuple[str, ...]:
    """Everything that can run, but what is inside something else."""
    inside = {member for found in cib.resources for member in members_of(cib, found.id)}
    return tuple(r.id for r in cib.resources if not isinstance(r, Template) and r.id not in inside)


def containers_of(cib: Cib, name: str) -> tuple[str, ...]:
    """The groups and clones around a resource, innermost first."""
    parent = cib.parent_of(name)
    return () if parent is None else (parent.id, *containers_of(cib, parent.id))


def leftovers_of(cib: Cib, resource: str | None = None) -> tuple[Location, ...]:
    """The constraints that `move` and `ban` left behind, of one resource or of all."""
    return tuple(
        found
        for found in cib.constraints
        if isinstance(found, Location)
        and found.id.startswith((CLI_PREFER, CLI_BAN))
        and resource in (None, found.resource)
    )


def node_of(location: Location) -> NodeId | None:
    """The node that a constraint of `move` or `ban` is about; one with a lifetime names it in its rule."""
    for rule in location.rules:
        for test in rule.conditions:
            if isinstance(test, AttributeTest) and test.attribute == "#uname" and test.value is not None:
                return NodeId(test.value)
    return location.node


def with_members(session: Session, before: Cib, after: Cib) -> Cib:
    """The nodes of the cluster need not be named: those that `after` lacks stay, with nothing set for them.

    In a file of its own, where no daemon takes part in anything, every line is the user's.
    """
    if not session.client.has_cluster and not session.shadow:
        return after
    named = {node.id for node in after.nodes}
    members = {view.node for view in session.status().nodes if not view.is_remote}
    missing = (node for node in before.nodes if node.id in members and node.id not in named)
    return Cib((*(Node(id=node.id, number=node.number) for node in missing), *after.objects))


def carry_out(session: Session, edits: tuple[Edit, ...], text: str, *, wait: bool = False) -> Said:
    """Commit edits at once and tell it; with `wait`, return when the cluster has settled."""
    if not edits:
        return Said(text=UNCHANGED, data={"changed": False})
    settled = session.commit(edits)
    if wait or session.options.wait:
        settle(session, settled.version)
    warnings = (settled.warning,) if settled.warning else ()
    return Said(text=text, data={"changed": True, "version": str(settled.version)}, warnings=warnings)


def carry_out_or_preview(session: Session, edits: tuple[Edit, ...], text: str, *, wait: bool, dry_run: bool) -> Outcome:
    """As `carry_out`; with `dry_run` nothing is changed, and what the cluster would do is told."""
    if not dry_run or not edits:
        return carry_out(session, edits, text, wait=wait)
    planned: Outcome = import_module("hashell.commands.foresight").foresee_edits(session, edits)
    return planned


def settle(session: Session, version: Version | None = None) -> None:
    """Return when the version is applied and nothing is left to do; planning is imported for those who wait.

    A file or a shadow is carried out by nobody: there is nothing to wait for.
    """
    if not session.client.has_cluster:
        return
    import_module("hashell.commands.waiting").settle(session, version)


def listed(words: tuple[str, ...]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)
