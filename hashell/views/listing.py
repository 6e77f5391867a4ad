"""Listings: the configure language, XML, diffs and plain text, highlighted line by line."""

from __future__ import annotations

import re
from typing import Final

from hashell.outcomes import Listing
from hashell.views.layout import clean
from hashell.views.theme import Style, Theme


_STATEMENT: Final = re.compile(
    r"(?:node|primitive|group|clone|ms|master|bundle|rsc_template|location|coll?ocation|order|rsc_ticket|monitor|property|"
    r"rsc_defaults|op_defaults|fencing_topology|tag|alert|role|acl_target|acl_group|user|xml)\Z"
)
_SECTION: Final = re.compile(r"(?:params|meta|op|operations|utilization|attributes|rule|description)\Z")
_WORDS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\S+|\s+')
_TAGS: Final = re.compile(r"(</?[\w.-]+|/?>|[\w:.-]+(?==))")


def render_listing(listing: Listing, theme: Theme) -> list[str]:
    """The listing's lines; only what is shown on a terminal is coloured or cleaned."""
    text = listing.text.removesuffix("\n")
    if not theme.has_colour:
        return text.split("\n") if text else []
    paint = {"crm": _crm, "diff": _diff, "xml": _xml}.get(listing.language, _plain)
    return [paint(clean(line), theme) for line in text.split("\n")] if text else []


def render_diff(diff: str, theme: Theme) -> list[str]:
    """A unified diff."""
    return render_listing(Listing(text=diff, language="diff"), theme)


def _plain(line: str, theme: Theme) -> str:
    return theme.paint(line, Style.PLAIN)


def _diff(line: str, theme: Theme) -> str:
    if line.startswith(("---", "+++")):
        return theme.paint(line, Style.HEADING)
    if line.startswith("@@"):
        return theme.paint(line, Style.KEYWORD)
    return theme.paint(line, {"+": Style.ADDED, "-": Style.REMOVED}.get(line[:1], Style.PLAIN))


def _xml(line: str, theme: Theme) -> str:
    def colour(found: re.Match[str]) -> str:
        is_tag = found[0][0] in "</>"
        return theme.paint(found[0], Style.KEYWORD if is_tag else Style.NAME)

    return _TAGS.sub(colour, line)


def _crm(line: str, theme: Theme) -> str:
    if line.lstrip().startswith("#"):
        return theme.paint(line, Style.DIM)
    words = _WORDS.findall(line)
    is_statement = bool(words) and _STATEMENT.match(words[0]) is not None
    painted = []
    for at, word in enumerate(words):
        style = _style(word, is_first=at == 0, is_id=is_statement and at == 2)
        if style is None:
            name, _, value = word.partition("=")
            painted.append(f"{name}={theme.paint(value, Style.VALUE)}")
        else:
            painted.append(theme.paint(word, style))
    return "".join(painted)


def _style(word: str, *, is_first: bool, is_id: bool) -> Style | None:
    """The style of a word; None for `name=value`, whose value alone is coloured."""
    if word.isspace() or word == "\\":
        return Style.DIM
    if (is_first and _STATEMENT.match(word)) or _SECTION.match(word):
        return Style.KEYWORD
    if is_id and "=" not in word:
        return Style.NAME
    if "=" in word and not word.startswith('"'):
        return None
    return Style.PLAIN
