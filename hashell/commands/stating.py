"""How a statement of the configure language becomes a change of the draft."""

from __future__ import annotations

from msgspec.structs import replace

from hashell.commands.checking import Origin, refuse, resolver, told
from hashell.commands.drafting import CONFIGURE, change_draft
from hashell.commands.secrets import refuse_stars
from hashell.outcomes import Outcome
from hashell.session import Session
from hashelld.cib.containing import following
from hashelld.cib.document import Cib
from hashelld.cib.edit import Edit, Put
from hashelld.cib.lang.lower import Mode, lower
from hashelld.cib.lang.parse import parse_text


def add(session: Session, keyword: str, rest: str) -> Outcome:
    """Put into the draft what a statement says, given by its keyword and the rest of the line."""
    text = f"{keyword} {rest}"
    statements, found = parse_text(text)
    force = session.options.force
    edits, more = lower(statements, session.draft.cib, Mode.CREATE, resolver(session), is_forced=force)
    origin = Origin(text, tuple(statements))
    refuse((*found, *more), origin)
    refuse_stars(Cib(tuple(edit.object for edit in edits if isinstance(edit, Put))))
    name = statements[0].item.id if statements else ""
    what = f"{keyword} {name}" if name != keyword else keyword
    done = f"{what} is in the draft." if session.level == CONFIGURE else f"{what} is configured."
    more_edits = following(session.draft.cib, edits)
    said = change_draft(session, (*edits, *more_edits), done, origin=origin)
    return replace(said, warnings=(*told((*found, *more), origin), *map(_followed, more_edits), *said.warnings))


def _followed(edit: Edit) -> str:
    """What happened to a constraint whose resource came into a container."""
    if isinstance(edit, Put):
        return f"The constraint {edit.object.id} now names the container of the resource that it named."
    return f"The constraint {edit.id} is deleted: what it relates is in one container now."
