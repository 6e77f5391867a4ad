"""Sentences and tables as text."""

from __future__ import annotations

from hashell.outcomes import Said, Table
from hashell.views.layout import Cell, clean, columns, paragraph
from hashell.views.theme import Style, Theme


def render_said(said: Said, theme: Theme) -> list[str]:
    """The sentences, line by line, as they are."""
    return clean(said.text).split("\n") if said.text else []


def render_table(table: Table, theme: Theme) -> list[str]:
    """Title, header, rows and note."""
    lines = [theme.paint(clean(table.title), Style.HEADING)] if table.title else []
    indent = "  " if table.title else ""
    if table.rows:
        header = [Cell(column, Style.DIM) for column in table.columns]
        body = [[Cell(cell, Style.NAME if at == 0 else Style.PLAIN) for at, cell in enumerate(r)] for r in table.rows]
        lines += columns(theme, [header, *body], indent=indent)
    for note in table.note.split("\n") if table.note else ():
        lines += [theme.paint(line, Style.DIM) for line in paragraph(theme, clean(note), indent=indent)]
    return lines
