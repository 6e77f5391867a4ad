"""The full screen of `mon`: the status, live, with keys that act on the chosen node or resource. Each of them asks."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial
from typing import Final

import msgspec
from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.output import ColorDepth

from hashell.outcomes import Planned
from hashell.session import Session
from hashell.settings import Settings
from hashell.terminal.picking import Item, Sort, items, next_item
from hashell.terminal.style import STYLES
from hashell.terminal.worker import Done, Worker
from hashell.views.layout import clean, width_of, wrap
from hashell.views.render import render, theme_of
from hashell.views.theme import Theme


KEYS: Final = "↑↓ choose  s standby  m move  c clean up  w why  n by node  q quit"
KEYS_SHORT: Final = "s)tandby m)ove c)lean w)hy q)uit"
PANEL_LINES_MAX: Final = 10
STATUS_LINES_MIN: Final = 5
"""So many lines are not the panel's: those of the status, a rule, the question or the keys."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be agreed to: `line` is run, `preview` tells before what it would do."""

    text: str
    line: str
    targets: tuple[str, ...] = ()
    """What may stand at the end of the line; the arrow keys choose."""
    target: int = 0

    @property
    def chosen(self) -> str:
        """The line with its target."""
        return f"{self.line} {self.targets[self.target]}" if self.targets else self.line

    @property
    def has_preview(self) -> bool:
        """Can it be told beforehand what will happen?"""
        return not self.line.startswith("resource cleanup")


