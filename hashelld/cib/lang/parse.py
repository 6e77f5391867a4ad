"""The parser: text into statements; it goes on after an error and reports every one."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Object
from hashelld.cib.lang.constraints import read_colocation, read_location, read_order
from hashelld.cib.lang.cursor import Cursor, SyntaxRefused
from hashelld.cib.lang.diagnostic import Diagnostic, suggest
from hashelld.cib.lang.objects import (
    read_clone,
    read_group,
    read_monitor,
    read_node,
    read_primitive,
    read_promotable,
    read_properties,
    read_template,
)
from hashelld.cib.lang.tokens import Word, scan
from hashelld.cib.lang.tree import Monitor, Statement


_READERS: Final = MappingProxyType[str, Callable[[Cursor], Object | Monitor]](
    {
        "node": read_node,
        "primitive": read_primitive,
        "rsc_template": read_template,
        "group": read_group,
        "clone": read_clone,
        "promotable": read_promotable,
        "ms": read_promotable,
        "master": read_promotable,
        "location": read_location,
        "colocation": read_colocation,
        "collocation": read_colocation,
        "order": read_order,
        "property": lambda cursor: read_properties(cursor, PROPERTY),
        "rsc_defaults": lambda cursor: read_properties(cursor, RSC_DEFAULTS),
        "op_defaults": lambda cursor: read_properties(cursor, OP_DEFAULTS),
        "monitor": read_monitor,
    }
)

KEYWORDS: Final = tuple(_READERS)
"""The first words of the statements that are understood."""

_NOT_YET: Final = frozenset(
    {
        "rsc_ticket",
        "bundle",
        "fencing_topology",
        "fencing-topology",
        "tag",
        "alert",
        "role",
        "acl_target",
        "acl_group",
        "user",
        "xml",
    }
)


def parse_text(text: str) -> tuple[list[Statement], list[Diagnostic]]:
    """The well-formed statements of a text, and what is wrong with the others, both in the order of the text."""
    lines, found = scan(text)
    statements: list[Statement] = []
    for line in lines:
        try:
            statements.append(parse_words(line.words))
        except SyntaxRefused as refused:
            found.append(refused.diagnostic)
    found.sort(key=lambda d: (d.line, d.column))
    return statements, found


def parse_words(words: tuple[Word, ...]) -> Statement:
    """One statement; raises `SyntaxRefused`."""
    keyword = words[0].text.lower()
    reader = _READERS.get(keyword)
    if reader is None:
        if keyword in _NOT_YET:
            raise SyntaxRefused(words[0].finding("not-supported", f"'{keyword}' is not supported yet"))
        hint = suggest(keyword, KEYWORDS)
        raise SyntaxRefused(words[0].finding("unknown-statement", f"'{words[0].text}' is no statement", hint))
    cursor = Cursor(words)
    item = reader(cursor)
    cursor.finish()
    return Statement(words, item)
