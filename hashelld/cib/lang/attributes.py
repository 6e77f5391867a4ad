"""Reading attribute sets (`params`, `meta`, `utilization`, `attributes`) and operations."""

from __future__ import annotations

from typing import Final

from hashelld.cib.lang.cursor import SCORE_TOKEN, Cursor
from hashelld.cib.lang.tokens import Word
from hashelld.model.resource import AttributeSet, NvPair, Operation


PARAMS, META, UTILIZATION, ATTRIBUTES = "params", "meta", "utilization", "attributes"
OPERATIONS: Final = "operations"

NODE_SECTIONS: Final = frozenset({ATTRIBUTES, UTILIZATION})
CONTAINER_SECTIONS: Final = frozenset({PARAMS, META})
PRIMITIVE_SECTIONS: Final = frozenset({PARAMS, META, UTILIZATION, OPERATIONS, "op"})
OPERATION_SECTIONS: Final = frozenset({"op_params", "op_meta"})
KEYWORDS: Final = PRIMITIVE_SECTIONS | OPERATION_SECTIONS | NODE_SECTIONS | {"rule", "description"}
"""Words that a bare name must not look like; the formatter quotes them."""

OPERATION_OPTIONS: Final = (
    "interval",
    "timeout",
    "start-delay",
    "interval-origin",
    "on-fail",
    "enabled",
    "record-pending",
    "role",
    "requires",
    "description",
)


def read_set(cursor: Cursor, keywords: frozenset[str]) -> AttributeSet:
    """One attribute set, up to the next keyword or the end."""
    id_ref = cursor.take_option("$id-ref")
    if id_ref is not None:
        word = cursor.next
        if word is not None and cursor.peek_keyword(keywords) is None:
            cursor.refuse(word, "unexpected-word", f"nothing may follow $id-ref={id_ref} in a set")
        return AttributeSet(id_ref=id_ref)
    set_id = cursor.take_option("$id")
    score = cursor.take_score()
    refuse_rule(cursor)
    pairs = _read_pairs(cursor, keywords)
    return AttributeSet(pairs, id=set_id, score=score)


def refuse_rule(cursor: Cursor) -> None:
    """Rules are part of the language but not of this version."""
    word = cursor.next
    if word is not None and cursor.peek_keyword(("rule",)):
        cursor.refuse(word, "not-supported", "rules are not supported yet")


def _read_pairs(cursor: Cursor, keywords: frozenset[str]) -> tuple[NvPair, ...]:
    pairs: list[NvPair] = []
    seen: set[str] = set()
    while cursor.next is not None and cursor.peek_keyword(keywords) is None:
        refuse_rule(cursor)
        word = cursor.take("name=value")
        pair = _read_pair(cursor, word)
        if pair.name and pair.name in seen:
            cursor.refuse(word, "duplicate-name", f"'{pair.name}' is given twice")
        seen.add(pair.name)
        pairs.append(pair)
    return tuple(pairs)


def _read_pair(cursor: Cursor, word: Word) -> NvPair:
    text = word.text
    if text.startswith("@") and len(text) > 1:
        id_ref, _, name = text[1:].partition(":")
        return NvPair(name, id_ref=id_ref)
    head, equals, value = text.partition("=")
    pair_id = None
    if head.startswith("$"):
        if head in ("$id", "$id-ref"):
            cursor.refuse(word, "misplaced-id", f"{head} must be the first word of its set")
        pair_id, _, name = head[1:].partition(":")
        head = name or pair_id
    elif not equals and not word.is_quoted and SCORE_TOKEN.match(text):
        cursor.refuse(
            word, "misplaced-score", f"the score '{text}' must come first in its set", "or name=value is meant"
        )
    if not head:
        cursor.refuse(word, "bad-attribute", f"'{text}' has no name", "write name=value")
    return NvPair(head, value if equals else None, pair_id)


def read_operation(cursor: Cursor, keywords: frozenset[str]) -> Operation:
    """What follows `op`: its name, its options, its parameters."""
    name = cursor.take("the operation's name")
    if "=" in name.text:
        cursor.refuse(name, "incomplete", f"the operation's name is missing before '{name.text}'", "op monitor …")
    ends = keywords | OPERATION_SECTIONS
    options, rest, op_id = _read_options(cursor, ends)
    params = [AttributeSet(rest)] if rest else []
    meta: list[AttributeSet] = []
    while (section := cursor.take_keyword(OPERATION_SECTIONS)) is not None:
        (params if section == "op_params" else meta).append(read_set(cursor, ends))
    if not any(option.name == "interval" for option in options):
        options = (*options, NvPair("interval", "0"))
    return Operation(name.text, options, tuple(params), tuple(meta), op_id)


def _read_options(cursor: Cursor, ends: frozenset[str]) -> tuple[tuple[NvPair, ...], tuple[NvPair, ...], str | None]:
    options: list[NvPair] = []
    rest: list[NvPair] = []
    op_id: str | None = None
    seen: set[str] = set()
    while cursor.next is not None and cursor.peek_keyword(ends) is None:
        word = cursor.take("name=value")
        name, equals, value = word.text.partition("=")
        is_option = bool(equals) and (name in OPERATION_OPTIONS or name == "id")
        if name in seen:
            cursor.refuse(word, "duplicate-name", f"'{name}' is given twice")
        seen.add(name)
        if not is_option:
            rest.append(_read_pair(cursor, word))
        elif rest:
            cursor.refuse(
                word,
                "misplaced-option",
                f"the option '{name}' must come before the parameter '{rest[0].name}'",
                "options first, then parameters",
            )
        elif name == "id":
            op_id = value
        else:
            options.append(NvPair(name, value))
    return tuple(options), tuple(rest), op_id
