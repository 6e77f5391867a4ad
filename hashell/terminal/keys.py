"""The keys of the prompt beyond those of the editing mode: Enter, `?`, Escape, Alt-Enter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    emacs_insert_mode,
    has_completions,
    has_focus,
    has_selection,
    vi_insert_mode,
)
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from hashell.grammar.words import is_continued, split


CONTINUED: Final = "   > "
"""The prompt of a statement's further lines."""


def key_bindings(explain: Callable[[str], None]) -> KeyBindings:
    """The bindings. `explain` prints what is known about a line up to the cursor."""
    keys = KeyBindings()
    types = emacs_insert_mode | vi_insert_mode

    @keys.add("enter", filter=completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        """Take what is chosen in the menu, and go on typing."""
        event.current_buffer.complete_state = None

    @keys.add("enter", filter=~completion_is_selected)
    def _run(event: KeyPressEvent) -> None:
        """Run the line, unless a backslash at its end asks for another one."""
        buffer = event.current_buffer
        if is_continued(buffer.document.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _go_on(event: KeyPressEvent) -> None:
        """One more line of the same statement."""
        event.current_buffer.insert_text(" \\\n")

    @keys.add("backspace", filter=types & has_focus(DEFAULT_BUFFER) & ~has_selection)
    def _take_back(event: KeyPressEvent) -> None:
        """Take back a letter; the menu is that of what is left."""
        buffer = event.current_buffer
        if buffer.delete_before_cursor(count=event.arg) and buffer.text:
            buffer.start_completion()

    @keys.add("escape", filter=has_completions, eager=True)
    def _close(event: KeyPressEvent) -> None:
        """Put the menu away, and what it had put into the line."""
        event.current_buffer.cancel_completion()

    @keys.add("?", filter=types & Condition(_may_ask))
    def _explain(event: KeyPressEvent) -> None:
        """Say what may stand here; the line stays as it is."""
        line = event.current_buffer.document.text_before_cursor
        run_in_terminal(lambda: explain(line))

    return keys


def _may_ask() -> bool:
    """Where a word would begin, or a value: elsewhere, and on an empty line, `?` is a character."""
    return asks(get_app().current_buffer.document.text_before_cursor)


def asks(line: str) -> bool:
    """Is a `?` at the end of this line a question?"""
    words = split(line)
    if not words or not words[-1].is_closed:
        return False
    return line[-1].isspace() or line.endswith("=")
