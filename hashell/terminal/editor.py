"""A round trip through the user's editor: what is refused comes back with the reasons as comments, nothing is lost."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hashell.errors import HashellError, Refused


MARK = "#! "
"""Begins the lines with reasons; they are taken out again when the text is read."""
OPEN_AT_A_LINE: Final = frozenset(
    {
        "vi",
        "vim",
        "nvim",
        "view",
        "nano",
        "pico",
        "emacs",
        "emacsclient",
        "joe",
        "jed",
        "mcedit",
        "micro",
        "kak",
        "mg",
        "ne",
    }
)
"""Editors that take `+LINE` before the file."""


def edit_text(text: str, accept: Callable[[str], None], *, editor: str, suffix: str = ".crm") -> bool:
    """Let the user edit the text until `accept` takes it; False when it came back unchanged.

    `accept` raises a `HashellError` to refuse; the reasons stand above the line that a `Refused` names, and editors
    that can do so open there. A text that the user gives up on is kept in a file, whose name is told.
    """
    current, refused, line = text, "", 0
    while True:
        commented, shown_at = _commented(current, refused, line)
        try:
            edited = _strip(_round_trip(commented, shown_at, editor, suffix))
        except Refused as failed:
            if not refused:
                raise
            raise _given_up(str(failed), current, suffix) from failed
        if edited.strip() == text.strip():
            return False
        if refused and edited == current:
            raise _given_up(f"The text is as it was refused: {refused}\nNothing was changed.", edited, suffix)
        try:
            accept(edited)
        except HashellError as error:
            current, refused, line = edited, str(error), getattr(error, "line", 0)
            continue
        return True


def _commented(text: str, refused: str, line: int) -> tuple[str, int]:
    """The text with the reasons above a line (0: the first), and the number that this line then has; 0: no reasons."""
    if not refused:
        return text, 0
    reasons = [
        f"{MARK}{one}\n" for one in (*refused.splitlines(), "Mend it and save, or leave it as it is to give up.")
    ]
    lines = text.splitlines(keepends=True)
    above = min(max(line - 1, 0), len(lines))
    return "".join((*lines[:above], *reasons, *lines[above:])), above + len(reasons) + 1


def _given_up(reason: str, text: str, suffix: str) -> Refused:
    return Refused(f"{reason} Your text is in {_keep(text.encode(), suffix)}.")


def _strip(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(MARK))


def _command(editor: str, line: int, name: str) -> list[str]:
    """The editor's words, with the line to open at for editors that are known to understand it."""
    words = shlex.split(editor)
    knows_lines = bool(words) and words[0].rpartition("/")[2] in OPEN_AT_A_LINE
    return [*words, *([f"+{line}"] if line and knows_lines else []), name]


def _round_trip(text: str, line: int, editor: str, suffix: str) -> str:
    descriptor, name = tempfile.mkstemp(prefix="hashell-", suffix=suffix)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(text)
        try:
            command = _command(editor, line, name)
            code = os.waitstatus_to_exitcode(os.waitpid(os.posix_spawnp(command[0], command, os.environ), 0)[1])
        except (OSError, ValueError) as error:
            raise Refused(f"The editor {editor} cannot be started: {error}") from None
        if code:
            raise Refused(f"The editor {editor} ended with status {code}; nothing was changed.")
        saved = path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
    try:
        return saved.decode()
    except UnicodeDecodeError as error:
        kept = _keep(saved, suffix)
        raise Refused(f"Byte {error.start} is not UTF-8. Nothing was changed; your text is in {kept}.") from None


def _keep(text: bytes, suffix: str) -> str:
    descriptor, name = tempfile.mkstemp(prefix="hashell-kept-", suffix=suffix)
    with os.fdopen(descriptor, "wb") as written:
        written.write(text)
    return name
