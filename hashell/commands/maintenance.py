"""The commands of the level `maintenance`: leave the cluster, or a resource, as it is; run an agent by hand."""

from __future__ import annotations

from typing import Annotated

from hashell.commands.agentwork import PrimitiveRef, made_of, meaning_of, perform
from hashell.commands.changes import carry_out_or_preview, listed, with_meta
from hashell.errors import Refused
from hashell.grammar.kinds import DryRun, ResourceRef, Wait, choice
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said
from hashell.session import Session
from hashelld.cib.change import set_property, unset_property
from hashelld.cib.edit import Edit
from hashelld.model.ids import ResourceId


MODE = "maintenance-mode"
Action = Annotated[
    str,
    choice(
        "start:begin it here",
        "stop:end it here",
        "monitor:is it running here?",
        "promote:make it promoted here",
        "demote:make it unpromoted here",
        "validate-all:are its parameters right?",
    ),
]


@command("maintenance", "on", examples=("maintenance on", "maintenance on web", "maintenance on --dry-run"))
def maintenance_on(session: Session, *resources: ResourceRef, wait: Wait = False, dry_run: DryRun = False) -> Outcome:
    """Leave everything, or some resources, as it is: nothing is started, stopped or monitored."""
    cib = session.applied().cib
    if resources:
        edits = tuple(edit for name in resources for edit in with_meta(cib, name, "maintenance", "true"))
    else:
        edits = () if cib.property_value(MODE) == "true" else set_property(cib, MODE, "true")
    return _done(session, edits, resources, "in maintenance", wait=wait, dry_run=dry_run)


@command("maintenance", "off", examples=("maintenance off", "maintenance off web"))
def maintenance_off(session: Session, *resources: ResourceRef, wait: Wait = False, dry_run: DryRun = False) -> Outcome:
    """Manage everything, or some resources, again."""
    cib = session.applied().cib
    if resources:
        edits = tuple(edit for name in resources for edit in with_meta(cib, name, "maintenance", None))
    else:
        edits = () if cib.property_value(MODE) is None else unset_property(cib, MODE)
    return _done(session, edits, resources, "out of maintenance", wait=wait, dry_run=dry_run)


@command("maintenance", "action", examples=("maintenance action web monitor",))
def maintenance_action(session: Session, primitive: PrimitiveRef, action: Action) -> Outcome:
    """Run an operation of an agent by hand, on this machine; what changes something needs maintenance first."""
    cib = session.applied().cib
    is_harmless = action in ("monitor", "validate-all")
    containers = (primitive, *_containers(session, primitive))
    is_quiet = cib.property_value(MODE) == "true" or any(
        pair.name == "maintenance" and pair.value == "true"
        for found in cib.resources
        if found.id in containers
        for one in found.meta
        for pair in one.pairs
    )
    if not is_harmless and not is_quiet and not session.options.force:
        raise Refused(f"{primitive} is managed by the cluster: maintenance on {primitive}")
    agent, parameters = made_of(cib, primitive)
    code, said = perform(session, agent, action, primitive, parameters)
    answer = meaning_of(code)
    text = f"{action} of {primitive}: {answer}" + (f" ({said})" if said else "")
    if code != 0 and not (action == "monitor" and code is not None):
        raise Refused(text)
    return Said(text=text, data={"resource": primitive, "operation": action, "code": code, "said": said})


def _containers(session: Session, name: str) -> tuple[str, ...]:
    parent = session.applied().cib.parent_of(name)
    return () if parent is None else (parent.id, *_containers(session, parent.id))


def _done(
    session: Session, edits: tuple[Edit, ...], names: tuple[ResourceId, ...], state: str, *, wait: bool, dry_run: bool
) -> Outcome:
    what = listed(names) if names else "The cluster"
    return carry_out_or_preview(
        session, edits, f"{what} {'are' if len(names) > 1 else 'is'} {state}.", wait=wait, dry_run=dry_run
    )
