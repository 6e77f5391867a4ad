"""Pacemaker's commands for agents as programs of this node: small shell scripts that lead to this daemon."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from hashelld.agents import shims
from hashelld.agents.shims.words import VERSION


_SOURCES: Final = Path(shims.__file__).parent
_ROOT: Final = _SOURCES.parents[2]
_LOGGER: Final = """while getopts t:D: option; do
	:
done
shift $((OPTIND - 1))
echo "$*" >&2
"""


def write_shims(folder: Path, socket: str) -> None:
    """Write the programs into a folder, which is nobody else's; OSError when that cannot be done.

    They name this interpreter and this daemon's socket, and need nothing of the environment. The folder must not be
    on a file system from which nothing is executed, as /run is on many machines.
    """
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in shims.NAMES:
        path = folder / name
        text = f"#!/bin/sh\n# Written by hashelld at its start.\n\n{_body(name, socket)}".encode()
        if path.is_symlink() or not path.is_file() or path.read_bytes() != text:
            path.unlink(missing_ok=True)
            path.write_bytes(text)
        path.chmod(0o755)


def _body(name: str, socket: str) -> str:
    python, where = shlex.quote(sys.executable), shlex.quote(socket)
    if name in shims.ASKED:
        return f'exec {python} -I -S {shlex.quote(str(_SOURCES / "ask"))} {where} {name} "$@"\n'
    shell = f"PYTHONPATH={shlex.quote(str(_ROOT))} {python} -m hashell --socket {where}"
    if name == "crm_mon":
        told = f"told=$({shell} --json status) || exit 102\n"
        return f'{told}printf \'%s\' "$told" | {python} -I -S {shlex.quote(str(_SOURCES / "show"))} "$@"\n'
    if name == "cibadmin":
        return f'[ "$*" = -Q ] || [ "$*" = --query ] || exit 64\n{shell} configure show xml || exit 102\n'
    return _LOGGER if name == "ha_logger" else f"printf '%s' {shlex.quote(VERSION)}\n"
