"""Secrets at the edge: references in what an agent is told become the secrets, when the agent is executed.

Nothing behind this point knows them: orders, results, the log and the journal have the references.
"""

from __future__ import annotations

import errno
import os
import stat

from hashelld.core.effects import RunAgent
from hashelld.model.secret import SECRET_BYTES_MAX, SecretRefused, Told, flaw, path_of, referred, secret_in, told


class Secrets:
    """The files of one directory, each with one secret. They are read anew for every agent."""

    __slots__ = ("_directory",)

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def resolve(self, effect: RunAgent) -> Told:
        """What the agent is really told; `SecretRefused` says which secret cannot be used, and why."""
        if any(referred(word) is not None for word in effect.argv[1:]):
            raise SecretRefused("a secret cannot be told on a command line: everybody could read it")
        return told(effect.environment, effect.stdin, lambda name: self._read(path_of(self._directory, name)))

    def _read(self, path: str) -> str:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as failure:
            raise SecretRefused(f"secret {path}: {os.strerror(failure.errno or errno.EIO)}") from None
        try:
            found = os.fstat(handle)
            content = os.read(handle, SECRET_BYTES_MAX + 1) if stat.S_ISREG(found.st_mode) else b""
        finally:
            os.close(handle)
        wrong = flaw(found.st_mode, found.st_uid, found.st_size, os.geteuid())
        return secret_in(f"secret {path}", content, wrong)
