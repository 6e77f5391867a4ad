"""Writes a picture to a file of the wanted kind, or gives it as text."""

from __future__ import annotations

import subprocess  # noqa: TID251 - graphviz is a program of the user's; daemons draw nothing
from pathlib import Path
from typing import Final

from hashell.commands.drawing import Drawing, to_dot
from hashell.errors import Refused, Usage


STANDARD: Final = "-"
DOT_TIMEOUT_S: Final = 120


def draw(drawing: Drawing, path: str) -> str:
    """Write `path` as its ending says: .txt, .dot, or .svg by means of graphviz. For `-`, the text itself."""
    if path == STANDARD:
        return drawing.text
    match Path(path).suffix.lower():
        case ".txt":
            _write(path, drawing.text)
        case ".dot" | ".gv":
            _write(path, to_dot(drawing))
        case ".svg":
            _write(path, _svg(drawing))
        case _:
            raise Usage(f"{path}: the file's ending says what is drawn: .svg, .dot or .txt; - is text on the screen")
    return ""


def _svg(drawing: Drawing) -> str:
    try:
        done = subprocess.run(
            ("dot", "-Tsvg"),  # noqa: S607 - wherever the user's PATH has it
            input=to_dot(drawing),
            capture_output=True,
            text=True,
            timeout=DOT_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise Refused(
            "graphviz is not installed: its program dot makes the .svg (install the package graphviz), "
            "or write a .dot or .txt file"
        ) from None
    except subprocess.TimeoutExpired:
        raise Refused(f"dot did not finish within {DOT_TIMEOUT_S} s: write a .dot or .txt file") from None
    if done.returncode:
        raise Refused(f"dot failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
