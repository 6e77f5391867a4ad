"""The commands of the level `configure`: look at the draft, check it, see what it would do, commit it."""

from __future__ import annotations

import fnmatch
from importlib import import_module
from typing import Annotated

from hashell.commands import editing, statements, transfer
from hashell.commands.checking import Origin, check_all, check_change, refuse
from hashell.commands.drafting import CONFIGURE
from hashell.errors import Refused
from hashell.grammar.kinds import Flag, Kind, object_candidates
from hashell.grammar.mistake import did_you_mean
from hashell.grammar.registry import command
from hashell.grammar.scope import Scope
from hashell.outcomes import Candidate, Listing, Outcome, Said
from hashell.session import Session
from hashelld.cib.diff import unified
from hashelld.cib.document import Cib, Object, Properties
from hashelld.cib.lang.format import format_cib
from hashelld.cib.references import referrers
from hashelld.cib.xml.write import XmlImpossible, write_xml


__all__ = ["editing", "statements", "transfer"]

_TYPES = ("node", "primitive", "group", "clone", "rsc_template", "location", "colocation", "order")
_TYPES_OF_SETS = ("property", "rsc_defaults", "op_defaults")
_CLASS_NAMES = {"rsc_template": "template"}


def _selectors(scope: Scope, before: tuple[str, ...]) -> list[Candidate]:
    words = [Candidate("changed", "what the draft changes"), Candidate("xml", "as Pacemaker's XML")]
    types = [Candidate(f"type:{name}", f"every {name}") for name in (*_TYPES, *_TYPES_OF_SETS)]
    return [*words, *types, *object_candidates(scope, before)]


PictureFile = Annotated[str, Kind(name="file", help="FILE.svg, FILE.dot or FILE.txt; - is the screen", is_path=True)]
Selector = Annotated[str, Kind(name="selection", help="an id, type:TYPE, related:ID or changed", offer=_selectors)]


@command(
    CONFIGURE,
    "show",
    examples=("configure show", "configure show web vip", "configure show type:location", "configure show xml"),
)
def configure_show(session: Session, *selection: Selector) -> Outcome:
    """Print the configuration, or a selection of it, in the configure language or (xml) as CIB XML.

    A selection is an id, a pattern such as web*, type:TYPE, related:ID (with whatever names it), or changed.
    """
    cib = session.cib()
    words = [word for word in selection if word != "xml"]
    chosen = _select(session, cib, words) if words else None
    if "xml" in selection:
        return Listing(text=_xml(cib if chosen is None else _part(cib, chosen)), language="xml")
    return Listing(text=format_cib(cib, chosen), language="crm")


@command(CONFIGURE, "diff", examples=("configure diff",))
def configure_diff(session: Session) -> Outcome:
    """Print what the draft changes, as a diff."""
    draft = session.draft
    text = unified(draft.original, draft.cib, "applied", "draft")
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
    draft = session.draft
    foresight = import_module("hashell.commands.foresight")
    planned: Outcome = foresight.foresee(session.view(), unified(draft.original, draft.cib, "applied", "draft"))
    return planned


@command(
    CONFIGURE, "graph", examples=("configure graph", "configure graph cluster.svg", "configure graph cluster.dot")
)
def configure_graph(session: Session, file: PictureFile | None = None) -> Outcome:
    """Show who is with whom, who waits for whom, and who prefers which node: as text, or drawn in a file.

    The file's ending says how: .svg (made by graphviz), .dot (for graphviz) or .txt.
    """
    drawing = import_module("hashell.commands.configuration_graph").configuration_graph(session.cib())
    text = import_module("hashell.commands.picturing").draw(drawing, file or "-")
    return Listing(text=text, language="text") if text else Said(text=f"Wrote {file}.", data={"file": file})


@command(CONFIGURE, "commit", examples=("configure commit", "configure commit --dry-run", "configure commit --wait"))
def configure_commit(session: Session, *, dry_run: Flag = False) -> Outcome:
    """Make the draft the cluster's configuration.

    It is checked first; what agents object to passes with --force, errors never do. With --dry-run nothing is changed:
    it is checked, and what the cluster would do is shown.
    """
    draft = session.draft
    if not draft.is_dirty:
        return Said(text="Nothing to commit: the draft changes nothing.", data={"changed": False})
    warnings = check_change(session, draft.original, draft.cib).settle(is_forced=session.options.force)
    if dry_run:
        return configure_preview(session)
    settled = session.commit_draft()
    more = (settled.warning,) if settled.warning else ()
    return Said(
        text=f"Committed as version {settled.version}.",
        data={"changed": True, "version": str(settled.version)},
        warnings=(*warnings, *more),
    )


def _part(cib: Cib, chosen: frozenset[str]) -> Cib:
    return Cib(tuple(o for o in cib.objects if o.id in chosen))


def _xml(cib: Cib) -> str:
    try:
        return write_xml(cib)
    except XmlImpossible as impossible:
        raise Refused(f"{impossible}") from None


def _select(session: Session, cib: Cib, words: list[str]) -> frozenset[str]:
    chosen: set[str] = set()
    for word in words:
        chosen |= _one_selection(session, cib, word)
    return frozenset(chosen)


def _one_selection(session: Session, cib: Cib, word: str) -> set[str]:
    ids = [o.id for o in cib.objects]
    if word == "changed":
        before = {o.id: o for o in session.draft.original.objects}
        return {o.id for o in cib.objects if before.get(o.id) != o}
    kind, colon, name = word.partition(":")
    if colon and kind == "type":
        if name not in (*_TYPES, *_TYPES_OF_SETS):
            hint = did_you_mean(name, (*_TYPES, *_TYPES_OF_SETS))
            raise Refused(f"There is no type '{name}'. {hint}".strip())
        return {o.id for o in cib.objects if _type_of(o) == name}
    if colon and kind == "related" and name in ids:
        return {name, *(o.id for o in referrers(cib, name))}
    if any(sign in word for sign in "*?["):
        return {one for one in ids if fnmatch.fnmatchcase(one, word)}
    if word not in ids:
        raise Refused(f"There is no object '{word}' in this configuration. {did_you_mean(word, ids)}".strip())
    return {word}


def _type_of(found: Object) -> str:
    if isinstance(found, Properties):
        return found.kind
    name = type(found).__name__.lower()
    return next((ours for ours, theirs in _CLASS_NAMES.items() if theirs == name), name)
