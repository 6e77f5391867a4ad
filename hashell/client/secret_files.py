"""The files of secrets on this machine: for agents that are run by hand, and for whoever asks if they are right."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from typing import Final

from hashelld.model.secret import SECRET_BYTES_MAX, SECRETS_DIR, SecretRefused, flaw, path_of, secret_in, value_in


CONFIG: Final = "/etc/hashell/hashelld.toml"


def secrets_dir(config: str = CONFIG) -> str:
    """Where hashelld of this machine looks for secrets, as its file says."""
    try:
        with open(config, "rb") as file:  # noqa: PTH123 - pathlib would cost start-up time
            found = tomllib.load(file).get("agents", {}).get("secrets", SECRETS_DIR)
    except (OSError, ValueError, AttributeError):
        return SECRETS_DIR
    return os.path.normpath(os.path.join(os.path.dirname(config), str(found)))  # noqa: PTH118, PTH120 - as above


def secret_flaw(name: str, directory: str | None = None) -> str:
    """Why the file of a secret cannot be used here; empty when it can, or when this user may not see it."""
    try:
        read_secret(name, directory)
    except PermissionError:
        return ""
    except SecretRefused as refusal:
        return str(refusal)
    return ""


def keep_secret(name: str, value: str, directory: str | None = None) -> tuple[str, str]:
    """Write a secret, in place of one before: its path, or (second) why that was not possible."""
    folder = secrets_dir() if directory is None else directory
    try:
        path = path_of(folder, name)
        value_in(value.encode())
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - as above
        written = f"{path}.{os.getpid()}"
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - a handle has no path
            file.write(f"{value}\n")
            file.flush()
            os.fsync(handle)
        os.replace(written, path)  # noqa: PTH105 - as above
    except SecretRefused as refusal:
        return "", str(refusal)
    except OSError as failure:
        return "", f"{failure.filename}: {failure.strerror}"
    return path, ""


def read_secret(name: str, directory: str | None = None) -> str:
    """A secret; `SecretRefused` (or `PermissionError`) where it cannot be used."""
    path = path_of(secrets_dir() if directory is None else directory, name)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        raise
    except OSError as failure:
        raise SecretRefused(f"{path}: {os.strerror(failure.errno or errno.EIO)}") from None
    try:
        found = os.fstat(handle)
        content = os.read(handle, SECRET_BYTES_MAX + 1) if stat.S_ISREG(found.st_mode) else b""
    finally:
        os.close(handle)
    return secret_in(path, content, flaw(found.st_mode, found.st_uid, found.st_size, os.geteuid()))
