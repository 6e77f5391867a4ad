"""Commands that change the draft without a statement: values by path, groups, names, deletion, undo, the editor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated

from msgspec.structs import replace

from hashell.commands.changes import with_members
from hashell.commands.checking import TYPED, Origin, attempt, refuse, resolver, told
from hashell.commands.drafting import CONFIGURE, change_draft, replace_draft
from hashell.commands.selection import Selector, part, selected
from hashell.commands.transfer import as_xml, from_xml
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import GroupRef, Kind, ObjectRef, choice, flag
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.grammar.secrecy import repeated
from hashell.outcomes import Candidate, Outcome, Said
from hashell.session import Session
from hashell.settings import read
from hashelld.cib import change
from hashelld.cib.document import Cib, Properties, key_of
from hashelld.cib.edit import Delete, Edit, Put, apply
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import Mode, lower
from hashelld.cib.lang.parse import parse_text
from hashelld.model.node import Node
from hashelld.model.resource import Primitive, Template, pairs_of


def _paths(scope: Scope, _before: tuple[str, ...]) -> Iterator[Candidate]:
    for resource in scope.cib().resources:
        for pair in (*pairs_of(resource.params), *pairs_of(resource.meta)):
            yield Candidate(f"{resource.id}.{pair.name}", pair.value or "")
        for operation in resource.operations if isinstance(resource, Primitive | Template) else ():
            for option in operation.options:
                yield Candidate(f"{resource.id}.{operation.name}.{option.name}", option.value or "")


ValuePath = Annotated[str, Kind(name="path", help="RESOURCE.NAME or RESOURCE.OPERATION.OPTION", offer=_paths)]
Cascade = Annotated[bool, flag("change or delete what names it, too")]
WithNodes = Annotated[bool, flag("also what is set for nodes")]
Membership = Annotated[str, choice("add:put primitives into the group", "remove:take primitives out of it")]


@command(
    CONFIGURE,
    "set",
    examples=(
        "configure set web.port 8080",
        "configure set web.meta.priority 10",
        "configure set web.monitor.timeout 30s",
    ),
)
def configure_set(session: Session, path: ValuePath, value: str) -> Outcome:
    """Change one value by its path: RESOURCE.NAME, RESOURCE.params.NAME, RESOURCE.OPERATION.[INTERVAL.]OPTION."""
    edits = attempt(lambda: change.set_path(session.draft.cib, path, value))
    return change_draft(session, edits, f"{path} is {repeated(path.rpartition('.')[2], value)}.")


@command(CONFIGURE, "unset", examples=("configure unset web.port", "configure unset web.monitor.timeout"))
def configure_unset(session: Session, path: ValuePath) -> Outcome:
    """Remove one value by its path: what holds by default holds again."""
    return change_draft(session, attempt(lambda: change.unset_path(session.draft.cib, path)), f"{path} is not set.")


@command(
    CONFIGURE,
    "modgroup",
    examples=(
        "configure modgroup apps add vip",
        "configure modgroup apps add vip before fs",
        "configure modgroup apps remove vip",
    ),
)
def configure_modgroup(session: Session, group: GroupRef, verb: Membership, member: str, *more: str) -> Outcome:
    """Add primitives to a group (at its end, or `before MEMBER`, `after MEMBER`), or remove them from it."""
    cib = session.draft.cib
    words = (member, *more)
    if verb == "remove":
        return change_draft(
            session, attempt(lambda: change.group_remove(cib, group, words)), f"{' '.join(words)} left {group}."
        )
    side, beside = (words[-2], words[-1]) if words[-2:-1] in (("before",), ("after",)) else ("", "")
    added = words[:-2] if side else words
    if not added:
        raise Usage("configure modgroup GROUP add PRIMITIVE [before|after MEMBER]")
    edits = attempt(lambda: change.group_add(cib, group, added, **({side: beside} if side else {})))
    return change_draft(session, edits, f"{' '.join(added)} joined {group}.")


@command(
    CONFIGURE,
    "ungroup",
    examples=("configure ungroup apps",),
)
def configure_ungroup(session: Session, group: GroupRef, *more: GroupRef, cascade: Cascade = False) -> Outcome:
    """Dissolve groups: their members stay, each by itself. What names a group refuses it, as with `delete`."""
    edits = attempt(lambda: change.delete(session.draft.cib, (group, *more), cascade=cascade))
    return change_draft(session, edits, f"{' '.join((group, *more))} is dissolved.")


@command(
    CONFIGURE,
    "delete",
    aliases=("rm",),
    destroys=True,
    examples=("configure delete web", "configure delete web --cascade"),
)
def configure_delete(session: Session, id_: ObjectRef, *more: ObjectRef, cascade: Cascade = False) -> Outcome:
    """Delete objects; a resource that runs is stopped by the cluster first.

    What names a deleted object is listed and refuses it; with --cascade (or --force) it is changed, or deleted too.
    """
    cascade = cascade or session.options.force
    edits = attempt(lambda: change.delete(session.draft.cib, (id_, *more), cascade=cascade))
    gone = [edit.id for edit in edits if isinstance(edit, Delete)]
    changed = [edit.object.id for edit in edits if isinstance(edit, Put)]
    also = f" Changed {' '.join(changed)}, which named it." if changed else ""
    return change_draft(session, edits, f"Deleted {' '.join(gone)}.{also}")


@command(CONFIGURE, "rename", examples=("configure rename web www",))
def configure_rename(session: Session, id_: ObjectRef, new: str) -> Outcome:
    """Give an object another id, wherever it is named; a running resource is stopped and started by its new name."""
    return change_draft(session, attempt(lambda: change.rename(session.draft.cib, id_, new)), f"{id_} is now {new}.")


@command(CONFIGURE, "undo", examples=("undo",))
def configure_undo(session: Session) -> Outcome:
    """Take back the last change of the draft."""
    session.undo()
    return Said(text="Undone." + _left(session))


@command(CONFIGURE, "redo", examples=("redo",))
def configure_redo(session: Session) -> Outcome:
    """Do again what was undone."""
    session.redo()
    return Said(text="Done again." + _left(session))


@command(CONFIGURE, "refresh", examples=("refresh",))
def configure_refresh(session: Session) -> Outcome:
    """Drop the draft, and begin again from the cluster's configuration."""
    if session.is_dirty:
        session.confirm("Drop the changes that are not committed?")
    session.discard()
    return Said(text="The draft is the cluster's configuration.")


