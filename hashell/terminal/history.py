"""The history of typed lines: a file that only its owner reads, without lines that look like secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path

from prompt_toolkit.history import FileHistory, History, InMemoryHistory


_SECRET = re.compile(r"passw|secret|token|key=", re.IGNORECASE)


def is_secret(line: str) -> bool:
    """Does a line look as if it had a secret in it?"""
    return _SECRET.search(line) is not None


class DiscreetHistory(FileHistory):
    """A file history that keeps secrets in memory only."""

    def store_string(self, string: str) -> None:
        """Append a line to the file, unless it has a secret."""
        if not is_secret(string):
            super().store_string(string)


def open_history(path: Path | None) -> History:
    """The history file, made with mode 0600; in memory only where it cannot be written."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    except OSError:
        return InMemoryHistory()
    return DiscreetHistory(str(path))
