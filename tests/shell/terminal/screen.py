"""A real terminal for tests: the program on a pseudo terminal, what it draws on a screen in memory, goldens of that.

A screen is waited for, with a deadline: whatever is drawn on the way to it does not matter, however slow the machine.
"""

from __future__ import annotations

import copy
import os
import re
import sys
import time
from collections.abc import Iterator
from difflib import unified_diff
from itertools import takewhile
from pathlib import Path

import pexpect
import pyte


ROOT = Path(__file__).resolve().parents[3]
SCREENS = ROOT / "tests" / "cases" / "screens"
LIMIT_S = 60.0
QUIET_S = 1.0
"""When goldens are written anew, a screen that has not changed for so long is the one that was meant."""
VARYING = (
    (re.compile(r"(Committed as )\S+"), r"\1VERSION."),
    (re.compile(r"hashell-\w{8}\.crm"), "hashell-xxxxxxxx.crm"),
)
"""What differs from run to run."""


OTHER_SCREEN = 1049


class Screen(pyte.Screen):
    """Has a second screen for programs that fill it, and answers what they ask (where the cursor is)."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.answers: list[str] = []
        self._first: tuple[object, object] | None = None

    def set_mode(self, *modes: int, **options: bool) -> None:
        if OTHER_SCREEN in modes and self._first is None:
            self._first = copy.deepcopy(self.buffer), copy.copy(self.cursor)
            self.erase_in_display(2)
        super().set_mode(*modes, **options)

    def reset_mode(self, *modes: int, **options: bool) -> None:
        if OTHER_SCREEN in modes and self._first is not None:
            self.buffer, self.cursor = self._first
            self._first = None
        super().reset_mode(*modes, **options)

    def write_process_input(self, data: str) -> None:
        self.answers.append(data)


class Terminal:
    """A program and its screen. Use `shot` to wait for the next screen of its golden file, `await_text` without one."""

    def __init__(self, golden: Path | None, size: tuple[int, int], kind: str, *, rewrite: bool = False) -> None:
        self._golden = golden
        self._columns, self._rows = size
        self._kind = kind
        self._rewrite = rewrite
        self._known = {} if rewrite or golden is None else dict(read_shots(golden.read_text(encoding="utf-8")))
        self._taken: dict[str, str] = {}
        self._screen = Screen(self._columns, self._rows)
        self._stream = pyte.ByteStream(self._screen)
        self._child: pexpect.spawn | None = None

    def start(self, folder: Path, *words: str, **more: str) -> None:
        """Run `hashell WORDS…` in a folder, which is also its home."""
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "hashell", *words],
            cwd=str(folder),
            dimensions=(self._rows, self._columns),
            env=environment(folder, self._kind, **more),
            timeout=LIMIT_S,
        )

    def send(self, text: str) -> None:
        """Type."""
        assert self._child is not None
        self._child.send(text)

    def shot(self, title: str) -> None:
        """Wait for the golden screen of this title; when goldens are written anew, take the one that stays."""
        assert self._golden is not None, "only a session with a golden file has titles"
        if self._rewrite:
            while self._read(QUIET_S):
                pass
            self._taken[title] = self.text()
            return
        wanted = self._known[title]
        self._taken[title] = wanted
        end = time.monotonic() + LIMIT_S
        while self.text() != wanted:
            if time.monotonic() > end or not self._read(max(end - time.monotonic(), 0.0)):
                diff = unified_diff(wanted.splitlines(), self.text().splitlines(), "golden", "now", lineterm="")
                raise AssertionError("\n".join([f"{self._golden.name}: {title}", *diff]))

    def await_text(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        end = time.monotonic() + LIMIT_S
        while not all(text in self.text() for text in texts):
            assert time.monotonic() < end, f"never shown together: {texts}\n{self.text()}"
            self._read(QUIET_S)

    def end(self) -> int | None:
        """Wait for the program's end; its exit code. Writes the golden file anew if asked to."""
        assert self._child is not None
        while self._read(LIMIT_S):
            pass
        self._child.close()
        if self._golden is None:
            return self._child.exitstatus
        head = f"# {self._columns}x{self._rows}, TERM={self._kind}; ~ underlined, ^ reversed. pytest --rewrite\n"
        if self._rewrite:
            shots = "".join(f"\n== {title}\n{text}" for title, text in self._taken.items())
            self._golden.write_text(head + shots, encoding="utf-8")
        assert list(self._taken) == [title for title, _text in read_shots(self._golden.read_text(encoding="utf-8"))]
        return self._child.exitstatus

    def close(self) -> None:
        """End the program, however it goes."""
        if self._child is not None:
            self._child.close(force=True)

    def text(self) -> str:
        """The screen, a line each behind a bar, with a line of marks below those that have any."""
        lines = [line for row in range(self._rows) for line in self._row(row)]
        while lines and lines[-1] == "|":
            lines.pop()
        return "".join(f"{line}\n" for line in lines)

    def _row(self, row: int) -> Iterator[str]:
        cells = [self._screen.buffer[row][column] for column in range(self._columns)]
        text = "".join(cell.data for cell in cells).rstrip()
        for pattern, instead in VARYING:
            text = pattern.sub(instead, text)
        yield f"|{text}"
        marks = "".join("~" if cell.underscore else "^" if cell.reverse else " " for cell in cells).rstrip()
        if marks:
            yield f" {marks}"

    def _read(self, limit_s: float) -> bool:
        """Draw what comes next; False when nothing came, or nothing will."""
        assert self._child is not None
        try:
            data = self._child.read_nonblocking(1 << 16, timeout=limit_s)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self._stream.feed(data)
        for answer in self._screen.answers:
            self._child.send(answer)
        self._screen.answers.clear()
        return True


def read_shots(text: str) -> Iterator[tuple[str, str]]:
    """Titles and screens of a golden file."""
    lines = iter(text.splitlines())
    title = next((line for line in lines if line.startswith("== ")), None)
    while title is not None:
        shown = list(takewhile(bool, lines))
        yield title.removeprefix("== "), "".join(f"{line}\n" for line in shown)
        title = next(lines, None)


def environment(folder: Path, kind: str, **more: str) -> dict[str, str]:
    """Nothing of the user's: no settings, no history, no agents but the folder's."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "TERM": kind,
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "OCF_ROOT": str(folder / "ocf"),
        "HASHELL_PAGER": "",
        **more,
    }
