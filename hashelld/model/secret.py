"""References to secrets: `password=secret:NAME` stands for what a file of every node says. Pure.

The configuration, the history and the log contain the reference alone; who runs the agent reads the file.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from typing import Final

import msgspec


SECRETS_DIR: Final = "/etc/hashell/secrets"
SECRET_BYTES_MAX: Final = 4_096
STARS: Final = "******"
HIDDEN_LENGTH_MIN: Final = 4
"""What is shorter is not looked for in an agent's output: it would be found everywhere."""
_PREFIX: Final = "secret:"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")


class SecretRefused(Exception):
    """The secret cannot be used; the text says which, and why, and never what it is."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent is told, with its secrets, and these themselves: its output must not repeat them."""

    environment: dict[str, str]
    stdin: str
    secrets: tuple[str, ...] = ()

    def without_secrets(self, text: str) -> str:
        """An output with stars for the secrets."""
        for secret in self.secrets:
            if len(secret) >= HIDDEN_LENGTH_MIN:
                text = text.replace(secret, STARS)
        return text


def told(environment: Mapping[str, str], stdin: str, read: Callable[[str], str]) -> Told:
    """Put secrets, as `read` gives them by their names, in the place of references: variables, lines NAME=VALUE."""
    found: dict[str, str] = {}

    def value_of(value: str) -> str:
        name = referred(value)
        if name is None:
            return value
        if name not in found:
            found[name] = read(name)
        return found[name]

    def line_of(line: str) -> str:
        name, equals, value = line.partition("=")
        return f"{name}={value_of(value)}" if equals else line

    variables = {name: value_of(value) for name, value in environment.items()}
    lines = "\n".join(map(line_of, stdin.split("\n")))
    return Told(environment=variables, stdin=lines, secrets=tuple(found.values()))


def referred(value: str) -> str | None:
    """The name of the secret that a value refers to; None for a value that means itself."""
    return value.removeprefix(_PREFIX) if value.startswith(_PREFIX) else None


def path_of(directory: str, name: str) -> str:
    """The file of a secret; `SecretRefused` for what is no name."""
    if _NAME.match(name) is None:
        raise SecretRefused(f"'secret:{name}' names no secret: letters, digits, '_', '-' and '.', 64 at most")
    return f"{directory}/{name}"


def secret_in(path: str, content: bytes, wrong: str) -> str:
    """The secret that a file has in which a `flaw` was found, or none; `SecretRefused` names the path, and why."""
    if wrong:
        raise SecretRefused(f"{path}: {wrong}")
    try:
        return value_in(content)
    except SecretRefused as refusal:
        raise SecretRefused(f"{path}: {refusal}") from None


def flaw(mode: int, owner: int, size: int, user: int) -> str:
    """What is wrong with the file of a secret that `user` reads; empty when nothing is."""
    if not stat.S_ISREG(mode):
        return "it is no file"
    if owner not in (0, user):
        return "it must belong to root or to the daemon's user"
    if mode & 0o077:
        return f"others may read or change it: its mode is {mode & 0o777:04o}, chmod 0600 it"
    if size > SECRET_BYTES_MAX:
        return f"it has more than {SECRET_BYTES_MAX} bytes"
    return ""


def value_in(content: bytes) -> str:
    """The secret in a file's content: one line, without its end; `SecretRefused` for anything else."""
    try:
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretRefused("it is not UTF-8") from None
    if not text or any(one in text for one in "\n\r\0"):
        raise SecretRefused("it must be one line that is not empty")
    return text
