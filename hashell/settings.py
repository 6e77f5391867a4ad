"""The user's preferences: where the daemon is, and how the prompt behaves; from the environment, with defaults."""

from __future__ import annotations

from collections.abc import Mapping

from hashell.errors import Usage


SOCKET_DEFAULT = "/run/hashell/hashelld.sock"


class Settings:
    """What the environment says; `read` makes one."""

    __slots__ = ("editing_mode", "editor", "history", "is_plain", "socket")

    def __init__(self, *, socket: str, editing_mode: str, editor: str, history: str | None, is_plain: bool) -> None:
        self.socket = socket
        self.editing_mode = editing_mode
        self.editor = editor
        self.history = history
        self.is_plain = is_plain


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment.

    HASHELL_SOCKET (the daemon), HASHELL_EDITING (emacs or vi), VISUAL or EDITOR, XDG_STATE_HOME (history; none without
    a home), NO_COLOR and TERM=dumb (no colours and no menus).
    """
    editing_mode = environment.get("HASHELL_EDITING", "emacs").lower()
    if editing_mode not in ("emacs", "vi"):
        raise Usage(f"HASHELL_EDITING is '{editing_mode}', expected emacs or vi")
    return Settings(
        socket=environment.get("HASHELL_SOCKET") or SOCKET_DEFAULT,
        editing_mode=editing_mode,
        editor=environment.get("VISUAL") or environment.get("EDITOR") or "vi",
        history=_history(environment),
        is_plain=bool(environment.get("NO_COLOR")) or environment.get("TERM", "dumb") in ("dumb", ""),
    )


def _history(environment: Mapping[str, str]) -> str | None:
    state = environment.get("XDG_STATE_HOME")
    if state:
        return f"{state}/hashell/history"
    home = environment.get("HOME")
    return f"{home}/.local/state/hashell/history" if home else None
