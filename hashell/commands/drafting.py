"""How a command changes the draft; outside `configure` the result is checked at once, for it is committed next."""

from __future__ import annotations

from hashell.commands.checking import check_change
from hashell.outcomes import Said
from hashell.session import Session
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit


CONFIGURE = "configure"


def change_draft(session: Session, edits: tuple[Edit, ...], told: str, *, warnings: tuple[str, ...] = ()) -> Said:
    """Make the edits in the draft."""
    if not edits:
        return Said(text="Nothing to change: it is so already.", data={"changed": False}, warnings=warnings)
    session.edit(edits)
    return _told(session, told, warnings)


def replace_draft(session: Session, cib: Cib, told: str, *, warnings: tuple[str, ...] = ()) -> Said:
    """Make a document the draft."""
    if cib == session.draft.cib:
        return Said(text="Nothing to change: it is so already.", data={"changed": False}, warnings=warnings)
    session.replace_draft(cib)
    return _told(session, told, warnings)


def _told(session: Session, told: str, warnings: tuple[str, ...]) -> Said:
    if session.level == CONFIGURE:
        return Said(text=told, data={"changed": True}, warnings=warnings)
    checked = check_change(session, session.draft.original, session.draft.cib)
    more = checked.settle(is_forced=session.options.force)
    return Said(text=told, data={"changed": True}, warnings=(*warnings, *more))
