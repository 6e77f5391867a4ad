"""The commands of the level `configure`: look at the draft, check it, see what it would do, commit it."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Annotated

from hashell.commands import agentwork, declaring, editing, statements, transfer
from hashell.commands.checking import Origin, check_all, check_change, refuse
from hashell.commands.drafting import CONFIGURE
from hashell.commands.secrets import shown, shown_pair
from hashell.commands.selection import TYPES, Selector, part, patterns_in, selected, type_of
from hashell.commands.transfer import as_xml
from hashell.grammar.kinds import DryRun, Kind, ShowSecrets, flag
from hashell.grammar.registry import command
from hashell.grammar.secrecy import obscured
from hashell.outcomes import Change, Listing, Outcome, Planned, Said
from hashell.session import Session
from hashelld.cib.diff import unified
from hashelld.cib.document import Cib
from hashelld.cib.lang.format import format_cib


__all__ = ["agentwork", "declaring", "editing", "statements", "transfer"]

AllIds = Annotated[bool, flag("print also the ids of parts that nothing refers to")]
PictureFile = Annotated[str, Kind(name="file", help="FILE.svg, FILE.dot or FILE.txt; - is the screen", is_path=True)]


@command(
    CONFIGURE,
    "show",
    examples=(
        "configure show",
        "configure show web vip",
        "configure show type:location",
        "configure show xml",
        "configure show --show-secrets",
        "configure show obscure:passw* obscure:*key",
        "configure show --ids web",
    ),
)
def configure_show(
    session: Session, *selection: Selector, show_secrets: ShowSecrets = False, ids: AllIds = False
) -> Outcome:
    """Print the configuration, or a selection of it, in the configure language or (xml) as CIB XML.

    A selection is an id, a pattern such as web*, type:TYPE, tag:TAG (what the tag names), related:ID (what it names,
    and what names it), or changed. At a terminal, passwords and the like are stars; obscure:PATTERN makes stars of all
    values with such a name, wherever it is printed. Chosen ids of sets and rules are printed where something refers to
    them; with --ids all of them are, as they are in what is saved.
    """
    words, patterns = patterns_in(selection)
    chosen = selected(session, words)
    cib = obscured(shown(session, session.cib(), is_asked_for=show_secrets), patterns)
    if "xml" in selection:
        return Listing(text=as_xml(part(cib, chosen)), language="xml")
    if os.environ.get("HASHELL_SORT") == "on":
        cib = Cib(tuple(sorted(cib.objects, key=lambda found: (TYPES.index(type_of(found)), found.id))))
    return Listing(text=format_cib(cib, chosen, is_brief=not ids), language="crm")


@command(CONFIGURE, "diff", examples=("configure diff",))
def configure_diff(session: Session, *, show_secrets: ShowSecrets = False) -> Outcome:
    """Print what the draft changes, as a diff."""
    text = _difference(session, is_asked_for=show_secrets)
    return Listing(text=text, language="diff") if text else Said(text="The draft changes nothing.")


@command(CONFIGURE, "verify", examples=("configure verify",))
def configure_verify(session: Session) -> Outcome:
    """Check the whole configuration: references, options, times, and what the agents object to."""
    cib = session.cib()
    checked = check_all(session, cib)
    origin = Origin(format_cib(cib))
    refuse((*checked.errors, *checked.objections), origin)
    warnings = checked.settle(is_forced=True, origin=origin)
    count = len(cib.objects)
    found = f"{len(warnings)} warnings" if len(warnings) != 1 else "1 warning"
    return Said(
        text=f"{count} objects, no errors, {found if warnings else 'no warnings'}.",
        data={"objects": count, "warnings": list(warnings)},
        warnings=warnings,
    )


@command(CONFIGURE, "preview", aliases=("simulate", "ptest"), examples=("configure preview",))
def configure_preview(session: Session) -> Outcome:
    """Show what the cluster would do if the draft were committed, and why; nothing is changed."""
    return _foreseen(session)


@command(CONFIGURE, "graph", examples=("configure graph", "configure graph cluster.svg", "configure graph cluster.dot"))
def configure_graph(session: Session, file: PictureFile | None = None) -> Outcome:
    """Show who is with whom, who waits for whom, and who prefers which node: as text, or drawn in a file.

    The file's ending says how: .svg (made by graphviz), .dot (for graphviz) or .txt.
    """
    drawing = import_module("hashell.commands.configuration_graph").configuration_graph(session.cib())
    text = import_module("hashell.commands.picturing").draw(drawing, file or "-")
    return Listing(text=text, language="text") if text else Said(text=f"Wrote {file}.", data={"file": file})


@command(CONFIGURE, "commit", examples=("configure commit", "configure commit --dry-run", "configure commit --wait"))
def configure_commit(session: Session, *, dry_run: DryRun = False) -> Outcome:
    """Make the draft the cluster's configuration.

    It is checked first; what agents object to passes with --force, errors never do. What others committed meanwhile is
    kept; when they changed the same objects, it is refused, and `configure merge` helps. With --dry-run nothing is
    changed: the differences are shown, and what the cluster would do.
    """
    draft = session.draft
    if not draft.is_dirty:
        return Said(text="Nothing to commit: the draft changes nothing.", data={"changed": False})
    warnings = check_change(session, draft.original, draft.cib).settle(is_forced=session.options.force)
    if dry_run:
        return _foreseen(session)
    planned = _foreseen(session) if session.is_interactive else None
    settled = session.commit_draft()
    more = (settled.warning,) if settled.warning else ()
    does = [] if planned is None else [_sentence(change) for change in planned.changes]
    told = f" The cluster now does: {'; '.join(does)}." if does else ""
    return Said(
        text=f"Committed as version {settled.version}.{told}",
        data={"changed": True, "version": str(settled.version), **({"actions": does} if does else {})},
        warnings=(*warnings, *more),
    )


def _difference(session: Session, *, is_asked_for: bool = False) -> str:
    draft = session.draft
    return unified(*shown_pair(session, draft.original, draft.cib, is_asked_for=is_asked_for), "applied", "draft")


def _foreseen(session: Session) -> Planned:
    planned: Planned = import_module("hashell.commands.foresight").foresee(session.view(), _difference(session))
    return planned


def _sentence(change: Change) -> str:
    """`move web from node1 to node2`, `start vip on node2`."""
    where = f" on {', '.join(change.nodes)}" if change.nodes else ""
    if change.to is not None:
        where = f" from {', '.join(change.nodes)} to {change.to}"
    return f"{change.verb}{' ' if change.resource else ''}{change.resource}{where}"
