"""The user's preferences: where the daemon is, and how the prompt behaves; from the environment, with defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hashell.errors import Usage


SOCKET_DEFAULT = "/run/hashell/hashelld.sock"
PAGER_DEFAULT: Final = "less -RFX"
THEMES: Final = ("default", "colourblind")


class Settings:
    """What the environment says; `read` makes one."""

    __slots__ = ("editing_mode", "editor", "has_colour", "history", "is_plain", "pager", "socket", "theme")

    def __init__(
        self,
        *,
        socket: str,
        editing_mode: str,
        editor: str,
        history: str | None,
        is_plain: bool,
        has_colour: bool = True,
        theme: str = "default",
        pager: str = PAGER_DEFAULT,
    ) -> None:
        self.socket = socket
        self.editing_mode = editing_mode
        self.editor = editor
        self.history = history
        self.is_plain = is_plain
        self.has_colour = has_colour
        self.theme = theme
        self.pager = pager


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment.

    HASHELL_SOCKET (the daemon), HASHELL_EDITING (emacs or vi), HASHELL_THEME (default or colourblind), HASHELL_PAGER or
    PAGER (empty: none), VISUAL or EDITOR, XDG_STATE_HOME (history; none without a home), NO_COLOR (no colours) and
    TERM=dumb (no colours, no menus, nothing that moves the cursor).
    """
    is_plain = environment.get("TERM", "dumb") in ("dumb", "")
    return Settings(
        socket=environment.get("HASHELL_SOCKET") or SOCKET_DEFAULT,
        editing_mode=_one_of(environment, "HASHELL_EDITING", ("emacs", "vi")),
        editor=environment.get("VISUAL") or environment.get("EDITOR") or "vi",
        history=_history(environment),
        is_plain=is_plain,
        has_colour=not is_plain and not environment.get("NO_COLOR"),
        theme=_one_of(environment, "HASHELL_THEME", THEMES),
        pager=environment.get("HASHELL_PAGER", environment.get("PAGER", PAGER_DEFAULT)),
    )


def _one_of(environment: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """The value of a variable, the first of `known` when it is not set."""
    value = environment.get(name, "").lower() or known[0]
    if value not in known:
        raise Usage(f"{name} is '{value}', expected {' or '.join(known)}")
    return value


def _history(environment: Mapping[str, str]) -> str | None:
    state = environment.get("XDG_STATE_HOME")
    if state:
        return f"{state}/hashell/history"
    home = environment.get("HOME")
    return f"{home}/.local/state/hashell/history" if home else None
