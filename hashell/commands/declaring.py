"""Commands of `configure` for automation and for drafts that met another change: apply, filter, upgrade, merge."""

from __future__ import annotations

import shlex
import time
from typing import Annotated

from hashell.commands.changes import with_members
from hashell.commands.drafting import CONFIGURE, replace_draft
from hashell.commands.editing import take_text
from hashell.commands.secrets import shown_pair
from hashell.commands.selection import Selector, part, selected
from hashell.commands.transfer import as_xml, pushed, read_text
from hashell.commands.upgrading import upgraded
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import DryRun, Kind, Path, flag
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Listing, Outcome, Said, Table
from hashell.session import Session
from hashelld.cib.diff import unified
from hashelld.cib.document import Cib, key_of
from hashelld.cib.lang.format import format_cib
from hashelld.model.options import CLUSTER_PROPERTIES, Option


def _options(_scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return [Candidate(o.name, o.help) for o in CLUSTER_PROPERTIES if o.name not in before and not o.deprecated]


Prune = Annotated[bool, flag("delete what the file does not contain")]
Mine = Annotated[bool, flag("what both changed becomes as it is in the draft")]
Theirs = Annotated[bool, flag("what both changed becomes as others left it")]
OptionName = Annotated[str, Kind(name="property", help="a cluster property's name", offer=_options)]
Program = Annotated[str, Kind(name="program", help="a command that reads the text and writes it changed")]


@command(
    CONFIGURE,
    "apply",
    examples=("configure apply web.crm", "configure apply all.crm --prune", "configure apply web.crm --dry-run"),
)
def configure_apply(session: Session, path: Path, *, prune: Prune = False, dry_run: DryRun = False) -> Outcome:
    """Make the configuration be as a file says, and tell for each object whether that changed anything.

    It may be done again and again: when everything is so already, nothing is committed. Objects that the file does not
    contain stay, unless --prune is given.
    """
    before = session.draft.cib
    loaded = read_text(session, path, is_update=not prune)
    after = with_members(session, before, pushed(before, loaded.cib)) if prune else loaded.cib
    results = _results(before, after, loaded.named)
    is_changed = before != after
    if dry_run:
        text = unified(*shown_pair(session, before, after), "applied", loaded.origin.name or path)
        return Listing(text=text, language="diff") if text else Said(text="unchanged", data={"changed": False})
    told = "\n".join((*(f"{name}: {result}" for name, result in results.items()), _word(is_changed)))
    if not is_changed:
        return Said(text=told, data={"changed": False, "objects": results})
    said = replace_draft(session, after, told, origin=loaded.origin)
    return Said(text=said.text, data={"changed": True, "objects": results}, warnings=said.warnings)


def _results(before: Cib, after: Cib, named: tuple[str, ...]) -> dict[str, str]:
    """What becomes of the objects that the file names, and of those that it deletes."""
    old, new = ({key_of(o): o for o in cib.objects} for cib in (before, after))
    results = {}
    for key in dict.fromkeys((*named, *old)):
        if key not in new:
            results[old[key].id] = "deleted"
        elif old.get(key) != new[key]:
            results[new[key].id] = "changed" if key in old else "created"
        elif key in named:
            results[new[key].id] = "unchanged"
    return results


def _word(is_changed: bool) -> str:  # noqa: FBT001 - the one thing that it says
    return "changed" if is_changed else "unchanged"


@command(CONFIGURE, "upgrade", examples=("configure upgrade",))
def configure_upgrade(session: Session) -> Outcome:
    """Write older spellings as they are written today: ms, Master and Slave, names and places of options."""
    before = session.draft.cib
    after = upgraded(before)
    old = {key_of(o): o for o in before.objects}
    names = [o.id for o in after.objects if old.get(key_of(o)) != o]
    if after == before:
        return Said(text="Nothing is written in an old way.", data={"changed": False})
    return replace_draft(session, after, f"Rewritten: {' '.join(names)}.")


@command(CONFIGURE, "filter", examples=("configure filter 'sed s/8080/8081/' web", "configure filter cat xml"))
def configure_filter(session: Session, program: Program, *selection: Selector) -> Outcome:
    """Send the configuration (or a selection of it, or `xml`) through a program, and take what it makes of it."""
    try:
        words = shlex.split(program)
    except ValueError as error:
        raise Usage(f"'{program}' is no command line: {error}") from None
    if not words:
        raise Usage("configure filter PROGRAM [SELECTION …]")
    chosen = selected(session, tuple(word for word in selection if word != "xml"))
    visible = part(session.draft.cib, chosen)
    text = as_xml(visible) if "xml" in selection else format_cib(visible)
    ended = session.programs.run(words, text=text)
    if ended.code != 0:
        reason = ended.err.strip() or f"it ended with status {ended.code}"
        raise Refused(f"{words[0]}: {reason}; nothing was changed.")
    return take_text(session, visible, ended.out)


@command(
    CONFIGURE,
    "merge",
    examples=("configure merge", "configure merge --mine", "configure merge --theirs"),
)
def configure_merge(session: Session, *, mine: Mine = False, theirs: Theirs = False) -> Outcome:
    """Carry the draft over to the configuration that others committed meanwhile.

    What only one side changed is kept. What both changed is named; it is settled with --mine or --theirs, or by hand.
    """
    if mine and theirs:
        raise Usage("Either --mine or --theirs.")
    clashes = session.merge(prefers_ours=mine if mine or theirs else None)
    if not clashes:
        return Said(text="The draft is based on the configuration of now.", data={"conflicts": []})
    names = " ".join(clashes)
    if not (mine or theirs):
        raise Refused(f"Changed by others and in the draft: {names}. Settle it: merge --mine, or merge --theirs.")
    whose = "in the draft" if mine else "others left it"
    return Said(text=f"Settled as {whose}: {names}.", data={"conflicts": list(clashes)})


@command(CONFIGURE, "resume", examples=("resume",))
def configure_resume(session: Session) -> Outcome:
    """Go on with the draft that was left without a commit, here or by another shell of yours."""
    if session.is_dirty:
        raise Refused("There are changes already: commit them, or drop them with refresh.")
    if session.level != CONFIGURE:
        raise Usage("A draft is gone on with in configure: first enter configure, then resume.")
    session.shelve()
    kept = session.shelved()
    if kept is None:
        raise Refused("No draft was left.")
    session.resume(kept)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.at_ms / 1000))
    return Said(text=f"The draft of {when} is back: diff shows what it changes.", data={"at_ms": kept.at_ms})


@command(CONFIGURE, "get-property", aliases=("get_property",), examples=("configure get-property stonith-enabled",))
def configure_get_property(session: Session, *names: OptionName) -> Outcome:
    """Print the values of cluster properties: what is set, or else what holds by default.

    Without names, all that are set.
    """
    cib = session.cib()
    known = {name: option for option in CLUSTER_PROPERTIES for name in (option.name, *option.aliases)}
    rows = []
    for name in names or [o.name for o in CLUSTER_PROPERTIES if cib.property_value(o.name) is not None]:
        option: Option | None = known.get(name)
        value = cib.property_value(name)
        if option is None and value is None:
            raise Refused(f"There is no cluster property '{name}'.")
        if value is None and option is not None:
            spelled = (cib.property_value(one) for one in (option.name, *option.aliases))
            value = next((one for one in spelled if one is not None), option.default)
        rows.append((name, value or ""))
    return Table(columns=("name", "value"), rows=tuple(rows))
