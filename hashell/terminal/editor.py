"""A round trip through the user's editor: what is refused comes back with the reasons as comments, nothing is lost."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path

from hashell.errors import HashellError, Refused


MARK = "#! "
"""Begins the lines with reasons; they are taken out again when the text is read."""


def edit_text(text: str, accept: Callable[[str], None], *, editor: str, suffix: str = ".crm") -> bool:
    """Let the user edit the text until `accept` takes it; False when it came back unchanged.

    `accept` raises a `HashellError` to refuse. A text that the user gives up on is kept in a file, whose name is told.
    """
    current, refused = text, ""
    while True:
        edited = _strip(_round_trip(_commented(refused) + current, editor, suffix))
        if edited.strip() == text.strip():
            return False
        if refused and edited == current:
            kept = _keep(edited, suffix)
            raise Refused(f"The text is as it was refused: {refused}\nNothing was changed; your text is in {kept}.")
        try:
            accept(edited)
        except HashellError as error:
            current, refused = edited, str(error)
            continue
        return True


def _commented(refused: str) -> str:
    if not refused:
        return ""
    reasons = "".join(f"{MARK}{line}\n" for line in refused.splitlines())
    return f"{reasons}{MARK}Mend it and save, or leave it as it is to give up.\n"


def _strip(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(MARK))


def _round_trip(text: str, editor: str, suffix: str) -> str:
    descriptor, name = tempfile.mkstemp(prefix="hashell-", suffix=suffix)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(text)
        try:
            command = [*shlex.split(editor), name]
            code = os.waitstatus_to_exitcode(os.waitpid(os.posix_spawnp(command[0], command, os.environ), 0)[1])
        except (OSError, ValueError) as error:
            raise Refused(f"The editor {editor} cannot be started: {error}") from None
        if code:
            raise Refused(f"The editor {editor} ended with status {code}; nothing was changed.")
        return path.read_text(encoding="utf-8")
    finally:
        path.unlink(missing_ok=True)


def _keep(text: str, suffix: str) -> str:
    descriptor, name = tempfile.mkstemp(prefix="hashell-kept-", suffix=suffix)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        written.write(text)
    return name
