"""`configure load` and `save`: the configuration from files and to files, in the configure language or as XML."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from hashell.commands.checking import TYPED, Origin, refuse, resolver
from hashell.commands.drafting import CONFIGURE, replace_draft
from hashell.errors import Refused
from hashell.grammar.kinds import Path, choice
from hashell.grammar.registry import command
from hashell.outcomes import Listing, Outcome, Said
from hashell.session import Session
from hashelld.cib.document import Cib
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
    update, and what the file does not contain is deleted. Any error refuses all of it.
    """
    text = _read(path)
    name = "standard input" if path == "-" else path
    before = session.draft.cib
    if text.lstrip().startswith("<"):
        origin = TYPED
        made = _from_xml(text, name)
        after = apply(before, tuple(Put(found) for found in made.objects)) if way == "update" else made
    else:
        statements, found = parse_text(text)
        origin = Origin(text, tuple(statements), name)
        base, mode = (before, Mode.UPDATE) if way == "update" else (Cib(), Mode.CREATE)
        edits, more = lower(statements, base, mode, resolver(session))
        refuse(sorted((*found, *more), key=lambda d: (d.line, d.column)), origin)
        after = apply(base, edits)
    if way == "push":
        after = _pushed(before, after)
    return replace_draft(session, after, f"Loaded {name}: {len(after.objects)} objects.", origin=origin)


@command(CONFIGURE, "save", examples=("configure save all.crm", "configure save cib.xml", "configure save -"))
def configure_save(session: Session, path: Path) -> Outcome:
    """Write the configuration into a file, as XML if its name ends in .xml; - is standard output."""
    cib = session.cib()
    is_xml = path.endswith(".xml")
    try:
        text = write_xml(cib) if is_xml else format_cib(cib)
    except XmlImpossible as impossible:
        raise Refused(f"{impossible}") from None
    if path == "-":
        return Listing(text=text, language="crm")
    _write(path, text)
    return Said(text=f"Wrote {len(cib.objects)} objects into {path}.", data={"path": path, "objects": len(cib.objects)})


def _from_xml(text: str, name: str) -> Cib:
    try:
        return read_xml(text)
    except XmlRefused as refused:
        raise Refused(f"{name}: {refused}") from None


def _pushed(before: Cib, made: Cib) -> Cib:
    """The file's objects, those that existed where they stood."""
    new = {o.id: o for o in made.objects}
    kept = [new.pop(o.id) for o in before.objects if o.id in new]
    return Cib((*kept, *new.values()))


def _read(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.read(SIZE_MAX)
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
            return file.read(SIZE_MAX)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: byte {error.start} is not UTF-8") from None


def _write(path: str, text: str) -> None:
    """All of it or nothing: a file of another name takes the place of the old one."""
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "x", encoding="utf-8") as file:  # noqa: PTH123 - as above
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)  # noqa: PTH105 - as above
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None
