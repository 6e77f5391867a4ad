"""The commands of the level `cib`: shadows, configurations beside the cluster's to edit, try and then commit."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Annotated

from msgspec.structs import replace

from hashell.client.port import Kept, Shadows
from hashell.commands.changes import with_members
from hashell.commands.checking import check_change
from hashell.commands.secrets import shown_pair
from hashell.commands.transfer import as_xml, from_xml, read_file, write_text
from hashell.errors import Refused, Usage
from hashell.grammar.kinds import DryRun, Kind, Path, ShowSecrets, flag
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Listing, Outcome, Planned, Said, Table
from hashell.session import Session
from hashelld.cib.diff import difference, rebase, unified
from hashelld.cib.document import Cib
from hashelld.cib.edit import apply
from hashelld.cib.lang.diagnostic import errors, render
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import read_cib
from hashelld.model.ids import is_id


LEVEL = "cib"


def _offered(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    return [Candidate(name, "shadow") for name in scope.shadow_names() if name not in before]


ShadowName = Annotated[str, Kind(name="shadow", help="a shadow's name", offer=_offered)]
Empty = Annotated[bool, flag("begin with nothing instead of the cluster's configuration")]


@command(LEVEL, "new", examples=("cib new test", "cib new test --empty"))
def cib_new(session: Session, shadow: str, *, empty: Empty = False) -> Outcome:
    """Make a shadow of the cluster's configuration, and work on it from now on; --force replaces one of this name.

    On the command line, work on it with --shadow NAME.
    """
    live = session.live
    _make(session, shadow, Kept(base=live.version, original=live.cib, cib=Cib() if empty else live.cib, at_ms=0))
    session.use_shadow(shadow)
    return Said(text=f"The shadow {shadow} is made, and is worked on.", data={"shadow": shadow})


@command(LEVEL, "use", examples=("cib use test", "cib use"))
def cib_use(session: Session, shadow: ShadowName = "") -> Outcome:
    """Work on a shadow until this shell ends; without a name, on the cluster again.

    On the command line, --shadow NAME does it for one command: `hashell --shadow test configure show`.
    """
    session.use_shadow(shadow)
    what = f"the shadow {shadow}" if shadow else "the cluster's configuration"
    return Said(text=f"Now {what} is worked on.", data={"shadow": shadow})


@command(LEVEL, "list", aliases=("show",), examples=("cib list",))
def cib_list(session: Session) -> Outcome:
    """List the shadows: which one is worked on, when it was changed, and how it differs from the cluster."""
    shadows, live = _shadows(session), session.live
    rows = []
    for name in shadows.names():
        kept = shadows.find(name)
        if kept is None:
            continue
        count = len(difference(live.cib, kept.cib))
        differs = f"{count} change{'s' * (count != 1)}" if count else "as the cluster"
        stale = "" if kept.original == live.cib else "the cluster was changed since"
        mark = "worked on" if name == session.shadow else ""
        rows.append((name, mark, _moment(kept.at_ms), differs, stale))
    note = "" if rows else "There are no shadows: cib new NAME makes one."
    return Table(columns=("shadow", "use", "changed", "difference", "remark"), rows=tuple(rows), note=note)


@command(LEVEL, "diff", examples=("cib diff", "cib diff test"))
def cib_diff(session: Session, shadow: ShadowName = "", *, show_secrets: ShowSecrets = False) -> Outcome:
    """Print how a shadow (by default the one worked on) differs from the cluster's configuration."""
    name, kept = _meant(session, shadow)
    text = unified(*shown_pair(session, session.live.cib, kept.cib, is_asked_for=show_secrets), "cluster", name)
    return Listing(text=text, language="diff") if text else Said(text=f"{name} is as the cluster's configuration.")


@command(LEVEL, "preview", aliases=("simulate",), examples=("cib preview", "cib preview test"))
def cib_preview(session: Session, shadow: ShadowName = "") -> Outcome:
    """Show what the cluster would do if a shadow were committed, and why; nothing is changed."""
    name, kept = _meant(session, shadow)
    return _foreseen(session, name, kept)


@command(LEVEL, "commit", examples=("cib commit", "cib commit test", "cib commit test --dry-run"))
def cib_commit(session: Session, shadow: ShadowName = "", *, dry_run: DryRun = False) -> Outcome:
    """Make a shadow the cluster's configuration, in one step; the shadow stays, as a copy of it.

    What others committed since the shadow was made is kept; where both changed the same objects, it is refused.
    """
    name, kept = _meant(session, shadow)
    edits = difference(kept.original, kept.cib)
    live = session.live
    taken, conflicts = rebase(kept.original, live.cib, edits)
    if conflicts:
        names = " ".join(one.id for one in conflicts)
        raise Refused(f"Changed in the cluster and in {name}: {names}. See cib diff {name}; cib reset {name} gives up.")
    after = with_members(session, live.cib, apply(live.cib, taken))
    taken = difference(live.cib, after)
    if not taken:
        return Said(text=f"Nothing to commit: {name} changes nothing.", data={"changed": False})
    warnings = check_change(session, live.cib, after).settle(is_forced=session.options.force)
    if dry_run:
        return _foreseen(session, name, replace(kept, cib=after))
    before = session.shadow
    session.use_shadow("")
    try:
        settled = session.commit(taken, base=live.version)
    finally:
        session.use_shadow(before)
    now = session.live
    _shadows(session).put(name, replace(kept, base=now.version, original=now.cib, cib=now.cib, serial=kept.serial + 1))
    warnings += (settled.warning,) if settled.warning else ()
    data: dict[str, object] = {"changed": True, "shadow": name, "version": str(settled.version)}
    return Said(text=f"Committed {name} as version {settled.version}.", data=data, warnings=warnings)


