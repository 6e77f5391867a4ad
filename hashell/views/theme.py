"""What things look like: a style for each meaning, painted with plain ANSI sequences or not at all."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Style(Enum):
    """A meaning, not a colour. Every meaning is also told by a word or a mark, so that no colour is needed."""

    PLAIN = "plain"
    HEADING = "heading"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    DIM = "dim"
    NAME = "name"
    KEYWORD = "keyword"
    VALUE = "value"
    ADDED = "added"
    REMOVED = "removed"


_CODES: Final = {
    Style.HEADING: "1",
    Style.GOOD: "32",
    Style.BAD: "1;31",
    Style.WARN: "33",
    Style.DIM: "2",
    Style.NAME: "1",
    Style.KEYWORD: "36",
    Style.VALUE: "33",
    Style.ADDED: "32",
    Style.REMOVED: "31",
}
_COLOURBLIND: Final = {
    **_CODES,
    # Blue, orange and vermilion are told apart by all eyes; the brighter of two is the worse.
    Style.GOOD: "38;5;74",
    Style.BAD: "1;38;5;202",
    Style.WARN: "38;5;214",
    Style.KEYWORD: "38;5;117",
    Style.VALUE: "38;5;180",
    Style.ADDED: "38;5;74",
    Style.REMOVED: "38;5;202",
}
PALETTES: Final = {"default": _CODES, "colourblind": _COLOURBLIND}
"""By the names that HASHELL_THEME may have."""
_FANCY: Final = {"on": "●", "off": "○", "bad": "✗", "dot": "·", "arrow": "→"}
_PLAIN: Final = {"on": "*", "off": "-", "bad": "x", "dot": "-", "arrow": "->"}


class Theme:
    """How one stream is written to: in colour or not, with marks beyond ASCII or not, at most `width` columns wide."""

    __slots__ = ("_codes", "_marks", "has_colour", "width")

    def __init__(
        self, *, has_colour: bool = False, has_unicode: bool = True, width: int = 80, palette: str = "default"
    ) -> None:
        self.has_colour = has_colour
        self.width = width
        self._codes = PALETTES.get(palette, _CODES)
        self._marks = _FANCY if has_unicode else _PLAIN

    def mark(self, name: str) -> str:
        """The sign for `on`, `off`, `bad`, `dot`, `arrow`."""
        return self._marks[name]

    def paint(self, text: str, style: Style) -> str:
        """The text in its style."""
        if not self.has_colour or style is Style.PLAIN or not text:
            return text
        return f"\x1b[{self._codes[style]}m{text}\x1b[0m"
