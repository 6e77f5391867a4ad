"""How a command changes the draft; outside `configure` the result is checked at once, for it is committed next."""

from __future__ import annotations

from hashell.commands.changes import UNCHANGED, carry_out
from hashell.commands.checking import TYPED, Origin, check_change
from hashell.outcomes import Said
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, apply


CONFIGURE = "configure"


def change_draft(session: Session, edits: tuple[Edit, ...], told: str, *, origin: Origin = TYPED) -> Said:
    """Make the edits in the draft."""
    if not edits:
        return Said(text=UNCHANGED, data={"changed": False})
    session.edit(edits)
    return _told(session, told, origin)


def set_at_once(session: Session, edits: tuple[Edit, ...], told: str) -> Said:
    """Check and commit edits of the applied configuration, whatever the draft is."""
    before = session.applied().cib
    warnings = check_change(session, before, apply(before, edits)).settle(is_forced=session.options.force)
    said = carry_out(session, edits, told)
    return Said(text=said.text, data=said.data, warnings=(*warnings, *said.warnings))


def replace_draft(session: Session, cib: Cib, told: str, *, origin: Origin = TYPED) -> Said:
    """Make a document the draft."""
    if cib == session.draft.cib:
        return Said(text=UNCHANGED, data={"changed": False})
    session.replace_draft(cib)
    return _told(session, told, origin)


def _told(session: Session, told: str, origin: Origin) -> Said:
    if session.level == CONFIGURE:
        return Said(text=told, data={"changed": True})
    checked = check_change(session, session.draft.original, session.draft.cib)
    warnings = checked.settle(is_forced=session.options.force, origin=origin)
    return Said(text=told, data={"changed": True}, warnings=warnings)
