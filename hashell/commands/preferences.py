"""The file of preferences, and the variables that they stand for: read at every start, so it imports little."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

from hashell.errors import Refused


class Preference:
    """One preference: the variable of the environment that has the same effect, its words, and what it is about."""

    __slots__ = ("default", "help", "values", "variable")

    def __init__(self, variable: str, help: str, values: tuple[str, ...] = (), default: str = "") -> None:  # noqa: A002
        self.variable = variable
        self.help = help
        self.values = values
        self.default = default or (values[0] if values else "")

    def written(self, value: str) -> str:
        """The variable's value for one of the file; an empty NO_COLOR means colours."""
        return {"plain": "1", "color": ""}.get(value, value) if self.variable == "NO_COLOR" else value

    def read(self, value: str) -> str:
        """The preference's value for one of the variable."""
        return ("plain" if value else "color") if self.variable == "NO_COLOR" else value


KNOWN = {
    "socket": Preference("HASHELL_SOCKET", "the socket of hashelld", default="/run/hashell/hashelld.sock"),
    "editing": Preference("HASHELL_EDITING", "keys of the prompt", ("emacs", "vi")),
    "editor": Preference("VISUAL", "the program of configure edit", default="vi"),
    "pager": Preference("HASHELL_PAGER", "the program for long output; empty: none", default="less -RFX"),
    "theme": Preference("HASHELL_THEME", "colours", ("default", "colourblind")),
    "output": Preference("NO_COLOR", "whether there are colours", ("color", "plain")),
    "sort-elements": Preference("HASHELL_SORT", "whether configure show sorts by kind and id", ("off", "on")),
    "user": Preference("HASHELL_SSH_USER", "who logs in on other nodes: cluster run, copy (empty: you)"),
    "wait": Preference("HASHELL_WAIT", "whether every change waits until the cluster has settled", ("off", "on")),
}


def settings_path(environment: Mapping[str, str]) -> str | None:
    """The file of preferences, below XDG_CONFIG_HOME; None without a home."""
    home = environment.get("HOME")
    config = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    return f"{config}/hashell/settings" if config else None


def read_file(path: str | None) -> dict[str, str]:
    """The preferences in a file, `name = value` in a line; those that are not known are left out."""
    if path is None:
        return {}
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost start-up time
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    given = {name.strip(): value.strip() for name, equals, value in pairs if equals}
    return {name: value for name, value in given.items() if name in KNOWN and value in (KNOWN[name].values or (value,))}


def write_file(path: str, values: Mapping[str, str]) -> None:
    """Write the preferences as a whole; what cannot be written is `Refused`."""
    new = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - as above
        with open(new, "x", encoding="utf-8") as file:  # noqa: PTH123 - as above
            file.write("".join(f"{name} = {value}\n" for name, value in values.items()))
        os.replace(new, path)  # noqa: PTH105 - as above
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


def prefer(environment: MutableMapping[str, str]) -> None:
    """Put the preferences into an environment; what it says already stands, but for the editor: VISUAL is anybody's."""
    for name, value in read_file(settings_path(environment)).items():
        known = KNOWN[name]
        if name == "editor" or known.variable not in environment:
            environment[known.variable] = known.written(value)
