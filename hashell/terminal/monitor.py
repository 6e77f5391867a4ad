"""A live screen: the same command again whenever the cluster changes, until Ctrl-C."""

from __future__ import annotations

import io
import sys
from typing import TextIO

from hashell.grammar.run import run_line
from hashell.session import Session
from hashell.views.render import show


HOME_AND_CLEAR = "\x1b[H\x1b[2J"
REFRESH_MS = 2_000


def watch(session: Session, line: str, *, stream: TextIO = sys.stdout, is_plain: bool = False) -> None:
    """Run the line and draw what it comes to, again after every event; returns at Ctrl-C."""
    try:
        _draw(session, line, stream, is_plain=is_plain)
        for _event in session.client.events(REFRESH_MS):
            _draw(session, line, stream, is_plain=is_plain)
    except KeyboardInterrupt:
        stream.write("\n")


def _draw(session: Session, line: str, stream: TextIO, *, is_plain: bool) -> None:
    ran = run_line(session, line)
    if ran.outcome is None:
        return
    # Drawn as a whole, so that a slow terminal never shows half a screen.
    screen = io.StringIO()
    show(ran.outcome, screen, as_json=ran.as_json, is_tty=stream.isatty() and not is_plain)
    stream.write(("" if is_plain or not stream.isatty() else HOME_AND_CLEAR) + screen.getvalue())
    stream.flush()