@command(CONFIGURE, "erase", destroys=True, examples=("configure erase", "configure erase --nodes"))
def configure_erase(session: Session, *, nodes: WithNodes = False) -> Outcome:
    """Delete the whole configuration but nodes and cluster properties; with --nodes also what is set for nodes."""
    cib = session.draft.cib
    kept = Cib(tuple(o for o in cib.objects if isinstance(o, Properties) or (isinstance(o, Node) and not nodes)))
    kept = with_members(session, cib, kept)
    stays = {key_of(o): o for o in kept.objects}
    gone = sum(stays.get(key_of(o)) != o for o in cib.objects)
    if not gone:
        return Said(text="There is nothing to erase.", data={"changed": False})
    session.confirm(f"Delete {gone} objects? {len(cib.resources)} of them are resources, which are then stopped.")
    return replace_draft(session, kept, f"Deleted {gone} objects.")


@command(CONFIGURE, "edit", examples=("configure edit", "configure edit web vip", "configure edit changed"))
def configure_edit(session: Session, *selection: Selector) -> Outcome:
    """Edit the configuration, or a selection of it, as text (or `xml`) in $EDITOR; what is wrong is shown there."""
    if not session.is_interactive:
        raise Refused("edit needs a terminal; in scripts: configure load update PATH, or configure set")
    is_xml = "xml" in selection
    visible = part(session.draft.cib, selected(session, tuple(word for word in selection if word != "xml")))
    text = as_xml(visible) if is_xml else format_cib(visible)
    done: list[Outcome] = []
    editor: str = read(os.environ).editor
    import_module("hashell.terminal.editor").edit_text(
        text,
        lambda edited: done.append(take_text(session, visible, edited)),
        editor=editor,
        suffix=".xml" if is_xml else ".crm",
    )
    return done[-1] if done else Said(text="Nothing was changed.", data={"changed": False})


def take_text(session: Session, visible: Cib, text: str) -> Outcome:
    """Make the draft what the edited text of some of its objects says; new objects come to the end."""
    cib = session.draft.cib
    names = {key_of(o) for o in visible.objects}
    others = Cib(tuple(o for o in cib.objects if key_of(o) not in names))
    origin = TYPED
    warnings: tuple[str, ...] = ()
    if text.lstrip().startswith("<"):
        edits: tuple[Edit, ...] = tuple(Put(found) for found in from_xml(text, "the text").objects)
    else:
        statements, found = parse_text(text)
        force = session.options.force
        edits, more = lower(statements, others, Mode.CREATE, resolver(session), is_forced=force)
        origin = Origin(text, tuple(statements))
        refuse((*found, *more), origin)
        warnings = told((*found, *more), origin)
    after = {key_of(o): o for o in apply(others, edits).objects}
    kept = [after.pop(key_of(o)) for o in cib.objects if key_of(o) in after]
    said = replace_draft(session, Cib((*kept, *after.values())), "The draft is as you edited it.", origin=origin)
    return replace(said, warnings=(*warnings, *said.warnings))


def _left(session: Session) -> str:
    return " The draft differs from the cluster's configuration." if session.is_dirty else " The draft changes nothing."
