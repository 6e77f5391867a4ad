"""The parser: text into statements; it goes on after an error and reports every one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Final

import msgspec

from hashelld.cib.document import OP_DEFAULTS, PROPERTY, RSC_DEFAULTS, Properties
from hashelld.cib.lang.administration import read_acl_target, read_alert, read_topology
from hashelld.cib.lang.bundle import read_bundle
from hashelld.cib.lang.constraints import read_colocation, read_location, read_order, read_ticket
from hashelld.cib.lang.cursor import Cursor, SyntaxRefused
from hashelld.cib.lang.diagnostic import Diagnostic, suggest
from hashelld.cib.lang.fragment import read_fragment, read_lifetime, read_unknown, tail_of
from hashelld.cib.lang.objects import (
    read_clone,
    read_group,
    read_master,
    read_monitor,
    read_node,
    read_primitive,
    read_promotable,
    read_properties,
    read_tag,
    read_template,
)
from hashelld.cib.lang.rights import read_role
from hashelld.cib.lang.tokens import Word, scan
from hashelld.cib.lang.tree import Fragment, Item, Monitor, Statement
from hashelld.model.administration import Alert
from hashelld.model.constraint import Colocation, Location, Order, TicketConstraint
from hashelld.model.node import Node
from hashelld.model.resource import Bundle, Clone, Group, Primitive, Template


_READERS: Final = MappingProxyType[str, Callable[[Cursor], Item]](
    {
        "node": read_node,
        "primitive": read_primitive,
        "rsc_template": read_template,
        "group": read_group,
        "clone": read_clone,
        "promotable": read_promotable,
        "ms": read_master,
        "master": read_master,
        "bundle": read_bundle,
        "tag": read_tag,
        "location": read_location,
        "colocation": read_colocation,
        "collocation": read_colocation,
        "order": read_order,
        "rsc_ticket": read_ticket,
        "fencing_topology": read_topology,
        "fencing-topology": read_topology,
        "property": partial(read_properties, kind=PROPERTY),
        "rsc_defaults": partial(read_properties, kind=RSC_DEFAULTS),
        "op_defaults": partial(read_properties, kind=OP_DEFAULTS),
        "alert": read_alert,
        "role": read_role,
        "acl_target": read_acl_target,
        "acl_group": partial(read_acl_target, is_group=True),
        "monitor": read_monitor,
        "xml": read_fragment,
    }
)

KEYWORDS: Final = tuple(_READERS)
"""The first words of the statements that are understood."""

_GONE: Final = {"user": "users and their rights are written with role and acl_target"}


def parse_text(text: str) -> tuple[list[Statement], list[Diagnostic]]:
    """The well-formed statements of a text, and what is wrong with the others, both in the order of the text."""
    lines, found = scan(text)
    statements: list[Statement] = []
    for line in lines:
        try:
            statements.append(parse_words(line.words, line.comments))
        except SyntaxRefused as refused:
            found.extend(refused.diagnostics)
    found.sort(key=lambda d: (d.line, d.column))
    return statements, found


def parse_words(words: tuple[Word, ...], comments: tuple[str, ...] = ()) -> Statement:
    """One statement; raises `SyntaxRefused`."""
    keyword = words[0].text.lower()
    reader = _READERS.get(keyword)
    if reader is None:
        hint = _GONE.get(keyword) or suggest(keyword, KEYWORDS)
        raise SyntaxRefused((words[0].finding("unknown-statement", f"'{words[0].text}' is no statement", hint),))
    at = len(words) if reader is read_fragment else tail_of(words)
    cursor = Cursor(words[:at])
    item = reader(cursor)
    cursor.finish()
    if cursor.found:
        raise SyntaxRefused(tuple(cursor.found))
    if at < len(words):
        item = _with_tail(item, Cursor((words[at - 1], *words[at:])))
    return Statement(words, _with_comments(item, comments))


def _with_tail(item: Item, cursor: Cursor) -> Item:
    if isinstance(item, Location | Colocation | Order | TicketConstraint):
        lifetime = read_lifetime(cursor)
        item = msgspec.structs.replace(item, lifetime=lifetime)
    if isinstance(
        item,
        Node | Primitive | Template | Group | Clone | Bundle | Location | Colocation | Order | TicketConstraint
        | Properties | Alert,
    ):  # fmt: skip
        item = msgspec.structs.replace(item, unknown=read_unknown(cursor))
    cursor.finish()
    if cursor.found:
        raise SyntaxRefused(tuple(cursor.found))
    return item


def _with_comments(item: Item, comments: tuple[str, ...]) -> Item:
    if not comments or isinstance(item, Monitor):
        return item
    if isinstance(item, Fragment):
        *inner, outer = item.objects
        outer = msgspec.structs.replace(outer, comments=(*comments, *outer.comments))
        return Fragment(objects=(*inner, outer))
    return msgspec.structs.replace(item, comments=comments)