class Monitor:
    """One showing of the screen. Keys and drawing are the main thread's; the cluster is the worker's."""

    __slots__ = ("_app", "_chosen", "_panel", "_question", "_settings", "_worker")

    def __init__(self, session: Session, settings: Settings) -> None:
        self._settings = settings
        self._chosen: Item | None = None
        self._panel: tuple[str, ...] = ()
        self._question: Question | None = None
        self._app: Application[None] = self._make()
        self._worker = Worker(session, self._app.invalidate)

    def run(self) -> None:
        """Show it until the user leaves."""
        self._worker.start()
        try:
            with redirect_stderr(io.StringIO()):  # What commands tell of their progress would tear the screen.
                self._app.run()
        finally:
            self._worker.stop()

    def _make(self) -> Application[None]:
        body = FormattedTextControl(self._body, focusable=True, show_cursor=False, get_cursor_position=self._cursor)
        rule = Window(char="─", height=1, style="class:dim")
        panel = Window(FormattedTextControl(self._panel_text), height=lambda: len(self._panel_lines()))
        question = Window(FormattedTextControl(self._question_text), height=1)
        foot = Window(FormattedTextControl(self._foot), height=1)
        is_asked = Condition(lambda: self._question is not None)
        has_panel = Condition(lambda: bool(self._panel))
        below = [
            ConditionalContainer(rule, has_panel | is_asked),
            ConditionalContainer(panel, has_panel),
            ConditionalContainer(question, is_asked),
            ConditionalContainer(foot, ~is_asked),
        ]
        return Application(
            layout=Layout(HSplit([Window(body), *below])),
            key_bindings=self._keys(),
            style=STYLES[self._settings.theme],
            color_depth=None if self._settings.has_colour else ColorDepth.DEPTH_1_BIT,
            full_screen=True,
        )

    # What is shown.

    def _theme(self, *, is_plain: bool = False) -> Theme:
        theme = theme_of(sys.stdout, is_tty=True)
        theme.width = self._app.output.get_size().columns if self._app.is_running else theme.width
        theme.has_colour = theme.has_colour and not is_plain
        return theme

    def _choices(self) -> tuple[Item, ...]:
        report = self._worker.report
        return () if report is None else items(render(report, self._theme(is_plain=True)), report)

    def _current(self) -> Item | None:
        """The chosen item where it is now; what is gone gives way to its neighbour."""
        self._chosen = next_item(self._choices(), self._chosen, 0)
        return self._chosen

    def _cursor(self) -> Point:
        return Point(0, 0 if self._chosen is None else self._chosen.line)

    def _body(self) -> AnyFormattedText:
        report = self._worker.report
        if report is None:
            return [
                ("class:bad" if self._worker.trouble else "class:dim", self._worker.trouble or "asking the cluster…")
            ]
        current = self._current()
        pieces: StyleAndTextTuples = []
        plain = render(report, self._theme(is_plain=True))
        for at, line in enumerate(render(report, self._theme())):
            if current is not None and at == current.line:
                columns = self._app.output.get_size().columns
                pieces.append(("class:selected", plain[at] + " " * (columns - width_of(plain[at]))))
            else:
                pieces.extend(to_formatted_text(ANSI(line)))
            pieces.append(("", "\n"))
        return pieces

    def _panel_lines(self) -> list[str]:
        """As much of the panel as leaves some lines to the status; on a small screen, without empty lines."""
        size = self._app.output.get_size()
        lines = [part for line in self._panel for part in _fitting(line, size.columns)]
        room = max(min(PANEL_LINES_MAX, size.rows - STATUS_LINES_MIN), 1)
        if len(lines) > room:
            lines = [line for line in lines if line.strip()]
        return lines if len(lines) <= room else [*lines[: room - 1], "…"]

    def _panel_text(self) -> AnyFormattedText:
        return "\n".join(self._panel_lines())

    def _question_text(self) -> AnyFormattedText:
        """What is asked; on a narrow screen, cut before the keys that answer."""
        question = self._question
        if question is None:
            return ""
        keys = "  ←→ y/n" if len(question.targets) > 1 else "  y/n"
        text = question.text
        if question.targets:
            text = f"{text} {question.targets[question.target]}"
        room = self._app.output.get_size().columns - len(keys) - 1
        told = text if width_of(text) <= room else text[: room - 1] + "…"
        return [("class:question", told), ("class:dim", keys)]

    def _foot(self) -> AnyFormattedText:
        if self._worker.trouble and self._worker.report is not None:
            return [("class:bad", f"NOT CURRENT: {self._worker.trouble}")]
        width = self._app.output.get_size().columns
        return [("class:dim", KEYS if width >= len(KEYS) else KEYS_SHORT)]

    # What keys do.

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        is_asked = Condition(lambda: self._question is not None)
        actions: tuple[tuple[tuple[str, ...], Callable[[], None]], ...] = (
            (("up", "k"), partial(self._step, -1)),
            (("down", "j"), partial(self._step, 1)),
            (("s",), self._ask_standby),
            (("m",), self._ask_move),
            (("c",), self._ask_cleanup),
            (("w",), self._why),
            (("n",), self._by_node),
        )
        for names, action in actions:
            for name in names:
                keys.add(name, filter=~is_asked)(_calling(action))
        for name, step in (("left", -1), ("right", 1)):
            keys.add(name, filter=is_asked)(_calling(partial(self._turn, step)))
        keys.add("y", filter=is_asked)(_calling(self._agree))
        for name in ("n", "escape"):
            keys.add(name, filter=is_asked)(_calling(self._dismiss))
        keys.add("escape", filter=~is_asked & Condition(lambda: bool(self._panel)))(_calling(self._dismiss))
        for name in ("q", "c-c", "c-d"):
            keys.add(name)(lambda event: event.app.exit())
        return keys

    def _step(self, step: int) -> None:
        self._chosen = next_item(self._choices(), self._chosen, step)

    def _by_node(self) -> None:
        self._worker.words = () if self._worker.words else ("bynode",)
        self._worker.look_again()

    def _why(self) -> None:
        chosen = self._of(Sort.RESOURCE)
        if chosen is not None:
            self._worker.submit(f"resource why {chosen}", self._tell)

    def _ask_standby(self) -> None:
        chosen = self._of(Sort.NODE)
        if chosen is None:
            return
        report = self._worker.report
        states = {} if report is None else {str(node.node): node.state for node in report.nodes}
        if states.get(chosen) == "standby":
            self._ask(Question(text=f"End the standby of {chosen}?", line=f"node online {chosen}"))
        else:
            self._ask(Question(text=f"Put {chosen} in standby?", line=f"node standby {chosen}"))

    def _ask_move(self) -> None:
        chosen = self._of(Sort.RESOURCE)
        report = self._worker.report
        if chosen is None or report is None:
            return
        here = {str(node) for one in report.instances if chosen in (one.resource, one.group) for node in one.nodes}
        there = tuple(str(n.node) for n in report.nodes if n.state == "online" and str(n.node) not in here)
        if not there:
            self._panel = (f"There is no other node for {chosen}.",)
            return
        self._ask(Question(text=f"Move {chosen} to", line=f"resource move {chosen}", targets=there))

    def _ask_cleanup(self) -> None:
        chosen = self._of(Sort.RESOURCE)
        if chosen is not None:
            text = f"Forget the failures of {chosen}, and look again where it runs?"
            self._ask(Question(text=text, line=f"resource cleanup {chosen}"))

    def _of(self, sort: Sort) -> str | None:
        """The name of what is chosen, if it is of this sort; else the user is told to choose one."""
        current = self._current()
        if current is not None and current.sort is sort:
            return current.name
        self._panel = (f"Choose a {sort.value} first, with the arrow keys.",)
        return None

    def _ask(self, question: Question) -> None:
        self._question = question
        self._panel = ()
        if question.has_preview:
            self._panel = ("looking what would happen…",)
            self._worker.submit(f"{question.chosen} --dry-run", lambda done: self._preview(question, done))

    def _preview(self, question: Question, done: Done) -> None:
        if self._question is question:
            self._tell(done)

    def _turn(self, step: int) -> None:
        question = self._question
        if question is not None and question.targets:
            target = (question.target + step) % len(question.targets)
            self._ask(msgspec.structs.replace(question, target=target))

    def _agree(self) -> None:
        question, self._question = self._question, None
        if question is not None:
            self._panel = (f"{question.chosen} …",)
            self._worker.submit(f"{question.chosen} --yes", self._tell)

    def _dismiss(self) -> None:
        self._question, self._panel = None, ()

    def _tell(self, done: Done) -> None:
        """Show what came of a line; of a plan, what happens, and not how that is written in the configuration."""
        outcome = done.outcome
        if outcome is None:
            self._panel = tuple(clean(done.error).split("\n"))
            return
        if isinstance(outcome, Planned):
            outcome = msgspec.structs.replace(outcome, diff="")
        self._panel = tuple(render(outcome, self._theme(is_plain=True)))


def _fitting(line: str, columns: int) -> list[str]:
    """A line as it is, columns and all, or wrapped where it is too long."""
    return [line] if width_of(line) <= columns else wrap(line, columns)


def _calling(action: Callable[[], None]) -> Callable[[KeyPressEvent], None]:
    """A key's handler that needs to know nothing of the key."""
    return lambda _event: action()


def monitor(session: Session, settings: Settings) -> None:
    """Show the screen until the user leaves; commands are the top's, whatever level the session is at."""
    level, session.level = session.level, ""
    try:
        Monitor(session, settings).run()
    finally:
        session.level = level
