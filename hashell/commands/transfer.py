"""`configure load` and `save`: the configuration from files and to files, in the configure language or as XML."""

from __future__ import annotations

import os
import stat
import sys
from typing import Annotated

import msgspec

from hashell.commands.changes import with_members
from hashell.commands.checking import Origin, refuse, resolver, told
from hashell.commands.drafting import CONFIGURE, replace_draft
from hashell.commands.secrets import refuse_stars
from hashell.commands.selection import Selector, part, patterns_in, selected
from hashell.errors import Refused
from hashell.grammar.kinds import Path, choice
from hashell.grammar.registry import command
from hashell.grammar.secrecy import obscured
from hashell.outcomes import Listing, Outcome, Said
from hashell.session import Session
from hashelld.cib.document import Cib, key_of
from hashelld.cib.edit import Put, apply
from hashelld.cib.lang.format import format_cib
from hashelld.cib.lang.lower import Mode, lower
from hashelld.cib.lang.parse import parse_text
from hashelld.cib.xml.read import read_xml
from hashelld.cib.xml.tree import XmlRefused
from hashelld.cib.xml.write import XmlImpossible, write_xml


Way = Annotated[
    str,
    choice(
        "replace:the file is the whole configuration",
        "update:objects of the file are added or replaced",
        "push:as update, and what the file lacks is deleted",
    ),
]
SIZE_MAX = 16 * 1024 * 1024


@command(
    CONFIGURE,
    "load",
    examples=("configure load update web.crm", "configure load replace - < all.crm", "configure load replace cib.xml"),
)
def configure_load(session: Session, way: Way, path: Path) -> Outcome:
    """Read a file (- is standard input) in the configure language or as CIB XML.

    replace: it is the whole configuration. update: its objects are added, or replace those of the same id. push: as
    update, and what the file does not contain is deleted, but for the nodes of the cluster: they stay, with nothing set
    for them. Any error refuses all of it.
    """
    loaded = read_text(session, path, is_update=way == "update")
    before = session.draft.cib
    after = pushed(before, loaded.cib) if way == "push" else loaded.cib
    after = after if way == "update" else with_members(session, before, after)
    done = f"Loaded {loaded.origin.name or path}: {len(after.objects)} objects."
    said = replace_draft(session, after, done, origin=loaded.origin)
    return msgspec.structs.replace(said, warnings=(*loaded.warnings, *said.warnings))


class Loaded(msgspec.Struct, frozen=True):
    """A file as a configuration (of an update: the draft with it), the ids that it names, and where it says what."""

    cib: Cib
    named: tuple[str, ...]
    origin: Origin
    warnings: tuple[str, ...] = ()


def read_text(session: Session, path: str, *, is_update: bool) -> Loaded:
    """A file (- is standard input) in the configure language or as CIB XML; any error is `Refused` with its place."""
    text = read_file(path)
    name = "standard input" if path == "-" else path
    before = session.draft.cib
    if text.lstrip().startswith("<"):
        made = from_xml(text, name)
        refuse_stars(made)
        after = apply(before, tuple(Put(found) for found in made.objects)) if is_update else made
        return Loaded(after, tuple(key_of(o) for o in made.objects), Origin("", name=name))
    statements, found = parse_text(text)
    origin = Origin(text, tuple(statements), name)
    base, mode = (before, Mode.UPDATE) if is_update else (Cib(), Mode.CREATE)
    edits, more = lower(statements, base, mode, resolver(session), is_forced=session.options.force)
    refuse(sorted((*found, *more), key=lambda d: (d.line, d.column)), origin)
    after = apply(base, edits)
    refuse_stars(after)
    named = tuple(key_of(o) for one in statements for o in one.objects)
    return Loaded(after, named, origin, told((*found, *more), origin))


@command(
    CONFIGURE,
    "save",
    examples=("configure save all.crm", "configure save cib.xml", "configure save web.crm related:web"),
)
def configure_save(session: Session, path: Path, *selection: Selector) -> Outcome:
    """Write the configuration, or a selection of it, into a file; - is standard output.

    It is written as CIB XML if the file's name ends in .xml or `xml` is among the selection. Secrets are saved as they
    are (obscure:PATTERN makes stars of what has such a name); a new file can be read by its owner alone.
    """
    words, patterns = patterns_in(selection)
    chosen = selected(session, words)
    whole = obscured(session.cib(), patterns)
    cib = part(whole, chosen)
    is_xml = path.endswith(".xml") or "xml" in selection
    text = as_xml(cib) if is_xml else format_cib(whole, chosen)
    if path == "-":
        return Listing(text=text, language="xml" if is_xml else "crm")
    write_text(path, text)
    return Said(text=f"Wrote {len(cib.objects)} objects into {path}.", data={"path": path, "objects": len(cib.objects)})


def as_xml(cib: Cib) -> str:
    """The configuration as Pacemaker's XML; `Refused` where XML has no words for it."""
    try:
        return write_xml(cib)
    except XmlImpossible as impossible:
        raise Refused(f"{impossible}") from None


def from_xml(text: str, name: str) -> Cib:
    """The configuration in a text of Pacemaker's XML; `Refused` tells what is wrong with it."""
    try:
        return read_xml(text)
    except XmlRefused as refused:
        raise Refused(f"{name}: {refused}") from None


def pushed(before: Cib, made: Cib) -> Cib:
    """The file's objects, those that existed where they stood."""
    new = {o.id: o for o in made.objects}
    kept = [new.pop(o.id) for o in before.objects if o.id in new]
    return Cib((*kept, *new.values()))


def read_file(path: str) -> str:
    """The text of a file (- is standard input); what cannot be read is `Refused`."""
    try:
        if path == "-":
            return sys.stdin.read(SIZE_MAX)
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
            return file.read(SIZE_MAX)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: byte {error.start} is not UTF-8") from None


def write_text(path: str, text: str) -> None:
    """All of it or nothing: a file of another name takes the place of the old one."""
    new = f"{path}.{os.getpid()}.part"
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o600  # noqa: PTH116, PTH110 - as above
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)  # noqa: PTH105 - as above
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
