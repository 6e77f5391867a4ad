"""The commands that follow the cluster: a full screen, and a line for everything that happens."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module

from hashell.errors import Usage
from hashell.grammar.kinds import Flag, Integer
from hashell.grammar.registry import command
from hashell.outcomes import Outcome, Said, Table
from hashell.session import Session
from hashell.settings import read
from hashelld.wire.client import GetHistory, HistoryIs


@command("mon", examples=("mon",))
def mon(session: Session) -> Outcome:
    """Show the cluster on a full screen that follows it, with keys to act.

    The arrow keys choose a node or a resource; s puts a node in standby (or ends it), m moves a resource, c cleans it
    up, w tells why it is where it is, n shows it by node, q leaves. What changes anything asks first, and tells before
    what would happen. On a terminal that cannot move its cursor, the status is printed anew whenever it changes.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage("mon needs a terminal; see status --watch and events --follow")
    settings = read(os.environ)
    if settings.is_plain:
        import_module("hashell.terminal.monitor").watch(session, "status", is_plain=True)
    else:
        import_module("hashell.terminal.mon").monitor(session, settings)
    return Said(text="")


@command("events", examples=("events", "events --limit 5", "events --follow", "events --follow --json"))
def events(session: Session, *, follow: Flag = False, limit: Integer = 20) -> Outcome:
    """Show what happened last: commits, and who may vote or left; newest last.

    With --follow, whatever happens from now on is told in a line each, until Ctrl-C: also quorum, nodes, resources,
    failures and actions. With --json, each line is an object.
    """
    happenings = import_module("hashell.views.happenings")
    if follow:
        import_module("hashell.terminal.follow").follow(session, sys.stdout, as_json=session.options.json)
        return Said(text="")
    if limit < 1:
        raise Usage("--limit needs a number of at least 1")
    found = happenings.logged(session.expect(GetHistory(limit), HistoryIs).entries)
    rows = tuple((_moment(one.at_ms), one.what, one.about, one.text) for one in found)
    return Table(columns=("when", "what", "about", "event"), rows=rows, note="" if rows else "No entries.")


def _moment(at_ms: int) -> str:
    """Local wall-clock time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000)) if at_ms else ""
