"""The prompt: reads lines, runs them, shows what they come to, and never loses a draft without a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

from hashell.client.port import Client
from hashell.errors import HashellError
from hashell.grammar.run import Ran
from hashell.grammar.words import glue, is_continued
from hashell.session import Session, Stayed
from hashell.settings import Settings, read
from hashell.terminal.completer import MenuCompleter
from hashell.terminal.history import open_history
from hashell.terminal.lexer import LineLexer
from hashell.terminal.toolbar import toolbar
from hashell.terminal.watch import Watch, WatchedScope
from hashell.views.render import show


STYLE = Style.from_dict(
    {
        "prompt": "ansigreen bold",
        "dirty": "ansiyellow bold",
        "level": "ansiblue",
        "command": "ansicyan bold",
        "keyword": "ansimagenta",
        "option": "ansiyellow",
        "name": "ansiblue",
        "value": "ansigreen",
        "score": "ansiyellow",
        "agent": "ansicyan",
        "comment": "ansibrightblack",
        "error": "ansired underline",
        "bottom-toolbar": "noreverse ansibrightblack",
        "good": "ansigreen",
        "warning": "ansiyellow",
        "bad": "ansired bold",
    }
)


RunLine = Callable[[Session, str], Ran]


def converse(session: Session, make_client: Callable[[], Client], run_line: RunLine) -> int:
    """Read and run lines until the user leaves; the exit code."""
    return Prompt(session, make_client, run_line, read(os.environ)).run()


class Prompt:
    """One conversation at a terminal."""

    __slots__ = ("_prompt", "_run_line", "_session", "_settings", "_watch")

    def __init__(
        self, session: Session, make_client: Callable[[], Client], run_line: RunLine, settings: Settings
    ) -> None:
        self._session = session
        self._run_line = run_line
        self._settings = settings
        self._watch = Watch(make_client, self._redraw)
        self._prompt: PromptSession[str] = self._make()
        session.on_leave = self._leave_draft

    def run(self) -> int:
        """Until quit, or Ctrl-D at the top."""
        self._watch.start()
        try:
            while not self._session.is_finished:
                self._one()
        finally:
            self._watch.stop()
        return 0

    def _one(self) -> None:
        try:
            line = self._read()
        except KeyboardInterrupt:
            return
        except EOFError:
            line = "up" if self._session.level else "quit"
        try:
            ran = self._run_line(self._session, line)
            if ran.outcome is not None:
                show(ran.outcome, sys.stdout, as_json=ran.as_json, is_tty=True)
        except Stayed:
            return
        except HashellError as error:
            sys.stderr.write(f"error: {error}\n")
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted: what was already sent to the cluster goes on.\n")

    def _read(self) -> str:
        with patch_stdout(raw=True):
            return glue(self._prompt.prompt(self._message).split("\n"))

    def _make(self) -> PromptSession[str]:
        is_plain = self._settings.is_plain
        scope = WatchedScope(self._session, self._watch)
        return PromptSession(
            history=open_history(Path(self._settings.history) if self._settings.history else None),
            completer=MenuCompleter(scope),
            complete_in_thread=True,
            complete_while_typing=not is_plain,
            auto_suggest=None if is_plain else AutoSuggestFromHistory(),
            lexer=None if is_plain else LineLexer(lambda: self._session.level),
            bottom_toolbar=None if is_plain else self._toolbar,
            multiline=Condition(lambda: True),
            prompt_continuation="   > ",
            key_bindings=_keys(),
            vi_mode=self._settings.editing_mode == "vi",
            style=STYLE,
            color_depth=ColorDepth.DEPTH_1_BIT if is_plain else None,
            reserve_space_for_menu=0 if is_plain else 6,
        )

    def _message(self) -> StyleAndTextTuples:
        dirty = "*" if self._session.is_dirty else ""
        return [("class:prompt", self._place()), ("class:dirty", dirty), ("class:prompt", "# ")]

    def _place(self) -> str:
        status = self._watch.status
        node = f"/{status.node}" if status is not None and status.node else ""
        return f"hashell({self._session.client.name}{node}){self._session.level}"

    def _toolbar(self) -> StyleAndTextTuples:
        cib = None if self._watch.cib is None else self._watch.cib.cib
        width = self._prompt.app.output.get_size().columns
        return list(
            toolbar(
                self._watch.status,
                cib,
                trouble=self._watch.trouble,
                is_dirty=self._session.is_dirty,
                width=width,
            )
        )

    def _redraw(self) -> None:
        self._prompt.app.invalidate()

    def _leave_draft(self) -> bool:
        """Ask what becomes of the draft; True when it is settled and the level may be left."""
        while True:
            sys.stdout.write("The draft has changes: (c)ommit, (d)iscard, (s)tay, show (diff)? ")
            sys.stdout.flush()
            match sys.stdin.readline().strip().lower():
                case "c" | "commit":
                    settled = self._session.commit_draft()
                    sys.stdout.write(f"Committed as {settled.version}.\n")
                    return True
                case "d" | "discard":
                    self._session.discard()
                    return True
                case "s" | "stay" | "":
                    return False
                case "diff" | "show":
                    ran = self._run_line(self._session, "diff")
                    if ran.outcome is not None:
                        show(ran.outcome, sys.stdout, is_tty=True)
                case _:
                    sys.stdout.write("c, d, s or diff.\n")


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        """Run the line, unless a backslash at its end asks for another one."""
        buffer = event.current_buffer
        menu = buffer.complete_state
        if menu is not None and menu.current_completion is not None:
            buffer.complete_state = None
            return
        if is_continued(buffer.document.text):
            buffer.insert_text("\n")
            return
        buffer.validate_and_handle()

    return keys
