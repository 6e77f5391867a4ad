"""Checking the line while it is typed: a thread of its own, so that no key ever waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from hashell.grammar.scope import Scope


if TYPE_CHECKING:
    # It reads the whole language, which a prompt that waits for its first key should not have to load.
    from hashell.terminal.remarks import Remark


class LiveCheck:
    """The remarks about the line as it was last checked; of several lines that wait, only the newest is checked."""

    __slots__ = (
        "_changed",
        "_checked",
        "_is_ended",
        "_remarks",
        "_scope",
        "_thread",
        "_wanted",
        "_woken",
    )

    def __init__(self, scope: Scope, changed: Callable[[], None]) -> None:
        self._scope = scope
        self._changed = changed
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hashell-check", daemon=True)
        self._wanted: tuple[str, int] = ("", 0)
        self._checked = ""
        self._remarks: tuple[Remark, ...] = ()
        self._is_ended = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; one check that is under way is not waited for."""
        self._is_ended = True
        self._woken.set()

    def look_at(self, text: str, cursor: int) -> None:
        """Have this text checked; returns at once."""
        self._wanted = (text, cursor)
        self._woken.set()

    def remarks_on(self, text: str) -> tuple[Remark, ...]:
        """What is known about this text: of one that was checked before more was typed, what is still so."""
        checked, found = self._checked, self._remarks
        if checked == text:
            return found
        return tuple(one for one in found if one.is_wrong and text[: one.end + 1] == checked[: one.end + 1])

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            if self._is_ended:
                return
            text, cursor = self._wanted
            remarks = import_module("hashell.terminal.remarks").remarks
            found: tuple[Remark, ...] = remarks(as_one_line(text), cursor, self._scope)
            if self._wanted != (text, cursor):
                continue
            before, self._checked, self._remarks = (self._checked, self._remarks), text, found
            if before != (text, found):
                self._changed()


def as_one_line(text: str) -> str:
    """A statement on several lines as one, every character at its place."""
    return text.replace("\\\n", "  ").replace("\n", " ")
