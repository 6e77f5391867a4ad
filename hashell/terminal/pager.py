"""Showing an outcome at a terminal: what is longer than the screen goes through the user's pager."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TextIO

from hashell.outcomes import Outcome, Said
from hashell.views.render import show, theme_of, written


def show_paged(outcome: Outcome, stream: TextIO, *, as_json: bool, pager: str) -> None:
    """Write an outcome; through the pager (a command, empty: none) when it does not fit on the screen."""
    if pager and not isinstance(outcome, Said):
        text = written(outcome, theme_of(stream, is_tty=True), as_json=as_json)
        if _is_long(text) and _page(text, pager):
            return
    show(outcome, stream, as_json=as_json, is_tty=True)


def _is_long(text: str) -> bool:
    try:
        return text.count("\n") >= os.get_terminal_size(sys.stdout.fileno()).lines
    except OSError:
        return False


def _page(text: str, pager: str) -> bool:
    """Let the pager show a text; False when it cannot be started."""
    read, write = os.pipe()
    try:
        words = shlex.split(pager)
        actions = ((os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_CLOSE, write))
        child = os.posix_spawnp(words[0], words, os.environ, file_actions=actions)
    except (OSError, ValueError, IndexError):
        os.close(write)
        return False
    finally:
        os.close(read)
    try:
        with os.fdopen(write, "w", encoding="utf-8", errors="replace") as pipe:
            pipe.write(text)
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # The reader has seen enough.
    _wait(child)
    return True


def _wait(child: int) -> None:
    while True:
        try:
            os.waitpid(child, 0)
        except KeyboardInterrupt:
            continue  # Ctrl-C is the pager's while it is on the screen.
        else:
            return
