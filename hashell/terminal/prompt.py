"""The prompt: reads lines, runs them, shows what they come to, and never loses a draft without a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.history import History
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.patch_stdout import patch_stdout

from hashell.client.port import Client
from hashell.errors import HashellError
from hashell.grammar.run import Ran
from hashell.grammar.words import glue
from hashell.session import Session, Stayed
from hashell.settings import Settings, read
from hashell.terminal.completer import MenuCompleter
from hashell.terminal.dumb import DumbReader
from hashell.terminal.history import open_history
from hashell.terminal.keys import CONTINUED, key_bindings
from hashell.terminal.lexer import LineLexer
from hashell.terminal.live import LiveCheck
from hashell.terminal.marks import Marks
from hashell.terminal.pager import show_paged
from hashell.terminal.style import STYLES
from hashell.terminal.toolbar import prompt_state, toolbar
from hashell.terminal.watch import Watch, WatchedScope
from hashell.views.layout import paragraph
from hashell.views.render import theme_of
from hashell.views.theme import Theme
from hashelld.cib.document import Cib


if TYPE_CHECKING:
    # It reads the whole language, which a prompt that waits for its first key should not have to load.
    from hashell.terminal.remarks import Remark


CURSOR_ANSWER_S: Final = 20
"""For so long a terminal is asked where its cursor is; the toolbar is drawn once it has told."""
NARROW: Final = 60
"""Columns; with fewer, the prompt is short."""

RunLine = Callable[[Session, str], Ran]


def converse(session: Session, make_client: Callable[[], Client], run_line: RunLine) -> int:
    """Read and run lines until the user leaves; the exit code."""
    return Prompt(session, make_client, run_line, read(os.environ)).run()


class Prompt:
    """One conversation at a terminal."""

    __slots__ = ("_check", "_dumb", "_lexers", "_prompt", "_run_line", "_scope", "_session", "_settings", "_watch")

    def __init__(
        self, session: Session, make_client: Callable[[], Client], run_line: RunLine, settings: Settings
    ) -> None:
        self._session = session
        self._run_line = run_line
        self._settings = settings
        self._watch = Watch(make_client, self._redraw)
        self._scope = WatchedScope(session, self._watch)
        self._check = LiveCheck(self._scope, self._redraw)
        history = open_history(Path(settings.history) if settings.history else None)
        self._lexers: dict[str, LineLexer] = {}
        self._dumb: DumbReader | None = None
        self._prompt: PromptSession[str] | None = None
        if settings.is_plain:
            self._dumb = DumbReader(self._scope, history, self._theme(), (sys.stdin, sys.stdout))
        else:
            self._prompt = self._make(history)
        session.on_leave = self._leave_draft

    def run(self) -> int:
        """Until quit, or Ctrl-D at the top."""
        self._watch.start()
        self._check.start()
        try:
            while not self._session.is_finished:
                self._one()
        finally:
            self._check.stop()
            self._watch.stop()
        return 0

    def _one(self) -> None:
        try:
            line = self._read()
        except KeyboardInterrupt:
            if self._dumb is not None:
                sys.stdout.write("\n")
            return
        except EOFError:
            line = "up" if self._session.level else "quit"
        try:
            doubts: tuple[Remark, ...] = import_module("hashell.terminal.remarks").remarks(line, len(line), self._scope)
            self._show(self._run_line(self._session, line))
            self._tell(doubts)
        except Stayed:
            return
        except HashellError as error:
            sys.stderr.write(f"error: {error}\n")
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted: what was already sent to the cluster goes on.\n")

    def _show(self, ran: Ran) -> None:
        if ran.outcome is not None:
            pager = "" if self._dumb is not None else self._settings.pager
            show_paged(ran.outcome, sys.stdout, as_json=ran.as_json, pager=pager)

    def _tell(self, doubts: tuple[Remark, ...]) -> None:
        """What is wrong with a statement that the draft has taken nevertheless: a commit would refuse it, or warn."""
        for doubt in doubts:
            sys.stderr.write(f"{'warning' if doubt.is_doubt else 'wrong'}: {doubt.told}\n")

    def _read(self) -> str:
        if self._prompt is None:
            assert self._dumb is not None, "one of them reads"
            return glue(self._dumb.read(fragment_list_to_text(self._message())))
        with patch_stdout(raw=True):
            lexer = self._lexers.setdefault(self._session.level, LineLexer(self._session.level))
            return glue(self._prompt.prompt(self._message, lexer=lexer).split("\n"))

    def _make(self, history: History) -> PromptSession[str]:
        made: PromptSession[str] = PromptSession(
            history=history,
            completer=MenuCompleter(self._scope),
            complete_in_thread=True,
            complete_while_typing=True,
            auto_suggest=AutoSuggestFromHistory(),
            input_processors=[Marks(self._check.remarks_on)],
            bottom_toolbar=self._toolbar,
            multiline=Condition(lambda: True),
            prompt_continuation=CONTINUED,
            key_bindings=key_bindings(self._explain),
            vi_mode=self._settings.editing_mode == "vi",
            style=STYLES[self._settings.theme],
            color_depth=None if self._settings.has_colour else ColorDepth.DEPTH_1_BIT,
            reserve_space_for_menu=6,
        )
        # A slow line may answer late where the cursor is: that is nothing to be warned of.
        made.app.renderer.CPR_TIMEOUT = CURSOR_ANSWER_S
        made.app.renderer.cpr_not_supported_callback = None
        made.default_buffer.on_text_changed += self._look
        made.default_buffer.on_cursor_position_changed += self._look
        return made

    def _look(self, buffer: Buffer) -> None:
        self._check.look_at(buffer.text, buffer.cursor_position)

    def _explain(self, line: str) -> None:
        explain = import_module("hashell.terminal.explain").explain
        sys.stdout.write("\n".join(explain(line, self._scope, self._theme())) + "\n")

    def _theme(self) -> Theme:
        return theme_of(sys.stdout, is_tty=True)

    def _message(self) -> StyleAndTextTuples:
        style, mark = prompt_state(self._watch.status, self._cib(), trouble=self._watch.trouble)
        dirty = "*" if self._session.is_dirty else ""
        return [(style, self._place(mark)), ("class:dirty", dirty), (style, "# ")]

    def _cib(self) -> Cib | None:
        return None if self._watch.cib is None else self._watch.cib.cib

    def _place(self, mark: str) -> str:
        """Where one is; what is left of it on a narrow terminal is the level."""
        if self._theme().width < NARROW:
            return (self._session.level or self._session.client.name) + mark
        status = self._watch.status
        node = f"/{status.node}" if status is not None and status.node else ""
        return f"hashell({self._session.client.name}{node}{mark}){self._session.level}"

    def _toolbar(self) -> StyleAndTextTuples:
        assert self._prompt is not None, "only a full terminal has a toolbar"
        text = self._prompt.default_buffer.text
        return list(
            toolbar(
                self._watch.status,
                self._cib(),
                trouble=self._watch.trouble,
                is_dirty=self._session.is_dirty,
                width=self._prompt.app.output.get_size().columns,
                remark=next(iter(self._check.remarks_on(text)), None),
            )
        )

    def _redraw(self) -> None:
        if self._prompt is not None:
            self._prompt.app.invalidate()

    def _leave_draft(self) -> bool:
        """Ask what becomes of the draft; True when it is settled and the level may be left."""
        may_keep = self._session.shelf is not None and not self._session.shadow
        choices = f"(c)ommit, (d)iscard, {'(k)eep for later, ' if may_keep else ''}(s)tay, or (diff)?"
        while True:
            sys.stdout.write("\n".join(paragraph(self._theme(), f"Not committed: {choices}")) + " ")
            sys.stdout.flush()
            match sys.stdin.readline().strip().lower():
                case "c" | "commit":
                    settled = self._session.commit_draft()
                    sys.stdout.write(f"Committed as {settled.version}.\n")
                    return True
                case "d" | "discard":
                    self._session.discard()
                    return True
                case "k" | "keep" if may_keep:
                    self._session.shelve()
                    return True
                case "s" | "stay" | "":
                    return False
                case "diff" | "show":
                    self._show(self._run_line(self._session, "diff"))
                case _:
                    sys.stdout.write("Answer with a letter in brackets, or diff.\n")