@command(LEVEL, "reset", destroys=True, examples=("cib reset test",))
def cib_reset(session: Session, shadow: ShadowName = "") -> Outcome:
    """Make a shadow a copy of the cluster's configuration again; what was changed in it is lost."""
    name, kept = _meant(session, shadow)
    live = session.live
    if kept.cib not in (kept.original, live.cib):
        session.confirm(f"Drop what was changed in {name}?")
    made = replace(kept, base=live.version, original=live.cib, cib=live.cib, serial=kept.serial + 1)
    _shadows(session).put(name, made)
    return Said(text=f"{name} is as the cluster's configuration.", data={"shadow": name})


@command(LEVEL, "delete", aliases=("rm",), destroys=True, examples=("cib delete test",))
def cib_delete(session: Session, shadow: ShadowName) -> Outcome:
    """Delete a shadow; one that is worked on is left first."""
    name, kept = _meant(session, shadow)
    if kept.cib not in (kept.original, session.live.cib):
        session.confirm(f"Delete {name}? It has changes that were not committed.")
    if session.shadow == name:
        session.use_shadow("")
    _shadows(session).remove(name)
    return Said(text=f"Deleted the shadow {name}.", data={"shadow": name})


@command(LEVEL, "import", examples=("cib import cib.xml", "cib import saved.crm test"))
def cib_import(session: Session, path: Path, shadow: str | None = None) -> Outcome:
    """Make a shadow of a file (CIB XML, or the configure language), and work on it; by default named as the file.

    What state the file recorded is not taken over: `simulate FILE` shows what it leads to.
    """
    stem = path.rpartition("/")[2].partition(".")[0]
    name = shadow or (stem if is_id(stem) else "imported")
    live = session.live
    made = _configuration(path)
    _make(session, name, Kept(base=live.version, original=live.cib, cib=made, at_ms=0))
    session.use_shadow(name)
    text = f"The shadow {name} is made of {path} ({len(made.objects)} objects), and is worked on."
    return Said(text=text, data={"shadow": name, "objects": len(made.objects)})


@command(LEVEL, "export", examples=("cib export cib.xml", "cib export - test", "cib export all.crm"))
def cib_export(session: Session, path: Path, shadow: ShadowName = "") -> Outcome:
    """Write a shadow, or (without a name) what is worked on, as CIB XML; a file ending in .crm gets the language."""
    cib = _meant(session, shadow)[1].cib if shadow else session.applied().cib
    text = format_cib(cib) if path.endswith(".crm") else as_xml(cib)
    if path == "-":
        return Listing(text=text, language="xml")
    write_text(path, text)
    return Said(text=f"Wrote {len(cib.objects)} objects into {path}.", data={"path": path, "objects": len(cib.objects)})


def _shadows(session: Session) -> Shadows:
    if session.shadows is None:
        raise Refused("There is no place for shadows: neither XDG_STATE_HOME nor HOME is set.")
    return session.shadows


def _meant(session: Session, name: str) -> tuple[str, Kept]:
    """The shadow that is named, or the one that is worked on."""
    wanted = name or session.shadow
    if not wanted:
        raise Usage("Name a shadow: cib list shows them. None is worked on.")
    shadows = _shadows(session)
    kept = shadows.find(wanted)
    if kept is None:
        raise Refused(f"There is no shadow '{wanted}'. {did_you_mean(wanted, shadows.names())}".strip())
    return wanted, kept


def _make(session: Session, name: str, kept: Kept) -> None:
    shadows = _shadows(session)
    if shadows.find(name) is not None and not session.options.force:
        raise Refused(f"There is a shadow '{name}' already: cib use {name}, or --force to replace it.")
    if session.is_dirty:
        raise Refused("The draft has uncommitted changes: commit them, or discard them with refresh.")
    shadows.put(name, kept)


def _configuration(path: str) -> Cib:
    text = read_file(path)
    if text.lstrip().startswith("<"):
        return from_xml(text, path)
    cib, found = read_cib(text)
    if wrong := errors(found):
        raise Refused("\n".join(f"{path}:{one.line}: {render(one, text)}" for one in wrong))
    return cib


def _foreseen(session: Session, name: str, kept: Kept) -> Planned:
    live = session.live.cib
    diff = unified(*shown_pair(session, live, kept.cib), "cluster", name)
    foresight = import_module("hashell.commands.foresight")
    planned: Planned = foresight.foresee(replace(session.view(), cib=kept.cib), diff)
    return planned


def _moment(at_ms: int) -> str:
    """Local wall-clock time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000)) if at_ms else ""
