"""How a command changes the draft; outside `configure` the result is checked at once, for it is committed next."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from hashell.commands.changes import UNCHANGED, carry_out
from hashell.outcomes import Said
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, apply


if TYPE_CHECKING:
    from hashell.commands.checking import Checked, Origin


CONFIGURE = "configure"


def change_draft(session: Session, edits: tuple[Edit, ...], told: str, *, origin: Origin | None = None) -> Said:
    """Make the edits in the draft."""
    if not edits:
        return Said(text=UNCHANGED, data={"changed": False})
    session.edit(edits)
    return _told(session, told, origin)


def set_at_once(session: Session, edits: tuple[Edit, ...], told: str) -> Said:
    """Check and commit edits of the applied configuration, whatever the draft is."""
    before = session.applied().cib
    warnings = _checked(session, before, apply(before, edits)).settle(is_forced=session.options.force)
    said = carry_out(session, edits, told)
    return Said(text=said.text, data=said.data, warnings=(*warnings, *said.warnings))


def replace_draft(session: Session, cib: Cib, told: str, *, origin: Origin | None = None) -> Said:
    """Make a document the draft. Nobody saw its lines one by one: what a commit would object to is told at once."""
    before = session.draft.cib
    if cib == before:
        return Said(text=UNCHANGED, data={"changed": False})
    session.replace_draft(cib)
    if session.level != CONFIGURE:
        return _told(session, told, origin)
    where = {} if origin is None else {"origin": origin}
    return Said(text=told, data={"changed": True}, warnings=_checked(session, before, cib).foretold(**where))


def _told(session: Session, told: str, origin: Origin | None) -> Said:
    if session.level == CONFIGURE:
        return Said(text=told, data={"changed": True})
    checked = _checked(session, session.draft.original, session.draft.cib)
    where = {} if origin is None else {"origin": origin}
    return Said(text=told, data={"changed": True}, warnings=checked.settle(is_forced=session.options.force, **where))


def _checked(session: Session, before: Cib, after: Cib) -> Checked:
    """The checks are imported for those who change something."""
    checked: Checked = import_module("hashell.commands.checking").check_change(session, before, after)
    return checked
